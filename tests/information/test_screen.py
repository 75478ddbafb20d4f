import math

import numpy as np
import pytest

from mattomo.information.screen import residual_information


def pair(n, correlation, seed=0):
    a, e = np.random.default_rng(seed).standard_normal((2, n))
    return a, correlation * a + math.sqrt(1 - correlation**2) * e


def test_normal_residuals():
    found = residual_information(*pair(10_000, 0.75))
    assert 0.5963 - 0.06 < found.bits < 0.5963
    assert found.found
    assert abs(found.null_mean) < 2e-3


def test_ranks_alone_count():
    a, p = pair(2000, 0.5)
    assert residual_information(np.exp(a), -p).bits == pytest.approx(
        residual_information(a, p).bits, abs=0.02
    )


def test_independent_residuals_are_at_zero_on_average():
    found = [residual_information(*pair(200, 0.0, seed), key=(seed,)) for seed in range(60)]
    assert np.mean([f.bits for f in found]) == pytest.approx(0, abs=0.01)
    assert np.mean([f.found for f in found]) < 0.15


def test_blind_to_synergy():
    """p = r a with r unknown: neither residual knows of the other, although A and R give p away."""
    r, a = np.random.default_rng(0).choice([-1.0, 1.0], (2, 4000))
    assert residual_information(a, r * a).bits < 2e-3


def test_fair_coin_is_one_bit():
    a = np.random.default_rng(0).choice([-1.0, 1.0], 4000)
    assert residual_information(a, a).bits == pytest.approx(1, abs=2e-3)


def test_keyed_and_missing_rows():
    a, p = pair(500, 0.3)
    assert residual_information(a, p) == residual_information(a, p)
    assert residual_information(np.r_[a, np.nan, 1.0], np.r_[p, 1.0, np.inf]) == residual_information(a, p)


def test_undefined_says_why():
    few = residual_information([1.0] * 10, [2.0] * 10)
    assert few.reason == "fewer than 80 common rows"
    assert math.isnan(few.bits)
    assert not few.found
    assert residual_information(np.zeros(100), np.arange(100)).reason == "a residual has one value"
    with pytest.raises(ValueError, match="one shape"):
        residual_information([1.0], [1.0, 2.0])
