"""``mattomo status``: how far a study has come, from another terminal."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from mattomo.cli.terminal import duration, output, print_json
from mattomo.study.status import Status, status


def status_command(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Study folder.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Show what is done, running and failed, and the remaining time. Changes nothing."""
    found = status(folder)
    if json:
        print_json({**asdict(found), "waiting": found.waiting})
        return
    output.print(
        f"[bold]{escape(str(folder))}[/]: {found.done} of {found.planned} units done", soft_wrap=True
    )
    for running in found.running:
        saved = ", with a checkpoint" if running.checkpoint else ""
        output.print(f"running {escape(running.unit)}: {escape(running.holder)}{saved}", soft_wrap=True)
    for unit, reason in found.failed.items():
        output.print(f"[bold red]failed[/] {escape(unit)}: {escape(reason)}", soft_wrap=True)
        output.print("log: ", found.logs[unit], sep="", soft_wrap=True, markup=False)
    if found.waiting:
        output.print(f"{found.waiting} waiting")
    if found.done < found.planned:
        output.print(_remaining(found))


def _remaining(found: Status) -> str:
    basis = "from the finished units" if found.done else "rough: no unit has finished"
    left = duration(found.seconds_left / max(found.workers, 1))
    if found.workers:
        return f"about {left} on {found.workers} workers ({basis})"
    return f"no run is going on; about {left} on one worker ({basis})"
