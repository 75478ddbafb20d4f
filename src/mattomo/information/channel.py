"""A property as a noisy channel: what a reading of finite resolution tells of which material was read.

A reading of the property p with resolution eps is p plus an error uniform on plus or minus eps/2 (or normal
with the same standard deviation, eps / sqrt(12)). A uniform error leaves, with equal chances, the materials
within eps/2 of the reading, so that I(M; reading) = log2 n - E log2 n(reading +/- eps/2). Bins would count
two values on either side of an edge as different however close they are. Categories are read without error.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mattomo.errors import InputError
from mattomo.keyed import generator
from mattomo.materials.registry import nearest
from mattomo.materials.table import Column, Materials

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Noise = Literal["uniform", "gaussian"]

#: Where nothing is known of a scalar's resolution, this share of its range of values (from the 5th to the
#: 95th percentile) is assumed.
ASSUMED_SHARE = 0.01
_SIGMAS = 8.0


@dataclass(frozen=True)
class Readings:
    """Properties of n materials as readings see them.

    Attributes
    ----------
    names : tuple of k str
    values : ndarray of float64, shape (k, n)
        Scalars in their unit, categories as codes.
    widths : ndarray of float64, shape (k,)
        Resolutions eps in the units of the scalars, 0 for categories.
    rows : ndarray of int64, shape (n,)
        Their positions in the table they come from, in the order of the identifiers: what is drawn by
        position does not depend on the order of the table.
    assumed : tuple of str
        Scalars whose resolution is neither given nor registered.
    """

    names: tuple[str, ...]
    values: Floats
    widths: Floats
    rows: Ints
    assumed: tuple[str, ...] = ()


def resolution(column: Column, given: Mapping[str, float] | None = None) -> tuple[float, bool]:
    """Resolution eps of a property, and whether it had to be assumed.

    Parameters
    ----------
    column : Column
    given : mapping of str to float, optional
        Resolutions that win over the registry's.

    Returns
    -------
    width : float
        In the unit of the property; 0 for a category.
    assumed : bool
        Neither given nor registered: a hundredth of the range of the middle 90 % of the values.

    Raises
    ------
    InputError
        A resolution that is not positive, or one of a category.
    """
    name = column.info.name
    chosen = (given or {}).get(name)
    if column.info.kind == "category":
        if chosen is not None:
            raise InputError(
                "a category is read exactly and has no resolution", column=name, hint="Leave it out."
            )
        return 0.0, False
    if chosen is not None:
        if not (math.isfinite(chosen) and chosen > 0):
            raise InputError(
                "a resolution must be a positive number", column=name, value=chosen, hint="Give its width."
            )
        return float(chosen), False
    if column.info.resolution is not None:
        return column.info.resolution, False
    present = column.values[~column.missing].astype(np.float64)
    low, high = np.quantile(present, [0.05, 0.95]) if len(present) else (0.0, 0.0)
    return (float(ASSUMED_SHARE * (high - low)) or ASSUMED_SHARE), True


def readings(
    materials: Materials, names: Sequence[str], resolutions: Mapping[str, float] | None = None
) -> Readings:
    """Readings of these properties on the rows that have all of them.

    Parameters
    ----------
    materials : Materials
    names : sequence of k str
        Columns of the table.
    resolutions : mapping of str to float, optional
        By name; else the registry's.

    Raises
    ------
    InputError
        No such property, a resolution of none of them or that cannot be, or no row that has all.
    """
    for name in resolutions or {}:
        if name not in names:
            raise InputError(
                "a resolution of a property that is not read",
                file=materials.source,
                column=name,
                hint=nearest(name, list(names)),
            )
    columns = [materials.column(name) for name in names]
    complete = np.ones(len(materials), dtype=bool)
    for column in columns:
        complete &= ~column.missing
    if not complete.any():
        least = max(columns, key=lambda column: int(column.missing.sum()), default=None)
        raise InputError(
            "no row has all these properties",
            file=materials.source,
            column=None if least is None else least.info.name,
            hint="It is the one most often missing: leave it out." if least else "Name at least one.",
        )
    rows = np.flatnonzero(complete)
    rows = rows[np.argsort(materials.ids[rows], kind="stable")]
    widths, assumed, values = [], [], []
    for name, column in zip(names, columns, strict=True):
        width, guessed = resolution(column, resolutions)
        widths.append(width)
        if guessed:
            assumed.append(name)
        kept = column.values[rows]
        coded = kept if column.info.kind == "scalar" else np.unique(kept, return_inverse=True)[1]
        values.append(coded.astype(np.float64))
    stacked = np.array(values).reshape(len(values), len(rows))
    return Readings(tuple(names), stacked, np.array(widths), rows, tuple(assumed))


def scalar_bits(values: Any, width: float) -> float:
    """I(M; reading) of one property whose reading errs uniformly, exactly.

    The number n(x) of values within eps/2 of x is constant between the 2 n ends of their windows, and the
    reading has the density n(x) / (n eps): the mean of log2 n(x) is a sum over these pieces.

    Parameters
    ----------
    values : array_like of float, shape (n,)
    width : float
        eps, in the unit of the values.

    Returns
    -------
    float
        Bits, between 0 and log2 n.

    Raises
    ------
    ValueError
        No value, one that is not finite, or a width that is not positive.

    Examples
    --------
    >>> round(scalar_bits([0.0, 1.0, 10.0, 11.0], 5.0), 2)  # two pairs that are told apart
    1.2
    """
    sorted_values = np.sort(np.asarray(values, dtype=np.float64))
    n = len(sorted_values)
    if n == 0 or not np.isfinite(sorted_values).all():
        raise ValueError("values must be finite, and at least one")
    if not (math.isfinite(width) and width > 0):
        raise ValueError(f"width must be positive, got {width}")
    ends = np.concatenate([sorted_values - width / 2, sorted_values + width / 2])
    order = np.argsort(ends, kind="stable")
    open_windows = np.cumsum(np.where(order < n, 1, -1))[:-1]
    length = np.diff(ends[order])
    covered = open_windows > 1
    n_log_n = open_windows[covered] * np.log2(open_windows[covered])
    left = float(length[covered] @ n_log_n) / (n * width)
    return min(max(math.log2(n) - left, 0.0), math.log2(n))


def channel_bits(
    values: Any,
    widths: Any,
    *,
    noise: Noise = "uniform",
    n_readings: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """I(M; readings) of k properties read together, from simulated readings.

    Parameters
    ----------
    values : array_like of float, shape (n, k)
    widths : array_like of float, shape (k,)
        Resolutions eps; 0 for codes that are read exactly.
    noise : {"uniform", "gaussian"}
        The normal error has the standard deviation of the uniform one, eps / sqrt(12).
    n_readings : int
        Simulated readings, of materials drawn without replacement if there are enough.
    seed : int

    Returns
    -------
    bits, standard_error : float
        The error is that of the mean over readings, in bits.

    Raises
    ------
    ValueError
        Arrays that do not fit, or an unknown noise.
    """
    points = np.asarray(values, dtype=np.float64)
    eps = np.asarray(widths, dtype=np.float64)
    if points.ndim != 2 or eps.shape != (points.shape[1],) or len(points) == 0:
        raise ValueError(f"values must be (n, k) and widths (k,), got {points.shape} and {eps.shape}")
    if noise not in ("uniform", "gaussian"):
        raise ValueError(f"noise must be 'uniform' or 'gaussian', got {noise!r}")
    n = len(points)
    chosen = drawn_rows(n, n_readings, "channel", seed)
    rng = generator("channel noise", noise, seed)
    if noise == "uniform":
        found = points[chosen] + rng.uniform(-0.5, 0.5, (len(chosen), len(eps))) * eps
    else:
        found = points[chosen] + rng.normal(size=(len(chosen), len(eps))) * eps / math.sqrt(12)
    left = np.array(
        [
            math.log2(max(int(_within(points, read, eps).sum()), 1))
            if noise == "uniform"
            else _normal_entropy(points, read, eps / math.sqrt(12))
            for read in found
        ]
    )
    error = float(left.std(ddof=1) / math.sqrt(len(left))) if len(left) > 1 else math.inf
    return math.log2(n) - float(left.mean()), error


def drawn_rows(n: int, k: int, *key: object) -> Ints:
    """k of n rows without replacement (all of them if k >= n), sorted, by key."""
    if k >= n:
        return np.arange(n)
    return np.sort(generator("rows", *key).choice(n, k, replace=False)).astype(np.int64)


def _within(points: Floats, read: Floats, eps: Floats) -> NDArray[np.bool_]:
    # the hair keeps the material that was read, whatever the rounding
    return np.asarray(np.all(np.abs(points - read) <= eps * (0.5 + 1e-9), axis=1), dtype=np.bool_)


def _normal_entropy(points: Floats, read: Floats, sigma: Floats) -> float:
    exact = sigma == 0
    near = (points[:, exact] == read[exact]).all(axis=1)
    z = (points[near][:, ~exact] - read[~exact]) / sigma[~exact]
    log_weight = -0.5 * (z**2).sum(axis=1)
    log_weight = log_weight[log_weight > log_weight.max() - _SIGMAS**2]
    weight = np.exp(log_weight - log_weight.max())
    chance = weight / weight.sum()
    return float(-(chance * np.log2(chance)).sum())
