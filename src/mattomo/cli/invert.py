"""``mattomo invert``: from properties back to crystal system, space group, elements or composition."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from mattomo.cli.options import Workers
from mattomo.cli.table import (
    Data,
    FormulaColumn,
    IdColumn,
    StructureColumn,
    WhereCondition,
    tell_left_out,
)
from mattomo.cli.terminal import errors, output, print_json
from mattomo.cli.tomography import assignments
from mattomo.front import invert as invert_table
from mattomo.front import read_data
from mattomo.information.question import MOST_ROWS, PLACEBO

_SHOWN = 10


def invert(
    data: Data,
    to: Annotated[
        str, typer.Option(help="crystal_system, spacegroup, elements, composition, or a column of classes.")
    ],
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Properties to tell it from, comma-separated; the paper's numbers by default.",
            show_default=False,
        ),
    ] = None,
    given: Annotated[
        str | None, typer.Option(help="Values of a material, e.g. band_gap=1.1,density=2.3: what may it be?")
    ] = None,
    order: Annotated[
        str, typer.Option(help="Order in which properties are added: greedy or given.")
    ] = "greedy",
    random: Annotated[int, typer.Option(help="Random orders beside it.", min=0)] = 2,
    seeds: Annotated[int, typer.Option(help="Number of splits.", min=1)] = 5,
    rows: Annotated[int, typer.Option(help="Most rows to use, drawn at random.", min=20)] = MOST_ROWS,
    workers: Workers = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write the figure and the tables to this folder.")
    ] = None,
    id: IdColumn = None,
    formula: FormulaColumn = None,
    structure: StructureColumn = None,
    where: WhereCondition = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Tell a high-information projection from low-information ones: bits left open against their number.

    With --given, also the distribution for a material of those values. A placebo is added last.
    """
    values = None if given is None else assignments("--given", given)
    names = None if from_ is None else [name.strip() for name in from_.split(",") if name.strip()]
    materials, refused = read_data(data, where=where, id=id, formula=formula, structure=structure)
    with _progress() as tell:
        found = invert_table(
            materials,
            to=to,
            names=names,
            given=values,
            order=order,
            n_random=random,
            seeds=seeds,
            rows=rows,
            workers=workers,
            progress=tell,
        )
    written = [] if out is None else found.write(out)
    if json:
        print_json(found.plain() | {"files": [str(path) for path in written]})
        return
    _show(found.plain(), found.units)
    for path in written:
        output.print("written: ", str(path), sep="", soft_wrap=True, markup=False)
    tell_left_out(refused)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar over the fits, on a terminal only."""
    bar = Progress(
        TextColumn("[bold]fitting[/]"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
    )
    with bar:
        task = bar.add_task("fitting", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _show(plain: dict[str, Any], units: dict[str, str]) -> None:
    output.print(
        f"[bold]{escape(plain['source'])}[/]: {escape(plain['to'])} from {len(plain['order'])} properties; "
        f"{plain['rows_used']:,} of {plain['rows']:,} rows, {plain['values']:,} different values, "
        f"{plain['training_rows']:,} training and {plain['test_rows']:,} test rows of other formulas, "
        f"{len(plain['seeds'])} seeds",
        soft_wrap=True,
    )
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column(f"added ({plain['how']} order)")
    for name in ("bits left", "95 %", "choices", "found", "fall", "z"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in plain["curve"]:
        spread = "" if row["low"] is None else f"{row['low']:.2f}…{row['high']:.2f}"
        step = ("", "") if row["fall"] is None else (f"{row['fall']:+.3f}", f"{row['z']:.1f}")
        choices = f"{row['choices']:,.1f}" if row["choices"] < 1e5 else f"{row['choices']:.1e}"
        style = "dim" if row["added"] == PLACEBO else ""
        table.add_row(
            escape(row["added"] or "nothing"),
            f"{row['bits']:.3f}",
            spread,
            choices,
            f"{row['found']:.1%}",
            *step,
            style=style,
        )
    output.print(table)
    output.print(f"\n{escape(plain['sentence'])}", soft_wrap=True)
    output.print(f"bits: {escape(plain['bound'])}", soft_wrap=True)
    if plain["prediction"] is not None:
        _show_prediction(plain["prediction"], units)
    for notice in plain["notices"]:
        output.print(f"[yellow]note:[/] {escape(notice)}", soft_wrap=True)


def _show_prediction(told: dict[str, Any], units: dict[str, str]) -> None:
    given = ", ".join(
        f"{name} = {value} {units.get(name, '')}".strip() for name, value in told["given"].items()
    )
    output.print(
        f"\n[bold]{escape(given)}[/]: {told['bits']:.2f} bits left open; {told['prior_bits']:.2f} without "
        "these values",
        soft_wrap=True,
    )
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("", "value"):
        table.add_column(name)
    for name in ("probability", "over seeds", "without"):
        table.add_column(name, justify="right", no_wrap=True)
    shown: dict[str, int] = {}
    for row in told["table"]:
        shown[row["part"]] = shown.get(row["part"], 0) + 1
        if shown[row["part"]] <= _SHOWN:
            table.add_row(
                escape(row["part"]) if shown[row["part"]] == 1 else "",
                escape(row["value"]),
                f"{row['probability']:.1%}",
                f"{row['least']:.1%}…{row['most']:.1%}",
                f"{row['prior']:.1%}",
            )
    output.print(table)
    for notice in told["notices"]:
        output.print(f"[yellow]note:[/] {escape(notice)}", soft_wrap=True)
