"""From an outcome to one plain dict, the single source of every face of the report."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import pandas as pd

from mattomo.information import (
    CRITERIA,
    agreement,
    contrasts,
    frequency,
    gains,
    mae_changes,
    structure_already_holds,
)
from mattomo.information.analysis import Analysis
from mattomo.information.gain import Criterion
from mattomo.report import answers, information, methods, sentences
from mattomo.report.closeup import Closeups
from mattomo.report.numbers import printable
from mattomo.study.controls import PREFIX
from mattomo.study.outcome import Outcome

Summary = dict[str, Any]

DEFAULT_CRITERION: Criterion = "paired_minmax"


def summarize(
    outcome: Outcome,
    analysis: Analysis | None = None,
    relations: Sequence[Mapping[str, Any]] = (),
    check: Mapping[str, Any] | None = None,
    close: Closeups | None = None,
) -> Summary:
    """Everything the report shows, as plain data.

    Parameters
    ----------
    outcome : Outcome
        May be empty, of one seed, of one representation, or half done.
    analysis : Analysis, optional
        Without it the summary speaks of errors alone, and says so.
    relations : sequence of mapping
        Columns that are functions of others, as `Results.relations` gives them.
    check : mapping, optional
        From `mattomo.report.checked.report_section`.
    close : Closeups, optional
        Cells close up, from `mattomo.report.closeup`.

    Returns
    -------
    dict
        Only str, int, float, bool, None, list and dict, so it can be written as JSON; undefined numbers are
        None. Changes are fractions (-0.05: the error fell by 5 %), errors are in the target's unit.
        Keys, in the order a reader needs them: question, headlines, answers (one sentence a target), status,
        data, notices, properties, targets, added, representations, learners, seeds, criteria, cells (one a
        learner, representation, target and added property, with every seed; ``information`` are its usable
        bits and swap test, ``parts`` its decomposition, both None without an analysis; ``closeup`` and the
        list ``closeups`` that it points into are those of `mattomo.report.closeup.Closeups`), heatmaps
        (rows are added properties, columns are targets, values index cells), colour_limit, bits_limit,
        contrasts, table1, mae, analysed, analysis (see `mattomo.report.information.sections`), check,
        splits, methods, citations, environment, config.
    """
    errors = outcome.errors
    table = gains(errors)
    bits = None if analysis is None else information.bits_table(analysis, relations)
    hits = set() if bits is None else information.marked(bits)
    swapped = [key in hits for key in zip(*(table[name] for name in information.KEY), strict=True)]
    falls = (table["mean"] < 0).to_numpy(dtype=bool)
    # The swap test as one more rule of Table 1 and of the agreement of learners.
    views = {name: (table, cast(Criterion, name)) for name in CRITERIA}
    if analysis is not None:
        views[information.SWAP] = (
            table.assign(paired_minmax=falls & np.array(swapped, dtype=bool)),
            "paired_minmax",
        )
    cells = _cells(errors, table)
    information.attach(cells, analysis, bits)
    close = close or Closeups()
    for cell in cells:
        cell["closeup"] = close.cells.get(tuple(cell[name] for name in information.KEY))
    summary: Summary = {
        "properties": _properties(outcome),
        "targets": list(outcome.targets),
        "added": list(outcome.added),
        "representations": list(outcome.representations),
        "learners": list(dict.fromkeys(errors["learner"])),
        "seeds": list(outcome.seeds),
        "criteria": CRITERIA | (information.RULES if analysis is not None else {}),
        "criterion": DEFAULT_CRITERION,
        "status": {
            "units_done": outcome.units_done,
            "units_planned": outcome.units_planned,
            "complete": outcome.units_done >= outcome.units_planned,
            "models": len(errors),
            **_further(outcome),
            "wall_seconds": outcome.wall_seconds,
            "memory": outcome.memory,
        },
        "data": outcome.data,
        "cells": cells,
        "closeups": close.groups,
        "analysed": analysis is not None,
        "analysis": information.sections(analysis, bits, relations),
        "check": check,
        "contrasts": contrasts(errors).to_dict("records"),
        "table1": {name: _table1(*view) for name, view in views.items()},
        "agreement": {name: agreement(*view).to_dict("records") for name, view in views.items()},
        "mae": _baselines(errors),
        "splits": outcome.rows.to_dict("records"),
        "environment": outcome.environment,
        "config": outcome.config,
    }
    summary = cast(Summary, plain(summary))
    summary["heatmaps"] = _heatmaps(summary)
    summary["colour_limit"] = _colour_limit(summary["cells"])
    summary["bits_limit"] = _bits_limit(summary["cells"])
    words = {
        "question": sentences.question(summary),
        "headlines": [*sentences.headlines(summary), *answers.headlines(summary)],
        "answers": answers.answers(summary) if summary["analysed"] else sentences.answers(summary),
    }
    summary["notices"] = [
        *answers.cautions(summary),
        *sentences.cautions(summary),
        *(printable(str(n)) for n in outcome.notices),
    ]
    summary["methods"] = methods.methods(summary)
    summary["citations"] = methods.citations(summary)
    return words | summary


def plain(value: Any) -> Any:
    """A value as JSON knows it: NumPy scalars unwrapped, undefined numbers None, the unknown as text."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset, np.ndarray)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value if isinstance(value, (str, int, float, bool)) else str(value)


def _properties(outcome: Outcome) -> dict[str, dict[str, Any]]:
    known = {info.name: info for info in outcome.properties}
    names = dict.fromkeys([*outcome.targets, *outcome.added, *known])
    labels = {name: printable(known[name].label if name in known else name) for name in names}
    shared = Counter(labels.values())
    described = {}
    for name, label in labels.items():
        info = known.get(name)
        described[name] = {
            "label": (label if shared[label] == 1 else f"{label} ({printable(name)})") or printable(name),
            "unit": printable(info.unit) if info else "",
            "kind": info.kind if info else "scalar",
            "extensive": info.extensive if info else None,
            "note": printable(info.note) if info else "",
        }
    return described


def _further(outcome: Outcome) -> dict[str, int]:
    """Models beside those of the cells: with a control added, and on a part of the training rows."""
    controls = outcome.control_errors["added"].astype(str).str.startswith(PREFIX)
    parts = (outcome.learning["fraction"] < 1).sum() if len(outcome.learning) else 0
    return {"control_models": int(controls.sum()), "part_models": int(parts)}


def _cells(errors: pd.DataFrame, table: pd.DataFrame) -> list[dict[str, Any]]:
    by_cell: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for pair in mae_changes(errors).sort_values("seed").to_dict("records"):
        seed = {name: pair[name] for name in ("seed", "mae0", "mae1", "change")}
        by_cell.setdefault(tuple(pair[name] for name in information.KEY), []).append(seed)
    cells = cast(list[dict[str, Any]], table.to_dict("records"))
    return [
        cell | {"seeds": by_cell.get(tuple(cell[name] for name in information.KEY), [])} for cell in cells
    ]


def _heatmaps(summary: Summary) -> list[dict[str, Any]]:
    place = {
        tuple(cell[name] for name in information.KEY): index for index, cell in enumerate(summary["cells"])
    }
    return [
        {
            "learner": learner,
            "representation": representation,
            "rows": [
                [place.get((learner, representation, target, added)) for target in summary["targets"]]
                for added in summary["added"]
            ],
        }
        for learner in summary["learners"]
        for representation in summary["representations"]
        if summary["targets"] and summary["added"]
    ]


def _colour_limit(cells: list[dict[str, Any]]) -> float:
    """Change at which the colour saturates: the same for all heatmaps, deaf to algebra and outliers."""
    sizes = [
        abs(cell["mean"])
        for cell in cells
        if cell["mean"] is not None
        and not cell["diagonal"]
        and not (cell["information"] and cell["information"]["deterministic"])
    ]
    wanted = float(np.quantile(sizes, 0.97)) if sizes else 0.4
    return next((limit for limit in (0.05, 0.1, 0.2, 0.3) if wanted <= limit), 0.4)


def _bits_limit(cells: list[dict[str, Any]]) -> float:
    """Bits at which the colour saturates, as for the changes."""
    known = [cell["information"] for cell in cells if cell["information"] and not cell["diagonal"]]
    sizes = [abs(each["bits"]) for each in known if each["bits"] is not None and not each["deterministic"]]
    wanted = float(np.quantile(sizes, 0.9)) if sizes else 0.5
    return next((limit for limit in (0.1, 0.2, 0.5, 1.0) if wanted <= limit), 2.0)


def _table1(table: pd.DataFrame, criterion: Criterion) -> dict[str, Any]:
    hits = structure_already_holds(table, criterion)
    return {"rows": hits.to_dict("records"), "frequency": frequency(hits).to_dict("records")}


def _baselines(errors: pd.DataFrame) -> list[dict[str, Any]]:
    key = ["learner", "representation", "target"]
    base = errors[errors["added"] == ""]
    # Where each pair has a baseline of its own, the one on all rows with the target speaks.
    base = base[base["pair"] == ""]
    table = base.groupby(key, sort=False).agg(
        n_seeds=("seed", "size"),
        mean=("mae", "mean"),
        min=("mae", "min"),
        max=("mae", "max"),
        n_test_min=("n_test", "min"),
        n_test_max=("n_test", "max"),
    )
    return cast(list[dict[str, Any]], table.reset_index().to_dict("records"))
