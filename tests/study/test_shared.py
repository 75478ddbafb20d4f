"""Mapped base representations give the numbers of copied ones, and a full disk costs nothing."""

import dataclasses
import errno
import pickle

import numpy as np
import pytest

import mattomo as mt
from mattomo.study import shared as module
from mattomo.study.locks import Claims
from mattomo.study.shared import MappedGraphs, MappedTable, shared


@pytest.fixture
def planned(small):
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


@pytest.fixture
def inside(small):
    """A study that adds properties inside the atoms."""
    return mt.Study(
        small,
        targets=("band_gap",),
        properties=("density", "radius"),
        atoms={"radius": "element:covalent_radius"},
        learners=("cgcnn",),
        representations=("composition", "structure"),
        seeds=1,
        epochs=1,
        batch_size=32,
        controls=(),
        swaps=0,
    ).plan()


def test_graphs_with_values_in_the_atoms_are_mapped_too(inside, tmp_path):
    keys = {("composition", ("radius",)), ("structure", ("radius",))}
    assert set(inside.every_atom_graphs()) == keys
    with Claims(tmp_path / "running") as claims, shared(inside, tmp_path / "shared", claims) as mapped:
        for unit in inside.units:
            (copied,), (addressed,) = (
                inside.unit(unit).atom_graphs.values(),
                mapped.unit(unit).atom_graphs.values(),
            )
            assert len(pickle.dumps(addressed)) < 1000 + 9 * len(copied) < len(pickle.dumps(copied))
            assert copied.values.any()
            same(copied, pickle.loads(pickle.dumps(addressed)))
        first = next(unit for unit in inside.units if unit.representation == "composition")
        learner = inside.learners["cgcnn"]
        travelled = learner.train(pickle.loads(pickle.dumps(mapped.unit(first))))
        np.testing.assert_array_equal(learner.train(inside.unit(first)).test, travelled.test)


def test_what_workers_share_is_counted_once(inside):
    shared_bytes = sum(
        part.nbytes
        for graphs in (*inside.graphs.values(), *inside.every_atom_graphs().values())
        for part in vars(graphs).values()
        if isinstance(part, np.ndarray)
    )
    assert inside._shared == shared_bytes + sum(table.values.nbytes for table in inside.tables.values())
    one = inside.memory()
    assert inside.workers_within(one + 2.5 * (one - shared_bytes)) >= 3
