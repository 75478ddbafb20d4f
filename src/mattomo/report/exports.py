"""The same numbers as files: CSV, Parquet, JSON, Markdown; and the whole report at once."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import pandas as pd

from mattomo.atomic import write_bytes, write_text
from mattomo.report import closeup, columns
from mattomo.report.information import KEY
from mattomo.report.latex import cells_latex, table1_latex
from mattomo.report.page import write_html
from mattomo.report.summarize import Summary, summarize
from mattomo.study.outcome import Outcome

_GAINS = [
    "learner", "representation", "target", "added", "diagonal", "n_seeds", "mae0_mean", "mae1_mean", "unit",
    "mean", "min", "max", "paired_minmax", "separated", "reason",
]  # fmt: skip
_ERRORS = ["learner", "representation", "target", "added", "seed", "mae0", "mae1", "unit", "change"]
_AGREEMENT = [
    "criterion", "representation", "target", "added", "marked", "unmarked", "low", "high", "robust",
    "disagree",
]  # fmt: skip
_TABLE1 = ["criterion", "learner", "target", "structure", "composition", "structure_only"]
_BITS = [
    "learner", "representation", "target", "added", "control", "diagonal", "n_seeds", "n_materials",
    "mae0", "mae1", "unit", "laplace_bits", "bits", "bits_low", "bits_high", "bits_se", "cap", "overstated",
    "swap_rise", "swap_p", "swap_q", "deterministic", "reason", "swap_reason",
]  # fmt: skip
_WHERE = [*KEY, "kind", "name", "n", "mae0", "change", "se", "unit", "clear"]
_MATERIALS = [*KEY, "end", "id", "formula", "mae0", "mae1", "change", "unit", "n_seeds"]
_MAE = [
    "learner", "representation", "target", "unit", "n_seeds", "mean", "min", "max", "n_test_min",
    "n_test_max",
]  # fmt: skip


def write_tables(source: Outcome | Summary, folder: str | os.PathLike[str]) -> list[Path]:
    """Write the tables behind the report.

    Parameters
    ----------
    source : Outcome or dict
        An outcome, or what `summarize` made of it.
    folder : path
        Made if missing; each file appears whole or not at all.

    Returns
    -------
    list of Path
        ``gains.csv`` and ``gains.parquet`` (one row a cell; mean, min and max are fractions: -0.05 is a fall
        by 5 %), ``errors.csv`` (one row a cell and seed: mae0 and mae1 in the target's unit, change a
        fraction), ``table1.csv`` and ``table1.md`` (property lists for both criteria), ``agreement.csv``
        (what several learners say of the same pair), ``mae.csv``
        (baseline errors with their units), ``table1_<rule>.tex``, ``summary.json`` (everything),
        ``README.md`` (columns and units).
        From an analysed study also ``bits.csv`` and ``bits.parquet`` (one row a cell or control),
        ``decomposition.csv``, ``nested.csv``, ``controls.csv``, ``symmetry.csv``, ``floor.csv``,
        ``learning.csv``, ``where.csv`` and ``materials.csv`` (which materials each property helps), each if
        it has rows, and ``cells.tex``.
    """
    summary = summarize(source) if isinstance(source, Outcome) else source
    folder = Path(folder)
    units = {name: info["unit"] for name, info in summary["properties"].items()}
    cells = [cell | {"unit": units[cell["target"]]} for cell in summary["cells"]]
    gain_table = pd.DataFrame(cells, columns=_GAINS)
    numbers = ("mae0_mean", "mae1_mean", "mean", "min", "max")
    gain_table = gain_table.astype(dict.fromkeys(numbers, float))
    seed_table = pd.DataFrame([cell | seed for cell in cells for seed in cell["seeds"]], columns=_ERRORS)
    hits = [
        {"criterion": criterion} | row
        for criterion, table in summary["table1"].items()
        for row in table["rows"]
    ]
    hit_table = pd.DataFrame(
        [{key: "; ".join(v) if isinstance(v, list) else v for key, v in row.items()} for row in hits],
        columns=_TABLE1,
    )
    agreed = [
        {"criterion": criterion, **{k: "; ".join(v) if isinstance(v, list) else v for k, v in row.items()}}
        for criterion, rows in summary["agreement"].items()
        for row in rows
    ]
    baselines = [row | {"unit": units[row["target"]]} for row in summary["mae"]]
    tables = {
        "gains": gain_table,
        "errors": seed_table,
        "table1": hit_table,
        "agreement": pd.DataFrame(agreed, columns=_AGREEMENT),
        "mae": pd.DataFrame(baselines, columns=_MAE),
    } | _analysed(summary, units)
    written = [_write_csv(folder / f"{name}.csv", table) for name, table in tables.items()]
    for name in ("gains", "bits"):
        if name in tables:
            parquet = io.BytesIO()
            tables[name].to_parquet(parquet, index=False)
            written.append(write_bytes(folder / f"{name}.parquet", parquet.getvalue()))
    for name in summary["criteria"]:
        written.append(write_text(folder / f"table1_{name}.tex", table1_latex(summary, name)))
    if summary["analysed"]:
        written.append(write_text(folder / "cells.tex", cells_latex(summary)))
    whole = json.dumps(summary, ensure_ascii=False, indent=1, allow_nan=False)
    return [
        *written,
        write_text(folder / "table1.md", table1_markdown(summary)),
        write_text(
            folder / "README.md", columns.readme({name: list(map(str, t)) for name, t in tables.items()})
        ),
        write_text(folder / "summary.json", whole),
    ]


def _analysed(summary: Summary, units: dict[str, str]) -> dict[str, pd.DataFrame]:
    """Tables of the analysis that have rows, by the name of their file."""
    records = [
        {
            **cell,
            "mae0": cell["mae0_mean"],
            "mae1": cell["mae1_mean"],
            "control": False,
            **cell["information"],
        }
        for cell in summary["cells"]
        if cell["information"]
    ]
    records += summary["analysis"]["control_cells"]
    bits = pd.DataFrame([row | {"unit": units[row["target"]]} for row in records], columns=_BITS)
    numbers = ["laplace_bits", "bits", "bits_low", "bits_high", "bits_se", "cap"]
    numbers += ["mae0", "mae1", "swap_rise", "swap_p", "swap_q"]
    tables = {"bits": bits.astype(dict.fromkeys(numbers, float))}
    tables["decomposition"] = pd.DataFrame(
        [{key: cell[key] for key in KEY} | cell["parts"] for cell in summary["cells"] if cell["parts"]]
    )
    for name in ("nested", "controls", "symmetry", "floor", "learning"):
        tables[name] = pd.DataFrame(summary["analysis"][name])
    tables |= _close(summary, units)
    return {name: table for name, table in tables.items() if len(table)}


def _close(summary: Summary, units: dict[str, str]) -> dict[str, pd.DataFrame]:
    """Where each property helps: by element, crystal system and number of polymorphs, and by material."""
    groups: list[dict[str, Any]] = []
    materials: list[dict[str, Any]] = []
    for cell in summary["cells"]:
        close = cell["closeup"]
        if not close:
            continue
        own = {key: cell[key] for key in KEY} | {"unit": units[cell["target"]]}
        shared = summary["closeups"][close["group"]]
        for kind in closeup.KINDS:
            groups += [own | {"kind": kind} | row for row in closeup.groups_of(shared, close, kind)]
        for end in ("helped", "hurt"):
            materials += [own | {"end": end} | row for row in close[end]]
    return {
        "where": pd.DataFrame(groups, columns=_WHERE),
        "materials": pd.DataFrame(materials, columns=_MATERIALS),
    }


def table1_markdown(summary: Summary) -> str:
    """The paper's Table 1 for both criteria as Markdown.

    Parameters
    ----------
    summary : dict
        From `summarize`.

    Returns
    -------
    str
    """
    labels = {name: _markdown_safe(info["label"]) for name, info in summary["properties"].items()}
    parts = ["# Properties that lower the test error\n"]
    for criterion, table in summary["table1"].items():
        parts.append(f"## Rule `{criterion}`: {summary['criteria'][criterion]}\n")
        parts.append("| Learner | Target | Structure | Composition | In structure but not composition |")
        parts.append("|---|---|---|---|---|")
        for row in table["rows"]:
            lists = [
                ", ".join(labels[n] for n in row[key]) or "–"
                for key in ("structure", "composition", "structure_only")
            ]
            parts.append(
                f"| {_markdown_safe(row['learner'])} | {labels[row['target']]} | {' | '.join(lists)} |"
            )
        counts = [f"{labels[row['added']]} {row['count']}" for row in table["frequency"]]
        parts.append(f"\nHow often in the last column: {', '.join(counts) or 'never'}.\n")
    return "\n".join(parts)


def write_report(source: Outcome | Summary, folder: str | os.PathLike[str]) -> Path:
    """Write the whole report: ``report.html``, ``figures/`` and ``tables/``.

    Parameters
    ----------
    source : Outcome or dict
        An outcome, or what `summarize` made of it.
    folder : path
        Made if missing.

    Returns
    -------
    Path
        Of ``report.html``.
    """
    summary = summarize(source) if isinstance(source, Outcome) else source
    folder = Path(folder)
    write_tables(summary, folder / "tables")
    from mattomo.report.figures import save_figures  # matplotlib, which other commands should not wait for

    save_figures(summary, folder / "figures")
    return write_html(summary, folder / "report.html")


def _write_csv(path: Path, table: pd.DataFrame) -> Path:
    return write_text(path, table.to_csv(index=False, lineterminator="\n"))


def _markdown_safe(text: Any) -> str:
    escaped = str(text).replace("&", "&amp;").replace("<", "&lt;")
    return "".join("\\" + c if c in "\\|*_`[]#~$" else c for c in escaped)
