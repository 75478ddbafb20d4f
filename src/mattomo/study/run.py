"""Running a plan: trains the units that are missing, and nothing else."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass, field
from typing import Any

from mattomo.learners.base import Trained
from mattomo.materials.quarantine import Quarantine
from mattomo.study.plan import Plan, PlannedUnit
from mattomo.study.store import Store
from mattomo.study.workers import default_workers, local_workers, train


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
    missing = []
    for unit in plan.units:
        state = store.state(unit.id)
        if state == "damaged":
            store.discard(unit.id)
            tell(Progress(unit.id, 0.0, "stored unit is damaged (checksum): training it again"))
        if state == "done":
            tell(Progress(unit.id, 1.0))
        else:
            missing.append(unit)
    failed: dict[str, str] = {}
    if missing:
        # Longest first, so that no core waits for a late one.
        missing.sort(key=lambda u: (-plan.seconds(u), u.id))
        if executor is not None:
            failed = _train(plan, missing, store, executor, tell)
        else:
            n = max(1, min(workers or default_workers(), len(missing)))
            with local_workers(n) as (pool, queue):
                listener = threading.Thread(target=_listen, args=(queue, tell), daemon=True)
                listener.start()
                try:
                    failed = _train(plan, missing, store, pool, tell)
                finally:
                    queue.put(None)
                    listener.join(timeout=5)
    done = len(plan.units) - len(failed)
    return RunReport(done, len(missing) - len(failed), failed, time.perf_counter() - started)


def _train(
    plan: Plan,
    units: list[PlannedUnit],
    store: Store,
    executor: Executor,
    tell: Callable[[Progress], None],
) -> dict[str, str]:
    futures: dict[Future[tuple[Trained, dict[str, str]]], PlannedUnit] = {
        executor.submit(train, plan.learners[unit.learner], plan.unit(unit), unit.id): unit for unit in units
    }
    failed = {}
    for future in as_completed(futures):
        unit = futures[future]
        try:
            trained, environment = future.result()
            store.write(plan, unit, trained, environment)
        except Exception as error:
            failed[unit.id] = f"{type(error).__name__}: {error}"
            tell(Progress(unit.id, 0.0, f"failed: {failed[unit.id]}"))
        else:
            tell(Progress(unit.id, 1.0))
    return failed


def _listen(queue: Any, tell: Callable[[Progress], None]) -> None:
    while (item := queue.get()) is not None:
        name, share = item
        tell(Progress(name, min(share, 0.999)))
