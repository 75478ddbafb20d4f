"""``mattomo plan``: what a study will train and cost, without training anything."""

from __future__ import annotations

from itertools import product
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from mattomo.cli.options import study_options
from mattomo.cli.terminal import duration, output, print_json
from mattomo.front import Study
from mattomo.study.controls import PREFIX
from mattomo.study.plan import Plan
from mattomo.study.workers import default_workers


@study_options
def plan(
    study: Study,
    workers: Annotated[
        int | None, typer.Option(help="Worker processes; one a core by default.", show_default=False)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Show the units, rows and cost of a study. Trains nothing."""
    planned = study.plan()
    n_workers = workers or default_workers()
    if json:
        print_json(plain_plan(planned, n_workers))
    else:
        show_plan(planned, n_workers)


def plain_plan(planned: Plan, workers: int) -> dict[str, object]:
    """A plan as plain values."""
    return {
        "config": planned.config.plain(),
        "rows": {
            "table": planned.prepared.n_rows,
            "used": len(planned.prepared.materials),
            "of_pairs": [
                {"target": target, "added": added, "rows": n}
                for (target, added), n in planned.prepared.pair_rows.items()
            ],
        },
        "units": [
            {
                "id": unit.id,
                "learner": unit.learner,
                "representation": unit.representation,
                "target": unit.target,
                "seed": unit.seed,
                "models": len(unit.tasks),
                "processor_seconds": planned.costs[unit.id],
            }
            for unit in planned.units
        ],
        "trainings": planned.trainings,
        "trainings_as_counted_in_the_paper": planned.trainings_as_counted_in_the_paper,
        "expected_seconds": planned.seconds(workers),
        "expected_bytes_per_worker": planned.memory(),
        "workers": workers,
        "notices": list(planned.prepared.notices),
    }


def show_plan(planned: Plan, workers: int) -> None:
    """Print a plan for people."""
    prepared, config = planned.prepared, planned.config
    split = prepared.splits[config.seeds[0]]
    output.print(
        f"[bold]{prepared.materials.source}[/]: {len(prepared.materials):,} of {prepared.n_rows:,} rows"
    )
    if len(set(prepared.pair_rows.values())) > 1:
        _show_rows(planned)
    output.print(
        f"split {config.split}: {len(split.train):,} training, {len(split.validation):,} validation, "
        f"{len(split.test):,} test rows, {len(config.seeds)} seeds"
    )
    output.print(
        f"{len(config.targets)} targets x {len(config.properties)} added properties, "
        f"{config.epochs} epochs, batches of {config.batch_size}"
    )
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("learner", "representation", "reads"):
        table.add_column(name)
    for name in ("units", "models", "processor time"):
        table.add_column(name, justify="right")
    for learner, representation in product(planned.learners, config.representations):
        units = [u for u in planned.units if (u.learner, u.representation) == (learner, representation)]
        table.add_row(
            learner,
            representation,
            _reading(planned, learner, representation),
            f"{len(units)}",
            f"{sum(len(u.tasks) for u in units):,}",
            duration(sum(planned.costs[u.id] for u in units)),
        )
    output.print(table)
    own = [task for task in planned.units[0].tasks if task.name.startswith(PREFIX)]
    extra = [f"{len(own)} controls a unit"] if own else []
    extra += [f"{len(config.train_fractions)} shares of the training rows"] * (
        len(config.train_fractions) > 1
    )
    output.print(
        f"{planned.trainings_as_counted_in_the_paper:,} trainings as the paper counts them, "
        f"[bold]{planned.trainings:,} distinct[/]: a baseline is shared by its augmentations"
        + (f"; {' and '.join(extra)} included" if extra else "")
    )
    if planned.conditionals:
        fits = sum(len(c.names) for c in planned.conditionals)
        output.print(
            f"{fits:,} fits of trees beforehand, for {config.swaps} conditional placebos of each property"
        )
    output.print(
        f"about {duration(planned.seconds(workers))} on {workers} workers (rough), "
        f"{planned.memory() / 1e9:.1f} GB each"
    )
    for notice in prepared.notices:
        output.print(f"[yellow]note:[/] {notice}")


def _show_rows(planned: Plan) -> None:
    """How many rows each choice of `rows` leaves."""
    config, of_pairs = planned.config, planned.prepared.pair_rows
    known = f"; complete uses {len(planned.prepared.materials):,}" if config.rows == "complete" else ""
    low, high = min(of_pairs.values()), max(of_pairs.values())
    output.print(f"rows of a pair: {low:,} to {high:,} with rows = per-pair{known}")
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("rows with")
    for target in config.targets[:6]:
        table.add_column(escape(target), justify="right", overflow="fold")
    for added in config.properties:
        table.add_row(escape(added), *(f"{of_pairs[target, added]:,}" for target in config.targets[:6]))
    output.print(table)
    if len(config.targets) > 6:
        output.print(f"... and {len(config.targets) - 6} more targets: --json has all")


def _reading(planned: Plan, learner: str, representation: str) -> str:
    if planned.learners[learner].reads == "table":
        return f"{len(planned.tables[representation].names)} descriptors"
    if representation not in planned.graphs:
        return "nothing: a table of numbers"
    graphs = planned.graphs[representation]
    return f"{len(graphs.centre) / max(len(graphs), 1):.0f} edges a material"
