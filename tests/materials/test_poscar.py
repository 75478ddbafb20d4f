import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mattomo.materials.crystal import StructureError
from mattomo.materials.readers import read_structure

NACL = """NaCl primitive
1.0
0.0 2.82 2.82
2.82 0.0 2.82
2.82 2.82 0.0
Na Cl
1 1
Direct
0.0 0.0 0.0
0.5 0.5 0.5
"""


def test_direct() -> None:
    found = read_structure(NACL)
    assert found.Z.tolist() == [11, 17]
    np.testing.assert_array_equal(found.frac_coords, [[0, 0, 0], [0.5, 0.5, 0.5]])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Direct\n0.0 0.0 0.0\n0.5 0.5 0.5", "Cartesian\n0 0 0\n2.82 2.82 2.82"),
        ("Direct", "Selective dynamics\nDirect"),
        ("0.5 0.5 0.5\n", "0.5 0.5 0.5 T T F Cl\n\n0 0 0\n0 0 0\n"),
        ("1.0\n", f"-{2 * 2.82**3}\n"),
        ("Na Cl", "Na_pv Cl/1f2e"),
        ("\n", "\r\n"),
    ],
)
def test_variants(old: str, new: str) -> None:
    plain, found = read_structure(NACL), read_structure(NACL.replace(old, new))
    np.testing.assert_allclose(found.lattice, plain.lattice, atol=1e-12)
    np.testing.assert_allclose(found.frac_coords, plain.frac_coords, atol=1e-12)
    assert found.Z.tolist() == plain.Z.tolist()


def test_scale_applies_to_lattice_and_cartesian_coordinates() -> None:
    text = (
        NACL.replace("1.0\n", "2.0\n").replace("Direct", "Cartesian").replace("0.5 0.5 0.5", "2.82 2.82 2.82")
    )
    found = read_structure(text)
    assert found.lattice[0, 1] == pytest.approx(5.64)
    np.testing.assert_allclose(found.frac_coords[1], [0.5, 0.5, 0.5])


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("Na Cl\n", "", "does not name its elements"),
        ("0.5 0.5 0.5\n", "", "9 lines|1 coordinates for 2"),
        ("0.5 0.5 0.5", "0.5 0.5", "line 10 of the POSCAR has no 3 numbers"),
        ("0.5 0.5 0.5", "0.5 0.5 abc", "line 10"),
        ("0.5 0.5 0.5", "0.5 0.5 nan", "line 10"),
        ("Direct", "Sideways", "'Sideways'|coordinates"),
        ("Direct", "Unknown", "'Unknown'"),
        ("1 1\n", "1\n", "line 7"),
        ("1 1\n", "1 x\n", "line 7"),
        ("1 1\n", "1 99999999\n", "100,000,000 sites"),
        ("1 1\n", "0 0\n", "no site"),
        ("1.0\n", "0\n", "scale factor is 0"),
        ("Na Cl", "Na Qq", "'Qq' is no element"),
        ("0.0 2.82 2.82", "2.82 0.0 2.82", "plane"),
        ("1.0\n", "-1e50\n", "line 2 of the POSCAR"),
    ],
)
def test_refuses(old: str, new: str, reason: str) -> None:
    with pytest.raises(StructureError, match=reason):
        read_structure(NACL.replace(old, new, 1))


@given(st.integers(0, len(NACL)), st.text("0159.-eNaCl \n", max_size=6), st.integers(0, 12))
@settings(max_examples=200, deadline=None)
def test_any_damage_is_refused_or_read(place: int, inserted: str, removed: int) -> None:
    with contextlib.suppress(StructureError):
        read_structure(NACL[:place] + inserted + NACL[place + removed :])


def test_three_scale_factors() -> None:
    plain = NACL.replace("0.0 2.82 2.82\n2.82 0.0 2.82\n2.82 2.82 0.0", "1 0 0\n0 1 0\n0 0 1")
    found = read_structure(plain.replace("1.0\n", "3 4.0 5\n"))
    np.testing.assert_allclose(found.lattice, np.diag([3.0, 4.0, 5.0]))
    cartesian = plain.replace("Direct", "Cartesian").replace("1.0\n", "3 4 5\n")
    np.testing.assert_allclose(read_structure(cartesian).frac_coords[1], [0.5, 0.5, 0.5])
    with pytest.raises(StructureError, match="scale factor is 3 -4 5"):
        read_structure(plain.replace("1.0\n", "3 -4 5\n"))


@pytest.mark.parametrize("title", ["", "   ", "\n\nNaCl", "1 2 3"])
def test_titles(title: str) -> None:
    assert read_structure(NACL.replace("NaCl primitive", title)).Z.tolist() == [11, 17]


def test_words_after_the_scale_factor() -> None:
    assert read_structure(NACL.replace("1.0\n", "1.0 scale factor\n")).Z.tolist() == [11, 17]


def test_isotopes_charges_and_heavy_elements() -> None:
    found = read_structure(NACL.replace("Na Cl", "U4+ D"))
    assert found.Z.tolist() == [92, 1]
    assert "read as H" in found.note
    with pytest.raises(StructureError, match="beyond Z = 103"):
        read_structure(NACL.replace("Na Cl", "Rf Cl"))


def test_one_atom_and_three_hundred() -> None:
    one = NACL.replace("Na Cl\n1 1", "Po\n1").replace("0.5 0.5 0.5\n", "")
    assert read_structure(one).Z.tolist() == [84]
    places = np.indices((6, 5, 10)).reshape(3, -1).T / (6, 5, 10)
    lines = "\n".join(" ".join(f"{x:.6f}" for x in place) for place in places)
    many = f"C\n1.0\n15 0 0\n0 12.5 0\n0 0 25\nC Si\n100 200\nDirect\n{lines}\n"
    assert read_structure(many).amounts == {6: 100.0, 14: 200.0}
