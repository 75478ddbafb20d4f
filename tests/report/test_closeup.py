"""Cells close up: means by hand, curves, and what is left out."""

import json

import numpy as np
import pandas as pd
import pytest

from mattomo.information.scores import Scored
from mattomo.report import summarize, write_tables
from mattomo.report.closeup import (
    EPOCHS,
    POINTS,
    Closeups,
    closeups,
    crystal_system,
    groups_of,
    memberships,
    with_curves,
)
from mattomo.study.outcome import Rows

KEY = ("trees", "composition", "gap", "density")


def unit(seed, materials, falls, *, pair="", added=("density",), fraction=1.0, true=0.0):
    """A unit whose baseline errs by 2 everywhere, and whose properties lower the error by ``falls``."""
    n = len(materials)
    predicted = true + 2.0 - np.concatenate([np.zeros((1, n)), np.reshape(falls, (len(added), n))])
    nothing = np.zeros((len(added), n))
    return Scored(
        "trees", "composition", "gap", pair, seed, fraction, 90, added, np.asarray(materials),
        np.full(n, true), predicted, nothing.astype(np.float32), nothing, nothing, ("",) * len(added),
    )  # fmt: skip


def rows_of(formulas):
    return Rows(np.array([f"m{i}" for i in range(len(formulas))]), np.array(formulas), {})


@pytest.fixture(scope="module")
def ten():
    return rows_of(["NaCl"] * 5 + ["Fe2O3"] * 5)


def test_a_material_counts_once_with_its_mean_over_the_seeds(ten):
    systems = np.array(["Cubic"] * 5 + ["trigonal"] * 4 + [""])
    first = unit(0, range(10), [1.0] * 5 + [-0.5] * 5)
    second = unit(1, [0, 9], [0.0, -1.5])
    found = closeups([second, first], ten, systems)
    (group,) = found.groups
    assert (group["seeds"], group["n_materials"], group["n_rows"]) == ([0, 1], 10, 12)
    cell = found.cells[KEY]
    elements = {row["name"]: row for row in groups_of(group, cell, "elements")}
    assert list(elements) == ["O", "Na", "Cl", "Fe"]  # as in the periodic table
    # Na: falls of 0.5 (mean over two seeds), 1, 1, 1, 1.
    assert elements["Na"]["change"] == -0.9
    assert elements["Na"]["se"] == pytest.approx(np.std([0.5, 1, 1, 1, 1], ddof=1) / np.sqrt(5), rel=1e-3)
    assert elements["Na"]["clear"]
    assert elements["Fe"] == elements["O"] | {"name": "Fe"}
    assert elements["O"]["change"] == 0.6
    assert elements["O"]["mae0"] == 2.0
    systems_found = groups_of(group, cell, "crystal_systems")
    assert [(row["name"], row["n"]) for row in systems_found] == [("cubic", 5)]  # four are too few
    assert [(row["name"], row["n"]) for row in groups_of(group, cell, "polymorphs")] == [("5 or more", 10)]
    assert [row["id"] for row in cell["helped"]] == ["m1", "m2", "m3", "m4", "m0"]
    assert cell["helped"][-1] == {
        "id": "m0", "formula": "NaCl", "mae0": 2.0, "mae1": 1.5, "change": -0.5, "n_seeds": 2,
    }  # fmt: skip
    assert [row["id"] for row in cell["hurt"]] == ["m9", "m8", "m7", "m6", "m5"]
    assert cell["hurt"][0]["change"] == 1.0


def test_weighted_groups_give_back_the_mean_of_all_materials(make_study, outcome):
    made = make_study(outcome)
    for key, cell in made.close.cells.items():
        group = made.close.groups[cell["group"]]
        own = [u for u in made.scored if (u.learner, u.representation, u.target) == key[:3]]
        values = {}
        for each in own:
            k = each.added.index(key[3]) + 1
            change = np.abs(each.predicted[k] - each.true) - np.abs(each.predicted[0] - each.true)
            for material, value in zip(each.materials, change, strict=True):
                values.setdefault(material, []).append(value)
        mean = np.mean([np.mean(each) for each in values.values()])
        rows = groups_of(group, cell, "polymorphs")
        assert sum(row["n"] for row in rows) == group["n_materials"] == len(values)
        whole = sum(row["n"] * row["change"] for row in rows) / len(values)
        assert whole == pytest.approx(mean, abs=1e-3 * max(abs(row["change"]) for row in rows))


def test_each_pair_has_rows_of_its_own(ten):
    found = closeups(
        [unit(0, range(10), [0.5] * 10, pair="density"),
         unit(0, range(4, 9), [0.1] * 5, pair="volume", added=("volume",))],
        ten,
    )  # fmt: skip
    assert [group["pair"] for group in found.groups] == ["density", "volume"]
    assert [group["n_materials"] for group in found.groups] == [10, 5]
    assert {key[3]: cell["group"] for key, cell in found.cells.items()} == {"density": 0, "volume": 1}


def test_controls_parts_and_undefined_errors_are_left_out(ten):
    added = ("density", "volume", "control:placebo")
    falls = np.zeros((3, 10))
    falls[1, 3] = np.nan
    found = closeups([unit(0, range(10), falls, added=added), unit(0, [], [], fraction=1.0)], ten)
    assert list(found.cells) == [KEY]
    assert closeups([unit(0, range(10), [0.1] * 10, fraction=0.5)], ten).cells == {}
    assert closeups([], rows_of([])).groups == []
    assert found.cells[KEY]["helped"] == found.cells[KEY]["hurt"] == []


def test_parity_is_thinned_by_rank_and_keeps_both_ends():
    n = 400
    rows = rows_of(["NaCl"] * n)
    true = np.random.default_rng(1).standard_normal(n)
    each = unit(0, range(n), [0.5] * n, true=0.0)
    each = Scored(**(each.__dict__ | {"true": true, "predicted": each.predicted + true}))
    found = closeups([each], rows)
    shown = np.array(found.groups[0]["parity"]["true"])
    assert len(shown) == POINTS
    assert (np.diff(shown) >= 0).all()
    assert shown[[0, -1]] == pytest.approx([true.min(), true.max()], rel=1e-3)
    assert np.array(found.groups[0]["parity"]["baseline"]) - shown == pytest.approx(2.0, abs=2e-3)
    assert np.array(found.cells[KEY]["parity"]) - shown == pytest.approx(1.5, abs=2e-3)


def test_curves_are_those_of_the_models(ten):
    def model(added, seed, last, low, pair=""):
        epochs = np.arange(1, last + 1)
        return pd.DataFrame({
            "epoch": epochs, "added": added, "seed": seed, "pair": pair, "learner": "trees",
            "representation": "composition", "target": "gap",
            "val_mae": 1 + np.abs(epochs - low) / 100,
        })  # fmt: skip

    found = closeups([unit(s, range(10), [0.1] * 10) for s in (0, 1)], ten)
    foreign = model("density", 0, 9, 3, pair="volume")
    curves = pd.concat([model("", 0, 300, 40), model("", 1, 120, 7), model("density", 0, 50, 50),
                        model("density", 1, 300, 1), foreign])  # fmt: skip
    with_curves(found, curves)
    group, cell = found.groups[0], found.cells[KEY]
    epochs = group["curves"]["epochs"]
    assert epochs[0] == 1
    assert epochs[-1] == 300
    assert len(epochs) <= EPOCHS
    assert group["best"] == [[40, 1.0], [7, 1.0]]
    assert cell["best"] == [[50, 1.0], [1, 1.0]]
    assert group["curves"]["baseline"][0] == pytest.approx([1 + abs(e - 40) / 100 for e in epochs], rel=1e-3)
    assert len(group["curves"]["baseline"][1]) == sum(e <= 120 for e in epochs)
    assert len(cell["curves"][0]) == sum(e <= 50 for e in epochs)


def test_without_all_curves_of_a_cell_there_are_none(ten):
    found = closeups([unit(0, range(10), [0.1] * 10)], ten)
    nothing = {"epoch": 1, "added": "", "seed": 0, "pair": "", "learner": "trees", "target": "gap"}
    with_curves(found, pd.DataFrame([nothing | {"representation": "composition", "val_mae": 1.0}]))
    assert found.groups[0]["curves"] == {"epochs": [1], "baseline": [[1.0]]}
    assert found.cells[KEY]["curves"] is None
    assert with_curves(Closeups(), pd.DataFrame()).groups == []


def test_elements_of_formulas_and_odd_ones():
    known = memberships(rows_of(["H2O", "NaCl", "no formula <b>", "H2O"]), None)
    elements = known["elements"]
    assert elements.names == ("H", "O", "Na", "Cl")
    assert elements.inside.tolist() == [[1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0], [1, 1, 0, 0]]
    assert known["crystal_systems"].names == ()
    polymorphs = known["polymorphs"]
    assert [polymorphs.names[i] for i in polymorphs.inside.argmax(axis=1)] == ["2", "1", "1", "2"]
    assert (polymorphs.inside.sum(axis=1) == 1).all()


def test_crystal_systems_of_all_space_groups():
    sizes = {"triclinic": 2, "monoclinic": 13, "orthorhombic": 59, "tetragonal": 68, "trigonal": 25,
             "hexagonal": 27, "cubic": 36}  # fmt: skip
    names = [crystal_system(number) for number in range(1, 231)]
    assert {name: names.count(name) for name in sizes} == sizes
    assert crystal_system(0) == crystal_system(231) == ""


def test_tables_hold_every_group_and_material(make_study, outcome, tmp_path):
    made = make_study(outcome)
    summary = summarize(made.outcome, made.analysis, close=made.close)
    json.dumps(summary, allow_nan=False)
    write_tables(summary, tmp_path)
    where = pd.read_csv(tmp_path / "where.csv")
    materials = pd.read_csv(tmp_path / "materials.csv")
    cell = summary["cells"][1]
    own = {name: cell[name] for name in ("learner", "representation", "target", "added")}
    mine = where[(where[list(own)] == pd.Series(own)).all(axis=1) & (where["kind"] == "elements")]
    assert mine["change"].tolist() == cell["closeup"]["elements"]["change"]
    assert (where["clear"] == (where["change"].abs() > 2 * where["se"])).all()
    assert set(where["unit"]) == {"eV", "g/cm³"}
    listed = materials[(materials[list(own)] == pd.Series(own)).all(axis=1) & (materials["end"] == "helped")]
    assert listed["id"].tolist() == [row["id"] for row in cell["closeup"]["helped"]]
    assert len(where.groupby(list(own))) == len(summary["cells"])
