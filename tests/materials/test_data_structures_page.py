"""The page on folders and files of structures is true: its files are read as it says."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mattomo.cli.app import app
from mattomo.materials import read

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "data-structures.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r'^```\w+ title="([^"]+)"\n(.*?)^```$', PAGE, re.MULTILINE | re.DOTALL))
CODE = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(r"^\$ mattomo (.+)$", PAGE, re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def test_what_it_says_of_its_files(folder: Path) -> None:
    cgcnn, refused = read("cgcnn")
    assert cgcnn.ids.tolist() == ["cscl", "csbr"]
    assert cgcnn.column("property_1").values.tolist() == [-2.1, -2.0]
    assert len(refused) == 0
    halides, refused = read("halides")
    assert halides.structures.present.tolist() == [True, True, False]
    assert [entry.id for entry in refused] == ["kcl"]
    assert read("cgcnn/cscl.cif")[0].ids.tolist() == ["cscl"]
    frames, refused = read("frames.extxyz")
    assert frames.column("energy").values.tolist() == [-6.5, -2.9]
    assert frames.column("relaxed").values.tolist() == ["", "True"]
    assert len(refused) == 0


def test_its_code(folder: Path) -> None:
    pytest.importorskip("ase")
    names: dict[str, object] = {}
    for code in CODE:
        exec(code, names)
    materials: object = names["materials"]
    assert getattr(materials, "ids").tolist() == ["mp-22865"]  # noqa: B009
    assert read("metals.db")[0].column("work_function").values.tolist() == [4.65, 4.28]


def test_its_commands(folder: Path) -> None:
    pytest.importorskip("ase")
    exec(CODE[0], {})
    assert len(COMMANDS) >= 7
    for command in COMMANDS:
        done = CliRunner().invoke(app, [*command.split(), "--json"])
        assert done.exit_code == 0, (command, done.output)
        said = json.loads(done.stdout)
        assert said.get("rows_left_out", said.get("rows_read", 0) - said.get("rows_used", 0)) == 0, command
    assert read("cgcnn.parquet")[0].fingerprint() == read("cgcnn")[0].fingerprint()


def test_links_lead_somewhere() -> None:
    headings = re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= anchors
    for name in re.findall(r"\]\(([^)#]+\.md)\)", PAGE):
        assert (DOCS / name).is_file()


def test_the_table_of_the_collection_adds_up() -> None:
    section = PAGE.split("## A collection accounted for")[1].split("\n## ")[0]
    outcomes = re.findall(r"^\| (?:read|composition only|refused) \| (\d+) \|", section, re.MULTILINE)
    assert sum(map(int, outcomes)) == 510
    differences = section.split("| difference |")[1]
    looked_at = sum(map(int, re.findall(r"^\| .+ \| (\d+) \|", differences, re.MULTILINE)))
    assert looked_at == 510 - 458 + 1
