"""What the models of a group are told: standardised targets and added inputs, and the held-out batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from mattomo.keyed import generator
from mattomo.learners.base import Task, Unit
from mattomo.learners.cgcnn.batches import padded, shape_for, stratified
from mattomo.learners.cgcnn.model import Batch
from mattomo.learners.cgcnn.steps import predict_step, swap_step
from mattomo.projections.graphs import Floats, Graphs, Ints
from mattomo.projections.property import encode, standardiser


class Inputs:
    """Standardised targets and added inputs of every task, ready to be cut into batches."""

    def __init__(self, unit: Unit, tasks: Sequence[Task]) -> None:
        train = unit.split.train
        #: Of each task, what it adds beside the pooled atoms: one slot each.
        self.beside = [unit.beside(task) for task in tasks]
        encoded = {name: encode(unit.columns[name], train) for names in self.beside for name in names}
        self.widths = {name: e.width for name, e in encoded.items()}
        self.width = max([1, *(sum(self.widths[name] for name in names) for names in self.beside)])
        self.slots = slots = max([1, *map(len, self.beside)])
        n = len(unit.base)
        self._index = np.zeros((len(tasks), n, slots), dtype=np.int32)
        self._value = np.zeros((len(tasks), n, slots), dtype=np.float32)
        scaled: list[Floats] = []
        self._mean, self._scale = np.zeros(len(tasks)), np.ones(len(tasks))
        for k, task in enumerate(tasks):
            values = unit.columns[task.target].values.astype(np.float64)
            self._mean[k], self._scale[k] = standardiser(values[train])
            scaled.append((values - self._mean[k]) / self._scale[k])
            row = 0
            for slot, name in enumerate(self.beside[k]):
                self._index[k, :, slot] = encoded[name].index + row
                self._value[k, :, slot] = encoded[name].value
                row += encoded[name].width
        self._targets = np.stack(scaled).astype(np.float32)

    def targets(self, crystals: Ints, room: int) -> NDArray[np.float32]:
        """Standardised targets of a batch, shape (K, room)."""
        return fill(self._targets[:, crystals], room)

    def added(self, crystals: Ints, room: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Rows and values of the added input of a batch, shapes (K, room, slots)."""
        return fill(self._index[:, crystals], room), fill(self._value[:, crystals], room)

    def drawn(
        self, unit: Unit, slot: int, replaced: dict[int, str]
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Added input of the test rows with placebos in one slot, shapes (K, draws, n_test, slots)."""
        test = unit.split.test
        n = len(self._index[0])
        found = {name: encode(unit.drawn(name), unit.split.train) for name in sorted(set(replaced.values()))}
        draws = {(len(e.index) - n) // len(test) for e in found.values()}
        if len(draws) > 1:
            raise ValueError(f"all properties need the same number of placebos, got {sorted(draws)}")
        shape = (len(self._index), draws.pop(), len(test), self.slots)
        index = np.broadcast_to(self._index[:, None, test], shape).copy()
        value = np.broadcast_to(self._value[:, None, test], shape).copy()
        for k, name in replaced.items():
            first = sum(self.widths[before] for before in self.beside[k][:slot])
            index[k, :, :, slot] = found[name].index[n:].reshape(shape[1:3]) + first
            value[k, :, :, slot] = found[name].value[n:].reshape(shape[1:3])
        return index, value

    def unscale(self, predicted: Floats, k: int | None = None) -> Floats:
        """Predictions (K, n) in the unit of each target, or those of model ``k`` alone."""
        if k is not None:
            return predicted * float(self._scale[k]) + float(self._mean[k])
        return predicted * self._scale[:, None] + self._mean[:, None]


class Held:
    """Padded batches of held-out rows, made once."""

    def __init__(self, graphs: Graphs, rows: Ints, batch_size: int, tasks: Inputs) -> None:
        sizes = np.diff(graphs.edge_offsets)[rows]
        self._n = len(rows)
        self._batches = stratified(sizes, batch_size, generator("cgcnn held-out batches"))
        crystals = [rows[b] for b in self._batches]
        room = shape_for(graphs, crystals)
        self._parts: list[tuple[Batch, Any]] = [
            (padded(graphs, c, room), tasks.added(c, room.crystals)) for c in crystals
        ]

    def predict(self, params: Any, state: Any, elements: jax.Array, chunk: int | None) -> Floats:
        """Standardised predictions, shape (K, n)."""
        out: list[jax.Array] = [
            predict_step(params, state, batch, elements, added, chunk=chunk) for batch, added in self._parts
        ]
        predicted = np.zeros((len(out[0]), self._n))
        for rows, values in zip(self._batches, out, strict=True):
            predicted[:, rows] = np.asarray(values, dtype=np.float64)[:, : len(rows)]
        return predicted

    def predict_drawn(
        self,
        params: Any,
        state: Any,
        elements: jax.Array,
        drawn: tuple[NDArray[np.int32], NDArray[np.float32]],
        chunk: int | None,
    ) -> Floats:
        """Standardised predictions under added inputs of shape (K, draws, n, slots): (K, draws, n)."""
        index, value = drawn
        predicted: Floats = np.zeros(index.shape[:3])
        for rows, (batch, _) in zip(self._batches, self._parts, strict=True):
            room = len(batch.crystal_weight)
            added = (fill(index[:, :, rows], room, axis=2), fill(value[:, :, rows], room, axis=2))
            values = swap_step(params, state, batch, elements, added, chunk=chunk)
            predicted[:, :, rows] = np.asarray(values, dtype=np.float64)[:, :, : len(rows)]
        return predicted


def fill(array: NDArray[Any], room: int, axis: int = 1) -> NDArray[Any]:
    """``array`` with zeros up to ``room`` along ``axis``."""
    rest = [(0, 0)] * array.ndim
    rest[axis] = (0, room - array.shape[axis])
    return np.pad(array, rest)
