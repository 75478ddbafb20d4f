"""How values of a scalar lie: constant, mostly one value, noise around zero, stand-ins, extremes."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from mattomo.materials.check.finding import Finding, ids_at, rows_text, scalars
from mattomo.materials.check.properties import PropertySummary
from mattomo.materials.table import Materials

EXTREME = 10.0
"""Robust distance from the median beyond which a value is extreme ..."""

ABSURD = 1e4
"""... and beyond which it cannot be right."""

NEARLY_CONSTANT = 0.99
INFLATED = 0.25
NOISE = 1e-3
"""Half of the noise is below this share of the column's upper end (90th percentile of the sizes)."""

_FEWEST = 20
_MAD = 1.482602218505602  # of a normal distribution, its standard deviation over its MAD
_FEW = 10  # values, or a share of them, are extremes to look at; more are a heavy tail
_FEW_SHARE = 0.005

Floats = NDArray[np.float64]


def constants(summaries: Iterable[PropertySummary]) -> list[Finding]:
    """Columns that say nothing or almost nothing: no value, one value, one value on more than 99 %.

    Parameters
    ----------
    summaries : iterable of PropertySummary
    """
    found = []
    for each in summaries:
        if each.provenance:
            continue
        if each.present == 0:
            text = "no row has a value"
            found.append(Finding("empty", "warning", each.name, text, "Leave the column out.", 0))
        elif each.distinct == 1 and each.present > 1:
            text = f"it is {_cut(each.most_common)} on every row that has a value"
            advice = "A constant tells nothing and cannot be predicted: leave it out."
            found.append(Finding("constant", "warning", each.name, text, advice, each.present))
        elif each.most_common_share > NEARLY_CONSTANT:
            others = each.present - round(each.most_common_share * each.present)
            text = f"it is {_cut(each.most_common)} on all but {rows_text(others, each.present)}"
            advice = "It can hardly tell anything: any gain comes from those few rows."
            found.append(Finding("nearly_constant", "note", each.name, text, advice, others))
    return found


def distributions(materials: Materials) -> list[Finding]:
    """Zero inflation, noise around zero, stand-ins for missing values, and extreme values of scalars.

    Extreme are values farther from the median than ten robust standard deviations (absurd: ten thousand),
    among the values that are neither the most frequent one nor noise. The deviation is 1.4826 times the
    median distance of the values on the same side of the median, so that a skewed column has few. A column
    of one sign must have them on a logarithmic scale too.

    Parameters
    ----------
    materials : Materials

    Returns
    -------
    list of Finding
    """
    found = []
    for name, unit, values in scalars(materials):
        present = ~np.isnan(values)
        total = int(present.sum())
        distinct, counts = np.unique(values[present], return_counts=True)
        if total < _FEWEST or len(distinct) < 3:
            continue
        top, share = float(distinct[counts.argmax()]), counts.max() / total
        few_values = len(distinct) <= 20
        rest = present & (values != top) if share >= 0.05 else present.copy()
        noise = _noise(values, present)
        if noise.any():
            zero = present & (values == 0)
            found.append(_noise_finding(name, values, noise, int(zero.sum()), total))
            rest &= ~noise & ~zero
        elif INFLATED <= share <= NEARLY_CONSTANT and not few_values:
            found.append(_inflated(name, top, int(counts.max()), total))
        stand_in = _stand_in(values, rest, distinct, counts)
        for code in stand_in:
            rows = np.flatnonzero(values == code)
            found.append(
                Finding(
                    "stand_in", "warning", name,
                    f"{rows_text(len(rows), total)} have exactly {code:g}, far from all other values",
                    "It looks like a stand-in for a missing value: leave those cells empty.",
                    len(rows), ids_at(materials, rows),
                )
            )  # fmt: skip
            rest &= values != code
        if not few_values and unit != "°":  # angles gather at 90 and 120
            found += _extremes(materials, name, unit, values, rest)
    return found


def _inflated(name: str, top: float, count: int, total: int) -> Finding:
    advice = (
        "Mean errors mix two questions, whether it is zero and how large it is otherwise; a model that "
        "always says zero already looks good."
        if top == 0
        else "Mean errors are dominated by that value."
    )
    text = f"{rows_text(count, total)} are exactly {top + 0.0:.6g}"
    return Finding("zero_inflated" if top == 0 else "one_value", "note", name, text, advice, count)


def _noise(values: Floats, present: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Values that are tiny beside the others, with a valley between (as logarithms): numerical zeros."""
    size = np.abs(np.where(present, values, 0.0))
    nonzero = size > 0
    none = np.zeros(len(values), dtype=bool)
    if nonzero.sum() < _FEWEST:
        return none
    upper = float(np.quantile(size[nonzero], 0.9))
    if not np.isfinite(upper):
        return none
    log = np.full(len(values), np.nan)
    log[nonzero] = np.log10(size[nonzero]) - np.log10(upper)
    bins = np.floor(2 * log[nonzero]).astype(np.int64)  # half decades
    counts = np.bincount(bins - bins.min())
    # -1.5 in decades: two groups a factor of ten apart are just two groups
    valleys = np.arange(1, max(1, min(-3 - int(bins.min()), len(counts) - 1)))
    if not len(valleys):
        return none
    valley = int(valleys[counts[valleys].argmin()])
    noise = nonzero & (np.nan_to_num(log, nan=0.0) < (valley + int(bins.min())) / 2)
    deep = 3 * counts[valley] < min(counts[:valley].max(), counts[valley + 1 :].max())
    many = noise.sum() >= max(_FEWEST, 0.02 * nonzero.sum())
    return noise if deep and many and np.median(log[noise]) < np.log10(NOISE) else none


def _noise_finding(name: str, values: Floats, noise: NDArray[np.bool_], zeros: int, total: int) -> Finding:
    count = int(noise.sum())
    text = (
        f"{rows_text(count + zeros, total)} are zero or nearly: {zeros:,} exactly, {count:,} tiny, half of "
        f"those below {np.median(np.abs(values[noise])):.1g}"
    )
    advice = "The tiny ones look like numerical noise, their sign and size mean nothing: round them to 0."
    return Finding("noise_around_zero", "note", name, text, advice, count)


def _stand_in(
    values: Floats, rest: NDArray[np.bool_], distinct: Floats, counts: NDArray[np.int64]
) -> list[float]:
    """Repeated values such as -999 that stand far outside all others."""
    found = []
    total = int(counts.sum())
    for code in (distinct[0], distinct[-1]):
        count = int(counts[distinct == code][0])
        digits = f"{abs(code):.0f}"
        written = float(code).is_integer() and len(digits) >= 2 and set(digits) <= {"9"}
        round_number = abs(code) >= 1e9
        others = values[rest & (values != code)]
        if not (written or round_number) or len(others) < _FEWEST or count < 2 or 2 * count > total:
            continue
        reach = float(np.abs(others - np.median(others)).max())
        if abs(code - np.median(others)) > 3 * reach:
            found.append(float(code))
    return found


def _extremes(
    materials: Materials, name: str, unit: str, values: Floats, rest: NDArray[np.bool_]
) -> list[Finding]:
    rows = np.flatnonzero(rest)
    if len(rows) < _FEWEST:
        return []
    inner = values[rows]
    z = robust_z(inner)
    if (inner > 0).all() or (inner < 0).all():
        z = np.minimum(z, robust_z(np.log(np.abs(inner))))
    of = f"the median ({np.median(inner):.4g}{' ' + unit if unit else ''})"
    found = []
    absurd = np.flatnonzero(z > ABSURD)
    if len(absurd) and len(absurd) <= max(_FEW, _FEW_SHARE * len(rows)):
        worst = absurd[np.argsort(-z[absurd], kind="stable")]
        text = f"{_beyond(len(worst), len(rows), ABSURD)} from {of}, the farthest {inner[worst[0]]:.4g}"
        advice = "Such a value is a slip, a stand-in or a failed calculation: correct it or leave it empty."
        ids = ids_at(materials, rows[worst])
        found.append(Finding("absurd", "warning", name, text, advice, len(worst), ids))
        z[absurd] = 0.0
    far = np.flatnonzero(z > EXTREME)
    if not len(far):
        return found
    worst = far[np.argsort(-z[far], kind="stable")]
    text = f"{_beyond(len(far), len(rows), EXTREME)} from {of}, the farthest {inner[worst[0]]:.4g}"
    ids = ids_at(materials, rows[worst])
    if len(far) <= max(_FEW, _FEW_SHARE * len(rows)):
        advice = "Look at them: slips and failed calculations hide here, and squared errors weigh them most."
        return [*found, Finding("extreme", "note", name, text, advice, len(far), ids)]
    advice = "The tail is heavy and weighs most in squared errors; consider the logarithm."
    return [*found, Finding("heavy_tails", "note", name, text, advice, len(far), ids)]


def _beyond(count: int, total: int, limit: float) -> str:
    """The head of a sentence on values far from the median."""
    verb = "is" if count == 1 else "are"
    return f"{rows_text(count, total)} {verb} more than {limit:,.0f} robust standard deviations"


def robust_z(values: Floats) -> Floats:
    """Distance from the median in robust standard deviations of the values on its side.

    Parameters
    ----------
    values : ndarray of float64, shape (m,)
        Without NaN, m > 0.

    Returns
    -------
    ndarray of float64, shape (m,)
        Not negative; 0 on a side whose values do not spread.

    Examples
    --------
    >>> robust_z(np.array([-2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 60.0])).round(1).tolist()
    [1.0, 0.7, 0.3, 0.0, 0.3, 0.7, 19.9]
    """
    away = values - np.median(values)
    z = np.zeros(len(values))
    for side in (away < 0, away > 0):
        if side.any():
            spread = _MAD * float(np.median(np.abs(away[side])))
            z[side] = np.abs(away[side]) / spread if spread else 0.0
    return z


def _cut(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…") if not _plain(text) else text


def _plain(text: str) -> bool:
    return text.replace(".", "").replace("-", "").replace("+", "").replace("e", "").isdigit()
