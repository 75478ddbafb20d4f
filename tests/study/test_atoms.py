"""Studies that add properties inside the atoms, end to end."""

import dataclasses

import numpy as np
import pytest

import mattomo as mt
from mattomo.materials import AtomColumn, Column, PropertyInfo
from mattomo.study.atoms import BUILT_IN, with_atoms
from mattomo.study.config import read_config
from mattomo.study.controls import ATOMS

from .conftest import Inline

SITE = {"spin": "site", "noise": "site"}


@pytest.fixture(scope="module")
def world():
    """The target is the mean absolute moment of the sites; the moments of a material sum to nothing.

    So neither the composition, nor the structure, nor the mean of the moments tells of it; beside them are
    numbers of the sites that tell nothing.
    """
    materials = mt.load("mp1000")
    sites = materials.structures.sites
    materials = materials.take(np.flatnonzero((sites <= 12) & (sites >= 4))[:200])
    n, s = len(materials), materials.structures
    rng = np.random.default_rng(0)
    owner = np.repeat(np.arange(n), s.sites)
    moments = rng.choice([-1.0, 1.0], len(s.Z)) * rng.uniform(0.2, 2.0, n)[owner]
    target = np.bincount(owner, abs(moments)) / s.sites
    atoms = {
        name: AtomColumn(PropertyInfo(name, f"{name} of a site", atoms="site"), values)
        for name, values in (("spin", moments), ("noise", rng.normal(size=len(s.Z))))
    }
    column = Column(PropertyInfo("p", "p"), target, np.zeros(n, dtype=bool))
    return dataclasses.replace(materials, atoms=atoms, columns={**materials.columns, "p": column})


CHOICES = {
    "targets": ["p"],
    "properties": ["spin", "noise", "radius", "density"],
    "atoms": {**SITE, "radius": "element:covalent_radius"},
    "learners": ["trees"],
    "seeds": 3,
    "swaps": 3,
}


@pytest.fixture(scope="module")
def finished(world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("atoms") / "study"
    return mt.Study(world, **CHOICES).run(folder, executor=Inline())


def test_what_matters_inside_the_atoms_is_found_and_noise_is_not(finished):
    assert finished.run.failed == {}
    table = finished.gains().set_index(["representation", "added"])
    assert table.loc[("structure", "spin"), "max"] < -0.5
    assert table.loc[("structure", "noise"), "mean"] > -0.1
    # the composition is told means over sites of an element: less than the sites tell
    assert table.loc[("composition", "spin"), "mean"] > table.loc[("structure", "spin"), "max"] + 0.2
    assert table.loc[("composition", "noise"), "mean"] > -0.1
    bits = finished.bits().set_index(["representation", "added"])
    assert bits.loc[("structure", "spin"), "bits"] > 1
    assert abs(bits.loc[("structure", "noise"), "bits"]) < 0.3


def test_the_mean_beside_the_atoms_would_not_have_told_it(world, finished, tmp_path):
    moments = world.atoms["spin"].values
    owner = np.repeat(np.arange(len(world)), world.structures.sites)
    mean = Column(
        PropertyInfo("mean_spin", "mean spin"),
        np.bincount(owner, moments) / world.structures.sites,
        np.zeros(len(world), dtype=bool),
    )
    pooled = dataclasses.replace(world, columns={**world.columns, "mean_spin": mean})
    choices = {**CHOICES, "properties": ["mean_spin"], "atoms": {}, "controls": [], "swaps": 0}
    results = mt.Study(pooled, **choices).run(tmp_path / "study", executor=Inline())
    beside = results.gains().set_index("representation").loc["structure", "mean"]
    inside = finished.gains().set_index(["representation", "added"]).loc[("structure", "spin"), "mean"]
    assert inside < beside - 0.3


def test_the_network_finds_it_too(world, tmp_path):
    choices = {**CHOICES, "properties": ["spin", "noise"], "atoms": SITE, "learners": ["cgcnn"], "seeds": 1}
    choices |= {"representations": ["structure"], "controls": [], "swaps": 0}
    study = mt.Study(world, **choices, epochs=15, batch_size=16, milestones=(12,))
    results = study.run(tmp_path / "study", executor=Inline())
    table = results.gains().set_index("added")
    assert table.loc["spin", "mean"] < -0.3
    assert table.loc["noise", "mean"] > -0.15


def test_what_the_composition_determines_is_convenience_and_says_so(finished):
    """By element the statistics are columns that descriptors have: no gain at all, and no swap test."""
    bits = finished.bits()
    radius = bits[bits["added"] == "radius"]
    assert set(radius["deterministic"]) == {"derived"}
    assert all("given by element" in why for why in radius["swap_reason"])
    np.testing.assert_array_equal(radius["mae1"], radius["mae0"])
    spin = bits[bits["added"] == "spin"]
    assert set(spin["deterministic"]) == {""}
    assert all("no conditional placebos" in why for why in spin["swap_reason"])
    assert bits["swap_p"].notna().groupby(bits["added"]).all().to_dict() == {
        "spin": False, "noise": False, "radius": False, "density": True, ATOMS: False,
        "control:placebo": True, "control:derived": True, "control:planted": True,
    }  # fmt: skip
    page = finished.report().read_text(encoding="utf-8")
    assert "so a gain is convenience" in page
    assert "Composition and structure determine it: a gain is convenience" in page
    assert "sites have no conditional placebos" in page


def test_the_placebo_inside_the_atoms_is_a_control(finished):
    controls = finished.controls().set_index(["control", "representation"])
    for representation in ("composition", "structure"):
        row = controls.loc[(ATOMS, representation)]
        assert row["mae_change"] > -0.1
        assert "As expected of no information" in row["reading"]
    assert ATOMS not in set(finished.errors["added"])


def test_the_placebo_holds_the_same_values_elsewhere(world):
    prepared = mt.Study(world, **CHOICES).plan().prepared
    spin, placebo = prepared.atoms["spin"], prepared.atoms[ATOMS]
    np.testing.assert_array_equal(np.sort(placebo.values), np.sort(spin.values))
    assert (placebo.values != spin.values).mean() > 0.5
    by_element = mt.Study(
        world, **{**CHOICES, "properties": ["radius"], "atoms": {"radius": "element:covalent_radius"}}
    )
    prepared = by_element.plan().prepared
    radius, placebo = prepared.atoms["radius"], prepared.atoms[ATOMS]
    present = np.unique(prepared.materials.compositions.Z)
    np.testing.assert_array_equal(np.sort(placebo.values[present]), np.sort(radius.values[present]))
    assert (placebo.values[present] != radius.values[present]).mean() > 0.8


def test_a_changed_table_changes_the_units_and_an_unused_one_does_not(world, tmp_path):
    table = tmp_path / "hardness.csv"

    def units(text="", materials=world, **changes):
        symbols = [f"{symbol},{k}" for k, symbol in enumerate(mt.materials.SYMBOLS[:103])]
        table.write_text("\n".join(["element,hardness", *symbols, *([text] if text else [])]))
        choices = {
            **CHOICES, "properties": ["hardness", "spin"],
            "atoms": {"hardness": str(table), "spin": "site"}, **changes,
        }  # fmt: skip
        return {unit.id for unit in mt.Study(materials, **choices).plan().units}

    first = units()
    assert units() == first
    text = table.read_text().replace("O,7\n", "O,7.5\n")
    table.write_text(text)
    changed = {
        unit.id
        for unit in mt.Study(
            world, **{**CHOICES, "properties": ["hardness", "spin"],
                      "atoms": {"hardness": str(table), "spin": "site"}}
        ).plan().units
    }  # fmt: skip
    assert changed.isdisjoint(first)

    def with_values(name):
        column = world.atoms[name]
        other = dataclasses.replace(column, values=column.values * 2)
        return dataclasses.replace(world, atoms={**world.atoms, name: other})

    assert units(materials=with_values("spin")).isdisjoint(first)
    assert units(materials=with_values("noise")) == first


def test_rows_without_a_value_are_left_out_and_say_which_elements(world, tmp_path):
    spin = world.atoms["spin"]
    holey = spin.values.copy()
    holey[world.structures.offsets[17]] = np.nan
    told = dataclasses.replace(world, atoms={**world.atoms, "spin": dataclasses.replace(spin, values=holey)})
    atoms = {"chi": "element:electronegativity", "spin": "site"}
    study = mt.Study(told, **{**CHOICES, "properties": ["chi", "spin"], "atoms": atoms})
    left_out = study.plan().prepared.left_out.rows
    unknown = {row.value for row in left_out if row.column == "chi"}
    assert unknown
    assert unknown <= {"Eu", "Tb", "Yb", "Pm", "Xe", "Kr", "Ar", "He", "Ne"}
    assert str(world.ids[17]) in {row.id for row in left_out if row.column == "spin"}
    assert not study.plan().prepared.columns["chi"].missing.any()


PAIRS = {
    **CHOICES, "properties": ["chi", "spin"], "seeds": 1, "rows": "per-pair", "swaps": 0,
    "atoms": {"chi": "element:electronegativity", "spin": "site"}, "controls": ["placebo"],
}  # fmt: skip


def test_rows_of_each_pair(world, tmp_path):
    study = mt.Study(world, **PAIRS)
    names = {task.name for unit in study.plan().units for task in unit.tasks}
    assert names == {"", "chi", "spin", "control:placebo"}
    results = study.run(tmp_path / "study", executor=Inline())
    assert results.run.failed == {}
    sizes = results.errors.groupby("pair")["n_test"].first()
    assert sizes["chi"] < sizes["spin"]


def test_no_unknown_value_of_another_row_is_trained_on(world):
    plan = mt.Study(world, **{**PAIRS, "learners": ["trees", "cgcnn"]}).plan()
    seen = 0
    for unit in map(plan.unit, plan.units):
        for graphs in unit.atom_graphs.values():
            assert len(graphs) == len(unit.base)
            assert np.isfinite(graphs.values).all()
        for table in unit.atom_tables.values():
            assert np.isfinite(table.values).all()
        seen += len(unit.atom_graphs) + len(unit.atom_tables)
    assert seen == 2 * 2 * 2


def test_the_plan_knows_the_cost_of_sites_kept_apart(world):
    def seconds(properties):
        choices = {**CHOICES, "learners": ["cgcnn"], "representations": ["structure"], "controls": []}
        atoms = {name: CHOICES["atoms"][name] for name in properties if name in CHOICES["atoms"]}
        plan = mt.Study(world, **{**choices, "properties": properties, "atoms": atoms, "swaps": 0}).plan()
        return plan.costs[plan.units[0].id]

    baseline, beside, inside = seconds([]), seconds(["density"]), seconds(["noise"])
    # Models on the same graphs share the cost of a step, those with other values in the atoms do not.
    assert 1.5 * baseline < beside < 2 * baseline
    assert beside < seconds(["radius"]) <= 2 * baseline * (1 + 1e-9)
    assert inside > 1.2 * beside


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_properties_that_come_with_mattomo(name):
    table = mt.load("mp1000").take(np.arange(20))
    found = with_atoms(table, {name: "element"})
    column = found.atoms[name]
    assert (column.info.name, column.info.unit) == (name, BUILT_IN[name])
    known = {"group": (8, 16), "period": (26, 4), "electronegativity": (8, 3.44), "covalent_radius": (8, 66)}
    Z, value = known.get(name, (26, column.values[26]))
    assert column.values[Z] == value
    assert np.isfinite(value)
    assert name in found.columns


@pytest.mark.parametrize(
    ("atoms", "message"),
    [
        ({"spin": "sites"}, r"'sites': no such source.*'spin'\. It is"),
        ({"x": "element"}, r"no such property in the table of the elements"),
        ({"x": "element:electronegativty"}, r"electronegativity"),
        ({"x": "site"}, r"no such column with a number for every site.*noise|spin"),
        ({"x": "site:volume"}, r"one value a row"),
        ({"density": "element:atomic_volume"}, r"the table has a column of this name"),
    ],
)
def test_wrong_sources_are_named(world, atoms, message):
    choices = {**CHOICES, "properties": list(atoms), "atoms": atoms}
    with pytest.raises(mt.InputError, match=message):
        mt.Study(world, **choices).plan()


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"targets": ["spin"]}, r"cannot be a target"),
        ({"properties": ["noise", "radius"]}, r"spin.*named among the properties"),
        ({"atoms": {"spin": 3}}, r"expected `str`"),
    ],
)
def test_wrong_choices_are_named(world, choices, message):
    with pytest.raises(mt.InputError, match=message):
        mt.Study(world, **{**CHOICES, **choices})


def test_a_table_by_element_is_taken_from_the_folder_of_the_study_file(tmp_path):
    (tmp_path / "hardness.csv").write_text("element,hardness\nFe,4\n")
    path = tmp_path / "study.toml"
    path.write_text(
        'data = "mp1000"\ntargets = ["band_gap"]\nproperties = ["hardness", "radius"]\n'
        'atoms = { hardness = "hardness.csv", radius = "element:covalent_radius" }\n'
    )
    config = read_config(path)
    assert config.atoms == {
        "hardness": str(tmp_path / "hardness.csv"),
        "radius": "element:covalent_radius",
    }
