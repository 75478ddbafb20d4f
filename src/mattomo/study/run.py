"""Running a plan: trains the units that are missing, and nothing else."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

from mattomo.errors import InputError
from mattomo.materials.quarantine import Quarantine
from mattomo.study import checkpoint
from mattomo.study.journal import Journal
from mattomo.study.locks import Claims
from mattomo.study.machine import available_memory, held_memory, in_gigabytes, memory_of, refuse_beyond
from mattomo.study.plan import Plan
from mattomo.study.pool import refuse_in_worker
from mattomo.study.schedule import Progress, Schedule
from mattomo.study.shards import Shard
from mattomo.study.shared import shared, sweep
from mattomo.study.store import Store
from mattomo.study.units import PlannedUnit
from mattomo.study.workers import default_workers, local_workers

__all__ = ["Progress", "Room", "RunReport", "room_for", "run"]

#: Units handed at a time to an executor whose size is not told.
_SLOTS = 32


@dataclass(frozen=True)
class RunReport:
    """What a run did.

    Attributes
    ----------
    done, trained : int
        Units of the study now finished, and those trained by this run.
    failed : dict of str to str
        Reason by unit.
    seconds : float
        Wall time of this run.
    elsewhere : dict of str to str
        Units left to other runs that are training them, and who they are.
    logs : dict of str to str
        Path of the log of each failed unit.
    complete : bool
        Whether every unit of the study is finished.
    """

    done: int
    trained: int
    failed: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    elsewhere: dict[str, str] = field(default_factory=dict)
    logs: dict[str, str] = field(default_factory=dict)
    complete: bool = True


def run(
    plan: Plan,
    folder: str | os.PathLike[str],
    *,
    quarantine: Quarantine | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
    slots: Callable[[], int] | None = None,
    shard: Shard | None = None,
    memory: float | str | None = None,
    tell: Callable[[Progress], None] | None = None,
) -> RunReport:
    """Train the missing units of a plan and store them.

    Killing a run loses the units it was training (those with checkpoints: their last minute), never a
    finished one. A unit that fails, or ends its worker process twice, is reported and does not stop the
    others. Several runs may share a folder, at once too: each leaves alone what another is making.

    Parameters
    ----------
    plan : Plan
    folder : path
        New, or holding this very study.
    quarantine : Quarantine, optional
        What the reader left out, to be stored beside the results.
    workers : int, optional
        Local processes; by default one a core, fewer where memory does not hold them. It does
        not change any result.
    executor : concurrent.futures.Executor, optional
        Where to train instead of local processes.
    slots : callable, optional
        How many units to hand to ``executor`` at a time; asked again and again, as clusters grow.
    shard : Shard, optional
        Train only this share of the units, and what they need.
    memory : float or str, optional
        Bytes, or a size such as ``8GB``, that this run may use in all, its workers included: it limits their
        number, and the models side by side on a graphics card. It does not change any result.
    tell : callable, optional
        Receives `Progress`, from one thread at a time.

    Returns
    -------
    RunReport

    Raises
    ------
    InputError
        The folder holds another study or cannot be written, ``memory`` is too little for a unit, or a script
        that defines a learner starts this run when a worker reads it.
    """
    started = time.perf_counter()
    refuse_in_worker()
    most = None if memory is None else memory_of(memory)
    if most is not None and executor is not None:
        raise InputError(
            "memory limits the workers of this machine, and these are elsewhere",
            column="memory",
            value=memory,
            hint="Limit the workers where they are started.",
        )
    tell = _one_at_a_time(tell or (lambda _: None))
    store = Store(folder)
    journal = Journal(store.folder / "logs")
    outdated = store.check(plan, (quarantine or Quarantine()) + plan.prepared.left_out)
    mine = plan.units if shard is None else shard.units(plan.units)
    missing: list[PlannedUnit] = []
    for unit in mine:
        if store.state(unit.id) == "done":
            tell(Progress(unit.id, 1.0))
        else:
            missing.append(unit)
    trained: list[str] = []
    failed: dict[str, str] = {}
    elsewhere: dict[str, str] = {}
    if missing or outdated:
        n = _workers(plan, missing, workers, most, tell)
        if most is not None:
            plan = plan.within((most - held_memory()) / n)
        if executor is None:
            # One more than the workers, so that none of them waits for the next.
            slots = lambda: n + 1  # noqa: E731
        slots = slots or (lambda: _SLOTS)
        with _claims(store, n if executor is None else slots()) as claims:
            _prepare(store, outdated, claims, plan, tell)

            def work(plan: Plan, pool: Executor) -> Schedule:
                schedule = Schedule(plan, store, claims, journal, pool, slots, tell)
                schedule.run(missing)
                return schedule

            if executor is not None:
                schedule = work(plan, executor)
            elif missing:
                with (
                    shared(plan, store.folder / "shared", claims) as mapped,
                    local_workers(n, lambda *told: tell(_under_way(*told))) as pool,
                ):
                    schedule = work(mapped, pool)
        if missing:
            trained, failed, elsewhere = schedule.trained, schedule.failed, schedule.elsewhere
    else:
        _tidy(store)
    done = sum(store.exists(unit.id) for unit in plan.units)
    return RunReport(
        done=done,
        trained=len(trained),
        failed=failed,
        seconds=time.perf_counter() - started,
        elsewhere={name: who for name, who in elsewhere.items() if not store.exists(name)},
        logs={name: str(journal.log(name)) for name in failed},
        complete=done == len(plan.units),
    )


@dataclass(frozen=True)
class Room:
    """What memory and cores leave for a run.

    Attributes
    ----------
    memory : float
        Bytes that workers may use.
    fit : int
        Workers that fit in there.
    wanted, workers : int
        Workers that were asked for, one a core by default; and those a run has.
    limited : bool
        Whether these are fewer because memory was limited by name.
    """

    memory: float
    fit: int
    wanted: int
    workers: int
    limited: bool


def room_for(plan: Plan, units: Sequence[PlannedUnit], workers: int | None, most: float | None) -> Room:
    """How many workers there are units, cores and memory for.

    Parameters
    ----------
    plan : Plan
    units : sequence of PlannedUnit
        To be made.
    workers : int, optional
        Whoever asks for workers gets them, unless memory is limited by name.
    most : float, optional
        Bytes that a run may use in all, this process included.

    Raises
    ------
    InputError
        ``most`` is too little for one of the units.
    """
    wanted = max(1, min(workers or default_workers(), len(units)))
    free = available_memory()
    taken = wanted if workers is not None else min(wanted, plan.workers_within(free))
    own = taken
    if most is not None:
        held = held_memory()
        refuse_beyond(most, plan.bytes_needed(units), held)
        free = min(free, most - held)
        own = min(taken, plan.workers_within(most - held))
    return Room(free, plan.workers_within(free), wanted, own, own < taken)


def _workers(
    plan: Plan,
    missing: list[PlannedUnit],
    workers: int | None,
    most: float | None,
    tell: Callable[[Progress], None],
) -> int:
    """Workers of a run; says so if memory was limited by name to fewer."""
    room = room_for(plan, missing, workers, most)
    if most is not None and room.limited:
        left = f"{in_gigabytes(most)} have room for {room.workers} of {room.wanted} workers"
        tell(Progress("", 0.0, f"{left}, {in_gigabytes(plan.memory())} each"))
    return room.workers


def _claims(store: Store, workers: int) -> Claims:
    try:
        store.folder.mkdir(parents=True, exist_ok=True)
        claims = Claims(store.folder / "running", workers=workers)
        claims.folder.mkdir(exist_ok=True)
        return claims
    except OSError as error:
        raise store.unwritable(error) from None


def _prepare(
    store: Store, outdated: dict[str, bytes], claims: Claims, plan: Plan, tell: Callable[[Progress], None]
) -> None:
    """Write what the folder lacks besides units, and remove what killed runs left."""
    try:
        while not claims.take("study"):
            time.sleep(0.2)  # another run is writing the very same
        for message in store.create(outdated):
            tell(Progress("", 0.0, message))
        _sweep(store, claims)
        for unit in plan.units:
            if store.exists(unit.id):
                checkpoint.discard(store.checkpoint(unit.id))
    except OSError as error:
        raise store.unwritable(error) from None
    finally:
        claims.release("study")


def _sweep(store: Store, claims: Claims) -> None:
    """Remove what killed runs left half-made, and their claims."""
    for name in store.parts():
        if claims.take(name):
            store.sweep(name)
            claims.release(name)
    sweep(store.folder / "shared", claims)
    claims.sweep()


def _tidy(store: Store) -> None:
    """Remove what killed runs left in a study that is complete; it may be read-only by now."""
    left = any(any((store.folder / kind).glob("*")) for kind in ("running", "shared"))
    if left or store.parts():
        with contextlib.suppress(OSError), Claims(store.folder / "running") as claims:
            _sweep(store, claims)
            (store.folder / "shared").rmdir()


def _under_way(unit: str, share: float, message: str) -> Progress:
    return Progress(unit, min(share, 0.999), message)


def _one_at_a_time(tell: Callable[[Progress], None]) -> Callable[[Progress], None]:
    lock = threading.Lock()

    def told(progress: Progress) -> None:
        with lock:
            tell(progress)

    return told
