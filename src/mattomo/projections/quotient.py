"""Quotient graphs: sites that a graph network cannot tell apart become one weighted node.

Weisfeiler-Lehman colour refinement on the actual neighbour graph. After as many rounds as the network has
convolutions, sites of one colour have the same features at every layer, so computing them once with their
multiplicity is exact (up to the distance classes of the graph). Sites of one element whose further values
differ start with different colours.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mattomo.projections.graphs import Floats, Graphs, Ints

Hashes = NDArray[np.uint64]


def quotient(graphs: Graphs, rounds: int = 3) -> Graphs:
    """Merge the nodes of each graph that `rounds` convolutions cannot tell apart.

    Parameters
    ----------
    graphs : Graphs
        Full (or already merged) graphs of n crystals.
    rounds : int
        Number of convolutions of the network.

    Returns
    -------
    Graphs
        n graphs. Nodes of a class become one node whose weight is the sum of theirs; edges with equal
        centre class, neighbour class and distance become one whose weight is the sum of theirs.
    """
    crystal = np.repeat(np.arange(len(graphs)), np.diff(graphs.node_offsets))
    colour = _refine(graphs, crystal, rounds)
    _, first, inverse = np.unique(colour, return_index=True, return_inverse=True)
    # Classes in order of first appearance keep the crystals contiguous.
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    node_class, representative = rank[inverse], first[order]

    is_representative = np.zeros(len(colour), dtype=bool)
    is_representative[representative] = True
    kept = np.flatnonzero(is_representative[graphs.centre])
    centre = node_class[graphs.centre[kept]]
    neighbour = node_class[graphs.neighbour[kept]]
    bond = graphs.edge_distance[kept]
    by = np.lexsort((bond, neighbour, centre))
    centre, neighbour, bond = centre[by], neighbour[by], bond[by]
    new = np.ones(len(centre), dtype=bool)
    new[1:] = (np.diff(centre) != 0) | (np.diff(neighbour) != 0) | (np.diff(bond) != 0)
    weight = _sums(np.cumsum(new) - 1, graphs.edge_weight[kept][by])
    centre, neighbour, bond = centre[new], neighbour[new], bond[new]

    bounds = np.arange(len(graphs) + 1)
    class_crystal = crystal[representative]
    bond_crystal = np.repeat(np.arange(len(graphs)), np.diff(graphs.distance_offsets))
    bonds, bond = np.unique(bond, return_inverse=True)
    return Graphs(
        node_offsets=np.searchsorted(class_crystal, bounds),
        Z=graphs.Z[representative],
        node_weight=_sums(node_class, graphs.node_weight),
        edge_offsets=np.searchsorted(class_crystal[centre], bounds),
        centre=centre,
        neighbour=neighbour,
        edge_weight=weight,
        distance_offsets=np.searchsorted(bond_crystal[bonds], bounds),
        distance=graphs.distance[bonds],
        edge_distance=bond,
        values=graphs.values[representative],
    )


def _sums(group: Ints, values: Floats) -> Floats:
    """Sum of ``values`` in each group 0, 1, ..."""
    return np.bincount(group, values).astype(np.float64)


def _refine(graphs: Graphs, crystal: Ints, rounds: int) -> Hashes:
    """Colour of every node after ``rounds`` rounds; equal colours only within a crystal."""
    with np.errstate(over="ignore"):
        # Shares of tied places are ratios of small integers: a millionth tells them apart.
        share = np.rint(graphs.edge_weight * 1e6).astype(np.uint64)
        bond = _mix(_mix(graphs.edge_distance.astype(np.uint64) + np.uint64(1)) ^ share)
        colour = _mix(_mix(crystal.astype(np.uint64) + np.uint64(1)) ^ graphs.Z.astype(np.uint64))
        for values in graphs.values.T:
            # The same number bit for bit; zeros of either sign are one.
            colour = _mix(colour ^ _mix(np.ascontiguousarray(values + 0.0).view(np.uint64)))
        has_edges = np.diff(np.searchsorted(graphs.centre, np.arange(len(colour) + 1))) > 0
        starts = np.searchsorted(graphs.centre, np.flatnonzero(has_edges))
        for _ in range(rounds):
            message = _mix(bond ^ (colour[graphs.neighbour] * np.uint64(0x9E3779B97F4A7C15)))
            total = np.zeros_like(colour)
            if len(starts):
                total[has_edges] = np.add.reduceat(message, starts)
            colour = _mix(colour ^ _mix(total + np.uint64(1)))
    return colour


def _mix(x: Hashes) -> Hashes:
    """The finaliser of splitmix64 (Steele, Lea & Flood 2014): a bijection that scatters its input."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
