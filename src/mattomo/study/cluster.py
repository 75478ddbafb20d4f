"""Workers of a Dask cluster instead of local processes (extra ``dask``)."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from typing import Any

from mattomo.errors import InputError
from mattomo.study.pool import PoolLost
from mattomo.study.workers import ENVIRONMENT
from mattomo.version import __version__

#: Seconds to wait for a scheduler and for its first worker.
_PATIENCE = 60
#: Workers are asked who they are this often, if some of them are lost meanwhile.
_ATTEMPTS = 5


@contextlib.contextmanager
def dask_workers(
    address: str, *, patience: float = _PATIENCE
) -> Iterator[tuple[Executor, Callable[[], int]]]:
    """An executor on a Dask cluster, and how many units to hand to it at a time.

    A worker that is lost costs what it was training: Dask gives that to another one. A scheduler that is lost
    ends the run.

    Parameters
    ----------
    address : str
        Of a scheduler, e.g. ``tcp://node1:8786``; or ``local:3`` for a cluster of three processes here.
    patience : float
        Seconds to wait for the scheduler and for its first worker.

    Raises
    ------
    InputError
        `distributed` is not installed, nobody answers, the workers have another mattomo, or the scheduler
        was lost while units were trained.
    """
    try:
        dask: Any = importlib.import_module("dask")
        distributed: Any = importlib.import_module("distributed")
    except ImportError:
        hint = "pip install 'mattomo[dask]'"
        raise InputError("Dask is not installed", column="--dask", value=address, hint=hint) from None

    def refused(problem: str, hint: str | None = None) -> InputError:
        return InputError(problem, column="--dask", value=address, hint=hint)

    with contextlib.ExitStack() as stack:
        # The rows of a unit travel with it.
        stack.enter_context(dask.config.set({"distributed.admin.large-graph-warning-threshold": "100GB"}))
        target: Any = address
        if address.startswith("local:"):
            target = stack.enter_context(
                distributed.LocalCluster(
                    n_workers=_number(address), threads_per_worker=1, processes=True, dashboard_address=None
                )
            )
        try:
            client = distributed.Client(target, timeout=patience, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            hint = "E.g. tcp://node1:8786, or local:4."
            raise refused(f"no Dask scheduler answers ({error})", hint) from None
        stack.callback(_leave, client)
        try:
            found = _asked(client, patience)
        except TimeoutError:
            raise refused("this scheduler has no workers", "Start `dask worker`.") from None
        except OSError as error:
            raise refused(f"the Dask scheduler, or its workers, were lost ({error})") from None
        except Exception as error:
            raise refused(f"the workers cannot use mattomo ({error})") from None
        if found != {__version__}:
            versions = ", ".join(sorted(found))
            raise refused(f"the workers have mattomo {versions}, this program is {__version__}")
        cluster = _Cluster(client)
        try:
            yield cluster, cluster.slots
        except PoolLost:
            raise refused(
                "the Dask scheduler was lost, and with it the units in training",
                "Finished units are stored: with a new scheduler or without --dask the same command goes on.",
            ) from None


def _asked(client: Any, patience: float) -> set[str]:
    """Versions of mattomo of the workers, when there are some; they get its environment.

    Raises
    ------
    TimeoutError
        There are no workers.
    OSError
        The scheduler is gone.
    """
    attempt = 1
    while True:
        try:
            client.wait_for_workers(1, timeout=patience)
            client.register_plugin(_one_thread(), name="mattomo")
            return set(client.run(_version).values())
        except TimeoutError:
            raise
        except OSError:
            # A worker that is lost while it is asked breaks off the question, not the cluster.
            if attempt == _ATTEMPTS or client.status != "running":
                raise
        attempt += 1
        time.sleep(1)


class _Cluster(Executor):
    """The workers of a client. When its scheduler is lost this says so, instead of waiting for ever."""

    def __init__(self, client: Any) -> None:
        self._client, self._line = client, client.scheduler_comm

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run ``fn`` on a worker; the future raises `PoolLost` if the scheduler is lost meanwhile."""
        self._must_answer()
        answer: Future[Any] = Future()
        answer.set_running_or_notify_cancel()

        def pass_on(future: Any) -> None:
            try:
                result = future.result()
            except BaseException as error:
                lost = future.status == "cancelled" or not self._answers()
                answer.set_exception(PoolLost(str(error)) if lost else error)
            else:
                answer.set_result(result)

        self._client.submit(fn, *args, pure=False, **kwargs).add_done_callback(pass_on)
        return answer

    def slots(self) -> int:
        """One unit a thread, and one more, so that none waits for the next."""
        self._must_answer()
        try:
            return int(sum(self._client.nthreads().values())) + 1
        except Exception as error:
            raise PoolLost(str(error)) from error

    def _answers(self) -> bool:
        # After a new connection nothing is known of what was handed over before.
        return self._client.status == "running" and self._client.scheduler_comm is self._line

    def _must_answer(self) -> None:
        if not self._answers():
            raise PoolLost("the scheduler does not answer")


def _leave(client: Any) -> None:
    """Close a client; one whose scheduler is gone logs tracebacks of that, and has no more to say than we."""
    log = logging.getLogger("distributed.client")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        with contextlib.suppress(OSError, TimeoutError):
            client.close()
    finally:
        log.setLevel(level)


def _number(address: str) -> int:
    text = address.removeprefix("local:")
    if not text.isdecimal() or int(text) < 1:
        raise InputError("this is no number of workers", column="--dask", value=address, hint="E.g. local:4.")
    return int(text)


def _version() -> str:
    return __version__


def _one_thread() -> Any:
    """Environment of local workers in those of a cluster, also of workers that join later."""
    from distributed import WorkerPlugin

    class OneThread(WorkerPlugin):
        def setup(self, worker: Any) -> None:
            for key, value in ENVIRONMENT.items():
                os.environ.setdefault(key, value)

    return OneThread()
