"""What happened to each unit: ``logs/<unit>.log`` for people, ``logs/<unit>.json`` while it has failed."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
import traceback
from pathlib import Path

from mattomo.atomic import write_text


class Journal:
    """Logs of a study folder. A disk too full for them stops nothing.

    Parameters
    ----------
    folder : path
        Of the logs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def log(self, unit: str) -> Path:
        """Path of a unit's log."""
        return self.folder / f"{unit}.log"

    def write(self, unit: str, text: str, error: BaseException | None = None) -> None:
        """Append a line, and the traceback of an error."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        lines = f"{stamp} {socket.gethostname()} process {os.getpid()}: {text}\n"
        if error is not None:
            lines += "".join(traceback.format_exception(error))
        with contextlib.suppress(OSError):
            self.folder.mkdir(exist_ok=True)
            with self.log(unit).open("a", encoding="utf-8", errors="replace") as file:
                file.write(lines)

    def failed(self, unit: str, reason: str, error: BaseException | None = None, cause: str = "") -> None:
        """Write down that a unit failed; ``cause`` is what it needed, whose log has the traceback."""
        self.write(unit, f"failed: {reason}", error)
        with contextlib.suppress(OSError):
            write_text(self.folder / f"{unit}.json", json.dumps({"reason": reason, "cause": cause}))

    def clear(self, unit: str) -> None:
        """Forget that a unit has failed."""
        with contextlib.suppress(OSError):
            (self.folder / f"{unit}.json").unlink(missing_ok=True)

    def failures(self) -> dict[str, str]:
        """Reason by unit, of those that failed last time they were tried."""
        found = {}
        for path in sorted(self.folder.glob("*.json")):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                found[path.name.removesuffix(".json")] = str(json.loads(path.read_text("utf-8"))["reason"])
        return found
