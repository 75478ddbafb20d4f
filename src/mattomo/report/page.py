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
from mattomo.report import numbers, sentences, views
from mattomo.report.closeup import MOST
from mattomo.report.embedded import embedded
from mattomo.report.information import ranked
from mattomo.report.numbers import percent, printable, quantity
from mattomo.report.summarize import Summary

LARGE = 2000
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
        "json": _json,
        "glue": numbers.typeset,
        "hyphenated": numbers.hyphenated,
    }
    labels = {name: info["label"] for name, info in summary["properties"].items()}
    large = len(summary["cells"]) > LARGE
    best = next(iter(ranked(summary["cells"])), None)
    context = {
        "s": summary,
        "labels": labels,
        "units": {name: info["unit"] for name, info in summary["properties"].items()},
        "heatmaps": _heatmaps(summary),
        "comparisons": _comparisons(summary, _ROWS // 2 if large else None),
        "baselines": _baselines(summary),
        "facts": _facts(summary),
        "config": json.dumps(summary["config"], ensure_ascii=False, indent=2),
        "data": embedded(summary, large),
        "kinds": {name: _kind(info) for name, info in summary["properties"].items()},
        "large": large,
        "every": _every(summary, large),
        "best": 0 if best is None else next(i for i, c in enumerate(summary["cells"]) if c is best),
        "strongest": views.strongest(summary),
        "controls": views.controls(summary, most=_ROWS if large else None),
        "symmetry": views.symmetry(summary, most=_ROWS if large else None),
        "slopes": views.slopes(summary, most=12 if large else None),
        "floors": views.floors(summary),
        "check": summary["check"],
        "css": Markup("\n").join([_inline("report.css"), _inline("analysis.css")]),
        "js": Markup("\n").join([_inline(f"{name}.js") for name in ("drawing", "closeup", "cell", "report")]),
        "change": sentences.change,
        "models": sentences.models(summary),
        "far": _FAR if summary["analysed"] and len(summary["cells"]) > MOST else "",
    }
    return environment.get_template("report.html.j2").render(context)


def _kind(info: dict[str, Any]) -> tuple[int, str]:
    """Place and name of the kind of a property, by which a heatmap can be ordered."""
    if info["kind"] != "scalar":
        return 3, "categories"
    known = {False: (0, "do not grow with the cell"), True: (1, "grow with the cell")}
    return known.get(info["extensive"], (2, "numbers"))


def _json(value: Any) -> Markup:
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
    classes += _ink(strength)
    classes += ["diagonal"] if cell["diagonal"] else []
    found = cell["information"] or {}
    bits = found.get("bits")
    shade = 0 if bits is None else round(100 * min(1.0, abs(bits) / summary["bits_limit"]))
    if summary["analysed"]:
        classes += ["loss"] if (bits or 0) < 0 else []
        classes += [f"{each}-bits" for each in _ink(shade)]
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


def _ink(strength: int) -> list[str]:
    """Class of the text on a colour of some percent, such that its contrast is at least 4.5."""
    return ["deep"] if strength > 78 else ["mid"] if strength > 60 else []


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


def _every(summary: Summary, large: bool) -> list[dict[str, Any]]:
    """Cells of the table of all cells; of a large study those with a mark, the strongest changes first."""
    if not large:
        return list(summary["cells"])
    marked = [c for c in summary["cells"] if c["separated"] or c["swap"]]
    return sorted(marked, key=lambda cell: cell["mean"])[:_ROWS]
