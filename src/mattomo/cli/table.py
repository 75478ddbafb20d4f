"""The table a command is given, and the options that say how to read it."""

from __future__ import annotations

from typing import Annotated

import typer

from mattomo.cli.terminal import output
from mattomo.materials import Quarantine

Data = Annotated[str, typer.Argument(help="A table of materials in any known format, or mp1000.")]
IdColumn = Annotated[str | None, typer.Option("--id", help="Column with the identifiers.")]
FormulaColumn = Annotated[str | None, typer.Option("--formula", help="Column with the formulas.")]
StructureColumn = Annotated[str | None, typer.Option("--structure", help="Column with the structures.")]
WhereCondition = Annotated[
    str | None,
    typer.Option(
        "--where", help="Condition that the materials meet, e.g. 'elements has O and band_gap > 0'."
    ),
]


def tell_left_out(refused: Quarantine) -> None:
    """One line on rows that could not be read, if any."""
    if refused.left_out:
        output.print(
            f"[yellow]note:[/] {len(refused.left_out):,} rows cannot be used; mattomo check says why",
            soft_wrap=True,
        )
