"""Ranges, units and mix-ups; each with a clean counterpart."""

import numpy as np
import pytest

from mattomo.materials.check.plausible import PLAUSIBLE, implausible
from mattomo.materials.registry import REGISTRY

RNG = np.random.default_rng(4)
GAPS = RNG.uniform(0, 6, 60)
FORMATION = RNG.uniform(-3.5, 0.5, 60)
DENSITY = RNG.uniform(2, 12, 60)


def test_every_range_is_of_a_registered_scalar():
    for name, plausible in PLAUSIBLE.items():
        assert REGISTRY[name].kind == "scalar"
        assert plausible.low < plausible.high


def test_right_values_give_no_finding(make):
    columns = {
        "band_gap": GAPS,
        "formation_energy_per_atom": FORMATION,
        "density": DENSITY,
        "e_above_hull": np.r_[0.0, -1e-8, RNG.uniform(0, 1, 58)],
        "poisson_ratio": RNG.uniform(0.1, 0.4, 60),
        "lattice_angle_alpha_degree": RNG.uniform(60, 120, 60),
        "unknown": RNG.normal(0, 1e6, 60),
    }
    assert implausible(make(columns)) == []


@pytest.mark.parametrize(
    ("name", "values", "unit", "factor"),
    [
        ("band_gap", GAPS * 1000, "meV", 1e-3),
        ("bandgap_energy_ev", GAPS * 1000, "meV", 1e-3),
        ("formation_energy_per_atom", FORMATION * 1000, "meV", 1e-3),
        ("formation_energy_per_atom", FORMATION * 96.485, "kJ/mol", 1 / 96.485),
        ("density", DENSITY * 1000, "kg/m³", 1e-3),
        ("bulk_modulus_vrh", RNG.uniform(1e10, 4e11, 60), "Pa", 1e-9),
    ],
)
def test_another_unit(make, name, values, unit, factor):
    found = implausible(make({name: values}))
    assert [(each.code, each.level) for each in found] == [("unit", "warning")]
    if unit == "kJ/mol":  # a factor of 100 may also be 1000
        assert "meV" in found[0].text or "kJ/mol" in found[0].text
    else:
        assert unit in found[0].text
        assert float(found[0].advice.rstrip(".").split()[-1]) == pytest.approx(factor)


@pytest.mark.parametrize(
    ("name", "values", "bad", "word"),
    [
        ("band_gap", GAPS, -0.5, "negative"),
        ("e_above_hull", np.abs(GAPS), -0.1, "negative"),
        ("density", DENSITY, 0.04, "below 0.5"),
        ("density", DENSITY, 60.0, "above 23.5"),
        ("density", DENSITY, -3.0, "below"),
        ("poisson_ratio", GAPS / 20, 0.7, "above 0.5"),
        ("bulk_modulus_vrh", DENSITY * 10, -5.0, "negative"),
    ],
)
def test_rows_out_of_range(make, name, values, bad, word):
    (finding,) = implausible(make({name: np.r_[values, bad]}))
    assert (finding.code, finding.ids) == ("implausible", ("m60",))
    assert word in finding.text


def test_worst_first(make):
    (finding,) = implausible(make({"band_gap": np.r_[GAPS, -0.1, -7.0, -2.0]}))
    assert finding.ids == ("m61", "m62", "m60")


def test_radians(make):
    (finding,) = implausible(make({"lattice_angle_gamma_degree": np.full(40, 1.5708)}))
    assert "radians" in finding.text


@pytest.fixture
def cells(make, cubic):
    """Crystals of 1 to 10 sites."""
    crystals = [
        cubic(
            4.0 * (i % 10 + 1), ["Po"] * (i % 10 + 1), [[j / (i % 10 + 1), 0, 0] for j in range(i % 10 + 1)]
        )
        for i in range(60)
    ]
    sites = np.array([len(each.Z) for each in crystals], dtype=float)
    return lambda name, values: make({name: values}, crystals), sites


def test_energies_per_atom_and_per_cell(cells):
    table, sites = cells
    per_atom = RNG.uniform(-8, -4, 60)
    assert implausible(table("energy_per_atom", per_atom)) == []
    assert implausible(table("energy", per_atom * sites)) == []
    (finding,) = implausible(table("energy_per_atom", per_atom * sites))
    assert (finding.code, "divide by the sites" in finding.advice) == ("per_atom_or_cell", True)
    (finding,) = implausible(table("energy", per_atom))
    assert (finding.code, "multiply by the sites" in finding.advice) == ("per_atom_or_cell", True)


def test_moments_no_atom_has(cells):
    table, sites = cells
    moments = sites * 5.0
    assert implausible(table("total_magnetization", moments)) == []
    moments[0] = -16.0
    (finding,) = implausible(table("total_magnetization", moments))
    assert finding.ids == ("m0",)
