"""Levels and tables: bins keep ties and atoms, classes are pooled, the bias correction corrects."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mattomo.information.discrete import (
    atoms,
    classes,
    counts,
    equal_mass,
    information,
    informations,
    miller_madow,
    without_holes,
)


def test_bins_have_equal_mass():
    levels = equal_mass(np.random.default_rng(0).normal(size=800), 8)
    assert np.bincount(levels).tolist() == [100] * 8


def test_an_atom_is_a_level_and_the_rest_is_binned():
    values = np.concatenate([np.zeros(300), np.random.default_rng(0).exponential(size=400) + 0.1])
    levels = equal_mass(values, 8)
    assert len(set(levels[values == 0])) == 1
    assert sorted(np.bincount(levels)) == [50] * 8 + [300]


def test_few_rows_make_few_bins():
    assert equal_mass(np.arange(25.0), 8).max() == 1
    assert equal_mass(np.arange(5.0), 8).max() == 0


def test_the_most_frequent_atoms_come_first():
    values = np.repeat(np.arange(20.0), np.arange(20, 0, -1) + 10)
    assert atoms(values)[:3].tolist() == [0, 1, 2]
    levels = equal_mass(values, 4)
    for atom in range(4):
        assert len(set(values[levels == levels[values == atom][0]])) == 1


@given(st.lists(st.integers(-5, 5), min_size=40, max_size=80))
def test_bins_depend_on_the_order_alone(drawn):
    values = np.array(drawn, dtype=float)
    levels = equal_mass(values, 4, np.empty(0))
    assert np.array_equal(levels, equal_mass(np.exp(values), 4, np.empty(0)))
    for value in set(drawn):
        assert len(set(levels[values == value])) == 1


def test_rare_classes_are_pooled_and_the_most_frequent_kept():
    labels = np.repeat([f"{i:02d}" for i in range(30)], np.r_[np.full(20, 30), np.full(9, 12), 1])
    codes, pooled = classes(labels)
    assert codes.max() == 15
    assert pooled == pytest.approx(1 - 15 * 30 / len(labels))
    codes, pooled = classes(np.repeat(["a", "b", "c"], [50, 20, 1]))
    assert np.bincount(codes).tolist() == [50, 20, 1]
    assert pooled == pytest.approx(1 / 71)
    codes, pooled = classes(np.repeat(["a", "b"], [50, 20]))
    assert (codes.max(), pooled) == (1, 0)


def test_levels_without_holes():
    assert without_holes(np.array([7, 7, -2, 9])).tolist() == [0, 0, 1, 2]


def test_information_of_known_tables():
    assert information(np.array([[1, 1], [1, 1]])) == 0
    assert information(np.eye(2)) == 1
    # a binary symmetric channel that errs once in ten
    assert information(np.array([[0.45, 0.05], [0.05, 0.45]])) == pytest.approx(0.5310, abs=5e-5)
    assert informations(np.stack([np.eye(2), np.ones((2, 2))])).tolist() == [1, 0]


def test_the_correction_removes_the_bias_of_independent_columns():
    rng = np.random.default_rng(0)
    tables = [counts(*rng.integers(6, size=(2, 500))) for _ in range(200)]
    plugin = np.mean([information(table) for table in tables])
    corrected = np.mean([information(table) - miller_madow(table) for table in tables])
    assert plugin == pytest.approx(25 / (2 * 500 * np.log(2)), rel=0.1)
    assert abs(corrected) < 0.002
