import numpy as np
import pytest

from mattomo.learners.base import Split
from mattomo.learners.linear import discriminant, ridge

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


class TestDiscriminant:
    def test_classes_of_linear_odds_are_told_as_well_as_they_can_be(self, rng):
        split = Split(np.arange(3000), np.arange(3000, 4000), np.arange(4000, 5000))
        x = rng.normal(size=(5000, 4)) * [1.0, 1e4, 1e-4, 1.0]
        true = np.column_stack([x[:, 0], -x[:, 0], x[:, 1] / 1e4, np.zeros(5000)])
        level = (true + rng.gumbel(size=true.shape)).argmax(axis=1)
        odds = discriminant(x, level[:3000], 4, split, (split.validation, level[split.validation]))
        test, rows = split.test, np.arange(1000)

        def loss(scores):
            return (np.log(np.exp(scores).sum(axis=1)) - scores[rows, level[test]]).mean()

        assert loss(odds[test]) < loss(true[test]) + 0.02
        assert loss(odds[test]) < np.log(4) - 0.2

    def test_columns_that_tell_nothing_leave_the_shares_of_the_levels(self, rng):
        level = np.repeat([0, 1, 2], [60, 30, 10])
        rng.shuffle(level)
        level[:3] = [0, 1, 2]
        shares = np.log(np.bincount(level[:60], minlength=3) / 60)
        held = (SPLIT.validation, level[SPLIT.validation])
        for x in (np.full((100, 2), np.nan), np.ones((100, 1))):
            np.testing.assert_allclose(discriminant(x, level[:60], 3, SPLIT, held), np.tile(shares, (100, 1)))
        nobody = (np.array([], int), np.array([], int))
        np.testing.assert_allclose(
            discriminant(rng.normal(size=(100, 2)), level[:60], 3, SPLIT, nobody), np.tile(shares, (100, 1))
        )

    def test_many_rare_classes_and_many_columns_do_not_mislead(self, rng):
        x = rng.normal(size=(100, 50))
        level = np.arange(100) % 30
        held = (SPLIT.validation, level[SPLIT.validation])
        odds = discriminant(x, level[:60], 30, SPLIT, held)[SPLIT.test]
        loss = np.log(np.exp(odds).sum(axis=1)) - odds[np.arange(20), level[SPLIT.test]]
        assert loss.mean() < np.log(30) + 0.3
