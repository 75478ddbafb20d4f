"""What the page embeds for its scripts: each cell in full, numbers as the text that is read, in few bytes.

Texts that cells share stand once, in ``texts``; a cell holds their numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mattomo.materials.formula import SYMBOLS
from mattomo.report import answers, numbers, sentences, views
from mattomo.report.closeup import KINDS, groups_of
from mattomo.report.information import control_name
from mattomo.report.numbers import brief, count, percent, printable, quantity, signed
from mattomo.report.periodic import place
from mattomo.report.summarize import Summary

_STEPS = {"cgcnn": "epoch", "trees": "number of trees"}


class _Shared(dict[Any, int]):
    """Number of each thing, in the order in which they were first asked for."""

    def __call__(self, thing: Any) -> int:
        return self.setdefault(thing, len(self))


def embedded(summary: Summary, large: bool = False) -> dict[str, Any]:
    """Everything that the scripts of the page read.

    Parameters
    ----------
    summary : dict
        From `summarize`.
    large : bool
        Leave the decomposition of cells without a mark to the tables.

    Returns
    -------
    dict
        texts (list of str); places (what the cells of a learner, representation, target and baseline share:
        numbers of the texts target, where and unit, base: seeds and MAE0 in turn, parted by spaces, and yard:
        number of the yardstick or None); yardsticks (rows of controls); cells (see `_cell`); groups (see
        `_group`); periodic (symbol, column and row of each element).
    """
    texts, places, yards = _Shared(), _Shared(), _Shared()
    yardsticks = _yardsticks(summary)
    cells = []
    for cell in summary["cells"]:
        yard = yards(_key(cell)) if _key(cell) in yardsticks else None
        cells.append(_cell(summary, cell, texts, places, yard, large))
    return {
        "texts": list(texts),
        "places": [
            dict(zip(("target", "where", "unit", "base", "yard"), each, strict=True)) for each in places
        ],
        "yardsticks": [yardsticks[key] for key in yards],
        "cells": cells,
        "groups": [_group(each) for each in summary["closeups"]],
        "periodic": [[symbol, *place(symbol)] for symbol in SYMBOLS],
    }


def _key(cell: Mapping[str, Any]) -> tuple[str, str, str]:
    return cell["learner"], cell["representation"], cell["target"]


def _yardsticks(summary: Summary) -> dict[tuple[str, str, str], list[list[str]]]:
    """Controls of each learner, representation and target: name, change of the error, bits, interval, p."""
    found: dict[tuple[str, str, str], list[list[str]]] = {}
    for cell in summary["analysis"]["control_cells"]:
        change = cell["mae1"] / cell["mae0"] - 1 if cell["mae0"] and cell["mae1"] is not None else None
        interval = numbers.bits_range(cell["bits_low"], cell["bits_high"])
        shown = [percent(change), numbers.bits(cell["bits"]), interval, numbers.probability(cell["swap_p"])]
        found.setdefault(_key(cell), []).append([control_name(cell["added"]), *shown])
    return found


def _cell(
    summary: Summary,
    cell: dict[str, Any],
    texts: _Shared,
    places: _Shared,
    yard: int | None,
    large: bool,
) -> dict[str, Any]:
    """One cell: its place and texts, MAE1 and change of its seeds in turn, and what else is known of it."""
    base = " ".join(f"{seed['seed']} {quantity(seed['mae0'])}" for seed in cell["seeds"])
    where = f"{cell['representation']}, {printable(cell['learner'])}"
    unit = summary["properties"][cell["target"]]["unit"]
    label = summary["properties"][cell["target"]]["label"]
    found: dict[str, Any] = {
        "place": places((texts(label), texts(where), texts(unit), base, yard)),
        "added": texts(summary["properties"][cell["added"]]["label"]),
        "change": sentences.change(cell),
        "said": [texts(said) for said in sentences.verdicts(summary, cell)],
        "rules": [texts(sentences.verdict(cell, name)) for name in summary["criteria"]],
        "seeds": " ".join(f"{quantity(seed['mae1'])} {percent(seed['change'])}" for seed in cell["seeds"]),
        "mean": _short(cell["mean"]),
    }
    if cell["information"]:
        found |= {"bits": answers.usable(cell), "value": _short(cell["information"]["bits"])}
        doubts = answers.doubts(cell)
        if doubts:
            found["doubts"] = [texts(said) for said in doubts]
        if not large or any(cell[name] for name in ("separated", "swap")):
            parts = views.part_ranges(cell)
            if parts:
                found["parts"] = [shown for _, *shown in parts]
    if cell["closeup"]:
        found["close"] = _close(summary, cell["closeup"], texts)
    return found


def _group(shared: Mapping[str, Any]) -> dict[str, Any]:
    """What cells close up share."""
    return {
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


def _close(summary: Summary, close: Mapping[str, Any], texts: _Shared) -> dict[str, Any]:
    """What a cell close up has of its own.

    ``kinds`` has for each of `KINDS` one string: the changes as they are read, parted by spaces, with a star
    where they are clear of zero; ``helped`` and ``hurt`` have the numbers of id and formula, MAE0, MAE1,
    change and seeds.
    """
    shared = summary["closeups"][close["group"]]
    return {
        "group": close["group"],
        "kinds": [
            " ".join(signed(row["change"]) + "*" * row["clear"] for row in groups_of(shared, close, kind))
            for kind in KINDS
        ],
        **{
            end: [
                [
                    texts(brief(row["id"], 40)),
                    texts(brief(row["formula"], 40)),
                    quantity(row["mae0"]),
                    quantity(row["mae1"]),
                    signed(row["change"]),
                    str(row["n_seeds"]),
                ]
                for row in close[end]
            ]
            for end in ("helped", "hurt")
        },
        "parity": close["parity"],
        "curves": close["curves"],
        "best": close["best"],
    }


def _short(value: float | None) -> float | None:
    """A number to be sorted by, not read."""
    return None if value is None else float(f"{value:.4g}")
