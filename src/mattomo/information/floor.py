"""The polymorph floor: no model that reads the composition alone can err less than polymorphs differ.

A function of the formula says the same of all polymorphs, so its mean absolute error is at least
E|p - median of p among the materials of that formula|, before anything is trained. How far the error of a
model of the structure lies below it is what structure adds for certain.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from mattomo.errors import InputError
from mattomo.keyed import generator
from mattomo.materials.table import Materials

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

LEAST_REPEATED = 30
"""Fewer formulas with two materials or more cannot tell."""

_MANY = 500


@dataclass(frozen=True)
class Floor:
    """Least mean absolute error of models that read the composition alone, in the unit of the property.

    Attributes
    ----------
    name, unit : str
    table : float
        Exactly, on these rows: no function of the formula has a lower mean absolute error on them.
    floor : float
        For further materials of the same formulas: the median of few polymorphs lies too close to them, which
        is corrected as for normal spreads. Formulas with one material count as having no spread, so the true
        floor is rather higher.
    low, high : float
        95 % interval of ``floor``, bootstrap by formula.
    pairs : float
        Half the mean difference of polymorphs (formulas with one material count 0): a lower bound of the
        floor for further materials whatever the shape of the spread.
    within : float
        ``floor`` among the rows whose formula repeats; NaN if none does.
    spread : float
        E|p - median of all|: the error of knowing nothing.
    n, n_formulas, n_repeated, n_repeated_rows : int
        Rows, their formulas, those with two materials or more in the table, and the rows of these.
    enough : bool
        `LEAST_REPEATED` formulas repeat at least.
    """

    name: str
    unit: str
    table: float
    floor: float
    low: float
    high: float
    pairs: float
    within: float
    spread: float
    n: int
    n_formulas: int
    n_repeated: int
    n_repeated_rows: int

    @property
    def enough(self) -> bool:
        """Enough formulas repeat to tell."""
        return self.n_repeated >= LEAST_REPEATED

    @property
    def sentence(self) -> str:
        """What it means, for people."""
        if not self.enough:
            repeat = "formula repeats" if self.n_repeated == 1 else "formulas repeat"
            return f"only {self.n_repeated:,} {repeat}: your data cannot tell"
        unit = f" {self.unit}" if self.unit else ""
        share = f", {self.floor / self.spread:.1%} of the error of knowing nothing" if self.spread else ""
        return (
            "on these rows no function of the formula has a mean absolute error below "
            f"{self.table:.3g}{unit}; about {self.floor:.3g} ({self.low:.3g} to {self.high:.3g}){share}, is "
            f"to be expected on further ones; {self.n_repeated:,} of {self.n_formulas:,} formulas repeat"
        )


def polymorph_floor(
    materials: Materials,
    name: str,
    *,
    rows: Ints | None = None,
    n_bootstrap: int = 200,
    seed: int = 0,
) -> Floor:
    """The floor of one property.

    Parameters
    ----------
    materials : Materials
        n materials.
    name : str
        A scalar column.
    rows : ndarray of int64, shape (k,), optional
        Rows the error is meant of, e.g. the test rows of a split; medians are of the whole table all the
        same.
    n_bootstrap, seed : int

    Raises
    ------
    InputError
        No such property, or a category.
    """
    column = materials.column(name)
    if column.info.kind != "scalar":
        raise InputError("only a number has a spread within its formula", file=materials.source, column=name)
    meant = np.ones(len(materials), dtype=bool)
    if rows is not None:
        meant[:] = False
        meant[rows] = True
    present = ~column.missing
    return floor(
        column.values[present].astype(np.float64),
        materials.compositions.formulas[present],
        meant=meant[present],
        name=name,
        unit=column.info.unit,
        n_bootstrap=n_bootstrap,
        seed=seed,
    )


def polymorph_floors(materials: Materials, names: Sequence[str] | None = None) -> tuple[Floor, ...]:
    """Floors of these properties; by default of all scalars with a value.

    A scalar that the composition determines (`nelements`) has the floor 0.
    """
    if names is None:
        names = [
            name
            for name, c in materials.columns.items()
            if c.info.kind == "scalar" and not c.missing.all() and not c.info.is_provenance
        ]
    return tuple(polymorph_floor(materials, name) for name in names)


def floor(
    values: Floats,
    groups: NDArray[np.generic],
    *,
    meant: NDArray[np.bool_] | None = None,
    name: str = "",
    unit: str = "",
    n_bootstrap: int = 200,
    seed: int = 0,
) -> Floor:
    """The floor of values in groups; see `polymorph_floor`.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
    groups : ndarray, shape (n,)
        Formulas.
    meant : ndarray of bool, shape (n,), optional
        Rows the error is averaged over; all by default.
    name, unit : str
    n_bootstrap, seed : int

    Examples
    --------
    >>> found = floor(np.array([0.0, 2.0, 5.0]), np.array(["TiO2", "TiO2", "MgO"]))
    >>> round(found.table, 4), found.sentence
    (0.6667, 'only 1 formula repeats: your data cannot tell')
    """
    values = np.asarray(values, dtype=np.float64)
    meant = np.ones(len(values), dtype=bool) if meant is None else np.asarray(meant, dtype=bool)
    if not (len(values) == len(groups) == len(meant)) or not np.isfinite(values).all():
        raise ValueError("values must be finite, one a row like groups and meant")
    group = np.unique(groups, return_inverse=True)[1]
    order = np.lexsort((values, group))
    values, group, meant = values[order], group[order], meant[order]
    sizes = np.bincount(group)
    first = np.cumsum(sizes) - sizes
    middle = 0.5 * (values[first + (sizes - 1) // 2] + values[first + sizes // 2]) if len(sizes) else values
    off = np.abs(values - middle[group])
    correction = np.array([_correction(int(size)) for size in range(1, int(sizes.max(initial=0)) + 1)])
    correction = np.concatenate([[0.0], correction])

    n = int(meant.sum())
    counted = np.bincount(group, meant, minlength=len(sizes)).astype(np.float64)
    off_sum = np.bincount(group, off * meant, minlength=len(sizes))
    pair_sum = 0.5 * _mean_difference(values, group, first, sizes) * counted
    corrected = off_sum * correction[sizes]
    repeated = (sizes > 1) & (counted > 0)
    n_repeated, n_repeated_rows = int(repeated.sum()), int(counted[repeated].sum())
    n_single = int(((sizes == 1) & (counted > 0)).sum())
    low, high = _interval(corrected[repeated], counted[repeated], n_single, n_bootstrap, seed)
    kept = values[meant]
    nothing = math.nan
    return Floor(
        name=name,
        unit=unit,
        table=float(off_sum.sum()) / n if n else nothing,
        floor=float(corrected.sum()) / n if n else nothing,
        low=low,
        high=high,
        pairs=float(pair_sum[repeated].sum()) / n if n else nothing,
        within=float(corrected.sum()) / n_repeated_rows if n_repeated_rows else nothing,
        spread=float(np.abs(kept - np.median(kept)).mean()) if n else nothing,
        n=n,
        n_formulas=int((counted > 0).sum()),
        n_repeated=n_repeated,
        n_repeated_rows=n_repeated_rows,
    )


@cache
def _correction(size: int) -> float:
    """E|x - median| over the expectation of its mean in a sample of ``size``, both of a normal spread.

    In a sample of n, the m = floor(n/2) values above the median sum to n times the integral of x phi(x)
    P(Binomial(n - 1, Phi(x)) >= n - m): that many others lie below a value of the upper half.
    """
    if size < 2 or size > _MANY:
        # one value has no spread to correct; of many the median is as good as the true one
        return 1.0
    from scipy.stats import binom, norm  # a third of a second, which no other command should wait for

    x = np.linspace(-9, 9, 3001)
    upper = binom.sf(size - size // 2 - 1, size - 1, norm.cdf(x))
    mean = 2 * float(np.trapezoid(x * norm.pdf(x) * upper, x))
    return math.sqrt(2 / math.pi) / mean


def _mean_difference(values: Floats, group: Ints, first: Ints, sizes: Ints) -> Floats:
    """Mean |x - x'| over the pairs of each group (values ascending within it), 0 for one value."""
    rank = np.arange(len(values)) - first[group]
    weight = 2.0 * rank - (sizes[group] - 1)
    total = np.bincount(group, weight * values, minlength=len(sizes))
    pairs = sizes * (sizes - 1) / 2
    difference: Floats = np.divide(total, pairs, out=np.zeros(len(sizes)), where=pairs > 0)
    # rounding may leave a hair below zero where all values are equal
    return np.maximum(difference, 0.0)


def _interval(
    sums: Floats, counts: Floats, n_single: int, n_bootstrap: int, seed: int
) -> tuple[float, float]:
    """95 % bootstrap interval of the mean, formulas drawn with replacement; single ones add rows only."""
    n_formulas = len(sums) + n_single
    if n_formulas == 0 or n_bootstrap == 0:
        return math.nan, math.nan
    rng = generator("polymorph floor", seed)
    means = np.zeros(n_bootstrap)
    for k in range(n_bootstrap):
        # how many of the drawn formulas repeat, then which: singles have no spread, and a row each
        drawn = int(rng.binomial(n_formulas, len(sums) / n_formulas))
        chosen = rng.integers(len(sums), size=drawn) if drawn else np.zeros(0, dtype=np.int64)
        means[k] = sums[chosen].sum() / (counts[chosen].sum() + n_formulas - drawn)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
