import builtins
import sqlite3

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mattomo.errors import InputError
from mattomo.materials import read
from mattomo.materials.readers.ase_db import looks_like_ase_db


@pytest.fixture(scope="module", params=["db", "json"])
def database(request, tmp_path_factory):
    ase = pytest.importorskip("ase")
    build, connect = pytest.importorskip("ase.build"), pytest.importorskip("ase.db").connect
    path = tmp_path_factory.mktemp("ase") / f"t.{request.param}"
    with connect(path) as rows:
        rows.write(build.bulk("NaCl", "rocksalt", a=5.64), gap=8.5, phase="B1", data={"x": [1, 2]})
        rows.write(build.bulk("Cu"), gap=0.0, stable=True)
        rows.write(ase.Atoms("OH2", [[0, 0, 0], [1, 0, 0], [0, 1, 0]]), gap=7)
        rows.write(ase.Atoms("X", cell=np.eye(3) * 4, pbc=True))
    return path


def test_rows(database):
    before = database.read_bytes()
    materials, quarantine = read(database)
    assert materials.ids.tolist() == ["1", "2", "3"]
    assert materials.compositions.formulas.tolist() == ["ClNa", "Cu", "H2O"]
    assert materials.structures.present.tolist() == [True, True, False]
    assert materials.column("gap").values.tolist() == [8.5, 0, 7]
    assert materials.column("phase").values.tolist() == ["B1", "", ""]
    volume = abs(np.linalg.det(materials.structures.lattice[0]))
    assert volume == pytest.approx(5.64**3 / 4)
    assert [entry.stage for entry in quarantine] == ["structure", "formula"]
    assert "molecule" in quarantine.rows[0].reason
    assert "no element" in quarantine.rows[1].reason
    assert looks_like_ase_db(database, before[:100_000])
    assert database.read_bytes() == before


def test_without_ase(tmp_path, monkeypatch):
    path = tmp_path / "t.json"
    path.write_text('{"1": {"ctime": 1, "numbers": []}}')
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] == "ase":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"pip install mattomo\[ase\]"):
        read(path)


def test_other_files(tmp_path):
    pytest.importorskip("ase")
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "none.db")
    assert not (tmp_path / "none.db").exists()
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    before = other.read_bytes()
    with pytest.raises(InputError, match="no ASE database"):
        read(other)
    assert other.read_bytes() == before  # ASE would make its tables in it
    (tmp_path / "x.db").write_bytes(b"SQLite format 3\0" + b"\1" * 200)
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "x.db")


@given(st.integers(0, 3000), st.binary(min_size=1, max_size=6))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_damage_is_refused_or_read(database, tmp_path, place, inserted):
    content = database.read_bytes()
    path = tmp_path / f"d{database.suffix}"
    path.write_bytes(content[:place] + inserted + content[place + len(inserted) :])
    try:
        materials, quarantine = read(path)
    except InputError:
        return
    rows = set(materials.rows.tolist()) | {entry.row for entry in quarantine.left_out}
    assert rows == set(range(1, len(materials) + len(quarantine.left_out) + 1))
