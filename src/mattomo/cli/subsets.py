"""``mattomo subsets``: one study on the whole and on subsets of it, side by side, and transfer."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from mattomo.cli.options import Workers, study_options
from mattomo.cli.stop import stoppable
from mattomo.cli.terminal import errors, output, print_json
from mattomo.front import Study
from mattomo.study.run import Progress as RunProgress
from mattomo.subsets import Subsets

_SHOWN = 30


@study_options
def subsets(
    study: Study,
    subset: Annotated[
        list[str],
        typer.Option(
            metavar="NAME: CONDITION",
            help="A subset, e.g. 'oxides: elements has O' (repeat).",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder: new, or of this very comparison.")],
    transfer: Annotated[
        bool,
        typer.Option(
            "--transfer/--no-transfer", help="Also train trees on each and test them on the others."
        ),
    ] = True,
    workers: Workers = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Run a study on the whole table and on subsets, compare them, and train on one to predict another.

    Stop it at any time: the same command goes on where it stopped.
    """
    asked = Subsets(study, subset)
    if transfer:
        asked.transfer_plan()  # says what is too small before anything is trained
    with stoppable(), _progress(asked, transfer, quiet) as (told, tell):
        found = asked.run(out, transfer=transfer, workers=workers, progress=told, tell=tell)
    failed = {name: r.run.failed for name, r in found.results.items() if r.run is not None and r.run.failed}
    for name, units in failed.items():
        for unit, reason in units.items():
            errors.print(f"[bold red]failed[/] {escape(f'{name}: {unit}: {reason}')}", soft_wrap=True)
    if failed:
        raise typer.Exit(3)
    summary = found.summary()
    page = found.report()
    if json:
        print_json(summary | {"folder": str(out), "report": str(page)})
        return
    for section in summary["sections"]:
        if not section["brief"]:
            continue  # too wide for a terminal: in the report
        output.print(Text(f"\n{section['title']}", "bold"))
        output.print(Text(section["text"], "dim"))
        table = Table(box=None, padding=(0, 2, 0, 0))
        for name in section["columns"]:
            table.add_column(escape(name))
        for row in section["brief"][:_SHOWN]:
            table.add_row(*map(escape, row))
        output.print(table)
        if len(section["brief"]) > _SHOWN:
            output.print(f"... and {len(section['brief']) - _SHOWN:,} more: in the report")
    output.print("\nreport: ", str(page), sep="", soft_wrap=True, markup=False)


@contextlib.contextmanager
def _progress(
    asked: Subsets, transfer: bool, quiet: bool
) -> Iterator[tuple[Callable[[str, RunProgress], None], Callable[[int, int], None]]]:
    """A bar for each part, over its units, and one for the transfer."""
    bar = Progress(
        TextColumn("[bold]{task.description}[/]"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=errors,
        disable=quiet,
    )
    done: dict[str, set[str]] = {}
    with bar:
        tasks = {
            name: bar.add_task(escape(name), total=len(each.plan().units))
            for name, each in asked.studies.items()
        }
        across = bar.add_task("transfer", total=None, visible=transfer)

        def told(name: str, progress: RunProgress) -> None:
            if progress.message:
                errors.print(f"[yellow]{escape(f'{name}: {progress.message}')}[/]", soft_wrap=True)
            if progress.share == 1:
                done.setdefault(name, set()).add(progress.unit)
                known = {unit.id for unit in asked.studies[name].plan().units}
                bar.update(tasks[name], completed=len(done[name] & known))

        def tell(number: int, total: int) -> None:
            bar.update(across, completed=number, total=total)

        yield told, tell
