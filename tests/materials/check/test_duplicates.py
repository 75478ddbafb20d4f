"""Equal materials are found whatever their cell, and only those."""

import numpy as np
import pytest

from mattomo.materials.check import duplicates as module
from mattomo.materials.check.duplicates import duplicates
from mattomo.materials.check.repeated import repeated
from mattomo.materials.crystal import crystal

PRIMITIVE = np.array([[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])


def primitive(edge):
    return crystal((PRIMITIVE * edge).tolist(), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])


def cscl(edge):
    return crystal((np.eye(3) * edge).tolist(), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])


def test_primitive_and_conventional_cell_are_one(make, rocksalt):
    found, findings = duplicates(make(crystals=[rocksalt(5.6), cscl(3.5), primitive(5.602)]))
    assert found.groups == (("m0", "m2"),)
    assert [each.code for each in findings] == ["duplicates"]
    assert findings[0].groups == found.groups


def test_other_structures_elements_and_volumes_are_not(make, rocksalt):
    same_volume = (5.6**3 / 4) ** (1 / 3)
    crystals = [rocksalt(5.6), cscl(same_volume), rocksalt(5.7), rocksalt(5.6, "K", "Cl"), None]
    found, findings = duplicates(make(crystals=crystals, amounts=[{11: 1, 17: 1}] * 3 + [{19: 1, 17: 1}] * 2))
    assert found.groups == ()
    assert findings == []


def test_labels_in_conflict(make, rocksalt):
    crystals = [rocksalt(5.0 + 0.1 * i) for i in range(20)] + [primitive(5.0), primitive(5.1)]
    gap = np.r_[np.linspace(0, 10, 20), 0.1, 9.0]
    energy = np.r_[np.linspace(-80, -60, 20), -20.0, -19.7]  # per cell: the primitive one has a quarter
    label = ["a"] * 21 + ["b"]
    found, findings = duplicates(
        make(
            {"band_gap": gap, "energy": energy, "label": label, "spacegroup_number": ["1"] * 21 + ["2"]},
            crystals,
        )
    )
    assert found.groups == (("m0", "m20"), ("m1", "m21"))
    assert {c.column: c.groups for c in found.conflicts} == {
        "band_gap": (("m1", "m21"),),
        "label": (("m1", "m21"),),
    }
    # a twentieth of the range from the 5th to the 95th percentile
    low, high = np.quantile(gap, [0.05, 0.95])
    assert found.conflicts[0].tolerance == pytest.approx(0.05 * (high - low))
    assert [each.code for each in findings] == ["duplicates", "conflicting_labels", "conflicting_labels"]


def test_an_unknown_property_is_not_compared_between_cells(make, rocksalt):
    crystals = [rocksalt(5.0), primitive(5.0), rocksalt(5.5), rocksalt(5.5)]
    found, _ = duplicates(make({"my_sum": [8.0, 2.0, 8.0, 2.0]}, crystals))
    assert [c.groups for c in found.conflicts] == [(("m2", "m3"),)]


def test_equal_materials_across_a_split(make, rocksalt):
    crystals = [rocksalt(5.0), rocksalt(5.0), rocksalt(5.5), rocksalt(5.5)]
    split = ["train", "train", "train", "test"]
    leaks = [each for each in duplicates(make({"split": split}, crystals))[1] if each.code == "leak"]
    assert [each.groups for each in leaks] == [(("m2", "m3"),)]
    kept = duplicates(make({"split": ["train"] * 2 + ["test"] * 2}, crystals))[1]
    assert not [each for each in kept if each.code == "leak"]


def test_the_search_is_bounded_and_says_so(make, rocksalt, monkeypatch):
    crystals = [rocksalt(5.0) for _ in range(6)]
    monkeypatch.setattr(module, "MOST_ALIKE", 4)
    found, _ = duplicates(make(crystals=crystals))
    assert found.groups == (("m0", "m1", "m2", "m3"),)
    assert found.not_compared == 2
    monkeypatch.setattr(module, "MOST_FAR_SITES", 31)
    assert duplicates(make(crystals=crystals))[0].not_compared == 6
    monkeypatch.setattr(module, "MOST_SITES", 17)
    found, _ = duplicates(make(crystals=crystals))
    assert found.groups == (("m0", "m1"),)
    assert found.not_compared == 4


def test_formulas_repeated_without_structure(make):
    amounts = [{26: 2, 8: 3}, {26: 4, 8: 6}, {11: 1, 17: 1}]
    (finding,) = repeated(make({"band_gap": [1.0, 2.0, 8.0]}, amounts=amounts))
    assert finding.level == "warning"
    assert finding.groups == (("m0", "m1"),)
    assert "band_gap (in 1)" in finding.text
    (finding,) = repeated(make({"band_gap": [1.0, 1.0, 8.0]}, amounts=amounts))
    assert finding.level == "note"
    assert repeated(make({"band_gap": [1.0, 1.0, 8.0]})) == []


def test_properties_of_the_cell_are_compared_per_atom_or_not_at_all(make, rocksalt):
    crystals = [rocksalt(5.0), primitive(5.0), rocksalt(5.5), primitive(5.5)]
    energy = [-28.0, -7.0, -28.0, -28.0]
    found, findings = duplicates(make({"energy": energy}, crystals))
    assert [c.groups for c in found.conflicts] == [(("m2", "m3"),)]
    assert "eV/atom" in findings[-1].text
    # without structures nobody knows whose cell is larger
    (finding,) = repeated(make({"energy": energy}, amounts=[{11: 1, 17: 1}] * 4))
    assert finding.level == "note"


def stacking(sequence):
    """Close-packed layers at the places A, B and C."""
    d = 2.5
    shift = {"A": (0, 0), "B": (1 / 3, 2 / 3), "C": (2 / 3, 1 / 3)}
    n = len(sequence)
    lattice = [[d, 0, 0], [-d / 2, d * np.sqrt(0.75), 0], [0, 0, n * d * np.sqrt(2 / 3)]]
    sites = [[*shift[place], layer / n] for layer, place in enumerate(sequence)]
    return crystal(lattice, ["Co"] * n, sites)


def test_polytypes_are_not_duplicates(make, monkeypatch):
    crystals = [stacking("ABABABCABC"), stacking("ABACABACBC"), stacking("ABABABCABCABABABCABC")]
    assert duplicates(make(crystals=crystals))[0].groups == (("m0", "m2"),)
    # their near neighbours are the same
    monkeypatch.setattr(module, "FAR", 5.0)
    monkeypatch.setattr(module, "FAR_COUNT", 32)
    assert duplicates(make(crystals=crystals))[0].groups == (("m0", "m1", "m2"),)
