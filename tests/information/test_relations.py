import numpy as np
import pytest

from mattomo.information.relations import deterministic_pairs, functional_dependency, relations


def forms(found, target):
    return {r.form for r in found if r.target == target}


def test_mp1000(mp1000):
    found = relations(mp1000)
    assert "energy = nsites × energy_per_atom" in forms(found, "energy")
    assert "density = 1.661 × nsites × mean_atomic_mass / volume" in forms(found, "density")
    assert "spacegroup_number fixes crystal_system" in forms(found, "crystal_system")
    assert "band_gap = cbm − vbm" in forms(found, "band_gap")
    assert "is_metal is False if band_gap > 0, else True" in forms(found, "is_metal")
    assert not any(r.target == "nsites" and r.sources == ("volume",) for r in found)
    assert not any(r.target in ("formation_energy_per_atom", "e_above_hull", "efermi") for r in found)
    assert not any(r.sources == ("crystal_system",) for r in found)
    assert all(r.score < 0.01 and r.support >= 0.3 and r.target not in r.sources for r in found)

    composition = deterministic_pairs(found, "composition")
    assert ("density", "volume_per_atom") in composition
    assert ("density", "volume") not in composition
    assert ("energy", "energy_per_atom") not in composition
    assert ("density", "volume") in deterministic_pairs(found, "composition", also=["nsites"])
    structure = deterministic_pairs(found, "structure")
    assert {("energy", "energy_per_atom"), ("density", "")} <= structure
    assert not any(target == "formation_energy_per_atom" for target, _ in structure)
    with pytest.raises(ValueError, match="representation"):
        deterministic_pairs(found, "poem")


def test_noise_has_no_relations(make):
    rng = np.random.default_rng(0)
    columns = {name: list(rng.lognormal(size=400)) for name in "abcdef"}
    columns["kind"] = [str(k) for k in rng.integers(0, 4, 400)]
    assert relations(make(["NaCl", "MgO"] * 200, columns)) == ()


@pytest.mark.parametrize(("noise", "found"), [(0.0, True), (1e-3, True), (0.1, False)])
def test_a_sum_is_found_unless_noise_hides_it(make, noise, found):
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 1000))
    c = 2 * a - 0.5 * b + 3 + noise * rng.normal(size=1000)
    laws = relations(make(["NaCl"] * 1000, {"a": list(a), "b": list(b), "c": list(c)}))
    assert any(r.target == "c" and r.sources == ("a", "b") for r in laws) == found
    if noise == 0:
        assert forms(laws, "c") == {"c = 2 a − 0.5 b + 3"}


def test_categories():
    many = np.arange(1000)
    assert functional_dependency(many, many % 3)[1] == 0
    score, support = functional_dependency(many % 50, many % 5)
    assert (score, support) == (0, 0.95)
    rng = np.random.default_rng(0)
    assert functional_dependency(rng.integers(0, 50, 1000), many % 5)[0] > 0.8


def test_a_target_mostly_zero_is_judged_where_it_is_not(make):
    rng = np.random.default_rng(2)
    a = np.where(rng.random(1000) < 0.6, 0.0, rng.lognormal(size=1000))
    b = rng.lognormal(size=1000)
    laws = relations(make(["NaCl"] * 1000, {"a": list(a), "b": list(b), "c": list(a * b)}))
    assert forms(laws, "c") == {"c = a × b"}


def test_trees_find_what_no_formula_says(make):
    rng = np.random.default_rng(3)
    a = rng.uniform(-3, 3, 4000)
    table = make(["NaCl"] * 4000, {"a": list(a), "c": list(np.sin(a) + np.abs(a))})
    assert not any(r.target == "c" for r in relations(table))
    assert any(r.target == "c" and r.kind == "trees" for r in relations(table, deep=True))
