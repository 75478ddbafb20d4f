"""How far a study has come, seen from outside while others train it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Any

from mattomo.study.journal import Journal
from mattomo.study.locks import Holder, holders
from mattomo.study.store import Store

#: Seconds without a touch after which a holder on another machine is not counted as running.
_SILENT = 300.0


@dataclass(frozen=True)
class Running:
    """A unit, or what it needs, that a run holds.

    Attributes
    ----------
    unit : str
    holder : str
        Process and host.
    checkpoint : bool
        Whether an interruption would lose only part of it.
    """

    unit: str
    holder: str
    checkpoint: bool


@dataclass(frozen=True)
class Status:
    """Where a study stands.

    Attributes
    ----------
    planned, done : int
        Units.
    running : tuple of Running
        Handed to workers (one unit waits behind them, so that none is idle).
    failed : dict of str to str
        Reason by unit, of those that failed when last tried.
    logs : dict of str to str
        Path of the log of each failed unit.
    workers : int
        Of all runs that are alive.
    seconds_left : float
        Processor seconds of the units that are missing, expected from the finished ones.
    """

    planned: int
    done: int
    running: tuple[Running, ...]
    failed: dict[str, str]
    logs: dict[str, str]
    workers: int
    seconds_left: float

    @property
    def waiting(self) -> int:
        """Units that are neither done, running nor failed."""
        running = {r.unit for r in self.running}
        return self.planned - self.done - len(running | set(self.failed))


def status(folder: str | os.PathLike[str]) -> Status:
    """Where a study stands; reads only.

    Raises
    ------
    InputError
        There is no study in the folder, or it is of a newer format.
    """
    store = Store(folder)
    study = store.description()
    units: list[str] = study["units"]
    every = {*units, *study.get("conditionals", ())}
    done = [name for name in units if store.exists(name)]
    missing = [name for name in units if not store.exists(name)]
    alive: dict[str, Holder] = {}
    running = []
    for name, holder, touched in holders(store.folder / "running"):
        lives = holder.alive
        # A clock may be behind the file system's: then the touch is in the future, and recent.
        if lives or (lives is None and time.time() - touched < _SILENT):
            alive[holder.token] = holder
            if name in every and not store.exists(name):
                running.append(Running(name, str(holder), store.checkpoint(name).exists()))
    busy = {r.unit for r in running}
    journal = Journal(store.folder / "logs")
    failed = {
        name: reason
        for name, reason in journal.failures().items()
        if name in set(missing) and name not in busy
    }
    return Status(
        planned=len(units),
        done=len(done),
        running=tuple(r for r in running if r.unit in set(units)),
        failed=failed,
        logs={name: str(journal.log(name)) for name in failed},
        workers=sum(holder.workers for holder in alive.values()),
        seconds_left=_seconds_left(store, study, done, missing),
    )


def _seconds_left(store: Store, study: dict[str, Any], done: list[str], missing: list[str]) -> float:
    """Planned cost of what is missing, times how much longer finished units of its kind took."""
    costs: dict[str, float] = study.get("costs", {})
    took: dict[str, list[float]] = {}
    for name in done:
        try:
            seconds = float(store.record(name)["seconds"])
        except (OSError, ValueError, KeyError, TypeError):
            continue  # damaged; the next run says so
        for kind in (_kind(name), ""):
            total = took.setdefault(kind, [0.0, 0.0])
            total[0] += seconds
            total[1] += costs.get(name, 0.0)
    left = 0.0
    for name in missing:
        seconds, planned = took.get(_kind(name)) or took.get("") or [1.0, 1.0]
        left += costs.get(name, 0.0) * (seconds / planned if planned else 1.0)
    return left


def _kind(unit: str) -> str:
    """Representation and learner."""
    return unit.partition("-seed")[0]
