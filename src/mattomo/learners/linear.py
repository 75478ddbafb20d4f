"""Ridge regression: the part of a property that is a weighted sum of descriptors, which trees find badly."""

from __future__ import annotations

import numpy as np

from mattomo.learners.base import Split
from mattomo.projections.graphs import Floats
from mattomo.threads import one_thread

#: Penalties tried, in units of the mean eigenvalue of the correlations.
_PENALTIES = 10.0 ** np.arange(-8, 3)
#: Columns that vary less than this, against their size, are constant.
_CONSTANT = 1e-10
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


def _ridge(inputs: Floats, values: Floats, split: Split) -> Floats:
    train, y = split.train, values[split.train]
    known = np.isfinite(inputs)
    counts = np.maximum(known[train].sum(axis=0), 1)
    mean = np.where(known, inputs, 0.0)[train].sum(axis=0) / counts
    centred = np.where(known, inputs - mean, 0.0)
    deviation = np.sqrt((centred[train] ** 2).mean(axis=0))
    vary = deviation > _CONSTANT * np.abs(mean)
    middle = float(y.mean())
    if not vary.any():
        return np.full(len(inputs), middle)
    x = centred[:, vary] / deviation[vary]
    # A descriptor far outside the training rows, or next to constant on them, must not decide alone.
    x = _within(x, x[train])
    strengths, directions = np.linalg.eigh(x[train].T @ x[train] / len(train))
    turned = x @ directions
    slopes = turned[train].T @ (y - middle) / len(train)
    strengths = np.maximum(strengths, 0.0)
    best, found = np.inf, np.full(len(inputs), middle)
    for penalty in _PENALTIES * strengths.mean():
        predicted = _within(middle + turned @ (slopes / (strengths + penalty)), y)
        error = (
            float(np.mean((predicted - values)[split.validation] ** 2)) if len(split.validation) else penalty
        )
        if error < best:
            best, found = error, predicted
    return found


def _within(values: Floats, seen: Floats) -> Floats:
    """Values clipped to the range of those seen, column by column, and a little beyond."""
    lowest, highest = seen.min(axis=0), seen.max(axis=0)
    beyond = _BEYOND * (highest - lowest)
    clipped: Floats = np.clip(values, lowest - beyond, highest + beyond)
    return clipped
