"""Where a unit's training goes on after an interruption: arrays in one file, whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Seconds of training that an interruption may cost.
EVERY = 60.0


class FileCheckpoint:
    """The checkpoint of one unit: SHA-256, then an ``npz`` without pickles.

    A folder that is not there (a worker that does not see the study's disk) or is full means no checkpoints,
    and a message; training goes on.

    Parameters
    ----------
    path : path
    every : float
        Seconds between saves.
    tell : callable
        Receives messages.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        every: float = EVERY,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.path = Path(path)
        self._every, self._tell = every, tell
        self._last = time.monotonic()
        self._usable = self.path.parent.is_dir()

    def due(self) -> bool:
        """Whether it is time to save again."""
        return self._usable and time.monotonic() - self._last >= self._every

    def save(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Replace what was saved."""
        if not self._usable:
            return
        buffer = io.BytesIO()
        np.savez(buffer, **dict[str, Any](arrays))
        content = buffer.getvalue()
        part = self.path.with_name(self.path.name + ".part")
        try:
            part.write_bytes(hashlib.sha256(content).digest() + content)
            os.replace(part, self.path)
        except OSError as error:
            self._usable = False
            self._tell(f"no checkpoints: {error.strerror or error}")
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
        self._last = time.monotonic()

    def load(self) -> dict[str, NDArray[Any]] | None:
        """What was saved last, if anything; damaged files count as nothing."""
        try:
            content = self.path.read_bytes()
        except OSError:
            return None
        if hashlib.sha256(content[32:]).digest() != content[:32]:
            self._tell("its checkpoint is damaged (checksum): training from the start")
            return None
        with np.load(io.BytesIO(content[32:]), allow_pickle=False) as saved:
            return {name: saved[name] for name in saved.files}


def discard(path: Path) -> None:
    """Remove a checkpoint, and the part of one that a kill left."""
    for each in (path, path.with_name(path.name + ".part")):
        with contextlib.suppress(OSError):
            each.unlink(missing_ok=True)
