import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mattomo.errors import InputError
from mattomo.information.candidates import compatible
from mattomo.information.channel import scalar_bits
from mattomo.information.identification import identification


def grid(make, n=1000):
    return make(["NaCl"] * n, {"x": list(np.arange(float(n))), "half": [str(k % 2) for k in range(n)]})


def test_a_grid_and_a_category(make):
    found = identification(grid(make), ["x"], {"x": 10.0})
    assert found.greedy.bits[0] == pytest.approx(scalar_bits(np.arange(1000.0), 10.0), abs=0.01)
    assert found.greedy.top1[0] == pytest.approx(0.1, abs=0.003)
    both = identification(grid(make), None, {"x": 10.0})
    assert both.greedy.names == ("x", "half")
    assert both.greedy.bits[1] - both.greedy.bits[0] == pytest.approx(1, abs=0.02)
    assert not any(shadow.reducible for shadow in both.shadows)


def test_a_copy_is_a_reducible_shadow(make):
    rng = np.random.default_rng(0)
    kind = [str(k) for k in rng.integers(0, 4, 300)]
    table = make(["NaCl"] * 300, {"a": kind, "b": kind, "c": [str(k) for k in rng.integers(0, 3, 300)]})
    found = identification(table)
    assert {s.name for s in found.shadows if s.reducible} == {"a", "b"}
    assert len(found.enough) == 2
    assert "c" in found.enough


columns = st.lists(st.lists(st.integers(0, 4), min_size=12, max_size=12), min_size=2, max_size=4)


@settings(max_examples=25, deadline=None)
@given(columns, st.randoms())
def test_more_properties_never_lose_bits_and_order_does_not_matter(make, values, random):
    table = make(["NaCl"] * 12, {f"p{k}": [float(v) for v in column] for k, column in enumerate(values)})
    widths = dict.fromkeys(table.columns, 1.5)
    found = identification(table, None, widths, n_orders=3)
    assert (np.diff(found.greedy.bits) >= -1e-12).all()
    assert (np.diff(found.random_bits, axis=1) >= -1e-12).all()
    assert (found.greedy.bits <= math.log2(12) + 1e-12).all()
    rows = np.array(random.sample(range(12), 12))
    again = identification(table.take(rows), list(table.columns)[::-1], widths, n_orders=3)
    assert again.greedy.names == found.greedy.names
    np.testing.assert_allclose(again.greedy.bits, found.greedy.bits)


def test_compatible(make):
    table = make(
        ["NaCl", "MgO", "TiO2", "CaO"],
        {"density": [2.0, 2.05, 4.0, None], "is_metal": [True, False, True, True]},
    )
    found = compatible(table, {"density": 2.0})
    assert found["formula"].tolist() == ["ClNa", "MgO"]
    assert found["probability"].sum() == pytest.approx(1)
    # sigma = 0.1 / sqrt(12): half of a width off is exp(-1.5) as likely
    assert found["probability"][1] / found["probability"][0] == pytest.approx(math.exp(-1.5))
    assert compatible(table, {"density": "2.0", "is_metal": "true"})["id"].tolist() == ["m000000"]
    assert compatible(table, {"density": 9}).empty
    for known, word in (({}, "no value"), ({"density": "x"}, "number"), ({"is_metal": "maybe"}, "class")):
        with pytest.raises(InputError, match=word):
            compatible(table, known)
    with pytest.raises(InputError, match="not known"):
        compatible(table, {"density": 2}, {"volume": 1.0})


def test_misfits_are_refused(mp1000):
    for names in ([], ["density", "density"], ["densty"]):
        with pytest.raises(InputError):
            identification(mp1000, names)
