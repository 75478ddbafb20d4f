"""What the sections of an analysed study draw: places on common axes, ready for the templates."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from mattomo.report.answers import usable
from mattomo.report.information import control_name, ranked
from mattomo.report.numbers import bits, bits_range, percent
from mattomo.report.summarize import Summary

PARTS = ("unique_R", "redundant", "unique_A", "synergy")
_TOP = 24
_SLOPE_NAMES = 4
_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def scale(low: float, high: float, start: float = 0.0, end: float = 100.0) -> Callable[[float], float]:
    """Place of a value between ``start`` and ``end``; values beyond the ends are put on them.

    >>> scale(0, 2)(0.5), scale(0, 2)(9), scale(0, 1, 50, 0)(0.5)
    (25.0, 100.0, 25.0)
    """
    width = (high - low) or 1.0
    return lambda value: round(start + (end - start) * (min(max(value, low), high) - low) / width, 2)


def ticks(low: float, high: float) -> list[float]:
    """A few round values from low to high.

    >>> ticks(-0.3, 0.9)
    [0.0, 0.5]
    """
    step = next((each for each in _TICKS if (high - low) / each <= 4), 20.0)
    first = int(low / step) if low >= 0 else -int(-low / step)
    found = [round(first * step + i * step, 6) for i in range(9)]
    return [value for value in found if low <= value <= high]


def strongest(summary: Summary) -> dict[str, Any]:
    """The strongest cells with the bar of their decomposition, on one axis of bits."""
    found = ranked(summary["cells"])
    shown = found[:_TOP]
    top = max((c["parts"]["I_RA"] for c in shown if c["parts"] and c["parts"]["I_RA"]), default=1.0)
    place = scale(0.0, top)
    rows = []
    for cell in shown:
        parts, pieces, left = cell["parts"], [], 0.0
        if parts and parts["I_RA"] is not None:
            for name in PARTS:
                value = max(0.0, parts[name])
                pieces.append({"name": name, "x": place(left), "width": round(place(value), 2)})
                left += value
        rows.append({"cell": cell, "pieces": pieces, "said": part_ranges(cell)})
    return {"rows": rows, "total": len(found), "top": top}


def part_ranges(cell: dict[str, Any]) -> list[list[str]]:
    """Name, value, range of the data and 95 % interval of each information and part of a cell."""
    parts = cell["parts"]
    if not parts or parts["I_R"] is None:
        return []
    said = []
    for name in ("I_R", "I_A", "I_RA", "gain", *PARTS):
        open_to = bits_range(parts[f"{name}_min"], parts[f"{name}_max"]) if name in PARTS else ""
        interval = bits_range(parts[f"{name}_low"], parts[f"{name}_high"])
        said.append([name, bits(parts[name]), open_to, interval])
    return said


def controls(summary: Summary, most: int | None = None) -> list[dict[str, Any]]:
    """For each learner and representation a strip of bits: controls, and the study's own properties below.

    ``most`` properties at most are drawn, evenly spaced in rank.
    """
    views = []
    planted = summary["analysis"]["planted_bits"]
    for learner in summary["learners"]:
        for representation in summary["representations"]:
            where = (learner, representation)
            lanes: dict[str, list[tuple[float, str]]] = {}
            for cell in summary["analysis"]["control_cells"]:
                if (cell["learner"], cell["representation"]) == where and cell["bits"] is not None:
                    title = f"{control_name(cell['added'])} for {cell['target']}: {bits(cell['bits'])} bits"
                    lanes.setdefault(control_name(cell["added"]), []).append((cell["bits"], title))
            rows = [
                row
                for row in summary["analysis"]["controls"]
                if (row["learner"], row["representation"]) == where
            ]
            if not rows:
                continue
            for cell in summary["cells"]:
                info = cell["information"]
                if (cell["learner"], cell["representation"]) != where or not info or cell["diagonal"]:
                    continue
                if info["bits"] is not None and not info["deterministic"]:
                    title = f"{cell['added']} for {cell['target']}: {usable(cell)}"
                    lanes.setdefault("properties", []).append((info["bits"], title))
            own = sorted(lanes.get("properties", []))
            if most is not None and len(own) > most:
                step = (len(own) - 1) / (most - 1)
                lanes["properties"] = [own[round(i * step)] for i in range(most)]
            ends = sorted(value for lane in lanes.values() for value, _ in lane) or [0.0]
            low = max(min(ends[0], -0.05), -0.5)
            high = min(max(ends[-1], planted + 0.1), 1.5)
            place = scale(low, high, 2, 98)
            views.append(
                {
                    "learner": learner,
                    "representation": representation,
                    "rows": [row | {"name": control_name(row["control"])} for row in rows],
                    "lanes": {
                        name: [{"x": place(value), "title": title} for value, title in lane]
                        for name, lane in lanes.items()
                    },
                    "drawn": len(lanes.get("properties", [])),
                    "total": len(own),
                    "zero": place(0.0),
                    "planted": place(planted),
                    "ticks": [{"x": place(value), "text": bits(value, 1)} for value in ticks(low, high)],
                    "clipped": sum(not low <= value <= high for value in ends),
                    "high": high,
                }
            )
    return views


def symmetry(summary: Summary, most: int | None = None) -> list[dict[str, Any]]:
    """Scatter of bits of A for B against B for A, by learner and representation.

    ``most`` pairs at most are drawn and listed, the largest differences.
    """
    views = []
    for learner, representation in _groups(summary["analysis"]["symmetry"]):
        rows = [
            row
            for row in summary["analysis"]["symmetry"]
            if (row["learner"], row["representation"]) == (learner, representation)
            and row["second_for_first"] is not None
            and row["first_for_second"] is not None
        ]
        if not rows:
            continue
        total, rows = len(rows), sorted(rows, key=lambda row: -abs(row["mean"] or 0.0))[:most]
        values = [row[key] for row in rows for key in ("second_for_first", "first_for_second")]
        low, high = min([*values, -0.05]), max([*values, 0.1])
        pad = 0.05 * (high - low)
        x, y = scale(low - pad, high + pad, 34, 300), scale(low - pad, high + pad, 270, 4)
        views.append(
            {
                "learner": learner,
                "representation": representation,
                "rows": rows,
                "total": total,
                "points": [
                    {"x": x(r["second_for_first"]), "y": y(r["first_for_second"]), "row": r} for r in rows
                ],
                "ends": (x(low - pad), y(low - pad), x(high + pad), y(high + pad)),
                "zero": (x(0.0), y(0.0)),
                "ticks": [{"x": x(v), "y": y(v), "text": bits(v, 1)} for v in ticks(low, high)],
            }
        )
    return views


def slopes(summary: Summary, most: int | None = None) -> list[dict[str, Any]]:
    """For each learner and target: the change on composition and on structure, one line a property.

    ``most`` lines at most are drawn, the largest changes.
    """
    cells = {(c["learner"], c["target"], c["added"], c["representation"]): c for c in summary["cells"]}
    views = []
    for learner in summary["learners"]:
        for target in summary["targets"]:
            lines = []
            for added in summary["added"]:
                pair = [cells.get((learner, target, added, name)) for name in ("composition", "structure")]
                if added != target and all(c is not None and c["mean"] is not None for c in pair):
                    lines.append([c for c in pair if c is not None])
            if lines:
                if most is not None:
                    lines.sort(key=lambda pair: -max(abs(cell["mean"]) for cell in pair))
                views.append(_slope(learner, target, lines[:most]))
    return views


def _slope(learner: str, target: str, lines: list[list[dict[str, Any]]]) -> dict[str, Any]:
    values = [cell["mean"] for pair in lines for cell in pair]
    low, high = max(min([*values, -0.02]), -1.0), min(max([*values, 0.01]), 0.3)
    place = scale(low, high, 118, 12)
    drawn = [
        {
            "added": first["added"],
            "y0": place(first["mean"]),
            "y1": place(second["mean"]),
            "marks": {
                name: bool(first[name] or second[name]) for name in ("paired_minmax", "separated", "swap")
            },
            "deterministic": bool((second["information"] or first["information"] or {}).get("deterministic")),
            "title": f"{percent(first['mean'])} % on composition, {percent(second['mean'])} % on structure",
        }
        for first, second in lines
    ]
    named = sorted(drawn, key=lambda line: -max(line["y0"], line["y1"]))[:_SLOPE_NAMES]
    named = [line for line in named if any(line["marks"].values())]
    return {
        "learner": learner,
        "target": target,
        "lines": drawn,
        "names": _spread([(line["y1"], line["added"]) for line in named]),
        "zero": place(0.0),
        "low": f"{percent(low, 0)} %",
    }


def _spread(wanted: list[tuple[float, str]], gap: float = 12.0, last: float = 126.0) -> list[dict[str, Any]]:
    """Names beside their lines, moved apart so that none covers another."""
    places: list[dict[str, Any]] = []
    for y, name in sorted(wanted):
        at = max(y, places[-1]["y"] + gap) if places else y
        places.append({"y": at, "added": name})
    over = max(0.0, places[-1]["y"] - last) if places else 0.0
    return [{"y": round(each["y"] - over, 1), "added": each["added"]} for each in places]


def floors(summary: Summary) -> list[dict[str, Any]]:
    """Polymorph floor of each target beside the best baseline on the composition."""
    best: dict[str, float] = {}
    for row in summary["mae"]:
        if row["representation"] == "composition" and row["mean"] is not None:
            best[row["target"]] = min(row["mean"], best.get(row["target"], row["mean"]))
    return [row | {"baseline": best.get(row["name"])} for row in summary["analysis"]["floor"]]


def _groups(rows: Iterable[dict[str, Any]]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((row["learner"], row["representation"]) for row in rows))
