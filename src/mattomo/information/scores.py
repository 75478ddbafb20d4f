"""What every model of a unit says of every test row: densities, and losses under conditional placebos."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mattomo.information.bits import density_score, difference
from mattomo.information.density import find_atoms
from mattomo.information.inference import swap_scores
from mattomo.study.outcome import Held, Rows

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]


@dataclass(frozen=True)
class Scored:
    """One unit, row by row; K added properties, n test rows.

    Attributes
    ----------
    learner, representation, target, pair : str
    seed : int
    fraction : float
    n_train : int
    added : tuple of K str
    materials : ndarray of int64, shape (n,)
        Position of each test row in the study's table.
    true : ndarray of float64, shape (n,)
    predicted : ndarray of float64, shape (K + 1, n)
        The baseline's first.
    bits : ndarray of float32, shape (K, n)
        log2 q1 - log2 q0 of each row; NaN where undefined.
    swapped_loss : ndarray of float64, shape (K, n)
        Mean absolute error of the row over the placebos of the added property; NaN without any.
    swap_scores : ndarray of float64, shape (K, n)
        What the row says for the added property, see `mattomo.information.inference.swap_scores`; NaN
        without placebos.
    reasons : tuple of K str
        Why the bits are undefined, else "".
    """

    learner: str
    representation: str
    target: str
    pair: str
    seed: int
    fraction: float
    n_train: int
    added: tuple[str, ...]
    materials: NDArray[np.int64]
    true: Floats
    predicted: Floats
    bits: Singles
    swapped_loss: Floats
    swap_scores: Floats
    reasons: tuple[str, ...]

    @cached_property
    def errors(self) -> Floats:
        """Mean absolute test error of each model, shape (K + 1,); NaN without test rows."""
        if not len(self.true):
            return np.full(len(self.predicted), np.nan)
        return np.asarray(np.abs(self.predicted - self.true).mean(axis=1))


def score(held: Held, atoms: Floats) -> Scored:
    """Score the models of one unit.

    Parameters
    ----------
    held : Held
    atoms : ndarray of float64
        Values of the target that have a probability of their own (`find_atoms`), the same for all units.

    Returns
    -------
    Scored
    """
    densities = [
        density_score(validation, held.true_validation, test, held.true_test, atoms=atoms, key=(held.target,))
        for validation, test in zip(held.validation, held.test, strict=True)
    ]
    differences = [difference(densities[0], density) for density in densities[1:]]
    swapped = np.full((len(held.added), len(held.true_test)), np.nan)
    scores = swapped.copy()
    for k, name in enumerate(held.added):
        if name in held.swapped:
            swapped[k] = np.abs(held.swapped[name] - held.true_test).mean(axis=0)
            scores[k] = swap_scores(held.true_test, held.test[0], held.test[k + 1], held.swapped[name])
    return Scored(
        learner=held.learner,
        representation=held.representation,
        target=held.target,
        pair=held.pair,
        seed=held.seed,
        fraction=held.fraction,
        n_train=held.n_train,
        added=held.added,
        materials=held.materials,
        true=held.true_test,
        predicted=held.test,
        bits=np.array([d.rows for d in differences], dtype=np.float32).reshape(swapped.shape),
        swapped_loss=swapped,
        swap_scores=scores,
        reasons=tuple(d.reason for d in differences),
    )


def score_all(units: Iterable[Held], rows: Rows, executor: Executor | None = None) -> list[Scored]:
    """`score` of every unit, in order; side by side if there is an executor."""
    atoms: dict[str, Floats] = {}

    def of_target(name: str) -> Floats:
        if name not in atoms:
            atoms[name] = find_atoms(rows.columns[name])
        return atoms[name]

    if executor is None:
        return [score(held, of_target(held.target)) for held in units]
    waiting = [executor.submit(score, held, of_target(held.target)) for held in units]
    return [future.result() for future in waiting]
