"""How surprised a calibrated model is by the truth: the density of a target given a model's prediction.

A regressor gives a number, not a distribution. Its residuals on validation rows give the distribution: a
kernel estimate of the residual's density given the rank of the prediction (conditional kernel density,
Rosenblatt 1969), so that errors may be skewed, have several modes, and grow with the predicted value. The
mean of log2 q over test rows is minus the cross-entropy, which two models of one target can be compared by.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mattomo.information import discrete
from mattomo.keyed import generator

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ints = NDArray[np.int64]

#: Fewest validation rows that a density is fitted to.
FEWEST_ROWS = 10

# Widths of the kernel over ranks (infinite: the residual does not depend on the prediction), and over
# residuals as multiples of 1.5 robust standard deviations (0.6 down to 0.0066).
_RANK_WIDTHS = np.array([np.inf, 0.5, 0.25, 0.125, 0.0625, 0.03125])
_RESIDUAL_WIDTHS = 0.6 * 2.0 ** (-np.arange(14) / 2)
# Rows far away in rank keep this weight: no neighbourhood is ever empty.
_FAR = 1e-6
# Exponents are cut here: what lies below is far under the tail floor, and single precision stays normal.
_LOWEST_EXPONENT = -69.0
_FEWEST_CONTINUOUS = 5
_STEPS = 1 / math.sqrt(2 * math.pi)
_ROUNDING = 1e-9
# Beyond these, squares would overflow: a value is as good as infinite, a distance as good as this one.
_LARGEST, _FARTHEST = 1e100, 1e15
_BLOCK = 1 << 16


@dataclass(frozen=True)
class ConditionalDensity:
    """Density of a target given the prediction of one model; made by `fit_density`.

    Attributes
    ----------
    predicted, place, residual : ndarray of float, shape (n,)
        Validation predictions in ascending order, their ranks in (0, 1), and true minus predicted.
    label : ndarray of int, shape (n,)
        0 for a value of the continuous part, k + 1 for ``atoms[k]``.
    atoms : ndarray of float, shape (k,)
        Values that carry probability rather than density, ascending.
    prior : ndarray of float, shape (k + 1,)
        Probability of each label whatever the prediction.
    rank_width, residual_width : float
        Chosen kernel widths, of the rank (``inf``: no dependence) and in the target's unit.
    tail_scale, tail_weight : float
        Of the Student-t floor with two degrees of freedom (target's unit, share).
    leave_one_out : float
        Mean log2 q of the validation rows, each left out of its own estimate (bits).
    """

    predicted: Floats
    place: Floats
    residual: Floats
    label: Ints
    atoms: Floats
    prior: Floats
    rank_width: float
    residual_width: float
    tail_scale: float
    tail_weight: float
    leave_one_out: float

    def log2(self, predicted: ArrayLike, true: ArrayLike) -> Floats:
        """log2 q(true | predicted) of each row.

        Parameters
        ----------
        predicted, true : array_like of float, shape (m,)
            In the target's unit.

        Returns
        -------
        ndarray of float, shape (m,)
            log2 of the probability where the true value is an atom, else of the density (per unit of the
            target). The difference of two models of one target with the same atoms is free of the unit. NaN
            where the true value or the prediction is not finite (or above 1e100).
        """
        predicted, true = _pair(predicted, true)
        finite = _bounded(predicted) & _bounded(true)
        out = np.full(len(true), np.nan)
        if finite.all():
            return self._finite(predicted, true)
        out[finite] = self._finite(predicted[finite], true[finite])
        return out

    def _finite(self, predicted: Floats, true: Floats) -> Floats:
        place, label = _places(self.predicted, predicted), discrete.atom_labels(self.atoms, true)
        residual = true - predicted
        smooth = self.label == 0
        member = (self.label[:, None] == np.arange(len(self.prior))).astype(np.float32)
        among_smooth = smooth.astype(np.float32)
        centres, points = (_scaled(r, self.residual_width) for r in (self.residual[smooth], residual))
        tail = _tail(residual, self.tail_scale)
        chance, density = np.ones(len(true)), np.zeros(len(true))
        for rows in _blocks(len(true), len(self.place)):
            if math.isfinite(self.rank_width):
                weights = _kernel(place[rows, None] - self.place, self.rank_width) + np.float32(_FAR)
            else:
                weights = np.ones((rows.stop - rows.start, len(self.place)), dtype=np.float32)
            if len(self.atoms):
                near = (weights @ member).astype(np.float64)
                chances = (near + self.prior) / (near.sum(axis=1, keepdims=True) + 1)
                chance[rows] = chances[np.arange(len(chances)), label[rows]]
            if self.tail_weight < 1:
                kernel = _kernel(points[rows, None] - centres, 1.0)
                near = weights @ among_smooth
                density[rows] = np.einsum("ij,ij->i", weights[:, smooth], kernel) / near
        density /= self.residual_width * math.sqrt(2 * math.pi)
        density = (1 - self.tail_weight) * density + self.tail_weight * tail
        out: Floats = np.log2(chance) + np.where(label == 0, np.log2(np.maximum(density, 1e-300)), 0.0)
        return out


def find_atoms(true: ArrayLike) -> Floats:
    """Values that carry probability: on 1 % of the rows or more, and on ten rows at least.

    Parameters
    ----------
    true : array_like of float, shape (n,)
        Values of the target, never predictions: q1 and q0 must share their atoms.

    Returns
    -------
    ndarray of float
        Ascending; often empty.

    Examples
    --------
    >>> find_atoms([0.0] * 12 + [0.1 * k for k in range(1, 50)]).tolist()
    [0.0]
    """
    values = np.asarray(true, dtype=np.float64)
    return np.sort(discrete.atoms(values[np.isfinite(values)]))


def unusable(predicted_val: ArrayLike, true_val: ArrayLike, atoms: ArrayLike | None = None) -> str:
    """Why no density can be fitted to these validation rows; ``""`` if one can."""
    predicted, true = _pair(predicted_val, true_val)
    if len(true) == 0:
        return "no validation rows"
    if len(true) < FEWEST_ROWS:
        return f"fewer than {FEWEST_ROWS} validation rows"
    if not _bounded(true).all():
        return "a validation value is not finite"
    if not _bounded(predicted).all():
        return "a validation prediction is not finite"
    if true.min() == true.max():
        return "the target has one value in the validation rows"
    smooth = discrete.atom_labels(find_atoms(true) if atoms is None else _sorted(atoms), true) == 0
    residual = (true - predicted)[smooth]
    if len(residual) >= _FEWEST_CONTINUOUS and residual.std() <= _ROUNDING * true.std():
        return "the error has no spread: the bits are unbounded"
    return ""


def fit_density(
    predicted_val: ArrayLike,
    true_val: ArrayLike,
    *,
    atoms: ArrayLike | None = None,
    most: int = 2000,
    key: tuple[object, ...] = ("density",),
) -> ConditionalDensity:
    """Density of a target given a model's prediction, from validation rows.

    q(y | prediction) = P(continuous) [(1 - w) f(y - prediction | rank) + w t2] for a continuous value and
    P(atom) for an atom. f and the probabilities are kernel regressions on the rank of the prediction; t2, a
    Student density with two degrees of freedom and weight w = 2 / (n + 20), keeps surprises finite. Both
    kernel widths maximise the leave-one-out likelihood over a grid of 6 x 14. The kernel over residuals is no
    narrower than 0.4 steps where the target comes in steps (integers): no density exceeds one per step, and a
    model whose predictions repeat earns nothing from the steps.

    Parameters
    ----------
    predicted_val, true_val : array_like of float, shape (n,)
        In the target's unit; ten rows or more.
    atoms : array_like of float, optional
        Values that carry probability, from the target alone (`find_atoms` of its training values);
        those of ``true_val`` when not given.
    most : int
        More rows than this are thinned at random.
    key : tuple
        Names the random numbers of the thinning. Models to be compared must share it, so that they are
        fitted on the same rows.

    Returns
    -------
    ConditionalDensity

    Raises
    ------
    ValueError
        No density can be fitted; `unusable` gives the reason.
    """
    predicted, true = _pair(predicted_val, true_val)
    found = find_atoms(true) if atoms is None else _sorted(atoms)
    reason = unusable(predicted, true, found)
    if reason:
        raise ValueError(reason)
    if len(true) > most:
        kept = np.sort(generator("density", *key, len(true), most).choice(len(true), most, replace=False))
        predicted, true = predicted[kept], true[kept]
    order = np.argsort(predicted, kind="stable")
    predicted, true = predicted[order], true[order]
    place, label, residual = (
        _places(predicted, predicted),
        discrete.atom_labels(found, true),
        true - predicted,
    )
    counts = np.bincount(label, minlength=len(found) + 1)
    prior: Floats = ((counts + 0.5) / (len(true) + 0.5 * len(counts))).astype(np.float64)

    by_width = np.zeros(len(_RANK_WIDTHS))
    if len(found):
        by_width = _left_out_labels(place, label, prior)
    smooth = label == 0
    among = residual[smooth]
    scale = _scale(among) if len(among) >= _FEWEST_CONTINUOUS else 0.0
    if scale > 0:
        narrowest = _STEPS * _step(true, smooth)
        distance = np.abs(among)
        distance = np.minimum(distance, np.quantile(distance, 0.99))  # one broken row sets no scale
        tail_scale, tail_weight = max(float(distance.mean()), scale, narrowest), 2.0 / (len(among) + 20)
        widths = np.maximum(1.5 * scale * _RESIDUAL_WIDTHS, narrowest)
        density = _left_out_density(place[smooth], _scaled(among, scale), widths / scale) / scale
        floor = tail_weight * _tail(among, tail_scale)[:, None, None]
        likelihood = np.log((1 - tail_weight) * density + floor).sum(axis=0) + by_width[:, None]
    else:  # too few values off the atoms for a kernel: the tail alone
        tail_scale, tail_weight = float(np.abs(residual).mean()) or float(true.std()) or 1.0, 1.0
        widths = np.array([tail_scale])
        likelihood = by_width[:, None] + np.log(_tail(among, tail_scale)).sum()
    chosen, width = np.unravel_index(int(np.argmax(likelihood)), likelihood.shape)
    return ConditionalDensity(
        predicted,
        place,
        residual,
        label,
        found,
        prior,
        float(_RANK_WIDTHS[chosen]),
        float(widths[width]),
        tail_scale,
        tail_weight,
        float(likelihood[chosen, width]) / len(true) / math.log(2),
    )


def _left_out_labels(place: Floats, label: Ints, prior: Floats) -> Floats:
    """Leave-one-out log likelihood (nats) of the labels at every width over ranks, shape (6,)."""
    total = np.zeros(len(_RANK_WIDTHS))
    for rows in _blocks(len(place), len(place)):
        weights = _rank_weights(place, rows)
        own = weights @ (label[rows, None] == label).astype(np.float32)[:, :, None]
        near = weights.sum(axis=2, dtype=np.float64)
        total += np.log((own[:, :, 0] + prior[label[rows], None]) / (near + 1)).sum(axis=0)
    return total


def _left_out_density(place: Floats, scaled: Floats, widths: Floats) -> Floats:
    """Leave-one-out density of residuals, they and the widths in units of their scale, shape (n, 6, 14)."""
    out = np.empty((len(place), len(_RANK_WIDTHS), len(widths)))
    norm = math.sqrt(2 * math.pi) * widths
    precision = (-0.5 / widths**2).astype(np.float32)
    for rows in _blocks(len(place), len(place)):
        weights = _rank_weights(place, rows)
        square = np.square(scaled[rows, None] - scaled).astype(np.float32)
        kernels = np.multiply(precision[:, None], square[:, None, :])
        np.maximum(kernels, np.float32(_LOWEST_EXPONENT), out=kernels)
        np.exp(kernels, out=kernels)
        out[rows] = (weights @ kernels.transpose(0, 2, 1)) / weights.sum(axis=2, keepdims=True)
    return out / norm


def _rank_weights(place: Floats, rows: slice) -> Singles:
    """Weights between some rows and all at every width over ranks, a row's own zero: (rows, 6, n)."""
    square = np.square(place[rows, None] - place).astype(np.float32)
    weights = np.empty((len(square), len(_RANK_WIDTHS), len(place)), dtype=np.float32)
    weights[:, 0] = 1
    finite = _RANK_WIDTHS[1:]
    np.multiply((-0.5 / finite**2).astype(np.float32)[:, None], square[:, None, :], out=weights[:, 1:])
    np.maximum(weights[:, 1:], np.float32(_LOWEST_EXPONENT), out=weights[:, 1:])
    np.exp(weights[:, 1:], out=weights[:, 1:])
    weights[:, 1:] += np.float32(_FAR)
    weights[np.arange(len(square)), :, np.arange(rows.start, rows.stop)] = 0
    return weights


def _kernel(difference: Floats, width: float) -> Singles:
    exponent = np.square(difference).astype(np.float32)
    exponent *= np.float32(-0.5 / width**2)
    np.maximum(exponent, np.float32(_LOWEST_EXPONENT), out=exponent)
    out: Singles = np.exp(exponent, out=exponent)
    return out


def _bounded(values: Floats) -> NDArray[np.bool_]:
    return np.abs(values) < _LARGEST


def _scaled(residual: Floats, width: float) -> Floats:
    out: Floats = np.clip(residual / width, -_FARTHEST, _FARTHEST)
    return out


def _tail(residual: Floats, scale: float) -> Floats:
    """Student density with two degrees of freedom: (2 + x²)^(-3/2)."""
    out: Floats = (2 + np.square(residual / scale)) ** -1.5 / scale
    return out


def _step(true: Floats, smooth: NDArray[np.bool_]) -> float:
    """Usual distance of neighbouring values of the target if most of them off the atoms repeat, else 0."""
    among = true[smooth]
    if 2 * len(np.unique(among)) > len(among):
        return 0.0
    return float(np.median(np.diff(np.unique(true))))


def _scale(residual: Floats) -> float:
    """Standard deviation from the quartiles; where they (nearly) agree, from what lies outside them."""
    lowest, low, high, highest = np.quantile(residual, [0.05, 0.25, 0.75, 0.95])
    robust = max(float(high - low) / 1.349, 1e-3 * float(highest - lowest) / 3.29)
    return robust or float(residual.std())


def _places(ordered: Floats, predicted: Floats) -> Floats:
    """Rank among validation predictions in (0, 1), ties sharing their middle."""
    below = np.searchsorted(ordered, predicted, side="left")
    upto = np.searchsorted(ordered, predicted, side="right")
    out: Floats = (below + upto) / (2 * len(ordered))
    return out


def _sorted(atoms: ArrayLike) -> Floats:
    return np.unique(np.asarray(atoms, dtype=np.float64))


def _pair(predicted: ArrayLike, true: ArrayLike) -> tuple[Floats, Floats]:
    left, right = (np.asarray(values, dtype=np.float64) for values in (predicted, true))
    if left.ndim != 1 or left.shape != right.shape:
        raise ValueError(f"predicted and true must have one shape (n,), got {left.shape} and {right.shape}")
    return left, right


def _blocks(rows: int, columns: int) -> list[slice]:
    """Slices of rows that keep (rows, columns) arrays within a processor's cache."""
    step = max(1, _BLOCK // max(columns, 1))
    return [slice(start, min(start + step, rows)) for start in range(0, rows, step)]
