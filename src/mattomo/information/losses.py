"""Sets of properties compared on held-out rows: densities of their models, and the bits one set lacks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mattomo.information.bits import density_score
from mattomo.information.inference import material_test, nadeau_bengio
from mattomo.keyed import generator

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Set = tuple[str, ...]
Part = Literal["validation", "test"]

#: Validation rows are scored by densities fitted to the others, in so many parts.
_PARTS = 5


@dataclass(frozen=True)
class Scores:
    """What the models of one set of properties say on J splits.

    Attributes
    ----------
    added : tuple of str
    validation, test : tuple of J ndarray of float64
        log2 density of every row (bits); each validation row under a density fitted to the others.
    mae : tuple of J float
        Test error in the target's unit.
    rises : tuple of J mappings of str to ndarray of float64
        By added property: rise of the absolute error of each validation row under conditional placebos.
    """

    added: Set
    validation: tuple[Floats, ...]
    test: tuple[Floats, ...]
    mae: tuple[float, ...]
    rises: tuple[Mapping[str, Floats], ...]

    def on(self, part: Part) -> tuple[Floats, ...]:
        """log2 densities of a part of the held-out rows."""
        return self.validation if part == "validation" else self.test


@dataclass(frozen=True)
class Loss:
    """Bits that a set lacks against another one, mean over rows; negative where it is better.

    Attributes
    ----------
    bits : float
        Mean over materials.
    se : float
        Its standard error, clustered by formula and by split (Cameron, Gelbach & Miller, J. Bus. Econ. Stat.
        29, 238 (2011)), at least that by formula alone.
    low, high : float
        95 % interval over the splits (Nadeau & Bengio); NaN for one split.
    """

    bits: float
    se: float
    low: float
    high: float


@dataclass(frozen=True)
class Rows:
    """The held-out rows of J splits.

    Attributes
    ----------
    validation, test : tuple of J ndarray of int64
        Positions of the rows in the table of n materials.
    owners : ndarray of int64, shape (n,)
        Number of each material's formula.
    n_train : float
        Training rows of a split.
    """

    validation: tuple[Ints, ...]
    test: tuple[Ints, ...]
    owners: Ints
    n_train: float

    def only(self, j: int) -> Rows:
        """Of split ``j`` alone."""
        return Rows((self.validation[j],), (self.test[j],), self.owners, self.n_train)

    def loss(self, smaller: Scores, larger: Scores, *parts: Part) -> Loss:
        """Bits that ``smaller`` lacks against ``larger`` on the rows of ``parts``, by default validation."""
        chosen: tuple[Part, ...] = parts or ("validation",)
        rows = _side_by_side([self.validation if part == "validation" else self.test for part in chosen])
        low, high = (_side_by_side([each.on(part) for part in chosen]) for each in (smaller, larger))
        lost = [b - a for a, b in zip(low, high, strict=True)]
        mean, se = self._mean(lost, rows)
        n_test = float(np.mean([len(r) for r in rows]))
        interval = nadeau_bengio([float(each.mean()) for each in lost], self.n_train, n_test)
        return Loss(mean, se, interval.low, interval.high)

    def importances(self, scores: Scores) -> dict[str, float]:
        """Rise of the error under conditional placebos of each added property (the target's unit)."""
        return {
            name: self._mean([rises[name] for rises in scores.rises], self.validation)[0]
            for name in scores.added
        }

    def _mean(self, values: Sequence[Floats], rows: tuple[Ints, ...]) -> tuple[float, float]:
        materials, every = np.concatenate(rows), np.concatenate(values)
        found = material_test(every, materials, self.owners[materials])
        if len(values) < 2:
            return found.mean, found.se
        # Rows of a split share a model and its density, rows of a formula their physics.
        splits = float(np.var([each.mean() for each in values], ddof=1)) / len(values)
        alone = float(every.var()) / len(every)
        return found.mean, math.sqrt(found.se**2 + max(0.0, splits - alone))


def joined(scores: Sequence[Scores]) -> Scores:
    """Scores of one set on several splits as one."""
    return Scores(
        scores[0].added,
        tuple(rows for each in scores for rows in each.validation),
        tuple(rows for each in scores for rows in each.test),
        tuple(error for each in scores for error in each.mae),
        tuple(rises for each in scores for rises in each.rises),
    )


def score_set(
    added: Set,
    validation: ArrayLike,
    true_validation: ArrayLike,
    test: ArrayLike,
    true_test: ArrayLike,
    owners: ArrayLike,
    rises: Mapping[str, Floats],
    *,
    atoms: ArrayLike,
    key: tuple[object, ...],
) -> Scores:
    """Scores of one set on one split.

    Parameters
    ----------
    added : tuple of str
    validation, true_validation : array_like of float, shape (n_val,)
    test, true_test : array_like of float, shape (n_test,)
        Predictions and true values in the target's unit.
    owners : array_like of int, shape (n_val,)
        Formula of each validation row: rows of one formula are scored together.
    rises : mapping of str to ndarray of float64, shape (n_val,)
    atoms : array_like of float
        Values of the target with a probability of their own (`find_atoms`).
    key : tuple
        Names the random numbers; sets to be compared share it.

    Raises
    ------
    ValueError
        No density can be fitted, e.g. because the set gives the target away; says why.
    """
    predicted, true = np.asarray(validation, dtype=float), np.asarray(true_validation, dtype=float)
    _, formula = np.unique(np.asarray(owners), return_inverse=True)
    n_formulas = int(formula.max(initial=-1)) + 1
    part = (generator("selection parts", *key).permutation(n_formulas) % _PARTS)[formula]
    rows = np.full(len(true), math.nan)
    scored = [density_score(predicted, true, test, true_test, atoms=atoms, key=key)]
    for k in range(_PARTS):
        held = part == k
        if held.any():
            score = density_score(
                predicted[~held], true[~held], predicted[held], true[held], atoms=atoms, key=key
            )
            rows[held] = score.rows
            scored.append(score)
    for score in scored:
        if score.reason:
            raise ValueError(score.reason)
    error = np.abs(np.asarray(test, dtype=float) - np.asarray(true_test, dtype=float)).mean()
    return Scores(added, (rows,), (scored[0].rows,), (float(error),), (dict(rises),))


def _side_by_side(parts: Sequence[tuple[NDArray[Any], ...]]) -> tuple[NDArray[Any], ...]:
    """Arrays of several parts as one, split by split."""
    return tuple(np.concatenate(each) for each in zip(*parts, strict=True))
