"""What a unit costs: processor seconds and bytes, from the sizes of its data.

The constants are seconds of one core of a 2.6 GHz Xeon with AVX-512, fitted with ``benchmarks/planner.py``;
`mattomo.study.pace` tells how much slower another machine is. Nothing here depends on the machine,
so that plans are the same everywhere.

What they rest on: a step of the network takes a time in proportion to nodes and edges, padding included. A
tree takes a time in proportion to its leaves times the bins of all columns, plus rows times columns. How many
trees a model grows is decided by early stopping, which nobody knows before: `_trees`, `_trees_of_residuals`
and `_rounds` are means over many properties, and a single one takes from a third of it to twice as many.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mattomo.learners.base import Split, Task
from mattomo.learners.conditional import most_rounds
from mattomo.learners.trees import Trees, leaves_for
from mattomo.projections.descriptors import Table
from mattomo.projections.graphs import Graphs, Ints

#: Seconds of a model: each step, each node and each edge of a batch, forward and backward;
_STEP, _STEP_NODE, _STEP_EDGE = 2.0e-4, 3.2e-6, 8.3e-7
#: the same forward only; an added input of the head;
_LOOK, _LOOK_NODE, _LOOK_EDGE, _HEAD = 2e-5, 1.0e-6, 2.1e-7, 1.5e-6
#: of a batch, whatever the number of models, and of each of its edges;
_BATCH, _BATCH_EDGE = 4e-4, 4e-8
#: of drawing the batches of an epoch, for each training row.
_DEAL = 8e-7
#: Seconds before a fresh worker takes its first step, and bytes it then holds.
_NETWORK_START, _NETWORK_REST = 4.8, 510e6
#: Bytes of a step for each node, edge and length of a batch.
_NODE_BYTES, _EDGE_BYTES, _LENGTH_BYTES = 14000, 60, 80
#: Of one model: weights, momenta, best weights, and copies; for each row of the added weights.
_MODEL_BYTES, _ADDED_BYTES = 1.6e6, 2600

#: Seconds of a tree: each leaf times the bins of all columns, and each training row times column;
_LEAF_BIN, _ROW_COLUMN = 6.3e-9, 1.5e-9
#: of making a data set, each row times column; of a prediction, each row times tree.
_MADE, _ASKED = 1.0e-7, 2.5e-8
_TREES_START, _TREES_REST = 1.2, 215e6
#: Rows that tell the bins of a column.
_SAMPLE = 2000
#: Seconds and bytes of a placebo of one row, and seconds of each level of a category.
_DRAW, _DRAW_LEVEL, _DRAW_BYTES = 4e-7, 2e-9, 24


class Cost(NamedTuple):
    """What a unit takes of one worker.

    Attributes
    ----------
    start : float
        Processor seconds that a worker needs once before it can train such units.
    seconds : float
        Processor seconds of the unit itself.
    private : float
        Bytes of its own, most at a time.
    shared : float
        Bytes of the base representation, which all workers of a machine share.
    """

    start: float
    seconds: float
    private: float
    shared: float


@dataclass(frozen=True)
class GraphSizes:
    """Sizes of the graphs of n crystals, each of shape (n,)."""

    nodes: Ints
    edges: Ints
    lengths: Ints
    bytes: float

    @classmethod
    def of(cls, graphs: Graphs) -> GraphSizes:
        """Those of ``graphs``."""
        held = sum(a.nbytes for a in vars(graphs).values() if isinstance(a, np.ndarray))
        return cls(
            nodes=np.diff(graphs.node_offsets),
            edges=np.diff(graphs.edge_offsets),
            lengths=np.diff(graphs.distance_offsets),
            bytes=float(held),
        )


@dataclass(frozen=True)
class TableSizes:
    """Sizes of a table: rows, columns that vary, and the bins of all of them."""

    rows: int
    columns: int
    bins: int
    bytes: float

    @classmethod
    def of(cls, table: Table) -> TableSizes:
        """Those of ``table``; bins from evenly spaced rows."""
        n, d = table.values.shape
        sample = np.sort(table.values[:: max(1, n // _SAMPLE)], axis=0)
        distinct = 1 + (np.diff(sample, axis=0) > 0).sum(axis=0)
        varying = distinct > 1
        bins = int(np.minimum(distinct[varying], Trees.bins).sum())
        return cls(n, int(varying.sum()), bins, float(n * d * 8))


def network(
    sizes: GraphSizes,
    split: Split,
    tasks: Sequence[Task],
    levels: Mapping[str, int],
    *,
    epochs: int,
    batch_size: int,
    swaps: int,
) -> Cost:
    """Cost of a unit of the graph network, one model after the other on one core.

    Parameters
    ----------
    sizes : GraphSizes
        Of all graphs the rows of ``split`` are taken from.
    split : Split
    tasks : sequence of K Task
    levels : mapping of str to int
        Of added properties that are categories.
    epochs, batch_size : int
    swaps : int
        Placebos of each added property.
    """
    k, n_train, n_test = len(tasks), len(split.train), len(split.test)
    used = np.concatenate([split.train, split.validation, split.test])
    train = _Batches.of(sizes, used, split.train, batch_size)
    validation = _Batches.of(sizes, used, split.validation, batch_size)
    test = _Batches.of(sizes, used, split.test, batch_size)
    one_epoch = train.n * (_BATCH + _BATCH_EDGE * train.edges + k * train.step) + _DEAL * n_train
    seconds = epochs * (one_epoch + k * validation.look) + k * (validation.look + test.look)
    slots = max((len(task.added) for task in tasks), default=0)
    if swaps:
        seconds += slots * k * (test.look + swaps * n_test * _HEAD) + _drawing(tasks, levels, swaps, n_test)
    width = max((sum(levels.get(name, 1) for name in task.added) for task in tasks), default=0)
    room = max((train, validation, test), key=lambda b: b.bytes)
    held = sum(
        b.n * (16 * b.nodes + 20 * b.edges + 4 * b.lengths + 8 * k * b.crystals) for b in (validation, test)
    )
    private = (
        _NETWORK_REST
        + room.bytes
        + held
        + k * (_MODEL_BYTES + _ADDED_BYTES * width)
        + 20 * k * len(used)
        + 60 * n_train
        + slots * k * swaps * n_test * _DRAW_BYTES
    )
    shared = sizes.bytes
    if len(used) < len(sizes.nodes):  # a worker takes its rows out of all
        private += sizes.bytes * len(used) / len(sizes.nodes)
    return Cost(_NETWORK_START, seconds, private, shared)


@dataclass(frozen=True)
class _Batches:
    """``n`` batches of equal room."""

    n: int
    crystals: int
    nodes: float
    edges: float
    lengths: float

    @classmethod
    def of(cls, sizes: GraphSizes, used: Ints, rows: Ints, batch_size: int) -> _Batches:
        """As `mattomo.learners.cgcnn.batches.shape_for` makes room for them."""
        n = max(1, -(-len(rows) // batch_size))
        crystals = -(-len(rows) // n)

        def room(lengths: Ints) -> float:
            own = lengths[used]
            spread = own.std() * np.sqrt((1 - len(rows) / len(used)) / max(len(rows), 1))
            return float(1.015 * (crystals * (own.mean() + 2.5 * spread) + np.ptp(own) / 2))

        return cls(n, crystals, room(sizes.nodes), room(sizes.edges), room(sizes.lengths))

    @property
    def step(self) -> float:
        """Seconds of one step of one model."""
        return _STEP + _STEP_NODE * self.nodes + _STEP_EDGE * self.edges

    @property
    def look(self) -> float:
        """Seconds of one model's predictions for all batches."""
        return self.n * (_LOOK + _LOOK_NODE * self.nodes + _LOOK_EDGE * self.edges)

    @property
    def bytes(self) -> float:
        """Of one step."""
        return _NODE_BYTES * self.nodes + _EDGE_BYTES * self.edges + _LENGTH_BYTES * self.lengths


def trees(
    sizes: TableSizes, split: Split, tasks: Sequence[Task], levels: Mapping[str, int], *, swaps: int
) -> Cost:
    """Cost of a unit of gradient-boosted trees; see `network` for the parameters."""
    used = len(split.train) + len(split.validation) + len(split.test)
    n_trees = _trees(len(split.train))
    one = growing(sizes, len(split.train), used, n_trees, leaves_for(len(split.train)))
    asked = sum(len(task.added) for task in tasks) * swaps * len(split.test)
    seconds = len(tasks) * one + asked * n_trees * _ASKED
    if swaps:
        seconds += _drawing(tasks, levels, swaps, len(split.test))
    private = _TREES_REST + _fit_bytes(sizes, used) + asked * 4 + 28 * swaps * len(split.test)
    if used < sizes.rows:
        private += sizes.bytes * used / sizes.rows
    return Cost(_TREES_START, seconds, private, sizes.bytes)


def conditionals(sizes: TableSizes, split: Split, levels: Sequence[int]) -> Cost:
    """Cost of what a representation tells of properties, given the levels of each; 1 is a scalar."""
    used = len(split.train) + len(split.validation) + len(split.test)
    n_train = len(split.train)
    seconds = private = 0.0
    for n in levels:
        if n == 1:
            seconds += growing(sizes, n_train, used, _trees_of_residuals(n_train), leaves_for(n_train))
        else:
            seconds += growing(sizes, n_train, used, _rounds(n_train, n) * n, 15, share=0.6)
            seconds += (len(split.validation) * 26 + len(split.test)) * n * 3e-8
            private = max(private, n * (24 * n_train + 60 * (used - n_train)))
    return Cost(_TREES_START, seconds, _TREES_REST + _fit_bytes(sizes, used) + private, sizes.bytes)


def convolving(edges: float) -> float:
    """Seconds of the edges of one of three convolutions, in a step, forward and backward."""
    return _STEP_EDGE * edges / 3


def growing(
    sizes: TableSizes, n_train: int, used: int, n_trees: float, leaves: int, share: float = 1.0
) -> float:
    """Seconds of growing trees on ``n_train`` of ``used`` rows; ``share`` of the bins are used."""
    one = leaves * sizes.bins * share * _LEAF_BIN + n_train * sizes.columns * _ROW_COLUMN
    return n_trees * one + used * sizes.columns * _MADE


def _fit_bytes(sizes: TableSizes, used: int) -> float:
    # All inputs, their parts, and the bins.
    width = sizes.bytes / max(sizes.rows, 1)
    return used * (2 * width + width / 8)


def _trees(n_train: int) -> float:
    """Trees of a model, on average; 500 at most."""
    return min(460.0, 190.0 * math.pow(n_train / 600, 0.3))


def _trees_of_residuals(n_train: int) -> float:
    """Trees of what ridge regression leaves, on average: with more rows they go on for longer."""
    return min(460.0, 215.0 * math.pow(n_train / 600, 0.4))


def _rounds(n_train: int, n_levels: int) -> float:
    """Rounds of a classifier, on average; of many levels it learns faster, and stops earlier."""
    share = 1.0 if n_levels < 20 else 0.78
    return share * most_rounds(n_levels) * min(1.0, 0.25 + n_train / 18_000)


def _drawing(tasks: Sequence[Task], levels: Mapping[str, int], swaps: int, n_test: int) -> float:
    names = {name for task in tasks for name in task.added}
    return swaps * n_test * sum(_DRAW + _DRAW_LEVEL * levels.get(name, 1) for name in names)
