"""When two crystals are one structure: equal formulas and equal distances, whatever the cell.

For each ordered pair of elements (a, b), the distance from an a site to its k-th nearest b neighbour is
averaged over all a sites, once as the mean and once as the root mean square: average minimum distances
(Widdowson et al., MATCH Commun. Math. Comput. Chem. 87, 529 (2022)) told apart by element. They depend
neither on the choice, size and orientation of the cell nor on the order of its sites, and if every atom moves
by at most t, none changes by more than 2 t. The cube root of the volume per atom, a length too, is compared
beside them. Mirror images are one structure.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from mattomo.materials.table import Materials, Structures
from mattomo.projections.graphs import Graphs
from mattomo.projections.structure import crystal_graphs

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

TOLERANCE = 0.01
"""Largest difference between the mean distances of matching structures, in Å.

Between the noise of stored coordinates (below 1e-3 Å) and what chemistry tells apart: two relaxations of one
structure that differ by more count as two materials."""

NEIGHBOURS, RADIUS = 24, 8.0
"""Neighbours of a site that are compared first, within so many Å: two to three shells, so that orderings on
one lattice differ."""

FAR_NEIGHBOURS, FAR_RADIUS = 100, 10.0
"""What is compared of those that match so far: stackings of one kind of layer differ only there."""

_CHUNK = 512


def structure_groups(materials: Materials, *, tolerance: float = TOLERANCE) -> Ints:
    """Codes that are equal for materials of equal formula and matching structure.

    Materials match if all their average distances, and the cube roots of their volumes per atom, differ by at
    most ``tolerance``; groups are closed under chains of matches. Only materials whose formula occurs again
    at nearly the same volume are looked at more closely, which makes a large table a matter of seconds.

    Parameters
    ----------
    materials : Materials
        n materials.
    tolerance : float
        In Å.

    Returns
    -------
    ndarray of int64, shape (n,)
        A material without a structure is alone in its group.

    Raises
    ------
    ValueError
        ``tolerance`` is not positive.

    Examples
    --------
    >>> import mattomo as mt
    >>> len(set(structure_groups(mt.load("mp1000")).tolist()))
    1000
    """
    if not tolerance > 0:
        raise ValueError(f"tolerance must be positive, got {tolerance}")
    n = len(materials)
    formula = np.unique(materials.compositions.formulas, return_inverse=True)[1]
    spacing = _spacing(materials.structures)
    rows = _close(spacing, formula, tolerance)
    found = _matches(materials, rows, formula, spacing, tolerance, NEIGHBOURS, RADIUS)
    rows = np.unique(found)
    rows = rows[np.argsort(formula[rows], kind="stable")]
    found = _matches(materials, rows, formula, spacing, tolerance, FAR_NEIGHBOURS, FAR_RADIUS)
    links = coo_array((np.ones(len(found), dtype=bool), (found[:, 0], found[:, 1])), shape=(n, n))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int64)


def _matches(
    materials: Materials,
    rows: Ints,
    formula: Ints,
    spacing: Floats,
    tolerance: float,
    neighbours: int,
    radius: float,
) -> Ints:
    """Pairs among ``rows`` (sorted by formula) whose average distances match, shape (p, 2)."""
    pairs = []
    for members in _by_formula(rows, formula):
        described = average_distances(materials.take(members).structures, neighbours, radius)
        starts = np.flatnonzero(np.r_[True, np.diff(formula[members]) != 0, True])
        for start, stop in pairwise(starts.tolist()):
            # crystals of one formula have the same pairs of elements, in the same columns
            points = described[start:stop]
            points = np.c_[points[:, ~np.isnan(points).all(axis=0)], spacing[members[start:stop]]]
            near = cKDTree(points).query_pairs(tolerance, p=np.inf, output_type="ndarray")
            pairs.append(members[start:stop][near])
    return np.concatenate(pairs) if pairs else np.zeros((0, 2), dtype=np.int64)


def average_distances(structures: Structures, neighbours: int = NEIGHBOURS, radius: float = RADIUS) -> Floats:
    """Average distances between the elements of each crystal.

    Parameters
    ----------
    structures : Structures
        n crystals.
    neighbours : int
    radius : float
        In Å.

    Returns
    -------
    ndarray of float64, shape (n, w)
        In blocks of ``2 * neighbours`` columns for each ordered pair of a crystal's elements (ascending
        atomic numbers): mean and root mean square, over the sites of the first, of the distance to the k-th
        nearest site of the second, in Å. Distances beyond a site's nearest neighbours, or the radius, are
        cut there. NaN beyond the pairs a crystal has; w follows from the largest number of elements.
    """
    graphs = crystal_graphs(structures, neighbours=neighbours, radius=radius, quotient=False)
    n = len(graphs)
    crystal = np.repeat(np.arange(n), np.diff(graphs.node_offsets))
    kind, n_kinds = _kinds(graphs, crystal)
    most = int(n_kinds.max(initial=0))
    n_edges = np.bincount(graphs.centre, minlength=len(kind))
    length = graphs.distance[graphs.edge_distance]
    furthest = np.full(len(kind), radius)
    full = np.bincount(graphs.centre, graphs.edge_weight, minlength=len(kind)) > neighbours - 0.5
    longest = np.zeros(len(kind))
    np.maximum.at(longest, graphs.centre, length)
    furthest[full & (n_edges > 0)] = longest[full & (n_edges > 0)]

    # rank of each neighbour among those of its element around its site
    group = graphs.centre * max(most, 1) + kind[graphs.neighbour]
    order = np.lexsort((length, group))
    group, length = group[order], length[order]
    rank = np.arange(len(group)) - np.searchsorted(group, group)
    kept = rank < neighbours
    table = np.repeat(furthest, most)[:, None].repeat(neighbours, axis=1)
    table[group[kept], rank[kept]] = np.minimum(length[kept], furthest[group[kept] // max(most, 1)])

    # mean over the sites of an element: (site, b, k) -> (crystal, a, b, k)
    cells = (crystal * most + kind) if most else crystal
    flat = table.reshape(len(kind), most * neighbours)
    by = np.argsort(cells, kind="stable")
    values, starts, counts = np.unique(cells[by], return_index=True, return_counts=True)
    out = np.full((n * most, 2, most * neighbours), np.nan)
    if len(values):
        out[values, 0] = np.add.reduceat(flat[by], starts) / counts[:, None]
        out[values, 1] = np.sqrt(np.add.reduceat(flat[by] ** 2, starts) / counts[:, None])
    blocks = out.reshape(n, most, 2, most, neighbours)
    absent = np.arange(most)[None] >= n_kinds[:, None]
    blocks[np.broadcast_to(absent[:, None, None, :, None], blocks.shape)] = np.nan
    return blocks.transpose(0, 1, 3, 2, 4).reshape(n, most * most * 2 * neighbours)


def _kinds(graphs: Graphs, crystal: Ints) -> tuple[Ints, Ints]:
    """Rank of each site's element among those of its crystal, and number of elements of each crystal."""
    key = crystal * 128 + graphs.Z
    distinct, inverse = np.unique(key, return_inverse=True)
    owner = distinct // 128
    first = np.searchsorted(owner, np.arange(len(graphs) + 1))
    rank = np.arange(len(distinct)) - first[owner]
    return rank[inverse].astype(np.int64), np.diff(first).astype(np.int64)


def _spacing(structures: Structures) -> Floats:
    """Cube root of the volume per atom, in Å; NaN without structure."""
    sites = structures.sites
    spacing = np.full(len(sites), np.nan)
    there = sites > 0
    spacing[there] = np.cbrt(np.abs(np.linalg.det(structures.lattice[there])) / sites[there])
    return spacing


def _close(spacing: Floats, formula: Ints, tolerance: float) -> Ints:
    """Rows whose formula occurs again at nearly the same spacing, sorted by formula."""
    rows = np.flatnonzero(np.isfinite(spacing))
    rows = rows[np.lexsort((spacing[rows], formula[rows]))]
    close = (np.diff(formula[rows]) == 0) & (np.diff(spacing[rows]) <= tolerance)
    near: NDArray[np.bool_] = np.r_[False, close] | np.r_[close, False]
    return rows[near]


def _by_formula(rows: Ints, formula: Ints) -> list[Ints]:
    """Chunks of rows (sorted by formula) that never divide a formula."""
    chunks, start = [], 0
    while start < len(rows):
        stop = min(start + _CHUNK, len(rows))
        while stop < len(rows) and formula[rows[stop]] == formula[rows[stop - 1]]:
            stop += 1
        chunks.append(rows[start:stop])
        start = stop
    return chunks
