import numpy as np
import pytest

from mattomo.materials import Column, PropertyInfo
from mattomo.projections import encode
from mattomo.projections.property import standardiser


def scalar(values):
    values = np.asarray(values, dtype=float)
    return Column(PropertyInfo("x", "x"), values, np.isnan(values))


def test_scalars_are_standardised_on_training_rows_only():
    e = encode(scalar([1.0, 3.0, 1000.0]), np.array([0, 1]))
    assert e.width == 1
    np.testing.assert_allclose(e.value, [-1.0, 1.0, 998.0])
    assert not e.unseen.any()


def test_held_out_values_never_change_the_encoding_of_others():
    a = encode(scalar([1.0, 3.0, 5.0, 7.0]), np.array([0, 1]))
    b = encode(scalar([1.0, 3.0, -50.0, 900.0]), np.array([0, 1]))
    np.testing.assert_array_equal(a.value[:2], b.value[:2])


def test_a_constant_becomes_zero():
    np.testing.assert_array_equal(encode(scalar([2.0, 2.0, 5.0]), np.array([0, 1])).value, [0.0, 0.0, 3.0])
    assert standardiser(np.full(4, 1e9)) == (1e9, 1.0)


def test_categories_have_one_column_a_training_level():
    values = np.array(["b", "a", "c", "b", "zz", ""])
    column = Column(PropertyInfo("x", "x", kind="category"), values, np.zeros(6, bool))
    e = encode(column, np.array([0, 1, 3]))
    assert e.width == 2
    assert e.index.tolist() == [1, 0, 0, 1, 0, 0]
    assert e.value.tolist() == [1, 1, 0, 1, 0, 0]
    assert e.unseen.tolist() == [False, False, True, False, True, True]


def test_missing_values_are_refused():
    with pytest.raises(ValueError, match="missing"):
        encode(scalar([1.0, np.nan]), np.array([0]))
