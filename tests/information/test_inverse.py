import numpy as np
import pytest

from mattomo.errors import InputError
from mattomo.information.hidden import ANY_OTHER, hidden
from mattomo.information.inverse import inverse
from mattomo.information.prediction import predict
from mattomo.information.question import PLACEBO, default_names, question
from mattomo.learners.base import Split
from mattomo.materials import load
from mattomo.study.workers import local_workers

from .worlds import distinct_formulas, entropy, table

N = 4000
NOISE = 0.5


def two_coins(n=N, seed=0):
    """The class is two fair coins; a tells of the first, b of the second, useless of nothing."""
    rng = np.random.default_rng(seed)
    coins = rng.integers(0, 2, (n, 2))
    a, b = (coins[:, k] + NOISE * rng.normal(size=n) for k in range(2))
    label = np.array(["ss", "sh", "hs", "hh"])[coins @ [2, 1]]
    return table(distinct_formulas(n), a=a, b=b, useless=rng.normal(size=n), phase=label)


def coin_entropy():
    """H(coin | coin + noise), by integration: the truth."""
    x = np.linspace(-4, 5, 20_001)
    density = [np.exp(-((x - c) ** 2) / (2 * NOISE**2)) / (NOISE * np.sqrt(2 * np.pi)) / 2 for c in (0, 1)]
    total = density[0] + density[1]
    p = density[0] / total
    h = -(p * np.log2(p) + (1 - p) * np.log2(1 - p))
    return float(np.trapezoid(total * h, x))


@pytest.fixture(scope="module")
def coins():
    asked = question(two_coins(), "phase", ["useless", "b", "a"], seeds=(0, 1, 2))
    return inverse(asked, n_random=1)


def test_bits_fall_to_the_true_conditional_entropy(coins):
    h = coin_entropy()
    assert 0.3 < h < 0.7
    truth = [2.0, 1 + h, 2 * h, 2 * h]
    bits = coins.curve["bits"].to_numpy()[:4]
    assert set(coins.order[:2]) == {"a", "b"}
    # A bound from above, and close.
    assert np.all(bits > np.array(truth) - 0.03)
    np.testing.assert_allclose(bits, truth, atol=0.08)
    z = coins.curve["z"].to_numpy()
    assert z[1] > 10
    assert z[2] > 10
    assert abs(z[3]) < 3
    assert list(coins.falls["added"]) == list(coins.order[:2])


def test_a_placebo_changes_nothing(coins):
    assert coins.placebo["added"] == PLACEBO
    assert abs(coins.placebo["z"]) < 3
    assert abs(coins.placebo["fall"]) < 0.03


def test_the_envelope_never_rises(coins):
    assert np.all(np.diff(coins.curve["envelope"]) <= 0)
    assert np.all(coins.curve["envelope"] <= coins.curve["bits"] + 1e-12)


def test_probabilities_come_true(coins):
    c = coins.calibration
    assert c["n"].sum() == 3 * coins.n_test * 4
    # Rows are tested by several seeds, so that z is wider than normal.
    assert c[c["n"] > 200]["z"].abs().max() < 5
    error = (c["n"] * (c["observed"] - c["expected"]).abs()).sum() / c["n"].sum()
    assert error < 0.025


def test_all_orders_end_at_the_same_bits(coins):
    asked = question(two_coins(), "phase", ["a", "useless", "b"], seeds=(0, 1, 2))
    given = inverse(asked, order="given", n_random=0)
    assert given.order == ("a", "useless", "b")
    assert given.curve["bits"].iloc[3] == coins.curve["bits"].iloc[3]
    first = coins.random[coins.random["k"] == 3]["bits"].to_numpy()
    assert np.all(np.abs(first - coins.curve["bits"].iloc[3]) < 0.1)


def test_rows_in_another_order_and_workers_change_nothing():
    world = two_coins(600)
    shuffled = world.take(np.random.default_rng(3).permutation(len(world)))
    asked = [question(w, "phase", ["a", "b"], seeds=(0, 1)) for w in (world, shuffled)]
    one, other = (inverse(each, n_random=1) for each in asked)
    assert one.curve.equals(other.curve)
    assert one.random.equals(other.random)
    with local_workers(2, lambda *_: None) as executor:
        spread = inverse(asked[0], n_random=1, executor=executor)
    assert spread.curve.equals(one.curve)
    assert spread.calibration.equals(one.calibration)


def test_elements_against_the_truth():
    # Whether there is oxygen follows a known law of p; sulphur stands where oxygen does not.
    rng = np.random.default_rng(1)
    n = 3000
    p = rng.normal(size=n)
    chance = 1 / (1 + np.exp(-3 * p))
    oxygen = rng.random(n) < chance
    metals = [f"{'Fe' if i % 2 else 'Co'}{i // 2 + 1}" for i in range(n)]
    formulas = [
        f"{m}{'O' if o else 'S'}{i % 7 + 1}" for i, (m, o) in enumerate(zip(metals, oxygen, strict=True))
    ]
    asked = question(table(formulas, p=p, q=rng.normal(size=n)), "elements", ["p", "q"], seeds=(0, 1))
    found = inverse(asked, order="given", n_random=0)
    of_oxygen = entropy(np.stack([chance, 1 - chance], axis=1))
    # iron or cobalt: 1 bit each; the sum counts each of the two pairs twice
    np.testing.assert_allclose(
        found.curve["bits"], [4, 2 + 2 * of_oxygen] + 2 * [2 + 2 * of_oxygen], atol=0.12
    )
    assert abs(found.placebo["z"]) < 3
    assert found.curve["found"].iloc[1] > found.curve["found"].iloc[0] + 0.1


def test_a_composition_is_coded_completely():
    # One formula class of three elements with distinct amounts: 3! assignments, nothing else to learn.
    n = 300
    formulas = [f"{'Fe' if i % 2 else 'Co'}Na2O{2 * i + 3}" for i in range(n)]
    told = hidden(table(formulas, p=np.zeros(n)), "composition")
    split = Split(np.arange(200), np.arange(200, 250), np.arange(250, n))
    fitted = told.score(None, split, 0)
    assert fitted.parts["assignment"] == pytest.approx(np.log2(6))
    assert fitted.parts["elements"] == pytest.approx(2.0, abs=0.9)
    # every class is rare: the amounts are coded one by one
    amounts = [np.array([1, 2, 2 * i + 3]) for i in range(250, n)]
    by_hand = np.mean([np.log2(a * (a + 1)).sum() for a in amounts])
    assert fitted.parts["formula class"] == pytest.approx(by_hand, abs=1e-9)
    assert fitted.bits.mean() == pytest.approx(sum(fitted.parts.values()))


def test_codes_are_distributions():
    # Kraft: the probabilities of all 230 space groups sum to 1, whether a row has them or not.
    mp = load("mp1000")
    told = hidden(mp, "spacegroup")
    split = Split(np.arange(600), np.arange(600, 800), np.arange(800, 810))
    chance = told.chances(None, split, 0)["spacegroup"]
    assert sum(chance.values()) == pytest.approx(1)
    assert chance[ANY_OTHER] > 0
    assert np.isfinite(told.score(None, split, 0).bits).all()


def test_prediction():
    world = two_coins()
    told = predict(world, "phase", {"a": 0.0, "b": "1.0"}, seeds=(0, 1))
    table_ = told.table
    assert table_["probability"].sum() == pytest.approx(1)
    # P(coin = 0 | reading 0) = 1 / (1 + exp(-1 / (2 noise²)))
    right = 1 / (1 + np.exp(-1 / (2 * NOISE**2)))
    by_value = table_.set_index("value")["probability"]
    assert by_value["sh"] == pytest.approx(right**2, abs=0.08)
    assert by_value["hs"] == pytest.approx((1 - right) ** 2, abs=0.05)
    assert told.prior_bits == pytest.approx(2, abs=0.01)
    assert told.bits < 1.5
    assert not told.notices
    far = predict(world, "phase", {"a": 40.0}, seeds=(0,))
    assert "outside the table" in far.notices[0]


def test_prediction_of_a_composition():
    told = predict(load("mp1000"), "composition", {"band_gap": 3.0, "density": 3.0}, seeds=(0,))
    parts = dict(tuple(told.table.groupby("part")))
    assert set(parts) == {"elements", "formula class"}
    assert parts["formula class"]["probability"].sum() == pytest.approx(1)
    assert parts["elements"]["value"].iloc[0] == "O"
    # Light insulators are oxides rather more often than all materials are.
    assert parts["elements"]["probability"].iloc[0] > 1.2 * parts["elements"]["prior"].iloc[0]


def test_a_class_with_one_member_and_levels_as_columns():
    world = two_coins(300)
    phase = world.columns["phase"].values.copy()
    phase[7] = "xx"
    world = table(distinct_formulas(300), a=world.columns["a"].values, kind=phase, phase=phase)
    found = inverse(question(world, "phase", ["kind"], seeds=(0,)), n_random=0)
    assert np.isfinite(found.curve["bits"]).all()
    assert found.curve["bits"].iloc[1] < 0.5
    assert "follows from the other" in found.notices[0]


def test_defaults():
    mp = load("mp1000")
    names = default_names(mp, "elements")
    assert "band_gap" in names
    assert "spacegroup_number" not in names


@pytest.mark.parametrize(
    ("to", "names", "word"),
    [
        ("phase", ["a", "a"], "each once"),
        ("phase", [], "at least one"),
        ("phase", ["phase"], "what is to be told"),
        ("phase", ["bb"], "Did you mean"),
        ("fase", ["a"], "Did you mean"),
        ("a", ["b"], "holds numbers"),
        ("one", ["a"], "nothing is left to tell"),
        ("phase", ["empty"], "no row has"),
        ("phase", ["few"], "at least 5 are needed|at least 10 are needed"),
    ],
)
def test_mistakes(to, names, word):
    world = two_coins(200)
    few = np.full(200, np.nan)
    few[:12] = 1.0
    columns = {name: c.values for name, c in world.columns.items()}
    world = table(
        distinct_formulas(200), **columns, one=np.full(200, "x"), empty=np.full(200, np.nan), few=few
    )
    with pytest.raises(InputError, match=word):
        question(world, to, names)


def test_mistakes_of_values_and_orders():
    world = two_coins(200)
    with pytest.raises(InputError, match="not a number"):
        predict(world, "phase", {"a": "wide"})
    with pytest.raises(InputError, match="at least one"):
        predict(world, "phase", {})
    with pytest.raises(InputError, match="greedy or given"):
        inverse(question(world, "phase", ["a"], seeds=(0,)), order="best")
    with pytest.raises(InputError, match="each once"):
        question(world, "phase", ["a"], seeds=(0, 0))
