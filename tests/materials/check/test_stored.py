"""Stored values against the structure's own; the likely reason of each mistake is recognised."""

import numpy as np
import pytest

from mattomo.materials import load
from mattomo.materials.check.stored import stored_against_own

EDGES = np.linspace(5.0, 6.0, 12)
VOLUME = EDGES**3
# 4 NaCl: IUPAC 2021 weights 22.990 + 35.45 u; 1 u/Å³ = 1.66054 g/cm³
DENSITY = 4 * (22.990 + 35.45) / VOLUME * 1.66054


@pytest.fixture
def salts(make, rocksalt):
    return lambda **columns: make(columns, [rocksalt(edge) for edge in EDGES])


def test_right_values_give_no_finding(salts):
    agreements, findings = stored_against_own(
        salts(
            volume=VOLUME, density=DENSITY, nsites=np.full(12, 8), volume_per_atom=VOLUME / 8,
            nelements=np.full(12, 2), energy=np.full(12, -28.0), energy_per_atom=np.full(12, -3.5),
            crystal_system=["Cubic"] * 12, spacegroup_number=["225"] * 12,
        )
    )  # fmt: skip
    assert findings == []
    assert len(agreements) == 7
    assert {(each.compared, each.agree) for each in agreements} == {(12, 12)}


@pytest.mark.parametrize(
    ("column", "values", "reason"),
    [
        ("volume", VOLUME / 4, "another cell"),
        ("volume", VOLUME / 8, "per atom"),
        ("volume", VOLUME / 0.529177**3, "bohr³"),
        ("volume", VOLUME / 1000, "nm³"),
        ("volume_per_atom", VOLUME, "per cell"),
        ("density", DENSITY * 1000, "kg/m³"),
        ("density", DENSITY / 1.66054, "u/Å³"),
        ("nsites", np.full(12, 2), "another cell"),
        ("nelements", np.full(12, 3), ""),
    ],
)
def test_the_likely_reason(salts, column, values, reason):
    (agreement,), (finding,) = stored_against_own(salts(**{column: values}))
    assert (finding.code, finding.level, finding.count) == ("stored_differs", "warning", 12)
    assert reason in agreement.reason
    assert (agreement.reason == "") == (reason == "")


def test_the_worst_come_first(salts):
    values = VOLUME.copy()
    values[3] *= 1.02
    values[7] *= 1.5
    values[9] = -1.0
    (agreement,), (finding,) = stored_against_own(salts(volume=values))
    assert finding.ids == ("m9", "m7", "m3")
    assert agreement.agree == 9


def test_energy_of_another_cell(salts):
    energy = np.full(12, -28.0)
    energy[5] = -7.0
    _, (finding,) = stored_against_own(salts(energy=energy, energy_per_atom=np.full(12, -3.5)))
    assert finding.ids == ("m5",)
    assert "another cell" in finding.text


def test_crystal_system_of_another_space_group(salts):
    numbers = ["225"] * 9 + ["166", "166", "194"]
    right = ["cubic"] * 9 + ["trigonal", "trigonal", "hexagonal"]
    assert stored_against_own(salts(crystal_system=right, spacegroup_number=numbers))[1] == []
    lattice = ["cubic"] * 9 + ["hexagonal"] * 3
    _, (finding,) = stored_against_own(salts(crystal_system=lattice, spacegroup_number=numbers))
    assert finding.ids == ("m9", "m10")
    assert "hexagonal lattice" in finding.text


def test_without_structures_nothing_is_compared(make):
    assert stored_against_own(make({"volume": [1.0, 2.0], "density": [1.0, np.nan]})) == ([], [])


def test_the_example_agrees():
    agreements, findings = stored_against_own(load("mp1000"))
    assert findings == []
    assert {each.column for each in agreements} >= {"volume", "density", "nsites", "energy"}
