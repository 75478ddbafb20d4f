"""``mattomo convert``: any data that can be read, as one canonical Parquet file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from mattomo.atomic import write_bytes
from mattomo.cli.table import FormulaColumn, IdColumn, StructureColumn
from mattomo.cli.terminal import output, print_json
from mattomo.errors import InputError
from mattomo.front import read_data
from mattomo.materials.canonical import to_parquet


def convert(
    data: Annotated[str, typer.Argument(help="A table, a folder or a file of structures, or mp1000.")],
    out: Annotated[Path, typer.Argument(metavar="OUT.parquet", help="Where to write.", show_default=False)],
    id: IdColumn = None,
    formula: FormulaColumn = None,
    structure: StructureColumn = None,
    quarantine: Annotated[
        Path | None, typer.Option(help="Write every row or cell that cannot be used to this CSV.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Write data as one Parquet file with formulas, structures and typed properties. Trains nothing."""
    if out.suffix.lower() != ".parquet":
        raise InputError(
            "the result is a Parquet file", column="OUT", value=str(out), hint="End its name in .parquet."
        )
    if out.exists() and Path(data).exists() and out.samefile(data):
        raise InputError("the result would replace the data", file=data, hint="Choose another name.")
    materials, refused = read_data(data, id=id, formula=formula, structure=structure)
    content = to_parquet(materials)
    _write(out, lambda: write_bytes(out, content))
    if quarantine is not None:
        _write(quarantine, lambda: refused.write_csv(quarantine))
    done: dict[str, Any] = {
        "source": materials.source,
        "file": str(out),
        "rows_in": len(materials) + len(refused.left_out),
        "rows_out": len(materials),
        "rows_left_out": len(refused.left_out),
        "cells_refused": len(refused) - len(refused.left_out),
        "with_structure": int(materials.structures.present.sum()),
        "properties": list(materials.columns),
        "bytes": len(content),
        "fingerprint": materials.fingerprint(),
        "notices": list(materials.notices),
    }
    if json:
        print_json(done)
        return
    output.print(
        f"[bold]{escape(done['source'])}[/]: {done['rows_in']:,} rows in, {done['rows_out']:,} out "
        f"({done['with_structure']:,} with structure, {len(materials.columns)} properties), "
        f"{done['rows_left_out']:,} left out, {done['cells_refused']:,} cells refused",
        soft_wrap=True,
    )
    output.print(f"{escape(str(out))}: {len(content) / 1e6:,.2f} MB", soft_wrap=True)
    for notice in materials.notices:
        output.print(f"[yellow]note:[/] {escape(notice)}", soft_wrap=True)
    for row in list(refused)[:10]:
        output.print(f"[yellow]quarantine:[/] {escape(str(row))}", soft_wrap=True)
    if len(refused) > 10:
        output.print(f"... and {len(refused) - 10:,} more: write them all with --quarantine FILE.csv")


def _write(path: Path, write: Callable[[], object]) -> None:
    try:
        write()
    except OSError as error:
        raise InputError(f"the file cannot be written ({error.strerror})", file=str(path)) from None
