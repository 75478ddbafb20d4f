"""Gains: how much an added property A lowers the test error of a target p predicted from a representation R.

MAE0 is the test error of the baseline (R alone), MAE1 that of the augmented model (R and A). A change is
MAE1/MAE0 - 1, a fraction: -0.05 means that the error fell by 5 %. Only models of the same seed, that is of
the same split and initial weights, are compared.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Literal

import numpy as np
import pandas as pd

Criterion = Literal["paired_minmax", "separated"]

CRITERIA: dict[str, str] = {
    "paired_minmax": "the error falls in every seed (largest paired change below zero)",
    "separated": "the worst augmented model beats the best baseline (largest MAE1 below smallest MAE0)",
}

#: Criteria of a change in either direction: no hits of Table 1, which lists what lowers the error.
CHANGES: dict[str, str] = {
    "paired_minmax_two_sided": "the error falls in every seed, or rises in every seed",
}

_BASE = ["learner", "representation", "target", "seed"]
#: What names a cell of a study.
CELL = ["learner", "representation", "target", "added"]


def mae_changes(errors: pd.DataFrame) -> pd.DataFrame:
    """Paired relative change of the test error, one row for each augmented model with a baseline.

    Parameters
    ----------
    errors : DataFrame
        One row a trained model: learner, representation, target, added (``""`` for the baseline), seed,
        mae (in the target's unit), and pair where baselines differ (only models of one pair are compared).

    Returns
    -------
    DataFrame
        learner, representation, target, added, seed; mae0 and mae1 (the target's unit); change = mae1/mae0 -
        1 (a fraction; NaN if mae0 is zero or either is not finite). Seeds that lack one of the two models
        are left out.

    Examples
    --------
    >>> errors = pd.DataFrame({"learner": "cgcnn", "representation": "composition", "target": "band_gap",
    ...                        "added": ["", "density"], "seed": 0, "mae": [0.5, 0.4]})
    >>> mae_changes(errors)["change"].round(3).tolist()
    [-0.2]
    """
    if "pair" not in errors:
        errors = errors.assign(pair="")
    is_base = errors["added"] == ""
    base = errors.loc[is_base, [*_BASE, "pair", "mae"]].rename(columns={"mae": "mae0"})
    augmented = errors.loc[~is_base, [*CELL, "seed", "pair", "mae"]].rename(columns={"mae": "mae1"})
    twice = errors.duplicated([*CELL, "seed", "pair"])
    if twice.any():
        model = ", ".join(f"{key}={errors.loc[twice, key].iloc[0]!r}" for key in [*CELL, "seed"])
        raise ValueError(f"errors holds the same model twice: {model}")
    changes = augmented.merge(base, on=[*_BASE, "pair"])[[*CELL, "seed", "mae0", "mae1"]]
    mae0, mae1 = (changes[key].to_numpy(dtype=float) for key in ("mae0", "mae1"))
    defined = np.isfinite(mae0) & np.isfinite(mae1) & (mae0 > 0)
    ratio = np.divide(mae1, mae0, out=np.full(len(changes), np.nan), where=defined)
    return changes.assign(change=ratio - 1)


def gains(errors: pd.DataFrame) -> pd.DataFrame:
    """Gain of every added property for every target, over the seeds.

    Parameters
    ----------
    errors : DataFrame
        As for `mae_changes`.

    Returns
    -------
    DataFrame
        One row for each (learner, representation, target, added) with a trained augmented model:

        - diagonal: the target itself was added (a positive control);
        - n_seeds: seeds with both models;
        - mae0_mean, mae1_mean: mean test error over those seeds (the target's unit);
        - mean, min, max: relative change over those seeds (fractions, negative when the error falls);
        - paired_minmax: every change is below zero;
        - separated: the largest mae1 is below the smallest mae0;
        - paired_minmax_two_sided: every change is below zero, or every change is above;
        - reason: why the change is undefined (then NaN, and no criterion is met), else ``""``.

        One seed has no range, so every criterion needs two seeds at least.
    """
    changes = mae_changes(errors)
    cells = errors.loc[errors["added"] != "", CELL].drop_duplicates()
    table = changes.groupby(CELL, sort=False).agg(
        n_seeds=("seed", "size"),
        n_defined=("change", "count"),
        mae0_mean=("mae0", "mean"),
        mae1_mean=("mae1", "mean"),
        mae0_min=("mae0", "min"),
        mae1_max=("mae1", "max"),
        mean=("change", "mean"),
        min=("change", "min"),
        max=("change", "max"),
    )
    table = cells.merge(table.reset_index(), on=CELL, how="left")
    table["n_seeds"] = table["n_seeds"].fillna(0).astype(int)
    none, zero = table["n_seeds"] == 0, table["mae0_min"] == 0
    undefined = table["n_defined"].fillna(0) < table["n_seeds"]
    table["reason"] = np.select(
        [none, zero, undefined],
        ["no common seed", "baseline MAE is zero", "a model's MAE is not finite"],
        default="",
    )
    table["diagonal"] = table["added"] == table["target"]
    ranged = (table["reason"] == "") & (table["n_seeds"] >= 2)
    table["paired_minmax"] = ranged & (table["max"] < 0)
    table["separated"] = ranged & (table["mae1_max"] < table["mae0_min"])
    table["paired_minmax_two_sided"] = ranged & ((table["max"] < 0) | (table["min"] > 0))
    table.loc[table["reason"] != "", ["mean", "min", "max"]] = np.nan
    measures = ["n_seeds", "mae0_mean", "mae1_mean", "mean", "min", "max"]
    return table[[*CELL, "diagonal", *measures, *CRITERIA, *CHANGES, "reason"]]


def contrasts(errors: pd.DataFrame) -> pd.DataFrame:
    """Composition against structure: the paired difference of the two changes, seed by seed.

    Parameters
    ----------
    errors : DataFrame
        As for `mae_changes`.

    Returns
    -------
    DataFrame
        One row for each (learner, target, added) with a change for both representations in a seed: n_seeds;
        composition and structure, the mean changes over those seeds; mean, min, max of their difference
        (fractions; negative when the property helps composition more than it helps structure).
    """
    key = ["learner", "target", "added"]
    changes = mae_changes(errors).dropna(subset=["change"])
    sides = [
        changes.loc[changes["representation"] == name, [*key, "seed", "change"]].rename(
            columns={"change": name}
        )
        for name in ("composition", "structure")
    ]
    pairs = sides[0].merge(sides[1], on=[*key, "seed"])
    pairs["difference"] = pairs["composition"] - pairs["structure"]
    return (
        pairs.groupby(key, sort=False)
        .agg(
            n_seeds=("seed", "size"),
            composition=("composition", "mean"),
            structure=("structure", "mean"),
            mean=("difference", "mean"),
            min=("difference", "min"),
            max=("difference", "max"),
        )
        .reset_index()
    )


def structure_already_holds(gains: pd.DataFrame, criterion: Criterion = "paired_minmax") -> pd.DataFrame:
    """The paper's Table 1: which properties help each representation, and which help composition only.

    Parameters
    ----------
    gains : DataFrame
        From `gains`.
    criterion : {"paired_minmax", "separated"}

    Returns
    -------
    DataFrame
        One row for each (learner, target); lists of property names: structure and composition (hits on each
        representation, the target itself left out) and structure_only (hits on composition that were measured
        on structure and are no hit there: "In Struct. but not Comp.").
    """
    if criterion not in CRITERIA:
        raise ValueError(f"criterion must be one of {', '.join(CRITERIA)}, got {criterion!r}")
    records = []
    for (learner, target), part in gains[~gains["diagonal"]].groupby(["learner", "target"], sort=False):
        on = {name: part[part["representation"] == name] for name in ("structure", "composition")}
        hits = {name: list(cells.loc[cells[criterion], "added"]) for name, cells in on.items()}
        structure = on["structure"]
        missed = set(structure.loc[(structure["reason"] == "") & ~structure[criterion], "added"])
        only = [name for name in hits["composition"] if name in missed]
        records.append({"learner": learner, "target": target, **hits, "structure_only": only})
    columns = ["learner", "target", "structure", "composition", "structure_only"]
    return pd.DataFrame(records, columns=columns)


def frequency(table1: pd.DataFrame) -> pd.DataFrame:
    """For how many targets each property helps composition but not structure, most frequent first.

    Parameters
    ----------
    table1 : DataFrame
        From `structure_already_holds`.

    Returns
    -------
    DataFrame
        learner, added, count (targets); ties in alphabetical order.

    Examples
    --------
    >>> table1 = pd.DataFrame({"learner": "cgcnn", "structure_only": [["volume"], ["density", "volume"], []]})
    >>> frequency(table1)[["added", "count"]].to_numpy().tolist()
    [['volume', 2], ['density', 1]]
    """
    pairs = table1[["learner", "structure_only"]].explode("structure_only").dropna()
    pairs.columns = pd.Index(["learner", "added"])
    counts = pairs.value_counts().reset_index(name="count")
    return counts.sort_values(["learner", "count", "added"], ascending=[True, False, True], ignore_index=True)


@cache
def chance_all_below(n_seeds: int, correlation: float = 0.0) -> float:
    """Chance that every seed's change is below zero when the property is of no use.

    The changes are taken as standard normal with a common correlation, which overlapping splits bring about:
    the integral of Phi(z sqrt(c / (1 - c)))^n over the standard normal z.

    Parameters
    ----------
    n_seeds : int
    correlation : float
        Between two seeds, in [0, 1).

    Returns
    -------
    float

    Examples
    --------
    >>> [round(chance_all_below(5, c), 3) for c in (0.0, 0.1, 0.25, 1 / 3)]
    [0.031, 0.053, 0.091, 0.114]
    """
    z = np.linspace(-8, 8, 1601)
    slope = math.sqrt(correlation / (1 - correlation))
    below = np.array([0.5 * (1 + math.erf(slope * v / math.sqrt(2))) for v in z])
    weight = np.exp(-(z**2) / 2)
    return float((below**n_seeds * weight).sum() / weight.sum())
