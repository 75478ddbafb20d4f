"""A request to end (SIGTERM, as job schedulers send it before they kill) ends the program cleanly."""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn

#: What a shell reports of a program that SIGTERM ended.
EXIT_CODE = 128 + signal.SIGTERM


class Terminated(SystemExit):
    """The program was asked to end: locks, workers and shared files are cleared on the way out."""

    def __init__(self) -> None:
        super().__init__(EXIT_CODE)


def end_when_asked() -> None:
    """Raise `Terminated` at a SIGTERM, unless whoever started the program chose to ignore it.

    A second one changes nothing: schedulers may send it twice, and clearing up is to be finished.
    """
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _end)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)
    raise Terminated
