"""The CGCNN learner: trains all tasks of a unit side by side on the same batches."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from mattomo.keyed import generator
from mattomo.learners.base import Checkpoint, Reads, Trained, Unit
from mattomo.learners.cgcnn.batches import shape_for, stratified
from mattomo.learners.cgcnn.group import Group, go_on_from, in_order, save
from mattomo.learners.cgcnn.initial import initial
from mattomo.learners.cgcnn.inputs import Held, Inputs
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
        sizes = np.diff(graphs.edge_offsets)
        # Drawn ahead only for their sizes: one room for all epochs means one compilation.
        ahead = [b for epoch in range(self.epochs) for b in self._batches(unit, sizes, epoch)]
        groups = [self._group(unit, names, ahead) for names in dict.fromkeys(map(unit.in_atoms, unit.tasks))]
        del ahead
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

    def _group(self, unit: Unit, in_atoms: tuple[str, ...], ahead: list[Ints]) -> Group:
        """The tasks that add ``in_atoms`` inside the atoms, at their initial weights."""
        places = [k for k, task in enumerate(unit.tasks) if unit.in_atoms(task) == in_atoms]
        tasks = [unit.tasks[k] for k in places]
        graphs = unit.base
        if in_atoms:
            graphs = standardised_nodes(unit.atom_graphs[in_atoms], unit.split.train)
        assert isinstance(graphs, Graphs)
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
            room=shape_for(graphs, ahead),
            validation=Held(graphs, held, self.batch_size, inputs),
            true=np.stack([unit.columns[task.target].values[held].astype(np.float64) for task in tasks]),
            chunk=self._chunk(len(tasks)),
            models=models,
        )

    def _batches(self, unit: Unit, sizes: Ints, epoch: int) -> list[Ints]:
        """Training batches of an epoch: they depend on the split's seed and the epoch alone."""
        train = unit.split.train
        rng = generator("cgcnn batches", unit.representation, unit.seed, epoch)
        return [train[b] for b in stratified(sizes[train], self.batch_size, rng)]

    def _chunk(self, n_models: int) -> int | None:
        if self.chunk is not None or jax.default_backend() == "cpu":
            return self.chunk
        return n_models
