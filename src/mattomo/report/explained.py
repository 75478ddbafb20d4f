"""One cell of a study row by row: which materials, elements and crystal systems an added property helps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mattomo.information.scores import Scored
from mattomo.materials.check.stored import SYSTEMS
from mattomo.materials.formula import SYMBOLS, FormulaError, parse
from mattomo.report import answers, sentences
from mattomo.report.information import KEY, control_name
from mattomo.report.numbers import printable
from mattomo.report.summarize import Summary, plain

Floats = NDArray[np.float64]

SHOWN = 5
"""Materials listed at each end."""

LEAST = 5
"""Materials that a group needs to be listed."""


def crystal_system(number: float) -> str:
    """Crystal system of a space group number, "" if it is none.

    >>> crystal_system(225), crystal_system(2), crystal_system(float("nan"))
    ('cubic', 'triclinic', '')
    """
    return next((name for name, (first, last) in SYSTEMS.items() if first <= number <= last), "")


def explain(
    summary: Summary,
    cell: dict[str, Any],
    scored: Sequence[Scored],
    ids: NDArray[np.str_],
    formulas: NDArray[np.str_],
    systems: NDArray[np.str_] | None = None,
) -> dict[str, Any]:
    """One cell in words and numbers.

    Parameters
    ----------
    summary : dict
        From `summarize`, with an analysis.
    cell : dict
        One of its cells.
    scored : sequence of Scored
        The units of the cell, one a seed.
    ids, formulas : ndarray of str, shape (n,)
        Of all materials of the study.
    systems : ndarray of str, shape (n,), optional
        Their crystal systems, "" where unknown.

    Returns
    -------
    dict
        Plain values: question, words (sentences), cell, controls (bits of the controls of the same learner,
        representation and target), measure (``"bits"``, or the unit of the fall of the absolute error where
        bits are undefined), helped and hurt (materials: id, formula, value, n_seeds), elements and
        crystal_systems (name, n materials, value, the mean over them).
    """
    own = [unit for unit in scored if cell["added"] in unit.added]
    values, used, seeds, measure = _values(own, cell["added"])
    if measure != "bits":
        measure = summary["properties"][cell["target"]]["unit"] or "units of the target"
    order = np.argsort(-values, kind="stable")
    found: list[dict[str, Any]] = [
        {
            "id": printable(str(ids[used[i]])),
            "formula": printable(str(formulas[used[i]])),
            "value": float(values[i]),
            "n_seeds": int(seeds[i]),
        }
        for i in order
    ]
    label = sentences.label
    holders: dict[str, list[float]] = {}
    for material, value in zip(used, values, strict=True):
        for symbol in _elements(str(formulas[material])):
            holders.setdefault(symbol, []).append(float(value))
    grouped: dict[str, list[float]] = {}
    if systems is not None:
        for material, value in zip(used, values, strict=True):
            if systems[material]:
                grouped.setdefault(printable(str(systems[material])), []).append(float(value))
    controls = [
        {**row, "name": control_name(row["added"])}
        for row in summary["analysis"]["control_cells"]
        if all(row[key] == cell[key] for key in KEY[:3])
    ]
    result = {
        "question": f"What does {label(summary, cell['added'])} tell of {label(summary, cell['target'])} "
        f"beyond the {printable(cell['representation'])} ({printable(cell['learner'])})?",
        "words": words(summary, cell),
        "cell": cell,
        "controls": controls,
        "measure": measure,
        "n_materials": len(found),
        "helped": [each for each in found[:SHOWN] if each["value"] > 0],
        "hurt": [each for each in found[::-1][:SHOWN] if each["value"] < 0],
        "elements": _groups(holders),
        "crystal_systems": _groups(grouped),
    }
    return {str(key): value for key, value in plain(result).items()}


def words(summary: Summary, cell: dict[str, Any]) -> list[str]:
    """A cell in sentences: the change, the bits and the test, the rules, and the doubts."""
    said = [
        f"The test error changes by {sentences.change(cell)}.",
        f"{answers.usable(cell)[0].upper()}{answers.usable(cell)[1:]}.",
    ]
    return said + sentences.verdicts(summary, cell) + answers.doubts(cell)


def _values(scored: Sequence[Scored], added: str) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64], str]:
    """Mean over the seeds of the bits of each tested material, or of the fall of its absolute error."""
    bits, falls, materials = [], [], []
    for unit in scored:
        k = unit.added.index(added)
        error = np.abs(unit.predicted[[0, k + 1]] - unit.true)
        bits.append(unit.bits[k].astype(np.float64))
        falls.append(error[0] - error[1])
        materials.append(unit.materials)
    if not materials:
        return np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int64), "bits"
    rows = np.concatenate(bits)
    measure = "bits" if np.isfinite(rows).all() else "error"
    rows = rows if measure == "bits" else np.concatenate(falls)
    used, member = np.unique(np.concatenate(materials), return_inverse=True)
    seeds = np.bincount(member)
    return np.bincount(member, weights=rows) / seeds, used, seeds, measure


def _elements(formula: str) -> list[str]:
    try:
        return [SYMBOLS[Z - 1] for Z in parse(formula)]
    except FormulaError:
        return []


def _groups(found: dict[str, list[float]]) -> list[dict[str, Any]]:
    """Groups of enough materials, the most helped first."""
    rows = [
        {"name": name, "n": len(values), "value": float(np.mean(values))}
        for name, values in found.items()
        if len(values) >= LEAST
    ]
    return sorted(rows, key=lambda row: -float(row["value"]))
