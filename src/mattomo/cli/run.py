"""``mattomo run``: train what a study lacks, and report."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from mattomo.cli.options import Workers, study_options
from mattomo.cli.stop import stoppable
from mattomo.cli.terminal import duration, errors, output, print_json, training_progress
from mattomo.errors import InputError
from mattomo.front import Study
from mattomo.report import render_terminal
from mattomo.results import Results
from mattomo.study.cluster import dask_workers
from mattomo.study.machine import memory_of
from mattomo.study.run import RunReport
from mattomo.study.shards import Shard, read_shard


@study_options
def run(
    study: Study,
    out: Annotated[Path, typer.Option("--out", "-o", help="Study folder: new, or this very study's.")],
    workers: Workers = None,
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="I/N",
            help="Only the I-th of N shares of the units, for job arrays; all may use one folder at once.",
            show_default=False,
        ),
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Train on a Dask cluster, e.g. tcp://node1:8786, or local:4 for one here.",
            show_default=False,
        ),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="Memory this run may use in all, e.g. 8GB: fewer workers where they would need more.",
            show_default=False,
        ),
    ] = None,
    report: Annotated[
        bool | None,
        typer.Option(
            "--report/--no-report",
            help="Write the report; by default unless this run leaves units to other shards or runs.",
            show_default=False,
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Train the missing units of a study and write its report.

    Stop it at any time: the same command goes on where it stopped.
    """
    share = None if shard is None else read_shard(shard)
    if memory is not None:
        memory_of(memory, "--memory")
        if dask is not None:
            raise InputError(
                "it limits the workers of this machine, and those of --dask are elsewhere",
                column="--memory",
                value=memory,
                hint="Limit the memory of Dask's workers where they are started.",
            )
    with contextlib.ExitStack() as stack:
        executor, slots = (None, None) if dask is None else stack.enter_context(dask_workers(dask))
        done = train_and_report(
            study,
            out,
            workers,
            executor=executor,
            slots=slots,
            shard=share,
            memory=memory,
            report=report,
            quiet=quiet,
            json=json,
        )
    if done.failed:
        raise typer.Exit(3)


def train_and_report(
    study: Study,
    folder: Path,
    workers: int | None,
    *,
    executor: Executor | None = None,
    slots: Callable[[], int] | None = None,
    shard: Shard | None = None,
    memory: str | None = None,
    report: bool | None = None,
    quiet: bool = False,
    json: bool = False,
) -> RunReport:
    """Run a study with a progress bar, print what it found and where the report is."""
    planned = study.plan()
    with stoppable(), training_progress(planned, quiet, shard) as tell:
        results = study.run(
            folder,
            workers=workers,
            executor=executor,
            slots=slots,
            shard=shard,
            memory=memory,
            progress=tell,
        )
    done = results.run
    assert done is not None
    for unit, reason in done.failed.items():
        errors.print(f"[bold red]failed[/] {escape(unit)}: {escape(reason)}", soft_wrap=True)
        errors.print("log: ", done.logs[unit], sep="", soft_wrap=True, markup=False)
    if report is None:
        report = done.complete or (shard is None and not done.elsewhere)
    page = _written(results) if report else None
    if json:
        document = {
            "folder": str(folder),
            "report": None if page is None else str(page),
            "units": {"planned": len(planned.units), "done": done.done},
            "trained": done.trained,
            "failed": done.failed,
            "logs": done.logs,
            "elsewhere": done.elsewhere,
            "seconds": done.seconds,
        }
        print_json(document | ({"summary": results.summary()} if report else {}))
        return done
    if report:
        output.print(render_terminal(results.summary(), width=output.width))
    output.print(
        f"{done.trained} units trained in {duration(done.seconds)}, {done.done} of {len(planned.units)} done"
    )
    for unit, holder in done.elsewhere.items():
        output.print(f"left to {escape(holder)}: {escape(unit)}", soft_wrap=True)
    if page is not None:
        output.print("report: ", str(page), sep="", soft_wrap=True, markup=False)
    elif not report:
        output.print(
            f"no report yet: `mattomo report {escape(str(folder))}` writes it from what is done",
            soft_wrap=True,
        )
    return done


def _written(results: Results) -> Path | None:
    """Path of the report; a disk too full for it costs no results."""
    with contextlib.suppress(OSError):
        return results.report()
    errors.print(
        "[bold red]the report cannot be written:[/] "
        f"`mattomo report {escape(str(results.folder))} --out FOLDER` writes it elsewhere",
        soft_wrap=True,
    )
    return None
