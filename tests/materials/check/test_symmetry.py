"""Stored space groups against those of the structures."""

import numpy as np

from mattomo.materials import load
from mattomo.materials.check import symmetry
from mattomo.materials.check.symmetry import space_groups


def test_right_and_wrong_groups(make, rocksalt, cubic):
    crystals = [rocksalt(5.0 + i / 10) for i in range(9)] + [cubic(4.0, ["Po"], [[0, 0, 0]])]
    assert space_groups(make({"spacegroup_number": ["225"] * 9 + ["221"]}, crystals))[1] == []
    agreements, (finding,) = space_groups(make({"spacegroup_number": ["225"] * 7 + ["1"] * 3}, crystals))
    assert (finding.level, finding.ids) == ("warning", ("m7", "m8", "m9"))
    assert (agreements[0].compared, agreements[0].agree) == (10, 7)


def test_slightly_distorted_is_a_note(make, cubic, rocksalt):
    frac = [[0, 0, 0], [0.5, 0.5, 0.5]]
    off = [[0, 0, 0], [0.5, 0.5, 0.5 + 0.03 / 4]]  # 0.03 Å
    crystals = [cubic(4.0, ["Cs", "Cl"], frac)] * 19 + [cubic(4.0, ["Cs", "Cl"], off)]
    _, (finding,) = space_groups(make({"spacegroup_number": ["221"] * 20}, crystals))
    assert (finding.level, finding.count, finding.ids) == ("note", 1, ("m19",))
    assert "1 of 1 agree at 0.1 Å" in finding.text


def test_a_sample_of_a_large_table(make, rocksalt, monkeypatch):
    monkeypatch.setattr(symmetry, "MOST_ROWS", 3)
    crystals = [rocksalt(5.0 + i / 10) for i in range(9)]
    agreements, findings = space_groups(make({"spacegroup_number": ["225"] * 9}, crystals))
    assert agreements[0].compared == 3
    assert "sample" in agreements[0].of
    assert findings == []


def test_nothing_to_compare(make, rocksalt):
    assert space_groups(make({"band_gap": [1.0]}, [rocksalt(5.0)])) == ([], [])
    assert space_groups(make({"spacegroup_number": ["225", "x"]})) == ([], [])
    assert space_groups(make({"spacegroup_number": ["P1"]}, [rocksalt(5.0)])) == ([], [])


def test_the_example_agrees_for_the_most_part():
    few = load("mp1000").take(np.arange(0, 1000, 10))
    (agreement,), findings = space_groups(few)
    assert agreement.agree >= 95
    assert all(each.level == "note" for each in findings)
