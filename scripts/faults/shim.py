"""Runs mattomo on a faulty disk or with a faulty clock; workers that it starts get the same faults.

    MATTOMO_SHIM='{"disk": {...}}' python shim.py run ...

The variable holds, in JSON, any of

disk         {"folder", "event", "match", "nth", "errno", "stays"}: below ``folder``, the ``nth`` (from 1)
             event on a file that ``match`` fits fails with ``errno``, and all later ones if it ``stays``.
             Events: "write" of bytes (half of them arrive), "read", "change" (a file is opened for writing,
             made a link, renamed; a folder is made).
trace        path of a file that gets a line "event path" for each event below ``disk.folder``
struck       path of a file that gets such a line for each event that failed
clock        {"ahead", "after", "by"}: seconds this process's clock is ahead, and after how many seconds it
             jumps by how many
stale        seconds without a touch after which a claim from another machine is taken over
checkpoints  seconds of training between checkpoints
"""

from __future__ import annotations

import builtins
import contextlib
import fnmatch
import io
import json
import os
import threading
import time
from collections.abc import Callable
from typing import Any

_OPEN, _APPEND = io.open, os.O_APPEND | os.O_CREAT | os.O_WRONLY


class Disk:
    """Fails where it was told to."""

    def __init__(self, disk: dict[str, Any], trace: str = "", struck: str = "") -> None:
        self.folder = os.path.realpath(disk["folder"]) + os.sep
        self._fail, self._seen, self._lock = disk, 0, threading.Lock()
        self._trace, self._struck = (os.open(path, _APPEND) if path else None for path in (trace, struck))

    def reach(self, event: str, path: Any) -> None:
        """An event on a file; raises OSError if it fails."""
        name = self.inside(path)
        if name is None:
            return
        line = f"{event} {name}\n".encode()
        if self._trace is not None:
            os.write(self._trace, line)
        if self._fail.get("event") != event or not fnmatch.fnmatch(name, self._fail["match"]):
            return
        with self._lock:
            self._seen += 1
            fails = self._seen == self._fail["nth"] or (
                self._fail["stays"] and self._seen > self._fail["nth"]
            )
        if fails:
            if self._struck is not None:
                os.write(self._struck, line)
            raise OSError(self._fail["errno"], os.strerror(self._fail["errno"]), os.fspath(path))

    def inside(self, path: Any) -> str | None:
        """Its name below the folder."""
        if isinstance(path, int):
            with contextlib.suppress(OSError):
                path = os.readlink(f"/proc/self/fd/{path}")
        if not isinstance(path, str | os.PathLike):
            return None
        full = os.path.realpath(path)
        return full.removeprefix(self.folder) if full.startswith(self.folder) else None


def _break_disk(disk: Disk) -> None:
    class Raw(io.FileIO):
        """A file whose reads and writes may fail, on a path known when it was opened."""

        path: str

        def write(self, data: Any, /) -> int:
            try:
                disk.reach("write", self.path)
            except OSError:
                view = memoryview(data).cast("B")
                super().write(view[: len(view) // 2])
                raise
            return super().write(data) or 0

        def readinto(self, buffer: Any, /) -> int | None:
            disk.reach("read", self.path)
            return super().readinto(buffer)

        def readall(self) -> bytes | None:
            disk.reach("read", self.path)
            return super().readall()

        def read(self, size: int = -1, /) -> bytes | None:
            disk.reach("read", self.path)
            return super().read(size)

    def opened(
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Callable[[str, int], int] | None = None,
    ) -> Any:
        if disk.inside(file) is None:
            return _OPEN(file, mode, buffering, encoding, errors, newline, closefd, opener)
        writes = bool(set(mode) & set("wax+"))
        if writes:
            disk.reach("change", file)
        raw = Raw(file, mode.replace("t", ""), closefd, opener)
        raw.path = os.path.join(disk.folder, disk.inside(file) or "")
        if buffering == 0:
            return raw
        kind = io.BufferedRandom if "+" in mode else io.BufferedWriter if writes else io.BufferedReader
        buffered = kind(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding, errors, newline)

    builtins.open = io.open = opened  # type: ignore[assignment]
    for name in ("replace", "rename", "link", "mkdir"):
        setattr(os, name, _faulty(disk, getattr(os, name)))
    real = os.open

    def low(path: Any, flags: int, *more: Any, **named: Any) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR):
            disk.reach("change", path)
        return real(path, flags, *more, **named)

    os.open = low


def _faulty(disk: Disk, function: Callable[..., Any]) -> Callable[..., Any]:
    def changed(path: Any, *more: Any, **named: Any) -> Any:
        disk.reach("change", more[0] if more and isinstance(more[0], str | os.PathLike) else path)
        return function(path, *more, **named)

    return changed


def _break_clock(ahead: float, after: float, by: float) -> None:
    started, real = time.monotonic(), time.time

    def now() -> float:
        return real() + ahead + (by if time.monotonic() - started > after else 0.0)

    def told(function: Callable[..., Any], at: int) -> Callable[..., Any]:
        """A function of a moment, which is now if it is not given."""

        def of(*given: Any) -> Any:
            moment = now() if at == 0 else time.localtime()
            return function(*(given if len(given) > at else (*given, moment)))

        return of

    time.localtime, time.gmtime = told(time.localtime, 0), told(time.gmtime, 0)
    time.strftime = told(time.strftime, 1)
    time.time = now
    time.time_ns = lambda: int(now() * 1e9)
    utime = os.utime

    def touched(path: Any, times: Any = None, *, ns: Any = None, **named: Any) -> None:
        if ns is None:
            utime(path, times or (now(), now()), **named)
        else:
            utime(path, ns=ns, **named)

    os.utime = touched


def install(shim: dict[str, Any]) -> None:
    """Break this process's world."""
    if "stale" in shim:
        from mattomo.study.locks import Claims

        _default(Claims.__init__, "stale", shim["stale"])
    if "checkpoints" in shim:
        from mattomo.study.checkpoint import FileCheckpoint

        _default(FileCheckpoint.__init__, "every", shim["checkpoints"])
    if "clock" in shim:
        _break_clock(**shim["clock"])
    if "disk" in shim:
        _break_disk(Disk(shim["disk"], shim.get("trace", ""), shim.get("struck", "")))


def _default(function: Any, name: str, value: float) -> None:
    if name not in function.__kwdefaults__:
        raise SystemExit(f"{function.__qualname__} has no {name} any more")
    function.__kwdefaults__[name] = value


if "MATTOMO_SHIM" in os.environ:
    install(json.loads(os.environ["MATTOMO_SHIM"]))

if __name__ == "__main__":
    from mattomo.cli import main

    main()
