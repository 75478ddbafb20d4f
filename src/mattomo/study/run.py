"""Running a plan: trains the units that are missing, and nothing else."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field
from typing import Any

from mattomo.materials.quarantine import Quarantine
from mattomo.study.plan import Plan
from mattomo.study.store import Store
from mattomo.study.units import PlannedConditional, PlannedUnit
from mattomo.study.workers import default_workers, learn, local_workers, train


@dataclass(frozen=True)
class Progress:
    """What a run tells while it works.

    Attributes
    ----------
    unit : str
        Its id, or "" for a message about the whole run.
    share : float
        Share of the unit that is done; 1 only once it is stored.
    message : str
        Something to show, e.g. why a unit is trained again.
    """

    unit: str
    share: float
    message: str = ""


@dataclass(frozen=True)
class RunReport:
    """What a run did.

    Attributes
    ----------
    done, trained : int
        Units now finished, and those trained by this run.
    failed : dict of str to str
        Reason by unit.
    seconds : float
        Wall time of this run.
    """

    done: int
    trained: int
    failed: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


def run(
    plan: Plan,
    folder: str | os.PathLike[str],
    *,
    quarantine: Quarantine | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
    tell: Callable[[Progress], None] | None = None,
) -> RunReport:
    """Train the missing units of a plan and store them.

    Killing a run loses the units it was training, never a finished one. A unit that fails is reported
    and does not stop the others.

    Parameters
    ----------
    plan : Plan
    folder : path
        New, or holding this very study.
    quarantine : Quarantine, optional
        What the reader left out, to be stored beside the results.
    workers : int, optional
        Local processes; one a core by default. It does not change any result.
    executor : concurrent.futures.Executor, optional
        Where to train instead of local processes.
    tell : callable, optional
        Receives `Progress`.

    Returns
    -------
    RunReport

    Raises
    ------
    InputError
        The folder holds another study or cannot be written.
    """
    started = time.perf_counter()
    tell = tell or (lambda _: None)
    store = Store(folder)
    store.create(plan, (quarantine or Quarantine()) + plan.prepared.left_out)
    store.sweep()
    missing = [unit for unit in plan.units if not _is_done(store, unit.id, "units", tell)]
    needed = {c.id: c for unit in missing if (c := plan.needs(unit)) is not None}
    before = [c for c in needed.values() if not _is_done(store, c.id, "conditionals", tell)]
    failed: dict[str, str] = {}
    if missing:
        # Longest first, so that no core waits for a late one.
        missing.sort(key=lambda u: (-plan.seconds(u), u.id))
        if executor is not None:
            failed = _train(plan, missing, before, store, executor, tell)
        else:
            n = max(1, min(workers or default_workers(), len(missing)))
            with local_workers(n) as (pool, queue):
                listener = threading.Thread(target=_listen, args=(queue, tell), daemon=True)
                listener.start()
                try:
                    failed = _train(plan, missing, before, store, pool, tell)
                finally:
                    queue.put(None)
                    listener.join(timeout=5)
    done = len(plan.units) - len(failed)
    return RunReport(done, len(missing) - len(failed), failed, time.perf_counter() - started)


def _is_done(store: Store, name: str, kind: str, tell: Callable[[Progress], None]) -> bool:
    state = store.state(name, kind)
    if state == "damaged":
        store.discard(name, kind)
        tell(Progress(name, 0.0, "stored numbers are damaged (checksum): making them again"))
    if state == "done":
        tell(Progress(name, 1.0))
    return state == "done"


def _train(
    plan: Plan,
    units: list[PlannedUnit],
    before: list[PlannedConditional],
    store: Store,
    executor: Executor,
    tell: Callable[[Progress], None],
) -> dict[str, str]:
    """Learn what the units need, then train them, each as soon as its need is met."""
    failed: dict[str, str] = {}
    waiting = {c.id: [unit for unit in units if plan.needs(unit) == c] for c in before}
    held = {unit.id for some in waiting.values() for unit in some}
    futures: dict[Future[Any], PlannedUnit | PlannedConditional] = {
        executor.submit(learn, *plan.question(c)): c for c in before
    }

    def fail(unit: PlannedUnit, reason: str) -> None:
        failed[unit.id] = reason
        tell(Progress(unit.id, 0.0, f"failed: {reason}"))

    def submit(unit: PlannedUnit) -> None:
        needed = plan.needs(unit)
        try:
            known = None if needed is None else store.conditionals(needed.id)
            future = executor.submit(train, plan.learners[unit.learner], plan.unit(unit, known), unit.id)
        except Exception as error:  # the pool broke down, or its need cannot be read
            fail(unit, f"{type(error).__name__}: {error}")
        else:
            futures[future] = unit

    for unit in units:
        if unit.id not in held:
            submit(unit)
    while futures:
        for future in wait(futures, return_when=FIRST_COMPLETED).done:
            item = futures.pop(future)
            try:
                if isinstance(item, PlannedConditional):
                    store.write_conditionals(plan, item, *future.result())
                else:
                    store.write(plan, item, *future.result())
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
                if isinstance(item, PlannedConditional):
                    reason = f"what it needs beforehand failed ({item.id}): {reason}"
                for unit in waiting[item.id] if isinstance(item, PlannedConditional) else [item]:
                    fail(unit, reason)
                continue
            tell(Progress(item.id, 1.0))
            if isinstance(item, PlannedConditional):
                for unit in waiting[item.id]:
                    submit(unit)
    return failed


def _listen(queue: Any, tell: Callable[[Progress], None]) -> None:
    while (item := queue.get()) is not None:
        name, share = item
        tell(Progress(name, min(share, 0.999)))
