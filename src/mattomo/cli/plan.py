"""``mattomo plan``: what a study will train and cost, without training anything."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from mattomo.cli.options import Workers, study_options
from mattomo.cli.terminal import duration, output, print_json
from mattomo.front import Study
from mattomo.study.controls import PREFIX
from mattomo.study.machine import in_gigabytes, memory_of
from mattomo.study.pace import pace
from mattomo.study.plan import Plan
from mattomo.study.run import Room, room_for
from mattomo.study.workers import has_gpu


@study_options
def plan(
    study: Study,
    workers: Workers = None,
    memory: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="Memory that the run may use in all, e.g. 8GB; what is free by default.",
            show_default=False,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Show the units, rows and cost of a study. Trains nothing."""
    most = None if memory is None else memory_of(memory, "--memory")
    planned = study.plan()
    here = ThisMachine.of(planned, workers, most)
    if json:
        print_json(plain_plan(planned, here))
    else:
        show_plan(planned, here)


@dataclass(frozen=True)
class ThisMachine:
    """What a plan takes on the machine that asks.

    Attributes
    ----------
    room : Room
        For its workers.
    pace : float
        See `mattomo.study.pace.pace`.
    seconds : float
        Wall time, if nothing else wants the processors.
    """

    room: Room
    pace: float
    seconds: float

    @classmethod
    def of(cls, planned: Plan, workers: int | None, most: float | None) -> ThisMachine:
        """Of a plan, as `mattomo run` with the same options has it; see `mattomo.study.run.room_for`."""
        room, slower = room_for(planned, planned.units, workers, most), pace(planned)
        return cls(room, slower, planned.seconds(room.workers) * slower)

    def plain(self) -> dict[str, object]:
        """As JSON holds it."""
        return {
            "memory_bytes": None if self.room.memory == float("inf") else int(self.room.memory),
            "workers_that_fit": self.room.fit,
            "workers": self.room.workers,
            "pace": round(self.pace, 2),
            "expected_seconds": self.seconds,
        }


def plain_plan(planned: Plan, here: ThisMachine) -> dict[str, object]:
    """A plan as plain values: all but ``this_machine`` is the same everywhere."""
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
        "processor_seconds": planned.seconds(1),
        "expected_bytes_per_worker": planned.memory(),
        "this_machine": here.plain(),
        "notices": list(planned.prepared.notices),
    }


def show_plan(planned: Plan, here: ThisMachine) -> None:
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
        f"about {duration(planned.seconds(1))} of processor time, {in_gigabytes(planned.memory())} of memory "
        "for a worker"
    )
    room = here.room
    fit = f"{room.fit} fit in {in_gigabytes(max(0.0, room.memory))}"
    if room.memory == float("inf"):
        fit = "any number fits"
    output.print(
        f"on this machine about [bold]{duration(here.seconds)}[/] with {room.workers} workers ({fit}), "
        f"at {here.pace:.2f} times the time of the reference processor"
    )
    if has_gpu():
        output.print("on a processor: what a graphics card takes is not foreseen")
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
