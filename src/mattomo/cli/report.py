"""``mattomo report``: write the report of a study folder again, finished or not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mattomo.cli.terminal import output, print_json
from mattomo.report import render_terminal
from mattomo.results import Results


def report(
    study: Annotated[Path, typer.Argument(help="A study folder.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Where to; `report` in the study folder by default."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The summary as one JSON document.")] = False,
) -> None:
    """Write the HTML page, figures and tables of a study. Trains nothing."""
    results = Results(study)
    page = results.report(out)
    if json:
        print_json(results.summary())
        return
    output.print(render_terminal(results.summary(), width=output.width))
    output.print("report: ", str(page), sep="", soft_wrap=True, markup=False)
