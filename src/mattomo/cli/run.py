"""``mattomo run``: train what a study lacks, and report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from mattomo.cli.options import study_options
from mattomo.cli.terminal import duration, errors, output, print_json, training_progress
from mattomo.front import Results, Study
from mattomo.report import render_terminal


@study_options
def run(
    study: Study,
    out: Annotated[Path, typer.Option("--out", "-o", help="Study folder: new, or this very study's.")],
    workers: Annotated[
        int | None, typer.Option(help="Worker processes; one a core by default.", show_default=False)
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Train the missing units of a study and write its report.

    Stop it at any time: the same command goes on where it stopped.
    """
    results = train_and_report(study, out, workers, quiet=quiet, json=json)
    if results.run is not None and results.run.failed:
        raise typer.Exit(3)


def train_and_report(
    study: Study, folder: Path, workers: int | None, *, quiet: bool = False, json: bool = False
) -> Results:
    """Run a study with a progress bar, print what it found and where the report is."""
    try:
        with training_progress(study.plan(), quiet) as tell:
            results = study.run(folder, workers=workers, progress=tell)
    except KeyboardInterrupt:
        errors.print("interrupted: finished units are stored; the same command goes on where it stopped")
        raise typer.Exit(130) from None
    page = results.report()
    report = results.run
    assert report is not None
    if json:
        print_json(
            {
                "folder": str(folder),
                "report": str(page),
                "units": {"planned": results.outcome.units_planned, "done": report.done},
                "trained": report.trained,
                "failed": report.failed,
                "seconds": report.seconds,
                "summary": results.summary(),
            }
        )
        return results
    for unit, reason in report.failed.items():
        errors.print(f"[bold red]failed[/] {escape(unit)}: {escape(reason)}", soft_wrap=True)
    output.print(render_terminal(results.summary(), width=output.width))
    output.print(
        f"{report.trained} units trained in {duration(report.seconds)}, "
        f"{report.done} of {results.outcome.units_planned} done"
    )
    output.print("report: ", str(page), sep="", soft_wrap=True, markup=False)
    return results
