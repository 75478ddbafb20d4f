"""Decompositions of predictions and columns: known parts, undefined cells, bias, intervals."""

import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from mattomo.information.decomposition import (
    calibration_slope,
    decompose,
    decompose_columns,
    decompose_nested,
)
from mattomo.information.parts import PARTS, Part, decompose_joint


def points(result, *names):
    return [getattr(result, name).point for name in names or ("redundant", "unique_R", "unique_A", "synergy")]


def normal(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize(
    ("correlation", "coefficient", "informations", "parts"),
    [
        (0.0, 1.0, (0.2925, 0.2925, 0.7925), (0.2925, 0, 0, 0.5)),
        (0.5, 0.5, (0.6058, 0.3260, 0.7297), (0.3260, 0.2797, 0, 0.1240)),
    ],
)
def test_gaussians_through_levels(correlation, coefficient, informations, parts):
    """Eight levels lose up to 14 % of the information; the parts are within .015 bits besides."""
    r, a, noise = normal((3, 60_000))
    a = correlation * r + np.sqrt(1 - correlation**2) * a
    p = r + coefficient * a + noise
    result = decompose(p, (1 + coefficient * correlation) * r, r + coefficient * a, a, np.arange(len(p)))
    assert points(result, "I_R", "I_A", "I_RA") == pytest.approx(informations, rel=0.14)
    for got, true in zip(points(result), parts, strict=True):
        assert 0.86 * true - 0.015 < got < true + 0.015
    assert result.gap < 1e-6
    assert result.undertrained == ""
    assert result.slope == pytest.approx(1, abs=0.02)


def test_an_interaction_is_synergy():
    """p = sign(r) a: neither r nor a tells the sign of p, both do."""
    r, a = normal((2, 20_000))
    p = np.sign(r) * a
    result = decompose(p, np.zeros(len(p)), p, a, np.arange(len(p)), n_boot=0)
    # |a| tells |p|: 2 of the 3 bits; the joint model tells all
    assert points(result, "I_R", "I_A", "I_RA") == pytest.approx((0, 2, 3), abs=0.06)
    assert points(result, "gain")[0] == pytest.approx(3, abs=0.06)
    assert result.undertrained == "its predictions are constant"


@pytest.mark.parametrize("atom_rows", [0, 3_000])
def test_a_useless_property_has_no_gain(atom_rows):
    found = []
    for seed in range(12):
        r, a, noise = normal((3, 6_000), seed)
        p = r + 0.3 * noise
        p[:atom_rows] = 0.0
        by_R, by_RA = r + 0.05 * normal((2, len(r)), 100 + seed)
        found.append(decompose(p, by_R, by_RA, a, np.arange(len(p)), seed=seed))
    assert abs(np.mean([result.raw["gain"] for result in found])) < 0.005
    assert np.mean([result.I_A.point for result in found]) < 0.004
    assert sum(result.gain.interval[0] > 0 for result in found) <= 2


def test_pooled_seeds_do_not_pass_for_information():
    """A material tested by five seeds is one draw: Miller's and Madow's correction alone is too small."""
    raw = {200: [], 0: []}
    for seed in range(12):
        rng = np.random.default_rng(seed)
        r, a, noise = rng.normal(size=(3, 600))
        rows = np.concatenate([rng.choice(600, 300, replace=False) for _ in range(5)])
        p = r + noise
        for n_boot, values in raw.items():
            result = decompose(p[rows], r[rows], r[rows], a[rows], rows, n_boot=n_boot)
            values.append(result.raw["I_A"])
    assert np.mean(raw[0]) > 0.03
    assert abs(np.mean(raw[200])) < 0.01


def test_intervals_cover_and_shrink():
    def cell(n, seed):
        r, a, noise = np.repeat(normal((3, n // 2), seed), 2, axis=1)  # every cluster twice
        return decompose(r + 0.5 * a + 0.7 * noise, r, r + 0.5 * a, a, np.repeat(np.arange(n // 2), 2))

    true = cell(200_000, 0).gain.point
    found = [cell(3_000, seed).gain for seed in range(1, 31)]
    assert sum(part.interval[0] <= true <= part.interval[1] for part in found) >= 25
    width = np.mean([part.interval[1] - part.interval[0] for part in found])
    assert 0.03 < width < 0.12
    assert np.diff(cell(48_000, 1).gain.interval)[0] < width / 2


def test_clusters_widen_the_interval():
    r, a, noise = np.repeat(normal((3, 500)), 8, axis=1)
    p = r + 0.5 * a + 0.7 * noise
    widths = [
        np.diff(decompose(p, r, r + 0.5 * a, a, clusters).I_R.interval)[0]
        for clusters in (np.arange(4_000), np.arange(4_000) // 8)
    ]
    assert widths[1] > 2 * widths[0]


def test_bounds_and_identities():
    r, a, noise = normal((3, 4_000), 3)
    a = 0.4 * r + a
    result = decompose(r + a + noise, r, r + a, a, np.arange(4_000))
    red, u_R, u_A, s = (getattr(result, name) for name in ("redundant", "unique_R", "unique_A", "synergy"))
    for end in (0, 1):
        other = 1 - end
        assert red.bounds[end] + u_R.bounds[other] == pytest.approx(result.I_R.point)
        assert red.bounds[end] + u_A.bounds[other] == pytest.approx(result.I_A.point)
        assert u_A.bounds[other] + s.bounds[end] == pytest.approx(result.gain.point)
    assert red.bounds[1] == pytest.approx(min(result.I_R.point, result.I_A.point))
    assert red.point == red.bounds[0] <= red.bounds[1]
    for name in PARTS:
        part = getattr(result, name)
        assert part.interval[0] - 1e-9 <= part.point <= part.interval[1] + 1e-9
        assert part.bounds[0] >= -1e-12
    assert result.raw["gain"] == pytest.approx(result.raw["I_RA"] - result.raw["I_R"])
    assert result.raw["plugin_R"] > result.raw["I_R"]


def test_labels_units_and_order_of_rows_do_not_matter():
    r, a, noise = normal((3, 1_000), 4)
    p, both = r + a + noise, r + a
    reference = decompose(p, r, both, a, np.arange(1_000))
    scaled = decompose(np.exp(p), 5 * r - 3, np.exp(both), a**3, np.arange(1_000).astype(str))
    assert points(scaled, *PARTS) == pytest.approx(points(reference, *PARTS), abs=1e-6)
    assert scaled.gain.interval == pytest.approx(reference.gain.interval, abs=1e-6)
    order = np.random.default_rng(0).permutation(1_000)
    shuffled = decompose(p[order], r[order], both[order], a[order], order, n_boot=0)
    assert points(shuffled) == pytest.approx(
        points(decompose(p, r, both, a, np.arange(1_000), n_boot=0)), abs=1e-6
    )
    again = decompose(p, r, both, a, np.arange(1_000))
    assert again == reference
    assert decompose(p, r, both, a, np.arange(1_000), seed=1).gain.interval != reference.gain.interval


def test_categories_are_pooled():
    r, noise = normal((2, 2_000))
    labels = np.array([f"class {i:03d}" for i in np.minimum(np.random.default_rng(0).zipf(1.5, 2_000), 300)])
    shift = np.char.endswith(labels, "1").astype(float)
    p = r + 2 * shift + noise
    result = decompose(p, r, r + 2 * shift, labels, np.arange(2_000))
    assert result.levels[2] <= 16
    assert 0 < result.pooled < 0.5
    assert result.gain.interval[0] > 0.1
    assert result.gain.point == pytest.approx(result.unique_A.point + result.synergy.point)


def test_a_nested_pair_leaves_nothing_open():
    r, s, noise = normal((3, 8_000), 5)
    p = r + s + noise
    result = decompose_nested(p, r, r + s, np.arange(8_000))
    assert result.synergy.point == pytest.approx(0, abs=1e-9)
    assert result.redundant.point == pytest.approx(result.I_R.point)
    assert result.unique_A.point == pytest.approx(result.gain.point)
    assert result.gain.interval[0] > 0.2
    swapped = decompose_nested(p, r + s, r, np.arange(8_000))
    assert swapped.unique_A.point == 0
    assert swapped.unique_R.point == pytest.approx(result.unique_A.point, abs=0.01)


@pytest.mark.parametrize("kind", ["category", "scalar"])
@pytest.mark.parametrize(
    ("gate", "parts"),
    [
        (np.bitwise_xor, (0, 0, 0, 1)),
        (np.bitwise_and, (0.3113, 0, 0, 0.5)),
        (lambda x, y: x + y, (0.5, 0, 0, 1)),
        (lambda x, y: y, (0, 0, 1, 0)),
        (lambda x, y: 2 * x + y, (0, 1, 1, 0)),
    ],
)
def test_gates_from_columns(gate, parts, kind):
    x, y = np.repeat([0, 1], 2_000), np.tile([0, 1], 2_000)
    columns = [gate(x, y), x, y]
    if kind == "category":
        columns = [column.astype(str) for column in columns]
    result = decompose_columns(*columns, np.arange(4_000))
    assert points(result) == pytest.approx(parts, abs=0.004)
    if parts == (0, 1, 1, 0):
        assert result.redundant.bounds == pytest.approx((0, 1), abs=0.004)


def test_synergy_of_independent_columns_is_not_invented():
    p, x, y = normal((3, 3_000), 6)
    result = decompose_columns(p, x, y, np.arange(3_000))
    assert result.levels[:3] == (8, 8, 8)
    assert result.raw["gain"] == pytest.approx(0, abs=0.02)
    assert max(points(result)) < 0.03


UNDEFINED = {
    "39 rows, fewer than 40": {"n": 39},
    "the target takes one value": {"p": 1.0},
    "the added property takes one value": {"a": 1.0},
    "the target is missing or not finite in some rows": {"p_first": np.nan},
    "the prediction from R is missing or not finite in some rows": {"r_first": np.inf},
    "the prediction from R and A is missing or not finite in some rows": {"ra_first": -np.inf},
    "the added property is missing or not finite in some rows": {"a_first": np.nan},
}


@pytest.mark.parametrize("reason", UNDEFINED)
def test_undefined_cells_say_why(reason):
    change = UNDEFINED[reason]
    n = change.get("n", 200)
    p, r, ra, a = normal((4, n))
    for name, column in (("p", p), ("r", r), ("ra", ra), ("a", a)):
        if name in change:
            column[:] = change[name]
        if f"{name}_first" in change:
            column[0] = change[f"{name}_first"]
    result = decompose(p, r, ra, a, np.arange(n))
    assert result.reason == reason
    assert result.rows == n
    nan = (np.nan, np.nan)
    for field in fields(result):
        value = getattr(result, field.name)
        if isinstance(value, Part):
            assert [value.point, *value.bounds, *value.interval] == pytest.approx(
                [np.nan, *nan, *nan], nan_ok=True
            )
    assert result.record()["reason"] == reason


def test_a_missing_category_and_a_constant_one():
    p, r = normal((2, 100))
    labels = np.array(["a", "b"] * 50)
    assert decompose(p, r, r, labels, np.arange(100)).reason == ""
    assert (
        decompose(p, r, r, np.full(100, "a"), np.arange(100)).reason == "the added property takes one value"
    )
    labels[3] = ""
    assert decompose(p, r, r, labels, np.arange(100)).reason == "the added property is missing in some rows"
    objects = labels.astype(object)
    objects[3] = None
    assert decompose(p, r, r, objects, np.arange(100)).reason == "the added property is missing in some rows"


def test_extreme_but_defined_cells():
    p, r, a = normal((3, 60))
    every_class_once = np.array([f"c{i}" for i in range(60)])
    alone = decompose(p, r, r, every_class_once, np.arange(60))
    assert (alone.reason, alone.pooled, alone.I_A.point) == ("", 1, 0)
    constant = decompose(p, np.ones(60), np.ones(60), a, np.arange(60))
    assert constant.I_R.point == 0
    assert constant.redundant.bounds == (0, 0)
    for clusters in (np.zeros(60), np.arange(60) % 9):
        few = decompose(p, r, r, a, clusters)
        assert np.isfinite(few.gain.point)
        assert np.isnan(few.gain.interval).all()
    binary = decompose((p > 0).astype(float), r, r, a, np.arange(60))
    assert binary.levels[0] == 2
    assert np.isfinite(points(binary, *PARTS)).all()


def test_columns_of_different_lengths_are_refused():
    p = np.zeros(50)
    for columns in ((p, p[:-1], p, p, p), (p, p, p, p, p[:-1])):
        with pytest.raises(ValueError, match="one length"):
            decompose(*columns)
    with pytest.raises(ValueError, match="one length"):
        decompose_joint(p, p, p, p[:-1], p)


def test_the_record_is_flat():
    p, r, a = normal((3, 200))
    record = decompose(p, r, r, a, np.arange(200)).record()
    assert all(isinstance(value, int | float | str) for value in record.values())
    assert record["gain_low"] <= record["gain"] <= record["gain_high"]
    assert record["redundant_min"] <= record["redundant_max"]
    assert {"raw_I_R", "raw_gain", "raw_plugin_RA", "undertrained", "reason"} <= set(record)


def test_timid_predictions_and_falling_losses_look_undertrained():
    r, a, noise = normal((3, 2_000))
    p = r + 0.2 * noise
    clusters = np.arange(2_000)
    assert "timid" in decompose(p, 0.5 * r, r, a, clusters, n_boot=0).undertrained
    assert decompose(p, 2 * r, r, a, clusters, n_boot=0).undertrained == ""
    falling = decompose(p, r, r, a, clusters, n_boot=0, losses={1_000: 0.5, 4_000: 0.32, 500: 9.0})
    assert falling.undertrained == "its error still falls by 20 % when the training rows double"
    assert decompose(p, r, r, a, clusters, n_boot=0, losses={1_000: 0.5, 4_000: 0.49}).undertrained == ""
    assert decompose(p, r, r, a, clusters, n_boot=0, losses={1_000: 0.5}).undertrained == ""
    assert calibration_slope(p, 0.5 * r) == pytest.approx(2, abs=0.03)
    assert np.isnan(calibration_slope(p, np.ones(2_000)))


def test_the_example_of_the_documentation_prints_what_it_says(capsys):
    page = (Path(__file__).parents[2] / "docs" / "decomposition.md").read_text(encoding="utf-8")
    code, output = re.search(r"```python\n(.*?)```\n\n```text\n(.*?)```", page, re.DOTALL).groups()
    exec(code, {})
    assert capsys.readouterr().out == output
