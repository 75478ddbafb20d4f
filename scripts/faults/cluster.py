"""SIGKILL of a Dask scheduler, of one of its workers, or of the run that uses them."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from faults.study import Kept, Trial, ended, litter, tables, units, wait_until

#: Seconds after which something hangs. Dask alone may need a minute to give up a connection.
_PATIENCE = 600.0


class Cluster:
    """`dask scheduler` and n `dask worker`s, as a user starts them; used again by run after run."""

    def __init__(self, place: Path, n: int) -> None:
        self._place, self._n, self._started = place, n, 0
        self._options = ("--nthreads", "1", "--no-nanny", "--local-directory", str(place))
        place.mkdir()
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []

    def ready(self) -> str:
        """Replace what was killed; gives the address when all workers are there."""
        import distributed

        if self.scheduler is None or self.scheduler.poll() is not None:
            self.close()
            self._started += 1
            self.scheduler = self._start("scheduler", "--port", "0")
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        while len(self.workers) < self._n:
            self.workers.append(self._start("worker", *self._options))
        deadline = time.monotonic() + _PATIENCE
        while not self._address.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        address: str = json.loads(self._address.read_text())["address"]
        with distributed.Client(address, timeout=_PATIENCE, set_as_default=False) as client:
            client.wait_for_workers(self._n, timeout=_PATIENCE)
        return address

    @property
    def _address(self) -> Path:
        return self._place / f"scheduler-{self._started}.json"

    def _start(self, program: str, *options: str) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-m", f"distributed.cli.dask_{program}", "--host", "127.0.0.1"]
        words += ["--scheduler-file", str(self._address), "--no-dashboard", *options]
        return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def close(self) -> None:
        """End what is left of it."""
        for process in (*self.workers, *([] if self.scheduler is None else [self.scheduler])):
            process.kill()
            process.wait()
        self.scheduler, self.workers = None, []


def cluster(trial: Trial, n: int) -> None:
    """Each attempt goes on where the last one was killed, on the cluster or without it."""
    try:
        import distributed  # noqa: F401
    except ImportError:
        print("Dask: skipped, it is not installed")
        return
    here = Cluster(trial.study.place / "cluster", 3)
    try:
        _kill(trial, here, n)
    finally:
        here.close()


def _kill(trial: Trial, here: Cluster, n: int) -> None:
    study, kept = trial.study, Kept()
    seconds = _undisturbed(trial, here)
    folder = study.place / "killed on a cluster"
    victims = {"scheduler": 0, "worker": 0, "run": 0}
    delivered = survived = studies = 0
    slowest = 0.0
    while delivered < n:
        before = units(folder)
        address = here.ready()
        process = study.start(folder, "--dask", address)
        victim = list(victims)[delivered % 3]
        if wait_until(time.monotonic() + trial.rng.uniform(0, seconds), process):
            _shoot(trial, here, process, victim)
            delivered += 1
            victims[victim] += 1
        else:
            victim = ""
        killed = time.monotonic()
        try:
            code, said = ended(process, _PATIENCE + seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)
            trial.complain(f"the run hangs after the kill of {victim!r}: {ended(process)[1]}")
            continue
        fine = code == {"scheduler": 2, "worker": 0, "run": -signal.SIGKILL, "": 0}[victim]
        if victim == "scheduler":
            slowest = max(slowest, time.monotonic() - killed)
            # It may be killed after the last unit is stored.
            fine = "Dask scheduler" in said if code == 2 else code == 0
            fine = _workers_end(trial, here) and fine
        kept.compare(before, units(folder))
        if not fine or "Traceback" in said or (victim != "run" and litter(folder)):
            trial.complain(f"exit code {code} after kill of {victim!r}, {litter(folder)}: {said}")
        elif victim:
            survived += 1
            if delivered % 5 == 0:
                print(f"{delivered} kills: {kept.lost} units lost, {kept.again} made again", flush=True)
        if code == 0 or delivered == n:
            kept.close(trial, folder, f"after {delivered} kills with Dask")
            studies += 1
    print(
        f"Dask: {survived} of {delivered} survived; {kept.lost} finished units lost ({victims['scheduler']} "
        f"kills of the scheduler, found out within {slowest:.0f} s, {victims['worker']} of a worker, "
        f"{victims['run']} of the run; {kept.again} finished units made again; {studies} studies completed, "
        "equal to the undisturbed one byte for byte)",
        flush=True,
    )
    if kept.lost or kept.again:
        trial.complain(f"Dask: {kept.lost} finished units lost, {kept.again} made again")


def _undisturbed(trial: Trial, here: Cluster) -> float:
    """Seconds of a run on the cluster, the second of two: workers have imported what they need."""
    for _ in range(2):
        folder = trial.study.place / "on a cluster"
        address = here.ready()
        started = time.monotonic()
        code, said = trial.study.finish(folder, "--dask", address)
        seconds = time.monotonic() - started
        if code or tables(folder) != trial.study.truth:
            raise SystemExit(f"the undisturbed run on a cluster failed (exit code {code}): {said}")
        shutil.rmtree(folder)
    return seconds


def _shoot(trial: Trial, here: Cluster, run: subprocess.Popen[str], victim: str) -> None:
    assert here.scheduler is not None
    pid = {
        "scheduler": here.scheduler.pid,
        "worker": trial.rng.choice(here.workers).pid,
        "run": run.pid,
    }[victim]
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _workers_end(trial: Trial, here: Cluster) -> bool:
    """No worker stays behind its scheduler."""
    try:
        for worker in here.workers:
            worker.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        trial.complain("a worker outlives its scheduler")
        return False
    return True
