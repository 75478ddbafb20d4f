"""``mattomo check`` at both widths, in JSON, and its exit codes."""

import io
import json
import re

import pytest
from rich.console import Console
from typer.testing import CliRunner

from mattomo.cli.app import app
from mattomo.cli.check import show

RUNNER = CliRunner()
CLEAN = "material_id,formula,band_gap,density\n" + "\n".join(
    f"m{i},H{i + 1}O,{i / 10},{2 + i * 0.3}" for i in range(30)
)


def run(*args, code=0):
    done = RUNNER.invoke(app, ["check", *map(str, args)])
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture
def table(tmp_path):
    def write(text):
        path = tmp_path / "table.csv"
        path.write_text(text + "\n")
        return path

    return write


def test_strict_fails_on_warnings_only(table):
    clean = table(CLEAN)
    assert "No warnings" in run(clean, "--strict")
    wrong = table(CLEAN + "\nm30,NaCl,-3,2.2")
    assert "is negative" in " ".join(run(wrong).split())
    run(wrong, "--strict", code=1)
    assert json.loads(run(wrong, "--strict", "--json", code=1))["findings"][0]["ids"] == ["m30"]


def test_json_is_complete(table):
    bad = "".join(f"\nb{i},Xx{i},1,2" for i in range(30))
    found = json.loads(run(table(CLEAN + bad), "--json"))
    assert (found["rows_read"], found["rows_used"], found["rows_left_out"]) == (60, 30, 30)
    assert len(found["quarantine"]) == 30
    assert [(each["stage"], each["count"]) for each in found["refusals"]] == [("formula", 30)]
    assert found["relations"] == []
    assert found["formulas"]["one_to_one"] == 30


def test_kinds_can_be_given(table):
    rows = "\n".join(f"m{i},H{i + 1}O,{i % 3 + 1},{i}" for i in range(40))
    path = table("material_id,formula,class,rank\n" + rows)
    text = " ".join(run(path).split())
    assert "--categories class" in text
    assert "'rank' is not used as a property: it counts the rows, from 0 to 39" in text
    found = json.loads(run(path, "--categories", "class", "--scalars", "rank", "--json"))
    assert {each["name"]: each["kind"] for each in found["properties"]} == {
        "class": "category",
        "rank": "scalar",
    }
    assert found["notices"] == []


def test_an_unknown_kind_of_column_is_a_mistake(table):
    done = RUNNER.invoke(app, ["check", str(table(CLEAN)), "--categories", "nothing"])
    assert "no such column" in str(done.exception)


@pytest.mark.parametrize("width", [80, 120])
def test_long_lists_are_cut_and_fit_the_terminal(width):
    item = {
        "column": "a_property",
        "text": "it is " + "very " * 40 + "odd",
        "examples": ["m1", "m2"],
        "more": 40,
    }
    section = {
        "lead": ["1 row read."],
        "warnings": [{"title": "implausible values", "items": [item] * 9, "advice": "Look at them."}],
        "notes": [],
        "refused": [],
        "relations": ["density follows from volume [x]"],
        "notices": [],
        "properties": [
            {
                "name": "formation_energy_per_atom", "unit": "eV/atom", "kind": "scalar",
                "present": "100.0 %", "distinct": "96,163", "values": "−4.52 … −1.24 … 4.39",
            }
        ],
    }  # fmt: skip
    console = Console(width=width, record=True, file=io.StringIO())
    show(section, console)
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= width
    assert "9 warnings" in text
    assert "... and 3 more: --json" in text
    assert "m1, m2 and 40 more" in re.sub(r"\s+", " ", text)
    assert "density follows from volume [x]" in text
    assert "formation_energy_per_atom" in text
