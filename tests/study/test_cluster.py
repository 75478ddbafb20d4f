"""A real scheduler and real worker processes on loopback."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import mattomo as mt
from mattomo.study.cluster import _Cluster, dask_workers
from mattomo.study.pool import PoolLost
from mattomo.study.run import run

from .conftest import Inline
from .test_faults import TREES, tables

distributed = pytest.importorskip("distributed")
CHOICES = {**TREES, "targets": ("band_gap", "density", "volume"), "properties": ("crystal_system",)}


@contextlib.contextmanager
def cluster(folder, n):
    """`dask scheduler` and n `dask worker`s, as a user starts them; gives its address and all processes."""
    address_file = folder / "scheduler.json"
    options = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started = []

    def start(*words):
        program = [sys.executable, "-m", f"distributed.cli.dask_{words[0]}"]
        command = [*program, "--scheduler-file", str(address_file), *words[1:]]
        started.append(subprocess.Popen(command, **options))

    try:
        start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        for _ in range(n):
            start("worker", "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1")
        deadline = time.monotonic() + 120
        while not address_file.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        address = json.loads(address_file.read_text())["address"]
        with distributed.Client(address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(n, timeout=120)
        yield address, started
    finally:
        for process in started[::-1]:
            process.kill()
            process.wait()


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # those of other people's servers and sockets
def test_three_workers_one_killed_in_the_middle(tmp_path):
    plan = mt.Study(mt.load("mp1000").take(np.arange(60)), **CHOICES).plan()
    assert run(plan, tmp_path / "here", executor=Inline()).complete
    killed = []
    with cluster(tmp_path, 3) as (address, (_, *workers)):

        def kill_one(progress):
            if progress.share == 1 and "-trees-" in progress.unit and not killed:
                killed.append(progress.unit)
                os.kill(workers[0].pid, signal.SIGKILL)

        with dask_workers(address) as (executor, slots):
            assert slots() == 4
            report = run(plan, tmp_path / "there", executor=executor, slots=slots, tell=kill_one)
        assert workers[0].wait() == -signal.SIGKILL
    assert killed
    assert (report.failed, report.trained, report.complete) == ({}, 6, True)
    assert tables(tmp_path / "there") == tables(tmp_path / "here")


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_scheduler_killed_in_the_middle_ends_the_run(tmp_path):
    plan = mt.Study(mt.load("mp1000").take(np.arange(60)), **CHOICES).plan()
    with cluster(tmp_path, 3) as (address, (scheduler, *workers)):

        def kill_it(progress):
            if progress.share == 1 and "-trees-" in progress.unit:
                scheduler.kill()

        with (
            pytest.raises(mt.InputError, match=r"the Dask scheduler was lost.*Finished units are stored"),
            dask_workers(address) as (executor, slots),
        ):
            run(plan, tmp_path / "study", executor=executor, slots=slots, tell=kill_it)
        for worker in workers:
            worker.wait(timeout=60)
    stored = {path.name for path in tmp_path.glob("study/units/*")}
    assert 1 <= len(stored) < 6
    assert not list(tmp_path.glob("study/running/*"))
    again = run(plan, tmp_path / "study", executor=Inline())
    assert (again.trained, again.complete) == (6 - len(stored), True)
    assert run(plan, tmp_path / "here", executor=Inline()).complete
    assert tables(tmp_path / "study") == tables(tmp_path / "here")


class Line:
    """What `_Cluster` asks of a client and its futures."""

    def __init__(self):
        self.status, self.scheduler_comm, self.futures = "running", object(), []

    def nthreads(self):
        return {"one": 1, "two": 2}

    def submit(self, fn, *args, pure):
        assert not pure
        self.futures.append(Answer(lambda: fn(*args)))
        return self.futures[-1]


class Answer:
    def __init__(self, result):
        self.result, self.status = result, "pending"

    def add_done_callback(self, fn):
        self.done = lambda: fn(self)


def test_what_is_handed_over_between_two_connections_is_given_back():
    client = Line()
    executor = _Cluster(client)
    assert executor.slots() == 4
    good, bad, late = (executor.submit(divmod, 7, each) for each in (2, 0, 3))
    client.futures[0].done()
    client.futures[1].done()
    assert good.result(0) == (3, 1)
    assert isinstance(bad.exception(0), ZeroDivisionError)
    given_back = executor.submit(divmod, 7, 0)
    client.futures[3].status = "cancelled"
    client.futures[3].done()
    assert isinstance(given_back.exception(0), PoolLost)
    client.scheduler_comm = object()  # a new connection
    for ask in (executor.slots, lambda: executor.submit(divmod, 7, 2)):
        with pytest.raises(PoolLost):
            ask()
    client.futures[2].result = lambda: 1 / 0
    client.futures[2].done()
    assert isinstance(late.exception(0), PoolLost)


def test_nobody_answers():
    with (
        pytest.raises(mt.InputError, match=r"no Dask scheduler answers"),
        dask_workers("tcp://127.0.0.1:9", patience=1),
    ):
        pass
    for wrong in ("local:", "local:0", "local:x"):
        with pytest.raises(mt.InputError, match=r"no number of workers"), dask_workers(wrong):
            pass
