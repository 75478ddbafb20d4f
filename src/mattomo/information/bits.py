"""Bits: what an added property A tells about a target p beyond a representation R, for one learner.

Three measures. *Laplace bits* are the paper's change of the mean absolute error on a logarithmic scale.
*Density bits*, the primary measure, compare the cross-entropies of two calibrated densities. *Categorical
bits* do so for a classifier. All are usable bits (predictive V-information, Xu et al. 2020): of this learner
at this number of training rows, neither a lower nor an upper bound of the conditional mutual information
I(A; p | R).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mattomo.information.density import FEWEST_ROWS, fit_density, unusable

Floats = NDArray[np.float64]

_ZERO_ERROR = "the augmented error is zero: the bits are unbounded"


@dataclass(frozen=True)
class Score:
    """log2 q of every test row under one calibrated model (bits).

    Attributes
    ----------
    rows : ndarray of float, shape (n_test,)
        log2 of the density (in the target's unit) or of the probability; NaN where the model says nothing.
    reason : str
        Why there is none; then all rows are NaN. ``""`` otherwise.
    """

    rows: Floats
    reason: str = ""


@dataclass(frozen=True)
class Bits:
    """Difference of two scores, row by row.

    Attributes
    ----------
    rows : ndarray of float, shape (n_test,)
        log2 q1 - log2 q0 of every test row; positive where A helped. NaN where undefined.
    mean : float
        Over the rows; NaN with a reason.
    left_out : int
        Test rows without a value although the mean is defined (categories the training rows lack).
    reason : str
        Why the mean is NaN, else ``""``.
    """

    rows: Floats
    mean: float
    left_out: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Cap:
    """Largest value that I(A; p | R) can take: I(A; p | R) <= H(A | R) <= cross-entropy of A given R.

    Attributes
    ----------
    bits : float
        Test cross-entropy of a classifier of A (a category, or a number in bins) from R.
    reason : str
        Why it is NaN, else ``""``.
    """

    bits: float
    reason: str = ""

    def overstated(self, bits: float) -> bool:
        """Whether a gain cannot be information of A beyond R alone: the baseline underfits, or the
        density cannot follow its error. False where either number is undefined."""
        return bool(bits > self.bits)


def laplace_bits(mae0: ArrayLike, mae1: ArrayLike) -> tuple[Floats, NDArray[np.str_]]:
    """log2(MAE0 / MAE1): the change of the error as bits of a Laplace density.

    Equal to I(A; p | R) + d0 - d1 with d = log2(2 e MAE) - h(p | X) >= 0, the cost of the wrong shape: right
    if both residuals are Laplace, else too large or too small. 1 % of error is 0.0145 bits.

    Parameters
    ----------
    mae0, mae1 : array_like of float
        Test errors without and with A, of one unit; one shape.

    Returns
    -------
    bits : ndarray of float
        NaN where undefined.
    reasons : ndarray of str
        Why, else ``""``.

    Examples
    --------
    >>> bits, reasons = laplace_bits([1.0, 1.0], [0.5, 0.0])
    >>> bits.tolist(), reasons.tolist()
    ([1.0, nan], ['', 'the augmented error is zero: the bits are unbounded'])
    """
    before, after = np.broadcast_arrays(np.asarray(mae0, dtype=float), np.asarray(mae1, dtype=float))
    finite = np.isfinite(before) & np.isfinite(after)
    reasons = np.select(
        [~finite, (before < 0) | (after < 0), before == 0, after == 0],
        ["a model's MAE is not finite", "an MAE is negative", "baseline MAE is zero", _ZERO_ERROR],
        default="",
    )
    defined = reasons == ""
    logs = [np.log2(values, out=np.full(values.shape, np.nan), where=defined) for values in (before, after)]
    return logs[0] - logs[1], reasons


def density_score(
    predicted_val: ArrayLike,
    true_val: ArrayLike,
    predicted_test: ArrayLike,
    true_test: ArrayLike,
    *,
    atoms: ArrayLike | None = None,
    most: int = 2000,
    key: tuple[object, ...] = ("density",),
) -> Score:
    """log2 density of the test rows under one model, its density fitted on the validation rows.

    Score a baseline once and compare it with each of its augmentations by `difference`. Parameters are those
    of `fit_density`; models to be compared need the same ``true_val``, ``atoms`` and ``key``.
    """
    test, true = np.asarray(predicted_test, dtype=float), np.asarray(true_test, dtype=float)
    reason = unusable(predicted_val, true_val, atoms)
    if not reason and len(true) == 0:
        reason = "no test rows"
    if not reason:
        rows = fit_density(predicted_val, true_val, atoms=atoms, most=most, key=key).log2(test, true)
        if np.isfinite(rows).all():
            return Score(rows)
        reason = "a test value or prediction is not finite"
    return Score(np.full(len(true), np.nan), reason)


def density_bits(
    predicted0_val: ArrayLike,
    predicted1_val: ArrayLike,
    true_val: ArrayLike,
    predicted0_test: ArrayLike,
    predicted1_test: ArrayLike,
    true_test: ArrayLike,
    *,
    atoms: ArrayLike | None = None,
    most: int = 2000,
    key: tuple[object, ...] = ("density",),
) -> Bits:
    """Mean over test rows of log2 q1(p) - log2 q0(p), the usable bits of A for p beyond R.

    Parameters
    ----------
    predicted0_val, predicted1_val, true_val : array_like of float, shape (n_val,)
        Predictions without and with A of the validation rows, and their target.
    predicted0_test, predicted1_test, true_test : array_like of float, shape (n_test,)
    atoms, most, key
        As for `fit_density`.

    Returns
    -------
    Bits
        Free of the unit and the zero of the target. NaN with a reason where a density cannot be fitted, or
        where A gives the target away (the bits would be unbounded).
    """
    baseline, augmented = (
        density_score(val, true_val, test, true_test, atoms=atoms, most=most, key=key)
        for val, test in ((predicted0_val, predicted0_test), (predicted1_val, predicted1_test))
    )
    return difference(baseline, augmented)


def difference(baseline: Score, augmented: Score) -> Bits:
    """Bits of the augmented model over the baseline, on the same test rows."""
    if baseline.rows.shape != augmented.rows.shape:
        raise ValueError(
            f"scores must be of the same test rows, got {baseline.rows.shape} and {augmented.rows.shape}"
        )
    rows = augmented.rows - baseline.rows
    reason = "; ".join(
        f"{name} model: {score.reason}"
        for name, score in (("baseline", baseline), ("augmented", augmented))
        if score.reason
    )
    defined = np.isfinite(rows)
    if not reason and not defined.any():
        reason = "no test rows"
    if reason:
        return Bits(rows, float("nan"), reason=reason)
    return Bits(rows, float(rows[defined].mean()), left_out=int((~defined).sum()))


def calibrated_cross_entropy(
    prob_val: ArrayLike,
    level_val: ArrayLike,
    prob_test: ArrayLike,
    level_test: ArrayLike,
    prior: ArrayLike,
) -> Score:
    """log2 probability of the test rows' categories, after calibration on the validation rows.

    q = (1 - s) softmax(log(prob) / T) + s prior. The temperature T (1/4 to 16; Guo et al. 2017) and the
    shrinkage s to the prior (up to 1: the prior alone) minimise the validation cross-entropy over a grid, so
    a classifier that learned nothing scores as the prior does.

    Parameters
    ----------
    prob_val, prob_test : array_like of float, shape (n, K)
        Class probabilities; rows need not sum to one.
    level_val, level_test : array_like of int, shape (n,)
        Category of each row, 0 to K - 1; -1 for one that the training rows lack.
    prior : array_like of float, shape (K,)
        Shares of the categories among the training rows (or counts).

    Returns
    -------
    Score
        ``-score.rows`` is the cross-entropy. Rows of unknown level are NaN.
    """
    val, test = (np.asarray(p, dtype=float) for p in (prob_val, prob_test))
    true_val, true_test = (np.asarray(levels, dtype=np.int64) for levels in (level_val, level_test))
    shares = np.asarray(prior, dtype=float)
    nothing = np.full(len(true_test), np.nan)
    known = true_val >= 0
    if known.sum() < FEWEST_ROWS:
        rows = "no" if not len(true_val) else f"fewer than {FEWEST_ROWS}"
        return Score(nothing, f"{rows} validation rows")
    if not (np.isfinite(val).all() and np.isfinite(test).all() and min(val.min(), test.min(initial=0)) >= 0):
        return Score(nothing, "a probability is negative or not finite")
    # A class that the prior gives nothing keeps the weight of one row in a uniform distribution.
    shares = shares / shares.sum()
    shares = (shares * len(true_val) + 1 / len(shares)) / (len(true_val) + 1)
    val, true_val = val[known], true_val[known]
    mixed = np.array([_shrunk(_tempered(val, true_val, t), shares[true_val]) for t in _TEMPERATURES])
    best, shrink = np.unravel_index(int(np.argmax(np.log(mixed).mean(axis=2))), mixed.shape[:2])
    seen = true_test >= 0
    own = _tempered(test[seen], true_test[seen], float(_TEMPERATURES[best]))
    s = _SHRINKAGES[shrink]
    nothing[seen] = np.log2((1 - s) * own + s * shares[true_test[seen]])
    return Score(nothing)


def categorical_bits(baseline: Score, augmented: Score) -> Bits:
    """Bits of A for a categorical target: the fall of the calibrated cross-entropy.

    Parameters
    ----------
    baseline, augmented : Score
        From `calibrated_cross_entropy`, of the same test rows.
    """
    return difference(baseline, augmented)


def cap(score: Score) -> Cap:
    """Bound of the information of a categorical (or binned) A, from a classifier of A given R.

    Parameters
    ----------
    score : Score
        From `calibrated_cross_entropy` with A as the target and R as the input.
    """
    defined = score.rows[np.isfinite(score.rows)]
    if score.reason or not len(defined):
        return Cap(float("nan"), score.reason or "no test rows")
    return Cap(float(-defined.mean()))


_TEMPERATURES = 2.0 ** np.linspace(-2, 4, 25)
# Never zero: no category that turns up may have probability zero.
_SHRINKAGES = np.array([1e-3, 0.003, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.85, 1.0])


def _tempered(prob: Floats, level: NDArray[np.int64], temperature: float) -> Floats:
    """softmax(log prob / T) at each row's own level; rows without any probability are uniform."""
    logs = np.log(np.maximum(prob, 1e-300)) / temperature
    logs -= logs.max(axis=1, keepdims=True)
    out: Floats = np.exp(logs[np.arange(len(level)), level]) / np.exp(logs).sum(axis=1)
    return out


def _shrunk(own: Floats, prior: Floats) -> Floats:
    """Mixtures with the prior at every shrinkage, shape (12, n)."""
    s = _SHRINKAGES[:, None]
    out: Floats = (1 - s) * own + s * prior
    return out
