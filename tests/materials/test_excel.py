import datetime
import io
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mattomo.errors import InputError
from mattomo.materials import read
from mattomo.materials.readers import excel, source

openpyxl = pytest.importorskip("openpyxl")


def write(folder: Path, rows: list[list[Any]], before: int = 0) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    for _ in range(before):
        sheet = book.create_sheet()
    sheet.title = "data"
    for row in rows:
        sheet.append(row)
    book.save(folder / "t.xlsx")
    return folder / "t.xlsx"


def edited(path: Path, member: str, old: str, new: str) -> Path:
    """The workbook with the XML of one part changed."""
    packed = io.BytesIO()
    with zipfile.ZipFile(path) as given, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for name in given.namelist():
            data = given.read(name)
            if name == member:
                assert old.encode() in data
                data = data.replace(old.encode(), new.encode())
            made.writestr(name, data)
    path.write_bytes(packed.getvalue())
    return path


def test_a_sheet(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        [None, "material_id", " formula ", "band_gap", "ok", "day", "spacegroup_number"],
        [0, "a", "FeO", 1.5, True, datetime.date(2020, 1, 2), 225],
        [],
        [1, "b", "NiO", "#N/A", False, datetime.date(2020, 1, 3), 225.0],
        [2, 7, "CoO", "3.5 eV", None, datetime.date(2020, 1, 2), None],
        [3, "d", "Xx", 1, None, None, None],
    ]
    materials, quarantine = read(write(tmp_path, rows))
    assert materials.ids.tolist() == ["a", "b", "7"]
    assert materials.rows.tolist() == [1, 2, 3]
    np.testing.assert_array_equal(materials.column("band_gap").values, [1.5, np.nan, np.nan])
    assert materials.column("ok").values.tolist() == ["True", "False", ""]
    assert "day" not in materials.columns
    assert any("'day'" in notice for notice in materials.notices)
    assert materials.column("spacegroup_number").values.tolist() == ["225", "225", ""]
    assert [(entry.row, entry.column, entry.value) for entry in quarantine] == [
        (3, "band_gap", "3.5 eV"),
        (4, "formula", "Xx"),
    ]


def test_the_first_sheet_with_cells(tmp_path: Path) -> None:
    materials, _ = read(write(tmp_path, [["formula"], ["FeO"]], before=2))
    assert materials.notices == ("of several sheets the first with cells, 'data', is read",)


def test_rows_longer_than_the_header(tmp_path: Path) -> None:
    materials, quarantine = read(write(tmp_path, [["formula", "x"], ["FeO", 1, "?"], ["NiO", 2, None]]))
    assert materials.rows.tolist() == [2]
    assert [entry.reason for entry in quarantine] == ["3 cells where the header has 2"]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "the workbook is empty"),
        ([["formula", "x"]], "the table has no rows"),
        ([["formula", "x", "x"], ["FeO", 1, 2]], "used twice: x"),
        ([["a"], ["b"]], "neither a formula nor a structure"),
    ],
)
def test_refuses(tmp_path: Path, rows: list[list[Any]], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read(write(tmp_path, rows))


CONTENT_TYPES = """<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Override PartName="/xl/workbook.xml"
 ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>
<Override PartName="/xl/worksheets/sheet1.xml"
 ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>
<Override PartName="/xl/styles.xml"
 ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>"""
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELATIONS = """<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="r1" Type="{}/{}" Target="{}"/></Relationships>"""
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
SHEET = f"""<worksheet {MAIN}><sheetData>
<row r="2"><c r="B2" t="inlineStr"><is><t>formula</t></is></c>
<c r="C2" t="inlineStr"><is><t>x</t></is></c></row>
<row r="5"><c r="B5" t="inlineStr"><is><t>Fe2O3</t></is></c><c r="C5"><f>1+1</f><v>2</v></c></row>
<row r="6"><c r="B6" t="inlineStr"><is><t>NiO</t></is></c><c r="C6" t="e"><v>#DIV/0!</v></c></row>
<row r="7"><c r="B7" t="inlineStr"><is><t>CoO</t></is></c><c r="C7"><v>3</v></c></row>
</sheetData></worksheet>"""


def test_a_workbook_of_another_program(tmp_path: Path) -> None:
    parts = {
        "[Content_Types].xml": CONTENT_TYPES,
        "_rels/.rels": RELATIONS.format(RELATION, "officeDocument", "xl/workbook.xml"),
        "xl/workbook.xml": f'<workbook {MAIN} xmlns:r="{RELATION}"><sheets>'
        '<sheet name="s" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": RELATIONS.format(RELATION, "worksheet", "worksheets/sheet1.xml"),
        "xl/styles.xml": f"<styleSheet {MAIN}/>",
        "xl/worksheets/sheet1.xml": SHEET,
    }
    with zipfile.ZipFile(tmp_path / "t.xlsx", "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    materials, quarantine = read(tmp_path / "t.xlsx")
    assert materials.compositions.formulas.tolist() == ["Fe2O3", "NiO", "CoO"]
    np.testing.assert_array_equal(materials.column("x").values, [2, np.nan, 3])
    assert [(entry.row, entry.column, entry.value) for entry in quarantine] == [(2, "x", "#DIV/0!")]


def test_broken_workbooks(tmp_path: Path) -> None:
    path = write(tmp_path, [["formula"], ["FeO"]])
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="the Excel file cannot be read"):
        read(path)
    path.write_bytes(whole)
    with pytest.raises(InputError, match="the Excel file cannot be read"):
        read(edited(path, "xl/workbook.xml", "<sheets>", "<sheets"))


def test_sizes_that_are_no_sizes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, [["formula"], ["FeO"]])
    sheet = "xl/worksheets/sheet1.xml"
    assert read(edited(path, sheet, 'ref="A1:A2"', 'ref="A1:XFD1048576"'))[0].ids.tolist() == ["row-1"]
    with pytest.raises(InputError, match="larger than a sheet can be"):
        read(edited(path, sheet, '<row r="2"', '<row r="99999999999"'))
    monkeypatch.setattr(excel, "_MOST_CELLS", 3)
    with pytest.raises(InputError, match="larger than a sheet can be"):
        read(write(tmp_path, [["formula", "x"], ["FeO", 1]]))
    monkeypatch.setattr(source, "FREE", 2000)
    monkeypatch.setattr(source, "RATIO", 1)
    with pytest.raises(InputError, match="unpacked, the file is larger"):
        read(path)


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, [["formula"], ["FeO"]])
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(
        InputError, match=r'needs the package openpyxl. Install it \(pip install "mattomo\[excel\]"\)'
    ):
        read(path)
