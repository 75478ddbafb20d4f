"""The two terminals: results on standard output, errors and progress on standard error."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from mattomo.study.plan import Plan
from mattomo.study.run import Progress as RunProgress
from mattomo.study.shards import Shard

output = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def duration(seconds: float) -> str:
    """A length of time for people.

    >>> duration(42), duration(400), duration(9000), duration(200000)
    ('42 s', '7 min', '2.5 h', '2.3 days')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    if seconds < 172800:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.1f} days"


@contextmanager
def training_progress(
    plan: Plan, quiet: bool = False, shard: Shard | None = None
) -> Iterator[Callable[[RunProgress], None]]:
    """A bar over the expected cost of all units (of a shard), with the remaining time."""
    cost = plan.costs
    units = plan.units if shard is None else shard.units(plan.units)
    if shard is not None:
        needed = {c.id for unit in units if (c := plan.needs(unit)) is not None}
        cost = {name: cost[name] for name in (*needed, *(unit.id for unit in units))}
    done: dict[str, float] = {}
    bar = Progress(
        TextColumn("[bold]training[/]"),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TextColumn("{task.fields[models]}"),
        TimeElapsedColumn(),
        TextColumn("remaining"),
        TimeRemainingColumn(),
        console=errors,
        disable=quiet,
    )
    models = {unit.id: len(unit.tasks) for unit in units}

    with bar:
        task = bar.add_task("training", total=sum(cost.values()) or 1, models="")

        def tell(progress: RunProgress) -> None:
            if progress.message:
                about = f"{progress.unit}: " if progress.unit else ""
                errors.print(f"[yellow]{escape(about + progress.message)}[/]", soft_wrap=True)
            if progress.unit in cost:
                done[progress.unit] = max(progress.share, done.get(progress.unit, 0.0))
            finished = sum(models.get(u, 0) for u, share in done.items() if share == 1)
            bar.update(
                task,
                completed=sum(cost[u] * share for u, share in done.items()),
                models=f"{finished}/{sum(models.values())} models",
            )

        yield tell
