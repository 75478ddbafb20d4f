"""One cell in words and numbers."""

import pytest

from mattomo.report import summarize
from mattomo.report.explained import explain


@pytest.fixture(scope="module")
def made(outcome, make_study):
    return make_study(outcome)


def chosen(summary):
    return next(
        c
        for c in summary["cells"]
        if (c["representation"], c["target"], c["added"]) == ("composition", "band_gap", "e_above_hull")
    )


def test_the_cell_of_the_summary_down_to_its_materials(made):
    summary = summarize(made.outcome, made.analysis, close=made.close)
    cell = chosen(summary)
    found = explain(summary, cell)
    assert found["unit"] == "eV"
    assert "closeup" not in found["cell"]
    assert found["words"][0].startswith("The test error changes by −")
    changes = [row["change"] for row in found["elements"]]
    assert changes == sorted(changes)
    assert sorted(changes) == sorted(cell["closeup"]["elements"]["change"])
    assert {row["name"] for row in found["crystal_systems"]} == {"cubic", "hexagonal", "triclinic"}
    assert {row["name"] for row in found["polymorphs"]} == {"1", "2"}
    assert found["helped"] == cell["closeup"]["helped"]
    assert all(row["change"] < 0 for row in found["helped"])
    assert all(row["change"] > 0 for row in found["hurt"])
    assert found["n_materials"] <= len(made.rows.ids)
    assert {row["name"] for row in found["controls"]} == {"placebo", "derived", "planted"}


def test_without_a_closeup_the_words_remain(made):
    summary = summarize(made.outcome, made.analysis)
    found = explain(summary, chosen(summary))
    assert found["words"]
    assert found["elements"] == found["helped"] == []
    assert found["n_materials"] == 0
