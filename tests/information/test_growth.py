import math
from itertools import combinations

import numpy as np
import pytest

from mattomo.information.growth import distinct_at, growth

GROUPS = [4, 2, 2, 1, 1]
LABELS = np.repeat(np.arange(len(GROUPS)), GROUPS)
PARTNERS = np.array(GROUPS)[LABELS] - 1


@pytest.mark.parametrize("size", [1, 2, 3, 5, 9, 10])
def test_rarefaction_is_the_mean_over_all_subsets(size):
    unique, bits, distinct = [], [], []
    for rows in combinations(range(len(LABELS)), size):
        count = np.bincount(LABELS[list(rows)])
        count = count[count > 0]
        unique.append((count == 1).sum() / size)
        bits.append(math.log2(size) - (count * np.log2(count)).sum() / size)
        distinct.append(len(count))
    found = growth(PARTNERS, len(LABELS), [size])
    assert found.share_unique[0] == pytest.approx(np.mean(unique))
    assert found.bits[0] == pytest.approx(np.mean(bits))
    assert distinct_at(GROUPS, [size])[0] == pytest.approx(np.mean(distinct))


def test_large_counts_against_simulation():
    n, partners = 20_000, 5_000
    found = growth([partners], n, [2_000])
    rng = np.random.default_rng(0)
    drawn = rng.hypergeometric(partners, n - 1 - partners, 1_999, 20_000)
    assert found.bits[0] == pytest.approx(math.log2(2_000) - np.log2(1 + drawn).mean(), abs=1e-3)


def poisson_groups(rng, rates, factor):
    return rng.poisson(rates * factor)


@pytest.mark.parametrize(("factor", "tolerance"), [(2, 0.02), (3, 0.06)])
def test_new_values_in_larger_tables_of_a_known_distribution(factor, tolerance):
    rng = np.random.default_rng(1)
    rates = rng.gamma(0.7, 1.5, 30_000)
    seen = poisson_groups(rng, rates, 1)
    n = int(seen.sum())
    expected = (1 - np.exp(-rates * factor)).sum()
    # against the number that a table of that size would show on average
    assert distinct_at(seen[seen > 0], [factor * n])[0] == pytest.approx(expected, rel=tolerance)


@pytest.mark.parametrize(("factor", "tolerance"), [(2, 0.03), (3, 0.06)])
def test_share_unique_in_larger_tables_of_a_known_distribution(factor, tolerance):
    rng = np.random.default_rng(2)
    rates = rng.gamma(0.7, 0.8, 20_000)
    found = growth(rng.poisson(rates), 100_000, [factor * 100_000])
    assert found.share_unique[0] == pytest.approx(np.exp(-rates * factor).mean(), abs=tolerance)
    assert np.isnan(found.bits[0])


def test_nothing_is_said_far_beyond():
    assert np.isnan(growth(PARTNERS, 10, [41]).share_unique[0])
    assert not np.isnan(growth(PARTNERS, 10, [40]).share_unique[0])
    assert np.isnan(distinct_at(GROUPS, [41])[0])


def test_default_sizes_and_the_table_at_hand():
    found = growth(PARTNERS, 10)
    assert found.sizes.tolist() == [1, 2, 5, 10, 20]
    now = found.sizes.tolist().index(10)
    assert found.share_unique[now] == pytest.approx(0.2)
    assert (np.diff(found.share_unique) <= 1e-12).all()


def test_misfits_are_refused():
    for partners, n in (([], 3), ([3], 3), ([-1], 3)):
        with pytest.raises(ValueError, match="partners"):
            growth(partners, n)
    with pytest.raises(ValueError, match="row"):
        growth([0], 3, [0])
    with pytest.raises(ValueError, match="group"):
        distinct_at([0], [1])
