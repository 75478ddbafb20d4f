"""In the size of the table: how many materials would still be told apart among fewer, or more, of their like.

Below n, expectations over random parts of the table are exact sums (rarefaction). Beyond n, the series of
Good and Toulmin (Biometrika 43, 45 (1956)) extrapolates without a model, to 2 n as it stands and to 4 n at
most with the smoothing of Orlitsky, Suresh & Wu (PNAS 113, 13283 (2016)); further out nothing can be said.
All of it supposes that materials to come are sampled as those at hand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

FURTHEST = 4
"""Nothing is said of tables more than so many times as large."""


@dataclass(frozen=True)
class Growth:
    """How materials are told apart in tables of other sizes.

    Attributes
    ----------
    sizes : ndarray of int64, shape (s,)
        Rows of the table.
    share_unique : ndarray of float64, shape (s,)
        Expected share of materials that no other is confused with; NaN beyond 4 n.
    bits : ndarray of float64, shape (s,)
        Expected information on which row a material is; NaN beyond n.
    n : int
        Rows at hand: larger sizes are extrapolations.
    """

    sizes: Ints
    share_unique: Floats
    bits: Floats
    n: int


def growth(partners: Any, n: int, sizes: Any = None) -> Growth:
    """Share unique and bits in tables of other sizes.

    Parameters
    ----------
    partners : array_like of int, shape (q,)
        For each of q materials (all n, or a random part of them), how many of the other n - 1 it is confused
        with.
    n : int
        Rows of the table.
    sizes : array_like of int, optional
        An eighth, a quarter, half, all, and twice of ``n`` by default.

    Returns
    -------
    Growth

    Raises
    ------
    ValueError
        No material, partners outside 0 to n - 1, or a size below 1.

    Examples
    --------
    Three pairs: in half of the table, a material misses its partner with chance 3/5.

    >>> found = growth([1] * 6, 6, [3, 6, 100])
    >>> found.share_unique.round(3).tolist()
    [0.6, 0.0, nan]
    """
    counts = np.asarray(partners, dtype=np.int64)
    if counts.ndim != 1 or len(counts) == 0 or counts.min() < 0 or counts.max() >= n:
        raise ValueError(f"partners must be whole numbers from 0 to {n - 1}, at least one")
    if sizes is None:
        sizes = sorted({max(n // 8, 1), max(n // 4, 1), max(n // 2, 1), n, 2 * n})
    wanted = np.asarray(sizes, dtype=np.int64)
    if len(wanted) and wanted.min() < 1:
        raise ValueError(f"a table has one row at least, got {wanted.min()}")
    values, weight = np.unique(counts, return_counts=True)
    share = weight / len(counts)
    unique, bits = np.full(len(wanted), np.nan), np.full(len(wanted), np.nan)
    for k, size in enumerate(wanted.tolist()):
        if size <= n:
            unique[k] = float(share @ np.exp(_log_none(values, n, size)))
            bits[k] = math.log2(size) - float(share @ _mean_log_alike(values, n, size))
        elif size <= FURTHEST * n:
            t = size / n - 1
            estimate = float(np.sum(share * _alternating(values, t, len(counts))))
            unique[k] = min(max(estimate, 0.0), unique_now(counts))
    return Growth(wanted, unique, bits, n)


def unique_now(partners: Any) -> float:
    """Share of materials without a partner in the table at hand."""
    return float(np.mean(np.asarray(partners) == 0))


def distinct_at(group_sizes: Any, sizes: Any) -> Floats:
    """Expected number of distinct values (formulas, structures) in tables of other sizes.

    Parameters
    ----------
    group_sizes : array_like of int, shape (g,)
        Rows of each distinct value; their sum is n.
    sizes : array_like of int, shape (s,)

    Returns
    -------
    ndarray of float64, shape (s,)
        Exact up to n (Hurlbert, Ecology 52, 577 (1971)), the smoothed series of Good and Toulmin to 4 n, NaN
        beyond.

    Raises
    ------
    ValueError
        A group without a row.

    Examples
    --------
    >>> distinct_at([2, 1], [1, 2, 3]).round(4).tolist()
    [1.0, 1.6667, 2.0]
    """
    counts = np.asarray(group_sizes, dtype=np.int64)
    if len(counts) == 0 or counts.min() < 1:
        raise ValueError("every group has one row at least")
    n = int(counts.sum())
    values, weight = np.unique(counts, return_counts=True)
    out = np.full(len(np.asarray(sizes)), np.nan)
    for k, size in enumerate(np.asarray(sizes, dtype=np.int64).tolist()):
        if size <= n:
            # none of the group's rows among the chosen ones: C(n - n_g, m) / C(n, m)
            out[k] = float(weight @ (1 - np.exp(_log_none(values, n + 1, size + 1))))
        elif size <= FURTHEST * n:
            new = -float(np.sum(weight * _alternating(values, size / n - 1, n)))
            out[k] = len(counts) + min(max(new, 0.0), float(size - n))
    return out


def _log_none(partners: Ints, n: int, size: int) -> Floats:
    """Logarithm of the chance that none of the partners is among size - 1 of the n - 1 others."""
    others = n - 1 - partners
    possible = others >= size - 1
    safe = np.where(possible, others, size - 1)
    log = _log_choose(safe, size - 1) - _log_choose(np.array(n - 1), size - 1)
    found: Floats = np.where(possible, log, -np.inf)
    return found


def _mean_log_alike(partners: Ints, n: int, size: int) -> Floats:
    """Mean of log2(1 + X), X the hypergeometric number of partners among size - 1 of the n - 1 others."""
    out = np.zeros(len(partners))
    for k, c in enumerate(partners.tolist()):
        if c == 0 or size == 1:
            continue
        share = c / max(n - 1, 1)
        mean = (size - 1) * share
        spread = math.sqrt(mean * (1 - share)) + 1
        # the chances beyond are below 1e-20
        low = max(0, size - 1 - (n - 1 - c), math.floor(mean - 12 * spread - 30))
        high = min(c, size - 1, math.ceil(mean + 12 * spread + 30))
        x = np.arange(low, high + 1)
        log = _log_choose(np.array(c), x) + _log_choose(np.array(n - 1 - c), size - 1 - x)
        chance = np.exp(log - _log_choose(np.array(n - 1), size - 1))
        out[k] = float(chance @ np.log2(1.0 + x)) / float(chance.sum())
    return out


def _alternating(values: Ints, t: float, n: int) -> Floats:
    """(-t)^i for each i of ``values``, damped beyond t = 1 by a binomial tail (Orlitsky et al. 2016)."""
    if t <= 1:
        return np.asarray((-t) ** values.astype(np.float64), dtype=np.float64)
    from scipy.stats import binom  # a third of a second, which no other command should wait for

    trials = max(math.floor(0.5 * math.log(n * t**2 / (t - 1), 3)), 1)
    tail = binom.sf(values - 1, trials, 2 / (2 + t))
    kept = np.minimum(values, trials + 1)
    damped: Floats = np.where(tail > 0, (-t) ** kept.astype(np.float64) * tail, 0.0)
    return damped


def _log_choose(n: NDArray[Any], k: Any) -> Floats:
    log: Floats = gammaln(n + 1.0) - gammaln(np.asarray(k) + 1.0) - gammaln(n - np.asarray(k) + 1.0)
    return log
