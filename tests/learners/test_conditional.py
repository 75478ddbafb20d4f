import numpy as np
import pytest

from mattomo.learners import sklearn
from mattomo.learners.base import Split, Task, Unit
from mattomo.learners.cgcnn import CGCNN
from mattomo.learners.conditional import Placebos, conditional, is_spiky, learn
from mattomo.learners.trees import Trees
from mattomo.materials import PropertyInfo, load
from mattomo.materials.table import Column
from mattomo.projections.composition import composition_graphs
from mattomo.projections.descriptors import Table, composition_descriptors

N = 3000
SPLIT = Split(np.arange(1000), np.arange(1000, 2000), np.arange(2000, N))


def column(values, name="a"):
    kind = "category" if values.dtype.kind == "U" else "scalar"
    return Column(PropertyInfo(name, name, kind=kind), values, np.zeros(len(values), bool))


@pytest.fixture
def world():
    """R has two columns; A = R0 + noise."""
    rng = np.random.default_rng(1)
    table = Table(rng.normal(size=(N, 2)), ("r0", "r1"))
    return table, table.values[:, 0] + 0.5 * rng.normal(size=N), rng


def test_scalar_placebos_follow_the_conditional_and_nothing_else(world):
    table, a, _ = world
    c = conditional(table, "composition", column(a), SPLIT, 0)
    assert c.scale == pytest.approx(0.5, rel=0.15)
    test, r0 = SPLIT.test, table.values[SPLIT.test, 0]
    draws = Placebos(a[test], c, 50, ("a",)).draws()
    assert draws.shape == (50, 1000)
    assert draws.mean() == pytest.approx(a[test].mean(), abs=0.05)
    assert draws.std() == pytest.approx(a[test].std(), rel=0.05)
    # What A tells of R stays; what is A's alone is gone.
    rest = a[test] - r0
    assert np.mean([np.corrcoef(d, r0)[0, 1] for d in draws]) > 0.85
    assert abs(np.mean([np.corrcoef(d - c.predicted, rest)[0, 1] for d in draws])) < 0.05
    assert np.corrcoef(a[test] - c.predicted, rest)[0, 1] > 0.9


def test_what_the_representation_determines_is_guessed_be_it_a_sum_or_a_product():
    table = Table(np.random.default_rng(1).normal(size=(N, 12)), tuple(f"r{k}" for k in range(12)))
    r = table.values
    for a, missed in (
        (r.sum(axis=1), 0.01),
        (np.hypot(r[:, 0], r[:, 1]), 0.15),
        (r[:, 0] + r[:, 1] ** 2, 0.3),
    ):
        c = conditional(table, "composition", column(a), SPLIT, 0)
        assert c.scale < missed * a.std()
        assert np.std(a[SPLIT.test] - c.predicted) < 1.2 * missed * a.std()


def test_spiky_scalars_keep_their_spikes(world):
    table, a, _ = world
    zero_inflated = np.maximum(a, 0)
    c = conditional(table, "composition", column(zero_inflated), SPLIT, 0)
    draws = Placebos(zero_inflated[SPLIT.test], c, 20, ("a",)).draws()
    assert set(draws.ravel()) <= set(zero_inflated[SPLIT.test])
    assert np.mean(draws == 0) == pytest.approx(np.mean(zero_inflated[SPLIT.test] == 0), abs=0.01)
    # Each draw is a permutation within groups of similar predictions, so zeros go where zeros are likely.
    likely = c.predicted < np.quantile(c.predicted, 0.3)
    assert np.mean(draws[:, likely] == 0) > 3 * np.mean(draws[:, ~likely] == 0)
    assert is_spiky(np.zeros(10))
    assert is_spiky(np.concatenate([1e-6 * np.random.default_rng(0).normal(size=50), np.arange(50.0)]))


def test_categories_are_drawn_from_calibrated_probabilities(world):
    table, _, rng = world
    p = 1 / (1 + np.exp(-3 * table.values[:, 0]))
    flag = np.where(rng.random(N) < p, "yes", "no")
    c = conditional(table, "composition", column(flag), SPLIT, 0)
    assert c.levels.tolist() == ["no", "yes"]
    np.testing.assert_allclose(c.probabilities.sum(axis=1), 1, rtol=1e-5)
    truth = p[SPLIT.test]
    entropy = -(truth * np.log2(truth) + (1 - truth) * np.log2(1 - truth)).mean()
    assert entropy - 0.03 < c.cross_entropy < entropy + 0.08
    draws = Placebos(flag[SPLIT.test], c, 200, ("a",)).draws()
    np.testing.assert_allclose((draws == "yes").mean(axis=0), c.probabilities[:, 1], atol=0.15)
    assert np.abs((draws == "yes").mean(axis=0) - truth).mean() < 0.08


def test_categories_of_one_level_and_unseen_levels():
    table = Table(np.random.default_rng(0).normal(size=(60, 1)), ("r",))
    split = Split(np.arange(30), np.arange(30, 45), np.arange(45, 60))
    one = np.array(["x"] * 30 + ["y"] * 30)
    c = conditional(table, "composition", column(one), split, 0)
    assert c.levels.tolist() == ["x"]
    assert Placebos(one[split.test], c, 3, ()).draws().tolist() == [["x"] * 15] * 3
    # No validation row has a level of the training rows: nothing to calibrate on, so the shares stand.
    two = np.array(["x", "z"] * 15 + ["y"] * 30)
    c = conditional(table, "composition", column(two), split, 0)
    np.testing.assert_allclose(c.probabilities, 0.5, atol=1e-6)
    assert np.isnan(c.cross_entropy)


def test_many_levels_take_few_rounds_and_stay_probabilities():
    rng = np.random.default_rng(0)
    table = Table(rng.normal(size=(400, 3)), ("a", "b", "c"))
    levels = np.array([f"{k}" for k in rng.integers(0, 150, size=400)])
    split = Split(np.arange(240), np.arange(240, 320), np.arange(320, 400))
    c = conditional(table, "structure", column(levels), split, 0)
    assert c.probabilities.shape == (80, len(set(levels[:240])))
    assert np.isfinite(c.probabilities).all()
    assert (c.probabilities >= 0).all()


def test_draws_depend_on_their_key_alone(world):
    table, a, _ = world
    c = conditional(table, "composition", column(a), SPLIT, 0)
    one, again, other = (Placebos(a[SPLIT.test], c, 2, key).draws() for key in (("a", 0), ("a", 0), ("a", 1)))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_rows_without_the_property_are_not_learned_from(world):
    table, a, _ = world
    a = a.copy()
    a[:500] = np.nan
    some = Column(PropertyInfo("a", "a"), a, np.isnan(a))
    whole = learn(table, "composition", {"a": some}, SPLIT, 0)["a"]
    rest = Split(np.arange(500, 1000), SPLIT.validation, SPLIT.test)
    np.testing.assert_array_equal(whole.predicted, conditional(table, "composition", some, rest, 0).predicted)
    part = whole.take(np.array([3, 1]))
    np.testing.assert_array_equal(part.predicted, whole.predicted[[3, 1]])


class Itself:
    """Draws that are the property itself, and once its reverse."""

    def __init__(self, values):
        self.values = values

    def draws(self):
        return np.stack([self.values, self.values[::-1]])


@pytest.mark.parametrize("learner", ["trees", "ridge", "cgcnn"])
def test_swapping_a_property_for_itself_changes_nothing(learner):
    materials = load("mp1000").take(np.arange(200))
    split = Split(np.arange(150), np.arange(150, 175), np.arange(175, 200))
    if learner == "cgcnn":
        made, base = CGCNN(epochs=2, batch_size=16), composition_graphs(materials)
    elif learner == "trees":
        made, base = Trees(rounds=30), composition_descriptors(materials)
    else:
        from sklearn.linear_model import Ridge

        made, base = sklearn(Ridge()), composition_descriptors(materials)
    names = ("density", "crystal_system", "volume")
    columns = {name: materials.columns[name] for name in names}
    tasks = (Task("volume"), Task("volume", ("crystal_system", "density")), Task("volume", ("density",)))
    placebos = {name: Itself(columns[name].values[split.test]) for name in ("density", "crystal_system")}
    trained = made.train(Unit("composition", base, columns, split, 0, tasks, placebos))
    assert set(trained.swapped) == {(1, "crystal_system"), (1, "density"), (2, "density")}
    for (k, _), predicted in trained.swapped.items():
        np.testing.assert_allclose(predicted[0], trained.test[k], rtol=2e-5)
    assert not np.allclose(trained.swapped[2, "density"][1], trained.test[2])


def test_many_classes_of_linear_odds_are_told():
    rng = np.random.default_rng(4)
    table = Table(rng.normal(size=(N, 6)), tuple("abcdef"))
    odds = table.values @ rng.normal(size=(6, 60))
    level = np.char.add("g", (odds + rng.gumbel(size=odds.shape)).argmax(axis=1).astype(str))
    c = conditional(table, "structure", column(level), SPLIT, 0)
    least = np.log2(np.exp(odds).sum(axis=1)) - np.log2(np.exp(odds.max(axis=1)))  # no entropy is below it
    shares = np.unique(level[SPLIT.train], return_counts=True)[1] / 1000
    nothing = -(shares * np.log2(shares)).sum()
    assert least.mean() < c.cross_entropy < nothing - 1
