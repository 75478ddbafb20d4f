"""Worker processes that may die: spawned, one a core, each with a line of its own to the run.

A pool of `concurrent.futures` breaks down as a whole when one of its processes is killed, and a killed
process may keep a lock that all share. Here a worker shares nothing: when it dies, its own unit fails, a new
process takes its place, and the others do not notice. Nor does a worker run the user's script again, as
spawned processes do by themselves, unless what it gets is defined there: scripts need no guard around what
they call.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import queue
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from multiprocessing import spawn
from multiprocessing.connection import Connection
from typing import Any

from mattomo.errors import InputError

Tell = Callable[[str, float, str], None]
_CONTEXT = multiprocessing.get_context("spawn")
_NAME = "mattomo worker"
#: What tells a spawned process where the user's script is.
_SCRIPT = ("init_main_from_name", "init_main_from_path")
_SPAWNING = threading.Lock()

#: In a worker: whether the user's script is being run there, for what it defines.
_in_script = False


class WorkerDied(RuntimeError):
    """The process that trained a unit ended before it answered."""


class PoolLost(RuntimeError):
    """Whoever trains units no longer answers; what was handed over will not come back."""


class _Remote(Exception):
    """Traceback of an error in a worker, as its cause."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def refuse_in_worker() -> None:
    """Check that this is not the user's script, run again in a worker for what it defines.

    Raises
    ------
    InputError
        It is: it would start workers in workers.
    """
    if _in_script:
        raise InputError(
            "a worker process has to run this script for what it defines, and the script starts a study",
            hint='Put the calls under `if __name__ == "__main__":`.',
        )


class LocalWorkers(Executor):
    """An executor of ``n`` processes, started when first needed.

    Parameters
    ----------
    n : int
    tell : callable
        Receives unit, share done and message, from several threads.
    """

    def __init__(self, n: int, tell: Tell) -> None:
        refuse_in_worker()
        self._tell = tell
        self._jobs: queue.SimpleQueue[tuple[Future[Any], Any] | None] = queue.SimpleQueue()
        self._ended = False
        self._lanes = [_Lane() for _ in range(n)]
        self._threads = [
            threading.Thread(target=self._serve, args=(lane,), daemon=True) for lane in self._lanes
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run ``fn`` in a worker; the future raises `WorkerDied` if that worker is killed."""
        if self._ended:
            raise RuntimeError("these workers were shut down")
        future: Future[Any] = Future()
        self._jobs.put((future, (fn, args, kwargs)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let the workers finish what they have, then end them."""
        self._ended = True
        if cancel_futures:
            with contextlib.suppress(queue.Empty):
                while (job := self._jobs.get_nowait()) is not None:
                    job[0].cancel()
        for _ in self._lanes:
            self._jobs.put(None)
        if wait:
            for thread in self._threads:
                thread.join()

    def kill(self) -> None:
        """End the workers at once."""
        self.shutdown(wait=False, cancel_futures=True)
        for lane in self._lanes:
            lane.kill()
        for thread in self._threads:
            thread.join(timeout=5)

    def _serve(self, lane: _Lane) -> None:
        while (job := self._jobs.get()) is not None:
            future, call = job
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = lane.ask(call, self._tell)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)
            # The thread waits here for its next job, and must not hold on to the last one's arrays.
            del future, call, job
            result = None
        lane.close()


class _Lane:
    """One process at a time, and the line to it."""

    def __init__(self) -> None:
        self._process: Any = None
        self._line: Connection | None = None
        self._lock = threading.Lock()
        self._killed = False

    def ask(self, call: Any, tell: Tell) -> Any:
        with self._lock:
            if self._killed:
                raise WorkerDied("the run was stopped")
            if self._process is None or not self._process.is_alive():
                self._start()
        assert self._line is not None
        try:
            self._line.send(call)
            while True:
                kind, value = self._line.recv()
                if kind == "tell":
                    self._pass_on(tell, value)
                elif kind == "result":
                    return value
                else:
                    error, text = value
                    raise error from _Remote(text)
        except (EOFError, ConnectionError):
            self._process.join(timeout=5)
            raise WorkerDied(_ending(self._process.exitcode)) from None

    def _pass_on(self, tell: Tell, value: tuple[str, float, str]) -> None:
        try:
            tell(*value)
        except BaseException:
            # The answer would come to whoever asks next.
            self._process.kill()
            raise

    def _start(self) -> None:
        self._forget()
        self._line, theirs = _CONTEXT.Pipe()
        try:
            with _without_script() as script:
                self._process = _CONTEXT.Process(target=_work, args=(theirs, script), name=_NAME)
                self._process.start()
        except BaseException:
            self._process = None
            raise
        finally:
            theirs.close()

    def _forget(self) -> None:
        if self._line is not None:
            self._line.close()
        if self._process is not None:
            self._process.join()
            self._process.close()
        self._line = self._process = None

    def close(self) -> None:
        """The worker ends when its line does."""
        with self._lock:
            self._forget()

    def kill(self) -> None:
        with self._lock:
            self._killed = True
            if self._process is not None:
                self._process.kill()


@contextlib.contextmanager
def _without_script() -> Iterator[dict[str, str]]:
    """Processes of our name are started without being told to run the user's script first: where it is."""
    with _SPAWNING:
        whole = spawn.get_preparation_data
        script = {k: v for k, v in whole(_NAME).items() if k in _SCRIPT}

        def data(name: str) -> dict[str, Any]:
            return {k: v for k, v in whole(name).items() if name != _NAME or k not in _SCRIPT}

        spawn.get_preparation_data = data
        try:
            yield script
        finally:
            spawn.get_preparation_data = whole


def _work(line: Connection, script: dict[str, str]) -> None:
    """What a worker process does until its line ends; ``script`` is where the user's is, if there is one."""
    from mattomo.study import workers

    # Ctrl-C goes to the whole group, and a scheduler's SIGTERM to the whole job; the run decides what
    # happens to its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    workers.told_by(lambda *told: line.send(("tell", told)))
    while True:
        try:
            packed = line.recv_bytes()
        except (EOFError, ConnectionError):
            return
        try:
            fn, args, kwargs = _unpacked(packed, script)
        except BaseException as error:  # what was sent cannot be unpacked here
            line.send(("error", _sendable(error)))
            continue
        try:
            answer: tuple[str, Any] = ("result", fn(*args, **kwargs))
        except BaseException as error:
            answer = ("error", _sendable(error))
        del fn, args, kwargs, packed
        try:
            line.send(answer)
        except ConnectionError:
            return
        except BaseException as error:  # a result that cannot be packed
            line.send(("error", _sendable(error)))
        del answer


def _unpacked(packed: bytes, script: dict[str, str]) -> Any:
    """What was sent; the user's script is run for it if it is not known otherwise, and only once."""
    global _in_script
    try:
        return pickle.loads(packed)
    except AttributeError as error:
        if not script or "__main__" not in str(error):
            raise
    where = dict(script)
    script.clear()
    _in_script = True
    try:
        spawn.prepare(where)
    finally:
        _in_script = False
    return pickle.loads(packed)


def _sendable(error: BaseException) -> tuple[BaseException, str]:
    """An error that can be unpacked at the other end, and its traceback."""
    text = "".join(traceback.format_exception(error))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}"), text
    return error, text


def _end_with_parent() -> None:
    """A killed run leaves no workers behind, whatever they are doing."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _ending(code: int | None) -> str:
    """How a process ended, in words."""
    if code is None or code >= 0:
        return f"its worker process ended (exit code {code})"
    name = signal.Signals(-code).name if -code in signal.valid_signals() else f"signal {-code}"
    memory = (
        ": by the system when memory runs out, or by hand" if -code == getattr(signal, "SIGKILL", 9) else ""
    )
    return f"its worker process was killed ({name}{memory})"
