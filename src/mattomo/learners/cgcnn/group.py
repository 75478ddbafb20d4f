"""Models that train side by side: those of a unit that add the same properties inside the atoms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from mattomo.learners.base import Checkpoint, Unit, mean_absolute_error
from mattomo.learners.cgcnn.batches import Shape, padded
from mattomo.learners.cgcnn.inputs import Held, Inputs
from mattomo.learners.cgcnn.model import Params, State
from mattomo.learners.cgcnn.steps import Stack, keep_better, train_step
from mattomo.projections.graphs import Floats, Graphs, Ints

T = TypeVar("T", np.float64, np.int64)


@dataclass
class Group:
    """K models that share graphs, and how far their training has come.

    A value inside the atoms tells apart sites that are one node without it, so each choice of such values has
    graphs of its own. Batches are the same in all groups.

    Attributes
    ----------
    places : ndarray of int64, shape (K,)
        Positions of its tasks among those of the unit.
    graphs : Graphs
    inputs : Inputs
    room : Shape
    validation : Held
    true : ndarray of float64, shape (K, n_validation)
    chunk : int or None
        See `mattomo.learners.cgcnn.CGCNN`.
    models : Stack
    best : tuple of Params and State
    best_mae, best_epoch : ndarray, shape (K,)
    curve, losses : list of ndarray, shape (K,)
        Of each epoch.
    """

    places: Ints
    graphs: Graphs
    inputs: Inputs
    room: Shape
    validation: Held
    true: Floats
    chunk: int | None
    models: Stack
    best: tuple[Params, State] = field(init=False)
    best_mae: Floats = field(init=False)
    best_epoch: Ints = field(init=False)
    curve: list[Floats] = field(default_factory=list)
    losses: list[Floats] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Copies: a step consumes the arrays it is given.
        self.best = jax.tree.map(jnp.copy, (self.models.params, self.models.state))
        self.best_mae = np.full(len(self.places), np.inf)
        self.best_epoch = np.zeros(len(self.places), np.int64)

    def learn(
        self, batches: Sequence[Ints], elements: jax.Array, rate: jax.Array, momentum: jax.Array
    ) -> None:
        """One epoch: a step on every batch, and the error on the validation rows."""
        loss = jnp.zeros(len(self.places))
        for crystals in batches:
            self.models, error = train_step(
                self.models,
                padded(self.graphs, crystals, self.room),
                elements,
                self.inputs.targets(crystals, self.room.crystals),
                self.inputs.added(crystals, self.room.crystals),
                rate,
                momentum,
                chunk=self.chunk,
            )
            loss = loss + error * len(crystals)
        current = (self.models.params, self.models.state)
        predicted = self.validation.predict(*current, elements, self.chunk)
        mae = mean_absolute_error(self.inputs.unscale(predicted), self.true)
        # A model that diverges keeps its best state; one that never was finite predicts NaN.
        better = np.nan_to_num(mae, nan=np.inf) < self.best_mae
        self.best = keep_better(self.best, current, jnp.asarray(better))
        self.best_mae = np.where(better, mae, self.best_mae)
        self.best_epoch = np.where(better, len(self.curve) + 1, self.best_epoch)
        self.curve.append(mae)
        self.losses.append(np.asarray(loss, dtype=np.float64) / sum(map(len, batches)))

    def predict(self, held: Held, elements: jax.Array) -> Floats:
        """Predictions of the best models in the unit of each target, shape (K, n)."""
        return self.inputs.unscale(held.predict(*self.best, elements, self.chunk)) + self._never[:, None]

    def swapped(
        self, unit: Unit, test: Held, elements: jax.Array
    ) -> dict[tuple[int, str], NDArray[np.float32]]:
        """Predictions of the test rows with placebos in the place of each added property in turn."""
        found = {}
        for slot in range(self.inputs.slots):
            replaced = {
                k: names[slot]
                for k, names in enumerate(self.inputs.beside)
                if slot < len(names) and names[slot] in unit.placebos
            }
            if replaced:
                drawn = self.inputs.drawn(unit, slot, replaced)
                predicted = test.predict_drawn(*self.best, elements, drawn, self.chunk)
                for k, name in replaced.items():
                    values = self.inputs.unscale(predicted[k], k) + self._never[k]
                    found[int(self.places[k]), name] = values.astype(np.float32)
        return found

    @property
    def _never(self) -> Floats:
        """NaN for models that never were finite, else 0."""
        return np.where(self.best_epoch == 0, np.nan, 0.0)


def in_order(groups: Sequence[Group], arrays: Sequence[NDArray[T]], axis: int = 0) -> NDArray[T]:
    """What each group has of its K models along ``axis``, in the order of the unit's tasks."""
    places = np.concatenate([group.places for group in groups])
    return np.concatenate(arrays, axis=axis).take(np.argsort(places), axis=axis)


def save(checkpoint: Checkpoint, groups: Sequence[Group], seconds: float) -> None:
    """Save everything that the next epoch depends on; ``seconds`` were spent so far."""
    leaves = jax.tree.leaves([(group.models, group.best) for group in groups])
    checkpoint.save(
        {
            **{f"leaf {i}": np.asarray(leaf) for i, leaf in enumerate(leaves)},
            "best_mae": np.concatenate([group.best_mae for group in groups]),
            "best_epoch": np.concatenate([group.best_epoch for group in groups]),
            "curve": np.concatenate([np.stack(group.curve) for group in groups], axis=1),
            "losses": np.concatenate([np.stack(group.losses) for group in groups], axis=1),
            "seconds": np.array(seconds),
        }
    )


def go_on_from(checkpoint: Checkpoint | None, groups: Sequence[Group]) -> float:
    """Put the groups where they were saved, if they were; returns the seconds spent until then."""
    saved = None if checkpoint is None else checkpoint.load()
    if saved is None:
        return 0.0
    leaves, tree = jax.tree.flatten([(group.models, group.best) for group in groups])
    # Copies, because a step consumes them.
    leaves = [jnp.array(saved[f"leaf {i}"]) for i in range(len(leaves))]
    stop = 0
    for group, (models, best) in zip(groups, jax.tree.unflatten(tree, leaves), strict=True):
        own = slice(stop, stop := stop + len(group.places))
        group.models, group.best = models, best
        group.best_mae, group.best_epoch = saved["best_mae"][own], saved["best_epoch"][own]
        group.curve, group.losses = list(saved["curve"][:, own]), list(saved["losses"][:, own])
    return float(saved["seconds"])
