"""Categories, coded numbers, provenance, copies."""

import numpy as np

from mattomo.materials.check.copies import copies
from mattomo.materials.check.levels import coded, levels, named_provenance


def test_rare_levels(make):
    assert levels(make({"kind": ["a"] * 20 + ["b"] * 20})) == []
    (finding,) = levels(make({"kind": ["a"] * 20 + ["b"] * 20 + ["c"]}))
    assert (finding.code, finding.level, finding.ids) == ("rare_levels", "note", ("m40",))


def test_categories_that_name_the_rows(make):
    (finding,) = levels(make({"kind": [f"level {i // 1.2}" for i in range(60)]}))
    assert (finding.code, finding.level) == ("many_levels", "warning")


def test_numbers_that_may_be_classes(make):
    n = 60
    columns = {
        "flag": np.arange(n) % 2,
        "code": np.arange(n) % 7 + 1,
        "amount": np.arange(n) / 3 % 1,
        "many": np.arange(n),
        "nelements": np.arange(n) % 3 + 1,
    }
    found = coded(make(columns))
    assert [each.column for each in found] == ["flag", "code"]
    assert "only 0 and 1" in found[0].text
    assert found[1].advice.endswith("--categories code")


def test_provenance(make):
    assert named_provenance(make({"band_gap": [1.0]})) == []
    (finding,) = named_provenance(make({"label_residual": [1.0], "cell_flag": ["x"]}))
    assert finding.text.startswith("label_residual and cell_flag say")


def test_copies_up_to_sign_and_scale(make):
    rng = np.random.default_rng(5)
    x = rng.normal(size=50)
    columns = {
        "x": x,
        "minus": -x,
        "scaled": x * 27.2114,
        "shifted": x + 1,
        "near": x * (1 + 1e-9 * rng.normal(size=50)),
    }
    found = copies(make(columns))
    assert {each.column: each.level for each in found} == {"minus": "warning", "scaled": "warning"}
    assert "-1 times x" in found[0].text
    assert "27.2114 times x" in found[1].text


def test_copies_need_the_same_rows_and_some_variation(make):
    x = np.arange(10.0)
    gap = x.copy()
    gap[3] = np.nan
    assert copies(make({"x": x, "gap": gap, "zero": x * 0, "one": x * 0 + 1, "two": x * 0 + 2})) == []


def test_the_same_classes_under_other_names(make):
    columns = {"a": list("xyzx"), "b": list("1231"), "c": list("xyzx"), "d": list("1232")}
    found = copies(make(columns))
    assert [each.column for each in found] == ["b", "c"]
    assert "under other names" in found[0].text
    assert "equal to a" in found[1].text
