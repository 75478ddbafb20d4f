"""Bits against closed forms and integrals, in scenarios where the information is known."""

import math

import numpy as np
import pytest
from scipy import stats

from mattomo.information.bits import (
    Score,
    calibrated_cross_entropy,
    cap,
    categorical_bits,
    density_bits,
    density_score,
    difference,
    laplace_bits,
)


def entropy(density, x):
    p = density(x)
    return float(-np.trapezoid(np.where(p > 0, p * np.log2(np.maximum(p, 1e-300)), 0), x))


def absolute(density, x):
    return float(np.trapezoid(np.abs(x) * density(x), x))


def log2_mae(before, after):
    bits, reasons = laplace_bits(before, after)
    assert reasons == ""
    return float(bits)


def slack(mae, entropy_bits):
    """d = log2(2 e MAE) - h, the cost of a Laplace code."""
    return math.log2(2 * math.e * mae) - entropy_bits


class TestLaplaceBits:
    """log2(MAE0 / MAE1) = I + d0 - d1, by numeric integration."""

    def test_two_normal_branches(self):
        def mixed(x):
            return (stats.norm.pdf(x, 1, 0.3) + stats.norm.pdf(x, -1, 0.3)) / 2

        x = np.linspace(-4, 4, 200_001)
        noise = 0.5 * math.log2(2 * math.pi * math.e * 0.09)
        before, after = absolute(mixed, x), 0.3 * math.sqrt(2 / math.pi)
        information = entropy(mixed, x) - noise
        found = log2_mae(before, after)
        d0, d1 = slack(before, entropy(mixed, x)), slack(after, noise)
        assert [information, found, d0, d1] == pytest.approx([0.9982, 2.0628, 1.1345, 0.0699], abs=6e-5)
        assert found == pytest.approx(information + d0 - d1, abs=1e-9)

    def test_two_laplace_branches(self):
        def mixed(x):
            return (stats.laplace.pdf(x, 3, 0.1) + stats.laplace.pdf(x, -3, 0.1)) / 2

        x = np.linspace(-8, 8, 800_001)
        noise = math.log2(2 * math.e * 0.1)
        assert entropy(mixed, x) - noise == pytest.approx(1, abs=1e-4)
        assert log2_mae(absolute(mixed, x), 0.1) == pytest.approx(4.9069, abs=6e-5)

    def test_a_scale_set_by_the_property_leaves_the_mae(self):
        def mixed(x):
            return (stats.norm.pdf(x, 0, 1) + stats.norm.pdf(x, 0, 0.2)) / 2

        x = np.linspace(-9, 9, 400_001)
        known = np.mean([0.5 * math.log2(2 * math.pi * math.e * s * s) for s in (1, 0.2)])
        assert entropy(mixed, x) - known == pytest.approx(0.4368, abs=6e-5)
        # The median given A is zero for both scales: knowing A changes no prediction.
        after = np.mean([s * math.sqrt(2 / math.pi) for s in (1, 0.2)])
        assert log2_mae(absolute(mixed, x), after) == pytest.approx(0, abs=1e-6)

    def test_costs_of_the_wrong_shape(self):
        normal = slack(math.sqrt(2 / math.pi), 0.5 * math.log2(2 * math.pi * math.e))
        assert normal == pytest.approx(0.0699, abs=6e-5)
        laplace_as_normal = 0.5 * math.log2(2 * math.pi * math.e * 2) - math.log2(2 * math.e)
        assert laplace_as_normal == pytest.approx(0.1044, abs=6e-5)

    def test_percents_and_the_papers_cells(self):
        bits, _ = laplace_bits(1.0, [0.99, 1 - 0.201, 1 - 0.034])
        assert bits == pytest.approx([0.0145, 0.324, 0.050], abs=6e-4)

    def test_undefined_says_why(self):
        bits, reasons = laplace_bits([0.0, 1.0, np.nan, 1.0, -1.0, 0.0], [1.0, 0.0, 1.0, np.inf, 1.0, 0.0])
        assert np.isnan(bits).all()
        assert reasons.tolist() == [
            "baseline MAE is zero",
            "the augmented error is zero: the bits are unbounded",
            "a model's MAE is not finite",
            "a model's MAE is not finite",
            "an MAE is negative",
            "baseline MAE is zero",
        ]


def both(baseline, augmented, true, **choices):
    """Bits with the first half for validation and the second for the test."""
    half = len(true) // 2
    return density_bits(
        baseline[:half],
        augmented[:half],
        true[:half],
        baseline[half:],
        augmented[half:],
        true[half:],
        **choices,
    )


def normal_scenario(correlation, n=16_000, seed=0):
    """p = R + c A + noise, partial correlation c of A and p given R: predictions are the exact means."""
    rng = np.random.default_rng(seed)
    r, a, e = rng.standard_normal((3, n))
    return r, r + correlation * a, r + correlation * a + math.sqrt(1 - correlation**2) * e


class TestDensityBits:
    @pytest.mark.parametrize(("correlation", "truth"), [(0.5, 0.2075), (0.75, 0.5963)])
    def test_normal(self, correlation, truth):
        assert -0.5 * math.log2(1 - correlation**2) == pytest.approx(truth, abs=6e-5)
        found = both(*normal_scenario(correlation))
        assert found.mean == pytest.approx(truth, rel=0.1)
        assert found.rows.shape == (8000,)
        assert found.rows.mean() == found.mean

    def test_spike_of_the_target(self):
        """p = max(b, 0), A = a, correlation .75: .4600 bits, of the spike and of the size together."""
        rng = np.random.default_rng(2)
        a, e = rng.standard_normal((2, 16_000))
        spread = math.sqrt(1 - 0.75**2)
        mean = 0.75 * a
        p = np.maximum(mean + spread * e, 0)
        augmented = mean * stats.norm.cdf(mean / spread) + spread * stats.norm.pdf(mean / spread)
        found = both(np.full(len(p), p.mean()), augmented, p)
        assert found.mean == pytest.approx(0.46, rel=0.1)

    def test_xor_is_all_of_its_bit_and_no_more(self):
        """p = r a + noise with signs r and a: neither alone tells anything, both tell .9982 bits."""
        rng = np.random.default_rng(3)
        r, a = rng.choice([-1.0, 1.0], (2, 16_000))
        p = r * a + 0.3 * rng.standard_normal(16_000)
        found = both(np.zeros(len(p)), r * a, p)
        assert found.mean == pytest.approx(0.9982, rel=0.1)
        limit = cap(even_odds(8000))
        assert limit.bits == pytest.approx(1, abs=2e-3)
        assert found.mean < limit.bits + 0.02
        assert log2_mae(np.abs(p).mean(), np.abs(p - r * a).mean()) > 2

    def test_two_branches_that_the_baseline_cannot_follow_are_flagged(self):
        """p = a (1 + r²) + noise with a sign a: I = 1 bit, but no baseline prediction tells the width of
        the branches, so that the density of its residual is too wide."""
        rng = np.random.default_rng(4)
        r, a = rng.standard_normal(16_000), rng.choice([-1.0, 1.0], 16_000)
        p = a * (1 + r**2) + 0.1 * rng.standard_normal(16_000)
        found = both(np.zeros(len(p)), a * (1 + r**2), p)
        limit = cap(even_odds(8000))
        assert limit.overstated(found.mean)
        # What the two densities can differ by: h(p) - h(noise), from the density of a (1 + r²) + noise.
        nodes, x = np.linspace(-8, 8, 2001), np.linspace(0, 60, 60_001)
        weight = stats.norm.pdf(nodes) / stats.norm.pdf(nodes).sum()
        centre = 1 + nodes**2
        near = [np.abs(x - c) < 0.8 for c in centre]
        folded = np.zeros(len(x))
        for w, c, part in zip(weight, centre, near, strict=True):
            folded[part] += w * stats.norm.pdf(x[part], c, 0.1)
        h = float(-np.trapezoid(np.where(folded > 0, folded * np.log2(np.maximum(folded, 1e-300)), 0), x)) + 1
        truth = h - 0.5 * math.log2(2 * math.pi * math.e * 0.01)
        assert found.mean == pytest.approx(truth, rel=0.1)
        assert log2_mae(np.abs(p).mean(), np.abs(p - a * (1 + r**2)).mean()) > found.mean

    def test_a_model_that_ignores_the_property_has_none(self):
        r, _, p = normal_scenario(0.5, n=1000)
        found = both(r, r, p)
        assert found.mean == 0
        assert not found.rows.any()

    @pytest.mark.parametrize(("slope", "shift"), [(1000.0, 0.0), (-3.7, 12.0), (1e-9, 5e-9)])
    @pytest.mark.parametrize("floor", [-np.inf, 0.0])
    def test_no_unit_and_no_zero(self, slope, shift, floor):
        r, augmented, p = normal_scenario(0.5, n=1200, seed=7)
        p = np.maximum(p, floor)
        first = both(r, augmented, p)
        second = both(slope * r + shift, slope * augmented + shift, slope * p + shift)
        assert second.mean == pytest.approx(first.mean, abs=1e-5)
        assert second.rows == pytest.approx(first.rows, abs=1e-3)

    def test_target_given_away_is_undefined(self):
        r, _, p = normal_scenario(0.5, n=400)
        found = both(r, p, p)
        assert math.isnan(found.mean)
        assert found.reason == "augmented model: the error has no spread: the bits are unbounded"

    def test_one_test_value_and_an_infinite_prediction(self):
        r, augmented, p = normal_scenario(0.5, n=400)
        p[200:] = 0.1
        assert math.isfinite(both(r, augmented, p).mean)
        augmented[-1] = np.inf
        found = both(r, augmented, p)
        assert math.isnan(found.mean)
        assert found.reason == "augmented model: a test value or prediction is not finite"

    def test_no_validation_or_test_rows(self):
        r, augmented, p = normal_scenario(0.5, n=40)
        none = np.empty(0)
        found = density_bits(none, none, none, r, augmented, p)
        assert found.reason == "baseline model: no validation rows; augmented model: no validation rows"
        assert np.isnan(found.rows).all()
        assert len(found.rows) == 40
        assert "no test rows" in density_bits(r, augmented, p, none, none, none).reason

    def test_one_baseline_serves_all_its_augmentations(self):
        r, augmented, p = normal_scenario(0.5, n=400)
        scores = [density_score(x[:200], p[:200], x[200:], p[200:]) for x in (r, augmented)]
        assert difference(*scores).mean == both(r, augmented, p).mean
        with pytest.raises(ValueError, match="same test rows"):
            difference(scores[0], Score(np.zeros(3)))


def even_odds(n):
    """Score of a classifier of a fair sign that knows nothing of it."""
    levels = np.random.default_rng(9).integers(0, 2, (2, n))
    odds = np.full((n, 2), 0.5)
    return calibrated_cross_entropy(odds, levels[0], odds, levels[1], [0.5, 0.5])


def classes(n=8000, seed=0):
    """Four classes drawn from known probabilities."""
    rng = np.random.default_rng(seed)
    logits = 1.5 * rng.standard_normal((n, 4)) + np.log([0.4, 0.3, 0.2, 0.1])
    truth = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    levels = (truth.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)
    return truth, levels


class TestCategoricalBits:
    @pytest.mark.parametrize("power", [1.0, 3.0, 0.4])
    def test_temperature_mends_a_wrong_confidence(self, power):
        truth, levels = classes()
        best = -np.log2(truth[np.arange(8000), levels])[4000:].mean()
        wrong = truth**power
        prior = np.bincount(levels[:4000])
        score = calibrated_cross_entropy(wrong[:4000], levels[:4000], wrong[4000:], levels[4000:], prior)
        assert -score.rows.mean() == pytest.approx(best, abs=0.01)

    def test_a_classifier_that_learned_nothing_scores_as_the_prior(self):
        _, levels = classes()
        noise = np.random.default_rng(1).dirichlet([0.3] * 4, 8000)
        prior = np.bincount(levels[:4000]) / 4000
        score = calibrated_cross_entropy(noise[:4000], levels[:4000], noise[4000:], levels[4000:], prior)
        assert -score.rows.mean() == pytest.approx(-np.log2(prior[levels[4000:]]).mean(), abs=2e-3)

    def test_bits_are_the_fall_of_the_cross_entropy(self):
        truth, levels = classes()
        prior = np.bincount(levels[:4000]) / 4000
        known = calibrated_cross_entropy(truth[:4000], levels[:4000], truth[4000:], levels[4000:], prior)
        flat = np.full((8000, 4), 0.25)
        blind = calibrated_cross_entropy(flat[:4000], levels[:4000], flat[4000:], levels[4000:], prior)
        own, base = truth[np.arange(8000), levels][4000:], prior[levels[4000:]]
        assert categorical_bits(blind, known).mean == pytest.approx(np.log2(own / base).mean(), abs=0.01)

    def test_categories_with_one_member_and_unseen_ones(self):
        prob = np.full((30, 3), 1e-9)
        prob[:, 0] = 1.0
        levels = np.zeros(30, dtype=int)
        test = np.array([0, 1, 2, -1])
        score = calibrated_cross_entropy(prob, levels, prob[:4], test, [29, 1, 0])
        assert np.isfinite(score.rows[:3]).all()
        assert np.isnan(score.rows[3])
        assert score.rows[0] > score.rows[1] > score.rows[2]
        found = categorical_bits(score, score)
        assert (found.mean, found.left_out, found.reason) == (0, 1, "")

    def test_probabilities_of_zero_stay_finite(self):
        prob = np.tile([1.0, 0.0], (40, 1))
        score = calibrated_cross_entropy(prob, np.zeros(40, int), prob, np.arange(40) % 2, [0.9, 0.1])
        assert np.isfinite(score.rows).all()

    def test_undefined_says_why(self):
        prob, level = np.full((4, 2), 0.5), np.zeros(4, int)
        none = calibrated_cross_entropy(prob[:0], level[:0], prob, level, [1, 1])
        assert none.reason == "no validation rows"
        assert (
            calibrated_cross_entropy(prob, level, prob, level, [1, 1]).reason
            == "fewer than 10 validation rows"
        )
        broken = calibrated_cross_entropy(np.full((20, 2), np.nan), np.zeros(20, int), prob, level, [1, 1])
        assert broken.reason == "a probability is negative or not finite"
        limit = cap(none)
        assert math.isnan(limit.bits)
        assert limit.reason == "no validation rows"
        assert not limit.overstated(3.0)
