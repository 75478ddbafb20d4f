import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mattomo.materials.crystal import StructureError
from mattomo.materials.readers import read_structure

GROUP = "_symmetry_space_group_name_H-M 'F m -3 m'"
NACL = f"""
data_NaCl
_cell_length_a 5.64
_cell_length_b 5.64
_cell_length_c 5.64
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
{GROUP}
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Na1 Na+ 0 0 0 1
Cl1 Cl- 0.5 0.5 0.5 1
"""


@pytest.mark.parametrize(
    "symmetry",
    [
        GROUP,
        "_space_group_name_H-M_alt 'F m -3 m'",
        "_space_group_IT_number 225",
        "loop_\n_space_group_symop_operation_xyz\nx,y,z\nx,y+1/2,z+1/2\nx+1/2,y,z+1/2\nx+1/2,y+1/2,z",
    ],
)
def test_symmetry_is_expanded(symmetry: str) -> None:
    found = read_structure(NACL.replace(GROUP, symmetry))
    assert found.amounts == {11: 4.0, 17: 4.0}
    np.testing.assert_allclose(found.lattice, np.eye(3) * 5.64, atol=1e-12)
    assert found.frac_coords.min() >= 0
    assert found.frac_coords.max() < 1
    na, cl = (found.frac_coords[found.Z == Z] @ found.lattice for Z in (11, 17))
    apart = np.linalg.norm(na[:, None] - cl[None], axis=-1)
    assert apart.min() == pytest.approx(2.82)


def test_rounded_special_positions_merge() -> None:
    magnesium = NACL.replace(GROUP, "_symmetry_space_group_name_H-M 'P 63/m m c'")
    magnesium = magnesium.replace("_cell_angle_gamma 90", "_cell_angle_gamma 120").replace("5.64", "3.2")
    magnesium = magnesium.replace("_cell_length_c 3.2", "_cell_length_c 5.2")
    magnesium = magnesium.replace("Na1 Na+ 0 0 0 1", "Mg1 Mg 0.3333 0.6667 0.25 1").replace(
        "Cl1 Cl- 0.5 0.5 0.5 1\n", ""
    )
    found = read_structure(magnesium)
    assert found.amounts == {12: 2.0}
    volume = abs(np.linalg.det(found.lattice))
    assert volume == pytest.approx(3.2**2 * 5.2 * np.sin(np.pi / 3), rel=1e-6)


def test_lattice_rows_have_the_given_lengths_and_angles() -> None:
    text = NACL.replace(GROUP, "_symmetry_space_group_name_H-M 'P 1'")
    text = text.replace("_length_a 5.64", "_length_a 4").replace("_length_b 5.64", "_length_b 5")
    text = (
        text.replace("_alpha 90", "_alpha 80")
        .replace("_beta 90", "_beta 95")
        .replace("_gamma 90", "_gamma 110")
    )
    a, b, c = read_structure(text).lattice
    np.testing.assert_allclose([np.linalg.norm(v) for v in (a, b, c)], [4, 5, 5.64])
    angles = [
        np.degrees(np.arccos(u @ v / np.linalg.norm(u) / np.linalg.norm(v)))
        for u, v in ((b, c), (a, c), (a, b))
    ]
    np.testing.assert_allclose(angles, [80, 95, 110])


def test_first_block_with_atoms_and_a_note() -> None:
    found = read_structure("data_global\n_journal_name 'x'\n" + NACL)
    assert len(found.Z) == 8
    assert found.note == ""


def test_elements_from_labels_and_isotopes() -> None:
    text = NACL.replace("Na1 Na+", "Na1 .").replace("Cl1 Cl-", "D1 D")
    found = read_structure(text)
    assert found.amounts == {1: 4.0, 11: 4.0}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("loop_", "loop_ loop_", "malformed CIF"),
        ("0 0 0 1", "0 0 1", "malformed CIF"),
        ("_atom_site_fract_x", "_atom_site_other_x", "no atoms"),
        (GROUP, "_symmetry_space_group_name_H-M 'Q q'", "unknown space group 'Q q'"),
        (GROUP, "_symmetry_space_group_name_H-M 'F d -3 m'", "'F d -3 m' has two origins"),
        (GROUP, "loop_\n_symmetry_equiv_pos_as_xyz\nx,y,z\nfoo", "'foo' is no symmetry operation"),
        (GROUP, "_space_group_IT_number 227", "alone leaves 2 settings"),
        ("Na1 Na+ 0 0 0", "Na1 Na+ ? 0 0", "Na1 has a coordinate that is no number"),
        ("0 0 0 1", "0 0 0 1.5", "occupancy 1.5"),
        ("0 0 0 1", "0 0 0 0.5", "disordered: site Na1 has occupancy 0.5"),
        ("Na1 Na+", "Zz1 Zz", "site Zz1"),
        ("Na1 Na+", "NA1 .", "may be N or Na"),
        ("Cl1 Cl- 0.5 0.5 0.5", "Cl1 Cl- 0.02 0 0", "Å apart"),
        ("_cell_length_a 5.64", "_cell_length_a 0", "no volume"),
        ("_cell_length_a 5.64", "_cell_length_a ?", "_cell_length_a is no number"),
    ],
)
def test_refuses(old: str, new: str, reason: str) -> None:
    with pytest.raises(StructureError, match=reason):
        read_structure(NACL.replace(old, new, 1))


def test_disorder_keeps_the_composition() -> None:
    with pytest.raises(StructureError) as caught:
        read_structure(NACL.replace("0 0 0 1", "0 0 0 0.5"))
    assert caught.value.amounts == {11: 2.0, 17: 4.0}


@given(st.integers(0, len(NACL)), st.text("0159.?'_-aZ\n #;x", max_size=6), st.integers(0, 12))
@settings(max_examples=200, deadline=None)
def test_any_damage_is_refused_or_read(place: int, inserted: str, removed: int) -> None:
    with contextlib.suppress(StructureError):
        read_structure(NACL[:place] + inserted + NACL[place + removed :])


@pytest.mark.parametrize(("origin", "place"), [(1, "0 0 0"), (2, "0.125 0.125 0.125")])
def test_a_named_origin_is_followed(origin: int, place: str) -> None:
    text = NACL.replace(GROUP, f"_symmetry_space_group_name_H-M 'F d -3 m :{origin}'")
    text = text.replace("Na1 Na+ 0 0 0 1\nCl1 Cl- 0.5 0.5 0.5 1", f"C1 C {place} 1")
    assert read_structure(text).amounts == {6: 8.0}


def test_operations_of_no_known_group_are_followed() -> None:
    operations = "loop_\n_symmetry_equiv_pos_as_xyz\nx,y,z\n-x+1/8,-y,-z"
    found = read_structure(NACL.replace(GROUP, operations).replace("0 0 0 1", "0.1 0.2 0.3 1"))
    assert found.amounts[11] == 2.0
