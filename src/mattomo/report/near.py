"""Cells close up as the page embeds them: numbers that are read as text, in few bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mattomo.report.closeup import KINDS, groups_of
from mattomo.report.numbers import brief, count, quantity, signed
from mattomo.report.summarize import Summary

_STEPS = {"cgcnn": "epoch", "trees": "number of trees"}


def group(shared: Mapping[str, Any]) -> dict[str, Any]:
    """What the cells of a group share.

    Parameters
    ----------
    shared : dict
        One of ``summary["closeups"]``.
    """
    return {
        "seeds": [str(seed) for seed in shared["seeds"]],
        "materials": count(shared["n_materials"]),
        "rows": count(shared["n_rows"]),
        "kinds": [
            [
                shared[kind]["name"],
                [count(n) for n in shared[kind]["n"]],
                [quantity(m) for m in shared[kind]["mae0"]],
            ]
            for kind in KINDS
        ],
        "parity": [shared["parity"]["true"], shared["parity"]["baseline"]],
        "curves": shared["curves"] and [shared["curves"]["epochs"], shared["curves"]["baseline"]],
        "best": shared["best"],
        "steps": _STEPS.get(shared["learner"], "step of training"),
    }


def cell(summary: Summary, close: Mapping[str, Any], text: Callable[[str], int]) -> dict[str, Any]:
    """What a cell has of its own.

    Parameters
    ----------
    summary : dict
        From `summarize`.
    close : dict
        The ``closeup`` of one of its cells.
    text : callable
        Number of a text in the list that the page shares.

    Returns
    -------
    dict
        group; kinds (for each of `KINDS` one string: the changes as they are read, parted by spaces, with a
        star where twice the standard error leaves them from zero); helped and hurt (number of id and of
        formula, MAE0, MAE1, change, seeds); parity, curves and best as in `Closeups`.
    """
    shared = summary["closeups"][close["group"]]
    ends = {
        end: [
            [
                text(brief(row["id"], 40)),
                text(brief(row["formula"], 40)),
                quantity(row["mae0"]),
                quantity(row["mae1"]),
                signed(row["change"]),
                str(row["n_seeds"]),
            ]
            for row in close[end]
        ]
        for end in ("helped", "hurt")
    }
    return ends | {
        "group": close["group"],
        "kinds": [
            " ".join(
                signed(row["change"]) + ("*" if row["clear"] else "")
                for row in groups_of(shared, close, kind)
            )
            for kind in KINDS
        ],
        "parity": close["parity"],
        "curves": close["curves"],
        "best": close["best"],
    }
