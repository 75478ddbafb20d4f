"""Weighted sums of descriptors, which trees find badly: ridge regression and linear discriminants."""

from __future__ import annotations

from itertools import product

import numpy as np
from scipy.special import log_softmax

from mattomo.learners.base import Split
from mattomo.projections.graphs import Floats, Ints
from mattomo.threads import one_thread

#: Penalties tried, in units of the mean eigenvalue of the correlations.
_PENALTIES = 10.0 ** np.arange(-8, 3)
#: Columns that vary less than this, against their size, are constant.
_CONSTANT = 1e-10
#: Class means are drawn towards the common mean as if by so many more rows.
_PRIOR_ROWS = (2, 10, 30)
#: Shares of the unit matrix in the covariance of the classes, and of the discriminants in the log-odds.
_SHRINKAGES, _STRENGTHS = (0.01, 0.1, 0.3, 1.0), (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
#: Descriptors and predictions may lie beyond the range of the training rows by this share of it.
_BEYOND = 0.5


def ridge(inputs: Floats, values: Floats, split: Split) -> Floats:
    """Predict a scalar by ridge regression, with the penalty of the least validation error.

    Parameters
    ----------
    inputs : ndarray of float64, shape (n, d)
        NaN where unknown: there a column counts as its mean.
    values : ndarray of float64, shape (n,)
        Known on the training and validation rows of ``split``.
    split : Split

    Returns
    -------
    ndarray of float64, shape (n,)
        Not far beyond the range of the training values: a line carried there tells nothing.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(60, 2))
    >>> split = Split(np.arange(40), np.arange(40, 50), np.arange(50, 60))
    >>> bool(np.allclose(ridge(x, x @ [2.0, -1.0], split)[:40], (x @ [2.0, -1.0])[:40], atol=1e-4))
    True
    """
    with one_thread():
        return _ridge(inputs, values, split)


def discriminant(inputs: Floats, index: Ints, n_levels: int, split: Split, held: tuple[Ints, Ints]) -> Floats:
    """Log-odds of the levels of a category by linear discriminants.

    The classes have means of their own and one covariance (Fisher 1936); how far it is drawn towards the unit
    matrix, and how far the log-odds are from those of the shares of the levels, is what makes the validation
    rows likeliest.

    Parameters
    ----------
    inputs : ndarray of float64, shape (n, d)
        NaN where unknown: there a column counts as its mean.
    index : ndarray of int, shape (n_train,)
        Level of each training row, in 0 ... n_levels - 1, each at least once.
    n_levels : int
    split : Split
    held : tuple of ndarray of int
        Positions among the n materials and levels of validation rows.

    Returns
    -------
    ndarray of float64, shape (n, n_levels)
        Not normalised: their exponentials are odds.
    """
    with one_thread():
        return _discriminant(inputs, index, n_levels, split, held)


def _ridge(inputs: Floats, values: Floats, split: Split) -> Floats:
    train, y = split.train, values[split.train]
    middle = float(y.mean())
    x = _standardised(inputs, train)
    if not x.shape[1]:
        return np.full(len(inputs), middle)
    strengths, directions = np.linalg.eigh(x[train].T @ x[train] / len(train))
    turned = x @ directions
    slopes = turned[train].T @ (y - middle) / len(train)
    strengths = np.maximum(strengths, 0.0)
    best, found = np.inf, np.full(len(inputs), middle)
    for penalty in _PENALTIES * strengths.mean():
        predicted = _within(middle + turned @ (slopes / (strengths + penalty)), y)
        error = float(((predicted - values)[split.validation] ** 2).sum())
        if error < best:
            best, found = error, predicted
    return found


def _discriminant(
    inputs: Floats, index: Ints, n_levels: int, split: Split, held: tuple[Ints, Ints]
) -> Floats:
    x = _standardised(inputs, split.train)
    sizes = np.bincount(index, minlength=n_levels)
    shares = np.log(sizes / sizes.sum())
    best, found = np.inf, np.broadcast_to(shares, (len(inputs), n_levels))
    if not x.shape[1] or not len(held[0]):
        return found.copy()
    member = np.zeros((n_levels, len(index)))
    member[index, np.arange(len(index))] = 1.0
    sums, rows, levels = member @ x[split.train], *held
    for more, shrinkage in product(_PRIOR_ROWS, _SHRINKAGES):
        means = sums / (sizes + more)[:, None]
        apart = x[split.train] - means[index]
        covariance = (1 - shrinkage) * (apart.T @ apart) / len(index) + shrinkage * np.eye(x.shape[1])
        weights = np.linalg.solve(covariance, means.T)
        constants = 0.5 * np.einsum("kd,dk->k", means, weights)
        odds = x[rows] @ weights - constants
        for strength in _STRENGTHS:
            logs = log_softmax(shares + strength * odds, axis=1)
            loss = -float(logs[np.arange(len(rows)), levels].sum())
            if loss < best:
                best, found = loss, shares + strength * (x @ weights - constants)
    return found.copy()


def _standardised(inputs: Floats, train: Ints) -> Floats:
    """Columns that vary on the training rows, with mean 0 and deviation 1 there, shape (n, at most d)."""
    known = np.isfinite(inputs)
    counts = np.maximum(known[train].sum(axis=0), 1)
    mean = np.where(known, inputs, 0.0)[train].sum(axis=0) / counts
    centred = np.where(known, inputs - mean, 0.0)
    deviation = np.sqrt((centred[train] ** 2).mean(axis=0))
    vary = deviation > _CONSTANT * np.abs(mean)
    x = centred[:, vary] / deviation[vary]
    # A descriptor far outside the training rows, or next to constant on them, must not decide alone.
    return _within(x, x[train])


def _within(values: Floats, seen: Floats) -> Floats:
    """Values clipped to the range of those seen, column by column, and a little beyond."""
    lowest, highest = seen.min(axis=0), seen.max(axis=0)
    beyond = _BEYOND * (highest - lowest)
    clipped: Floats = np.clip(values, lowest - beyond, highest + beyond)
    return clipped
