"""The conditional density: against a plain re-computation, as a density, and against known entropies."""

import math

import numpy as np
import pytest
from scipy import stats

from mattomo.information.density import find_atoms, fit_density, unusable


def sample(n, seed=0, floor=-np.inf):
    rng = np.random.default_rng(seed)
    predicted = rng.standard_normal(n)
    return predicted, np.maximum(predicted + (0.3 + 0.2 * np.abs(predicted)) * rng.standard_normal(n), floor)


def plain_left_out(predicted, true, atoms, rank_width, residual_width, scale):
    """Leave-one-out log2 likelihood a row, by loops over rows and in double precision."""
    n = len(true)
    place = (stats.rankdata(predicted) - 0.5) / n
    label = [list(atoms).index(y) + 1 if y in atoms else 0 for y in true]
    residual = true - predicted
    smooth = [k for k in range(n) if label[k] == 0]
    tail_weight = 2 / (len(smooth) + 20)
    distance = np.abs(residual[smooth])
    tail_scale = max(np.mean(np.minimum(distance, np.quantile(distance, 0.99))), scale)
    total = 0.0
    for i in range(n):
        weight = {
            j: 1.0
            if math.isinf(rank_width)
            else math.exp(-(((place[i] - place[j]) / rank_width) ** 2) / 2) + 1e-6
            for j in range(n)
            if j != i
        }
        if len(atoms):
            prior = (label.count(label[i]) + 0.5) / (n + 0.5 * (len(atoms) + 1))
            same = sum(w for j, w in weight.items() if label[j] == label[i])
            total += math.log2((same + prior) / (sum(weight.values()) + 1))
        if label[i] == 0:
            among = {j: weight[j] for j in smooth if j != i}
            f = sum(
                w * math.exp(-(((residual[i] - residual[j]) / residual_width) ** 2) / 2)
                for j, w in among.items()
            ) / (residual_width * math.sqrt(2 * math.pi))
            tail = stats.t.pdf(residual[i] / tail_scale, 2) / tail_scale
            total += math.log2((1 - tail_weight) * f / sum(among.values()) + tail_weight * tail)
    return total / n


@pytest.mark.parametrize("floor", [-np.inf, -0.2])
def test_likelihood_and_choice_against_a_plain_loop(floor):
    predicted, true = sample(70, floor=floor)
    atoms = find_atoms(true)
    assert len(atoms) == (floor > -1)
    fitted = fit_density(predicted, true)
    residual = (true - predicted)[~np.isin(true, atoms)]
    scale = np.subtract(*np.quantile(residual, [0.75, 0.25])) / 1.349
    plain = {
        (h, 1.5 * scale * 0.6 / 2 ** (k / 2)): None
        for h in (np.inf, 0.5, 0.125, 0.03125)
        for k in (0, 2, 4, 13)
    }
    plain[fitted.rank_width, fitted.residual_width] = None
    for h, b in plain:
        plain[h, b] = plain_left_out(predicted, true, atoms, h, b, scale)
    assert fitted.leave_one_out == pytest.approx(plain[fitted.rank_width, fitted.residual_width], abs=1e-6)
    assert fitted.leave_one_out >= max(plain.values()) - 1e-6


@pytest.mark.parametrize("floor", [-np.inf, 0.0])
def test_it_is_a_density(floor):
    """Integral over the continuous part, plus the atoms: one, whatever the prediction."""
    fitted = fit_density(*sample(500, floor=floor))
    grid = np.sinh(np.linspace(-9, 9, 30_000))  # ±4,000, dense in the middle; no atom on it
    for prediction in (-2.0, 0.1, 1.5):
        mass = np.trapezoid(np.exp2(fitted.log2(np.full(len(grid), prediction), grid)), grid)
        spikes = np.exp2(fitted.log2(np.full(len(fitted.atoms), prediction), fitted.atoms)).sum()
        assert mass + spikes == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize(("n", "tolerance"), [(200, 0.2), (2000, 0.04)])
def test_entropy_of_known_noise(n, tolerance):
    """-E log2 q is the entropy of the noise plus a small cost: normal, uneven, of two branches."""
    rng = np.random.default_rng(1)
    sizes = n, 4000
    predicted = [rng.standard_normal(k) for k in sizes]
    spread = [np.exp(x / 2) for x in predicted]
    normal = 0.5 * math.log2(2 * math.pi * math.e)
    cases = {
        "normal": ([rng.standard_normal(k) for k in sizes], normal),
        "uneven": ([s * rng.standard_normal(k) for s, k in zip(spread, sizes, strict=True)], normal),
        "branches": ([rng.choice([-9, 9], k) + rng.standard_normal(k) for k in sizes], normal + 1),
    }
    for name, (noise, entropy) in cases.items():
        fitted = fit_density(predicted[0], predicted[0] + noise[0])
        found = -fitted.log2(predicted[1], predicted[1] + noise[1]).mean()
        # E log2 exp(x / 2) = 0 over the predictions, but for their sample.
        entropy += predicted[1].mean() / 2 / math.log(2) if name == "uneven" else 0
        assert entropy - 0.03 < found < entropy + tolerance, name


def test_atoms_come_from_the_target_alone():
    predicted, true = sample(400, floor=0.0)
    assert find_atoms(true).tolist() == [0.0]
    assert find_atoms(np.arange(500.0)).size == 0
    assert find_atoms([1.0] * 9 + [2.0] * 10 + [np.nan] * 20).tolist() == [2.0]
    assert find_atoms(np.r_[np.zeros(10), np.arange(1.0, 1200)]).size == 0  # ten rows, but below one per cent
    fitted = fit_density(np.round(predicted), true)  # predictions repeat, and are no atoms
    assert fitted.atoms.tolist() == [0.0]
    assert fit_density(predicted, true, atoms=[]).atoms.size == 0


def test_probability_of_an_atom_follows_the_prediction():
    predicted, true = sample(2000, floor=0.0)
    fitted = fit_density(predicted, true)
    for prediction in (-1.0, 0.0, 0.4):
        truth = stats.norm.cdf(-prediction / (0.3 + 0.2 * abs(prediction)))
        assert 2 ** fitted.log2([prediction], [0.0])[0] == pytest.approx(truth, abs=0.06)


def test_thinning_is_keyed_and_leaves_two_thousand():
    predicted, true = sample(3000)
    first, again = (fit_density(predicted, true, key=("a",)) for _ in range(2))
    other = fit_density(predicted, true, key=("b",))
    assert len(first.predicted) == 2000
    assert np.array_equal(first.predicted, again.predicted)
    assert not np.array_equal(first.predicted, other.predicted)


def test_far_surprises_stay_finite_and_rows_without_a_number_are_nan():
    fitted = fit_density(*sample(100))
    found = fitted.log2([0.0, 0.0, np.inf, np.nan, 1e200], [1e9, -1e90, 0.0, 0.0, 0.0])
    assert np.isfinite(found[:2]).all()
    assert found[0] < -50
    assert np.isnan(found[2:]).all()
    assert fitted.log2([], []).shape == (0,)


def test_an_outlier_in_the_validation_rows_is_no_harm():
    predicted, true = sample(300)
    test = sample(300, seed=5)
    before = fit_density(predicted, true).log2(*test).mean()
    true[7] = 1e30
    assert fit_density(predicted, true).log2(*test).mean() == pytest.approx(before, abs=0.1)


def test_tied_predictions_share_their_place():
    true = np.random.default_rng(3).standard_normal(200)
    fitted = fit_density(np.zeros(200), true)
    assert set(fitted.place) == {0.5}
    assert fitted.log2(np.zeros(200), true).mean() == pytest.approx(-2.05, abs=0.15)


@pytest.mark.parametrize(
    ("predicted", "true", "reason"),
    [
        ([], [], "no validation rows"),
        ([0.0] * 9, list(range(9)), "fewer than 10 validation rows"),
        ([np.inf] + [0.0] * 19, list(range(20)), "a validation prediction is not finite"),
        ([0.0] * 20, [np.nan, *range(19)], "a validation value is not finite"),
        (list(range(20)), [3.0] * 20, "the target has one value in the validation rows"),
        (list(range(20)), list(range(20)), "the error has no spread: the bits are unbounded"),
        (np.arange(20) + 0.1, np.arange(20), "the error has no spread: the bits are unbounded"),
    ],
)
def test_what_cannot_be_fitted_says_why(predicted, true, reason):
    assert unusable(predicted, true) == reason
    with pytest.raises(ValueError, match=reason):
        fit_density(predicted, true)


def test_a_target_of_atoms_alone():
    """Three levels, each with its probability; a new value falls to the tail."""
    rng = np.random.default_rng(4)
    true = rng.integers(0, 3, 300).astype(float)
    fitted = fit_density(true + 0.1 * rng.standard_normal(300), true)
    assert fitted.tail_weight == 1
    found = fitted.log2([0.0, 1.0, 2.0, 1.0], [0.0, 1.0, 2.0, 1.7])
    assert (found[:3] > -0.6).all()
    assert np.isfinite(found[3])


def test_a_target_in_steps_is_known_to_a_step_and_no_better():
    """Integers: predictions that repeat earn nothing from the steps, and a density is at most one a step."""
    rng = np.random.default_rng(6)
    for unit in (1.0, 0.25):
        true = unit * np.round(20 * rng.standard_normal(800))
        half = slice(0, 400), slice(400, 800)
        scores = []
        for predicted in (np.zeros(800), unit * 5 * rng.standard_normal(800) * 1e-3):
            fitted = fit_density(predicted[half[0]], true[half[0]], atoms=[])
            scores.append(fitted.log2(predicted[half[1]], true[half[1]]).mean())
        assert scores[0] == pytest.approx(scores[1], abs=0.05)
        near = true + 0.05 * unit * rng.standard_normal(800)
        fitted = fit_density(near[half[0]], true[half[0]], atoms=[])
        assert -0.2 < fitted.log2(near[half[1]], true[half[1]]).mean() + math.log2(unit) <= 0.01


def test_shapes_are_checked():
    with pytest.raises(ValueError, match=r"one shape \(n,\), got \(3,\) and \(2,\)"):
        fit_density([1.0, 2.0, 3.0], [1.0, 2.0])
