"""Predicted costs against measured units, and what they do to the number of workers."""

import dataclasses
import re
import time

import numpy as np
import pytest

import mattomo as mt
from mattomo.errors import InputError
from mattomo.learners.base import Split
from mattomo.learners.conditional import learn
from mattomo.study import cost
from mattomo.study import run as running
from mattomo.study.cost import TableSizes
from mattomo.study.machine import memory_of
from mattomo.study.pace import of_graphs, of_tables, pace
from mattomo.study.plan import training_seconds
from mattomo.threads import one_thread

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


@pytest.mark.parametrize(("learner", "slower"), [("trees", of_tables), ("cgcnn", of_graphs)])
def test_time_is_foreseen_within_a_factor_of_four(planned, learner, slower):
    unit = unit_of(planned, learner)
    data, model = planned.unit(unit), planned.learners[learner]
    model.train(data)  # compiles
    start = time.process_time()
    model.train(data)
    seconds = time.process_time() - start
    expected = planned.cost(unit).seconds * slower()
    assert seconds / 4 < expected < seconds * 4


def test_time_of_conditionals_is_foreseen_within_a_factor_of_four(planned):
    names = ("density", "band_gap", "volume", "crystal_system", "spacegroup_number")
    columns = {name: mt.load("mp1000").columns[name] for name in names}
    levels = [len(set(c.values)) if c.info.kind == "category" else 1 for c in columns.values()]
    assert sorted(levels)[:3] == [1, 1, 1]
    assert min(sorted(levels)[3:]) > 3
    table, split = planned.tables["composition"], planned.split(unit_of(planned, "trees"))
    rows = {
        name: dataclasses.replace(c, missing=np.zeros(len(c.values), bool)) for name, c in columns.items()
    }
    start = time.process_time()
    with one_thread():
        learn(table, "composition", rows, split, 0)
    seconds = time.process_time() - start
    expected = cost.conditionals(TableSizes.of(table), split, levels).seconds * of_tables()
    assert seconds / 4 < expected < seconds * 4


def test_the_pace_of_a_study_is_that_of_what_it_trains(planned, monkeypatch):
    monkeypatch.setattr("mattomo.study.pace.of_graphs", lambda: 3.0)
    monkeypatch.setattr("mattomo.study.pace.of_tables", lambda: 2.0)
    monkeypatch.setattr("mattomo.study.pace.has_gpu", lambda: False)
    of_network = planned.costs[unit_of(planned, "cgcnn").id]
    total = sum(planned.costs.values())
    assert pace(planned) == pytest.approx((3 * of_network + 2 * (total - of_network)) / total)
    monkeypatch.setattr("mattomo.study.pace.has_gpu", lambda: True)
    assert pace(planned) == 2


def test_memory_of_the_network_does_not_grow_with_epochs(planned):
    unit = unit_of(planned, "cgcnn")
    sizes, split = planned._graphs["composition"], planned.split(unit)
    few, many = (
        cost.network(sizes, split, unit.tasks, {}, epochs=epochs, batch_size=256, swaps=0)
        for epochs in (1, 5000)
    )
    assert many.private == few.private
    assert many.seconds > 1000 * few.seconds


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


@pytest.fixture
def workers(study, monkeypatch):
    """How many workers a run takes on four cores, and what it says of it."""
    planned = study.plan()
    assert len(planned.units) == 4
    monkeypatch.setattr(running, "default_workers", lambda: 4)
    monkeypatch.setattr(running, "available_memory", lambda: 1e12)
    monkeypatch.setattr(running, "held_memory", lambda: 1 * GB)

    def taken(most, asked=None):
        said = []
        number = running._workers(planned, list(planned.units), asked, most, lambda p: said.append(p.message))
        return number, said

    return planned, taken


def test_the_memory_of_a_run_limits_its_workers(workers):
    planned, taken = workers
    private = max(each.private for each in planned.every_cost.values())
    rest = 1 * GB + planned.memory() - private
    number, said = taken(rest + 2.5 * private)
    assert number == 2
    assert re.search(r"have room for 2 of 4 workers, 0\.\d\d GB each", said[0])
    assert taken(rest + 5 * private) == (4, [])
    assert taken(rest + 5 * private, asked=3) == (3, [])
    assert taken(rest + 2.5 * private, asked=3)[0] == 2
    assert taken(rest + 2.5 * private, asked=2) == (2, [])


def test_free_memory_limits_workers_that_nobody_asked_for(workers, monkeypatch):
    _, taken = workers
    assert taken(None) == (4, [])
    monkeypatch.setattr(running, "available_memory", lambda: 1.0)
    assert taken(None) == (1, [])
    assert taken(None, asked=3) == (3, [])


def test_too_little_memory_for_a_unit_is_refused_before_anything_is_trained(study, tmp_path, monkeypatch):
    monkeypatch.setattr(running, "held_memory", lambda: 1 * GB)
    needed = study.plan().bytes_needed()
    most = max(needed, key=needed.get)
    with pytest.raises(InputError, match=rf"{needed[most] / GB:.2f} GB for {most}.*holds 1.0 GB") as caught:
        running.run(study.plan(), tmp_path / "study", memory="1.2GB")
    enough = caught.value.hint.split()[2]
    assert 1 * GB + needed[most] < memory_of(enough) < 1.1 * GB + needed[most]
    assert not (tmp_path / "study" / "units").exists()
    plan = study.plan()
    assert running._workers(plan, list(plan.units), None, memory_of(enough), lambda _: None) == 1


def test_memory_is_of_this_machine(study, inline, tmp_path):
    with pytest.raises(InputError, match="memory limits the workers of this machine"):
        running.run(study.plan(), tmp_path / "study", executor=inline, memory="8GB")


def test_learners_keep_to_the_memory_of_a_card_and_units_stay_the_same(planned):
    limited = planned.within(2 * GB)
    assert limited.learners["cgcnn"].memory == 2 * GB
    assert limited.learners["trees"] == planned.learners["trees"]
    again = [dataclasses.replace(unit) for unit in limited.units]
    assert again == list(planned.units)
    learner = limited.learners["cgcnn"]
    assert learner.settings() == planned.learners["cgcnn"].settings()


def test_no_number_of_workers_beats_the_longest_unit(planned):
    start = planned.seconds(1) - sum(planned.costs.values())
    assert planned.seconds(2) < planned.seconds(1)
    assert planned.seconds(1000) == pytest.approx(max(planned.costs.values()) + start)
