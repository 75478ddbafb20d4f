"""The page on data is true: its files are read as it says."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mattomo.cli.app import app
from mattomo.materials import read

PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r'^```\w+ title="([^"]+)"\n(.*?)^```$', PAGE, re.MULTILINE | re.DOTALL))
CODE = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(r"^\$ mattomo (.+)$", PAGE, re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    for code in CODE:
        exec(code, {})
    return tmp_path


def test_every_file_is_read_whole(folder: Path) -> None:
    assert len(FILES) >= 9
    made = sorted(path.name for path in folder.iterdir())
    assert sorted(command.removeprefix("check ") for command in COMMANDS) == made
    for name in made:
        materials, quarantine = read(folder / name)
        assert len(materials) >= 1, name
        assert len(quarantine) == 0, name


def test_what_it_says_of_them(folder: Path) -> None:
    assert read("split.json")[0].ids.tolist() == read("columns.json")[0].ids.tolist() == ["m1", "m2"]
    with_structure = ("with_cif.csv", "lines.jsonl", "matbench.json", "jarvis.json", "optimade.json")
    for name in with_structure:
        assert sorted(read(name)[0].structures.Z.tolist()) == [17, 55], name
    assert read("lines.jsonl")[0].compositions.formulas.tolist() == ["ClCs", "Fe2O3"]
    assert read("mp.json")[0].column("spacegroup_number").values.tolist() == ["221"]
    assert read("jarvis.json")[0].column("e_above_hull").values.tolist() == [0.0]
    assert read("optimade.json")[0].column("_exmpl_band_gap").values.tolist() == [5.4]


def test_the_command(folder: Path) -> None:
    result = CliRunner().invoke(app, ["check", "records.json", "--json"])
    assert result.exit_code == 0
    checked = json.loads(result.stdout)
    assert (checked["rows_read"], checked["rows_used"]) == (2, 2)


def test_links_lead_to_headings() -> None:
    headings = re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    linked = re.findall(r"\]\(#([^)]+)\)", PAGE)
    assert linked
    assert set(linked) <= anchors
