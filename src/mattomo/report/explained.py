"""One cell of a study in words and numbers, down to its materials."""

from __future__ import annotations

from typing import Any

from mattomo.report import answers, closeup, sentences
from mattomo.report.information import KEY, control_name
from mattomo.report.numbers import printable
from mattomo.report.summarize import Summary, plain


def explain(summary: Summary, cell: dict[str, Any]) -> dict[str, Any]:
    """One cell in words and numbers.

    Parameters
    ----------
    summary : dict
        From `summarize`, with an analysis.
    cell : dict
        One of its cells.

    Returns
    -------
    dict
        Plain values: question, words (sentences), cell (without its ``closeup``), controls (bits of the
        controls of the same learner, representation and target), unit (of errors and their changes),
        n_materials (tested), helped and hurt (materials: id, formula, mae0, mae1, change, n_seeds), elements,
        crystal_systems and polymorphs (name, n materials, mae0, change, se, clear; most helped first). A
        change below zero is a smaller error.
    """
    label = sentences.label
    controls = [
        {**row, "name": control_name(row["added"])}
        for row in summary["analysis"]["control_cells"]
        if all(row[key] == cell[key] for key in KEY[:3])
    ]
    close = cell["closeup"]
    group = summary["closeups"][close["group"]] if close else None
    result: dict[str, Any] = {
        "question": f"What does {label(summary, cell['added'])} tell of {label(summary, cell['target'])} "
        f"beyond the {printable(cell['representation'])} ({printable(cell['learner'])})?",
        "words": words(summary, cell),
        "cell": {key: value for key, value in cell.items() if key != "closeup"},
        "controls": controls,
        "unit": summary["properties"][cell["target"]]["unit"],
        "n_materials": group["n_materials"] if group else 0,
        "helped": close["helped"] if close else [],
        "hurt": close["hurt"] if close else [],
    }
    for kind in closeup.KINDS:
        rows = closeup.groups_of(group, close, kind) if group else []
        result[kind] = sorted(rows, key=lambda row: float(row["change"]))
    return {str(key): value for key, value in plain(result).items()}


def words(summary: Summary, cell: dict[str, Any]) -> list[str]:
    """A cell in sentences: the change, the bits and the test, the rules, and the doubts."""
    said = [
        f"The test error changes by {sentences.change(cell)}.",
        f"{answers.usable(cell)[0].upper()}{answers.usable(cell)[1:]}.",
    ]
    return said + sentences.verdicts(summary, cell) + answers.doubts(cell)
