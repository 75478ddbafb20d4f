"""Ctrl-C, and SIGTERM, which job schedulers send before they kill: the program ends cleanly."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import typer

from mattomo.cli.terminal import errors
from mattomo.study.stop import stop

#: What a shell reports of programs that these signals ended.
_INTERRUPTED, _TERMINATED = 130, 143


class Terminated(SystemExit):
    """The program was asked to end: locks, workers and shared files are cleared on the way out."""

    def __init__(self) -> None:
        super().__init__(_TERMINATED)


def end_when_asked() -> None:
    """Raise `Terminated` at a SIGTERM and `KeyboardInterrupt` at a Ctrl-C, between two writes of a study.

    A signal that whoever started the program chose to ignore stays ignored. A second SIGTERM changes nothing:
    schedulers may send it twice, and clearing up is to be finished.
    """
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)


def _terminate(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)
    stop(Terminated())


def _interrupt(number: int, frame: FrameType | None) -> None:
    stop(KeyboardInterrupt())


@contextmanager
def stoppable(made: str = "units") -> Iterator[None]:
    """Say what becomes of the work when a signal ends it, and exit with the code of that signal.

    Parameters
    ----------
    made : str
        What is stored one after the other.
    """
    try:
        yield
    except (KeyboardInterrupt, Terminated) as request:
        asked = isinstance(request, Terminated)
        how = "ended by SIGTERM" if asked else "interrupted"
        errors.print(f"{how}: finished {made} are stored; the same command goes on where it stopped")
        raise typer.Exit(_TERMINATED if asked else _INTERRUPTED) from None
