"""Partial information decomposition of a discrete joint distribution: the least synergistic one (BROJA).

Bertschinger, Rauh, Olbrich, Jost & Ay (Entropy 16, 2161, 2014): of all joint distributions q(t, x, y) that
keep the pair marginals p(t, x) and p(t, y), the one with the least I(T; X, Y) has no synergy. What it tells
splits into redundant and unique parts; what p(t, x, y) tells beyond it is synergy.

The minimum is a convex problem. It is solved here by a primal-dual interior-point method with Mehrotra's
adaptive centring. The objective couples only the K values of t at one (x, y), so every Newton step comes down
to one linear system of size K times the fewer of the two sources' levels. Any a(t, x) and b(t, y) with
sum_t exp(a + b) <= 1 at every (x, y) bound f(q) = sum q log q(t|x, y) from below by
sum p(t, x) a + sum p(t, y) b, so every iterate proves how near the minimum it is.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from mattomo.information.discrete import LN2, Floats, information
from mattomo.threads import one_thread

_TOLERANCE = 1e-7  # bits: the proven error at which the solver stops
_ITERATIONS = 100
_FIRST_GAP = 0.1  # nats between the bounds that the first point on the central path aims at
_BACK = 0.99  # share of the way to the border that a step may take
_PATIENCE = 40  # iterations without a tenth less of proven error: as good as the arithmetic allows
_DRIFT = 1e-9  # largest sum of the errors of the marginals of an accepted iterate
_JITTER = 1e-15  # added to a unit diagonal


class Parts(NamedTuple):
    """The four parts of I(T; X, Y), in bits; they sum to it."""

    redundant: float
    unique_1: float
    unique_2: float
    synergy: float


class Minimum(NamedTuple):
    """Least I(T; X, Y) for given pair marginals.

    Attributes
    ----------
    bits : float
        The information of the distribution found, in bits: an upper bound of the minimum.
    gap : float
        Proven bound of its error, in bits: the minimum lies in [bits - gap, bits].
    iterations : int
    """

    bits: float
    gap: float
    iterations: int


def broja(joint: NDArray[Any], tolerance: float = _TOLERANCE) -> Parts:
    """Redundant, unique and synergistic parts of what two sources X and Y tell about T.

    Parameters
    ----------
    joint : ndarray of float or int, shape (K, nx, ny)
        p(t, x, y) as probabilities or counts; not negative, some of it positive.
    tolerance : float
        Bits; the parts are exact within this, or within a few times 1e-7 where the rounding of very sparse
        tables stops the solver earlier (`least_information` tells the error).

    Returns
    -------
    Parts
        In bits, none below zero; redundant + unique_1 = I(T; X), redundant + unique_2 = I(T; Y), and all four
        sum to I(T; X, Y), each within the tolerance.

    Raises
    ------
    ValueError
        A table of another shape, or values that are negative, not finite or all zero.

    Examples
    --------
    Exclusive or: neither source alone tells anything, both together tell everything.

    >>> xor = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]]])
    >>> [round(float(part), 4) + 0.0 for part in broja(xor)]
    [0.0, 0.0, 0.0, 1.0]
    """
    p = np.asarray(joint, dtype=np.float64)
    if p.ndim != 3:
        raise ValueError(f"joint must have three axes (t, x, y), got shape {p.shape}")
    first, second = _checked(p.sum(2), p.sum(1))
    told = (information(first), information(second))
    both = information(p.reshape(len(p), -1))
    union = least_information(first, second, tolerance).bits
    redundant = min(max(told[0] + told[1] - union, 0.0), *told)
    unique_1, unique_2 = told[0] - redundant, told[1] - redundant
    return Parts(redundant, unique_1, unique_2, max(both - redundant - unique_1 - unique_2, 0.0))


def mmi(told_1: float, told_2: float, both: float) -> Parts:
    """Parts with as much redundancy as there can be: the lesser of what the sources tell alone.

    For jointly Gaussian sources and one real target this "minimum mutual information" is also that of `broja`
    (Barrett, Phys. Rev. E 91, 052802, 2015).

    Parameters
    ----------
    told_1, told_2, both : float
        I(T; X), I(T; Y) and I(T; X, Y), in bits.

    Examples
    --------
    T = X + Y + N, independent and of unit variance:

    >>> alone, both = 0.5 * np.log2(3 / 2), 0.5 * np.log2(3)
    >>> [round(float(part), 4) for part in mmi(alone, alone, both)]
    [0.2925, 0.0, 0.0, 0.5]
    """
    redundant = min(told_1, told_2)
    return Parts(redundant, told_1 - redundant, told_2 - redundant, both - max(told_1, told_2))


def least_information(
    first: NDArray[Any],
    second: NDArray[Any],
    tolerance: float = _TOLERANCE,
    max_iterations: int = _ITERATIONS,
) -> Minimum:
    """Least I(T; X, Y) over all joint distributions with the given pair marginals.

    Parameters
    ----------
    first : ndarray, shape (K, nx)
        p(t, x), as probabilities or counts.
    second : ndarray, shape (K, ny)
        p(t, y), with the same p(t).
    tolerance : float
        Bits; the solver stops when the proven error is below it.
    max_iterations : int
        Where it stops at the latest (10 to 20 are usual); `Minimum.gap` then tells the error left.

    Returns
    -------
    Minimum

    Raises
    ------
    ValueError
        Tables that are not two-dimensional, negative, not finite or all zero, or whose p(t) differ.
    """
    a, b = _checked(first, second)
    if a.shape[1] < b.shape[1]:
        a, b = b, a  # the linear systems have the size of the second source
    if min(len(a), b.shape[1]) == 1:  # T is constant, or the second source tells nothing
        return Minimum(information(a), 0.0, 0)
    with one_thread():
        return _Newton(a, b).solve(tolerance, max_iterations)


def _checked(first: NDArray[Any], second: NDArray[Any]) -> tuple[Floats, Floats]:
    """The two tables as probabilities, without the empty rows and columns."""
    tables = []
    for name, table in (("first", first), ("second", second)):
        t = np.asarray(table, dtype=np.float64)
        if t.ndim != 2:
            raise ValueError(f"{name} must have two axes, got shape {t.shape}")
        if not np.isfinite(t).all() or (t < 0).any() or not t.sum() > 0:
            raise ValueError(f"{name} must hold finite weights, none negative and some positive")
        tables.append(t / t.sum())
    a, b = tables
    if len(a) != len(b) or np.abs(a.sum(1) - b.sum(1)).max() > 1e-9:
        raise ValueError("first and second must have the same p(t)")
    rows = a.sum(1) > 0
    a, b = a[rows], b[rows]
    return a[:, a.sum(0) > 0], b[:, b.sum(0) > 0]


class _Newton:
    """Interior-point iterations for one pair of tables; q and z are [x, y, t], alpha [x, t], beta [y, t].

    q is the joint distribution, alpha and beta are the multipliers of its marginals and z those of q >= 0,
    in nats. Entries that a marginal forces to zero stay zero.
    """

    def __init__(self, first: Floats, second: Floats) -> None:
        self.a, self.b = np.ascontiguousarray(first.T), np.ascontiguousarray(second.T)
        self.nx, self.ny, self.k = len(self.a), len(self.b), self.a.shape[1]
        weight = self.a.sum(0)
        self.start = self.a[:, None] * self.b[None] / weight
        self.on = self.start > 0
        # For each t the sums over x and over y have the same total, so one multiplier stays zero.
        held = self.b == 0
        held[self.b.argmax(0), np.arange(self.k)] = True
        self.free = ~held.ravel()
        self.entropy_t = -float((weight * np.log(weight)).sum())

    def solve(self, tolerance: float, max_iterations: int) -> Minimum:
        """Follow the central path until the proven error is below ``tolerance`` bits."""
        on, size = self.on, int(self.on.sum())
        q, alpha, beta = self.start, np.zeros_like(self.a), np.zeros_like(self.b)
        z = np.where(on, _FIRST_GAP / (size * np.where(on, q, 1.0)), 0.0)
        upper, lower, iteration = np.inf, -np.inf, 0
        best, since = np.inf, 0
        while True:
            safe = np.where(on, q, 1.0)
            mixture = q.sum(2, keepdims=True)
            gradient = np.where(on, np.log(safe / np.where(mixture > 0, mixture, 1.0)), 0.0)
            slope = alpha[:, None] + beta[None]
            drift = np.abs(q.sum(1) - self.a).sum() + np.abs(q.sum(0) - self.b).sum()
            if drift < _DRIFT:  # else the marginals suffered from rounding; the next step mends them
                upper = min(upper, float((q * gradient).sum()))
            lower = max(lower, self._bound(alpha, beta, slope))
            if upper - lower < 0.9 * best:
                best, since = upper - lower, iteration
            done = upper - lower < tolerance * LN2 or iteration - since > _PATIENCE
            if done or iteration == max_iterations:
                break
            try:
                system = _System(self, q, z)
            except np.linalg.LinAlgError:  # the iterate is as good as the arithmetic allows
                break
            mu = float((q * z).sum()) / size
            towards = np.where(on, slope - gradient, 0.0)
            dq, _, _ = system.step(towards)
            dz = np.where(on, -z - z * dq / safe, 0.0)
            reached = float(((q + _reach(q, dq) * dq) * (z + _reach(z, dz) * dz)).sum()) / size
            centre = np.where(on, (reached / mu) ** 3 * mu / safe, 0.0)
            dq, da, db = system.step(towards + centre)
            dz = np.where(on, centre - z - z * dq / safe, 0.0)
            primal, dual = (min(1.0, _BACK * _reach(v, dv)) for v, dv in ((q, dq), (z, dz)))
            q, z = q + primal * dq, z + dual * dz
            alpha, beta = alpha + dual * da, beta + dual * db
            iteration += 1
        bits = max((self.entropy_t + upper) / LN2, 0.0)
        return Minimum(bits, max((upper - lower) / LN2, 0.0), iteration)

    def _bound(self, alpha: Floats, beta: Floats, slope: Floats) -> float:
        """Lower bound of the objective in nats from any multipliers.

        Lowering alpha at x by the largest log sum_t exp(alpha + beta) there makes them admissible; the same
        over y then uses what is left, or first over y and then over x.
        """
        largest = np.where(self.on, slope, -np.inf).max()
        sums = np.where(self.on, np.exp(slope - largest), 0.0).sum(2)
        excess = largest + np.log(np.maximum(sums, 1e-300))
        value = float((self.a * alpha).sum() + (self.b * beta).sum())
        costs = []
        for first in (0, 1):
            cut = excess.max(1 - first, keepdims=True)
            rest = (excess - cut).max(first)
            weights = (self.a.sum(1), self.b.sum(1))
            costs.append(float(weights[first] @ cut.ravel() + weights[1 - first] @ rest))
        return value - min(costs)


class _System:
    """The Newton equations at one iterate, factored by blocks: K x K for each x, then all of y.

    The Hessian of the objective plus that of the barrier has, at each (x, y), the inverse
    diag(w) + w w' / s with w = q / (1 + z) and s = sum_t w z (Sherman & Morrison).
    """

    def __init__(self, tables: _Newton, q: Floats, z: Floats) -> None:
        self.tables, self.q = tables, q
        nx, ny, k, free = tables.nx, tables.ny, tables.k, tables.free
        self.w: Floats = q / (1 + z)
        s = (self.w * z).sum(2)
        self.s = np.where(s > 0, s, 1.0)[:, :, None]
        h = self.w / np.sqrt(self.s)
        t, x, y = np.arange(k), np.arange(nx), np.arange(ny)
        xx = np.matmul(h.transpose(0, 2, 1), h)
        xx[:, t, t] += self.w.sum(1)
        per_y = h.transpose(1, 2, 0)
        yy = np.zeros((ny, k, ny, k))
        yy[y, :, y, :] = np.matmul(per_y, per_y.transpose(0, 2, 1))
        yy[y[:, None], t, y[:, None], t] += self.w.sum(0)
        xy = h.transpose(0, 2, 1)[:, :, :, None] * h[:, None]
        xy[x[:, None], t, :, t] += self.w.transpose(0, 2, 1)
        # Scaled to a unit diagonal: weights differ by many powers of ten near the solution.
        diagonal_x, diagonal_y = xx[:, t, t], yy.reshape(ny * k, -1).diagonal()
        self.scale_x = np.where(diagonal_x > 0, 1 / np.sqrt(np.where(diagonal_x > 0, diagonal_x, 1.0)), 0.0)
        self.scale_y = np.where(free, 1 / np.sqrt(np.where(free, diagonal_y, 1.0)), 0.0)
        xx = xx * self.scale_x[:, :, None] * self.scale_x[:, None]
        xx[:, t, t] = 1 + _JITTER
        self.inverse = np.linalg.inv(np.linalg.cholesky(xx))
        scaled = xy.reshape(nx, k, ny * k) * self.scale_x[:, :, None] * self.scale_y
        self.across = np.matmul(self.inverse, scaled).reshape(nx * k, ny * k)
        reduced = yy.reshape(ny * k, -1) * self.scale_y[:, None] * self.scale_y
        reduced[np.arange(ny * k), np.arange(ny * k)] = 1 + _JITTER
        reduced -= self.across.T @ self.across
        reduced[np.arange(ny * k), np.arange(ny * k)] += _JITTER
        self.factor = cho_factor(reduced, lower=True, check_finite=False)

    def step(self, towards: Floats) -> tuple[Floats, Floats, Floats]:
        """Steps of q, alpha and beta that reduce ``towards`` and keep the marginals."""
        a, b = self.tables.a, self.tables.b
        dq = self._inverse(towards)
        da, db = np.zeros_like(a), np.zeros_like(b)
        for _ in range(2):  # the second time removes the rounding error of the first
            more_a, more_b = self._multipliers(a - self.q.sum(1) - dq.sum(1), b - self.q.sum(0) - dq.sum(0))
            da, db = da + more_a, db + more_b
            dq = dq + self._inverse(more_a[:, None] + more_b[None])
        return dq, da, db

    def _inverse(self, v: Floats) -> Floats:
        wv: Floats = self.w * v
        wv += self.w * (wv.sum(2, keepdims=True) / self.s)
        return wv

    def _multipliers(self, rest_a: Floats, rest_b: Floats) -> tuple[Floats, Floats]:
        """Changes of alpha and beta that make the marginals change by ``rest_a`` and ``rest_b``."""
        u = np.matmul(self.inverse, (rest_a * self.scale_x)[:, :, None])[:, :, 0]
        right = rest_b.ravel() * self.scale_y - self.across.T @ u.ravel()
        db = cho_solve((self.factor[0], True), right, check_finite=False)
        rest = (u - (self.across @ db).reshape(u.shape))[:, :, None]
        da = np.matmul(self.inverse.transpose(0, 2, 1), rest)[:, :, 0]
        moved: Floats = da * self.scale_x
        return moved, (db * self.scale_y).reshape(rest_b.shape)


def _reach(v: Floats, dv: Floats) -> float:
    """Longest step, at most 1/_BACK, that keeps v + step dv from falling below zero."""
    falling = dv < 0
    return min(1 / _BACK, float((v[falling] / -dv[falling]).min())) if falling.any() else 1 / _BACK
