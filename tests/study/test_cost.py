"""Predicted costs against measured units, and what they do to the number of workers."""

import dataclasses
import time

import pytest

import mattomo as mt
from mattomo.learners.base import Split
from mattomo.study import run as running
from mattomo.study.machine import available_memory, pace
from mattomo.study.plan import training_seconds

GB = 1e9


@pytest.fixture(scope="module")
def planned(small):
    return mt.Study(
        mt.load("mp1000"),
        targets=("band_gap",),
        properties=("density", "volume"),
        learners=("trees", "cgcnn"),
        representations=("composition",),
        seeds=1,
        epochs=4,
        controls=(),
        swaps=0,
    ).plan()


def unit_of(planned, learner):
    return next(unit for unit in planned.units if unit.learner == learner)


@pytest.mark.parametrize("learner", ["trees", "cgcnn"])
def test_time_is_foreseen_within_a_factor_of_four(planned, learner):
    unit = unit_of(planned, learner)
    data, model = planned.unit(unit), planned.learners[learner]
    model.train(data)  # compiles
    start = time.process_time()
    model.train(data)
    seconds = time.process_time() - start
    expected = planned.cost(unit).seconds * pace()
    assert seconds / 4 < expected < seconds * 4


def test_the_network_costs_in_proportion_to_epochs_and_models(planned):
    unit = unit_of(planned, "cgcnn")
    graphs, split = planned.graphs["composition"], planned.split(unit)
    few, many = (training_seconds(split, graphs, epochs) for epochs in (100, 1000))
    assert many / few == pytest.approx(10, rel=0.05)
    half = Split(split.train[::2], split.validation, split.test)
    assert 0.4 < training_seconds(half, graphs, 100) / few < 0.75
    assert len(unit.tasks) == 3
    alone = planned.cost(dataclasses.replace(unit, tasks=unit.tasks[:1]))
    assert 1.5 < planned.cost(unit).seconds / alone.seconds < 3
    assert planned.cost(unit).private > alone.private


def test_memory_limits_the_workers(planned):
    one = planned.memory()
    assert 0.3 * GB < one < 3 * GB
    assert planned.workers_within(0) == planned.workers_within(one) == 1
    assert planned.workers_within(3 * one) >= 3
    assert planned.workers_within(float("inf")) >= 1000


def test_a_run_takes_no_more_workers_than_memory_holds(study, tmp_path, monkeypatch):
    asked = []
    local = running.local_workers

    def counted(n, tell):
        asked.append(n)
        return local(n, tell)

    monkeypatch.setattr(running, "local_workers", counted)
    monkeypatch.setattr(running, "default_workers", lambda: 2)
    monkeypatch.setattr(running, "available_memory", lambda: 1.0)
    assert running.run(study.plan(), tmp_path / "study").complete
    assert asked == [1]


def test_the_narrowest_group_limits_the_memory(tmp_path):
    for folder in ("proc/self", "sys/fs/cgroup/job/step"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text("MemTotal: 9000 kB\nMemAvailable:    8000 kB\n")
    assert available_memory(tmp_path) == 8000 * 1024
    (tmp_path / "proc/self/cgroup").write_text("0::/job/step\n")
    job = tmp_path / "sys/fs/cgroup/job"
    (job / "step/memory.max").write_text("max\n")
    (job / "memory.max").write_text("5000\n")
    (job / "memory.current").write_text("3000\n")
    (job / "memory.stat").write_text("inactive_file 500\n")
    assert available_memory(tmp_path) == 2500
