import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mattomo.errors import InputError
from mattomo.materials.readers import materials_of
from mattomo.materials.readers.extxyz import comment, looks_like_extxyz, read_extxyz
from mattomo.materials.readers.source import open_source

NACL = (
    "2\n"
    'Lattice="0 2.82 2.82 2.82 0 2.82 2.82 2.82 0" Properties=species:S:1:pos:R:3:forces:R:3 energy=-6.5 '
    'kind="rock salt" relaxed=T stress="1 2 3" pbc="T T T"\n'
    "Na 0 0 0 0.1 0 0\n"
    "Cl 2.82 2.82 2.82 -0.1 0 0\n"
)
PO = """1
energy=-2 Lattice="3.35 0 0 0 3.35 0 0 0 3.35" relaxed=F kind=cubic
Po 3.35 0 0
"""
WATER = """3
water
O 0 0 0
H 0.96 0 0
H -0.24 0.93 0
"""


def read(tmp_path, text, **options):
    path = tmp_path / "t.extxyz"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return materials_of(read_extxyz(open_source(path)), **options)


def test_frames(tmp_path):
    materials, quarantine = read(tmp_path, NACL + PO + "\n" + WATER)
    assert materials.compositions.formulas.tolist() == ["ClNa", "Po", "H2O"]
    assert materials.structures.present.tolist() == [True, True, False]
    np.testing.assert_allclose(materials.structures.frac_coords[:2], [[0, 0, 0], [0.5, 0.5, 0.5]], atol=1e-12)
    np.testing.assert_allclose(
        materials.structures.lattice[0], [[0, 2.82, 2.82], [2.82, 0, 2.82], [2.82, 2.82, 0]]
    )
    np.testing.assert_array_equal(materials.column("energy").values, [-6.5, -2, np.nan])
    assert materials.column("relaxed").values.tolist() == ["True", "False", ""]
    assert materials.column("kind").values.tolist() == ["rock salt", "cubic", ""]
    assert "stress" not in materials.columns
    (entry,) = quarantine
    assert (entry.stage, entry.row) == ("structure", 3)
    assert "molecule" in entry.reason


def test_identifiers_and_other_columns(tmp_path):
    text = PO.replace("energy=-2", "material_id=mp-1 energy=-2")
    assert read(tmp_path, text)[0].ids.tolist() == ["mp-1"]
    assert read(tmp_path, text.replace("material_id", "key"), id="key")[0].ids.tolist() == ["mp-1"]
    numbers = PO.replace('Lattice="', 'Properties=id:I:1:Z:I:1:pos:R:3 Lattice="').replace(
        "Po 3.35", "7 84 3.35"
    )
    assert read(tmp_path, numbers)[0].compositions.formulas.tolist() == ["Po"]


@pytest.mark.parametrize(
    ("line", "pairs"),
    [
        ("", {}),
        ("free text of plain xyz", {}),
        ("a=1 b = 2, c='x y'", {"a": "1", "b": "2", "c": "x y"}),
        (r'say="a \"b\" c" flag', {"say": 'a "b" c', "flag": "T"}),
        ('"odd key"={1 2 3} m=[[1, 2], [3, 4]]', {"odd key": "{1 2 3}"}),
        ("=== a=1", {"a": "1"}),
    ],
)
def test_comment(line, pairs):
    found = comment(line)
    assert {key: found[key] for key in pairs} == pairs


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"3.35 0 0 0 3.35 0 0 0 3.35"', '"3.35 0 0"', "no list of 9 numbers"),
        ('"3.35 0 0 0 3.35 0 0 0 3.35"', '"3.35 0 0 3.35 0 0 0 0 3.35"', "in a plane"),
        ('"3.35 0 0 0 3.35 0 0 0 3.35"', '"nan 0 0 0 3.35 0 0 0 3.35"', "not finite"),
        ("relaxed=F", 'relaxed=F pbc="T T F"', "periodic in 2 of 3 directions"),
        ("Po 3.35 0 0", "Po 3.35 0", "line 7 has 3 of 4 columns"),
        ("Po 3.35 0 0", "Po 3.35 0 x", "not all numbers"),
        ("relaxed=F", "Properties=species:S:1", "no pos"),
        ("relaxed=F", "Properties=species:S:1:pos:R", "Properties is"),
        ("relaxed=F", "Properties=pos:R:3", "no species"),
    ],
)
def test_frames_that_cannot_be_used(tmp_path, old, new, reason):
    _, quarantine = read(tmp_path, NACL + PO.replace(old, new))
    (entry,) = quarantine
    assert reason in entry.reason
    assert entry.row == 2


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "it is empty"), ("hello\n", "no number of atoms"), ("3\n\nO 0 0 0\n", "1 of its 3")],
)
def test_refuses(tmp_path, text, reason):
    with pytest.raises(InputError, match=reason):
        read(tmp_path, text)


def test_a_file_that_breaks_off_is_said(tmp_path):
    materials, quarantine = read(tmp_path, NACL + PO[: PO.index("Po")])
    assert len(materials) == 1
    assert "has 0 of its 1 atoms" in quarantine.rows[0].reason
    assert quarantine.rows[0].row == 2
    assert len(quarantine.left_out) == 1


def test_line_ends(tmp_path):
    text = NACL.replace("rock salt", "rock\x0csalt\u2028") + PO
    for end in ("\n", "\r\n", "\r"):
        materials, quarantine = read(tmp_path, text.replace("\n", end))
        assert materials.structures.Z.tolist() == [11, 17, 84]
        assert len(quarantine) == 0


def test_looks_like(tmp_path):
    assert looks_like_extxyz(tmp_path / "x.txt", NACL.encode())
    assert looks_like_extxyz(tmp_path / "x.xyz", WATER.encode())
    assert not looks_like_extxyz(tmp_path / "x.csv", b"id,formula\n1,2\n3,4\n")
    assert not looks_like_extxyz(tmp_path / "x.csv", b"5\n6\n7\n")


@given(st.integers(0, 300), st.text('0159.-"={}[] \nNaT', max_size=8), st.integers(0, 20))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_damage_is_refused_or_counted(tmp_path, place, inserted, removed):
    text = NACL + PO + WATER
    try:
        materials, quarantine = read(tmp_path, text[:place] + inserted + text[place + removed :])
    except InputError:
        return
    rows = set(materials.rows.tolist()) | {entry.row for entry in quarantine.left_out}
    assert rows == set(range(1, len(materials) + len(quarantine.left_out) + 1))


@given(st.binary(max_size=200))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_bytes(tmp_path, content):
    with pytest.raises(InputError):
        read(tmp_path, content)
