"""The composition projection: a complete graph over the atoms of the formula, merged to its elements.

The paper makes CGCNN blind to structure by bonding every site to every other at one distance. All atoms of
an element are then equivalent, so the graph over N atoms collapses, exactly, to one over k elements.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from mattomo.materials.table import Materials, ranges
from mattomo.projections.graphs import Floats, Graphs, Ints

Basis = Literal["reduced", "cell"]

#: The one bond length of the blinded graph, in Å.
BOND = 1.0


def composition_graphs(materials: Materials, *, basis: Basis = "reduced") -> Graphs:
    """Complete graphs over the elements of each formula.

    Parameters
    ----------
    materials : Materials
        n materials.
    basis : {"reduced", "cell"}
        Atoms of the reduced formula (default: a supercell has the same composition), or all sites of the
        stored cell as in the paper's modified CGCNN, which leaks the size of the cell. With ``"cell"``, a
        material without structure falls back to its reduced formula.

    Returns
    -------
    Graphs
        n graphs. An atom is not bonded to itself, so the element a of a formula with n_a atoms has
        n_a - 1 neighbours of its own kind and n_b of any other.

    Raises
    ------
    ValueError
        If ``basis`` is neither of the two.
    """
    c = materials.compositions
    if basis == "reduced":
        amounts = c.amounts
    elif basis == "cell":
        amounts = _cell_amounts(materials)
    else:
        raise ValueError(f"basis must be 'reduced' or 'cell', not {basis!r}")
    k = np.diff(c.offsets)
    nodes = ranges(c.offsets[:-1], k)
    centre = np.repeat(nodes, np.repeat(k, k))
    neighbour = ranges(np.repeat(c.offsets[:-1], k), np.repeat(k, k))
    weight = amounts[neighbour] - (centre == neighbour)
    crystal = np.repeat(np.arange(len(k)), k)
    used = weight > 0
    centre, neighbour = centre[used], neighbour[used]
    return Graphs(
        node_offsets=c.offsets,
        Z=c.Z,
        node_weight=amounts,
        edge_offsets=np.searchsorted(crystal[centre], np.arange(len(k) + 1)),
        centre=centre,
        neighbour=neighbour,
        edge_weight=weight[used],
        distance_offsets=np.arange(len(k) + 1),
        distance=np.full(len(k), BOND),
        edge_distance=crystal[centre],
    )


def _cell_amounts(materials: Materials) -> Floats:
    """Atoms of each element in the stored cell, aligned with ``compositions.Z``."""
    c, s = materials.compositions, materials.structures
    n_sites: Ints = np.diff(s.offsets)
    total = np.add.reduceat(c.amounts, c.offsets[:-1])
    units = np.where(n_sites > 0, n_sites / total, 1.0)
    amounts: Floats = c.amounts * np.repeat(units, np.diff(c.offsets))
    return amounts
