"""What each criterion marks in simulated studies with trees, through the functions that a study runs."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

ROOT = Path(__file__).resolve().parents[2]


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


simulated = load(ROOT / "benchmarks/simulated_studies.py")

#: Studies of the slow test, about five seconds of processor time each.
STUDIES = 100


def error_of(target, table, columns):
    """What R leaves open of a target."""
    r = table.values
    return columns[target].values - (r[:, 0] + r[:, 1] * r[:, 2] + np.sin(2 * r[:, 3]))


def numbers(values):
    """Scalars as they are; categories as indicators of their levels."""
    if values.dtype.kind == "U":
        return (values[:, None] == np.unique(values)).astype(float)
    return values[:, None]


class TestWorlds:
    def test_properties_tell_what_they_should_and_nothing_else(self):
        table, columns, rows = simulated.draw(0, 20_000)
        left = error_of("p", table, columns)
        for name in (*simulated.NULL, simulated.CONVENIENT):
            for a in numbers(columns[name].values).T:
                assert abs(np.corrcoef(a, left)[0, 1]) < 0.03, name
                assert abs(np.corrcoef(a**2, left**2)[0, 1]) < 0.03, name
        for name, size in (("weak", 0.15), ("strong", 0.3)):
            slope = np.polyfit(columns[name].values, error_of(f"p of {name}", table, columns), 1)[0]
            assert slope == pytest.approx(size, abs=0.02)
            told = np.abs(np.corrcoef(np.column_stack([table.values, columns[name].values]).T))[-1, :-1]
            assert told.max() < 0.03
        assert len(np.unique(rows.formulas)) < len(rows.ids)

    def test_the_partner_tells_nothing_alone(self):
        table, columns, _ = simulated.draw(0, 20_000)
        left, sign = error_of("p of partner", table, columns), columns["partner"].values
        assert abs(np.corrcoef(sign, left)[0, 1]) < 0.03
        assert np.corrcoef(sign * np.sign(table.values[:, 4]), left)[0, 1] == pytest.approx(
            0.5**0.5, abs=0.02
        )

    def test_properties_that_r_determines(self):
        table, columns, _ = simulated.draw(1, 50)
        r = table.values
        np.testing.assert_array_equal(columns["copy"].values, r[:, 0])
        np.testing.assert_allclose(columns["mean"].values, (r[:, 0] + r[:, 1] + r[:, 2] + r[:, 3]) / 4)
        np.testing.assert_allclose(columns["function"].values ** 2, r[:, 4] ** 2 + r[:, 5] ** 2)

    def test_spiky_spread_and_category(self):
        table, columns, _ = simulated.draw(2, 5000)
        assert 0.4 < np.mean(columns["spiky"].values == 0) < 0.6
        wide = np.abs(table.values[:, 0]) > 1
        spread = columns["spread"].values
        assert spread[wide].std() > 2 * spread[~wide].std()
        assert len(np.unique(columns["category"].values)) == 5

    def test_true_information(self):
        # By drawing: the mean of log2 p(y | sign) / p(y), at the values that the worlds use.
        y = 1 + np.random.default_rng(0).standard_normal(400_000)
        by_drawing = np.mean(1 - np.log2(1 + np.exp(-2 * y)))
        assert simulated.truth("partner") == pytest.approx(by_drawing, abs=3e-3)
        assert simulated.truth("strong") == pytest.approx(-np.log2(0.25 / 0.34) / 2)
        assert {simulated.truth(name) for name in (*simulated.NULL, simulated.CONVENIENT)} == {0.0}


def test_one_tiny_study_of_every_world():
    held = simulated.simulate(0, 150, seeds=2)
    found = simulated.analysed(0, 150, held).set_index("world")
    assert list(found.index) == list(simulated.WORLDS)
    assert found[list(simulated.MARKS)].dtypes.eq(bool).all()
    assert found[["mae_change", "bits", "swap_p"]].notna().all(axis=None)
    assert (~found["swap_and_paired"] | (found["swap"] & found["paired_minmax"])).all()
    for unit in held:
        assert set(unit.swapped) == set(unit.added)
        assert all(p.shape == (20, 30) for p in unit.swapped.values())
    # Sparing trees a product that they find badly takes a tenth off their error, in a study of any size.
    assert found.loc["convenient", "mae_change"] < -0.1
    table = simulated.markdown(pd.concat([found.reset_index()] * 2))
    assert len(table.splitlines()) == 2 + len(simulated.WORLDS)
    assert {line.count("|") for line in table.splitlines()} == {13}


@pytest.mark.slow
def test_error_rates_and_power():
    found = pd.concat([simulated.one(k, 600) for k in range(STUDIES)])
    marked = found.groupby("world")[[*simulated.MARKS]].sum()

    def most(rate):
        """More marks than this are less likely than 1 in 1,000 at this rate."""
        return stats.binom.ppf(0.999, STUDIES, rate)

    nulls = [*simulated.NULL]
    assert (marked.loc[nulls, "swap"] <= most(0.12)).all()
    # Pooled, the bound is narrower; the properties of a study share its target.
    assert marked.loc[nulls, "swap"].mean() <= 0.06 * STUDIES
    # A learner is spared the sum of inputs that "mean" is: usable, so every seed may gain.
    useless = [name for name in nulls if name != "mean"]
    assert (marked.loc[useless, "paired_minmax"] <= most(0.06)).all()
    assert (marked.loc[nulls, "separated"] <= most(1 / 252)).all()
    assert (marked.loc[["strong", "partner"], "swap"] >= 0.9 * STUDIES).all()
    assert marked.loc["weak", "swap"] > 2 * marked.loc["weak", "paired_minmax"]
