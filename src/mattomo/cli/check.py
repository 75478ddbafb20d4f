"""``mattomo check``: what of a table is usable, why the rest is not, and what could fool a user later."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from mattomo.cli.table import Data, FormulaColumn, IdColumn, StructureColumn, WhereCondition
from mattomo.cli.terminal import errors, output, print_json
from mattomo.front import read_data
from mattomo.information.relations import relations as relations_of
from mattomo.materials.check import PARTS, check_table
from mattomo.report.checked import report_section

_ITEMS = 6
"""Items of one kind shown; the rest is in --json."""


def check(
    data: Data,
    id: IdColumn = None,
    formula: FormulaColumn = None,
    structure: StructureColumn = None,
    where: WhereCondition = None,
    categories: Annotated[
        str | None, typer.Option(help="Columns of numbers that name classes, comma-separated.")
    ] = None,
    scalars: Annotated[
        str | None, typer.Option(help="Columns to read as numbers all the same, comma-separated.")
    ] = None,
    quarantine: Annotated[
        Path | None, typer.Option(help="Write every row or cell that cannot be used to this CSV.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit code 1 if there is any warning.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Read a table, and say precisely what is usable, why the rest is not, and what could fool you later.

    Trains nothing. Exit code 0: usable; 2: not usable at all.
    """
    with _progress() as tell:
        tell("reading")
        columns = {"id": id, "formula": formula, "structure": structure}
        kinds = {"categories": _names(categories), "scalars": _names(scalars)}
        materials, refused = read_data(data, where=where, **columns, **kinds)
        checked = check_table(materials, refused, tell)
    relations = tuple(relation.sentence for relation in relations_of(materials))
    if quarantine is not None:
        refused.write_csv(quarantine)
    if json:
        print_json(checked.plain() | {"relations": list(relations)})
    else:
        output.print(Text(checked.source, "bold"))
        show(report_section(checked, relations), output)
    if strict and checked.warnings:
        raise typer.Exit(1)


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name for part in (text or "").split(",") if (name := part.strip()))


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """A bar over the parts of the check, on a terminal only."""
    bar = Progress(
        TextColumn("[bold]{task.description}[/]"),
        BarColumn(),
        TimeElapsedColumn(),
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
    )
    steps = ("reading", *PARTS)
    with bar:
        task = bar.add_task("reading", total=None)

        def tell(part: str) -> None:
            done = steps.index(part)
            # how long reading takes is not known before
            bar.update(task, description=part, total=len(steps) if done else None, completed=done)

        yield tell


def show(section: dict[str, Any], console: Console) -> None:
    """Print a check, most important first.

    Parameters
    ----------
    section : dict
        From `mattomo.report.checked.report_section`.
    console : rich.console.Console
    """
    for sentence in section["lead"]:
        console.print(Text(sentence))
    _show_refused(section["refused"], console)
    _show_findings("warning", "bold yellow", section["warnings"], console)
    _show_findings("note", "bold cyan", section["notes"], console)
    for title, sentences in (
        ("Columns that follow from others", section["relations"]),
        ("Decided while reading", section["notices"]),
    ):
        if sentences:
            console.print(Text(f"\n{title}", "bold"))
            _cut_list([Text(sentence) for sentence in sentences], console)
    _show_properties(section["properties"], console)


def _show_refused(groups: Sequence[dict[str, Any]], console: Console) -> None:
    for group in groups:
        console.print(Text(f"\nNot used: {group['title']}", "bold red"))
        lines = []
        for item in group["items"]:
            where = f" in column {item['column']!r}" if item["column"] else ""
            text = Text(f"{item['count']}{where}: {item['reason']}. {item['hint']}".rstrip())
            text.append(_examples(item), "dim")
            lines.append(text)
        _cut_list(lines, console, "--quarantine FILE.csv")
    if groups:
        console.print(Text("All of them, row by row: --quarantine FILE.csv", "dim"))


def _show_findings(word: str, style: str, groups: Sequence[dict[str, Any]], console: Console) -> None:
    number = sum(len(group["items"]) for group in groups)
    if not number:
        if word == "warning":
            console.print(Text("\nNo warnings", "bold green"))
        return
    console.print(Text(f"\n{number} {word}{'s' if number > 1 else ''}", style))
    for group in groups:
        console.print(Padding(Text(group["title"].capitalize(), "bold"), (0, 0, 0, 1)))
        lines = []
        for item in group["items"]:
            text = Text(f"{item['column']}: " if item["column"] else "", "cyan")
            text.append(f"{item['text']}.", "default")
            text.append(_examples(item), "dim")
            lines.append(text)
        _cut_list(lines, console)
        if group["advice"]:
            console.print(Padding(Text(f"→ {group['advice']}", "italic"), (0, 0, 0, 3)))


def _examples(item: dict[str, Any]) -> str:
    if not item["examples"]:
        return ""
    more = f" and {item['more']:,} more" if item["more"] else ""
    return f" ({', '.join(item['examples'])}{more})"


def _cut_list(lines: Sequence[Text], console: Console, rest: str = "--json") -> None:
    for line in lines[:_ITEMS]:
        console.print(Padding(line, (0, 0, 0, 3)))
    if len(lines) > _ITEMS:
        console.print(Padding(Text(f"... and {len(lines) - _ITEMS:,} more: {rest}", "dim"), (0, 0, 0, 3)))


def _show_properties(properties: Sequence[dict[str, Any]], console: Console) -> None:
    if not properties:
        console.print(Text("\nNo property"))
        return
    console.print(Text(f"\n{len(properties)} propert{'ies' if len(properties) > 1 else 'y'}", "bold"))
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("property", no_wrap=True, max_width=32)
    table.add_column("unit", no_wrap=True)
    table.add_column("present", justify="right", no_wrap=True)
    table.add_column("distinct", justify="right", no_wrap=True)
    table.add_column("low … median … high, or most common", overflow="fold")
    for p in properties:
        unit = p["unit"] or ("" if p["kind"] == "scalar" else p["kind"])
        cells = (p["name"], unit, p["present"], p["distinct"], p["values"])
        table.add_row(*map(escape, cells))
    console.print(table)
