import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mattomo.errors import InputError
from mattomo.information.identity import (
    bounds_from_share,
    codes,
    identity,
    joint,
    pointwise,
    refines,
    representation_identity,
    representation_labels,
)

labels = st.lists(st.integers(0, 5), min_size=1, max_size=40)


def test_six_materials_in_three_groups():
    found = identity(list("AABCCC"))
    assert found.bits == pytest.approx(1.4591, abs=5e-5)
    assert found.share_unique == pytest.approx(1 / 6)
    assert (found.n, found.n_groups) == (6, 3)
    assert found.top1 == pytest.approx(0.5)
    assert found.bits + found.conditional_bits == pytest.approx(math.log2(6))
    assert found.perplexity == pytest.approx(2**found.conditional_bits)


def test_the_papers_numbers():
    n, unique = 126_325, 74_635
    assert identity(np.arange(n)).bits == pytest.approx(16.947, abs=5e-4)
    assert round(unique / n, 4) == 0.5908
    low, high = bounds_from_share(unique / n, n)
    assert high == pytest.approx(16.538, abs=5e-4)
    # the bounds are reached: all others in pairs, or all in one group
    shared = np.arange(n - unique)
    alone = np.arange(unique) + n
    assert identity(np.r_[alone, shared // 2]).bits == pytest.approx(high, abs=1e-9)
    assert identity(np.r_[alone, shared * 0]).bits == pytest.approx(low, abs=1e-9)


def test_bounds_at_the_ends():
    assert bounds_from_share(1, 8) == (3.0, 3.0)
    assert bounds_from_share(0, 8) == (0.0, 2.0)
    with pytest.raises(ValueError, match="share_unique"):
        bounds_from_share(1.1, 8)


@given(labels)
def test_bits_of_any_labels_lie_within_the_bounds(values):
    found = identity(values)
    low, high = bounds_from_share(found.share_unique, found.n)
    assert low - 1e-9 <= found.bits <= high + 1e-9


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40), st.randoms())
def test_refining_never_loses_bits_and_order_does_not_matter(pairs, random):
    a, b = np.array(pairs).T
    both = joint(a, b)
    assert refines(both, a)
    assert refines(both, b)
    assert (pointwise(both) >= pointwise(a) - 1e-12).all()
    assert identity(both).bits >= max(identity(a).bits, identity(b).bits) - 1e-9
    shuffled = random.sample(range(len(a)), len(a))
    again, found = identity(both[shuffled]), identity(both)
    assert again.bits == pytest.approx(found.bits)
    assert again.share_unique == found.share_unique


@given(labels)
def test_the_mean_of_pointwise_bits_is_the_information(values):
    assert pointwise(values).mean() == pytest.approx(identity(values).bits, abs=1e-9)


@given(labels, labels)
def test_refines_is_what_it_says(one, other):
    n = min(len(one), len(other))
    one, other = one[:n], other[:n]
    expected = all(other[i] == other[j] for i in range(n) for j in range(n) if one[i] == one[j])
    assert refines(one, other) == expected


def test_misfits_are_refused():
    with pytest.raises(ValueError, match="no material"):
        identity([])
    with pytest.raises(ValueError, match="shape"):
        codes([[1]])
    with pytest.raises(ValueError, match="compared"):
        refines([1], [1, 2])
    with pytest.raises(ValueError, match="joined"):
        joint([1], [1, 2])


def test_only_rows_that_have_everything_are_compared(make):
    cubic = (4 * np.eye(3), [11, 17], np.array([[0, 0, 0], [0.5, 0.5, 0.5]]))
    table = make(
        ["NaCl", "ClNa", "NaCl", "MgO"],
        {"crystal_system": ["cubic", "cubic", None, "cubic"]},
        [cubic, (4.2 * np.eye(3), *cubic[1:]), cubic, None],
    )
    found = representation_labels(table)
    assert list(found) == ["composition", "composition + crystal system", "structure"]
    for values in found.values():
        assert (values >= 0).tolist() == [True, True, False, False]
    bits = {name: value.bits for name, value in representation_identity(table).items()}
    assert bits == {"composition": 0.0, "composition + crystal system": 0.0, "structure": 1.0}


def test_without_structures_the_formula_remains(make):
    assert list(representation_labels(make(["NaCl", "MgO"]))) == ["composition"]
    with pytest.raises(InputError, match="no usable row"):
        representation_labels(make(["NaCl"]).take(np.array([], dtype=int)))


def test_mp1000(mp1000):
    found = representation_identity(mp1000)
    formulas = mp1000.compositions.formulas.tolist()
    counts = np.array([formulas.count(f) for f in formulas])
    assert found["composition"].bits == pytest.approx(math.log2(1000) - np.log2(counts).mean())
    assert found["structure"].bits == pytest.approx(math.log2(1000))
    labels = representation_labels(mp1000)
    assert refines(labels["structure"], labels["composition"])
    assert refines(labels["composition + space group"], labels["composition"])
