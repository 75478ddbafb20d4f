"""Intervals and tests that know that seeds share materials and that materials share formulas."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats = NDArray[np.float64]

_FEWEST_CLUSTERS = 3
_ROUNDING = 1e-9
#: Relative step of single precision.
_SINGLE = float(np.finfo(np.float32).eps)
#: Residuals are clipped at so many median absolute residuals.
_CLIP = 1.5


class Interval(NamedTuple):
    """A mean over seeds and its confidence interval (the unit of the values).

    ``low`` and ``high`` are NaN with a ``reason`` where the seeds do not give an interval.
    """

    mean: float
    low: float
    high: float
    n_seeds: int
    reason: str


class Clustered(NamedTuple):
    """A mean over materials whose errors are correlated within clusters (formulas).

    ``p`` is one-sided: the chance of so large a t were the mean zero. NaN, with a ``reason`` where undefined.
    """

    mean: float
    se: float
    n: int
    n_clusters: int
    t: float
    p: float
    reason: str


class Contrast(NamedTuple):
    """A paired difference of gains: mean, interval, and a two-sided p."""

    mean: float
    low: float
    high: float
    t: float
    p: float
    n_seeds: int
    reason: str


def nadeau_bengio(per_seed: ArrayLike, n_train: float, n_test: float, level: float = 0.95) -> Interval:
    """Confidence interval of a mean over seeds whose splits overlap.

    mean +/- t(J - 1) s sqrt(1/J + n_test/n_train): the corrected resampled t-test (Nadeau & Bengio 2003,
    Machine Learning 52, 239, section 5). The plain s / sqrt(J) is too short, because seeds share materials.

    Parameters
    ----------
    per_seed : array_like of float, shape (J,)
        One value a seed; values that are not finite are left out.
    n_train, n_test : float
        Rows of one split.
    level : float
        Coverage, in (0, 1).

    Returns
    -------
    Interval

    Examples
    --------
    >>> interval = nadeau_bengio([1.0, 2.0, 3.0], n_train=60, n_test=20)
    >>> round(interval.low, 3), round(interval.high, 3)
    (-1.513, 5.513)
    """
    mean, error, seeds, reason = _corrected(per_seed, n_train, n_test)
    if reason:
        return Interval(mean, math.nan, math.nan, seeds, reason)
    half = float(special.stdtrit(seeds - 1, (1 + level) / 2)) * error
    return Interval(mean, mean - half, mean + half, seeds, "")


def paired_contrast(
    composition: ArrayLike, structure: ArrayLike, n_train: float, n_test: float, level: float = 0.95
) -> Contrast:
    """Does a property help composition more than it helps structure? The same splits decide.

    "Structure holds it, composition does not" is this difference, not the difference of two lists of hits.

    Parameters
    ----------
    composition, structure : array_like of float, shape (J,)
        Gains of the same property, target and learner, seed by seed; a seed lacking either is left out.
    n_train, n_test, level
        As for `nadeau_bengio`.

    Returns
    -------
    Contrast
        Of composition minus structure; two-sided p by the corrected t.
    """
    left, right = np.asarray(composition, dtype=float), np.asarray(structure, dtype=float)
    if left.shape != right.shape:
        raise ValueError(f"gains must be of the same seeds, got shapes {left.shape} and {right.shape}")
    both = np.isfinite(left) & np.isfinite(right)
    mean, error, seeds, reason = _corrected(left[both] - right[both], n_train, n_test)
    if not reason and error == 0:
        reason = "" if mean == 0 else "every seed has the same difference"
        t, p = (0.0, 1.0) if mean == 0 else (math.nan, math.nan)
        return Contrast(mean, mean, mean, t, p, seeds, reason)
    if reason:
        return Contrast(mean, math.nan, math.nan, math.nan, math.nan, seeds, reason)
    half, t = float(special.stdtrit(seeds - 1, (1 + level) / 2)) * error, mean / error
    p = 2 * float(special.stdtr(seeds - 1, -abs(t)))
    return Contrast(mean, mean - half, mean + half, t, p, seeds, "")


def clustered(values: ArrayLike, clusters: ArrayLike) -> Clustered:
    """Mean over materials with a standard error clustered by formula, and the one-sided t of mean > 0.

    The cluster sums of deviations carry the correction CR2 of Bell & McCaffrey (2002) and t their degrees of
    freedom, which for a mean have closed forms: clusters of uneven size count for what they are.

    Parameters
    ----------
    values : array_like of float, shape (n,)
        One value a material; values that are not finite are left out.
    clusters : array_like, shape (n,)
        Its cluster, e.g. the reduced formula.

    Returns
    -------
    Clustered
        All values zero give p = 1. NaN with a reason for fewer than three clusters, or for no variance.
    """
    numbers, labels = np.asarray(values, dtype=float), np.asarray(clusters)
    if numbers.shape != labels.shape:
        raise ValueError(
            f"values and clusters must have one shape (n,), got {numbers.shape} and {labels.shape}"
        )
    finite = np.isfinite(numbers)
    numbers = numbers[finite]
    _, member = np.unique(labels[finite], return_inverse=True)
    sizes = np.bincount(member).astype(float)
    n, groups = len(numbers), len(sizes)
    mean = float(numbers.mean()) if n else math.nan

    def without(reason: str, p: float = math.nan, se: float = math.nan, t: float = math.nan) -> Clustered:
        return Clustered(mean, se, n, groups, t, p, reason)

    if n == 0:
        return without("no values")
    if not numbers.any():
        return without("", p=1.0, se=0.0, t=0.0)
    if groups < _FEWEST_CLUSTERS:
        return without(f"fewer than {_FEWEST_CLUSTERS} formulas")
    sums = np.bincount(member, weights=numbers - mean)
    se = math.sqrt(float((sums**2 / (1 - sizes / n)).sum())) / n
    if se <= 1e-12 * abs(mean):
        return without("every material has the same value", se=0.0)
    weight = sizes**2 / (n - sizes)
    freedom = n**2 / float((sizes**2).sum() + weight.sum() ** 2 - (weight**2).sum())
    t = mean / se
    return Clustered(mean, se, n, groups, t, float(special.stdtr(freedom, -t)), "")


def swap_test(
    loss_swapped: ArrayLike, loss: ArrayLike, materials: ArrayLike, clusters: ArrayLike
) -> Clustered:
    """Does the augmented model get worse when A is replaced by a conditional placebo A~?

    The plain conditional randomisation test on held-out rows. A~ keeps what was learned from R of A, so
    rejecting says that the model uses what A tells beyond that, be it that R tells it too. `material_test` of
    `swap_scores` asks for more, and is the default. Differences loss(A~) - loss(A) are averaged over the
    seeds in which a material was tested, and their mean over materials is tested against zero by `clustered`.

    Parameters
    ----------
    loss_swapped : array_like of float, shape (n,) or (B, n)
        Losses of the test rows with A~, or of B draws of it; rows of all seeds one after the other.
    loss : array_like of float, shape (n,)
        Losses of the same rows with A.
    materials, clusters : array_like, shape (n,)
        Id and formula of each row.

    Returns
    -------
    Clustered
        Mean rise of the loss, clustered standard error, and one-sided p.
    """
    swapped, own = np.asarray(loss_swapped, dtype=float), np.asarray(loss, dtype=float)
    rises = (swapped.mean(axis=0) if swapped.ndim == 2 else swapped) - own
    if len(own):
        # What rounding leaves of a swap that changes nothing (an A that R determines) is no rise.
        rises = np.where(np.abs(rises) <= _ROUNDING * np.abs(own).mean(), 0.0, rises)
    return material_test(rises, materials, clusters)


def swap_scores(true: ArrayLike, baseline: ArrayLike, augmented: ArrayLike, swapped: ArrayLike) -> Floats:
    """How far the answer of the augmented model moves towards the truth when A takes the place of A~.

    The default test is `material_test` of these scores. Replacing A by conditional placebos moves the
    augmented prediction by m(R, A) - mean m(R, A~): what the model reads from A alone. It counts as far as it
    goes where the *baseline* errs: it is multiplied by the baseline's residual, divided by 1.5 times its
    median size and clipped to [-1, 1], so that a few large residuals do not decide.

    That is a conditional randomisation test whose statistic is the covariance of the model with what the
    baseline leaves open, and the projected covariance measure (Lundborg et al., Ann. Stat. 52, 2851 (2024);
    Shah & Peters, Ann. Stat. 48, 1514 (2020)): its mean is zero without information if either the guess of A
    or the baseline is right, and nearly so if both are nearly right. The rise of the loss (`swap_test`) needs
    the guess of A to be right: an A that R determines in a way that the guess misses is then marked.

    Parameters
    ----------
    true, baseline, augmented : array_like of float, shape (n,)
        Target of the test rows, and its predictions without and with A.
    swapped : array_like of float, shape (B, n)
        Augmented predictions under B placebos, in single precision at least.

    Returns
    -------
    ndarray of float, shape (n,)
        In the target's unit.

    Examples
    --------
    >>> swap_scores(true=[1, 1, 1], baseline=[0, 2, 5], augmented=[0.5, 2, 4], swapped=[[0, 2, 5]]).tolist()
    [0.3333333333333333, -0.0, 1.0]
    """
    model = np.asarray(augmented, dtype=float)
    moved = model - np.asarray(swapped, dtype=float).mean(axis=0)
    # What single precision leaves of a swap that changes nothing is no movement.
    moved = np.where(np.isfinite(moved) & (np.abs(moved) <= _SINGLE * np.abs(model)), 0.0, moved)
    left = np.asarray(true, dtype=float) - np.asarray(baseline, dtype=float)
    bound = _CLIP * float(np.median(np.abs(left))) if len(left) else 0.0
    direction: Floats = np.clip(left / bound, -1, 1) if bound > 0 else np.sign(left)
    return direction * moved


def material_test(values: ArrayLike, materials: ArrayLike, clusters: ArrayLike) -> Clustered:
    """Is the mean over materials above zero? Rows of all seeds, averaged by material, then `clustered`.

    Parameters
    ----------
    values : array_like of float, shape (n,)
        One value a test row, e.g. from `swap_scores`; rows of all seeds one after the other.
    materials, clusters : array_like, shape (n,)
        Id and formula of each row.

    Returns
    -------
    Clustered
        No test if a value is not finite.
    """
    numbers = np.asarray(values, dtype=float)
    ids, formulas = np.asarray(materials), np.asarray(clusters)
    if not numbers.shape == ids.shape == formulas.shape:
        raise ValueError(
            f"rows do not match: {numbers.shape} values, {ids.shape} ids, {formulas.shape} formulas"
        )
    if not np.isfinite(numbers).all():
        return Clustered(math.nan, math.nan, 0, 0, math.nan, math.nan, "a loss is not finite")
    _, first, member = np.unique(ids, return_index=True, return_inverse=True)
    per_material = np.bincount(member, weights=numbers) / np.maximum(np.bincount(member), 1)
    return clustered(per_material, formulas[first])


def benjamini_hochberg(p: ArrayLike) -> Floats:
    """q values: the smallest false-discovery rate at which each p would be kept.

    Benjamini & Hochberg (1995). NaNs are no tests: they stay NaN and do not count.

    Parameters
    ----------
    p : array_like of float, any shape

    Returns
    -------
    ndarray of float, the same shape

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, float("nan"), 0.03]).round(3).tolist()
    [0.03, 0.04, nan, 0.04]
    """
    values = np.asarray(p, dtype=float)
    q = np.full(values.shape, np.nan)
    tested = np.isfinite(values)
    found = values[tested]
    order = np.argsort(found, kind="stable")
    scaled = found[order] * len(found) / np.arange(1, len(found) + 1)
    kept = np.empty(len(found))
    kept[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    q[tested] = kept
    return q


def _corrected(per_seed: ArrayLike, n_train: float, n_test: float) -> tuple[float, float, int, str]:
    """Mean, corrected standard error, seeds, and why there is no error."""
    values = np.asarray(per_seed, dtype=float)
    values = values[np.isfinite(values)]
    seeds = len(values)
    mean = float(values.mean()) if seeds else math.nan
    if seeds < 2:
        return mean, math.nan, seeds, "a single seed has no interval" if seeds else "no seed has a value"
    if not (n_train > 0 and n_test >= 0):
        return mean, math.nan, seeds, "no training rows"
    return mean, float(values.std(ddof=1)) * math.sqrt(1 / seeds + n_test / n_train), seeds, ""
