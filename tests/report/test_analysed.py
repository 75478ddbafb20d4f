"""The analysis in the summary, its words and its tables."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from mattomo.report import summarize, write_tables
from mattomo.report.answers import doubts, evidence
from mattomo.report.columns import TABLES
from mattomo.report.information import ranked
from mattomo.report.numbers import bits, q_value

RELATION = {
    "kind": "linear", "target": "band_gap", "sources": ["e_above_hull"], "form": "band_gap = 2 e_above_hull",
    "score": 0.0, "support": 1.0, "sentence": "band_gap = 2 e_above_hull",
}  # fmt: skip


@pytest.fixture(scope="module")
def study(outcome, make_study):
    return make_study(outcome)


def test_cells_carry_their_bits_and_tables_agree(study, tmp_path):
    outcome, analysis, *_ = study
    summary = summarize(outcome, analysis)
    json.dumps(summary, allow_nan=False)
    write_tables(summary, tmp_path)
    table = pd.read_csv(tmp_path / "bits.csv", keep_default_na=False).set_index(
        ["learner", "representation", "target", "added"]
    )
    for cell in summary["cells"]:
        row = table.loc[(cell["learner"], cell["representation"], cell["target"], cell["added"])]
        assert float(row["bits"]) == cell["information"]["bits"]
        shown = evidence(cell)
        assert f"({bits(float(row['bits']))} usable bits, {bits(float(row['bits_low']))} to " in shown
        if not cell["diagonal"]:
            assert q_value(float(row["swap_q"])) in shown
    assert set(table.xs("control:planted", level="added")["control"]) == {True}
    assert len(pd.read_parquet(tmp_path / "bits.parquet")) == len(table) == len(analysis.bits)


def test_every_column_is_described(study, tmp_path):
    write_tables(summarize(study[0], study[1]), tmp_path)
    readme = (tmp_path / "README.md").read_text(encoding="utf-8")
    for path in tmp_path.glob("*.csv"):
        section = readme.split(f"## {path.name}")[1].split("\n## ")[0]
        assert path.stem in TABLES
        for column in pd.read_csv(path).columns:
            assert f"| `{column}` |" in section


def test_the_used_property_is_found_and_the_others_are_not(study):
    summary = summarize(study[0], study[1])
    best = study[0].added[-1]
    assert {cell["added"] for cell in ranked(summary["cells"])} >= {best}
    label = summary["properties"][best]["label"]
    assert all(f"adding {label} changes the error" in text for text in summary["answers"])
    assert any("of the controls, the test (p < 0.05) marks" in text for text in summary["headlines"])
    assert "swap" in summary["criteria"]
    hits = summary["table1"]["swap"]["rows"]
    assert all(best in row["composition"] for row in hits)


def test_deterministic_cells_are_marked_and_not_ranked(study):
    outcome, analysis, *_ = study
    summary = summarize(outcome, analysis, [RELATION])
    marked = [c for c in summary["cells"] if c["information"]["deterministic"] == "algebra"]
    assert {(c["target"], c["added"]) for c in marked} == {("band_gap", "e_above_hull")}
    assert not any(c in ranked(summary["cells"]) for c in marked)
    assert any("Deterministic, not ranked" in text for text in doubts(marked[0]))
    assert any("marked and not ranked" in text for text in summary["notices"])


def test_without_swaps_nothing_is_marked_and_the_reason_is_given(outcome, make_study):
    made, analysis, *_ = make_study(outcome, swaps=False, seeds=(0,), representations=("composition",))
    summary = summarize(made, analysis)
    assert not ranked(summary["cells"])
    assert any("without a swap test" in text for text in summary["notices"])
    assert all("no usable gain detected beyond it" in text for text in summary["answers"])


def test_half_analysed_study(study):
    outcome, analysis, *_ = study
    part = replace(analysis, bits=analysis.bits.iloc[:3], decomposition=analysis.decomposition.iloc[:0])
    summary = summarize(outcome, part)
    assert sum(cell["information"] is not None for cell in summary["cells"]) == 3
    assert all(cell["parts"] is None for cell in summary["cells"])
