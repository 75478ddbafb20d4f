"""Which unit is trained next, and what becomes of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from dataclasses import dataclass
from typing import Any

from mattomo.errors import InputError
from mattomo.study import checkpoint
from mattomo.study.journal import Journal
from mattomo.study.locks import Claims
from mattomo.study.plan import Plan
from mattomo.study.pool import PoolLost, WorkerDied
from mattomo.study.store import Kind, Store
from mattomo.study.units import PlannedConditional, PlannedUnit
from mattomo.study.workers import learn, train

#: Seconds between looks at what other runs do, and at whether an executor still answers.
_POLL = 0.5
#: A unit that ends its worker this often has failed.
_DEATHS = 2

Item = PlannedUnit | PlannedConditional


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


class Schedule:
    """Trains units, each as soon as what it needs is learned, a few at a time.

    Parameters
    ----------
    plan : Plan
    store : Store
    claims : Claims
    journal : Journal
    executor : Executor
    slots : callable
        How many units to hand to the executor at a time.
    tell : callable
        Receives `Progress`.

    Attributes
    ----------
    trained : list of str
        Units this run trained and stored.
    failed : dict of str to str
        Reason by unit.
    elsewhere : dict of str to str
        Units left to another run that is training them, and who that is.
    """

    def __init__(
        self,
        plan: Plan,
        store: Store,
        claims: Claims,
        journal: Journal,
        executor: Executor,
        slots: Callable[[], int],
        tell: Callable[[Progress], None],
    ) -> None:
        self._plan, self._store, self._claims, self._journal = plan, store, claims, journal
        self._executor, self._slots, self._tell = executor, slots, tell
        self._left: dict[str, Item] = {}
        self._flying: dict[Future[Any], Item] = {}
        self._flown: set[str] = set()
        self._deaths: dict[str, int] = {}
        self._ready: set[str] = set()
        self.trained: list[str] = []
        self.failed: dict[str, str] = {}
        self.elsewhere: dict[str, str] = {}

    def run(self, units: Sequence[PlannedUnit]) -> None:
        """Train what can be trained here; returns when nothing is left, or all that is left is elsewhere.

        Raises
        ------
        PoolLost
            The executor broke down or took units back; what is stored stays.
        """
        needed = {c.id: c for unit in units if (c := self._plan.needs(unit)) is not None}
        # Longest first, so that no core waits for a late one.
        longest = sorted(units, key=lambda u: (-self._plan.costs[u.id], u.id))
        items: list[Item] = [*needed.values(), *longest]
        self._left = {item.id: item for item in items}
        while self._left:
            self._fill()
            if self._flying:
                for future in wait(self._flying, _POLL, FIRST_COMPLETED).done:
                    self._finish(self._flying.pop(future), future)
            elif self._left and not self._worth_waiting():
                break
            elif self._left:
                time.sleep(_POLL)

    def _fill(self) -> None:
        """Hand over as many units as there is room for."""
        for item in list(self._left.values()):
            if len(self._flying) >= self._slots():
                return
            if item.id in self._left and item.id not in self._flown:
                self._begin(item)

    def _begin(self, item: Item) -> None:
        if self._is_waiting(item):
            return
        if isinstance(item, PlannedConditional) and not any(map(self._is_waiting, self._left.values())):
            self._left.pop(item.id)  # other runs have made all that needs it
            return
        if self._store.state(item.id, kind(item)) == "done":
            self._found(item)
            return
        try:
            if not self._claims.take(item.id):
                self.elsewhere[item.id] = str(self._claims.holder(item.id) or "another run")
                return
            state = self._store.state(item.id, kind(item))
            if state == "damaged":
                self._store.discard(item.id, kind(item))
                self._say(item, "stored numbers are damaged (checksum): making them again")
        except OSError as error:
            self._fail(item, f"it cannot be claimed: {error.strerror or error}", error)
            return
        self.elsewhere.pop(item.id, None)
        if state == "done":  # finished between the look and the claim
            self._found(item)
        else:
            self._submit(item)

    def _is_waiting(self, item: Item) -> bool:
        """Whether what a unit needs is still being learned."""
        if isinstance(item, PlannedConditional):
            return False
        needed = self._plan.needs(item)
        return needed is not None and needed.id not in self._ready

    def _found(self, item: Item) -> None:
        """It is stored: another run made it."""
        self._settle(item)
        self._tell(Progress(item.id, 1.0))

    def _submit(self, item: Item) -> None:
        plan = self._plan
        future: Future[Any]
        try:
            if isinstance(item, PlannedConditional):
                future = self._executor.submit(learn, *plan.question(item))
            else:
                needed = plan.needs(item)
                known = None if needed is None else self._store.conditionals(needed.id)
                saved = str(self._store.checkpoint(item.id))
                learner, unit = plan.learners[item.learner], plan.unit(item, known)
                future = self._executor.submit(train, learner, unit, item.id, saved)
        except PoolLost:
            raise
        except Exception as error:  # the executor broke down, or its need cannot be read
            self._fail(item, _reason(error), error)
        else:
            self._journal.write(item.id, "begun")
            self._flown.add(item.id)
            self._flying[future] = item

    def _finish(self, item: Item, future: Future[Any]) -> None:
        self._flown.discard(item.id)
        try:
            result, circumstances = future.result()
        except CancelledError as error:
            raise PoolLost("the executor gave a unit back untrained") from error
        except PoolLost:
            raise
        except WorkerDied as error:
            self._deaths[item.id] = self._deaths.get(item.id, 0) + 1
            if self._deaths[item.id] < _DEATHS:
                self._say(item, f"{error}; trying again")
                self._submit(item)
            else:
                self._fail(item, f"{error}, for the second time", error)
            return
        except Exception as error:
            self._fail(item, _reason(error), error)
            return
        try:
            if isinstance(item, PlannedConditional):
                self._store.write_conditionals(self._plan, item, result, circumstances)
            else:
                self._store.write(self._plan, item, result, circumstances)
        except OSError as error:
            self._fail(item, f"it is made but cannot be stored: {error.strerror or error}", error)
            return
        except Exception as error:
            self._fail(item, _reason(error), error)
            return
        if isinstance(item, PlannedUnit):
            self.trained.append(item.id)
            checkpoint.discard(self._store.checkpoint(item.id))
        self._journal.write(item.id, "stored")
        self._settle(item)
        self._tell(Progress(item.id, 1.0))

    def _settle(self, item: Item) -> None:
        self._left.pop(item.id, None)
        self.elsewhere.pop(item.id, None)
        if isinstance(item, PlannedConditional):
            self._ready.add(item.id)
        self._journal.clear(item.id)
        self._claims.release(item.id)

    def _fail(self, item: Item, reason: str, error: BaseException) -> None:
        self._left.pop(item.id, None)
        self._claims.release(item.id)
        if isinstance(item, PlannedUnit):
            self._failed(item, reason, error)
            return
        self._journal.failed(item.id, reason, error)
        for unit in [u for u in self._left.values() if isinstance(u, PlannedUnit)]:
            if self._plan.needs(unit) == item:
                self._left.pop(unit.id)
                self._failed(unit, f"what it needs beforehand failed ({item.id}): {reason}", error)

    def _failed(self, unit: PlannedUnit, reason: str, error: BaseException) -> None:
        self.failed[unit.id] = reason
        self._journal.failed(unit.id, reason, error)
        self._tell(Progress(unit.id, 0.0, f"failed: {reason}"))

    def _say(self, item: Item, message: str) -> None:
        self._journal.write(item.id, message)
        self._tell(Progress(item.id, 0.0, message))

    def _worth_waiting(self) -> bool:
        """Whether something left may still come here: its holder may be dead, or it waits for a need."""
        for item in self._left.values():
            if self._is_waiting(item) or isinstance(item, PlannedConditional):
                return True
            if self._claims.state(item.id) != "live":
                return True
        return False


def kind(item: Item) -> Kind:
    """The folder in which it is stored."""
    return "conditionals" if isinstance(item, PlannedConditional) else "units"


def _reason(error: BaseException) -> str:
    if isinstance(error, InputError):
        return str(error)
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
