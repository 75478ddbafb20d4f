"""Intervals and tests: against SciPy and plain matrices, and by their error rates in simulated studies."""

import math

import numpy as np
import pytest
from scipy import stats

from mattomo.information.gain import chance_all_below
from mattomo.information.inference import (
    benjamini_hochberg,
    clustered,
    material_test,
    nadeau_bengio,
    paired_contrast,
    swap_scores,
    swap_test,
)


class TestNadeauBengio:
    def test_formula(self):
        values = [0.1, 0.3, 0.2, 0.25, 0.15]
        found = nadeau_bengio(values, n_train=600, n_test=200, level=0.9)
        half = stats.t.ppf(0.95, 4) * np.std(values, ddof=1) * math.sqrt(1 / 5 + 1 / 3)
        assert found[:4] == pytest.approx((0.2, 0.2 - half, 0.2 + half, 5))
        assert found.reason == ""

    def test_no_test_rows_gives_the_plain_interval(self):
        values = np.random.default_rng(0).standard_normal(8)
        found = nadeau_bengio(values, n_train=10, n_test=0)
        plain = stats.t.interval(0.95, 7, values.mean(), stats.sem(values))
        assert (found.low, found.high) == pytest.approx(plain)

    def test_undefined_says_why(self):
        one = nadeau_bengio([0.4, np.nan], 6, 2)
        assert (one.mean, one.n_seeds, one.reason) == (0.4, 1, "a single seed has no interval")
        assert math.isnan(one.low)
        assert math.isnan(one.high)
        assert nadeau_bengio([], 6, 2).reason == "no seed has a value"
        assert nadeau_bengio([1, 2], 0, 2).reason == "no training rows"

    def test_null_probabilities_of_five_seeds(self):
        found = [chance_all_below(5, c) for c in (0, 0.1, 0.25, 1 / 3)]
        assert found == pytest.approx([0.031, 0.053, 0.091, 0.114], abs=6e-4)
        # separated: of the 252 orders of five and five values, one puts all of the first below the second.
        assert math.comb(10, 5) == 252


class TestPairedContrast:
    def test_formula(self):
        a, b = np.random.default_rng(1).standard_normal((2, 5))
        found = paired_contrast(a, b, n_train=600, n_test=200)
        assert found[:3] == pytest.approx(nadeau_bengio(a - b, 600, 200)[:3])
        t = (a - b).mean() / (np.std(a - b, ddof=1) * math.sqrt(1 / 5 + 1 / 3))
        assert (found.t, found.p) == pytest.approx((t, 2 * stats.t.sf(abs(t), 4)))

    def test_p_without_overlap_is_the_paired_t_test(self):
        a, b = np.random.default_rng(2).standard_normal((2, 9))
        assert paired_contrast(a, b, 1, 0).p == pytest.approx(stats.ttest_rel(a, b).pvalue)

    def test_edges(self):
        assert paired_contrast([1, 2], [1, 2], 6, 2)[:5] == (0, 0, 0, 0, 1)
        constant = paired_contrast([1, 2], [0, 1], 6, 2)
        assert math.isnan(constant.p)
        assert constant.reason == "every seed has the same difference"
        single = paired_contrast([1, np.nan], [0, 1], 6, 2)
        assert (single.mean, single.n_seeds, single.reason) == (1, 1, "a single seed has no interval")
        with pytest.raises(ValueError, match="same seeds"):
            paired_contrast([1, 2], [1], 6, 2)


def by_matrices(values, clusters):
    """CR2 and Bell-McCaffrey degrees of freedom of an intercept, from their definitions."""
    n, names = len(values), np.unique(clusters)
    hat = np.full((n, n), 1 / n)
    residual = values - values.mean()
    variance, columns = 0.0, []
    for name in names:
        own = np.flatnonzero(clusters == name)
        roots, vectors = np.linalg.eigh(np.eye(len(own)) - hat[np.ix_(own, own)])
        adjust = vectors @ np.diag(roots**-0.5) @ vectors.T
        variance += (np.ones(len(own)) @ adjust @ residual[own] / n) ** 2
        columns.append((np.eye(n) - hat)[:, own] @ adjust @ np.ones(len(own)) / n)
    inner = np.stack(columns, axis=1)
    roots = np.linalg.eigvalsh(inner.T @ inner)
    return math.sqrt(variance), roots.sum() ** 2 / (roots**2).sum()


class TestClustered:
    def test_without_clusters_it_is_the_t_test(self):
        values = np.random.default_rng(0).standard_normal(30) + 0.3
        found = clustered(values, np.arange(30))
        plain = stats.ttest_1samp(values, 0, alternative="greater")
        assert (found.t, found.p) == pytest.approx((plain.statistic, plain.pvalue))
        assert found.se == pytest.approx(stats.sem(values))

    def test_against_the_definitions(self):
        rng = np.random.default_rng(1)
        clusters = np.repeat(["a", "b", "c", "d", "e", "f"], [1, 2, 3, 4, 9, 21])
        values = rng.standard_normal(40) + 0.2
        se, freedom = by_matrices(values, clusters)
        found = clustered(values, clusters)
        assert found.se == pytest.approx(se)
        assert found.p == pytest.approx(stats.t.sf(values.mean() / se, freedom))
        assert (found.n, found.n_clusters) == (40, 6)

    def test_order_and_names_do_not_matter(self):
        rng = np.random.default_rng(2)
        values, clusters = rng.standard_normal(50), rng.integers(0, 12, 50)
        order = rng.permutation(50)
        found = clustered(values[order], np.array([f"x{c}" for c in clusters])[order])
        assert found[:6] == pytest.approx(clustered(values, clusters)[:6])

    def test_edges(self):
        assert clustered(np.zeros(5), np.arange(5))[:6] == (0, 0, 5, 5, 0, 1)
        assert clustered([], []).reason == "no values"
        few = clustered([1.0, 2.0, 3.0], [0, 0, 1])
        assert few.mean == 2
        assert few.reason == "fewer than 3 formulas"
        assert math.isnan(few.p)
        same = clustered([0.5] * 6, np.arange(6))
        assert same.reason == "every material has the same value"
        assert math.isnan(same.p)
        assert clustered([1.0, np.nan, 2.0, 4.0], [0, 1, 2, 3]).n == 3
        with pytest.raises(ValueError, match="one shape"):
            clustered([1.0], [1, 2])

    @pytest.mark.parametrize("reps", [600, pytest.param(10_000, marks=pytest.mark.slow)])
    def test_size_under_clustered_noise(self, reps):
        """Sizes of formulas as in real tables (most once, some often), half of the variance shared."""
        rng = np.random.default_rng(3)
        found = {"clustered": 0, "plain": 0}
        for _ in range(reps):
            sizes = np.minimum(rng.zipf(2.2, 60), 25)
            member = np.repeat(np.arange(60), sizes)
            values = rng.standard_normal(60)[member] + rng.standard_normal(len(member))
            found["clustered"] += clustered(values, member).p < 0.05
            found["plain"] += stats.ttest_1samp(values, 0, alternative="greater").pvalue < 0.05
        slack = 3 * math.sqrt(0.05 * 0.95 / reps)
        assert found["clustered"] / reps < 0.055 + slack
        assert found["clustered"] / reps > 0.025 - slack
        assert found["plain"] / reps > 0.08


def fitted(x, y, rows):
    """Least squares on x, its squares and products: a learner that holds every quadratic function."""

    def terms(z):
        pairs = [z[:, i] * z[:, j] for i in range(z.shape[1]) for j in range(i, z.shape[1])]
        return np.column_stack([np.ones(len(z)), z, *pairs])

    weights = np.linalg.lstsq(terms(x[rows]), y[rows], rcond=None)[0]
    return lambda z: terms(z) @ weights


def study(kind, rng, n=300, seeds=5, signal=0.3):
    """Test p of a simulated study, and whether the error fell in every seed."""
    formula = np.minimum(rng.integers(0, n, n), rng.integers(0, n, n))
    r = rng.standard_normal((n, 3)) + 0.5 * np.random.default_rng(0).standard_normal((n, 3))[formula]
    p = r[:, 0] + r[:, 1] * r[:, 2] + 0.5 * rng.standard_normal(n)
    own = rng.standard_normal(n)
    a = {
        "placebo": own,
        "derived": r.mean(axis=1),
        "guessed badly": np.tanh(r[:, 0] * r[:, 1]),
        "correlated": r[:, 0] + r[:, 1] * r[:, 2] + 0.5 * own,
        "signal": own,
    }[kind]
    if kind == "signal":
        p = p + signal * own
    losses, swapped, ids, changes = [], [], [], []
    for _ in range(seeds):
        order = rng.permutation(n)
        train, test = order[: int(0.6 * n)], order[int(0.8 * n) :]
        both = np.column_stack([r, a])
        guess = fitted(r, a, train)(r)
        model = fitted(both, p, train)
        loss = np.abs(p - model(both))[test]
        draws = []
        decile = np.digitize(guess, np.quantile(guess[test], np.linspace(0.1, 0.9, 9)))
        for _ in range(20):
            placebo = a.copy()
            for d in range(10):
                rows = test[decile[test] == d]
                placebo[rows] = guess[rows] + rng.permutation((a - guess)[rows])
            draws.append(np.abs(p - model(np.column_stack([r, placebo])))[test])
        losses.append(loss)
        swapped.append(np.array(draws))
        ids.append(test)
        changes.append(loss.mean() / np.abs(p - fitted(r, p, train)(r))[test].mean() - 1)
    ids = np.concatenate(ids)
    found = swap_test(np.concatenate(swapped, axis=1), np.concatenate(losses), ids, formula[ids])
    return found.p, max(changes) < 0


class TestSwap:
    def test_differences_are_averaged_over_the_seeds_of_a_material(self):
        materials = np.array(["m1", "m2", "m3", "m1", "m4"])
        formulas = np.array(["A", "B", "C", "A", "B"])
        found = swap_test([2.0, 3.0, 1.0, 6.0, 1.0], [1.0, 1.0, 1.0, 1.0, 0.5], materials, formulas)
        expected = clustered([3.0, 2.0, 0.0, 0.5], ["A", "B", "C", "B"])
        assert found == expected
        twice = swap_test(
            [[1.0, 4.0, 1.0, 6.0, 0.0], [3.0, 2.0, 1.0, 6.0, 2.0]], [1, 1, 1, 1, 0.5], materials, formulas
        )
        assert twice == expected

    def test_a_model_that_ignores_the_property_is_not_rejected(self):
        loss = np.random.default_rng(0).random(40)
        found = swap_test(loss, loss, np.arange(40), np.arange(40) // 2)
        assert (found.p, found.mean, found.reason) == (1, 0, "")
        rounding = swap_test(loss * (1 + 1e-15), loss, np.arange(40), np.arange(40) // 2)
        assert rounding.p == 1

    def test_edges(self):
        assert swap_test([], [], [], []).reason == "no values"
        assert swap_test([1, np.inf], [1, 1], [1, 2], [1, 2]).reason == "a loss is not finite"
        assert (
            swap_test([1, 2, 3, 5], [1, 1, 1, 1], [1, 2, 3, 4], [1, 1, 2, 2]).reason
            == "fewer than 3 formulas"
        )
        with pytest.raises(ValueError, match="rows do not match"):
            swap_test([1, 2], [1, 2], [1], [1, 2])

    def test_power(self):
        found = [study("signal", np.random.default_rng(k), seeds=3) for k in range(12)]
        assert np.mean([p < 0.05 for p, _ in found]) >= 0.75

    @pytest.mark.slow
    @pytest.mark.parametrize("kind", ["placebo", "derived", "correlated"])
    def test_error_rate_in_simulated_studies(self, kind):
        found = [study(kind, np.random.default_rng(k)) for k in range(300)]
        assert np.mean([p < 0.05 for p, _ in found]) <= 0.12
        assert np.mean([all_fell for _, all_fell in found]) <= 0.06

    @pytest.mark.slow
    def test_limit_a_property_that_is_guessed_badly(self):
        """R determines A, the guess of A does not follow: the model uses A, which holds nothing beyond R."""
        found = [study("guessed badly", np.random.default_rng(k)) for k in range(300)]
        assert 0.15 < np.mean([p < 0.05 for p, _ in found]) < 0.35

    @pytest.mark.slow
    def test_power_for_a_weak_signal(self):
        found = [study("signal", np.random.default_rng(k), signal=0.15) for k in range(100)]
        assert np.mean([p < 0.05 for p, _ in found]) > 0.75
        assert np.mean([all_fell for _, all_fell in found]) < 0.35


class TestSwapScores:
    def test_by_hand(self):
        # Residuals of the baseline 2, -1, 1, 0, median size 1, clipped at 1.5; the model moves 1, 2, -4, 3.
        scores = swap_scores([2, 0, 3, 1], [0, 1, 2, 1], [1, 2, 0, 3], [[0, 1, 3, 0], [0, -1, 5, 0]])
        assert scores == pytest.approx([1, -2 / 1.5 * 1, -4 / 1.5, 0])

    def test_free_of_zero_and_proportional_to_the_unit(self):
        rng = np.random.default_rng(0)
        parts = [rng.standard_normal(20) for _ in range(3)] + [rng.standard_normal((5, 20))]
        moved = [3 * part + 10 for part in parts]
        assert swap_scores(*moved) == pytest.approx(3 * swap_scores(*parts))

    def test_a_swap_that_changes_nothing(self):
        model = np.random.default_rng(0).standard_normal(40) - 900
        swapped = np.repeat(model.astype(np.float32)[None], 3, axis=0)
        scores = swap_scores(model + 0.1, model, model, swapped)
        assert not scores.any()
        assert material_test(scores, np.arange(40), np.arange(40) // 2).p == 1

    def test_a_baseline_that_is_mostly_right_leaves_the_sign(self):
        assert swap_scores([0, 0, 0, 5], [0, 0, 0, 0], [1, 1, 1, 1], [[0, 0, 0, 0]]).tolist() == [0, 0, 0, 1]
        assert swap_scores([], [], [], np.empty((2, 0))).shape == (0,)

    def test_either_guess_may_be_wrong(self):
        """A = r. With a useless guess of A but a right baseline, or the reverse, nothing is found."""
        rng = np.random.default_rng(1)
        r, noise = rng.standard_normal((2, 4000))
        p, rows = r + noise, np.arange(4000)
        useless = np.stack([rng.permutation(r) for _ in range(20)])
        right_baseline = swap_scores(p, r, r, useless)
        assert abs(material_test(right_baseline, rows, rows).t) < 2.5
        assert swap_test(np.abs(p - useless), np.abs(p - r), rows, rows).p < 1e-9
        right_guess = swap_scores(p, np.zeros(4000), r, np.stack([r] * 20))
        assert not right_guess.any()
        both_wrong = swap_scores(p, np.zeros(4000), r, useless)
        assert material_test(both_wrong, rows, rows).p < 1e-9

    def test_rows_of_a_material_are_averaged(self):
        values = [1.0, 3.0, 0.5, 2.0, -1.0]
        materials, formulas = np.array(["a", "b", "c", "a", "d"]), np.array(["A", "B", "C", "A", "C"])
        assert material_test(values, materials, formulas) == clustered(
            [1.5, 3.0, 0.5, -1.0], ["A", "B", "C", "C"]
        )
        assert material_test([np.nan, 1], [1, 2], [1, 2]).reason == "a loss is not finite"
        with pytest.raises(ValueError, match="rows do not match"):
            material_test([1, 2], [1], [1, 2])


class TestBenjaminiHochberg:
    def test_against_scipy(self):
        p = np.random.default_rng(0).random(200) ** 2
        assert benjamini_hochberg(p) == pytest.approx(stats.false_discovery_control(p))

    def test_missing_tests_do_not_count(self):
        p = np.array([0.01, np.nan, 0.04, 0.5])
        found = benjamini_hochberg(p)
        assert math.isnan(found[1])
        assert found[[0, 2, 3]] == pytest.approx(stats.false_discovery_control(p[[0, 2, 3]]))
        assert benjamini_hochberg(p.reshape(2, 2)).shape == (2, 2)
        assert benjamini_hochberg([]).size == 0
        assert np.isnan(benjamini_hochberg([np.nan])).all()
