"""Claims on what is being made, so that runs that share a folder do not make the same thing twice.

A claim is a file ``running/<name>.lock``, made in one step (a hard link, which is atomic on NFS too; where
there are none, exclusive creation). Its holder touches it every few seconds. Whether a holder lives is told

- on the same machine by its process: number and start time;
- on another machine by its touches, counted on the clock of who watches: a lock that has not changed for
  two minutes is taken over. No clock is compared with another, so clocks may differ or jump.

Claims spare work, they do not guard results: a unit is stored in one step and depends on nothing but its
input, so a claim that is broken wrongly (a machine that slept, a file system that hides changes for minutes)
costs a second training and never a number.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mattomo.study.stop import undisturbed

#: Seconds between touches, and without one after which a holder on another machine counts as dead. File
#: systems on a network may show a change up to a minute late.
BEAT, STALE = 5.0, 120.0

State = Literal["free", "live", "silent", "dead"]
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL}


@dataclass(frozen=True)
class Holder:
    """Who holds a claim.

    Attributes
    ----------
    host : str
    pid : int
    started : str
        When the process began, in the system's own count; numbers of processes come again.
    scope : str
        Where ``pid`` means something: machine, its last start, and its space of process numbers.
    token : str
        Of the run.
    workers : int
        Units it trains at once.
    """

    host: str
    pid: int
    started: str
    scope: str
    token: str
    workers: int = 1

    @property
    def alive(self) -> bool | None:
        """Whether its process runs; None if that cannot be told from here."""
        if self.scope != scope() or sys.platform == "win32":
            return None
        if not _exists(self.pid):
            return False
        return self.started == _started(self.pid)

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


class Claims:
    """The claims of one run; a context manager that touches them while it is open.

    Parameters
    ----------
    folder : path
        Of the locks.
    workers : int
        Units this run trains at once.
    beat, stale : float
        Seconds.
    """

    def __init__(self, folder: Path, *, workers: int = 1, beat: float = BEAT, stale: float = STALE) -> None:
        self.folder = folder
        self._beat, self._stale = beat, stale
        pid = os.getpid()
        self.me = Holder(socket.gethostname(), pid, _started(pid), scope(), uuid.uuid4().hex, workers)
        self._held: set[str] = set()
        self._seen: dict[str, tuple[object, float, bool]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._touch, daemon=True)

    def __enter__(self) -> Claims:
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in self.folder.glob(".*.tmp"):
            if (holder := _read(path)) is not None and holder.alive is False:
                path.unlink(missing_ok=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        with undisturbed():
            self._stop.set()
            self._thread.join()
            for name in list(self._held):
                self.release(name)

    def take(self, name: str) -> bool:
        """Claim ``name`` unless a run that may live holds it; dead claims are taken over.

        Raises
        ------
        OSError
            The folder cannot be written.
        """
        with undisturbed():
            return self._take(name)

    def release(self, name: str) -> None:
        """Give up a claim; one that was taken over stays with its new holder."""
        with undisturbed(), contextlib.suppress(OSError):
            self._held.discard(name)
            if (holder := _read(self._path(name))) is not None and holder.token == self.me.token:
                self._path(name).unlink()

    def sweep(self) -> None:
        """Remove the claims of the dead."""
        for path in self.folder.glob("*.lock"):
            name = path.name.removesuffix(".lock")
            if self.state(name) == "dead" and self.take(name):
                self.release(name)

    def holder(self, name: str) -> Holder | None:
        """Who holds a claim, if anyone and as far as it can be read."""
        return _read(self._path(name))

    def state(self, name: str) -> State:
        """``"silent"`` is a holder on another machine that has not been seen to touch its claim yet."""
        return self._look(name)[0]

    def _take(self, name: str) -> bool:
        path = self._path(name)
        for _ in range(3):
            if self._create(path):
                self._held.add(name)
                self._seen.pop(name, None)
                return True
            state, holder = self._look(name)
            if state == "dead":
                self._bury(name, holder)
            elif state != "free":
                return False
        return False

    def _look(self, name: str) -> tuple[State, Holder | None]:
        path = self._path(name)
        try:
            stamp = path.stat().st_mtime_ns
        except FileNotFoundError:
            self._seen.pop(name, None)
            return "free", None
        except OSError:
            return "silent", None
        holder = _read(path)
        if holder is not None and (alive := holder.alive) is not None:
            return "live" if alive else "dead", holder
        now, key = time.monotonic(), (holder, stamp)
        seen, since, touched = self._seen.get(name, (None, now, False))
        if seen != key:
            since, touched = now, seen is not None
            self._seen[name] = (key, since, touched)
        if now - since > self._stale:
            return "dead", holder
        return "live" if touched else "silent", holder

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.lock"

    def _create(self, path: Path) -> bool:
        content = json.dumps(vars(self.me)).encode()
        temporary = self.folder / f".{uuid.uuid4().hex}.tmp"
        try:
            temporary.write_bytes(content)
            try:
                os.link(temporary, path)
                return True
            except OSError as error:
                # A server's answer may be lost though the link was made.
                if error.errno not in _NO_LINKS:
                    if temporary.stat().st_nlink == 2:
                        return True
                    if isinstance(error, FileExistsError):
                        return False
                    raise
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink()
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        except FileExistsError:
            return False
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        return True

    def _bury(self, name: str, dead: Holder | None) -> None:
        """Remove a dead claim, and not one that somebody made in its place meanwhile."""
        path = self._path(name)
        aside = self.folder / f".{uuid.uuid4().hex}.tmp"
        try:
            os.rename(path, aside)
        except FileNotFoundError:
            return
        if _read(aside) != dead:
            with contextlib.suppress(OSError):
                os.link(aside, path)
        aside.unlink(missing_ok=True)
        self._seen.pop(name, None)

    def _touch(self) -> None:
        while not self._stop.wait(self._beat):
            for name in list(self._held):
                with contextlib.suppress(OSError):
                    os.utime(self._path(name))


def holders(folder: Path) -> Iterator[tuple[str, Holder, float]]:
    """Name, holder and time of the last touch of every claim in a folder, by the file system's clock."""
    for path in sorted(folder.glob("*.lock")):
        with contextlib.suppress(OSError):
            stamp = path.stat().st_mtime
            if (holder := _read(path)) is not None:
                yield path.name.removesuffix(".lock"), holder, stamp


def scope() -> str:
    """Where numbers of processes mean something."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(parts)


def _read(path: Path) -> Holder | None:
    """None also of a lock that a crash of the machine left empty."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Holder(**found)
    except (OSError, ValueError, TypeError):
        return None


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _started(pid: int) -> str:
    """Start of a process in ticks since the machine's; "" where the system does not tell."""
    try:
        # The name, in brackets, may hold anything.
        text = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    # A zombie has ended, though its parent has not asked.
    return "" if text[0] == "Z" else text[19]
