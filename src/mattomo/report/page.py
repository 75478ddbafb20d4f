"""The report as one HTML file that needs no network and, but for its pop-ups, no script."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mattomo.atomic import write_text
from mattomo.materials.formula import SYMBOLS
from mattomo.report import answers, near, numbers, sentences, views
from mattomo.report.closeup import MOST
from mattomo.report.information import control_name, ranked
from mattomo.report.numbers import percent, printable, quantity
from mattomo.report.periodic import place
from mattomo.report.summarize import Summary

LARGE = 4000
"""Cells above which the page leaves to the tables what would make it slow: rows without a mark."""

_ROWS = 400
"""Rows of a table of a large study."""

_FAR = (
    f"A study of more than {MOST:,} cells keeps learning curves, predictions, elements and materials out of "
    "the page; the command “mattomo explain” shows them of one cell."
)

_FOLDER = PackageLoader("mattomo.report", "html")


def write_html(summary: Summary, path: str | os.PathLike[str]) -> Path:
    """Write the report as one self-contained HTML file, whole or not at all.

    Parameters
    ----------
    summary : dict
        From `summarize`.
    path : path

    Returns
    -------
    Path
    """
    return write_text(path, render_html(summary))


def render_html(summary: Summary) -> str:
    """The report as HTML; every name and sentence is escaped.

    Parameters
    ----------
    summary : dict
        From `summarize`.

    Returns
    -------
    str
    """
    environment = Environment(
        loader=_FOLDER, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    environment.filters |= {
        "percent": percent,
        "quantity": quantity,
        "share": numbers.share,
        "count": numbers.count,
        "printable": printable,
        "bits": numbers.bits,
        "probability": numbers.probability,
        "brief": numbers.brief,
        "embedded": _embedded,
        "glue": numbers.typeset,
        "hyphenated": numbers.hyphenated,
    }
    labels = {name: info["label"] for name, info in summary["properties"].items()}
    yardsticks = _yardsticks(summary)
    places = {key: place for place, key in enumerate(yardsticks)}
    large = len(summary["cells"]) > LARGE
    # Sentences that many cells share, each once; filled by `_detail`.
    texts: dict[str, int] = {}
    best = next(iter(ranked(summary["cells"])), None)
    context = {
        "s": summary,
        "labels": labels,
        "units": {name: info["unit"] for name, info in summary["properties"].items()},
        "heatmaps": _heatmaps(summary),
        "comparisons": _comparisons(summary, _ROWS if large else None),
        "baselines": _baselines(summary),
        "facts": _facts(summary),
        "config": json.dumps(summary["config"], ensure_ascii=False, indent=2),
        "details": [_detail(summary, cell, labels, places, texts, large) for cell in summary["cells"]],
        "texts": texts,
        "large": large,
        "every": _every(summary, large),
        "yardsticks": list(yardsticks.values()),
        "near": {
            "groups": [near.group(each) for each in summary["closeups"]],
            "periodic": [[symbol, *place(symbol)] for symbol in SYMBOLS],
        },
        "best": 0 if best is None else next(i for i, c in enumerate(summary["cells"]) if c is best),
        "strongest": views.strongest(summary),
        "controls": views.controls(summary),
        "symmetry": views.symmetry(summary, most=_ROWS if large else None),
        "slopes": views.slopes(summary, most=25 if large else None),
        "floors": views.floors(summary),
        "check": summary["check"],
        "css": Markup("\n").join([_inline("report.css"), _inline("analysis.css")]),
        "js": Markup("\n").join([_inline(f"{name}.js") for name in ("drawing", "closeup", "cell", "report")]),
        "change": sentences.change,
        "models": sentences.models(summary),
        "far": _FAR if summary["analysed"] and len(summary["cells"]) > MOST else "",
    }
    return environment.get_template("report.html.j2").render(context)


def _embedded(value: Any) -> Markup:
    """JSON inside a script element: short, and nothing in it can end the element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def _inline(name: str) -> Markup:
    source, _, _ = _FOLDER.get_source(Environment(autoescape=True), name)
    return Markup(source)


def _heatmaps(summary: Summary) -> list[dict[str, Any]]:
    """Cells of each heatmap with what the style sheet needs: side, strength of the colour, marks."""
    views = []
    for drawn in summary["heatmaps"]:
        rows = []
        for added, indices in zip(summary["added"], drawn["rows"], strict=True):
            cells = [_styled(summary, index) for index in indices]
            rows.append({"added": added, "cells": cells})
        views.append(
            drawn | {"rows": rows, "number": summary["representations"].index(drawn["representation"])}
        )
    return views


def _styled(summary: Summary, index: int | None) -> dict[str, Any]:
    if index is None:
        return {"index": None, "classes": "cell none", "strength": 0, "hits": []}
    cell: dict[str, Any] = summary["cells"][index]
    hits = [name for name in summary["criteria"] if cell[name] and not cell["diagonal"]]
    strength = (
        0 if cell["mean"] is None else round(100 * min(1.0, abs(cell["mean"]) / summary["colour_limit"]))
    )
    classes = ["cell", "rise" if (cell["mean"] or 0) > 0 else "fall"]
    classes += [f"hit-{name}" for name in hits]
    classes += ["deep"] if strength > 67 else []
    classes += ["diagonal"] if cell["diagonal"] else []
    found = cell["information"] or {}
    bits = found.get("bits")
    shade = 0 if bits is None else round(100 * min(1.0, abs(bits) / summary["bits_limit"]))
    if summary["analysed"]:
        classes += ["loss"] if (bits or 0) < 0 else []
        classes += ["deep-bits"] if shade > 67 else []
        classes += ["det"] if found.get("deterministic") else []
    return cell | {
        "index": index,
        "classes": " ".join(classes),
        "strength": strength,
        "shade": shade,
        "bits": bits,
        "deterministic": found.get("deterministic", ""),
        "hits": hits,
    }


def _comparisons(summary: Summary, most: int | None) -> dict[str, Any]:
    """Pairs that help composition or structure, with the place of each mark on a common axis (0 to 100)."""
    cells = {(c["learner"], c["target"], c["added"], c["representation"]): c for c in summary["cells"]}
    rows = []
    for contrast in summary["contrasts"]:
        key = (contrast["learner"], contrast["target"], contrast["added"])
        pair = {name: cells[(*key, name)] for name in ("composition", "structure")}
        defined = all(cell["mean"] is not None and not cell["diagonal"] for cell in pair.values())
        if defined and any(cell[name] for cell in pair.values() for name in summary["criteria"]):
            verdicts = {name: _verdict(pair, contrast, name) for name in summary["criteria"]}
            rows.append(contrast | {"pair": pair, "verdicts": verdicts})
    order = {name: place for place, name in enumerate(summary["targets"])}
    total = len(rows)
    rows = sorted(rows, key=lambda row: -abs(row["mean"]))[:most]
    rows.sort(key=lambda row: (row["learner"], order[row["target"]], row["mean"]))
    ends: list[float] = [cell[end] for row in rows for cell in row["pair"].values() for end in ("min", "max")]
    low, high = max(min([*ends, -0.01]), -0.6), min(max([*ends, 0.01]), 0.3)
    place = views.scale(low, high, 2.0, 98.0)
    for row in rows:
        row["marks"] = {
            name: {end: place(cell[end]) for end in ("mean", "min", "max")}
            for name, cell in row["pair"].items()
        }
    return {"rows": rows, "total": total, "zero": place(0.0), "low": low, "high": high}


def _verdict(pair: dict[str, dict[str, Any]], contrast: dict[str, Any], criterion: str) -> str:
    on = tuple(pair[name][criterion] for name in ("composition", "structure"))
    return {
        (True, True): "helps both",
        (True, False): f"structure {sentences.holding(contrast)} hold it",
        (False, True): "helps structure only",
        (False, False): "no usable gain",
    }[on]


def _baselines(summary: Summary) -> list[dict[str, Any]]:
    """For each learner one row a target, one column a representation."""
    found = {(row["learner"], row["target"], row["representation"]): row for row in summary["mae"]}
    tables = []
    for learner in summary["learners"]:
        rows = []
        for target in summary["targets"]:
            cells = [found.get((learner, target, name)) for name in summary["representations"]]
            means = {c["representation"]: c["mean"] for c in cells if c}
            ratio = None
            if means.get("composition") and means.get("structure") is not None:
                ratio = means["structure"] / means["composition"] - 1
            rows.append({"target": target, "cells": cells, "ratio": ratio})
        tables.append({"learner": learner, "rows": rows})
    return tables


def _facts(summary: Summary) -> list[tuple[str, str]]:
    data = summary["data"]
    known: list[tuple[str, str, Callable[[Any], str]]] = [
        ("Source", "source", str),
        ("Rows read", "n_rows", numbers.count),
        ("Rows used", "n_used", numbers.count),
        ("Rows set aside", "n_quarantined", numbers.count),
        ("Distinct formulas", "n_formulas", numbers.count),
        ("Rows whose formula is theirs alone", "one_to_one", numbers.count),
        ("Fingerprint", "fingerprint", str),
    ]
    facts = [(title, printable(show(data[key]))) for title, key, show in known if data.get(key) is not None]
    alone = data.get("one_to_one_share")
    return [
        (
            title,
            f"{text} ({numbers.share(alone)})"
            if title.startswith("Rows whose") and alone is not None
            else text,
        )
        for title, text in facts
    ]


def _yardsticks(summary: Summary) -> dict[tuple[str, str, str], list[list[str]]]:
    """Controls of each learner, representation and target: name, change of the error, bits, p."""
    found: dict[tuple[str, str, str], list[list[str]]] = {}
    for cell in summary["analysis"]["control_cells"]:
        key = (cell["learner"], cell["representation"], cell["target"])
        change = cell["mae1"] / cell["mae0"] - 1 if cell["mae0"] and cell["mae1"] is not None else None
        interval = numbers.bits_range(cell["bits_low"], cell["bits_high"])
        shown = [percent(change), numbers.bits(cell["bits"]), interval, numbers.probability(cell["swap_p"])]
        found.setdefault(key, []).append([control_name(cell["added"]), *shown])
    return found


def _detail(
    summary: Summary,
    cell: dict[str, Any],
    labels: dict[str, str],
    places: dict[Any, int],
    texts: dict[str, int],
    large: bool,
) -> dict[str, Any]:
    """What a cell's pop-up says, formatted here so that script and tables agree to the digit."""

    def shared(text: str) -> int:
        return texts.setdefault(text, len(texts))

    more: dict[str, Any] = {}
    if cell["information"]:
        more = {"bits": answers.usable(cell), "value": _short(cell["information"]["bits"])}
        doubts = answers.doubts(cell)
        shown = not large or any(cell[name] for name in ("separated", "swap"))
        parts = views.part_ranges(cell) if shown else []
        if doubts:
            more["doubts"] = [shared(text) for text in doubts]
        if parts:
            more["parts"] = parts
            more["venn"] = [round(cell["parts"][name], 4) for name in ("I_R", "I_A", "redundant", "synergy")]
        key = (cell["learner"], cell["representation"], cell["target"])
        if key in places:
            more["yard"] = places[key]
    if cell["closeup"]:
        more["close"] = near.cell(summary, cell["closeup"], shared)
    verdicts = [sentences.verdict(cell, name) for name in summary["criteria"]]
    return more | {
        "added": shared(labels[cell["added"]]),
        "target": shared(labels[cell["target"]]),
        "where": shared(f"{cell['representation']}, {printable(cell['learner'])}"),
        "change": sentences.change(cell),
        "unit": shared(summary["properties"][cell["target"]]["unit"]),
        "said": [shared(text) for text in sentences.verdicts(summary, cell)],
        "rules": [shared(text) for text in verdicts],
        "seeds": [
            [str(seed["seed"]), quantity(seed["mae0"]), quantity(seed["mae1"]), percent(seed["change"])]
            for seed in cell["seeds"]
        ],
        "mean": _short(cell["mean"]),
    }


def _every(summary: Summary, large: bool) -> list[dict[str, Any]]:
    """Cells of the table of all cells; of a large study those with a mark, the strongest changes first."""
    if not large:
        return list(summary["cells"])
    marked = [c for c in summary["cells"] if c["separated"] or c["swap"]]
    return sorted(marked, key=lambda cell: cell["mean"])[:_ROWS]


def _short(value: float | None) -> float | None:
    """A number to be drawn or sorted by, not read."""
    return None if value is None else float(f"{value:.4g}")
