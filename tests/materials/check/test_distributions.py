"""What the values of a scalar look like; each finding has a clean counterpart."""

import numpy as np
import pytest
from scipy import stats

from mattomo.materials.check.distributions import constants, distributions, robust_z
from mattomo.materials.check.properties import complete_rows, summaries

RNG = np.random.default_rng(3)
NORMAL = stats.norm.ppf((np.arange(200) + 0.5) / 200)


def codes(make, values, name="x"):
    return [each.code for each in distributions(make({name: values}))]


@pytest.mark.parametrize(
    "values",
    [
        NORMAL,
        np.exp(NORMAL),
        np.exp(2 * NORMAL),
        -np.exp(NORMAL),
        stats.expon.ppf((np.arange(2000) + 0.5) / 2000),
        np.linspace(0, 1, 100),
        10.0 ** np.linspace(-9, 3, 300),
        RNG.integers(1, 200, 300),
        np.r_[np.zeros(20), NORMAL + 5],
    ],
)
def test_ordinary_distributions_give_no_finding(make, values):
    assert codes(make, values) == []


def test_many_zeros(make):
    (finding,) = distributions(make({"x": np.r_[np.zeros(100), NORMAL + 5]}))
    assert (finding.code, finding.count) == ("zero_inflated", 100)
    assert codes(make, np.r_[np.full(100, 7.0), NORMAL]) == ["one_value"]


def test_noise_around_zero(make):
    noise = np.r_[1e-6 * NORMAL, np.zeros(30), np.abs(NORMAL) + 1]
    (finding,) = distributions(make({"x": noise}))
    assert (finding.code, finding.count) == ("noise_around_zero", 200)
    assert "30 exactly, 200 tiny" in finding.text


def test_stand_ins(make):
    values = np.r_[NORMAL, [-999.0] * 3]
    (finding,) = distributions(make({"x": values}))
    assert (finding.code, finding.ids) == ("stand_in", ("m200", "m201", "m202"))
    assert "stand_in" in codes(make, np.r_[NORMAL, [1e30] * 2])
    assert "stand_in" not in codes(make, np.r_[NORMAL * 500, [999.0] * 3])


def test_extreme_values_worst_first(make):
    values = np.r_[NORMAL, 50.0, -80.0]
    (finding,) = distributions(make({"x": values}))
    assert (finding.code, finding.level, finding.ids) == ("extreme", "note", ("m201", "m200"))


def test_absurd_values_are_a_warning(make):
    (finding,) = distributions(make({"x": np.r_[NORMAL, 1e9]}))
    assert (finding.code, finding.level, finding.ids) == ("absurd", "warning", ("m200",))


def test_heavy_tails_are_one_note(make):
    values = stats.cauchy.ppf((np.arange(1000) + 0.5) / 1000)
    (finding,) = distributions(make({"x": values}))
    assert (finding.code, finding.level) == ("heavy_tails", "note")


def test_provenance_and_angles_are_left_alone(make):
    assert codes(make, np.r_[NORMAL, 1e9], "label_residual") == []
    assert codes(make, np.r_[90 + NORMAL / 1000, 30.0], "lattice_angle_gamma_degree") == []


def test_robust_z_of_a_normal_sample_is_its_distance():
    sample = stats.norm.ppf((np.arange(9999) + 0.5) / 9999)
    np.testing.assert_allclose(robust_z(3 + 2 * sample), np.abs(sample), atol=2e-3)
    assert robust_z(np.array([1.0, 1.0, 1.0])).tolist() == [0, 0, 0]


def test_constant_and_nearly_constant_columns(make):
    n = 300
    columns = {
        "none": np.full(n, np.nan),
        "one": np.full(n, 2.5),
        "level": ["a"] * n,
        "almost": np.r_[np.zeros(n - 1), 1.0],
        "fine": np.r_[np.zeros(n - 30), np.ones(30)],
        "label_residual": np.zeros(n),
    }
    found = {each.column: each.code for each in constants(summaries(make(columns)))}
    assert found == {"none": "empty", "one": "constant", "level": "constant", "almost": "nearly_constant"}


def test_summaries(make):
    s = {
        each.name: each
        for each in summaries(
            make({"x": [1.0, 4.0, 1.0, np.nan], "c": ["a", "b", "b", ""], "e": [np.nan] * 4})
        )
    }
    assert (s["x"].present, s["x"].coverage, s["x"].distinct) == (3, 0.75, 2)
    assert (s["x"].lowest, s["x"].median, s["x"].highest, s["x"].most_common) == (1.0, 1.0, 4.0, "1")
    assert (s["c"].most_common, s["c"].most_common_share, s["c"].singletons) == ("b", 2 / 3, 1)
    assert (s["e"].present, s["e"].lowest, s["e"].most_common_share) == (0, None, 0.0)


def test_complete_rows(make):
    columns = {"a": [1.0, 2.0, np.nan, 4.0], "b": ["x", "", "y", "z"], "rare": [1.0] + [np.nan] * 3}
    assert complete_rows(make(columns)) == (2, 2)
