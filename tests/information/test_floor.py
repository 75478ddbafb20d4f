import math

import numpy as np
import pytest

from mattomo.errors import InputError
from mattomo.information.floor import floor, polymorph_floor


def test_two_points_a_formula():
    # {0, 2} and {5}: two rows are off by 1, one by nothing
    found = floor(np.array([0.0, 2.0, 5.0]), np.array(["a", "a", "b"]))
    assert found.table == pytest.approx(2 / 3)
    assert found.pairs == pytest.approx(2 / 3)
    assert found.floor == pytest.approx(math.sqrt(2) * 2 / 3)
    assert not found.enough
    assert found.sentence == "only 1 formula repeats: your data cannot tell"


def test_no_function_of_the_formula_does_better_on_the_rows():
    rng = np.random.default_rng(0)
    values, groups = rng.normal(size=60), rng.integers(0, 15, 60)
    best = sum(
        min(np.abs(values[groups == g] - guess).sum() for guess in values[groups == g])
        for g in np.unique(groups)
    )
    assert floor(values, groups).table == pytest.approx(best / 60)


@pytest.mark.parametrize("size", [2, 3, 4, 5, 8])
def test_normal_groups_of_any_size_give_the_true_floor(size):
    rng = np.random.default_rng(size)
    groups = np.repeat(np.arange(6000), size)
    values = rng.normal(groups % 7, 3.0)
    found = floor(values, groups)
    true = 3 * math.sqrt(2 / math.pi)
    assert found.floor == pytest.approx(true, rel=0.02)
    assert found.within == pytest.approx(found.floor)
    assert found.table < found.floor
    assert found.pairs == pytest.approx(3 / math.sqrt(math.pi), rel=0.02)
    assert found.low < found.floor < found.high


def test_groups_of_two_values_are_never_overstated():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(5000), 2)
    found = floor(rng.choice([-1.0, 1.0], len(groups)), groups)
    assert found.table == pytest.approx(0.5, abs=0.03)
    assert found.pairs == pytest.approx(0.5, abs=0.03)
    assert found.pairs < found.floor < 1


def test_rows_meant_are_judged_by_the_whole_table():
    values, groups = np.array([0.0, 2.0, 2.0, 9.0]), np.array(["a", "a", "a", "b"])
    assert floor(values, groups, meant=np.array([True, False, False, True])).table == pytest.approx(1.0)
    assert floor(values, groups, meant=np.array([False, True, True, False])).table == 0.0


def test_of_a_table(make):
    table = make(["TiO2", "O4Ti2", "NaCl"], {"density": [4.0, 5.0, None], "crystal_system": ["a", "b", "c"]})
    found = polymorph_floor(table, "density")
    assert (found.table, found.n, found.n_repeated, found.unit) == (0.5, 2, 1, "g/cm³")
    assert polymorph_floor(table, "density", rows=np.array([1])).n == 1
    with pytest.raises(InputError, match="number"):
        polymorph_floor(table, "crystal_system")
