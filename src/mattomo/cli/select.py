"""``mattomo select``: which properties suffice, and which to measure next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from mattomo.cli.options import Workers
from mattomo.cli.stop import stoppable
from mattomo.cli.terminal import duration, errors, output, print_json
from mattomo.errors import InputError
from mattomo.information.selection import Plan, Selection
from mattomo.report.numbers import bits, quantity
from mattomo.report.selected import announcement
from mattomo.results import Results
from mattomo.study.controls import PREFIX
from mattomo.study.workers import default_workers


def select(
    study: Annotated[Path, typer.Argument(help="A study folder, finished or not.")],
    target: Annotated[str, typer.Option("--target", "-t", help="The target property.")],
    base: Annotated[
        str | None,
        typer.Option(
            help="What the properties are added to: a representation of the study, or none; composition by "
            "default.",
            show_default=False,
        ),
    ] = None,
    learner: Annotated[str, typer.Option(help="trees or cgcnn.")] = "trees",
    properties: Annotated[
        str | None,
        typer.Option(help="Properties to choose from, comma-separated; all by default.", show_default=False),
    ] = None,
    cost: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PROPERTY=VALUE",
            help="Cost of a property, 1 by default, 0 if it is known already; may be repeated. Says what to "
            "measure next.",
            show_default=False,
        ),
    ] = None,
    tolerance: Annotated[float, typer.Option(help="Bits that may be lost.")] = 0.01,
    alternatives: Annotated[
        bool, typer.Option("--swaps/--no-swaps", help="Look for equally good swaps.")
    ] = True,
    stability: Annotated[
        bool, typer.Option("--stability/--no-stability", help="Select on each split by itself, too.")
    ] = True,
    data: Annotated[
        str | None, typer.Option(help="Where the study's table lies now.", show_default=False)
    ] = None,
    workers: Workers = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would train, and stop.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Find the smallest set of properties that tells as much of a target as all of them.

    Trains models of sets of properties and stores them in the study folder. Stop it at any time: the same
    command goes on where it stopped.
    """
    results = Results(study)
    names = None if properties is None else [p.strip() for p in properties.split(",") if p.strip()]
    choice = results.choice(
        target,
        base=base,
        learner=learner,
        properties=names,
        costs=_costs(cost or []),
        tolerance=tolerance,
        alternatives=alternatives,
        steadiness=stability,
        data=data,
    )
    n = workers or default_workers()
    if dry_run:
        if json:
            print_json({**vars(choice.plan), "models": choice.plan.models})
        else:
            output.print(_announced(choice.plan, choice.seeds, n))
        return
    errors.print(_announced(choice.plan, choice.seeds, n), soft_wrap=True)
    with stoppable("models"), _progress(choice.plan.models, quiet) as tell:
        found, words, folder = choice.run(workers=workers, progress=tell)
    if json:
        print_json({"folder": str(folder), "words": words, **found.plain()})
        return
    for k, sentence in enumerate(words):
        output.print(Text(sentence, "bold" if k == 0 else ""))
    output.print(_steps(found))
    output.print(f"{found.trained} models trained, {found.known} used")
    output.print("tables: ", str(folder), sep="", soft_wrap=True, markup=False)


def _announced(plan: Plan, seeds: int, workers: int) -> str:
    return escape(announcement(plan, seeds, workers, duration(plan.seconds / workers)))


def _steps(found: Selection) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("put to the test")
    for name in ("importance", "bits lost", "± 2 SE", "in all", "± 2 SE"):
        table.add_column(name, justify="right")
    table.add_column("")
    for step in found.path.steps:
        table.add_row(
            Text(step.property.removeprefix(PREFIX)),
            quantity(step.importance),
            bits(step.loss.bits, 3),
            bits(2 * step.loss.se, 3),
            bits(step.total.bits, 3),
            bits(2 * step.total.se, 3),
            ("dropped" if step.dropped else "kept") + (", asked again" if step.again else ""),
        )
    return table


def _costs(given: list[str]) -> dict[str, float]:
    """``band_gap=2`` as a name and a number; several with commas."""
    costs = {}
    for part in (piece for text in given for piece in text.split(",") if piece.strip()):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        try:
            costs[name] = float(value)
        except ValueError:
            equals = ""
        if not (name and equals):
            raise InputError(
                "this is not PROPERTY=VALUE", column="--cost", value=part, hint="E.g. band_gap=2"
            )
    return costs


@contextmanager
def _progress(most: int, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A bar of the models known so far; it ends early where fewer are needed."""
    bar = Progress(
        TextColumn("[bold]models[/]"),
        BarColumn(bar_width=None),
        TextColumn("{task.completed:.0f} of at most {task.total:.0f}"),
        TimeElapsedColumn(),
        console=errors,
        disable=quiet,
    )
    with bar:
        task = bar.add_task("models", total=most)
        yield lambda known: bar.update(task, completed=known)
