"""Controls, conditional placebos, rows per pair, own tables and shares of the training rows, end to end."""

import dataclasses
import shutil

import numpy as np
import pandas as pd
import pytest

import mattomo as mt
from mattomo.information import gains
from mattomo.materials.table import Column
from mattomo.study import controls
from mattomo.study.collect import held_out
from mattomo.study.store import Store

from .conftest import Inline

TREES = {
    "targets": ("formation_energy_per_atom",),
    "properties": ("density", "crystal_system"),
    "learners": ("trees",),
    "representations": ("composition",),
    "seeds": 2,
    "swaps": 5,
}


@pytest.fixture(scope="module")
def table():
    return mt.load("mp1000").take(np.arange(400))


@pytest.fixture(scope="module")
def finished(table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("controls") / "study"
    mt.Study(table, **TREES).run(folder, executor=Inline())
    return folder


def bytes_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.glob("*/*/*.parquet"))}


def test_controls_behave_as_they_must(finished):
    results = mt.Results(finished)
    assert set(results.errors["added"]) == {"", "density", "crystal_system"}
    table = gains(results.outcome.control_errors).set_index("added")
    assert set(table.index) == {"control:placebo", "control:derived", "control:planted"}
    # The trees hold the derived column already; ties between equal columns go to the first.
    assert table.loc["control:derived", "mean"] == 0
    assert table.loc["control:planted", "max"] < -0.1
    assert table.loc["control:placebo", "mean"] > -0.03


def test_planted_noise_is_as_wide_as_what_the_representation_leaves_open(table, finished):
    plan = mt.Study(table, **TREES).plan()
    store = Store(finished)
    for unit in plan.units:
        known = store.conditionals(plan.needs(unit).id)
        made = plan.unit(unit, known)
        noise = made.columns["control:planted"].values - made.columns[unit.target].values
        held = made.split.validation
        error = store.predictions(unit.id).query("part == 'validation'")
        rms = np.sqrt(np.mean((error["baseline"] - made.columns[unit.target].values[held]) ** 2))
        assert noise.std() == pytest.approx(rms, rel=0.15)


def test_placebo_is_the_same_for_all_targets_of_a_seed_and_differs_between_seeds(table):
    columns = {name: table.columns[name] for name in ("crystal_system", "density", "volume")}
    one, again, other = (controls.placebo(columns, list(columns), seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.values, again.values)
    assert not np.array_equal(one.values, other.values)
    np.testing.assert_array_equal(np.sort(one.values), np.sort(columns["density"].values))
    only = controls.placebo({"crystal_system": columns["crystal_system"]}, ["crystal_system"], 0)
    assert only.info.kind == "category"


def test_swapped_predictions_come_back_by_property(finished):
    for held in held_out(finished):
        assert set(held.swapped) == set(held.added)
        assert {p.shape for p in held.swapped.values()} == {(5, len(held.true_test))}
        # The planted column carries half of what the model knows: without it the error is larger.
        error = np.abs(held.test[1 + held.added.index("control:planted")] - held.true_test).mean()
        assert np.abs(held.swapped["control:planted"] - held.true_test).mean() > 1.1 * error
        np.testing.assert_allclose(
            held.swapped["control:derived"], np.tile(held.test[0], (5, 1)), rtol=1e-5, atol=1e-6
        )


def test_what_is_learned_beforehand_is_checked_and_made_again(table, finished, tmp_path):
    folder = tmp_path / "study"
    shutil.copytree(finished, folder)
    damaged = sorted(folder.glob("conditionals/*"))[0]
    path = damaged / "conditionals.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    for unit in folder.glob("units/*seed0*"):
        shutil.rmtree(unit)
    heard = []
    results = mt.Study(table, **TREES).run(folder, executor=Inline(), progress=heard.append)
    assert results.run.trained == 1
    assert [p.unit for p in heard if "damaged" in p.message] == [damaged.name]
    assert bytes_of(folder) == bytes_of(finished)
    assert mt.Study(table, **TREES).run(folder, executor=Inline()).run.trained == 0


def test_workers_give_the_same_numbers(table, finished, tmp_path):
    mt.Study(table, **TREES).run(tmp_path / "study", workers=2)
    assert bytes_of(tmp_path / "study") == bytes_of(finished)


def test_a_failure_beforehand_fails_the_units_that_need_it(table, tmp_path):
    class Faulty(Inline):
        def submit(self, fn, *arguments):
            if fn.__name__ == "learn" and arguments[-1] == 1:
                return super().submit(lambda: 1 / 0)
            return super().submit(fn, *arguments)

    results = mt.Study(table, **TREES).run(tmp_path / "study", executor=Faulty())
    assert results.outcome.units_done == 1
    assert ["needs beforehand failed" in reason for reason in results.run.failed.values()] == [True]


def test_rows_of_each_pair_have_a_baseline_of_their_own(table, tmp_path):
    density = table.columns["density"]
    holes = density.values.copy()
    holes[::3] = np.nan
    columns = {**table.columns, "density": Column(density.info, holes, np.isnan(holes))}
    holey = dataclasses.replace(table, columns=columns)
    whole = mt.Study(holey, **TREES).plan()
    assert len(whole.prepared.materials) == 266
    study = mt.Study(holey, **TREES, rows="per-pair")
    assert len(study.plan().prepared.materials) == 400
    assert not study.plan().prepared.left_out
    results = study.run(tmp_path / "study", executor=Inline())
    assert results.run.failed == {}
    sizes = results.errors.groupby("pair")["n_test"].first()
    assert sizes["density"] < sizes["crystal_system"] == sizes[""] == 80
    assert sizes["density"] == pytest.approx(80 * 2 / 3, abs=8)
    base = results.errors[results.errors["added"] == ""].set_index(["pair", "seed"])["mae"]
    assert (base["density"] != base[""]).all()
    np.testing.assert_array_equal(base["crystal_system"], base[""])
    table1 = results.gains().set_index("added")
    assert list(table1.index) == ["density", "crystal_system"]
    assert table1.loc["density", "mae0_mean"] == pytest.approx(base["density"].mean())
    assert (tmp_path / "study" / "units").exists()
    assert results.report().exists()


def test_a_pair_with_too_few_rows_is_refused_before_training(table):
    values = np.full(400, np.nan)
    values[:20] = 1.5
    column = Column(table.columns["density"].info, values, np.isnan(values))
    rare = dataclasses.replace(table, columns={**table.columns, "density": column})
    with pytest.raises(mt.InputError, match=r"density.*leaves \d+ \w+ rows of seed 0; at least"):
        mt.Study(rare, **TREES, rows="per-pair").plan()


def test_a_table_of_ones_own_is_a_representation(table, tmp_path):
    study = mt.Study(
        table,
        **{**TREES, "representations": ("composition", "cell"), "controls": ("derived",)},
        tables={"cell": ["volume*", "nsites"]},
    )
    plan = study.plan()
    assert plan.tables["cell"].names == ("volume", "volume_per_atom", "nsites")
    results = study.run(tmp_path / "study", executor=Inline())
    assert set(results.errors["representation"]) == {"composition", "cell"}
    mae = results.errors[results.errors["added"] == ""].groupby("representation")["mae"].mean()
    assert mae["composition"] < mae["cell"]
    assert results.report().exists()
    changed = dataclasses.replace(
        table,
        columns={**table.columns, "nsites": Column(
            table.columns["nsites"].info, table.columns["nsites"].values + 1, np.zeros(400, bool)
        )},
    )  # fmt: skip
    other = mt.Study(changed, **{**TREES, "representations": ("cell",)}, tables={"cell": ["nsites"]})
    assert {u.id for u in other.plan().units}.isdisjoint(u.id for u in plan.units)


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"tables": {"cell": ["no_such*"]}}, r"no such property"),
        ({"tables": {"cell": ["crystal_system"]}}, r"cannot take categories"),
        ({"tables": {"cell": ["formation_*"]}}, r"target is among the columns"),
        ({"tables": {"cell": []}}, r"names no columns"),
        ({"tables": {"structure": ["volume"]}}, r"another name"),
        ({"tables": {"cell": ["volume"]}, "learners": ["cgcnn"]}, r"no learner.*table of numbers"),
        ({"representations": ["cells"]}, r"cells.*unknown representation.*There are"),
        ({"train_fractions": [0.5, 1.5]}, r"at most 1"),
        ({"swaps": -1}, r"not be negative"),
        ({"properties": ["control:planted"]}, r"kept for controls"),
        ({"controls": ["placebo", "placebo"]}, r"twice"),
    ],
)
def test_wrong_choices_are_named(table, choices, message):
    given = {**TREES, "representations": ["cell"], **choices}
    given["representations"] = choices.get("representations", ["cell"])
    if "tables" not in choices:
        given["tables"] = {"cell": ["volume"]}
    with pytest.raises(mt.InputError, match=message):
        mt.Study(table, **given).plan()


def test_shares_of_the_training_rows_are_nested(table, tmp_path):
    study = mt.Study(table, **{**TREES, "controls": (), "swaps": 0}, train_fractions=[0.25, 0.5])
    plan = study.plan()
    assert study.config.train_fractions == (0.25, 0.5, 1.0)
    for seed in (0, 1):
        small, half, whole = (plan.split(u).train for u in plan.units if u.seed == seed)
        assert set(small) < set(half) < set(whole)
        assert [len(small), len(half), len(whole)] == [60, 120, 240]
    results = study.run(tmp_path / "study", executor=Inline())
    assert len(results.errors) == 2 * 3
    learning = results.outcome.learning
    assert sorted(set(learning["fraction"])) == [0.25, 0.5, 1.0]
    mae = learning[learning["added"] == ""].groupby("n_train")["mae"].mean()
    assert mae[60] > mae[240]
    assert len(list(held_out(tmp_path / "study"))) == 6


def test_columns_of_any_name_are_stored_and_read(table, tmp_path):
    hostile = "a/b | c\n<script>"
    columns = {hostile: dataclasses.replace(table.columns["density"]), **table.columns}
    columns[hostile] = Column(
        dataclasses.replace(columns[hostile].info, name=hostile),
        columns[hostile].values,
        columns[hostile].missing,
    )
    odd = dataclasses.replace(table, columns=columns)
    study = mt.Study(odd, **{**TREES, "targets": (hostile,), "properties": ("volume", hostile), "seeds": 1})
    results = study.run(tmp_path / "study", executor=Inline())
    assert results.run.failed == {}
    (held,) = held_out(tmp_path / "study")
    assert held.target == hostile
    assert set(held.swapped) == {"volume", hostile, *(f"control:{c}" for c in controls.CONTROLS)}
    assert results.report().exists()


def test_materials_of_a_study_come_back(table, finished):
    rows = Store(finished).materials()
    order = np.argsort(table.ids)
    np.testing.assert_array_equal(rows.ids, table.ids[order])
    np.testing.assert_array_equal(rows.formulas, table.compositions.formulas[order])
    np.testing.assert_array_equal(rows.columns["density"], table.columns["density"].values[order])
    assert set(rows.columns) == {"formation_energy_per_atom", "density", "crystal_system"}
    frame = pd.read_parquet(finished / "materials.parquet")
    assert list(frame.columns[:2]) == ["id", "formula"]
