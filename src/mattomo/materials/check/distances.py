"""A fingerprint of a crystal that does not depend on its cell: mean distances to the k-th neighbours.

The vector of distances from an atom to its first, second, ... neighbour, averaged over the atoms, is the
average minimum distance of Widdowson et al., MATCH Commun. Math. Comput. Chem. 87, 529 (2022). Taken for each
pair of elements apart it also tells orderings of the same lattice. It changes continuously with the
coordinates: displacing every atom by less than d changes no number by more than 2 d.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mattomo.materials.table import Structures

COUNT = 32
"""Neighbours of each element that are told apart; fcc and hcp differ from the 19th on."""

REACH = 2.2
"""Distances end at this multiple of the cube root of the volume per atom (45 atoms on average) ..."""

LONGEST = 8.0
"""... and at this many Å."""


def neighbour_distances(
    structures: Structures,
    rows: NDArray[np.int64],
    elements: NDArray[np.int64],
    reach: float,
    neighbours: int = COUNT,
) -> NDArray[np.float64]:
    """Mean distance to the k-th neighbour, for each pair of elements.

    Parameters
    ----------
    structures : Structures
    rows : ndarray of int64, shape (m,)
        Positions of crystals that hold all of these elements and no other.
    elements : ndarray of int64, shape (k,)
        Atomic numbers.
    reach : float
        Distances beyond, in Å, and missing neighbours count as this.
    neighbours : int
        Of each element.

    Returns
    -------
    ndarray of float64, shape (m, k, k, neighbours)
        In Å, by element of the atom, element of the neighbour, and rank.
    """
    import vesin  # which imports torch where that is installed: seconds

    k = len(elements)
    found = np.empty((len(rows), k, k, neighbours))
    search = vesin.NeighborList(cutoff=reach, full_list=True)
    for place, row in enumerate(rows.tolist()):
        sites = slice(structures.offsets[row], structures.offsets[row + 1])
        lattice, frac = structures.lattice[row], structures.frac_coords[sites]
        kind = np.searchsorted(elements, structures.Z[sites])
        i, j, d = search.compute(points=frac @ lattice, box=lattice, periodic=True, quantities="ijd")
        key = i.astype(np.int64) * k + kind[j]
        # one integer sorts faster than two keys; 1e-8 Å is below any tolerance
        order = np.argsort((key << 32) + np.rint(d * 1e8).astype(np.int64))
        key, d = key[order], d[order]
        counts = np.bincount(key, minlength=len(frac) * k)
        rank = np.arange(len(key)) - np.repeat(np.cumsum(counts) - counts, counts)
        near = rank < neighbours
        ranked = np.full((len(frac) * k, neighbours), reach)
        ranked[key[near], rank[near]] = d[near]
        sums = np.zeros((k, k, neighbours))
        np.add.at(sums, kind, ranked.reshape(len(frac), k, neighbours))
        found[place] = sums / np.bincount(kind, minlength=k)[:, None, None]
    return found
