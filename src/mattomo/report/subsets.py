"""A study on the whole and on subsets, side by side: tables, shown as HTML, Markdown, CSV or text."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from mattomo.atomic import write_text
from mattomo.report import numbers
from mattomo.report.summarize import plain
from mattomo.study.outcome import Outcome

#: Properties shown of each part: those that gain most in any part.
STRONGEST = 3
_KEY = ["learner", "representation", "target"]


def summarize_subsets(
    conditions: Mapping[str, str],
    outcomes: Mapping[str, Outcome],
    bits: Mapping[str, pd.DataFrame],
    floors: Mapping[str, pd.DataFrame],
    transfer: pd.DataFrame,
) -> dict[str, Any]:
    """Everything a comparison of subsets shows, as plain values.

    Parameters
    ----------
    conditions : mapping of str to str
        By part, the whole first.
    outcomes, bits, floors : mapping of str
        What `Results` gives for each part.
    transfer : DataFrame
        See `mattomo.information.transfer.transfer_table`; may be empty.

    Returns
    -------
    dict
        parts (name, condition, rows, used, formulas, one_to_one_share), baselines (part, learner,
        representation, target, unit, mae, spread: the error of knowing nothing, left: their ratio), gains
        (part and the columns of `Results.bits`, controls and the diagonal left out), floors (part and the
        fields of `mattomo.information.floor.Floor`), transfer, labels of the properties, and sections: the
        tables as they are shown (title, text, columns, rows of texts, and brief: rows for a narrow screen).
    """
    parts, baselines, gains, grounds = [], [], [], []
    for name, outcome in outcomes.items():
        data = outcome.data
        parts.append(
            {
                "name": name,
                "condition": conditions[name],
                "rows": data["n_rows"],
                "used": data["n_used"],
                "formulas": data["n_formulas"],
                "one_to_one_share": data["one_to_one_share"],
            }
        )
        by_target = floors[name].set_index("name")
        spread = by_target["spread"]
        base = outcome.errors[(outcome.errors["added"] == "") & (outcome.errors["pair"] == "")]
        for key, each in base.groupby(_KEY, sort=False):
            own = {name: str(part) for name, part in zip(_KEY, key, strict=True)}
            mae, nothing = float(each["mae"].mean()), float(spread[own["target"]])
            unit = str(by_target["unit"][own["target"]])
            left = mae / nothing if nothing else math.nan
            baselines.append({"part": name, **own, "unit": unit, "mae": mae, "spread": nothing, "left": left})
        found = bits[name]
        own_cells = found[~found["control"] & ~found["diagonal"]]
        gains += [{"part": name, **record} for record in own_cells.to_dict("records")]
        grounds += [{"part": name, **record} for record in floors[name].to_dict("records")]
    summary: dict[str, Any] = plain(
        {
            "parts": parts,
            "baselines": baselines,
            "gains": gains,
            "floors": grounds,
            "transfer": transfer.to_dict("records"),
            "labels": {p.name: p.label for outcome in outcomes.values() for p in outcome.properties},
        }
    )
    return summary | {"sections": sections(summary)}


def sections(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tables of a comparison as texts: title, text, columns, rows."""
    found = [_parts(summary), _baselines(summary), *_gains(summary), _floors(summary)]
    if summary["transfer"]:
        found += _transfer(summary)
    return [{"brief": section["rows"]} | section for section in found]


def write_subsets(summary: Mapping[str, Any], folder: str | os.PathLike[str]) -> Path:
    """Write ``subsets.html``, ``subsets.md``, and one CSV a table; returns the path of the page.

    Parameters
    ----------
    summary : dict
        From `summarize_subsets`.
    folder : path
        Made if missing.
    """
    folder = Path(folder)
    for name in ("parts", "baselines", "gains", "floors", "transfer"):
        if summary[name]:
            text = pd.DataFrame(summary[name]).to_csv(index=False, lineterminator="\n")
            write_text(folder / f"{name}.csv", text)
    write_text(folder / "subsets.md", markdown(summary))
    return write_text(folder / "subsets.html", html(summary))


def markdown(summary: Mapping[str, Any]) -> str:
    """The comparison as Markdown."""
    lines = ["# One study on the whole and on subsets\n"]
    for section in summary["sections"]:
        lines += [f"## {section['title']}\n", f"{section['text']}\n"]
        columns = [_cell(column) for column in section["columns"]]
        lines += [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
        lines += [f"| {' | '.join(map(_cell, row))} |" for row in section["rows"]]
        lines.append("")
    return "\n".join(lines)


def html(summary: Mapping[str, Any]) -> str:
    """The comparison as one self-contained page."""
    body = []
    for section in summary["sections"]:
        head = "".join(f"<th>{escape(column)}</th>" for column in section["columns"])
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in section["rows"]
        )
        body.append(
            f"<section><h2>{escape(section['title'])}</h2><p>{escape(section['text'])}</p>"
            f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
            "</section>"
        )
    return _PAGE.replace("{body}", "\n".join(body))


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>One study on the whole and on subsets</title>
<style>
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem }
h2 { margin-top: 2.2rem }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .92rem }
th, td { padding: .3rem .7rem; text-align: left; border-bottom: 1px solid #8884; white-space: nowrap }
th { font-weight: 600 }
</style></head><body>
<h1>One study on the whole and on subsets</h1>
{body}
</body></html>
"""


def _cell(text: str) -> str:
    return "".join("\\" + c if c in "\\|*_`[]#~$<" else c for c in text)


def _names(summary: Mapping[str, Any]) -> list[str]:
    return [part["name"] for part in summary["parts"]]


def _parts(summary: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "title": "Subsets",
        "text": "One-to-one: materials whose formula is theirs alone within the subset.",
        "columns": ["subset", "condition", "materials", "used", "formulas", "one-to-one"],
        "rows": [
            [
                part["name"],
                part["condition"] or "all materials",
                f"{part['rows']:,}",
                f"{part['used']:,}",
                f"{part['formulas']:,}",
                numbers.share(part["one_to_one_share"]),
            ]
            for part in summary["parts"]
        ],
    }


def _baselines(summary: Mapping[str, Any]) -> dict[str, Any]:
    names = _names(summary)
    cells: dict[tuple[str, ...], dict[str, str]] = {}
    for row in summary["baselines"]:
        left = "" if row["left"] is None else f" ({numbers.share(row['left'], 0)})"
        key = (_measured(summary, row["target"], row["unit"]), _reader(row))
        cells.setdefault(key, {})[row["part"]] = f"{row['mae']:.3g}{left}"
    return {
        "title": "What the representation leaves open",
        "text": "Mean absolute test error of the baseline, trained and tested within the subset; in brackets "
        "as a share of the error of always guessing the subset's median. A smaller subset has fewer training "
        "rows.",
        "columns": ["target", "read by", *names],
        "rows": [[*key, *(each.get(name, numbers.MISSING) for name in names)] for key, each in cells.items()],
    }


def _gains(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    names = _names(summary)
    groups: dict[tuple[str, ...], dict[str, dict[str, Any]]] = {}
    for cell in summary["gains"]:
        key = tuple(cell[name] for name in _KEY)
        groups.setdefault(key, {}).setdefault(cell["added"], {})[cell["part"]] = cell
    rows, brief = [], []
    for by_added in groups.values():
        strongest: dict[str, float] = {}
        for name in names:
            own = {
                added: each[name]["bits"]
                for added, each in by_added.items()
                if name in each and each[name]["bits"] is not None and not each[name]["deterministic"]
            }
            for added in sorted(own, key=lambda a: (-own[a], a))[:STRONGEST]:
                strongest[added] = max(own[added], strongest.get(added, -math.inf))
        for added in sorted(strongest, key=lambda a: (-strongest[a], a)):
            cells = [by_added[added].get(name) for name in names]
            one = next(cell for cell in cells if cell is not None)
            words = [_label(summary, one["target"]), _reader(one), _label(summary, added)]
            rows.append([*words, *(_gain(cell) for cell in cells)])
            brief.append([*words, *(_gain(cell).split(" ")[0] for cell in cells)])
    return [
        {
            "title": "What adds to it",
            "text": f"Usable bits of the {STRONGEST} properties that gain most in any subset, with the 95 % "
            "interval over seeds and q of the swap test; * where the error falls and q < 0.05, = where the "
            "gain is algebra. A property that adds in a subset and not in the whole, or the other way round, "
            "is sufficient information for one data set and not for the other.",
            "columns": ["target", "read by", "added", *names],
            "rows": rows,
            "brief": brief,
        }
    ]


def _gain(cell: Mapping[str, Any] | None) -> str:
    if cell is None or cell["bits"] is None:
        return numbers.MISSING
    spread = ""
    if cell["bits_low"] is not None:
        spread = f" [{numbers.bits(cell['bits_low'])}, {numbers.bits(cell['bits_high'])}]"
    q = "" if cell["swap_q"] is None else f", q {numbers.probability(cell['swap_q'])}"
    falls = cell["mae1"] is not None and cell["mae0"] is not None and cell["mae1"] < cell["mae0"]
    mark = "*" if falls and cell["swap_q"] is not None and cell["swap_q"] < 0.05 else ""
    return f"{numbers.bits(cell['bits'])}{'=' if cell['deterministic'] else mark}{spread}{q}"


def _floors(summary: Mapping[str, Any]) -> dict[str, Any]:
    names = _names(summary)
    cells: dict[str, dict[str, str]] = {}
    for floor in summary["floors"]:
        if floor["enough"] and floor["floor"] is not None:
            left = f" ({numbers.share(floor['floor'] / floor['spread'])})" if floor["spread"] else ""
            text = f"{floor['floor']:.3g}{left}"
        else:
            text = f"only {floor['n_repeated']:,} formulas repeat: cannot tell"
        measured = _measured(summary, floor["name"], floor["unit"])
        cells.setdefault(measured, {})[floor["part"]] = text
    return {
        "title": "Polymorph floor",
        "text": "Least mean absolute error of any model of the composition, to be expected on further "
        "materials; in brackets as a share of the error of always guessing the median.",
        "columns": ["target", *names],
        "rows": [[key, *(each.get(name, numbers.MISSING) for name in names)] for key, each in cells.items()],
    }


def _label(summary: Mapping[str, Any], name: str) -> str:
    return str(summary["labels"].get(name, name))


def _measured(summary: Mapping[str, Any], name: str, unit: str) -> str:
    return f"{_label(summary, name)} ({unit})" if unit else _label(summary, name)


def _reader(row: Mapping[str, Any]) -> str:
    return f"{row['learner']}, {row['representation']}"


def _transfer(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    names = _names(summary)
    base: dict[tuple[str, ...], dict[str, str]] = {}
    added: dict[tuple[str, ...], dict[str, str]] = {}
    for row in summary["transfer"]:
        key = (_label(summary, row["target"]), row["representation"], row["train"])
        if not row["added"]:
            lost = row["lost_bits"]
            at_home = row["train"] == row["test"] or lost is None
            base.setdefault(key, {})[row["test"]] = f"{row['mae0']:.3g}" + (
                "" if at_home else f" ({numbers.bits(lost)} bits lost)"
            )
        elif row["bits"] is not None:
            added.setdefault((*key[:2], _label(summary, row["added"]), key[2]), {})[row["test"]] = (
                f"{numbers.percent(row['change'])} %, {numbers.bits(row['bits'])} bits"
            )
    columns = [f"on {name}" for name in names]
    return [
        {
            "title": "Transfer: trained on one, tested on another",
            "text": "Mean absolute error of trees without any added property, and how many bits a material "
            "they say less than trees trained on the subset they are tested on. All subsets share one split "
            "by formula a seed.",
            "columns": ["target", "representation", "trained on", *columns],
            "rows": [
                [*key, *(each.get(n, numbers.MISSING) for n in names)]
                # Stable: the subsets of a target and representation stay in their order.
                for key, each in sorted(base.items(), key=lambda item: item[0][:2])
            ],
        },
        {
            "title": "Does the gain transfer?",
            "text": "Change of that error by each added property, and usable bits, by the subset trained on "
            "and the subset tested on.",
            "columns": ["target", "representation", "added", "trained on", *columns],
            "rows": [
                [*key, *(each.get(n, numbers.MISSING) for n in names)]
                for key, each in sorted(added.items(), key=lambda item: item[0][:3])
            ],
            "brief": [],
        },
    ]
