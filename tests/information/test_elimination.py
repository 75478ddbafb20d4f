"""Searches on made-up scores whose truth is known: no model is trained here."""

import numpy as np
import pytest

from mattomo.information.elimination import Path, Rule, eliminate, forward, swaps, together
from mattomo.information.losses import Loss, Rows, Scores, joined
from mattomo.keyed import generator

N, SPLITS = 400, 3


def rows():
    parts = [generator("rows", j).permutation(N) for j in range(SPLITS)]
    owners = np.arange(N)
    return Rows(tuple(p[:150] for p in parts), tuple(p[150:300] for p in parts), owners, 100.0)


class World:
    """Log densities of each set: what it holds, and noise of its own."""

    def __init__(self, holds, noise=0.1, importance=None):
        self.holds, self.noise, self.importance = holds, noise, importance or {}
        self.rows, self.asked = rows(), []

    def scores(self, j, added):
        rng = generator("world", j, *added)
        validation, test = (self.holds(set(added)) + self.noise * rng.normal(size=150) for _ in range(2))
        rises = {name: np.full(150, self.importance.get(name, 0.0)) for name in added}
        return Scores(added, (validation,), (test,), (2.0 ** -self.holds(set(added)),), (rises,))

    def ask(self, wanted):
        self.asked += wanted
        return self.scores

    def run(self, search, splits=range(SPLITS)):
        return together([(search, list(splits))], self.ask)[0]


def synergy(added):
    """a tells 1 bit and its copy b the same, x and y tell one together, n nothing."""
    return float(bool(added & {"a", "b"})) + float({"x", "y"} <= added)


NAMES = ("a", "b", "n", "x", "y")


def test_backward_finds_a_copy_and_the_synergy_with_m_plus_one_models():
    world = World(synergy)
    path = world.run(eliminate(NAMES, world.rows))
    assert path.selected in [("a", "x", "y"), ("b", "x", "y")]
    assert {step.property for step in path.steps} == set(NAMES)
    assert len(world.asked) == len(set(world.asked)) == (len(NAMES) + 1) * SPLITS
    kept = [step for step in path.steps if not step.dropped]
    assert all(step.loss.bits == pytest.approx(1, abs=0.1) for step in kept)


def test_forward_misses_the_synergy():
    world = World(synergy)
    assert world.run(forward(NAMES, world.rows)) in [("a",), ("b",)]


def test_least_important_goes_first_and_of_equals_the_last():
    world = World(lambda added: 0.0, noise=0.0, importance={"a": 3.0, "b": 1.0, "n": 2.0})
    path = world.run(eliminate(NAMES, world.rows))
    assert [step.property for step in path.steps] == ["y", "x", "b", "n", "a"]
    assert path.selected == ()


def test_costs_decide_which_copy_stays_and_what_is_owned_is_not_tried():
    importance = dict.fromkeys(NAMES, 1.0)
    for dear, cheap in (("a", "b"), ("b", "a")):
        world = World(synergy, importance=importance)
        path = world.run(eliminate(NAMES, world.rows, costs={dear: 5.0, "n": 0.0}))
        assert path.selected == tuple(sorted({cheap, "n", "x", "y"}))
        assert "n" not in [step.property for step in path.steps]
        assert len(set(world.asked)) == len(NAMES) * SPLITS


def test_small_losses_may_not_add_up():
    """Each of ten holds 0.008 bits, below the tolerance; together they hold 0.08."""
    names = tuple("abcdefghij")
    world = World(lambda added: 0.008 * len(added), noise=0.0)
    path = world.run(eliminate(names, world.rows))
    assert len(path.selected) == 9  # 0.008 bits may go, 0.016 may not
    assert [step.total.bits for step in path.steps][:2] == pytest.approx([0.008, 0.016])


def test_what_was_kept_narrowly_and_early_is_asked_again():
    """n seems to hold something as long as a is there: three standard errors of it."""

    def holds(added):
        return (
            0.04 * float({"n", "a"} <= added) + float(bool(added & {"a", "b"})) - 0.04 * float("a" in added)
        )

    world = World(holds, noise=0.2, importance={"a": 1.0, "b": 2.0})
    path = world.run(eliminate(("a", "b", "n"), world.rows))
    first = path.steps[0]
    assert 2 < first.loss.bits / first.loss.se < 4
    assert [(s.property, s.dropped, s.again) for s in path.steps] == [
        ("n", False, False), ("a", True, False), ("b", False, False), ("n", True, True),
    ]  # fmt: skip
    assert path.selected == ("b",)


def test_rule_needs_a_loss_above_tolerance_and_noise():
    rule = Rule(tolerance=0.01, errors=2.0)
    assert rule.accepts(Loss(0.009, 0.001, 0, 0))
    assert rule.accepts(Loss(0.019, 0.01, 0, 0))
    assert not rule.accepts(Loss(0.021, 0.01, 0, 0))
    assert not rule.accepts(Loss(0.02, float("nan"), 0, 0))
    assert not rule.drops(Loss(0.0, 0.01, 0, 0), Loss(0.1, 0.01, 0, 0))


def test_swaps_find_the_copy_and_nothing_else():
    world = World(synergy)
    path = Path(NAMES, ("a", "x", "y"), ())
    found = world.run(swaps(path, NAMES, world.rows))
    assert len(found) == 3 * 2  # a, x or y for b or n
    assert [(s.given, s.taken) for s in found if s.equal] == [("a", "b")]
    assert found[0].added == ("b", "x", "y")
    worst = [s for s in found if s.given != "a"]
    assert all(s.loss.bits == pytest.approx(1, abs=0.1) for s in worst)
    assert all(s.test.bits == pytest.approx(1, abs=0.1) for s in worst)


def test_searches_side_by_side_find_what_they_find_alone():
    world = World(synergy, noise=0.5)
    searches = [(eliminate(NAMES, world.rows), [0, 1, 2])]
    searches += [(eliminate(NAMES, world.rows.only(j)), [j]) for j in range(SPLITS)]
    found = together(searches, world.ask)
    assert found[0] == world.run(eliminate(NAMES, world.rows))
    for j in range(SPLITS):
        assert found[j + 1] == world.run(eliminate(NAMES, world.rows.only(j)), [j])


def test_joined_keeps_the_order_of_splits():
    world = World(synergy)
    whole = joined([world.scores(j, ("a",)) for j in range(SPLITS)])
    assert whole.added == ("a",)
    assert len(whole.validation) == len(whole.test) == len(whole.mae) == len(whole.rises) == SPLITS
    np.testing.assert_array_equal(whole.test[2], world.scores(2, ("a",)).test[0])
