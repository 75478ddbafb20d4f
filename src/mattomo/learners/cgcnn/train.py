"""The CGCNN learner: trains all tasks of a unit side by side on the same batches."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from mattomo.keyed import generator
from mattomo.learners.base import Checkpoint, Reads, Task, Trained, Unit, mean_absolute_error
from mattomo.learners.cgcnn.batches import padded, shape_for, stratified
from mattomo.learners.cgcnn.initial import initial
from mattomo.learners.cgcnn.model import Batch, Params, State
from mattomo.learners.cgcnn.steps import Stack, keep_better, predict_step, stack, swap_step, train_step
from mattomo.projections.elements import element_features
from mattomo.projections.graphs import Floats, Graphs, Ints
from mattomo.projections.property import encode, standardiser


@dataclass(frozen=True)
class CGCNN:
    """Crystal graph convolutional neural network (Xie & Grossman 2018).

    Parameters
    ----------
    epochs : int
    batch_size : int
        Largest number of crystals of a batch.
    learning_rate, momentum : float
        Of stochastic gradient descent.
    milestones : tuple of int
        Epochs after which the learning rate is multiplied by ``decay``.
    decay : float
    features, hidden, convolutions : int
        Width of the atoms' features and of the dense layer, number of convolutions.
    chunk : int or None
        Models computed side by side. ``None`` means one after the other on a processor and all at once
        on a graphics card. It does not change results on a processor.
    """

    epochs: int = 500
    batch_size: int = 256
    learning_rate: float = 0.01
    momentum: float = 0.9
    milestones: tuple[int, ...] = (100,)
    decay: float = 0.1
    features: int = 64
    hidden: int = 128
    convolutions: int = 3
    chunk: int | None = None

    name = "cgcnn"
    version = 1
    reads: ClassVar[Reads] = "graphs"

    def settings(self) -> dict[str, Any]:
        """Everything that determines the result besides the unit."""
        settings = asdict(self)
        del settings["chunk"]
        return settings

    def rate(self, epoch: int) -> float:
        """Learning rate of an epoch (0-based)."""
        return self.learning_rate * self.decay ** sum(m <= epoch for m in self.milestones)

    def train(
        self,
        unit: Unit,
        progress: Callable[[float], None] | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Trained:
        """Train all tasks of a unit.

        Parameters
        ----------
        unit : Unit
            K tasks over n materials.
        progress : callable, optional
            Told the share done after every epoch.
        checkpoint : Checkpoint, optional
            Saved to after an epoch when due, and gone on from: on the same machine bit for bit.

        Returns
        -------
        Trained
        """
        started = time.perf_counter()
        graphs = unit.base
        if not isinstance(graphs, Graphs):
            raise TypeError(f"CGCNN reads graphs, and {unit.representation!r} is {type(graphs).__name__}")
        tasks = _Inputs(unit, unit.tasks)
        models = stack(
            [
                initial(
                    (task.target, unit.representation, unit.seed),
                    [(name, tasks.widths[name]) for name in task.added],
                    features=self.features,
                    hidden=self.hidden,
                    convolutions=self.convolutions,
                    added_width=tasks.width,
                )
                for task in unit.tasks
            ]
        )
        elements = jnp.asarray(element_features(), jnp.float32)
        chunk = self._chunk(len(unit.tasks))
        momentum = jnp.float32(self.momentum)
        sizes = np.diff(graphs.edge_offsets)
        train = unit.split.train
        # Drawn ahead only for their sizes: one room for all epochs means one compilation.
        room = shape_for(
            graphs,
            [b for epoch in range(self.epochs) for b in self._batches(unit, sizes, epoch)],
        )
        validation = _Held(graphs, unit.split.validation, self.batch_size, tasks)
        held = unit.split.validation
        true = np.stack([unit.columns[t.target].values[held].astype(np.float64) for t in unit.tasks])
        # Copies: a step consumes the arrays it is given.
        best: tuple[Params, State] = jax.tree.map(jnp.copy, (models.params, models.state))
        run = _Course(models, best, np.full(len(unit.tasks), np.inf), np.zeros(len(unit.tasks), np.int64))
        run.go_on_from(checkpoint)
        for epoch in range(len(run.curve), self.epochs):
            rate = jnp.float32(self.rate(epoch))
            loss = jnp.zeros(len(unit.tasks))
            batches = self._batches(unit, sizes, epoch)
            for crystals in batches:
                run.models, error = train_step(
                    run.models,
                    padded(graphs, crystals, room),
                    elements,
                    tasks.targets(crystals, room.crystals),
                    tasks.added(crystals, room.crystals),
                    rate,
                    momentum,
                    chunk=chunk,
                )
                loss = loss + error * len(crystals)
            current = (run.models.params, run.models.state)
            mae = mean_absolute_error(tasks.unscale(validation.predict(*current, elements, chunk)), true)
            # A model that diverges keeps its best state; one that never was finite predicts NaN.
            better = np.nan_to_num(mae, nan=np.inf) < run.best_mae
            run.best = keep_better(run.best, current, jnp.asarray(better))
            run.best_mae = np.where(better, mae, run.best_mae)
            run.best_epoch = np.where(better, epoch + 1, run.best_epoch)
            run.curve.append(mae)
            run.losses.append(np.asarray(loss, dtype=np.float64) / len(train))
            if checkpoint is not None and epoch + 1 < self.epochs and checkpoint.due():
                run.save(checkpoint, time.perf_counter() - started)
            if progress is not None:
                progress((epoch + 1) / self.epochs)
        best, best_epoch = run.best, run.best_epoch
        test = _Held(graphs, unit.split.test, self.batch_size, tasks)
        never = np.where(best_epoch == 0, np.nan, 0.0)[:, None]
        return Trained(
            validation=tasks.unscale(validation.predict(*best, elements, chunk)) + never,
            test=tasks.unscale(test.predict(*best, elements, chunk)) + never,
            best_epoch=best_epoch,
            validation_mae=np.stack(run.curve),
            train_loss=np.stack(run.losses),
            seconds=run.seconds + time.perf_counter() - started,
            swapped=self._swapped(unit, tasks, test, best, elements, chunk, never),
        )

    def _swapped(
        self,
        unit: Unit,
        tasks: _Inputs,
        test: _Held,
        best: tuple[Params, State],
        elements: jax.Array,
        chunk: int | None,
        never: Floats,
    ) -> dict[tuple[int, str], NDArray[np.float32]]:
        """Predictions of the test rows with placebos in the place of each added property in turn."""
        swapped = {}
        for slot in range(tasks.slots):
            replaced = {
                k: task.added[slot]
                for k, task in enumerate(unit.tasks)
                if slot < len(task.added) and task.added[slot] in unit.placebos
            }
            if replaced:
                drawn = tasks.drawn(unit, slot, replaced)
                predicted = test.predict_drawn(*best, elements, drawn, chunk)
                for k, name in replaced.items():
                    values = tasks.unscale(predicted[k], k) + never[k]
                    swapped[k, name] = values.astype(np.float32)
        return swapped

    def _batches(self, unit: Unit, sizes: Ints, epoch: int) -> list[Ints]:
        """Training batches of an epoch: they depend on the split's seed and the epoch alone."""
        train = unit.split.train
        rng = generator("cgcnn batches", unit.representation, unit.seed, epoch)
        return [train[b] for b in stratified(sizes[train], self.batch_size, rng)]

    def _chunk(self, n_models: int) -> int | None:
        if self.chunk is not None or jax.default_backend() == "cpu":
            return self.chunk
        return n_models


@dataclass
class _Course:
    """How far the training of a unit has come: everything that the next epoch depends on."""

    models: Stack
    best: tuple[Params, State]
    best_mae: Floats
    best_epoch: Ints
    curve: list[Floats] = field(default_factory=list)
    losses: list[Floats] = field(default_factory=list)
    #: Of earlier processes.
    seconds: float = 0.0

    def save(self, checkpoint: Checkpoint, seconds: float) -> None:
        leaves = jax.tree.leaves((self.models, self.best))
        checkpoint.save(
            {
                **{f"leaf {i}": np.asarray(leaf) for i, leaf in enumerate(leaves)},
                "best_mae": self.best_mae,
                "best_epoch": self.best_epoch,
                "curve": np.stack(self.curve),
                "losses": np.stack(self.losses),
                "seconds": np.array(self.seconds + seconds),
            }
        )

    def go_on_from(self, checkpoint: Checkpoint | None) -> None:
        saved = None if checkpoint is None else checkpoint.load()
        if saved is None:
            return
        leaves, tree = jax.tree.flatten((self.models, self.best))
        # Copies, because a step consumes them.
        leaves = [jnp.array(saved[f"leaf {i}"]) for i in range(len(leaves))]
        self.models, self.best = jax.tree.unflatten(tree, leaves)
        self.best_mae, self.best_epoch = saved["best_mae"], saved["best_epoch"]
        self.curve, self.losses = list(saved["curve"]), list(saved["losses"])
        self.seconds = float(saved["seconds"])


class _Inputs:
    """Standardised targets and added inputs of every task, ready to be cut into batches."""

    def __init__(self, unit: Unit, tasks: Sequence[Task]) -> None:
        train = unit.split.train
        encoded = {name: encode(unit.columns[name], train) for task in tasks for name in task.added}
        self.widths = {name: e.width for name, e in encoded.items()}
        self.width = max([1, *(sum(self.widths[name] for name in task.added) for task in tasks)])
        self.slots = slots = max([1, *(len(task.added) for task in tasks)])
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
            for slot, name in enumerate(task.added):
                self._index[k, :, slot] = encoded[name].index + row
                self._value[k, :, slot] = encoded[name].value
                row += encoded[name].width
        self._targets = np.stack(scaled).astype(np.float32)

    def targets(self, crystals: Ints, room: int) -> NDArray[np.float32]:
        """Standardised targets of a batch, shape (K, room)."""
        return _fill(self._targets[:, crystals], room)

    def added(self, crystals: Ints, room: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Rows and values of the added input of a batch, shapes (K, room, slots)."""
        return _fill(self._index[:, crystals], room), _fill(self._value[:, crystals], room)

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
            first = sum(self.widths[before] for before in unit.tasks[k].added[:slot])
            index[k, :, :, slot] = found[name].index[n:].reshape(shape[1:3]) + first
            value[k, :, :, slot] = found[name].value[n:].reshape(shape[1:3])
        return index, value

    def unscale(self, predicted: Floats, k: int | None = None) -> Floats:
        """Predictions (K, n) in the unit of each target, or those of model ``k`` alone."""
        if k is not None:
            return predicted * float(self._scale[k]) + float(self._mean[k])
        return predicted * self._scale[:, None] + self._mean[:, None]


class _Held:
    """Padded batches of held-out rows, made once."""

    def __init__(self, graphs: Graphs, rows: Ints, batch_size: int, tasks: _Inputs) -> None:
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
            added = (_fill(index[:, :, rows], room, axis=2), _fill(value[:, :, rows], room, axis=2))
            values = swap_step(params, state, batch, elements, added, chunk=chunk)
            predicted[:, :, rows] = np.asarray(values, dtype=np.float64)[:, :, : len(rows)]
        return predicted


def _fill(array: NDArray[Any], room: int, axis: int = 1) -> NDArray[Any]:
    """``array`` with zeros up to ``room`` along ``axis``."""
    rest = [(0, 0)] * array.ndim
    rest[axis] = (0, room - array.shape[axis])
    return np.pad(array, rest)
