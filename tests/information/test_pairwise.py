"""Mutual information of columns against closed forms, quadrature and ennemi."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammaln

from mattomo.information.pairwise import (
    _kraskov,
    _ross,
    mutual_information,
    mutual_information_matrix,
)
from mattomo.materials.registry import PropertyInfo
from mattomo.materials.table import Column

N = 10_000
SEEDS = range(4)


def bivariate(correlation, seed, n=N):
    a, noise = np.random.default_rng(seed).normal(size=(2, n))
    return a, correlation * a + np.sqrt(1 - correlation**2) * noise


def cubed(v):
    return np.maximum(v, 0) ** 3


def bent(v):
    return np.exp(np.maximum(v, 0.5)) - np.exp(0.5)


def rectified(v):
    return np.maximum(v, 0)


def same(v):
    return v


@pytest.mark.parametrize(
    ("f", "g", "correlation", "bits"),
    [
        (same, same, 0.75, 0.5963),
        (rectified, same, 0.75, 0.4600),
        (cubed, bent, 0.75, 0.3332),
        (cubed, bent, 0.0, 0.0),
        (same, same, 0.0, 0.0),
    ],
)
def test_normal_columns_with_and_without_atoms(f, g, correlation, bits):
    found = []
    for seed in SEEDS:
        a, b = bivariate(correlation, seed)
        found.append(mutual_information(f(a), g(b)))
    assert np.mean(found) == pytest.approx(bits, abs=0.02)
    assert found == pytest.approx([bits] * len(SEEDS), abs=0.045)  # the sample alone scatters by .012
    assert found[0] == pytest.approx(bits, abs=0.04)


def test_zipf_classes():
    """200 classes of Zipf frequencies with normal columns about their own means, and independent of it."""
    weight = 1 / np.arange(1, 201)
    weight /= weight.sum()
    mean = np.random.default_rng(9).normal(size=200)
    grid = np.linspace(-6, 6, 4_001)
    density = weight @ (np.exp(-0.5 * ((grid - mean[:, None]) / 0.5) ** 2) / (0.5 * np.sqrt(2 * np.pi)))
    true = -(density * np.log2(density)).sum() * (grid[1] - grid[0]) - 0.5 * np.log2(2 * np.pi * np.e * 0.25)
    rng = np.random.default_rng(0)
    classes = rng.choice(200, N, p=weight)
    labels = np.array([f"class {c}" for c in classes])
    y, independent = mean[classes] + 0.5 * rng.normal(size=N), rng.normal(size=N)
    assert mutual_information(labels, y) == pytest.approx(true, abs=0.04)
    assert mutual_information(labels, independent) == pytest.approx(0, abs=0.04)


def test_the_null_shows_the_bias_of_nearly_empty_tables():
    """200 x 200 classes in 10,000 rows: the correction leaves .7 bits, in the null as in the estimate."""
    weight = 1 / np.arange(1, 201)
    rng = np.random.default_rng(0)
    drawn = rng.choice(200, (2, N), p=weight / weight.sum())
    columns = {name: category(name, values.astype(str)) for name, values in zip("xy", drawn, strict=True)}
    pair = mutual_information_matrix(columns).iloc[0]
    assert pair["bits"] > 0.5
    assert pair["null_mean"] == pytest.approx(pair["bits"], abs=0.03)
    assert abs(pair["z"]) < 4


def test_zero_inflated_poisson():
    """X exponential; Y zero with probability .15, else Poisson of mean X: quadrature gives .3315."""
    x = np.linspace(1e-6, 40, 40_001)
    k = np.arange(80)[:, None]
    p = 0.85 * np.exp(k * np.log(x) - x - gammaln(k + 1)) + 0.15 * (k == 0)
    weight = np.exp(-x) / np.exp(-x).sum()
    marginal = p @ weight
    ratio = np.log2(np.maximum(p, 1e-300) / marginal[:, None])
    true = float((p * ratio * weight).sum())
    assert true == pytest.approx(0.3315, abs=2e-3)
    found = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        drawn = rng.exponential(size=N)
        found.append(mutual_information(drawn, np.where(rng.random(N) < 0.15, 0, rng.poisson(drawn))))
    assert np.mean(found) == pytest.approx(true, abs=0.02)
    assert found[0] == pytest.approx(0.3315, abs=0.04)


def test_classes_alone():
    rng = np.random.default_rng(0)
    x = rng.integers(4, size=N)
    flipped = np.where(rng.random(N) < 0.1, rng.integers(4, size=N), x)
    channel = 0.9 * np.eye(4) + 0.1 / 4
    true = 2 + (channel[0] * np.log2(channel[0])).sum()
    assert mutual_information(x.astype(str), flipped.astype(str)) == pytest.approx(true, abs=0.04)
    # numbers of four values are four atoms
    assert mutual_information(x, flipped) == pytest.approx(
        mutual_information(x.astype(str), flipped.astype(str))
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_ennemi_finds_the_same(seed):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ennemi = pytest.importorskip("ennemi")
    a, b = bivariate(0.6, seed, 2_000)
    theirs = ennemi.estimate_mi(b, a, k=3, preprocess=False, max_threads=1)[0, 0] / np.log(2)
    assert _kraskov(a, b, 3) == pytest.approx(theirs, abs=1e-6)
    # classes of 7 rows or more, since smaller ones are pooled here
    labels = np.sort(np.random.default_rng(seed).integers(40, size=2_000))
    y = np.random.default_rng(seed + 10).normal(size=2_000) + 0.05 * labels
    theirs = ennemi.estimate_mi(labels, y, k=3, preprocess=False, discrete_y=True, max_threads=1)[0, 0]
    assert _ross(labels, y, 3) == pytest.approx(theirs / np.log(2), abs=1e-6)


def test_small_classes_are_pooled():
    labels = np.concatenate([np.repeat([0, 1], 500), np.arange(2, 12)])
    x = np.concatenate([np.random.default_rng(0).normal(size=1_000), np.full(10, 4.0) + np.arange(10)])
    x[500:1_000] += 3
    pooled = np.where(labels > 1, 2, labels)
    assert _ross(labels, x, 3) == pytest.approx(_ross(pooled, x, 3))
    few = labels[:1_004], x[:1_004]  # four rows are too few for a class of their own
    assert _ross(*few, 3) == pytest.approx(_ross(labels[:1_000], x[:1_000], 3) * 1_000 / 1_004)
    assert _ross(np.arange(6), x[:6], 3) == 0


def test_values_that_repeat_below_an_atom():
    """200 equally frequent integers: neither atoms nor distinct."""
    rng = np.random.default_rng(0)
    x = rng.integers(200, size=N)
    found = mutual_information(x, x + 0.3 * rng.normal(size=N) * 100)
    unit = mutual_information(x + rng.random(N), x + 0.3 * rng.normal(size=N) * 100)
    assert found == pytest.approx(unit, abs=0.05)
    assert mutual_information(x, rng.integers(200, size=N)) == pytest.approx(0, abs=0.04)


COLUMNS = st.tuples(st.integers(0, 10**6), st.integers(40, 200), st.integers(0, 3), st.integers(0, 3))


def drawn_columns(seed, n, first, second):
    a, b = bivariate(0.5, seed, n)
    kinds = (same, rectified, lambda v: np.round(2 * v), lambda v: np.where(v > 0, "high", "low"))
    return kinds[first](a), kinds[second](b)


@settings(deadline=None, max_examples=60)
@given(COLUMNS)
def test_symmetry_and_monotone_transforms(drawn):
    x, y = drawn_columns(*drawn)
    bits = mutual_information(x, y)
    assert np.isfinite(bits)
    assert bits > -0.6  # at 40 rows the noise is .2
    assert mutual_information(y, x) == bits
    for transform in (np.exp, lambda v: 7 * v - 3, np.cbrt):
        moved = [transform(v) if v.dtype.kind == "f" else np.char.add("the ", v) for v in (x, y)]
        assert mutual_information(*moved) == pytest.approx(bits, abs=1e-9)


def test_missing_rows_are_left_out():
    a, b = bivariate(0.75, 0, 2_000)
    labels = np.where(b > 0, "high", "low").astype(object)
    gaps = a.copy()
    gaps[:500], labels[1_500:] = np.nan, None
    kept = slice(500, 1_500)
    assert mutual_information(gaps, labels) == mutual_information(a[kept], labels[kept].astype(str))
    assert np.isnan(mutual_information(gaps[:539], b[:539]))


def test_unusable_arguments():
    with pytest.raises(ValueError, match="one length"):
        mutual_information(np.zeros(50), np.zeros(51))
    with pytest.raises(ValueError, match="k must be"):
        mutual_information(np.zeros(50), np.zeros(50), k=0)
    columns = {"a": scalar("a", np.zeros(50)), "b": scalar("b", np.zeros(51))}
    with pytest.raises(ValueError, match="one length"):
        mutual_information_matrix(columns)


def scalar(name, values):
    return Column(PropertyInfo(name, name), values, np.isnan(values))


def category(name, values):
    return Column(PropertyInfo(name, name, kind="category"), values, values == "")


def table(n=3_000):
    a, b = bivariate(0.75, 1, n)
    independent = np.random.default_rng(2).normal(size=n)
    independent[::7] = np.nan
    return {
        "a": scalar("a", a),
        "b": scalar("b", rectified(b)),
        "sign": category("sign", np.where(a > 0, "high", "low")),
        "noise": scalar("noise", independent),
        "constant": category("constant", np.full(n, "one")),
        "empty": scalar("empty", np.full(n, np.nan)),
    }


def test_the_matrix_beside_its_null():
    matrix = mutual_information_matrix(table()).set_index(["x", "y"])
    assert len(matrix) == 15
    informative = matrix.loc[[("a", "b"), ("a", "sign"), ("b", "sign")]]
    assert (informative["z"] > 10).all()
    assert (informative["p"] < 1e-6).all()
    assert matrix.loc[("a", "sign"), "bits"] == pytest.approx(1, abs=0.03)
    assert matrix.loc[("a", "sign"), "share"] == pytest.approx(1, abs=0.03)
    assert matrix.loc[("a", "b"), "bits"] == pytest.approx(0.46, abs=0.06)
    noise = matrix.loc[[("a", "noise"), ("b", "noise"), ("sign", "noise")]]
    assert (noise["p"] > 0.01).all()
    assert (noise["rows"] == 3_000 - len(range(0, 3_000, 7))).all()
    assert noise["bits"].abs().max() < 4 * noise["null_sd"].max()
    assert noise["null_mean"].abs().max() < 0.02
    assert matrix.loc[("a", "constant"), "reason"] == "constant takes one value"
    assert matrix.loc[("a", "empty"), "reason"] == "0 rows, fewer than 40"
    assert np.isnan(matrix.loc[("a", "empty"), "bits"])


def test_correlation_is_that_of_the_normal():
    a, b = bivariate(0.75, 3)
    matrix = mutual_information_matrix({"a": scalar("a", a), "b": scalar("b", b)}, n_null=0)
    assert matrix["correlation"].item() == pytest.approx(0.75, abs=0.03)
    assert np.isnan(matrix[["null_mean", "null_sd", "z", "p", "share"]].to_numpy()).all()


def test_a_pair_does_not_depend_on_the_other_columns():
    columns = table(500)
    whole = mutual_information_matrix(columns).set_index(["x", "y"])
    alone = mutual_information_matrix({name: columns[name] for name in ("b", "noise")})
    pair = whole.loc[("b", "noise")]
    assert (
        alone[["bits", "null_mean", "null_sd"]].iloc[0].tolist()
        == pair[["bits", "null_mean", "null_sd"]].tolist()
    )


def test_the_null_on_fewer_rows_has_the_same_width():
    a, b = bivariate(0.0, 4, 8_000)
    columns = {"a": scalar("a", a), "b": scalar("b", b)}
    whole, part = (
        mutual_information_matrix(columns, n_null=60, null_rows=rows)["null_sd"].item()
        for rows in (8_000, 1_000)
    )
    assert part == pytest.approx(whole, rel=0.4)
    assert whole == pytest.approx(1 / np.sqrt(8_000), rel=0.3)


def test_independent_columns_are_rarely_significant():
    """Type I error of p at nominal .05."""
    rejected = []
    for seed in range(60):
        a, b = bivariate(0.0, seed, 300)
        columns = {"a": scalar("a", rectified(a)), "b": category("b", np.where(b > 0.5, "high", "low"))}
        rejected.append(mutual_information_matrix(columns, seed=seed)["p"].item() < 0.05)
    assert np.mean(rejected) < 0.15
