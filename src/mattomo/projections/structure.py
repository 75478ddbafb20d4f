"""The structure projection: crystal graphs of the twelve nearest neighbours (Xie & Grossman 2018)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mattomo.materials.table import Structures
from mattomo.projections.graphs import Floats, Graphs, Ints, concatenate
from mattomo.projections.quotient import quotient as merge

Ties = Literal["shared", "first"]

#: Distances closer than this (Å) are one distance: above the noise of stored coordinates, below chemistry.
SAME_DISTANCE = 1e-4
#: No class of equal distances may be wider than this (Å), however many small gaps chain up.
_WIDEST_CLASS = 1e-3
#: Edges this far (Å) beyond the last neighbour are kept until ties are settled.
_MARGIN = 1e-2
#: Search radii tried in turn as shares of the cutoff: most crystals have 12 neighbours within 4 Å.
_SHELLS = (0.5, 0.7, 1.0)
_CHUNK = 512


def crystal_graphs(
    structures: Structures,
    *,
    neighbours: int = 12,
    radius: float = 8.0,
    ties: Ties = "shared",
    quotient: bool = True,
    values: Floats | None = None,
    progress: Callable[[int], None] | None = None,
) -> Graphs:
    """Graphs of the nearest neighbours of every site.

    Parameters
    ----------
    structures : Structures
        n crystals. A material without a structure gets an empty graph.
    neighbours : int
        Neighbours kept for each site.
    radius : float
        Largest bond length, in Å.
    ties : {"shared", "first"}
        What to do when several neighbours lie at the last distance: ``"shared"`` lets them share the
        remaining places equally, so that the result does not depend on the order of sites or the choice
        of the cell; ``"first"`` keeps the first ones, as the original implementation does.
    quotient : bool
        Merge equivalent sites (exact for three convolutions, see `mattomo.projections.quotient`).
    values : ndarray of float64, shape (N, v), optional
        Further values of each site; equivalent sites then have equal values, too.
    progress : callable, optional
        Called with the number of crystals finished since the last call.

    Returns
    -------
    Graphs
        n graphs; sites with no neighbour within the radius have no edges.

    Examples
    --------
    >>> import mattomo as mt
    >>> graphs = crystal_graphs(mt.load("mp1000").structures)
    >>> len(graphs)
    1000
    """
    n = len(structures.lattice)
    parts = []
    for start in range(0, n, _CHUNK):
        stop = min(start + _CHUNK, n)
        part = _chunk_graphs(structures, start, stop, neighbours, radius, ties)
        if values is not None:
            sites = slice(structures.offsets[start], structures.offsets[stop])
            part = replace(part, values=values[sites])
        parts.append(merge(part) if quotient else part)
        if progress is not None:
            progress(stop - start)
    if not parts:
        parts = [_chunk_graphs(structures, 0, 0, neighbours, radius, ties)]
    return concatenate(parts)


def _chunk_graphs(
    structures: Structures, start: int, stop: int, neighbours: int, radius: float, ties: Ties
) -> Graphs:
    offsets = structures.offsets[start : stop + 1] - structures.offsets[start]
    sites = slice(structures.offsets[start], structures.offsets[stop])
    Z, frac = structures.Z[sites], structures.frac_coords[sites]
    found = [
        _pairs(structures.lattice[start + k], frac[offsets[k] : offsets[k + 1]], neighbours, radius)
        for k in range(stop - start)
    ]
    counts = np.array([len(d) for _, _, d in found], dtype=np.int64)
    shift = np.repeat(offsets[:-1], counts)
    empty: list[NDArray[np.generic]] = [np.zeros(0)]
    centre = np.concatenate([f[0] for f in found] or empty).astype(np.int64) + shift
    neighbour = np.concatenate([f[1] for f in found] or empty).astype(np.int64) + shift
    length = np.concatenate([f[2] for f in found] or empty).astype(np.float64)

    order = _by_length_within(centre, length)
    centre, neighbour, length = centre[order], neighbour[order], length[order]
    first = np.searchsorted(centre, np.arange(len(Z)))
    n_found = np.diff(np.append(first, len(centre)))
    last = first + np.minimum(n_found, neighbours) - 1
    furthest = np.where(n_found > 0, length[np.maximum(last, 0)] if len(length) else 0.0, 0.0)
    keep = length <= furthest[centre] + _MARGIN
    centre, neighbour, length = centre[keep], neighbour[keep], length[keep]

    crystal = np.repeat(np.arange(stop - start), np.diff(offsets))
    distance, edge_distance = _distance_classes(crystal[centre], length)
    edge_weight = _settle_ties(centre, edge_distance, len(Z), neighbours, ties)
    used = edge_weight > 0
    centre, neighbour = centre[used], neighbour[used]
    # Some classes belonged only to edges beyond the last neighbour.
    ids, edge_distance = np.unique(edge_distance[used], return_inverse=True)
    edge_crystal = crystal[centre]
    crystal_of_distance = np.zeros(len(ids), dtype=np.int64)
    crystal_of_distance[edge_distance] = edge_crystal
    bounds = np.arange(stop - start + 1)
    return Graphs(
        node_offsets=offsets,
        Z=Z,
        node_weight=np.ones(len(Z)),
        edge_offsets=np.searchsorted(edge_crystal, bounds),
        centre=centre,
        neighbour=neighbour,
        edge_weight=edge_weight[used],
        distance_offsets=np.searchsorted(crystal_of_distance, bounds),
        distance=distance[ids],
        edge_distance=edge_distance,
    )


def _pairs(
    lattice: Floats, frac: Floats, neighbours: int, radius: float
) -> tuple[NDArray[np.generic], NDArray[np.generic], Floats]:
    """All pairs (site, neighbour, distance) within the first radius that gives every site its neighbours."""
    if len(frac) == 0:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0)
    import vesin  # which imports torch where that is installed: seconds

    # Wrapping keeps the search fast for coordinates far outside the cell.
    points = (frac - np.floor(frac)) @ lattice
    for share in _SHELLS:
        cutoff = radius * share
        # The last shell must be found whole, so the search reaches a little further than is accepted.
        search = vesin.NeighborList(cutoff=cutoff + SAME_DISTANCE, full_list=True)
        i, j, d = search.compute(points=points, box=lattice, periodic=True, quantities="ijd")
        if share == _SHELLS[-1]:
            break
        enough = np.bincount(i[d < cutoff - _MARGIN], minlength=len(frac))
        if enough.min() >= neighbours:
            break
    return i, j, d


def _by_length_within(group: Ints, length: Floats) -> Ints:
    """Order by group, then length to 1e-8 Å, then as they stand.

    One integer key sorts twice as fast as two, and rounds alike wherever a crystal stands in the table.
    """
    return np.argsort((group << 36) + np.rint(length * 1e8).astype(np.int64), kind="stable")


def _distance_classes(crystal: Ints, length: Floats) -> tuple[Floats, Ints]:
    """Mean length of each class of equal distances of a crystal, and the class of each edge.

    Classes are numbered by crystal, then by length. They depend only on the set of distances, hence not
    on the order of sites nor on the cell.
    """
    if len(length) == 0:
        return np.zeros(0), np.zeros(0, dtype=np.int64)
    order = _by_length_within(crystal, length)
    sorted_crystal, sorted_length = crystal[order], length[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (np.diff(sorted_crystal) != 0) | (np.diff(sorted_length) > SAME_DISTANCE)
    chain = np.cumsum(new) - 1
    # The order is one of rounded lengths, so a length may lie a hair below the first of its chain.
    step = np.floor((sorted_length - sorted_length[new][chain]) / _WIDEST_CLASS + 1e-4)
    new[1:] |= np.diff(step) != 0
    sorted_class = np.cumsum(new) - 1
    mean = np.bincount(sorted_class, sorted_length) / np.bincount(sorted_class)
    edge_class = np.empty(len(order), dtype=np.int64)
    edge_class[order] = sorted_class
    return mean, edge_class


def _settle_ties(centre: Ints, distance_class: Ints, n_sites: int, neighbours: int, ties: Ties) -> Floats:
    """Weight of each edge: 1 inside the last shell, a share of the remaining places in it, 0 beyond."""
    first = np.searchsorted(centre, np.arange(n_sites))
    count = np.diff(np.append(first, len(centre)))
    rank = np.arange(len(centre)) - first[centre]
    if ties == "first":
        return (rank < neighbours).astype(np.float64)
    if ties != "shared":
        raise ValueError(f"ties must be 'shared' or 'first', not {ties!r}")
    last = first + np.minimum(count, neighbours) - 1
    last_class = np.full(n_sites, -1, dtype=np.int64)
    last_class[count > 0] = distance_class[last[count > 0]]
    inside = distance_class < last_class[centre]
    tied = distance_class == last_class[centre]
    n_inside = np.bincount(centre[inside], minlength=n_sites)
    n_tied = np.maximum(np.bincount(centre[tied], minlength=n_sites), 1)
    share = np.minimum((neighbours - n_inside) / n_tied, 1.0)
    return np.where(inside, 1.0, np.where(tied, share[centre], 0.0))
