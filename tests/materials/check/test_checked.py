"""The whole check: clean tables give no warning, and no table makes it fail."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mattomo.materials import Materials, Quarantine, load
from mattomo.materials.check import PARTS, TITLES, Checked, check_table


def test_a_clean_table_gives_no_warning(make, rocksalt):
    rng = np.random.default_rng(6)
    pairs = [(a, b) for a in ("Li", "Na", "K", "Rb", "Cs") for b in ("F", "Cl", "Br", "I")]
    crystals = [rocksalt(5.0 + i / 30, a, b) for i, (a, b) in enumerate(pairs)]
    volume = np.array([np.linalg.det(c.lattice) for c in crystals])
    columns = {
        "band_gap": rng.uniform(1, 9, 20),
        "volume": volume,
        "formation_energy_per_atom": rng.uniform(-3, -1, 20),
        "spacegroup_number": ["225"] * 20,
        "kind": ["a", "b"] * 10,
    }
    checked = check_table(make(columns, crystals), Quarantine())
    # every crystal is cubic: the space group is rightly said to be constant
    assert [(each.code, each.column) for each in checked.findings] == [("constant", "spacegroup_number")]
    assert checked.formulas.one_to_one == 20
    assert checked.rows_read == checked.rows_used == checked.with_structure == 20


def test_the_example():
    told: list[str] = []
    checked = check_table(load("mp1000"), Quarantine(), told.append)
    assert told == list(PARTS)
    assert checked.sites == len(load("mp1000").structures.Z)
    assert {(each.code, each.column) for each in checked.warnings} == {
        ("absurd", "elastic_anisotropy"),
        ("implausible", "poisson_ratio"),
        ("implausible", "debye_temperature"),
        ("copy", "spacegroup_symbol"),
    }
    assert ("noise_around_zero", "total_magnetization") in {
        (each.code, each.column) for each in checked.notes
    }


def test_more_serious_first_and_nothing_twice():
    checked = check_table(load("mp1000"), Quarantine())
    order = [(each.level != "warning", list(TITLES).index(each.code)) for each in checked.findings]
    assert order == sorted(order)
    assert not [each for each in checked.notes if each.column == "spacegroup_symbol"]
    # the row with a Debye temperature of 9 million kelvin is said once
    assert [each.code for each in checked.findings if each.column == "debye_temperature"] == ["implausible"]


NUMBERS = st.floats(allow_nan=True, allow_infinity=True)
CRYSTALS = st.sampled_from(["none", "salt", "large"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), n=st.integers(0, 45), structures=st.booleans())
def test_any_table_gives_a_check(make, rocksalt, cubic, data, n, structures):
    names = ["band_gap", "volume", "density", "energy", "energy_per_atom", "total_magnetization",
             "lattice_angle_alpha_degree", "label_residual", "x", "y"]  # fmt: skip
    columns = {}
    for name in data.draw(st.lists(st.sampled_from(names), unique=True, max_size=4)):
        kind = data.draw(st.sampled_from(["any", "few", "same", "none"]))
        elements = {
            "any": NUMBERS, "few": st.sampled_from([0.0, -0.0, 1.0, -999.0, 1e308, 5e-324]),
            "same": st.just(1e308), "none": st.just(np.nan),
        }[kind]  # fmt: skip
        columns[name] = data.draw(arrays(np.float64, n, elements=elements))
    for name in data.draw(
        st.lists(st.sampled_from(["crystal_system", "spacegroup_number", "split"]), unique=True)
    ):
        levels = st.sampled_from(["", "1", "225", "231", "cubic", "Hexagonal", "train", "\n[bold]"])
        columns[name] = data.draw(
            st.lists(levels, min_size=n, max_size=n).map(lambda v: np.array(v, dtype="<U12"))
        )
    choices = {"none": None, "salt": rocksalt(5.6), "large": cubic(30.0, ["Xe"], [[0, 0, 0]])}
    crystals = (
        [choices[each] for each in data.draw(st.lists(CRYSTALS, min_size=n, max_size=n))]
        if structures
        else [None] * n
    )
    amounts = [c.amounts if c else {54: 1} for c in crystals]
    checked = check_table(make(columns, crystals, amounts), Quarantine())
    assert isinstance(checked, Checked)
    assert len(checked.properties) == len(columns)
    assert all(each.code in TITLES for each in checked.findings)
    text = json.dumps(checked.plain(), allow_nan=False)
    assert json.loads(text)["rows_used"] == n


@pytest.mark.parametrize("n", [0, 1])
def test_no_row_and_one_row(n):
    few: Materials = load("mp1000").take(np.arange(n))
    checked = check_table(few, Quarantine())
    assert checked.rows_used == n
    assert not [each for each in checked.warnings if each.code not in ("empty", "implausible")]
