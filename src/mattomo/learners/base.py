"""What a learner is: something that trains the tasks of a unit and predicts its held-out rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from mattomo.materials.table import Column
from mattomo.projections.descriptors import Table
from mattomo.projections.graphs import Floats, Graphs, Ints

#: The two forms of a base representation.
Reads = Literal["graphs", "table"]


@dataclass(frozen=True)
class Split:
    """Positions of the training, validation and test rows of one seed."""

    train: Ints
    validation: Ints
    test: Ints


@dataclass(frozen=True, order=True)
class Task:
    """One model: predict ``target`` from the base representation and the ``added`` properties."""

    target: str
    added: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The added properties in one word; empty for the baseline."""
        return "+".join(self.added)


class Draws(Protocol):
    """Stand-ins of a property on the test rows (see `mattomo.learners.conditional.Placebos`)."""

    def draws(self) -> NDArray[Any]:
        """All draws, shape (n, n_test), as the property's column holds its values."""
        ...


@dataclass(frozen=True)
class Unit:
    """Tasks that share representation, rows and split.

    Attributes
    ----------
    representation : str
        Name of the base representation; with ``seed`` and the target it determines initial weights.
    base : Graphs or Table
        Base representation of n materials.
    columns : mapping of str to Column
        Targets and added properties of the same n materials, without missing values.
    split : Split
    seed : int
    tasks : tuple of Task
    placebos : mapping of str to Draws
        Stand-ins of added properties: the trained models are asked again with these in their place.
    atoms : tuple of str
        Added properties that belong to the atoms; their columns hold the mean over the atoms.
    atom_graphs : mapping of tuple of str to Graphs
        Of a unit on graphs: by the properties of the atoms that a task adds (see `in_atoms`) the graphs whose
        nodes have their values, in that order.
    atom_tables : mapping of str to Table
        Of a unit on a table: statistics of each property over the atoms of the n materials.
    """

    representation: str
    base: Graphs | Table
    columns: Mapping[str, Column]
    split: Split
    seed: int
    tasks: tuple[Task, ...]
    placebos: Mapping[str, Draws] = field(default_factory=dict)
    atoms: tuple[str, ...] = ()
    atom_graphs: Mapping[tuple[str, ...], Graphs] = field(default_factory=dict)
    atom_tables: Mapping[str, Table] = field(default_factory=dict)

    def in_atoms(self, task: Task) -> tuple[str, ...]:
        """What a task adds inside the atoms."""
        return tuple(name for name in task.added if name in self.atoms)

    def beside(self, task: Task) -> tuple[str, ...]:
        """What a task adds beside the pooled atoms."""
        return tuple(name for name in task.added if name not in self.atoms)

    def drawn(self, name: str) -> Column:
        """The property ``name`` of the n materials, and below them all its draws, as one column.

        To be encoded like the property itself, by the same training rows.
        """
        column = self.columns[name]
        values = np.concatenate([column.values, self.placebos[name].draws().ravel()])
        return Column(column.info, values, np.zeros(len(values), dtype=bool))


@dataclass(frozen=True)
class Trained:
    """What training K tasks gave.

    Attributes
    ----------
    validation, test : ndarray of float64, shapes (K, n_validation) and (K, n_test)
        Predictions in the unit of each target.
    best_epoch : ndarray of int64, shape (K,)
        Epoch (1-based) of the lowest validation error, whose weights made the predictions.
    validation_mae : ndarray of float64, shape (epochs, K)
        Validation error after every epoch (of trees: every tree), in the unit of each target; NaN after the
        last one of a model that stopped earlier than others.
    train_loss : ndarray of float64, shape (epochs, K)
        Mean squared error over the epoch's batches, of the standardised target.
    seconds : float
        Wall time.
    swapped : mapping of (int, str) to ndarray of float32, shape (n, n_test)
        By task and added property: predictions for the test rows with each of the n placebos of that
        property in its place. Empty for a learner that does not make them.
    """

    validation: Floats
    test: Floats
    best_epoch: Ints
    validation_mae: Floats
    train_loss: Floats
    seconds: float
    swapped: Mapping[tuple[int, str], NDArray[np.float32]] = field(default_factory=dict)


class Checkpoint(Protocol):
    """Where a learner may save its state while it trains (see `mattomo.study.checkpoint`)."""

    def due(self) -> bool:
        """Whether it is time to save again."""
        ...

    def save(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Replace what was saved, whole or not at all."""
        ...

    def load(self) -> dict[str, NDArray[Any]] | None:
        """What was saved last, if anything."""
        ...


class Learner(Protocol):
    """Reads projections. A learner knows nothing of studies, files or processes."""

    @property
    def name(self) -> str:
        """Word for tables and folders."""
        ...

    @property
    def version(self) -> int:
        """Raised whenever the numbers a learner gives for the same input change."""
        ...

    @property
    def reads(self) -> Reads:
        """The form of base representation it trains on."""
        ...

    def settings(self) -> dict[str, Any]:
        """Everything that determines the result besides the unit, as plain values."""
        ...

    def train(self, unit: Unit, progress: Callable[[float], None] | None = None) -> Trained:
        """Train all tasks of a unit; ``progress`` is told the share done so far.

        A learner whose ``train`` also has a parameter ``checkpoint`` gets a `Checkpoint` there, and must give
        the same numbers whether it goes on from one or not. One with a method ``within(memory)`` is replaced
        by what that gives where a run is limited to so many bytes, also with the same numbers.
        """
        ...


def mean_absolute_error(predicted: NDArray[np.float64], true: NDArray[np.float64]) -> Floats:
    """Mean absolute error over the last axis."""
    return np.asarray(np.abs(predicted - true).mean(axis=-1), dtype=np.float64)
