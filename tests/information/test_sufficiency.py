import math

import numpy as np
import pytest

from mattomo.information.sufficiency import (
    BASE,
    Purchase,
    Sufficient,
    best_value,
    frontier,
    least_redundant,
    redundancy,
    shared_bits,
    stability,
)
from mattomo.keyed import generator
from mattomo.materials.registry import PropertyInfo
from mattomo.materials.table import Column


def column(name, values):
    kind = "category" if values.dtype.kind == "U" else "scalar"
    return Column(PropertyInfo(name, name, kind=kind), values, np.zeros(len(values), bool))


class TestStability:
    def test_equal_sets_are_stable(self):
        assert stability([{"a", "b"}] * 4, list("abcd")) == 1.0

    def test_formula_by_hand(self):
        """Frequencies 1, 1/2, 1/2, 0 of two sets: s2 = 2 f (1 - f) = 0, .5, .5, 0; mean size 2 of 4."""
        assert stability([{"a", "b"}, {"a", "c"}], list("abcd")) == pytest.approx(1 - 0.25 / 0.25)

    def test_random_sets_have_none(self):
        rng = generator("random sets")
        names = [str(k) for k in range(20)]
        sets = [set(rng.choice(names, size=6, replace=False)) for _ in range(2000)]
        assert stability(sets, names) == pytest.approx(0, abs=0.01)

    @pytest.mark.parametrize("sets", [[], [{"a"}], [set(), set()], [{"a", "b"}, {"a", "b"}]])
    def test_undefined(self, sets):
        assert math.isnan(stability(sets, ["a", "b"]))


SHARED = {
    frozenset(("a", "b")): 1.0, frozenset(("b", "c")): 0.5, frozenset(("a", "c")): 0.4,
    frozenset(("a", BASE)): 0.3, frozenset(("c", BASE)): 2.0,
}  # fmt: skip


class TestRedundancy:
    def test_heaviest_tree(self):
        # base-c 2.0, a-b 1.0, b-c 0.5; a-c and a-base would close a circle
        assert redundancy(["a", "b", "c"], SHARED) == pytest.approx(3.5)

    def test_order_does_not_matter(self):
        orders = [["a", "b", "c"], ["c", "b", "a"], ["b", "a", "c"]]
        assert len({redundancy(each, SHARED) for each in orders}) == 1

    def test_one_property_repeats_the_base_alone(self):
        assert redundancy(["a"], SHARED) == 0.3
        assert redundancy(["b"], SHARED) == 0.0
        assert redundancy([], SHARED) == 0.0

    def test_of_gaussians_is_the_total_correlation(self):
        """A chain x - y - z of correlation 0.75: the tree is exact, 2 x 0.5963 bits."""
        rng = generator("chain")
        rho, n = 0.75, 4000
        x = rng.normal(size=n)
        y = rho * x + math.sqrt(1 - rho**2) * rng.normal(size=n)
        z = rho * y + math.sqrt(1 - rho**2) * rng.normal(size=n)
        shared = shared_bits({name: column(name, v) for name, v in (("x", x), ("y", y), ("z", z))})
        assert redundancy(["x", "y", "z"], shared) == pytest.approx(2 * 0.5963, abs=0.08)


class TestSharedBits:
    def test_independent_columns_share_nothing(self):
        rng = generator("apart")
        columns = {name: column(name, rng.normal(size=500)) for name in "ab"}
        assert shared_bits(columns) == {frozenset("ab"): 0.0}

    def test_base_and_category(self):
        rng = generator("levels")
        level = rng.choice(list("abcd"), size=1000)
        found = shared_bits({"k": column("k", level)}, {"k": column("guess", level)})
        assert found[frozenset(("k", BASE))] == pytest.approx(2, abs=0.05)


def test_least_redundant_comes_first():
    plain, clean, empty = (
        Sufficient(("a",), 0.5, 1.0, 1),
        Sufficient(("b",), 0.4, 0.0, 1),
        Sufficient((), 0, 0, 0),
    )
    poor = Sufficient(("c",), 0.5, 2.0, 1)
    assert least_redundant([poor, plain, empty, clean]) == [clean, plain, poor, empty]
    assert plain.per_redundant_bit == 0.5
    assert clean.per_redundant_bit == math.inf
    assert empty.per_redundant_bit == 0


def test_purchases_by_bits_per_cost():
    dear, cheap = Purchase("dear", 0.4, 0.01, 0, 1, 4.0), Purchase("cheap", 0.2, 0.01, 0, 1, 0.5)
    unseen = Purchase("unseen", 0.3, 0.2, -1, 1, 0.1)
    assert [each.name for each in best_value([unseen, dear, cheap])] == ["cheap", "dear", "unseen"]
    assert dear.per_cost == pytest.approx(0.1)
    assert not unseen.seen


def test_frontier_has_no_set_that_a_cheaper_one_matches():
    told = {"a": (0.1, 1), "b": (0.3, 2), "c": (0.2, 3), "d": (0.3, 2.5), "e": (0.5, 4), "f": (0.05, 1)}
    sets = [Sufficient((name,), bits, 0, cost) for name, (bits, cost) in told.items()]
    assert [each.added[0] for each in frontier(sets)] == ["a", "b", "e"]
