import numpy as np
import pytest

from mattomo.learners.base import Split
from mattomo.learners.linear import ridge

SPLIT = Split(np.arange(60), np.arange(60, 80), np.arange(80, 100))


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def test_a_weighted_sum_is_found_whatever_the_units(rng):
    x = rng.normal(size=(100, 5)) * [1e-6, 1.0, 1e6, 1.0, 1.0] + [0, 5, -1e7, 0, 0]
    truth = x @ [2e6, -1.0, 3e-6, 0.0, 0.5]
    np.testing.assert_allclose(ridge(x, truth, SPLIT), truth, atol=1e-5 * np.ptp(truth))


def test_columns_that_repeat_are_constant_or_unknown_do_no_harm(rng):
    x = rng.normal(size=(100, 3))
    truth = x[:, 0] + x[:, 1]
    odd = np.column_stack([x, x[:, 0], np.full(100, 7.1), np.full(100, np.nan)])
    odd[5, 2] = np.nan
    np.testing.assert_allclose(ridge(odd, truth, SPLIT)[:60], truth[:60], atol=1e-3)
    nothing = ridge(np.full((100, 2), np.nan), truth, SPLIT)
    np.testing.assert_allclose(nothing, truth[:60].mean())


def test_more_columns_than_rows_is_penalised_by_the_validation_rows(rng):
    x = rng.normal(size=(100, 200))
    truth = x[:, 0] + rng.normal(size=100)
    test = SPLIT.test
    assert np.mean((ridge(x, truth, SPLIT) - truth)[test] ** 2) < 1.2 * truth[test].var()
    noise = rng.normal(size=100)
    assert ridge(x, noise, SPLIT)[test].std() < 0.5 * noise.std()


def test_predictions_stay_within_what_was_seen(rng):
    x = rng.normal(size=(100, 1))
    x[90] = 1e9
    found = ridge(x, 3 * x[:, 0], SPLIT)
    assert found.max() == pytest.approx(3 * (x[:60].max() + 0.5 * np.ptp(x[:60])))
