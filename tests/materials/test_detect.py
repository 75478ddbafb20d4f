import gzip
import json
import pickle
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from mattomo.errors import InputError
from mattomo.materials import read
from mattomo.materials.readers.detect import detect
from mattomo.materials.readers.source import open_source

FRAME = pd.DataFrame({"material_id": ["a", "b"], "formula": ["FeO", "NiO"], "x": [1.5, 2.5]})


def content(form: str, folder: Path) -> bytes:
    path = folder / "written"
    if form == "Parquet":
        FRAME.to_parquet(path)
    elif form == "Feather":
        FRAME.to_feather(path)
    elif form == "Excel":
        pytest.importorskip("openpyxl")
        FRAME.to_excel(path, index=False, engine="openpyxl")
    elif form == "delimited text":
        FRAME.to_csv(path, index=False)
    else:
        FRAME.to_json(path, orient="records")
    return path.read_bytes()


@pytest.mark.parametrize("form", ["Parquet", "Feather", "Excel", "delimited text", "JSON"])
@pytest.mark.parametrize("name", ["t.csv", "t.xlsx", "noname"])
@pytest.mark.parametrize("packed", [False, True])
def test_the_content_tells_the_format(tmp_path: Path, form: str, name: str, packed: bool) -> None:
    path = tmp_path / name
    data = content(form, tmp_path)
    path.write_bytes(gzip.compress(data) if packed else data)
    assert detect(open_source(path)).name == form
    materials, quarantine = read(path)
    assert materials.ids.tolist() == ["a", "b"]
    assert materials.compositions.formulas.tolist() == ["FeO", "NiO"]
    assert materials.column("x").values.tolist() == [1.5, 2.5]
    assert materials.source == name
    assert len(quarantine) == 0


CUBIC = "data_a\n_cell_length_a 4\nloop_\n_atom_site_fract_x\n0\n"


@pytest.mark.parametrize(
    ("name", "text", "form"),
    [
        ("a.cif", CUBIC, "structure file"),
        ("noname", CUBIC, "structure file"),
        ("POSCAR", "t\n1.0\n", "structure file"),
        ("a.xyz", "1\nfree text\nFe 0 0 0\n", "extended XYZ"),
        ("noname", '1\nLattice="1 0 0 0 1 0 0 0 1"\nFe 0 0 0\n', "extended XYZ"),
        (
            "a.json",
            '{"1": {"cell": [], "ctime": 1, "numbers": [1]}, "ids": [1], "nextid": 2}',
            "ASE database",
        ),
        ("a.db", "SQLite format 3\0", "ASE database"),
        ("d/id_prop.csv", "a,1\n", "folder of CGCNN"),
        ("d/table.csv", "a,1\n", "folder of structure files"),
        # and what only looks a little like them
        ("a.csv", "data_id,formula\n1,FeO\n", "delimited text"),
        ("POSCAR.csv", "formula,x\nFeO,1\n", "delimited text"),
        ("a.csv", "5\n6\n7\n", "delimited text"),
        ("a.json", '{"1": {"formula": "FeO", "cell": 3}, "2": {"formula": "NiO", "cell": 4}}', "JSON"),
        ("a.json", '[{"structure": {"lattice": [], "sites": []}}]', "JSON"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_structures_are_told_from_tables(
    tmp_path: Path, name: str, text: str, form: str, packed: bool
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    assert detect(open_source(path.parent if "/" in name else path)).name == form


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (pickle.dumps(FRAME.to_dict()), "a pickle"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", r"old kind \(.xls\)"),
        (b"PK\x03\x04 something", "a zip archive"),
        (b"BZh91AY", "bzip2"),
        (b"\xfd7zXZ\0", "xz"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        ("formula\nFeO\n".encode("utf-16"), "UTF-16"),
        (b"%PDF-1.7", "a PDF"),
    ],
)
def test_what_is_not_read_says_so(tmp_path: Path, data: bytes, what: str) -> None:
    (tmp_path / "t.csv").write_bytes(data)
    with pytest.raises(InputError, match=what) as caught:
        read(tmp_path / "t.csv")
    assert caught.value.hint
    assert str(tmp_path) in str(caught.value)


def test_feather(tmp_path: Path) -> None:
    path = tmp_path / "t.feather"
    table = pa.table({"formula": ["CsCl", "K"], "x": pa.array([1, None]), "many": [[1], [2]]})
    for compression in ("lz4", "zstd", "uncompressed"):
        pyarrow.feather.write_feather(table, path, compression=compression)
        materials, _ = read(path)
        assert materials.column("x").missing.tolist() == [False, True]
        assert "'many' is not used as a property" in materials.notices[0]
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match="the Feather file cannot be read"):
        read(path)
    path.write_bytes(b"FEA1....FEA1")
    with pytest.raises(InputError, match="version 1 is not read"):
        read(path)
    twice = pa.Table.from_arrays(
        [pa.array(["FeO"]), pa.array([1]), pa.array([2])], names=["formula", "x", "x"]
    )
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, twice.schema) as writer:
        writer.write_table(twice)
    with pytest.raises(InputError, match="used twice: x"):
        read(path)


def test_parquet_with_text_that_is_none(tmp_path: Path) -> None:
    bad = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")]
    )
    pq.write_table(pa.Table.from_arrays([bad], names=["formula"]), tmp_path / "t.parquet")
    with pytest.raises(InputError, match="Parquet file cannot be read"):
        read(tmp_path / "t.parquet")


def test_identifiers_that_are_whole_numbers_with_one_missing(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": pa.array([7, None]), "formula": ["FeO", "NiO"]}), tmp_path / "t.parquet")
    assert read(tmp_path / "t.parquet")[0].ids.tolist() == ["7", "row-2"]


def test_a_composition_may_be_a_mapping_in_parquet(tmp_path: Path) -> None:
    pq.write_table(pa.table({"composition": [{"Fe": 2.0, "O": 3.0}, {"Fe": 1.0}]}), tmp_path / "t.parquet")
    assert read(tmp_path / "t.parquet")[0].compositions.formulas.tolist() == ["Fe2O3", "Fe"]


@pytest.mark.parametrize("cell", [0.5, True, [1, 2]])
def test_columns_that_can_be_no_formula_or_structure(tmp_path: Path, cell: object) -> None:
    record = {"composition": cell, "formula_pretty": "FeO", "cif": 0.5}
    (tmp_path / "t.json").write_text(json.dumps([record]))
    materials, quarantine = read(tmp_path / "t.json")
    assert materials.compositions.formulas.tolist() == ["FeO"]
    assert materials.column("cif").values.tolist() == [0.5]
    assert len(quarantine) == 0


CIF = """data_CsCl
_cell_length_a 4.123
_cell_length_b 4.123
_cell_length_c 4.123
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 1'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Cs1 Cs 0 0 0
Cl1 Cl 0.5 0.5 0.5
"""


def test_csv_with_whole_cifs(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "material_id": ["mp-22865", "mp-2"],
            "formation_energy_per_atom": [-2.1, -1.0],
            "pretty_formula": ["CsCl", "CsCl"],
            "cif": [CIF, CIF.replace("Cs1 Cs 0 0 0", "Cs1 Cs 0 0 zero")],
            "spacegroup.number": [221, 221],
        },
        index=[17, 3],
    )
    frame.to_csv(tmp_path / "train.csv")
    materials, quarantine = read(tmp_path / "train.csv")
    assert materials.ids.tolist() == ["mp-22865", "mp-2"]
    assert materials.structures.present.tolist() == [True, False]
    assert materials.structures.lattice[0, 0, 0] == pytest.approx(4.123)
    assert list(materials.columns) == ["formation_energy_per_atom", "spacegroup.number"]
    assert [(entry.row, entry.stage) for entry in quarantine] == [(2, "structure")]


def test_long_texts_are_no_classes(tmp_path: Path) -> None:
    records = [{"formula": "FeO", "log": "x" * 5000 + str(i), "kind": "ab"[i % 2]} for i in range(4)]
    records[2]["kind"] = "y" * 5000
    (tmp_path / "t.json").write_text(json.dumps(records))
    materials, quarantine = read(tmp_path / "t.json")
    assert materials.column("kind").values.tolist() == ["a", "b", "", "b"]
    assert "'log' is not used as a property: it holds long texts" in materials.notices[0]
    assert [(entry.row, entry.column) for entry in quarantine] == [(3, "kind")]


def test_an_identifier_beyond_measure_leaves_the_row_out(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(
        json.dumps([{"id": "x" * 9999, "formula": "FeO"}, {"id": "a", "formula": "NiO"}])
    )
    materials, quarantine = read(tmp_path / "t.json")
    assert materials.ids.tolist() == ["a"]
    (entry,) = quarantine.left_out
    assert entry.reason == "the identifier has 9,999 characters"
    assert len(entry.id) <= 80
