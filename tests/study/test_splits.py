import dataclasses

import numpy as np
import pytest

import mattomo as mt
from mattomo.materials import Column, PropertyInfo
from mattomo.study.splits import split_rows

SHARES = (0.6, 0.2, 0.2)


@pytest.fixture(scope="module")
def materials():
    return mt.load("mp1000")


def with_column(materials, values):
    values = np.array(values)
    column = Column(PropertyInfo("split", "split", kind="category"), values, values == "")
    return dataclasses.replace(materials, columns={"split": column})


@pytest.mark.parametrize("kind", ["random", "formula"])
def test_parts_are_disjoint_complete_and_of_the_right_size(materials, kind):
    split = split_rows(materials, kind, SHARES, 0)
    everything = np.concatenate([split.train, split.validation, split.test])
    assert np.array_equal(np.sort(everything), np.arange(1000))
    assert abs(len(split.train) - 600) <= 2
    assert abs(len(split.test) - 200) <= 2


def test_seeds_differ_and_repeat(materials):
    a, b = (split_rows(materials, "random", SHARES, seed) for seed in (0, 1))
    assert not np.array_equal(a.test, b.test)
    assert np.array_equal(a.test, split_rows(materials, "random", SHARES, 0).test)


def test_a_formula_stays_together(materials):
    for seed in range(5):
        split = split_rows(materials, "formula", SHARES, seed)
        formulas = materials.compositions.formulas
        parts = [set(formulas[rows]) for rows in (split.train, split.validation, split.test)]
        assert not parts[0] & parts[1]
        assert not parts[0] & parts[2]
        assert not parts[1] & parts[2]


def test_own_split(materials):
    words = ["Train"] * 700 + ["val"] * 100 + ["test"] * 200
    split = split_rows(with_column(materials, words), "column:split", SHARES, 0)
    assert np.array_equal(split.train, np.arange(700))
    assert np.array_equal(split.test, np.arange(800, 1000))


def test_own_split_without_validation_takes_it_from_training(materials):
    split = split_rows(with_column(materials, ["train"] * 800 + ["test"] * 200), "column:split", SHARES, 0)
    assert len(split.validation) == 200
    assert len(split.train) == 600
    assert np.array_equal(split.test, np.arange(800, 1000))
    assert not set(split.train) & set(split.validation)


def test_own_split_with_other_words(materials):
    table = with_column(materials, ["train"] * 998 + ["fold3", "test"])
    with pytest.raises(mt.InputError) as caught:
        split_rows(table, "column:split", SHARES, 0)
    for word in ("mp1000.parquet", f"row {materials.rows[998]}", "'split'", "'fold3'", "train, validation"):
        assert word in str(caught.value)


@pytest.mark.parametrize(("n", "part"), [(12, "training"), (20, "validation")])
def test_too_few_rows(materials, n, part):
    with pytest.raises(mt.InputError, match=rf"{part} rows of {n}.*Bring more rows"):
        split_rows(materials.take(np.arange(n)), "random", SHARES, 0)
