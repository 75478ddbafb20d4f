import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mattomo.errors import InputError
from mattomo.information.channel import channel_bits, readings, resolution, scalar_bits
from mattomo.materials import REGISTRY, Column, PropertyInfo
from mattomo.materials.registry import RESOLUTIONS

GRID = np.arange(1000.0)


def test_a_grid_read_to_ten_of_its_steps():
    assert scalar_bits(GRID, 10.0) == pytest.approx(math.log2(100), abs=0.01)
    bits, error = channel_bits(GRID[:, None], [10.0])
    assert abs(bits - scalar_bits(GRID, 10.0)) < 4 * error
    assert error < 0.01


def test_a_grid_read_with_normal_errors():
    # away from the ends the posterior is a normal of sigma 3 sampled at steps of 1
    bits, error = channel_bits(GRID[:, None], [3 * math.sqrt(12)], noise="gaussian")
    inner = math.log2(1000 / (3 * math.sqrt(2 * math.pi * math.e)))
    assert inner == pytest.approx(6.334, abs=5e-4)
    assert inner - 3 * error < bits < inner + 0.03


def test_exact_sum_against_a_fine_integral():
    rng = np.random.default_rng(0)
    values, width = np.round(rng.gamma(2, size=60), 1), 0.37
    x = np.linspace(values.min() - width, values.max() + width, 400_001)
    n = (np.abs(values[:, None] - x) < width / 2).sum(axis=0)
    left = np.trapezoid(n * np.log2(np.maximum(n, 1)), x) / (len(values) * width)
    assert scalar_bits(values, width) == pytest.approx(math.log2(60) - left, abs=1e-4)


def test_no_bins():
    # two pairs of equal distance, one across what would be the edge of a bin
    assert scalar_bits([0.99, 1.01, 5.4, 5.42], 1.0) == pytest.approx(1.02, abs=1e-9)


def test_ends():
    assert scalar_bits(GRID, 1e-6) == pytest.approx(math.log2(1000))
    assert scalar_bits([3.0] * 8, 1.0) == 0.0
    assert scalar_bits(GRID, 1e9) == pytest.approx(0.0, abs=1e-4)
    for values, width in (([], 1.0), ([np.nan], 1.0), ([1.0], 0.0), ([1.0], np.inf)):
        with pytest.raises(ValueError, match="must be"):
            scalar_bits(values, width)


numbers = st.lists(st.floats(-5, 5), min_size=1, max_size=20)


@given(numbers, st.floats(0.01, 5), st.randoms())
def test_order_does_not_matter_and_a_copy_adds_no_bits(values, width, random):
    bits = scalar_bits(values, width)
    assert scalar_bits(random.sample(values, len(values)), width) == pytest.approx(bits, abs=1e-9)
    assert scalar_bits(values + values, width) == pytest.approx(bits, abs=1e-6)


@given(numbers, st.floats(0.01, 5), st.floats(-3, 3), st.floats(0.1, 10))
def test_the_unit_does_not_matter(values, width, shift, factor):
    moved = [factor * value + shift for value in values]
    assert scalar_bits(moved, factor * width) == pytest.approx(scalar_bits(values, width), abs=1e-5)


def test_two_properties_and_a_category_read_together():
    # a 20 by 50 grid, each direction read to 5 steps, and a category that halves it
    x, y = (v.ravel().astype(float) for v in np.meshgrid(np.arange(20), np.arange(50)))
    points = np.stack([x, y], axis=1)
    apart = scalar_bits(np.arange(20.0), 5.0) + scalar_bits(np.arange(50.0), 5.0)
    bits, error = channel_bits(points, [5.0, 5.0])
    assert abs(bits - apart) < 4 * error
    half = (np.arange(1000) % 2).astype(float)
    more, error = channel_bits(np.c_[np.repeat(GRID[:500], 2), half], [10.0, 0.0])
    assert abs(more - 1 - scalar_bits(GRID[:500], 10.0)) < 4 * error


def test_misfits_are_refused():
    with pytest.raises(ValueError, match=r"\(n, k\)"):
        channel_bits(GRID, [1.0])
    with pytest.raises(ValueError, match="noise"):
        channel_bits(GRID[:, None], [1.0], noise="loud")


def test_the_registry_says_how_far_scalars_are_told_apart():
    assert set(RESOLUTIONS) <= set(REGISTRY)
    for name, info in REGISTRY.items():
        if info.kind == "category":
            assert info.resolution is None
        elif not info.note.startswith("provenance"):
            assert info.resolution == RESOLUTIONS[name] > 0
    # studies stored before the field was there
    old = {key: value for key, value in vars(REGISTRY["density"]).items() if key != "resolution"}
    assert PropertyInfo(**old).resolution is None


def test_where_a_resolution_comes_from():
    def column(name, values, **more):
        values = np.array(values)
        return Column(PropertyInfo(name, name, **more), values, np.zeros(len(values), dtype=bool))

    hardness = column("hardness", np.linspace(0, 100, 101))
    assert resolution(hardness) == (pytest.approx(0.9), True)
    assert resolution(hardness, {"hardness": 3.0}) == (3.0, False)
    assert resolution(column("density", [1.0], resolution=0.1)) == (0.1, False)
    assert resolution(column("constant", [1.0, 1.0]))[0] > 0
    kind = column("kind", ["a", "b"], kind="category")
    assert resolution(kind) == (0.0, False)
    for refused, width in ((hardness, 0.0), (hardness, -1.0), (hardness, math.nan), (kind, 1.0)):
        with pytest.raises(InputError, match="resolution"):
            resolution(refused, {refused.info.name: width})


def test_readings_are_of_complete_rows_in_the_order_of_ids(make):
    table = make(["NaCl"] * 3, {"density": [3.0, None, 1.0], "crystal_system": ["b", "a", "a"]})
    read = readings(table.take(np.array([2, 1, 0])), ["density", "crystal_system"])
    assert read.values.tolist() == [[3.0, 1.0], [1.0, 0.0]]
    assert read.rows.tolist() == [2, 0]
    assert read.widths.tolist() == [0.1, 0.0]
    for names, widths, word in (
        (["densty"], {}, "density"),
        (["density"], {"volume": 1.0}, "not read"),
    ):
        with pytest.raises(InputError, match=word):
            readings(table, names, widths)
    nothing = make(["NaCl"] * 2, {"density": [3.0, None], "volume": [None, 1.0]})
    with pytest.raises(InputError, match="no row has all"):
        readings(nothing, ["density", "volume"])
