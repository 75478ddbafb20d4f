"""The CGCNN learner: trains all tasks of a unit side by side on the same batches."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from mattomo.errors import InputError
from mattomo.keyed import generator
from mattomo.learners.base import Checkpoint, Reads, Trained, Unit
from mattomo.learners.cgcnn.batches import Shape, shape_for, shapes_for, stratified
from mattomo.learners.cgcnn.group import Group, go_on_from, in_order, save
from mattomo.learners.cgcnn.initial import initial
from mattomo.learners.cgcnn.inputs import Held, Inputs
from mattomo.learners.cgcnn.memory import side_by_side, step_bytes, usable
from mattomo.learners.cgcnn.steps import stack
from mattomo.projections.atoms import standardised_nodes
from mattomo.projections.elements import element_features
from mattomo.projections.graphs import Graphs, Ints


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
        Models computed side by side. ``None`` means one after the other on a processor, and on a graphics
        card as many as its free memory has room for (see `mattomo.learners.cgcnn.memory`). Results depend on
        it by rounding alone.
    memory : float or None
        Bytes of a graphics card that may be used; ``None`` means what is free. It does not change results
        either, but for rounding.
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
    memory: float | None = None

    name = "cgcnn"
    version = 1
    reads: ClassVar[Reads] = "graphs"

    def settings(self) -> dict[str, Any]:
        """Everything that determines the result besides the unit."""
        settings = asdict(self)
        del settings["chunk"], settings["memory"]
        return settings

    def within(self, memory: float) -> CGCNN:
        """The same, using no more than ``memory`` bytes of a graphics card."""
        return replace(self, memory=memory)

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

        Raises
        ------
        InputError
            A graphics card has too little memory for a step of one model.
        """
        started = time.perf_counter()
        graphs = unit.base
        if not isinstance(graphs, Graphs):
            raise TypeError(f"CGCNN reads graphs, and {unit.representation!r} is {type(graphs).__name__}")
        sizes = np.diff(graphs.edge_offsets)
        # Drawn ahead only for their sizes: one room for all epochs means one compilation.
        ahead = (b for epoch in range(self.epochs) for b in self._batches(unit, sizes, epoch))
        each = {names: _graphs(unit, names) for names in dict.fromkeys(map(unit.in_atoms, unit.tasks))}
        rooms = shapes_for(list(each.values()), ahead)
        groups = [self._group(unit, *group) for group in zip(each, each.values(), rooms, strict=True)]
        for group, chunk in zip(groups, self._chunks(unit, groups), strict=True):
            group.chunk = chunk
        elements = jnp.asarray(element_features(), jnp.float32)
        momentum = jnp.float32(self.momentum)
        earlier = go_on_from(checkpoint, groups)
        for epoch in range(len(groups[0].curve), self.epochs):
            batches = self._batches(unit, sizes, epoch)
            for group in groups:
                group.learn(batches, elements, jnp.float32(self.rate(epoch)), momentum)
            if checkpoint is not None and epoch + 1 < self.epochs and checkpoint.due():
                save(checkpoint, groups, earlier + time.perf_counter() - started)
            if progress is not None:
                progress((epoch + 1) / self.epochs)
        tests = [Held(group.graphs, unit.split.test, self.batch_size, group.inputs) for group in groups]
        pairs = list(zip(groups, tests, strict=True))
        return Trained(
            validation=in_order(groups, [group.predict(group.validation, elements) for group in groups]),
            test=in_order(groups, [group.predict(test, elements) for group, test in pairs]),
            best_epoch=in_order(groups, [group.best_epoch for group in groups]),
            validation_mae=in_order(groups, [np.stack(group.curve) for group in groups], axis=1),
            train_loss=in_order(groups, [np.stack(group.losses) for group in groups], axis=1),
            seconds=earlier + time.perf_counter() - started,
            swapped={
                key: drawn
                for group, test in pairs
                for key, drawn in group.swapped(unit, test, elements).items()
            },
        )

    def _group(self, unit: Unit, in_atoms: tuple[str, ...], graphs: Graphs, room: Shape) -> Group:
        """The tasks that add ``in_atoms`` inside the atoms, at their initial weights."""
        places = [k for k, task in enumerate(unit.tasks) if unit.in_atoms(task) == in_atoms]
        tasks = [unit.tasks[k] for k in places]
        inputs = Inputs(unit, tasks)
        models = stack(
            [
                initial(
                    (task.target, unit.representation, unit.seed),
                    [(name, inputs.widths[name]) for name in inputs.beside[k]],
                    features=self.features,
                    hidden=self.hidden,
                    convolutions=self.convolutions,
                    added_width=inputs.width,
                    atoms=in_atoms,
                )
                for k, task in enumerate(tasks)
            ]
        )
        held = unit.split.validation
        return Group(
            places=np.array(places, dtype=np.int64),
            graphs=graphs,
            inputs=inputs,
            room=room,
            validation=Held(graphs, held, self.batch_size, inputs),
            true=np.stack([unit.columns[task.target].values[held].astype(np.float64) for task in tasks]),
            chunk=self.chunk,
            models=models,
        )

    def _batches(self, unit: Unit, sizes: Ints, epoch: int) -> list[Ints]:
        """Training batches of an epoch: they depend on the split's seed and the epoch alone."""
        train = unit.split.train
        rng = generator("cgcnn batches", unit.representation, unit.seed, epoch)
        return [train[b] for b in stratified(sizes[train], self.batch_size, rng)]

    def _chunks(self, unit: Unit, groups: list[Group]) -> list[int | None]:
        """Of each group, the models to compute side by side."""
        if self.chunk is not None or jax.default_backend() == "cpu":
            return [self.chunk] * len(groups)
        free = usable(jax.devices()[0], self.memory)
        return [self._chunk(unit, group, free) for group in groups]

    def _chunk(self, unit: Unit, group: Group, free: float) -> int:
        needed = self._step_bytes(group.room, group.inputs.slots)
        chunk = side_by_side(len(group.places), needed, free)
        if chunk:
            return chunk
        # Another batch size gives other numbers, so it is the user's to choose.
        assert isinstance(unit.base, Graphs)
        sizes = np.diff(unit.base.edge_offsets)
        for smaller in _halves(min(self.batch_size, len(unit.split.train))):
            batches = replace(self, batch_size=smaller)._batches(unit, sizes, epoch=0)
            room = shape_for(group.graphs, batches)
            if self._step_bytes(room, group.inputs.slots) <= free:
                hint = f"batch_size = {smaller} fits; its numbers differ from those of {self.batch_size}."
                break
        else:
            hint = "Not even single crystals fit: train on a processor (JAX_PLATFORMS=cpu)."
        raise InputError(
            f"a training step of one model takes about {needed / 1e9:.2f} GB of the graphics card's memory, "
            f"and {free / 1e9:.2f} GB may be used",
            column="batch_size",
            value=self.batch_size,
            hint=hint,
        )

    def _step_bytes(self, room: Shape, slots: int) -> float:
        widths = {"features": self.features, "hidden": self.hidden, "convolutions": self.convolutions}
        return step_bytes(room, **widths, slots=slots)


def _graphs(unit: Unit, in_atoms: tuple[str, ...]) -> Graphs:
    """Those of the tasks that add ``in_atoms`` inside the atoms."""
    if in_atoms:
        return standardised_nodes(unit.atom_graphs[in_atoms], unit.split.train)
    assert isinstance(unit.base, Graphs)
    return unit.base


def _halves(n: int) -> Iterator[int]:
    while n > 1:
        n //= 2
        yield n
