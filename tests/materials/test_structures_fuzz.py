"""Whatever structure files, folders and objects hold: rows read are used or left out, or all is refused."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mattomo.errors import InputError
from mattomo.materials import Materials, Quarantine, load, read
from mattomo.materials.canonical import to_parquet
from mattomo.materials.readers.python_objects import from_structures

CIF = """data_x
_cell_length_a 4.1
_cell_length_b 4.1
_cell_length_c 4.1
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P m -3 m'
loop_
_symmetry_equiv_pos_as_xyz
'x, y, z'
'-x, -y, -z'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Cs1 Cs+ 0 0 0 1
Cl1 Cl- 0.5 0.5 0.5 1
"""
POSCAR = "title\n1.0\n4 0 0\n0 4 0\n0 0 4\nCs Cl\n1 1\nDirect\n0 0 0\n.5 .5 .5\n"
EXTXYZ = (
    '2\nLattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:pos:R:3 energy=-6.5 id=a pbc="T T T"\n'
    "Cs 0 0 0\nCl 2 2 2\n1\nenergy=1 id=b\nFe 0 0 0\n"
)
JSON = json.dumps(
    {"lattice": [[4, 0, 0], [0, 4, 0], [0, 0, 4]], "species": ["Cs"], "frac_coords": [[0, 0, 0]]}
)
TEXTS = {"a.cif": CIF, "a.vasp": POSCAR, "a.extxyz": EXTXYZ, "a.json": JSON}
CANONICAL = to_parquet(load("mp1000").take(np.arange(3)))
WORDS = st.sampled_from(
    ["", "?", ".", "loop_", "data_x", "data_y\n", "'", ";\n", "nan", "1e999", "-1", "0", "999999999", "Xx"]
) | st.sampled_from(
    ["D", "Cs", "\n", " ", "#", "1(2)", "x,y,z,w", "1/0", "é", "\0", "\ud7ff", "F d -3 m", "P 1", "{", "]"]
)
CHANGES = st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 12), WORDS), min_size=1, max_size=4)

bounded = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def changed(text: str, changes: list[tuple[int, int, str]]) -> str:
    for place, removed, inserted in changes:
        at = place % (len(text) + 1)
        text = text[:at] + inserted + text[at + removed :]
    return text


def accounted(materials: Materials, quarantine: Quarantine) -> None:
    left_out = [entry.row for entry in quarantine.left_out]
    seen = sorted([*materials.rows.tolist(), *left_out])
    assert seen == list(range(1, len(seen) + 1))
    assert len(set(materials.ids.tolist())) == len(materials) > 0
    assert all(entry.reason for entry in quarantine)
    assert np.isfinite(materials.structures.frac_coords).all()
    present = materials.structures.present
    assert (np.abs(np.linalg.det(materials.structures.lattice[present])) > 0).all()
    assert len(materials.fingerprint()) == 64


def account(path: Path) -> None:
    try:
        materials, quarantine = read(path)
    except InputError as error:
        named = str(error)
    else:
        accounted(materials, quarantine)
        return
    assert str(path) in named


@given(st.sampled_from(sorted(TEXTS)), CHANGES, st.booleans())
@settings(bounded, max_examples=400)
def test_changed_structure_files(
    tmp_path: Path, name: str, changes: list[tuple[int, int, str]], packed: bool
) -> None:
    text = changed(TEXTS[name], changes).encode()
    path = tmp_path / (f"{name}.gz" if packed else name)
    path.write_bytes(gzip.compress(text, 1) if packed else text)
    account(path)


@given(
    st.dictionaries(
        st.sampled_from(["a.cif", "b.cif", "s/a.cif", "c.vasp", "d.json", "POSCAR", "e.cif.gz", "x.txt"]),
        st.tuples(st.sampled_from(sorted(TEXTS)), CHANGES | st.just([])),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from(["", "id_prop.csv", "t.csv", "t.tsv", "t.parquet", "t.jsonl"]),
    st.sampled_from(
        ["a,1\nb,2\n", "id,x\na,1\nc,y\nq,3\n", "file,formula\na.cif,CsCl\ns/a.cif,Fe\n", '{"id":"a"}\n']
    ),
    CHANGES | st.just([]),
)
@settings(bounded, max_examples=200)
def test_changed_folders(
    tmp_path: Path, files: dict[str, Any], table: str, rows: str, changes: list[tuple[int, int, str]]
) -> None:
    folder = tmp_path / "data"
    for old in sorted(folder.rglob("*"), reverse=True):
        old.rmdir() if old.is_dir() else old.unlink()
    for name, (of, edits) in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(changed(TEXTS[of], edits).encode())
    if table:
        (folder / table).write_text(changed(rows, changes))
    account(folder)


@given(st.integers(0, 10**6), st.binary(min_size=1, max_size=4))
@bounded
def test_damaged_canonical_files(tmp_path: Path, place: int, inserted: bytes) -> None:
    place %= len(CANONICAL)
    path = tmp_path / "t.parquet"
    path.write_bytes(CANONICAL[:place] + inserted + CANONICAL[place + len(inserted) :])
    account(path)


VALUES: list[Any] = [None, True, 1, 1.5, float("nan"), 10**400, "x", "", [1], {"a": 1}, {1, 2}, np.float32(2)]
VALUES += [np.nan, np.arange(3), np.array(1.5), np.datetime64("2020-01-01"), np.datetime64("NaT"), b"x", 1j]
OBJECTS = st.sampled_from(
    [CIF, POSCAR, JSON, json.loads(JSON), None, 1, "", {}, [], object(), b"x", "nonsense"]
)


@given(
    st.lists(st.tuples(OBJECTS, st.sampled_from(VALUES), st.sampled_from(VALUES)), min_size=1, max_size=5),
    st.sampled_from([None, "ids", "formula"]),
)
@settings(bounded, max_examples=200)
def test_any_objects(rows: list[tuple[Any, Any, Any]], use: str | None) -> None:
    structures, first, second = (list(column) for column in zip(*rows, strict=True))
    properties = {"formula" if use == "formula" else "x": first}
    try:
        found = from_structures(structures, properties, second if use == "ids" else None)
    except InputError:
        return
    accounted(*found)


@pytest.mark.parametrize("size", [10_000, 200_000])
def test_long_lines_and_many_rows_end_soon(tmp_path: Path, size: int) -> None:
    for name, text in (
        ("a.cif", "data_x\n_cell_length_a " + "(" * size),
        ("b.cif", "data_x\nloop_\n_symmetry_equiv_pos_as_xyz\n'" + "x+" * size + "y'\n" + CIF[7:]),
        ("a.extxyz", '1\nLattice="1 0 0" ' + "a='" * size + "\nFe 0 0 0\n"),
        ("b.extxyz", "1\n" + "a= {" * size + "\nFe 0 0 0\n"),
        ("c.extxyz", "1\n\n" * size),
        ("POSCAR", POSCAR.replace("1 1", f"{size * 10**6} 1")),
        ("a.json", '{"lattice": ' + "[" * size),
    ):
        (tmp_path / name).write_text(text)
        account(tmp_path / name)
