"""Do learners agree? One learner is an anecdote, two are a check."""

from __future__ import annotations

import pandas as pd

from mattomo.information.gain import CRITERIA, Criterion


def agreement(gains: pd.DataFrame, criterion: Criterion = "paired_minmax") -> pd.DataFrame:
    """What several learners say of the same cell.

    Parameters
    ----------
    gains : DataFrame
        From `mattomo.information.gains`, of one learner or more.
    criterion : {"paired_minmax", "separated"}

    Returns
    -------
    DataFrame
        One row a cell off the diagonal that two learners or more measured: representation, target, added,
        marked and unmarked (lists of learners), low and high (the lowest and highest of their mean changes,
        shares), robust (all learners mark it), disagree (some do and some do not).

    Raises
    ------
    ValueError
        Unknown criterion.

    Examples
    --------
    >>> gains = pd.DataFrame({"learner": ["cgcnn", "trees"], "representation": "composition",
    ...     "target": "band_gap", "added": "density", "diagonal": False, "reason": "",
    ...     "mean": [-0.1, -0.2], "paired_minmax": [True, False]})
    >>> agreement(gains)[["marked", "robust", "disagree"]].to_numpy().tolist()
    [[['cgcnn'], False, True]]
    """
    if criterion not in CRITERIA:
        raise ValueError(f"criterion must be one of {', '.join(CRITERIA)}, got {criterion!r}")
    measured = gains[~gains["diagonal"] & (gains["reason"] == "")]
    found: dict[tuple[str, str, str], list[tuple[str, float, bool]]] = {}
    read = ["representation", "target", "added", "learner", "mean", criterion]
    for *cell, learner, mean, mark in measured[read].itertuples(index=False, name=None):
        found.setdefault((*cell,), []).append((learner, mean, bool(mark)))
    records = []
    for (representation, target, added), said in found.items():
        if len(said) < 2:
            continue
        marked = [learner for learner, _, mark in said if mark]
        unmarked = [learner for learner, _, mark in said if not mark]
        means = [mean for _, mean, _ in said]
        records.append(
            {
                "representation": representation,
                "target": target,
                "added": added,
                "marked": marked,
                "unmarked": unmarked,
                "low": min(means),
                "high": max(means),
                "robust": not unmarked,
                "disagree": bool(marked and unmarked),
            }
        )
    columns = [
        "representation", "target", "added", "marked", "unmarked", "low", "high", "robust", "disagree",
    ]  # fmt: skip
    return pd.DataFrame(records, columns=columns)
