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
    records = []
    for (representation, target, added), cells in measured.groupby(
        ["representation", "target", "added"], sort=False
    ):
        if len(cells) < 2:
            continue
        marked = list(cells.loc[cells[criterion], "learner"])
        unmarked = list(cells.loc[~cells[criterion], "learner"])
        records.append(
            {
                "representation": representation,
                "target": target,
                "added": added,
                "marked": marked,
                "unmarked": unmarked,
                "low": float(cells["mean"].min()),
                "high": float(cells["mean"].max()),
                "robust": not unmarked,
                "disagree": bool(marked and unmarked),
            }
        )
    columns = [
        "representation", "target", "added", "marked", "unmarked", "low", "high", "robust", "disagree",
    ]  # fmt: skip
    return pd.DataFrame(records, columns=columns)
