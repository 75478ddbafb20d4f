"""Learners on tables: do they learn, do they repeat, and do they ignore what they must?"""

import dataclasses
import json

import numpy as np
import pytest

import mattomo as mt
from mattomo.learners.base import Split, Task, Unit
from mattomo.learners.estimator import sklearn
from mattomo.learners.trees import Trees
from mattomo.materials.registry import PropertyInfo
from mattomo.materials.table import Column
from mattomo.projections.composition import composition_graphs
from mattomo.projections.descriptors import Table, composition_descriptors

TARGET = "formation_energy_per_atom"


def category(values):
    return Column(
        PropertyInfo("kind", "kind", kind="category"), np.asarray(values), np.zeros(len(values), bool)
    )


def scalar(values):
    return Column(PropertyInfo("x", "x"), np.asarray(values, dtype=float), np.zeros(len(values), bool))


@pytest.fixture(scope="module")
def materials():
    return mt.load("mp1000")


@pytest.fixture(scope="module")
def unit(materials):
    rows = np.random.default_rng(0).permutation(1000)
    names = (TARGET, "density", "crystal_system", "spacegroup_number")
    return Unit(
        "composition",
        composition_descriptors(materials),
        {name: materials.columns[name] for name in names},
        Split(np.sort(rows[:600]), np.sort(rows[600:800]), np.sort(rows[800:])),
        0,
        (Task(TARGET), Task(TARGET, (TARGET,)), Task(TARGET, ("crystal_system", "density"))),
    )


@pytest.fixture(scope="module")
def few(unit):
    """Two hundred rows and ten columns, for what needs no good model."""
    split = Split(np.arange(120), np.arange(120, 160), np.arange(160, 200))
    columns = {
        name: Column(column.info, column.values[:200], column.missing[:200])
        for name, column in unit.columns.items()
    }
    base = Table(unit.base.values[:200, :10].copy(), unit.base.names[:10])
    return dataclasses.replace(unit, base=base, columns=columns, split=split, tasks=(Task(TARGET),))


@pytest.fixture(scope="module")
def trained(unit):
    return Trees().train(unit)


def test_learns_the_formation_energy(unit, trained):
    y, split = unit.columns[TARGET].values, unit.split
    error = np.abs(trained.test - y[split.test]).mean(axis=1)
    median = np.abs(np.median(y[split.train]) - y[split.test]).mean()
    assert error[0] < 0.6 * median
    # The diagonal: the target as added property.
    assert error[1] < 0.2 * error[0]
    assert trained.validation.shape == (3, 200)


def test_curves_hold_what_made_the_predictions(unit, trained):
    curve, best = trained.validation_mae, trained.best_epoch
    assert trained.train_loss.shape == curve.shape
    y = unit.columns[TARGET].values[unit.split.validation]
    error = np.abs(trained.validation - y).mean(axis=1)
    np.testing.assert_allclose(curve[best - 1, np.arange(3)], error, rtol=1e-5)
    np.testing.assert_array_equal(np.nanargmin(curve, axis=0), best - 1)
    for k in range(3):
        length = np.isfinite(curve[:, k]).sum()
        assert np.isfinite(curve[:length, k]).all()
        assert length == min(500, best[k] + 50)


@pytest.mark.parametrize(
    "learner", [Trees(rounds=40), Trees(rounds=40, bagging=0.7), Trees(rounds=20, loss="absolute")]
)
def test_is_deterministic_and_blind_to_its_company(learner, few):
    tasks = (Task(TARGET), Task(TARGET, ("density",)), Task(TARGET, ("crystal_system",)))
    together = learner.train(dataclasses.replace(few, tasks=tasks))
    for k, task in enumerate(tasks):
        alone = learner.train(dataclasses.replace(few, tasks=(task,)))
        np.testing.assert_array_equal(alone.test[0], together.test[k])
        np.testing.assert_array_equal(alone.validation[0], together.validation[k])


def test_seeds_matter_where_chance_does(few):
    other = dataclasses.replace(few, seed=1)
    bagged = Trees(rounds=20, bagging=0.5)
    assert not np.array_equal(bagged.train(few).test, bagged.train(other).test)
    np.testing.assert_array_equal(Trees(rounds=20).train(few).test, Trees(rounds=20).train(other).test)


def test_a_constant_added_property_changes_nothing(few):
    columns = {
        **few.columns,
        "constant": scalar(np.full(200, 3.0)),
        "one": category(["a"] * 200),
    }
    tasks = (Task(TARGET), Task(TARGET, ("constant",)), Task(TARGET, ("one",)))
    for learner in (Trees(rounds=40), Trees(rounds=40, bagging=0.7)):
        test = learner.train(dataclasses.replace(few, columns=columns, tasks=tasks)).test
        np.testing.assert_array_equal(test[0], test[1])
        np.testing.assert_array_equal(test[0], test[2])


def test_constant_and_unknown_columns_of_the_table(few):
    base = few.base
    values = np.column_stack([base.values, np.full(200, 5.0), np.full(200, np.nan)])
    wider = dataclasses.replace(few, base=Table(values, (*base.names, "constant", "unknown")))
    for learner in (Trees(rounds=40), sklearn(_ridge())):
        np.testing.assert_allclose(learner.train(wider).test, learner.train(few).test, rtol=1e-9)
    values[::3, :5] = np.nan
    assert np.isfinite(Trees(rounds=40).train(wider).test).all()


def test_a_table_that_tells_nothing_gives_the_mean(few):
    blind = dataclasses.replace(few, base=Table(np.ones((200, 2)), ("a", "b")))
    mean = few.columns[TARGET].values[few.split.train].mean()
    for learner in (Trees(), sklearn(_ridge())):
        trained = learner.train(blind)
        np.testing.assert_allclose(trained.test, mean, rtol=1e-5)
        assert trained.best_epoch.tolist() == [1]


def test_categories_are_native_and_unseen_levels_are_missing(few):
    rng = np.random.default_rng(0)
    # Levels in an order that says nothing about the target.
    effect = rng.permutation(6).astype(float)
    level = rng.integers(0, 6, 200)
    names = np.array([f"level {k}" for k in level])
    names[170:] = "never seen"
    columns = {"y": scalar(effect[level]), "kind": category(names)}
    blind = dataclasses.replace(
        few,
        base=Table(np.ones((200, 1)), ("a",)),
        columns=columns,
        tasks=(Task("y"), Task("y", ("kind",))),
    )
    trained = Trees().train(blind)
    error = np.abs(trained.test - columns["y"].values[160:])
    assert error[1, :10].mean() < 0.1 * error[0, :10].mean()
    assert len(np.unique(trained.test[1, 10:])) == 1
    assert np.isfinite(trained.test).all()


def test_leaves_follow_the_rows(unit, few):
    assert Trees()._parameters(unit, Task(TARGET))["num_leaves"] == 9
    assert Trees()._parameters(few, Task(TARGET))["num_leaves"] == 8
    assert Trees(leaves=5)._parameters(few, Task(TARGET))["num_leaves"] == 5
    with pytest.raises(ValueError, match="loss"):
        Trees(loss="cubic")


def test_graphs_are_refused(materials, unit):
    graphs = dataclasses.replace(unit, base=composition_graphs(materials))
    for learner in (Trees(), sklearn(_ridge())):
        with pytest.raises(TypeError, match="reads a Table, and 'composition' is Graphs"):
            learner.train(graphs)


def test_progress_ends_at_one(few):
    for learner in (Trees(rounds=5), sklearn(_ridge())):
        told = []
        learner.train(dataclasses.replace(few, tasks=(Task(TARGET), Task(TARGET, ("density",)))), told.append)
        assert told == [0.5, 1.0]


def _ridge():
    return pytest.importorskip("sklearn.linear_model").Ridge()


def _forest(**parameters):
    ensemble = pytest.importorskip("sklearn.ensemble")
    return ensemble.RandomForestRegressor(n_estimators=10, **parameters)


def test_any_estimator_learns_the_diagonal(unit):
    trained = sklearn(_ridge()).train(unit)
    y = unit.columns[TARGET].values
    error = np.abs(trained.test - y[unit.split.test]).mean(axis=1)
    assert error[1] < 0.1 * error[0]
    assert trained.validation_mae.shape == trained.train_loss.shape == (1, 3)
    held = np.abs(trained.validation - y[unit.split.validation]).mean(axis=1)
    np.testing.assert_allclose(trained.validation_mae[0], held)


def test_an_estimator_repeats_and_its_seed_comes_from_the_unit(few):
    def test(learner, unit=few):
        return learner.train(unit).test

    forest = sklearn(_forest())
    np.testing.assert_array_equal(test(forest), test(sklearn(_forest(n_jobs=2))))
    assert not np.array_equal(test(forest), test(forest, dataclasses.replace(few, seed=1)))
    assert not np.array_equal(test(forest), test(sklearn(_forest(random_state=1))))
    assert forest.estimator.random_state is None


def test_settings_are_plain_and_tell_what_matters():
    pipeline = pytest.importorskip("sklearn.pipeline")
    one, other = sklearn(_forest()), sklearn(_forest(max_depth=3, n_jobs=2))
    assert one.name == "RandomForestRegressor"
    assert "n_jobs" not in one.settings()["parameters"]
    assert other.settings()["parameters"]["max_depth"] == 3
    nested = sklearn(pipeline.make_pipeline(_ridge(), memory=None), name="piped")
    for learner in (one, other, nested, Trees()):
        assert json.loads(json.dumps(learner.settings())) == learner.settings()
    assert nested.settings()["parameters"]["ridge__alpha"] == 1.0


def test_what_is_no_regressor_is_refused():
    linear_model = pytest.importorskip("sklearn.linear_model")
    for wrong in (linear_model.LogisticRegression(), linear_model.Ridge, 3):
        with pytest.raises(TypeError, match="not a scikit-learn regressor"):
            sklearn(wrong)
    with pytest.raises(TypeError, match="random_state"):
        sklearn(_forest(random_state=np.random.RandomState(0)))
