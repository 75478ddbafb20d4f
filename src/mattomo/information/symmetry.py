"""Is A as good for p as p is for A? Information is symmetric, learners are not.

I(A; p | R) is one number for both directions. What is left of the difference of their measured bits comes
from learners, noise shapes, spikes and sample sizes, so it bounds how far such bits can be trusted.
"""

from __future__ import annotations

import math

import pandas as pd

from mattomo.information.inference import nadeau_bengio

_COLUMNS = [
    "learner", "representation", "first", "second", "n_seeds", "second_for_first", "first_for_second",
    "mean", "low", "high", "asymmetric", "reason",
]  # fmt: skip


def symmetry_residuals(
    bits: pd.DataFrame, *, n_train: float, n_test: float, level: float = 0.95
) -> pd.DataFrame:
    """Symmetry residual of every pair of properties that are both targets: bits(A for p) - bits(p for A).

    Parameters
    ----------
    bits : DataFrame
        learner, representation, target, added, seed, bits; one row a cell and seed. Properties that are
        added but no target, and targets added to themselves, say nothing here.
    n_train, n_test : float
        Rows of one split, for the interval (`nadeau_bengio`).
    level : float
        Coverage of the interval.

    Returns
    -------
    DataFrame
        One row for each (learner, representation, first, second), first the property that comes first among
        the targets: n_seeds, those with both directions; second_for_first and first_for_second, their mean
        bits; mean, low and high of second_for_first - first_for_second; asymmetric, whether the interval
        excludes zero; reason why there is no interval, else ``""``.

    Raises
    ------
    ValueError
        A cell is given twice for a seed.

    Examples
    --------
    >>> bits = pd.DataFrame({"learner": "trees", "representation": "composition",
    ...     "target": ["gap", "mass"] * 2, "added": ["mass", "gap"] * 2, "seed": [0, 0, 1, 1],
    ...     "bits": [0.32, 0.05, 0.34, 0.07]})
    >>> symmetry_residuals(bits, n_train=600, n_test=200)[["first", "mean"]].round(2).to_numpy().tolist()
    [['gap', 0.27]]
    """
    key = ["learner", "representation"]
    if bits.duplicated([*key, "target", "added", "seed"]).any():
        raise ValueError("bits holds the same cell and seed twice")
    order = {name: k for k, name in enumerate(dict.fromkeys(bits["target"]))}
    known = bits[bits["added"].isin(list(order)) & (bits["added"] != bits["target"])]
    ahead = known["target"].map(order) < known["added"].map(order)
    forward = known[ahead].rename(columns={"target": "first", "added": "second", "bits": "forward"})
    backward = known[~ahead].rename(columns={"target": "second", "added": "first", "bits": "backward"})
    pair = [*key, "first", "second"]
    both = forward[[*pair, "seed", "forward"]].merge(
        backward[[*pair, "seed", "backward"]], on=[*pair, "seed"], validate="one_to_one"
    )
    records = []
    for names, cells in both.groupby(pair, sort=False):
        cells = cells.dropna(subset=["forward", "backward"])
        interval = nadeau_bengio(cells["forward"] - cells["backward"], n_train, n_test, level)
        excludes = interval.low > 0 or interval.high < 0
        records.append(
            {
                **dict(zip(pair, names, strict=True)),
                "n_seeds": interval.n_seeds,
                "second_for_first": float(cells["forward"].mean()) if len(cells) else math.nan,
                "first_for_second": float(cells["backward"].mean()) if len(cells) else math.nan,
                "mean": interval.mean,
                "low": interval.low,
                "high": interval.high,
                "asymmetric": excludes,
                "reason": interval.reason,
            }
        )
    return pd.DataFrame(records, columns=_COLUMNS)
