"""The summary: plain, honest, and whole for every shape of study."""

import json
import re
from dataclasses import replace

import pandas as pd
import pytest

from mattomo.information import gains
from mattomo.report import render_html, render_terminal, summarize, write_report


def walk(value):
    yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(item)


def test_summary_is_plain_json(outcome):
    summary = summarize(outcome)
    allowed = (str, int, float, bool, type(None), list, dict)
    assert all(type(value) in allowed for value in walk(summary))
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_cells_are_those_of_gains(outcome):
    summary = summarize(outcome)
    table = gains(outcome.errors)
    assert [cell["mean"] for cell in summary["cells"]] == table["mean"].tolist()
    composition = summary["heatmaps"][0]
    cell = summary["cells"][composition["rows"][2][1]]  # row: third added property, column: second target
    assert (cell["representation"], cell["added"], cell["target"]) == (
        "composition",
        "e_above_hull",
        "density",
    )
    assert len(cell["seeds"]) == 5


def test_sentences_claim_usable_gain_only(outcome):
    summary = summarize(outcome)
    words = " ".join([*summary["headlines"], *summary["answers"]])
    assert "mutual information" not in words
    assert "usable gain" in words
    assert len(summary["answers"]) == len(outcome.targets)
    assert "to composition changes the test error by −" in summary["answers"][0]


def test_half_done_study_says_so_first(outcome):
    errors = outcome.errors[outcome.errors["representation"] == "composition"]
    summary = summarize(replace(outcome, errors=errors, units_done=5))
    assert summary["headlines"][0].startswith("This study is not finished: 5 of 10 units (50 %) are done")
    assert not summary["status"]["complete"]
    assert all(index is None for row in summary["heatmaps"][1]["rows"] for index in row)
    assert not any(row["structure_only"] for row in summary["table1"]["paired_minmax"]["rows"])


def test_one_seed_claims_nothing(make_outcome):
    summary = summarize(make_outcome(seeds=(3,)))
    assert not any(cell["paired_minmax"] for cell in summary["cells"])
    assert all("which is no evidence yet" in sentence for sentence in summary["answers"])
    assert summary["notices"][0].startswith("One seed only")


def test_weak_positive_control_warns(outcome):
    errors = outcome.errors.copy()
    diagonal = (errors["added"] == errors["target"]) & (errors["target"] == "band_gap")
    errors.loc[diagonal, "mae"] *= 12
    notices = summarize(replace(outcome, errors=errors))["notices"]
    assert any(n.startswith("Positive control is weak") and "Band gap on composition" in n for n in notices)


SHAPES = {
    "empty": lambda make, full: replace(full, errors=full.errors[:0], rows=full.rows[:0], units_done=0),
    "nothing planned": lambda make, full: replace(
        make(full.properties[:1], 1), errors=full.errors[:0], rows=full.rows[:0], targets=(), added=(),
        properties=(), seeds=(), representations=(), config={}, data={}, notices=(), environment={},
        units_planned=0, units_done=0,
    ),
    "one seed": lambda make, full: make(seeds=(0,)),
    "one target": lambda make, full: make(n_targets=1),
    "one property": lambda make, full: make(properties=full.properties[:1], n_targets=1),
    "only composition": lambda make, full: make(representations=("composition",)),
    "only structure": lambda make, full: make(representations=("structure",)),
    "baselines only": lambda make, full: replace(full, errors=full.errors[full.errors["added"] == ""]),
    "no baselines": lambda make, full: replace(full, errors=full.errors[full.errors["added"] != ""]),
    "zero errors": lambda make, full: replace(full, errors=full.errors.assign(mae=0.0)),
    "infinite errors": lambda make, full: replace(full, errors=full.errors.assign(mae=float("inf"))),
    "unknown rows": lambda make, full: replace(full, rows=full.rows[:0]),
    "two seeds of five": lambda make, full: replace(full, errors=full.errors[full.errors["seed"] < 2]),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_study_has_a_report(make_outcome, shape):
    full = make_outcome(n_targets=3, seeds=(0, 1, 2))
    summary = summarize(SHAPES[shape](make_outcome, full))
    json.dumps(summary, allow_nan=False)
    assert summary["headlines"]
    page = render_html(summary)
    assert page.count("<h2>") == 9
    assert not re.search(r"\bnan\b|\bNone\b", page)
    render_terminal(summary)


def test_one_target_report_on_disk(make_outcome, tmp_path):
    path = write_report(
        make_outcome(n_targets=1, representations=("composition",)), tmp_path / "deep" / "folder"
    )
    assert path.name == "report.html"
    assert path.exists()
    assert not list(tmp_path.rglob(".*"))  # no temporary file is left


def test_two_learners_are_kept_apart(make_outcome, outcome):
    trees = make_outcome(learner="trees").errors
    trees = trees.assign(mae=trees["mae"] * 1.1)
    summary = summarize(replace(outcome, errors=pd.concat([outcome.errors, trees])))
    assert summary["learners"] == ["cgcnn", "trees"]
    assert len(summary["heatmaps"]) == 4
    assert summary["answers"][0].startswith("With cgcnn, for Band gap")
    assert "<h3>trees</h3>" in render_html(summary)


def test_methods_say_how_the_split_was_made(make_outcome):
    from dataclasses import replace

    outcome = make_outcome()
    for split, words in (
        ("random", "split at random, for example"),
        ("formula", "all materials of a formula together"),
        ("column:fold", "by the column fold of the table"),
    ):
        text = " ".join(summarize(replace(outcome, config={"split": split}))["methods"])
        assert words in text
