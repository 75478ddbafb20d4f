"""Tables on disk."""

import json
from dataclasses import replace

import pandas as pd

from mattomo.information import gains
from mattomo.report import summarize, table1_markdown, write_tables


def test_files_and_their_numbers(outcome, tmp_path):
    names = {path.name for path in write_tables(outcome, tmp_path)}
    assert names == {
        "gains.csv",
        "gains.parquet",
        "errors.csv",
        "agreement.csv",
        "table1.csv",
        "table1.md",
        "mae.csv",
        "README.md",
        "table1_paired_minmax.tex",
        "table1_separated.tex",
        "summary.json",
    }
    table = gains(outcome.errors)
    for read in (pd.read_csv(tmp_path / "gains.csv"), pd.read_parquet(tmp_path / "gains.parquet")):
        assert read["mean"].tolist() == table["mean"].tolist()
        assert read["paired_minmax"].tolist() == table["paired_minmax"].tolist()
    assert set(pd.read_csv(tmp_path / "mae.csv").query("target == 'density'")["unit"]) == {"g/cm³"}
    assert len(pd.read_csv(tmp_path / "errors.csv")) == 2 * 9 * 13 * 5
    assert json.loads((tmp_path / "summary.json").read_text(encoding="utf-8")) == summarize(outcome)


def test_empty_study_has_headers(outcome, tmp_path):
    write_tables(replace(outcome, errors=outcome.errors.iloc[:0]), tmp_path)
    assert list(pd.read_csv(tmp_path / "gains.csv").columns)[:3] == ["learner", "representation", "target"]
    assert pd.read_parquet(tmp_path / "gains.parquet").empty


def test_table1_markdown_keeps_its_columns(outcome):
    info = replace(outcome.properties[0], label="gap | <b> `x`")
    text = table1_markdown(summarize(replace(outcome, properties=(info, *outcome.properties[1:]))))
    assert "gap \\| &lt;b> \\`x\\`" in text
    rows = [line.replace("\\|", "") for line in text.splitlines() if line.startswith("| cgcnn")]
    assert {row.count("|") for row in rows} == {6}
    assert len(rows) == 2 * 9
