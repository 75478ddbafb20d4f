"""CIFs as they are found: every answer here is from crystallography, not from the code."""

import json
import time
import warnings

import numpy as np
import pytest

from mattomo.materials.crystal import Crystal, StructureError
from mattomo.materials.formula import SYMBOLS, reduced_formula
from mattomo.materials.readers import read_structure
from mattomo.materials.readers.cif import cif_structures, from_cif

CUBIC = (5.0, 5.0, 5.0, 90, 90, 90)
GENERAL = "0.11 0.23 0.37"
OCCUPIED = ("label", "type_symbol", "occupancy")


def cif(sites, cell=CUBIC, symmetry="", head="", columns=("label", "type_symbol"), name="x"):
    """A CIF of the words of some sites: label, type, x, y, z and more columns after them."""
    names = [*columns[:2], "fract_x", "fract_y", "fract_z", *columns[2:]]
    parameters = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    lines = [f"data_{name}", *head.splitlines()]
    lines += [f"_cell_{key} {value}" for key, value in zip(parameters, cell, strict=True)]
    lines += [*symmetry.splitlines(), "loop_", *(f"_atom_site_{key}" for key in names)]
    return "\n".join([*lines, *([sites] if isinstance(sites, str) else sites)]) + "\n"


def hm(name):
    return f"_symmetry_space_group_name_H-M '{name}'"


def operations(*triplets):
    return "\n".join(["loop_", "_symmetry_equiv_pos_as_xyz", *(f"'{each}'" for each in triplets)])


def counts(crystal: Crystal) -> dict[str, int]:
    return {SYMBOLS[Z - 1]: int(amount) for Z, amount in crystal.amounts.items()}


def distances(crystal: Crystal, one: str, other: str) -> np.ndarray:
    """All distances from each site of one element to the sites of another, nearest images."""
    a, b = (crystal.frac_coords[SYMBOLS.index(name) + 1 == crystal.Z] for name in (one, other))
    shifts = np.indices((3, 3, 3)).reshape(3, -1).T - 1
    vectors = (a[:, None, None] - b[None, :, None] + shifts) @ crystal.lattice
    return np.linalg.norm(vectors, axis=-1).reshape(len(a), -1)


def refused(text):
    with pytest.raises(StructureError) as caught:
        from_cif(text)
    return caught.value


# --- space groups and settings: multiplicities are those of the International Tables


@pytest.mark.parametrize(
    ("symmetry", "cell", "place", "multiplicity"),
    [
        (hm("P 1 21/n 1"), (5, 6, 7, 90, 100, 90), GENERAL, 4),
        (hm("P 1 21/n 1"), (5, 6, 7, 90, 100, 90), "0 0 0", 2),
        (hm("P21/n"), (5, 6, 7, 90, 100, 90), GENERAL, 4),
        (hm("P 1 21/a 1"), (5, 6, 7, 90, 100, 90), GENERAL, 4),
        (hm("P 1 1 21/b"), (5, 6, 7, 90, 90, 100), GENERAL, 4),
        (hm("C 2/c"), (5, 6, 7, 90, 100, 90), GENERAL, 8),
        (hm("I 1 2/a 1"), (5, 6, 7, 90, 100, 90), GENERAL, 8),
        (hm("P b n m"), (5, 6, 7, 90, 90, 90), "0.1 0.2 0.25", 4),
        (hm("P n m a"), (5, 6, 7, 90, 90, 90), "0.1 0.25 0.2", 4),
        (hm("P 63/m m c"), (3, 3, 5, 90, 90, 120), "0.3333 0.6667 0.25", 2),
        (hm("P 6_3/m m c"), (3, 3, 5, 90, 90, 120), "0 0 0", 2),
        (hm("P 6(3)/m m c"), (3, 3, 5, 90, 90, 120), "0 0 0.25", 2),
        (hm("Pm3m"), CUBIC, "0 0 0", 1),
        (hm("P m -3 m"), CUBIC, "0 0.5 0.5", 3),
        (hm("F m -3 m"), CUBIC, "0 0 0", 4),
        (hm("F m -3 m"), (20, 20, 20, 90, 90, 90), GENERAL, 192),
        (hm("F d -3 m :1"), CUBIC, "0 0 0", 8),
        (hm("F d -3 m :1"), CUBIC, "0.125 0.125 0.125", 16),
        (hm("F d -3 m :2"), CUBIC, "0.125 0.125 0.125", 8),
        (hm("F d -3 m :2"), CUBIC, "0 0 0", 16),
        (hm("F d -3 m S"), CUBIC, "0 0 0", 8),
        (hm("F d -3 m Z"), CUBIC, "0 0 0", 16),
        (hm("F d -3 m (origin choice 2)"), CUBIC, "0 0 0", 16),
        (hm("R -3 m"), (4, 4, 12, 90, 90, 120), "0 0 0", 3),
        (hm("R -3 m :H"), (4, 4, 12, 90, 90, 120), "0 0 0.2", 6),
        (hm("R -3 m H"), (4, 4, 12, 90, 90, 120), "0 0 0.2", 6),
        (hm("R -3 m"), (4, 4, 4, 60, 60, 60), "0 0 0", 1),
        (hm("R -3 m :R"), (4, 4, 4, 60, 60, 60), "0.2 0.2 0.2", 2),
        (hm("R -3 m R"), (4, 4, 4, 60, 60, 60), "0.2 0.2 0.2", 2),
        ("_space_group_name_H-M_alt 'I m -3 m'", CUBIC, "0 0 0", 2),
        ("_space_group_name_Hall '-F 4 2 3'", CUBIC, "0 0 0", 4),
        ("_symmetry_space_group_name_Hall '-P 2yn'", (5, 6, 7, 90, 100, 90), GENERAL, 4),
        ("_symmetry_space_group_name_Hall 'no such'\n" + hm("F m -3 m"), CUBIC, "0 0 0", 4),
        ("_symmetry_Int_Tables_number 225", CUBIC, "0 0 0", 4),
        ("_space_group_IT_number 166", (4, 4, 12, 90, 90, 120), "0 0 0", 3),
        (operations("X, Y, Z", "-X, 1/2+Y, -Z"), (5, 6, 7, 90, 100, 90), GENERAL, 2),
        (operations("x,y,z", "-x+.5,-y,z+0.5"), (5, 6, 7, 90, 90, 90), GENERAL, 2),
        (operations("x,y,z", "0.333+x,0.667+y,0.667+z", "2/3+x,1/3+y,1/3+z"), CUBIC, GENERAL, 3),
        (operations("x,y,z", "x+1/3,y,z", "x-1/3,y,z"), (20, 5, 5, 90, 90, 90), "0 0 0", 3),
        (operations(*(f"x+{i}/5,y,z" for i in range(5))), (20, 5, 5, 90, 90, 90), "0 0 0", 5),
        (operations("x,y,z", "x,-y,2x-z"), (8, 5, 4, 90, 120, 90), GENERAL, 2),
        (hm("P 1"), CUBIC, GENERAL, 1),
        ("_symmetry_equiv_pos_as_xyz 'x,y,z'", CUBIC, GENERAL, 1),
    ],
)  # fmt: skip
def test_multiplicity(symmetry, cell, place, multiplicity):
    found = from_cif(cif(f"A1 Fe {place}", cell, symmetry))
    assert len(found.Z) == multiplicity
    assert ((found.frac_coords >= 0) & (found.frac_coords < 1)).all()


@pytest.mark.parametrize(
    ("cell", "oxygen", "formula_units"),
    [
        ((4.990, 4.990, 17.061, 90, 90, 120), "0.257 0 0.25", 6),
        ((6.375, 6.375, 6.375, 46.08, 46.08, 46.08), "0.507 -0.007 0.25", 2),
    ],
)
def test_calcite_in_both_settings(cell, oxygen, formula_units):
    carbon = "0 0 0.25" if formula_units == 6 else "0.25 0.25 0.25"
    text = cif(["Ca1 Ca 0 0 0", f"C1 C {carbon}", f"O1 O {oxygen}"], cell, hm("R -3 c"))
    found = from_cif(text)
    assert counts(found) == {"C": formula_units, "O": 3 * formula_units, "Ca": formula_units}
    np.testing.assert_allclose(np.sort(distances(found, "C", "O"))[:, :3], 1.282, atol=2e-3)
    np.testing.assert_allclose(np.sort(distances(found, "Ca", "O"))[:, :6], 2.36, atol=0.02)


def test_axes_named_against_the_cell():
    text = cif("Nb1 Nb 0 0 0", (5.15, 5.15, 13.86, 90, 90, 120), hm("R 3 c {rhombohedral axes}"))
    found = from_cif(text)
    assert len(found.Z) == 6
    assert "axes of an R group" in found.note


def test_operations_win_over_the_name_with_a_note():
    found = from_cif(cif("A Fe 0 0 0", CUBIC, hm("F m -3 m") + "\n" + operations("x,y,z", "-x,-y,-z")))
    assert len(found.Z) == 1
    assert "group named is another" in found.note
    same = from_cif(cif("A Fe 0 0 0", CUBIC, hm("P -1") + "\n" + operations("x,y,z", "-x,-y,-z")))
    assert same.note == ""


def test_no_symmetry_is_p1_with_a_note():
    found = from_cif(cif(f"A Fe {GENERAL}"))
    assert len(found.Z) == 1
    assert "read as P 1" in found.note


@pytest.mark.parametrize(
    ("symmetry", "cell", "reason"),
    [
        (operations("x,y,z", "x+1/3,y,z"), CUBIC, "are no group"),
        (operations("x,y,z", "-y,x,z"), CUBIC, "are no group"),
        (operations("x,y,z", "y,x"), CUBIC, "'y,x' is no symmetry operation"),
        (operations("x,y,z", "0,0,0"), CUBIC, "no symmetry operation"),
        (operations("x,y,z", "x+1/0,y,z"), CUBIC, "no symmetry operation"),
        (operations("x,y,z", "9x+9y,9z,x"), CUBIC, "no symmetry operation"),
        (hm("P -3"), (2.99, 2.99, 4.72, 90, 90, 90), "cell does not have the symmetry of P -3"),
        (hm("F m -3 m"), (5, 5, 6, 90, 90, 90), "cell does not have the symmetry"),
        (hm("P 1 21/c 1"), (5, 6, 7, 90, 90, 100), "cell does not have the symmetry"),
        (hm("P 1") + "\n_symmetry_Int_Tables_number 225", CUBIC, "is number 1, not 225"),
        (hm("I 41/a m d"), (4, 4, 9, 90, 90, 90), "two origins"),
        ("_symmetry_Int_Tables_number 14", (5, 6, 7, 90, 100, 90), "settings"),
        ("_symmetry_Int_Tables_number 999", CUBIC, "no space group number 999"),
        ("loop_\n_space_group_symop_magn_operation.xyz\n'x,y,z,+1'", CUBIC, "magnetic"),
        ("_cell_modulation_dimension 1", CUBIC, "modulated"),
    ],
)  # fmt: skip
def test_symmetry_that_cannot_be_followed(symmetry, cell, reason):
    error = refused(cif("A Fe 0 0 0", cell, symmetry, head="_chemical_formula_sum 'Fe'"))
    assert reason in error.reason
    assert error.amounts == {26: 1.0}  # the formula is stated all the same


def test_every_number_and_setting_of_the_tables():
    gemmi = pytest.importorskip("gemmi")
    for group in gemmi.spacegroup_table():
        lengths, angles = {
            "Triclinic": ((5, 6, 7), (80, 85, 95)),
            "Monoclinic": ((5, 6, 7), None),
            "Orthorhombic": ((5, 6, 7), (90, 90, 90)),
            "Tetragonal": ((5, 5, 7), (90, 90, 90)),
            "Trigonal": ((5, 5, 5), (70, 70, 70)) if group.ext == "R" else ((5, 5, 7), (90, 90, 120)),
            "Hexagonal": ((5, 5, 7), (90, 90, 120)),
            "Cubic": ((5, 5, 5), (90, 90, 90)),
        }[group.crystal_system_str().capitalize()]
        if angles is None:
            unique = group.monoclinic_unique_axis() if hasattr(group, "monoclinic_unique_axis") else None
            axis = unique or group.qualifier.strip("-")[0]
            angles = tuple(100 if letter == axis else 90 for letter in "abc")
        cell = (*(6 * length for length in lengths), *angles)
        # a text field, since Hall symbols have quotation marks of both kinds
        for symmetry in (f"_space_group_name_Hall\n;{group.hall}\n;", hm(group.xhm())):
            found = from_cif(cif(f"A Fe {GENERAL}", cell, symmetry))
            assert len(found.Z) == len(group.operations()), group.xhm()


@pytest.mark.slow
def test_orbits_agree_with_pymatgen():
    groups = pytest.importorskip("pymatgen.symmetry.groups")
    checked = 0
    for number in range(1, 231):
        symbol = groups.sg_symbol_from_int_number(number)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            group = groups.SpaceGroup(symbol)
            for place in ([0.11, 0.23, 0.37], [0.0, 0.0, 0.0], [0.25, 0.25, 0.25], [0.11, 0.11, 0.11]):
                orbit = np.mod(np.array(group.get_orbit(place)), 1)
                triplets = [operation.as_xyz_str() for operation in group.symmetry_ops]
                edges = (30, 30, 30, 90, 90, 90)
                if group.crystal_system in ("trigonal", "hexagonal"):
                    edges = (30, 30, 30, 90, 90, 120)
                words = " ".join(map(repr, place))
                found = from_cif(cif(f"A Fe {words}", edges, operations(*triplets)))
                apart = found.frac_coords[:, None] - orbit[None]
                apart -= np.rint(apart)
                assert len(found.Z) == len(orbit), (symbol, place)
                assert (np.abs(apart).max(2).min(1) < 1e-6).all(), (symbol, place)
                checked += 1
    assert checked == 920


# --- places


def test_rounded_places_are_moved_onto_the_special_position():
    found = from_cif(cif("Mg Mg 0.333 0.667 0.25", (3.2, 3.2, 5.2, 90, 90, 120), hm("P 63/m m c")))
    expected = np.array([[1 / 3, 2 / 3, 1 / 4], [2 / 3, 1 / 3, 3 / 4]])
    np.testing.assert_allclose(sorted(found.frac_coords.tolist()), expected, atol=1e-12)


def test_a_site_split_about_a_mirror_is_two_half_sites():
    # 0.15 Å off the mirror at z = 0 of a cell 5 Å high: two places with half an atom each
    sites = ["A Fe 0 0 0.03 0.5", "B O 0.5 0.5 0.5 1"]
    error = refused(cif(sites, CUBIC, operations("x,y,z", "x,y,-z"), columns=OCCUPIED))
    assert "disordered" in error.reason
    assert error.amounts == {8: 1.0, 26: 1.0}


def test_all_atoms_listed_besides_a_group():
    # ilmenite type in rhombohedral axes, as some collections list it: 10 sites, not 20
    listed = [("Mg", 0.358, 0.358, 0.358), ("Ti", 0.142, 0.142, 0.142), ("O", 0.555, -0.055, 0.25)]
    listed += [("O", -0.055, 0.25, 0.555), ("O", 0.25, 0.555, -0.055)]
    sites = [f"{name} {name} {s * x} {s * y} {s * z}" for name, x, y, z in listed for s in (1, -1)]
    found = from_cif(cif(sites, (5.54, 5.54, 5.54, 54.39, 54.39, 54.39), hm("R -3")))
    assert counts(found) == {"O": 6, "Mg": 2, "Ti": 2}
    assert "at one place are one" in found.note


def test_two_elements_at_one_place_are_refused():
    error = refused(cif(["A Mg 0 0 0", "B Al 0 0 0"], head="_chemical_formula_sum 'Al Mg'"))
    assert "0.00 Å apart" in error.reason
    assert error.amounts == {12: 1.0, 13: 1.0}


def test_large_small_and_lonely_cells():
    places = (np.indices((6, 5, 10)).reshape(3, -1).T / (6, 5, 10)).tolist()
    sites = [f"C{i} C {x:.6f} {y:.6f} {z:.6f}" for i, (x, y, z) in enumerate(places)]
    assert len(from_cif(cif(sites, (15, 12.5, 25, 90, 90, 90))).Z) == 300
    assert counts(from_cif(cif("Po1 Po 0 0 0", (3.35, 3.35, 3.35, 90, 90, 90), hm("P m -3 m")))) == {"Po": 1}
    assert counts(from_cif(cif("He1 He 0 0 0", (25, 25, 25, 90, 90, 90)))) == {"He": 1}


def test_cells_too_large_are_refused_soon():
    start = time.monotonic()
    many = [f"C C {i % 17 / 53:.5f} {i // 17 % 17 / 53:.5f} {i // 289 / 53:.5f}" for i in range(2000)]
    error = refused(cif(many, (120, 120, 120, 90, 90, 90), hm("F m -3 m")))
    assert error.reason.startswith("the cell has ")
    error = refused(cif(["C C 0.1 0.2 0.3"] * 20_000, (120, 120, 120, 90, 90, 90), hm("F m -3 m")))
    assert "20,000 sites under 192 operations" in error.reason
    error = refused(cif(["C C 0 0 0"] * 100_001))
    assert "lists 100,001 sites" in error.reason
    assert time.monotonic() - start < 20


# --- elements


@pytest.mark.parametrize(
    ("symbols", "a", "expected"),
    [
        (("U", "O"), 5.47, {"O": 8, "U": 4}),
        (("Pu", "O"), 5.40, {"O": 8, "Pu": 4}),
        (("Am4+", "O2-"), 5.38, {"O": 8, "Am": 4}),
        (("Lr", "O"), 5.38, {"O": 8, "Lr": 4}),
        (("Fe+3", "F1-"), 5.38, {"F": 8, "Fe": 4}),
        (("ZR", "O-2"), 5.1, {"O": 8, "Zr": 4}),
        (("Th0+", "D"), 5.3, {"H": 8, "Th": 4}),
        (("'Fe3+'", '"O2-"'), 5.38, {"O": 8, "Fe": 4}),
        (("Siva", "Cval"), 5.38, {"C": 8, "Si": 4}),
    ],
)
def test_fluorite_with_any_type_symbols(symbols, a, expected):
    sites = [f"M1 {symbols[0]} 0 0 0", f"X1 {symbols[1]} .25 .25 .25"]
    found = from_cif(cif(sites, (a, a, a, 90, 90, 90), hm("F m -3 m")))
    assert counts(found) == expected
    assert ("deuterium" in found.note) == ("D" in symbols)


@pytest.mark.parametrize("symbol", ["He", "Ne", "Ar", "Kr", "Xe", "Rn"])
def test_noble_gases(symbol):
    assert counts(from_cif(cif(f"{symbol} {symbol} 0 0 0", CUBIC, hm("F m -3 m")))) == {symbol: 4}


@pytest.mark.parametrize(
    ("label", "formula", "others", "expected"),
    [
        ("Fe1", "", "", "Fe"), ("Fe", "", "", "Fe"), ("Si(1)", "", "", "Si"), ("O1A", "", "", "O"),
        ("AlT2", "", "", "Al"), ("OW1", "", "", "O"), ("Ow", "", "", "O"), ("Oa3", "", "", "O"),
        ("Hb2", "", "", "H"), ("D1", "", "", "H"), ("CA2", "Ca", "", "Ca"), ("Cm1", "C", "", "C"),
        ("NA1", "Na Cl", "CL1 ? .5 .5 .5", "Na"), ("SI", "O Si", "OA ? .5 .5 .5", "Si"),
        ("Ho1", "H O", "Oh1 ? .5 .5 .5", "H"), ("fe1", "Fe", "", "Fe"), ("Co", "C", "", "C"),
        ("Co", "Co", "", "Co"), ("CO1", "Co", "", "Co"), ("T1", "D", "", "H"),
    ],
)  # fmt: skip
def test_elements_from_labels(label, formula, others, expected):
    head = f"_chemical_formula_sum '{formula}'" if formula else ""
    text = cif([f"{label} ? 0 0 0", *others.split("|")], head=head)
    found = from_cif(text)
    assert SYMBOLS[found.Z[0] - 1] == expected


@pytest.mark.parametrize(
    ("label", "formula", "reason"),
    [
        ("NA1", "", "may be N or Na"),
        ("CA1", "C Ca", "may be C or Ca"),
        ("T1", "", "names no element"),
        ("Vac1", "", "names no element"),
        ("M1", "", "no element"),
        ("1", "", "names no element"),
        ("T1", "Al Si", "names no element of the CIF's formula"),
        ("Du", "Fe", "names no element of the CIF's formula"),
        ("Xx1", "", "no element"),
        ("Rf1", "", "beyond Z = 103"),
    ],
)
def test_labels_that_name_no_element(label, formula, reason):
    head = f"_chemical_formula_sum '{formula}'" if formula else ""
    assert reason in refused(cif(f"{label} . 0 0 0", head=head)).reason


@pytest.mark.parametrize("kind", ["X", "Va", "Vac", "Xa", "M", "Nh", "Rf", "?1"])
def test_type_symbols_that_are_no_element(kind):
    assert "site A1" in refused(cif(f"A1 {kind} 0 0 0")).reason


# --- occupancies and hydrogens


@pytest.mark.parametrize(
    ("sites", "amounts"),
    [
        (["A Fe 0 0 0 0.5", "B Ni 0 0 0 0.5"], {26: 2.0, 28: 2.0}),
        (["A Na 0 0 0 .75(2)", "B Cl .5 .5 .5 1.0"], {11: 3.0, 17: 4.0}),
        (["A Co 0 0 0 0.87", "B Fe 0 0 0 0.25"], {26: 1.0, 27: 3.48}),
        (["A D 0 0 0 0.5", "B H 0 0 0 0.5"], {1: 4.0}),
    ],
)
def test_disorder_keeps_the_composition(sites, amounts):
    error = refused(cif(sites, CUBIC, hm("F m -3 m"), columns=OCCUPIED))
    assert "disordered" in error.reason
    assert error.amounts == pytest.approx(amounts)


def test_occupancies_that_say_nothing_or_nearly_one():
    sites = ["A Na 0 0 0 ?", "B Cl .5 .5 .5 .", "C Ar .25 .25 .25 0", "E Kr .75 .75 .75 1.0005"]
    found = from_cif(cif(sites, columns=OCCUPIED))
    assert counts(found) == {"Na": 1, "Cl": 1, "Kr": 1}
    assert "occupancy 0 are left out" in found.note


@pytest.mark.parametrize("occupancy", ["3.", "1.5", "-0.5", "abc", "1e99", "nan"])
def test_occupancies_that_cannot_be(occupancy):
    error = refused(cif(f"A Na 0 0 0 {occupancy}", columns=OCCUPIED, head="_chemical_formula_sum Na"))
    assert "occupancy" in error.reason
    assert error.amounts == {11: 1.0}


def test_hydrogens_without_places():
    ammonia = cif(
        ["N1 N3- .22 .22 .22 3 d", "H1 H1+ -1. -1. -1. 0 dum"],
        (5.19, 5.19, 5.19, 90, 90, 90),
        hm("P 21 3"),
        columns=("label", "type_symbol", "attached_hydrogens", "calc_flag"),
    )
    error = refused(ammonia)
    assert "N1 has hydrogens without places" in error.reason
    assert error.amounts == {7: 4.0, 1: 12.0}


@pytest.mark.parametrize(
    ("label", "amounts"),
    [
        ("Wat1", {8: 1.0, 1: 2.0}),
        ("WatX1", {8: 1.0, 1: 2.0}),
        ("O-H3", {8: 1.0, 1: 1.0}),
        ("O-h", {8: 1.0, 1: 1.0}),
        ("NH4", {7: 1.0, 1: 4.0}),
    ],
)
def test_groups_at_one_site(label, amounts):
    assert refused(cif(f"{label} ? 0 0 0")).amounts == amounts


def test_a_group_beside_its_hydrogens_is_an_oxygen():
    found = from_cif(cif(["O-H1 ? 0 0 0", "H1 H 0.19 0 0"], head="_chemical_formula_sum 'H O'"))
    assert counts(found) == {"H": 1, "O": 1}


def test_dummy_sites_are_no_atoms():
    columns = ("label", "type_symbol", "calc_flag")
    found = from_cif(cif(["Fe1 Fe 0 0 0 d", "Cg1 C ? ? ? dum"], columns=columns))
    assert counts(found) == {"Fe": 1}
    assert "dummy sites" in found.note


# --- the formula stated


def test_sites_against_the_formula():
    sites = ["Ca Ca 0 0 0", "O O 0.5 0.5 0.5"]
    assert counts(from_cif(cif(sites, head="_chemical_formula_sum 'Ca4 O4'"))) == {"O": 1, "Ca": 1}
    assert counts(from_cif(cif(sites, head="_chemical_formula_sum '(Ca.999 O)'"))) == {"O": 1, "Ca": 1}
    assert counts(from_cif(cif(sites, head="_chemical_formula_sum 'what is this'"))) == {"O": 1, "Ca": 1}
    error = refused(cif(sites, head="_chemical_formula_sum 'Ca H2 O2'"))
    assert "the sites are CaO" in error.reason
    assert reduced_formula("CaH2O2") in error.reason
    assert error.amounts == {20: 1.0, 1: 2.0, 8: 2.0}


# --- the text


def test_numbers_as_written():
    cell = ("5.640(12)", "5.64(1)", "+5.64", "90.0(2)", "90.", "9.0E1")
    found = from_cif(cif("Na Na .25(1) -0.250 1.25(3)", cell))
    np.testing.assert_allclose(found.frac_coords, [[0.25, 0.75, 0.25]])
    np.testing.assert_allclose(np.linalg.norm(found.lattice, axis=1), 5.64)


@pytest.mark.parametrize("word", ["?", ".", "abc", "0,25", "1_0", "nan", "inf", "1e400", "2000", "(5)"])
def test_coordinates_that_are_no_numbers(word):
    error = refused(cif(f"Na1 Na {word} 0 0", head="_chemical_formula_sum Na"))
    assert error.reason.startswith("site Na1 has a")
    assert error.amounts == {11: 1.0}


@pytest.mark.parametrize(
    ("position", "value"), [(0, "?"), (0, "-5"), (3, "0"), (3, "180"), (4, "1e9"), (5, "121"), (2, "1e300")]
)
def test_cells_that_cannot_be(position, value):
    cell = [5, 5, 5, 60, 60, 60]
    cell[position] = value
    refused(cif("Na Na 0 0 0", cell))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: "# Größe in Ångström\n" + text,
        lambda text: text.replace("data_x", "data_x\n_publ_author_name 'Müller, Jürgen'"),
        lambda text: text.replace("data_x\n", "", 1),
        lambda text: text + "\x1a",
        lambda text: text.replace("_atom_site_fract_x", "_ATOM_SITE_Fract_X"),
        lambda text: text.replace("_atom_site_", "_atom_site.").replace("_cell_", "_cell."),
        lambda text: "data_global\n_journal_year 1999\n" + text,
    ],
)
def test_forms_of_the_text(change):
    text = cif(["Na1 Na 0 0 0", "Cl1 Cl 0.5 0.5 0.5"], CUBIC, hm("F m -3 m"))
    assert counts(from_cif(change(text))) == {"Na": 4, "Cl": 4}


def test_one_site_without_a_loop():
    text = cif("", (3.35, 3.35, 3.35, 90, 90, 90)).split("loop_")[0]
    text += "_atom_site_label Po1\n_atom_site_fract_x 0\n_atom_site_fract_y 0\n_atom_site_fract_z 0\n"
    assert counts(from_cif(text)) == {"Po": 1}


def test_several_blocks():
    one = cif("Na Na 0 0 0", name="one")
    two = cif("K K 0 0 ?", name="two")
    found = cif_structures("data_global\n_a 1\n" + one + two)
    assert [name for name, _ in found] == ["one", "two"]
    assert isinstance(found[0][1], Crystal)
    assert isinstance(found[1][1], StructureError)
    first = read_structure(one + two)
    assert counts(first) == {"Na": 1}
    assert "several CIF blocks" in first.note


@pytest.mark.parametrize(
    "text",
    [
        "data_x\n_a \ud800\n_cell_length_a 1",
        "data_x\nloop_\n_a _b\n1 2 3\n",
        "data_x\n_a 1\n_a 2",
        "data_\u00e9\n_a 1",
        "data_x\n_a 'b",
        "data_x\n_a\n;\nb",
    ],
)
def test_malformed(text):
    assert "malformed CIF" in refused(text).reason


# --- mappings


def test_mappings_with_disorder_slabs_and_charges():
    lattice = {"matrix": [[4, 0, 0], [0, 4, 0], [0, 0, 4]]}
    site = {"species": [{"element": "Fe3+", "occu": 1}], "abc": [0, 0, 0]}
    assert read_structure({"lattice": lattice, "sites": [site]}).Z.tolist() == [26]
    with pytest.raises(StructureError, match="periodic in 2 of 3"):
        read_structure(json.dumps({"lattice": lattice | {"pbc": [True, True, False]}, "sites": [site]}))
    mixed = site | {"species": [{"element": "Fe", "oxidation_state": 3, "occu": 0.25}]}
    with pytest.raises(StructureError, match="disordered") as caught:
        read_structure({"lattice": lattice, "sites": [mixed]})
    assert caught.value.amounts == {26: 0.25}
    many = {"lattice": lattice, "species": ["H"] * 100_001, "frac_coords": [[0, 0, 0]] * 100_001}
    with pytest.raises(StructureError, match="100,001 sites"):
        read_structure(many)
