import contextlib
import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mattomo.errors import InputError
from mattomo.materials import Materials, Quarantine, read, read_table

CUBE = [[4.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 4.0]]
CSCL = json.dumps({"lattice": CUBE, "species": ["Cs", "Cl"], "frac_coords": [[0, 0, 0], [0.5, 0.5, 0.5]]})


def write(folder: Path, text: str, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def read_text(folder: Path, text: str, **options: Any) -> tuple[Materials, Quarantine]:
    return read(write(folder, text), **options)


def read_frame(folder: Path, frame: pd.DataFrame, **options: Any) -> tuple[Materials, Quarantine]:
    frame.to_parquet(folder / "t.parquet")
    return read(folder / "t.parquet", **options)


def test_csv(tmp_path: Path) -> None:
    text = "material_id,formula,band_gap,flag\nm1,Fe2O3, 2.1 ,true\nm2,O6Fe4,1e-3,FALSE\nm3,NaCl,,\n"
    materials, quarantine = read_text(tmp_path, text)
    assert materials.ids.tolist() == ["m1", "m2", "m3"]
    assert materials.rows.tolist() == [1, 2, 3]
    assert materials.compositions.formulas.tolist() == ["Fe2O3", "Fe2O3", "ClNa"]
    assert materials.source == "t.csv"
    gap = materials.column("band_gap")
    np.testing.assert_array_equal(gap.values, [2.1, 1e-3, np.nan])
    assert gap.missing.tolist() == [False, False, True]
    assert materials.column("flag").values.tolist() == ["True", "False", ""]
    assert len(quarantine) == 0
    assert not materials.structures.present.any()
    assert np.isnan(materials.structures.lattice).all()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.tsv", "id\tformula\tx\na\tFeO\t1\n"),
        ("t.txt", "id\tformula\tx\na\tFeO\t1\n"),
        ("t.csv", "id;formula;x\na;FeO;1\n"),
        ("t.csv", "\ufeffID,Formula,x\r\na,FeO,1\r\n\r\n"),
        ("t.csv", ",id,formula,x\n0,a,FeO,1\n"),
        ("t.parquet", "id,formula,x\na,FeO,1"),
    ],
)
def test_forms_of_text(tmp_path: Path, name: str, text: str) -> None:
    materials, quarantine = read(write(tmp_path, text, name))
    assert materials.ids.tolist() == ["a"]
    assert materials.column("x").values.tolist() == [1.0]
    assert list(materials.columns) == ["x"]
    assert len(quarantine) == 0


@pytest.mark.parametrize(
    "word", ["", " ", "NaN", "nan", "inf", "-Inf", "na", "NA", "N/A", "-", "none", "None", "NULL"]
)
def test_missing_words(tmp_path: Path, word: str) -> None:
    text = f"formula,x,kind,oxide_type\nFeO,{word},{word},{word}\nNiO,2,a,oxide\nCoO,3,b,peroxide\n"
    materials, quarantine = read_text(tmp_path, text)
    assert materials.column("x").missing.tolist() == [True, False, False]
    is_class = word.lower() == "none"
    assert materials.column("oxide_type").missing.tolist() == [not is_class, False, False]
    assert materials.column("kind").missing.tolist() == [True, False, False]
    assert len(quarantine) == 0


def test_sodium_is_not_missing(tmp_path: Path) -> None:
    materials, quarantine = read_text(tmp_path, "formula,cation\nNa,Na\nNaCl,K\nNaN,K\nNa3N,K\n")
    assert materials.compositions.formulas.tolist() == ["Na", "ClNa", "NNa3"]
    assert materials.column("cation").values.tolist() == ["Na", "K", "K"]
    (entry,) = quarantine
    assert (entry.row, entry.stage, entry.column) == (3, "formula", "formula")


@pytest.mark.parametrize(
    ("cell", "hint"),
    [
        ("abc", "plain number"),
        ("1_000", "plain number"),
        ("1,234", "comma"),
        ("3.5 eV", "without its unit"),
        ("1.2(3)", "uncertainty"),
        ("<5", "plain number"),
    ],
)
def test_unusable_numbers_are_missing_and_listed(tmp_path: Path, cell: str, hint: str) -> None:
    materials, quarantine = read_text(tmp_path, f'id,formula,x\na,FeO,1\nb,NiO,"{cell}"\nc,CoO,3\n')
    assert materials.column("x").missing.tolist() == [False, True, False]
    (entry,) = quarantine
    assert (entry.id, entry.row, entry.stage, entry.column, entry.value) == ("b", 2, "property", "x", cell)
    assert entry.reason == "not a number"
    assert hint in entry.hint
    assert entry.file.endswith("t.csv")
    assert quarantine.left_out == ()


def test_unusable_formula_and_second_identifier_leave_the_row_out(tmp_path: Path) -> None:
    text = "id,formula,x\na,FeO,1\nb,Xx2,zzz\na,NiO,3\n,CoO,4\nc,,5\n"
    materials, quarantine = read_text(tmp_path, text)
    assert materials.ids.tolist() == ["a", "row-4"]
    assert materials.rows.tolist() == [1, 4]
    assert [(e.row, e.stage, e.column, e.value) for e in quarantine] == [
        (2, "formula", "formula", "Xx2"),
        (3, "id", "id", "a"),
        (5, "formula", "formula", ""),
    ]
    assert "'Xx' is no element" in quarantine.rows[0].reason
    assert "row 1 too" in quarantine.rows[1].reason
    assert all(entry.hint for entry in quarantine)


def test_broken_rows_are_left_out(tmp_path: Path) -> None:
    materials, quarantine = read_text(tmp_path, "id,formula,x\na,FeO,1\nb,NiO\nc,CoO,1,2\nd,MnO,4\n")
    assert materials.ids.tolist() == ["a", "d"]
    assert materials.rows.tolist() == [1, 4]
    assert [entry.row for entry in quarantine.left_out] == [2, 3]
    assert "2 cells where the header has 3" in quarantine.rows[0].reason


def test_row_numbers_are_identifiers_when_there_are_none(tmp_path: Path) -> None:
    materials, _ = read_text(tmp_path, "name,formula\nquartz,SiO2\nquartz,SiO2\n")
    assert materials.ids.tolist() == ["row-1", "row-2"]
    materials, _ = read_text(tmp_path, "name,formula\nquartz,SiO2\nrutile,TiO2\n")
    assert materials.ids.tolist() == ["quartz", "rutile"]


def test_named_columns(tmp_path: Path) -> None:
    text = "key,what,sg,code\n7,FeO,225,1\n8,NiO,225.0,2\n9,CoO,x,zz\n"
    options = {"formula": "what", "id": "key", "categories": ["sg"], "scalars": ["code"]}
    materials, quarantine = read_text(tmp_path, text, **options)
    assert materials.ids.tolist() == ["7", "8", "9"]
    assert materials.column("sg").info.kind == "category"
    assert [entry.value for entry in quarantine] == ["zz"]
    for key in ("formula", "id", "structure"):
        with pytest.raises(InputError, match=r"column 'wat': no such column. Did you mean: what"):
            read_text(tmp_path, text, **(options | {key: "wat"}))
    with pytest.raises(InputError, match=r"column 'codes': no such column. Did you mean: code"):
        read_text(tmp_path, text, **(options | {"categories": ["codes"]}))
    with pytest.raises(InputError, match="as a category and as a scalar"):
        read_text(tmp_path, text, **(options | {"scalars": ["sg"]}))


def test_integer_categories_have_no_decimals(tmp_path: Path) -> None:
    materials, _ = read_text(tmp_path, "formula,spacegroup_number\nFeO,225\nNiO,225.0\nCoO, 12 \nMnO,\n")
    assert materials.column("spacegroup_number").values.tolist() == ["225", "225", "12", ""]
    frame = pd.DataFrame({"formula": ["FeO", "NiO"], "spacegroup_number": [225.0, np.nan], "x": [1, 2]})
    materials, _ = read_frame(tmp_path, frame, categories=["x"])
    assert materials.column("spacegroup_number").values.tolist() == ["225", ""]
    assert materials.column("x").values.tolist() == ["1", "2"]


def test_parquet_types(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "material_id": [9007199254740993, 2, 3],
            "formula": ["FeO", "NiO", None],
            "f32": np.array([1.5, np.inf, 3], dtype=np.float32),
            "nullable": pd.array([1, None, 3], dtype="Int64"),
            "flag": pd.array([True, None, False], dtype="boolean"),
            "cat": pd.Categorical(["a", "b", "a"]),
            "day": pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-01"]),
            "many": [[1], [2], [3]],
        },
        index=[5, 6, 7],
    )
    materials, quarantine = read_frame(tmp_path, frame)
    assert materials.ids.tolist() == ["9007199254740993", "2"]
    np.testing.assert_array_equal(materials.column("f32").values, [1.5, np.nan])
    np.testing.assert_array_equal(materials.column("nullable").values, [1, np.nan])
    assert materials.column("flag").values.tolist() == ["True", ""]
    assert materials.column("cat").values.tolist() == ["a", "b"]
    assert set(materials.columns) == {"f32", "nullable", "flag", "cat"}
    assert materials.notices == (
        "column 'day' is not used as a property: it holds dates, such as '2020-01-01 00:00:00'",
        "column 'many' is not used as a property: it holds lists or mappings",
    )
    assert [entry.reason for entry in quarantine] == ["there is no formula and no structure"]


def test_free_text_is_no_property(tmp_path: Path) -> None:
    rows = "".join(f"FeO,remark number {i},k{i % 3},always\n" for i in range(30))
    materials, _ = read_text(tmp_path, "formula,comment,kind,origin\n" + rows)
    assert list(materials.columns) == ["kind"]
    assert (
        "'comment' is not used as a property: it looks like free text (30 different" in materials.notices[0]
    )
    assert "'always' on every row" in materials.notices[1]
    materials, _ = read_text(tmp_path, "formula,comment,kind,origin\n" + rows, categories=["comment"])
    assert list(materials.columns) == ["comment", "kind"]


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def test_structures_in_csv(tmp_path: Path) -> None:
    text = f"id,formula,structure\na,CsCl,{quoted(CSCL)}\nb,CsBr,{quoted(CSCL)}\nc,NaCl,\nd,NaCl,hello\n"
    materials, quarantine = read_text(tmp_path, text)
    assert materials.structures.present.tolist() == [True, False, False, False]
    assert materials.structures.offsets.tolist() == [0, 2, 2, 2, 2]
    assert [(e.row, e.stage, e.column) for e in quarantine] == [
        (2, "structure", "structure"),
        (4, "structure", "structure"),
    ]
    assert "the structure is ClCs (Cl1 Cs1), the formula 'CsBr' is BrCs" in quarantine.rows[0].reason
    assert quarantine.left_out == ()
    assert all(entry.hint for entry in quarantine)


def test_formula_from_structure(tmp_path: Path) -> None:
    site = {"species": [{"element": "Fe", "occu": 0.5}, {"element": "Ni", "occu": 0.5}], "abc": [0, 0, 0]}
    disordered = json.dumps({"lattice": {"matrix": CUBE}, "sites": [site]})
    text = f"id,structure\na,{quoted(CSCL)}\nb,{quoted(disordered)}\nc,{{}}\nd,\n"
    materials, quarantine = read_text(tmp_path, text)
    assert materials.compositions.formulas.tolist() == ["ClCs", "FeNi"]
    assert materials.structures.present.tolist() == [True, False]
    assert [(e.id, e.stage) for e in quarantine] == [("b", "structure"), ("c", "formula"), ("d", "formula")]
    assert "disordered" in quarantine.rows[0].reason
    assert "no lattice" in quarantine.rows[1].reason


def test_structure_columns_in_three_parts(tmp_path: Path) -> None:
    parts = {
        "lattice": [np.ravel(CUBE).tolist(), [1.0], None],
        "species": [["Cs", "Cl"], ["Cs"], None],
        "frac_coords": [[0, 0, 0, 0.5, 0.5, 0.5], [0.0, 0, 0], None],
    }
    frame = pd.DataFrame({"formula": ["CsCl", "Cs", "K"], **parts})
    materials, quarantine = read_frame(tmp_path, frame)
    assert materials.structures.present.tolist() == [True, False, False]
    (entry,) = quarantine
    assert (entry.row, entry.stage, entry.column) == (2, "structure", "lattice+species+frac_coords")
    as_text = frame.assign(
        **{name: [json.dumps(cell) if cell else "" for cell in cells] for name, cells in parts.items()}
    )
    as_text.to_csv(tmp_path / "t.csv", index=False)
    again, _ = read(tmp_path / "t.csv")
    assert again.fingerprint() == materials.fingerprint()


def test_structure_as_mapping_in_parquet(tmp_path: Path) -> None:
    frame = pd.DataFrame({"formula": ["CsCl"], "structure": [json.loads(CSCL)]})
    assert read_frame(tmp_path, frame)[0].structures.Z.tolist() == [55, 17]


def test_isotopes_are_noted(tmp_path: Path) -> None:
    materials, _ = read_text(tmp_path, "formula\nD2O\nDyO\n")
    assert materials.compositions.formulas.tolist() == ["H2O", "DyO"]
    assert materials.notices == ("deuterium and tritium are read as H (formulas: 1)",)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ("id,formula\n", "the table has no rows"),
        ("a,b\n1,2\n", "neither a formula nor a structure column among: a, b"),
        ("id,formula,x,x\na,FeO,1,2\n", "column names used twice: x"),
        ('id,formula\na,"FeO\n', "malformed CSV after line"),
        ("id,formula\na,Xx\nb,?\n", r"none of the 2 rows can be used \(row 1: 'Xx' is no element; row 2"),
        ("id,formula\na\n", r"none of the 1 rows can be used \(row 1: 1 cells where"),
        ("PAR1 is no Parquet", "the Parquet file cannot be read"),
    ],
)
def test_refuses_the_file(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as caught:
        read_text(tmp_path, text)
    assert caught.value.file is not None
    assert "t.csv" in str(caught.value)


def test_refuses_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent.csv: the file cannot be read \(No such file"):
        read(tmp_path / "absent.csv")
    with pytest.raises(InputError, match="no structure file"):
        read(tmp_path)
    path = tmp_path / "latin.csv"
    path.write_bytes("formula,größe\nFeO,1\n".encode("latin-1"))
    with pytest.raises(InputError, match="neither UTF-8 text nor another known format"):
        read(path)
    frame = pd.DataFrame({"formula": ["FeO"]})
    frame.to_parquet(tmp_path / "cut.parquet")
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "cut.parquet").read_bytes()[:-20])
    with pytest.raises(InputError, match="Parquet file cannot be read"):
        read(tmp_path / "cut.parquet")


def test_parquet_with_a_name_used_twice(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_arrays(
        [pa.array(["FeO"]), pa.array([1]), pa.array([2])], names=["formula", "x", "x"]
    )
    pq.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(InputError, match="used twice: x"):
        read(tmp_path / "t.parquet")


def test_read_is_read_table_and_a_long_cell_is_fine(tmp_path: Path) -> None:
    limit = csv.field_size_limit()
    long = " " * 200_000
    materials, _ = read_table(write(tmp_path, f"formula,x\nFeO,1{long}\n"))
    assert materials.column("x").values.tolist() == [1.0]
    assert csv.field_size_limit() == limit


CELLS = st.sampled_from(
    ["FeO", "Na", "NaN", "Xx", "", "1", "abc", "1,5", "true", "None", "=1", "2e3", CSCL]
) | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(st.lists(st.lists(CELLS, min_size=4, max_size=4), max_size=8))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_read_are_rows_used_and_rows_left_out(tmp_path: Path, rows: list[list[str]]) -> None:
    path = tmp_path / "t.csv"
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["id", "formula", "structure", "x"], *rows])
    try:
        materials, quarantine = read(path)
    except InputError:  # no row at all, or none that can be used
        return
    assert len(materials) + len(quarantine.left_out) == len(rows)
    assert sorted([*materials.rows, *(entry.row for entry in quarantine.left_out)]) == list(
        range(1, len(rows) + 1)
    )
    assert len(set(materials.ids)) == len(materials)


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
    | st.text('formula,id"\n;\tFeO12\r', max_size=60)
)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_a_table_or_an_input_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(("formula," + text).encode())
    with contextlib.suppress(InputError):
        read(path)
