"""One cell row by row."""

import numpy as np
import pytest

from mattomo.information.scores import Scored
from mattomo.report import summarize
from mattomo.report.explained import crystal_system, explain


def unit(seed, materials, fall, reason=""):
    """A unit in which A lowers the error of each material by ``fall`` and gains as many bits."""
    n = len(materials)
    predicted = np.stack([np.full(n, 2.0), 2.0 - np.asarray(fall, dtype=float)])
    bits = np.full((1, n), np.nan) if reason else np.asarray([fall], dtype=np.float32)
    return Scored(
        "trees", "composition", "band_gap", "", seed, 1.0, 90, ("density",), np.asarray(materials),
        np.zeros(n), predicted, bits, np.zeros((1, n)), np.zeros((1, n)), (reason,),
    )  # fmt: skip


@pytest.fixture(scope="module")
def summary(outcome, make_study):
    made, analysis, _ = make_study(outcome)
    return summarize(made, analysis)


def cell(summary):
    return next(
        c
        for c in summary["cells"]
        if (c["representation"], c["target"], c["added"]) == ("composition", "band_gap", "density")
    )


def test_means_over_seeds_by_material_and_element(summary):
    formulas = np.array(["NaCl"] * 5 + ["Fe2O3"] * 5)
    ids = np.array([f"<b>m{i}</b>" for i in range(10)])
    systems = np.array(["cubic"] * 5 + ["trigonal"] * 4 + [""])
    first = unit(0, range(10), [1.0] * 5 + [-0.5] * 5)
    second = unit(1, [0, 9], [0.0, -1.5])
    found = explain(summary, cell(summary), [first, second], ids, formulas, systems)
    assert found["measure"] == "bits"
    by = {row["name"]: (row["n"], row["value"]) for row in found["elements"]}
    assert by == {"Na": (5, 0.9), "Cl": (5, 0.9), "Fe": (5, -0.6), "O": (5, -0.6)}
    assert found["helped"][0]["id"] == "<b>m1</b>"
    assert found["hurt"][0] == {"id": "<b>m9</b>", "formula": "Fe2O3", "value": -1.0, "n_seeds": 2}
    assert found["crystal_systems"] == [{"name": "cubic", "n": 5, "value": 0.9}]  # four are too few
    assert {row["name"] for row in found["controls"]} == {"placebo", "derived", "planted"}


def test_without_bits_the_fall_of_the_error_speaks(summary):
    found = explain(
        summary, cell(summary), [unit(0, range(3), [1.0, 0.0, -1.0], "too few")],
        np.array(["a", "b", "c"]), np.array(["?", "?", "?"]),
    )  # fmt: skip
    assert found["measure"] == "eV"
    assert [row["value"] for row in found["helped"] + found["hurt"]] == [1.0, -1.0]
    assert found["elements"] == []


def test_crystal_systems_of_all_space_groups():
    sizes = {"triclinic": 2, "monoclinic": 13, "orthorhombic": 59, "tetragonal": 68, "trigonal": 25,
             "hexagonal": 27, "cubic": 36}  # fmt: skip
    names = [crystal_system(number) for number in range(1, 231)]
    assert {name: names.count(name) for name in sizes} == sizes
    assert crystal_system(0) == crystal_system(231) == ""
