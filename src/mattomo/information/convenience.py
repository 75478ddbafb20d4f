"""Information or convenience? A gain that more training data would replace is the second.

A property that R determines may still help a learner that has not seen enough to derive it. Its gain falls as
training rows are added; the gain of a property that R does not hold stays, or grows as the learner gets
better at using it. The learning curve of the gain tells them apart, within the sizes measured.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from mattomo.information.inference import Interval, nadeau_bengio

Floats = NDArray[np.float64]

#: Share of the gain at the smallest size whose loss per doubling of the training rows tells the words apart.
NOTABLE_LOSS = 0.1

_COLUMNS = [
    "n_seeds", "smallest", "largest", "bits_smallest", "bits_largest", "low_largest", "high_largest",
    "slope", "slope_low", "slope_high", "word", "sentence",
]  # fmt: skip


def gain_curves(
    bits: pd.DataFrame,
    *,
    cell: Sequence[str] = ("learner", "representation", "target", "added"),
    test_share: float = 1 / 3,
    level: float = 0.95,
) -> pd.DataFrame:
    """The learning curve of every gain, and what it is called.

    The slope is the change of the bits per doubling of the training rows (least squares on log2 n_train,
    seed by seed). With l = `NOTABLE_LOSS` times the gain fitted at the smallest size:

    - *convenience*: there is a gain at the smallest size, the slope's interval lies below zero, and the
      slope is below -l;
    - *information*: the slope's interval lies above -l, and the interval of the bits at the largest size
      above zero;
    - *undecided*: anything else.

    Parameters
    ----------
    bits : DataFrame
        The columns of ``cell``, fraction (of the training rows), seed, n_train, bits.
    cell : sequence of str
        What names a curve.
    test_share : float
        n_test / n_train of the whole training set, for the intervals over seeds (`nadeau_bengio`).
    level : float
        Coverage of the intervals.

    Returns
    -------
    DataFrame
        One row a curve: the columns of ``cell``; n_seeds; smallest and largest (mean training rows);
        bits_smallest, bits_largest (means over seeds); low_largest, high_largest; slope, slope_low,
        slope_high (bits per doubling); word; sentence.

    Raises
    ------
    ValueError
        A curve has a fraction twice for a seed.

    Notes
    -----
    Seeds that lack a size are left out. With a single seed the interval of the slope comes from the scatter
    about the line (three sizes or more), and that of the largest gain from the line's.
    """
    keys = list(cell)
    records = []
    for names, rows in bits.groupby(keys, sort=False):
        records.append({**dict(zip(keys, names, strict=True)), **_curve(rows, test_share, level)})
    return pd.DataFrame(records, columns=[*keys, *_COLUMNS])


def _curve(rows: pd.DataFrame, test_share: float, level: float) -> dict[str, Any]:
    table = rows.pivot(index="seed", columns="fraction", values="bits").dropna()
    sizes = rows.groupby("fraction")["n_train"].mean().reindex(table.columns).to_numpy(dtype=float)
    values = table.to_numpy(dtype=float)
    empty = dict.fromkeys(_COLUMNS, math.nan) | {"n_seeds": len(values), "word": "undecided"}
    if not len(values):
        return empty | {"sentence": "Undecided: no seed has a gain at every size."}
    if len(np.unique(sizes)) < 2:
        return empty | {"sentence": "Undecided: a single training size has no curve."}
    doublings = np.log2(sizes)
    centred = doublings - doublings.mean()
    slopes = values @ centred / (centred @ centred)
    fitted_first = values.mean() + slopes.mean() * centred.min()
    if len(values) > 1:
        slope = nadeau_bengio(slopes, 1, test_share, level)
        last = nadeau_bengio(values[:, np.argmax(sizes)], 1, test_share, level)
    else:
        slope, last = _from_the_line(values[0], centred, float(slopes[0]), level)
    word = _word(slope, last, float(fitted_first))
    first = float(values[:, np.argmin(sizes)].mean())
    record = {
        "n_seeds": len(values),
        "smallest": float(sizes.min()),
        "largest": float(sizes.max()),
        "bits_smallest": first,
        "bits_largest": last.mean,
        "low_largest": last.low,
        "high_largest": last.high,
        "slope": slope.mean,
        "slope_low": slope.low,
        "slope_high": slope.high,
        "word": word,
    }
    return record | {"sentence": _sentence(record, slope, level)}


def _from_the_line(values: Floats, centred: Floats, slope: float, level: float) -> tuple[Interval, Interval]:
    """Intervals of the slope and of the fitted last value from the scatter about one line."""
    last = float(values[np.argmax(centred)])
    free = len(values) - 2
    if free < 1:
        reason = "one seed and two sizes have no interval"
        return Interval(slope, math.nan, math.nan, 1, reason), Interval(last, math.nan, math.nan, 1, reason)
    scatter = values - values.mean() - slope * centred
    variance, spread = float(scatter @ scatter) / free, float(centred @ centred)
    times = float(special.stdtrit(free, (1 + level) / 2))
    half = times * math.sqrt(variance / spread)
    half_last = times * math.sqrt(variance * (1 / len(values) + float(centred.max()) ** 2 / spread))
    return (
        Interval(slope, slope - half, slope + half, 1, ""),
        Interval(last, last - half_last, last + half_last, 1, ""),
    )


def _word(slope: Interval, last: Interval, first: float) -> str:
    notable = NOTABLE_LOSS * max(first, 0.0)
    if first > 0 and slope.high < 0 and slope.mean < -notable:
        return "convenience"
    if slope.low > -notable and last.low > 0:
        return "information"
    return "undecided"


def _sentence(record: Mapping[str, Any], slope: Interval, level: float) -> str:
    reading = {
        "convenience": "Convenience: the gain shrinks as training rows are added",
        "information": "Information at these sizes: the gain stays as training rows are added",
        "undecided": "Undecided: the seeds do not tell whether the gain stays",
    }[record["word"]]
    between = (
        f" ({slope.reason})"
        if slope.reason
        else f" ({level:.0%} interval {slope.low:+.3f} to {slope.high:+.3f})"
    )
    return (
        f"{reading}: {record['bits_smallest']:.2f} bits with {record['smallest']:,.0f} rows, "
        f"{record['bits_largest']:.2f} with {record['largest']:,.0f}; "
        f"{slope.mean:+.3f} bits per doubling{between}."
    )
