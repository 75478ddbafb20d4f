"""The ``mattomo`` program: its commands, and a mistake as one message (exit code 2)."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.markup import escape

from mattomo.cli.bits import bits
from mattomo.cli.check import check
from mattomo.cli.convert import convert
from mattomo.cli.demo import demo
from mattomo.cli.explain import explain
from mattomo.cli.identity import identity_command
from mattomo.cli.invert import invert
from mattomo.cli.plan import plan
from mattomo.cli.report import report
from mattomo.cli.run import run
from mattomo.cli.select import select
from mattomo.cli.status import status_command
from mattomo.cli.stop import end_when_asked
from mattomo.cli.subsets import subsets
from mattomo.cli.terminal import errors
from mattomo.cli.tomography import tomography
from mattomo.errors import InputError

app = typer.Typer(
    name="mattomo",
    help="Materials tomography: which extra property tells something about a target that the composition, "
    "or the structure, of a material does not already hold?",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _version(show: bool) -> None:
    if show:
        from mattomo import __version__

        typer.echo(f"mattomo {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


for command in (demo, check, convert, plan, run, report, bits, explain, select, tomography, invert, subsets):
    app.command()(command)
app.command("identity")(identity_command)
app.command("status")(status_command)


def main() -> None:
    """Run the program; a mistake or a path that cannot be written is one message, never a traceback."""
    end_when_asked()
    try:
        app()
    except InputError as error:
        errors.print(f"[bold red]error:[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(2)
    except OSError as error:
        # A path that cannot be written, a full disk: nothing of mattomo's own to trace back.
        reason = f"{error.filename or 'a file'}: {error.strerror or error}"
        errors.print(f"[bold red]error:[/] {escape(reason)}", soft_wrap=True)
        sys.exit(2)
