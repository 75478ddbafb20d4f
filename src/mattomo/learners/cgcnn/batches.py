"""Batches of graphs: drawn evenly over sizes, padded to fixed shapes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mattomo.learners.cgcnn.edge import TILE, Edges
from mattomo.learners.cgcnn.model import Batch
from mattomo.projections.graphs import Graphs, Ints


@dataclass(frozen=True)
class Shape:
    """Room of a padded batch: crystals, nodes, edges, distinct bond lengths."""

    crystals: int
    nodes: int
    edges: int
    lengths: int


def stratified(sizes: Ints, batch_size: int, rng: np.random.Generator) -> list[Ints]:
    """Random batches of nearly equal size: each takes one random crystal of every size stratum.

    Parameters
    ----------
    sizes : ndarray of int64, shape (n,)
        Cost of each crystal, e.g. its number of edges.
    batch_size : int
        Largest number of crystals of a batch; batches differ by at most one crystal.
    rng : numpy Generator

    Returns
    -------
    list of ndarray of int64
        Positions into ``sizes``; every crystal appears once.
    """
    n = len(sizes)
    n_batches = -(-n // batch_size)
    # Random order among equal sizes, so that strata change from epoch to epoch.
    order = np.lexsort((rng.random(n), sizes))
    n_strata = -(-n // n_batches)
    strata = np.full(n_strata * n_batches, -1, dtype=np.int64)
    strata[:n] = order
    # Every stratum is dealt to the batches in an order of its own.
    deal = rng.random((n_strata, n_batches)).argsort(axis=1)
    dealt = np.take_along_axis(strata.reshape(n_strata, n_batches), deal, axis=1)
    return [column[column >= 0] for column in dealt.T]


def shape_for(graphs: Graphs, batches: Iterable[Ints]) -> Shape:
    """A convenient room that holds every one of ``batches``; see `shapes_for`."""
    return shapes_for([graphs], batches)[0]


def shapes_for(each: Sequence[Graphs], batches: Iterable[Ints]) -> list[Shape]:
    """For each of several graphs of the same n crystals, a convenient room that holds every batch.

    Where that is enough, its size comes from the mean over all graphs and from how far the mean of a
    random part may lie from it, so that different splits of one table share a compiled program.

    Parameters
    ----------
    each : sequence of Graphs
    batches : iterable of ndarray of int64
        Positions of crystals. They are taken one at a time, so that those of many epochs need not be held.
    """
    n = len(each[0])
    lengths = [
        np.diff(offsets) for g in each for offsets in (g.node_offsets, g.edge_offsets, g.distance_offsets)
    ]
    counts = np.stack(lengths, axis=1)
    seen = np.zeros(n, dtype=bool)
    needed = np.zeros(len(lengths), dtype=np.int64)
    crystals = 0
    for batch in batches:
        seen[batch] = True
        crystals = max(crystals, len(batch))
        np.maximum(needed, counts[batch].sum(axis=0), out=needed)
    used = int(seen.sum())
    if not used:
        raise ValueError("no batches to make room for")
    share = np.sqrt((1 - used / n) / used)
    # A stratified batch lies within the range of the lengths of the mean batch, most within half.
    most = [
        max(int(least), int(crystals * (own.mean() + 2.5 * own.std() * share) + np.ptp(own) / 2))
        for own, least in zip(lengths, needed, strict=True)
    ]
    # One node and edge more than needed: padding edges attach to a padding node.
    return [
        Shape(
            crystals=crystals,
            nodes=roomy(nodes + 1),
            edges=roomy(edges + 1, TILE),
            lengths=roomy(max(1, distances)),
        )
        for nodes, edges, distances in zip(most[::3], most[1::3], most[2::3], strict=True)
    ]


def roomy(n: int, multiple: int = 8) -> int:
    """``n`` rounded up in steps of about 3 %, so that similar batches share one compiled program."""
    step = max(multiple, 1 << max(0, n.bit_length() - 6))
    return -(-n // step) * step


def padded(graphs: Graphs, crystals: Ints, shape: Shape, dtype: type = np.float32) -> Batch:
    """The batch of ``crystals`` (positions in ``graphs``) in a room of ``shape``."""
    g = graphs.take(crystals)
    n_nodes = np.diff(g.node_offsets)
    crystal = np.repeat(np.arange(len(crystals)), n_nodes)

    def fill(array: NDArray[Any], n: int, kind: type, rest: float = 0) -> Any:
        if len(array) > n:
            raise ValueError(f"a batch of {len(array)} does not fit in a room of {n}")
        out: NDArray[Any] = np.full((n, *array.shape[1:]), rest, dtype=kind)
        out[: len(array)] = array
        return out

    last_node, last_crystal = shape.nodes - 1, shape.crystals - 1
    return Batch(
        Z=fill(g.Z, shape.nodes, np.int32),
        node_weight=fill(g.node_weight, shape.nodes, dtype),
        crystal=fill(crystal, shape.nodes, np.int32, last_crystal),
        pool_weight=fill(g.node_weight / g.sites[crystal], shape.nodes, dtype),
        edges=Edges(
            centre=fill(g.centre, shape.edges, np.int32, last_node),
            neighbour=fill(g.neighbour, shape.edges, np.int32, last_node),
            bond=fill(g.edge_distance, shape.edges, np.int32, shape.lengths - 1),
            weight=fill(g.edge_weight, shape.edges, dtype),
            total_weight=fill(g.edge_weight * g.node_weight[g.centre], shape.edges, dtype),
        ),
        length=fill(g.distance, shape.lengths, dtype),
        crystal_weight=fill(np.ones(len(crystals)), shape.crystals, dtype),
        values=fill(g.values, shape.nodes, dtype) if g.values.shape[1] else None,
    )
