"""``mattomo check``: what of a table is usable, and why the rest is not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from mattomo.cli.terminal import output, print_json
from mattomo.front import read_table
from mattomo.materials import Materials, Quarantine, one_to_one_share
from mattomo.study.config import study_config


def check(
    data: Annotated[str, typer.Argument(help="A table of materials (Parquet, CSV), or mp1000.")],
    id: Annotated[str | None, typer.Option(help="Column with the identifiers.")] = None,
    formula: Annotated[str | None, typer.Option(help="Column with the formulas.")] = None,
    structure: Annotated[str | None, typer.Option(help="Column with the structures.")] = None,
    quarantine: Annotated[
        Path | None, typer.Option(help="Write every row or cell that cannot be used to this CSV.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Read a table, and say precisely what is usable and why the rest is not. Trains nothing."""
    config = study_config(
        {
            "data": data,
            "id": id,
            "formula": formula,
            "structure": structure,
            "targets": ["?"],
            "properties": [],
        }
    )
    materials, refused = read_table(config)
    if quarantine is not None:
        refused.write_csv(quarantine)
    checked = checked_table(materials, refused)
    if json:
        print_json(checked)
    else:
        _show(checked, refused)


def checked_table(materials: Materials, refused: Quarantine) -> dict[str, Any]:
    """What a check found, as plain values."""
    n = len(materials)
    alone, share = one_to_one_share(materials)
    return {
        "source": materials.source,
        "rows_read": n + len(refused.left_out),
        "rows_used": n,
        "rows_left_out": len(refused.left_out),
        "cells_refused": len(refused) - len(refused.left_out),
        "with_structure": int(materials.structures.present.sum()),
        "sites": len(materials.structures.Z),
        "one_to_one": alone,
        "one_to_one_share": share,
        "properties": [
            {
                "name": name,
                "label": column.info.label,
                "unit": column.info.unit,
                "kind": column.info.kind,
                "extensive": column.info.extensive,
                "present": n - int(column.missing.sum()),
                "distinct": len(set(column.values[~column.missing].tolist())),
            }
            for name, column in materials.columns.items()
        ],
        "notices": list(materials.notices),
        "quarantine": [vars(row) for row in refused],
    }


def _show(checked: dict[str, Any], refused: Quarantine) -> None:
    n = checked["rows_used"]
    output.print(
        f"[bold]{escape(checked['source'])}[/]: {checked['rows_read']:,} rows read, {n:,} used, "
        f"{checked['rows_left_out']:,} left out; {checked['with_structure']:,} with structure"
    )
    output.print(
        f"{checked['one_to_one']:,} materials ({checked['one_to_one_share']:.2%}) share their formula "
        "with no other"
    )
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("property", "kind", "unit"):
        table.add_column(name)
    for name in ("present", "distinct"):
        table.add_column(name, justify="right")
    for p in checked["properties"]:
        table.add_row(
            escape(p["name"]),
            p["kind"],
            escape(p["unit"]),
            f"{p['present'] / max(n, 1):.1%}",
            f"{p['distinct']:,}",
        )
    output.print(table)
    for notice in checked["notices"]:
        output.print(f"[yellow]note:[/] {escape(notice)}", soft_wrap=True)
    for row in list(refused)[:10]:
        output.print(f"[yellow]quarantine:[/] {escape(str(row))}", soft_wrap=True)
    if len(refused) > 10:
        output.print(f"... and {len(refused) - 10:,} more: write them all with --quarantine FILE.csv")
