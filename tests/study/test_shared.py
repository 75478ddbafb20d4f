"""Mapped base representations give the numbers of copied ones, and a full disk costs nothing."""

import dataclasses
import errno
import pickle

import numpy as np
import pytest

from mattomo.study import shared as module
from mattomo.study.locks import Claims
from mattomo.study.shared import MappedGraphs, MappedTable, shared


@pytest.fixture
def planned(small):
    import mattomo as mt

    return mt.Study(
        small,
        targets=("band_gap",),
        properties=("density",),
        learners=("trees", "cgcnn"),
        representations=("composition",),
        seeds=1,
        epochs=1,
        batch_size=32,
        controls=(),
        swaps=0,
    ).plan()


@pytest.fixture
def mapped(planned, tmp_path):
    with Claims(tmp_path / "running") as claims, shared(planned, tmp_path / "shared", claims) as mapped:
        yield mapped


def same(one, other):
    for name in (field.name for field in dataclasses.fields(one)):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_units_of_mapped_data_train_to_the_same_numbers(planned, mapped):
    assert {unit.learner for unit in planned.units} == {"trees", "cgcnn"}
    for unit in planned.units:
        learner = planned.learners[unit.learner]
        copied = learner.train(planned.unit(unit))
        travelled = learner.train(pickle.loads(pickle.dumps(mapped.unit(unit))))
        np.testing.assert_array_equal(copied.test, travelled.test)
        np.testing.assert_array_equal(copied.validation, travelled.validation)


def test_mapped_data_travel_as_an_address(planned, mapped):
    graphs, table = mapped.graphs["composition"], mapped.tables["composition"]
    assert isinstance(graphs, MappedGraphs)
    assert isinstance(table, MappedTable)
    assert len(pickle.dumps(graphs)) < 1000 < len(pickle.dumps(planned.graphs["composition"]))
    rows = np.array([7, 3, 11, 3])
    again = np.array([2, 0])
    same(
        planned.graphs["composition"].take(rows[again]),
        pickle.loads(pickle.dumps(graphs.take(rows).take(again))),
    )
    same(
        planned.tables["composition"].take(rows[again]),
        pickle.loads(pickle.dumps(table.take(rows).take(again))),
    )


def test_a_changed_copy_keeps_its_change_on_the_way(mapped):
    graphs = mapped.graphs["composition"]
    values = np.arange(len(graphs.Z), dtype=float)[:, None]
    changed = dataclasses.replace(graphs, values=values)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(changed)).values, values)
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(changed.take(np.array([0])))).values[:1], values[:1]
    )


def test_files_are_read_only_and_go_with_the_run(planned, tmp_path):
    with Claims(tmp_path / "running") as claims:
        with shared(planned, tmp_path / "shared", claims) as mapped:
            with pytest.raises(ValueError, match="read-only"):
                mapped.graphs["composition"].Z[0] = 1
            assert list((tmp_path / "shared").iterdir())
        assert not (tmp_path / "shared").exists()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_without_room_for_the_files_workers_get_copies(planned, tmp_path, monkeypatch, code):
    def full(*_):
        raise OSError(code, "no room")

    monkeypatch.setattr(module.np, "save", full)
    with Claims(tmp_path / "running") as claims:
        with shared(planned, tmp_path / "shared", claims) as got:
            assert got is planned
        assert not (tmp_path / "shared").exists()
