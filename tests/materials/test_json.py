import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mattomo.errors import InputError
from mattomo.materials import Materials, Quarantine, read

CUBE = [[4.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 4.0]]
FRAME = pd.DataFrame(
    {"material_id": ["a", "b"], "formula": ["FeO", "NiO"], "x": [1.5, None], "ok": [True, False]}
)


def pymatgen_dict(*symbols: str) -> dict[str, Any]:
    lattice = {"matrix": CUBE, "pbc": [True] * 3, "a": 4.0, "b": 4.0, "c": 4.0, "volume": 64.0}
    sites = [
        {
            "species": [{"element": symbol, "occu": 1}],
            "abc": [i / 2] * 3,
            "xyz": [2.0 * i] * 3,
            "label": symbol,
            "properties": {},
        }
        for i, symbol in enumerate(symbols)
    ]
    return {
        "@module": "pymatgen.core.structure",
        "@class": "Structure",
        "charge": 0,
        "lattice": lattice,
        "sites": sites,
        "properties": {},
    }


def read_text(folder: Path, text: str | bytes, name: str = "t.json") -> tuple[Materials, Quarantine]:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read(path)


def read_value(folder: Path, value: Any) -> tuple[Materials, Quarantine]:
    return read_text(folder, json.dumps(value))


@pytest.mark.parametrize("orient", ["records", "split", "columns", "index", "table", "lines"])
def test_forms_of_pandas(tmp_path: Path, orient: Any) -> None:
    text = FRAME.to_json(orient="records", lines=True) if orient == "lines" else FRAME.to_json(orient=orient)
    materials, quarantine = read_text(tmp_path, text)
    assert materials.ids.tolist() == ["a", "b"]
    assert materials.rows.tolist() == [1, 2]
    np.testing.assert_array_equal(materials.column("x").values, [1.5, np.nan])
    assert materials.column("ok").values.tolist() == ["True", "False"]
    assert len(quarantine) == 0


@pytest.mark.parametrize("orient", ["split", "columns", "index"])
def test_labels_that_are_texts_are_identifiers(tmp_path: Path, orient: Any) -> None:
    frame = FRAME.drop(columns="material_id").set_axis(["mb-1", "mb-2"])
    materials, _ = read_text(tmp_path, frame.to_json(orient=orient))
    assert materials.ids.tolist() == ["mb-1", "mb-2"]
    materials, _ = read_text(tmp_path, frame.reset_index(drop=True).to_json(orient=orient))
    assert materials.ids.tolist() == ["row-1", "row-2"]


def test_lists_by_column(tmp_path: Path) -> None:
    assert read_value(tmp_path, FRAME.drop(columns="x").to_dict("list"))[0].ids.tolist() == ["a", "b"]
    with pytest.raises(InputError, match="different lengths: 'x' has 1 cells, 'formula' 2"):
        read_value(tmp_path, {"formula": ["FeO", "NiO"], "x": [1]})


def test_a_property_called_data_and_parts_of_structures_by_label(tmp_path: Path) -> None:
    assert read_value(tmp_path, {"formula": ["FeO"], "data": [3]})[0].column("data").values.tolist() == [3]
    parts = {"lattice": CUBE, "species": ["Cs"], "frac_coords": [[0, 0, 0]]}
    materials, _ = read_value(tmp_path, {"m1": parts, "m2": parts})
    assert materials.ids.tolist() == ["m1", "m2"]
    assert materials.structures.Z.tolist() == [55, 55]


def test_records_of_different_keys_and_kinds(tmp_path: Path) -> None:
    records = [
        {"id": 9007199254740993, "formula": "FeO", "x": 1, "kind": "a", "note": {"deep": [1]}},
        {"formula": "NiO", "x": "na", "kind": None},
        {"id": 3, "formula": "CoO", "x": "2.5", "kind": "b", "late": 4},
        {"id": "4", "formula": "MnO", "x": [1, 2], "kind": ["a"]},
        {"id": "5", "formula": "CaO", "x": "high", "late": 5},
    ]
    for text in (json.dumps(records), "\n".join(map(json.dumps, records)), json.dumps(records, indent=1)):
        materials, quarantine = read_text(tmp_path, text)
        assert materials.ids.tolist() == ["9007199254740993", "row-2", "3", "4", "5"]
        np.testing.assert_array_equal(materials.column("x").values, [1, np.nan, 2.5, np.nan, np.nan])
        assert materials.column("kind").values.tolist() == ["a", "", "b", "", ""]
        np.testing.assert_array_equal(materials.column("late").values, [np.nan, np.nan, 4, np.nan, 5])
        assert [(entry.row, entry.column, entry.value.replace(" ", "")) for entry in quarantine] == [
            (4, "x", "[1,2]"),
            (4, "kind", '["a"]'),
            (5, "x", "high"),
        ]
        assert "'note' is not used as a property: it holds lists" in materials.notices[0]


def test_records_that_are_no_objects_are_left_out(tmp_path: Path) -> None:
    records: list[Any] = [7, {"formula": "FeO"}, "text", None, [1], True, {"formula": "NiO"}, {}]
    for text in (json.dumps(records), '{"formula": "FeO"}\n' + "\n".join(map(json.dumps, records))):
        materials, quarantine = read_text(tmp_path, text)
        shift = 1 if text.startswith("{") else 0
        assert materials.rows.tolist() == [1] * shift + [2 + shift, 7 + shift]
        assert [entry.row - shift for entry in quarantine.left_out] == [1, 3, 4, 5, 6, 8]
        assert [entry.reason for entry in quarantine][:5] == [
            f"the record is no object but {what}"
            for what in ("a number", "a text", "null", "a list", "true or false")
        ]
        assert quarantine.rows[0].value == "7"


def test_broken_lines_are_left_out(tmp_path: Path) -> None:
    lines = [
        b'{"formula": "FeO"}',
        b'{"formula": "NiO"',
        b"",
        b'{"formula": "\xff"}',
        b'{"formula": "CaO"}',
        b"]",
    ]
    lines += [
        b'{"formula": "CoO", "formula": "MnO"}',
        b'{"x": ' + b"[" * 100_000,
        b'{"formula": "Na\\ud800"}',
    ]
    materials, quarantine = read_text(tmp_path, b"\r\n".join(lines), "t.jsonl")
    assert materials.compositions.formulas.tolist() == ["FeO", "CaO"]
    assert materials.rows.tolist() == [1, 4]
    reasons = {entry.row: entry.reason for entry in quarantine.left_out}
    assert list(reasons) == [2, 3, 5, 6, 7, 8]
    assert "not JSON" in reasons[2]
    assert "Unicode" in reasons[3] or "UTF-8" in reasons[3]
    assert reasons[6] == "the key 'formula' is given twice"
    assert reasons[8] == "a text is no Unicode"


def test_lines_whose_first_is_broken(tmp_path: Path) -> None:
    materials, quarantine = read_text(tmp_path, '{"formula": \n{"formula": "FeO"}\n{"formula": "NiO"}\n')
    assert materials.rows.tolist() == [2, 3]
    assert [entry.row for entry in quarantine.left_out] == [1]


def test_a_document_over_several_lines_is_no_set_of_lines(tmp_path: Path) -> None:
    for text in ('{"data": [\n{"formula": "FeO"}\n]}', '[\n{"formula": "FeO"}\n]', '[{"formula":\n"FeO"}]'):
        assert read_text(tmp_path, text)[0].compositions.formulas.tolist() == ["FeO"]


def test_one_record_alone(tmp_path: Path) -> None:
    assert read_value(tmp_path, {"formula": "FeO", "x": 1})[0].column("x").values.tolist() == [1]
    assert read_value(tmp_path, {"structure": pymatgen_dict("Cs", "Cl")})[0].structures.Z.tolist() == [55, 17]


CUBE: list[list[float]] = [[4, 0, 0], [0, 4, 0], [0, 0, 4]]
HALVES = [[0, 0, 0], [0.5, 0.5, 0.5]]


@pytest.mark.parametrize(
    "whole",
    [
        {"lattice": CUBE, "species": ["Cs", "Cl"], "frac_coords": HALVES},
        {
            "@class": "Structure",
            "lattice": {"matrix": CUBE},
            "sites": [
                {"species": [{"element": symbol, "occu": 1}], "abc": xyz}
                for symbol, xyz in zip(("Cs", "Cl"), HALVES, strict=True)
            ],
        },
        {"lattice_mat": CUBE, "coords": HALVES, "elements": ["Cs", "Cl"], "cartesian": False},
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_one_structure_is_a_material(tmp_path: Path, whole: dict[str, Any], indent: int | None) -> None:
    path = tmp_path / "cscl.json"
    path.write_text(json.dumps(whole, indent=indent))
    materials, quarantine = read(path)
    assert materials.ids.tolist() == ["cscl"]
    assert materials.structures.Z.tolist() == [55, 17]
    assert len(quarantine) == 0


def test_a_structure_with_properties_is_a_record(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    whole = {"lattice": CUBE, "species": ["Cs", "Cl"], "frac_coords": HALVES, "id": "m", "band_gap": 5.4}
    path.write_text(json.dumps(whole))
    materials, _ = read(path)
    assert materials.ids.tolist() == ["m"]
    assert materials.structures.Z.tolist() == [55, 17]
    assert materials.column("band_gap").values.tolist() == [5.4]


def test_lists_of_structures_by_column_are_no_structure(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    whole = {"lattice": [CUBE] * 3, "species": [["Cs", "Cl"]] * 3, "frac_coords": [HALVES] * 3}
    path.write_text(json.dumps(whole))
    assert len(read(path)[0]) == 3


def test_literals_that_are_no_json(tmp_path: Path) -> None:
    text = (
        '[{"formula": "FeO", "x": NaN, "y": [NaN]}, '
        '{"formula": "NiO", "x": -Infinity}, {"formula": "CaO", "x": 3}]'
    )
    materials, quarantine = read_text(tmp_path, text)
    np.testing.assert_array_equal(materials.column("x").values, [np.nan, np.nan, 3])
    assert len(quarantine) == 0
    huge = "1" * 5000
    text = (
        f'[{{"formula": "FeO", "x": {huge}}}, {{"formula": "NiO", "x": 1e999}}, {{"formula": "CaO", "x": 3}}]'
    )
    for same in (text, text.replace("3}", '3, "z": NaN}')):
        materials, _ = read_text(tmp_path, same)
        np.testing.assert_array_equal(materials.column("x").values, [np.nan, np.nan, 3])
    text = text.replace(huge, "1" * 350)
    materials, quarantine = read_text(tmp_path, text)
    np.testing.assert_array_equal(materials.column("x").values, [np.nan, np.nan, 3])


def test_keys_given_twice(tmp_path: Path) -> None:
    text = (
        '[{"formula": "FeO", "x": 1, "x": 2}, {"formula": "NiO", "x\\u003a": {"a:b": 1}}, {"formula": "CaO"}]'
    )
    for same in (text, text.replace("}]", ', "z": NaN}]')):
        materials, quarantine = read_text(tmp_path, same)
        assert materials.compositions.formulas.tolist() == ["NiO", "CaO"]
        (entry,) = quarantine
        assert (entry.row, entry.reason) == (1, "the key 'x' is given twice")
    with pytest.raises(InputError, match="the key 'formula' is given twice"):
        read_text(tmp_path, '{"formula": {"0": "FeO"}, "formula": {"0": "NiO"}}')


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[]", "the table has no rows"),
        ("{}", "no known shape"),
        ("[1, 2]", r"none of the 2 rows can be used \(row 1: the record is no object but a number"),
        ('[{"a": 1}]', "neither a formula nor a structure column among: a"),
        ('[{"formula": "Xx"}]', "none of the 1 rows"),
        ('[{"formula": "FeO"}, ', "not JSON"),
        ('[{"formula": "FeO"}', "not JSON"),
        ('[{"formula": "FeO"}] more', "not JSON: Extra data at line 1, column 22"),
        ("[" * 100_000, "nested too deeply"),
        ('{"formula": "FeO", "x": ' + "[" * 2000 + "]" * 2000 + "}", "nested too deeply"),
        ('{"a": 1, "b": [2]}', r"no known shape \(its keys: a, b\)"),
        ('{"columns": ["x", "x"], "data": [[1, 2]]}', "used twice: x"),
        ('{"columns": [["x"]], "data": [[1]]}', "the name of column 1 is no text"),
        ('{"columns": ["formula"], "data": []}', "the table has no rows"),
        ('{"errors": [{"detail": "no such filter"}], "meta": {}}', "answered with an error: no such filter"),
        ("\ufeff ", "the file is empty"),
        (b'[{"formula": "\xff"}, NaN]', "no UTF-8 text"),
    ],
)
def test_refuses_the_file(tmp_path: Path, text: str | bytes, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as caught:
        read_text(tmp_path, text)
    assert "t.json" in str(caught.value)


def test_a_single_value_in_a_json_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a single value"):
        read_text(tmp_path, "3.5")
    assert read_text(tmp_path, '\ufeff[{"formula": "FeO"}]')[0].ids.tolist() == ["row-1"]


def test_keys_that_name_materials(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="more than 5,000 different keys by record 5,001"):
        read_value(tmp_path, [{f"k{i}": 1} for i in range(6000)])
    with pytest.raises(InputError, match="hardly two share one"):
        read_value(tmp_path, [{f"k{i % 4000}": 1} for i in range(8000)])


def test_rows_of_split_that_fit_no_columns(tmp_path: Path) -> None:
    data: list[Any] = [["FeO", 1], ["NiO"], {"formula": "CaO"}, ["CoO", 2], 5]
    materials, quarantine = read_value(tmp_path, {"columns": ["formula", "x"], "index": [0], "data": data})
    assert materials.rows.tolist() == [1, 4]
    assert [entry.reason for entry in quarantine.left_out] == [
        "1 cells where there are 2 columns",
        "the row is no list",
        "the row is no list",
    ]


def matbench(rows: list[list[Any]], columns: tuple[str, str] = ("structure", "e_form")) -> bytes:
    whole = {"index": list(range(len(rows))), "columns": list(columns), "data": rows}
    return gzip.compress(json.dumps(whole).encode())


def test_matbench(tmp_path: Path) -> None:
    mixed = pymatgen_dict("Fe", "O")
    mixed["sites"][0]["species"] = [{"element": "Fe", "occu": 0.5}, {"element": "Ni", "occu": 0.5}]
    flat = pymatgen_dict("Na", "Cl")
    flat["lattice"]["matrix"] = [[4, 0, 0], [4, 0, 0], [0, 0, 4]]
    rows: list[list[Any]] = [[pymatgen_dict("Cs", "Cl"), -2.1], [mixed, -1.0], [flat, 3], [None, 1], [{}, 2]]
    materials, quarantine = read_text(tmp_path, matbench(rows), "matbench.json.gz")
    assert materials.ids.tolist() == ["row-1", "row-2"]
    assert materials.compositions.formulas.tolist() == ["ClCs", "FeNiO2"]
    assert materials.structures.present.tolist() == [True, False]
    assert materials.column("e_form").values.tolist() == [-2.1, -1.0]
    assert [(entry.row, entry.stage) for entry in quarantine] == [
        (2, "structure"),
        (3, "formula"),
        (4, "formula"),
        (5, "formula"),
    ]
    assert "disordered" in quarantine.rows[0].reason


def test_matbench_compositions(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["Ag(AuS)2", 0.0], ["Ag0.5Ge1Pb1.75S4", 1.83]]
    materials, _ = read_text(tmp_path, matbench(rows, ("composition", "gap expt")), "t.json.gz")
    assert materials.compositions.formulas.tolist() == ["AgAu2S2", "Ag2Ge4Pb7S16"]
    assert materials.column("gap expt").values.tolist() == [0.0, 1.83]
    rows = [
        [{"@module": "pymatgen.core.composition", "@class": "Composition", "Fe3+": 4.0, "O": 6.0}, 1],
        [{"Na": 1, "Cl": -1}, 2],
        [{"Qq": 1}, 3],
        [{}, 4],
        [[1], 5],
        [{"Na": "1"}, 6],
    ]
    materials, quarantine = read_text(tmp_path, matbench(rows, ("composition", "y")), "t.json.gz")
    assert materials.compositions.formulas.tolist() == ["Fe2O3"]
    assert [entry.row for entry in quarantine.left_out] == [2, 3, 4, 5, 6]


def test_structures_of_pymatgen_itself(tmp_path: Path) -> None:
    core = pytest.importorskip("pymatgen.core")
    rng = np.random.default_rng(5)
    made = [
        core.Structure(
            core.Lattice.from_parameters(4 + i, 5, 6, 80, 95, 100 + i),
            ["Na+", "Cl-", "O"],
            rng.random((3, 3)),
        )
        for i in range(5)
    ]
    rows = [[structure.as_dict(), i] for i, structure in enumerate(made)]
    materials, quarantine = read_text(tmp_path, matbench(rows), "t.json.gz")
    assert len(quarantine) == 0
    for i, structure in enumerate(made):
        np.testing.assert_allclose(materials.structures.lattice[i], structure.lattice.matrix, atol=1e-12)
        np.testing.assert_array_equal(materials.structures.Z[3 * i : 3 * i + 3], structure.atomic_numbers)
        np.testing.assert_allclose(
            materials.structures.frac_coords[3 * i : 3 * i + 3], structure.frac_coords, atol=1e-12
        )
    sparse = [core.Structure(core.Lattice.cubic(4), [{"Fe": 0.5, "Ni": 0.25}], [[0, 0, 0]]).as_dict(), 1]
    materials, quarantine = read_text(tmp_path, matbench([sparse]), "t.json.gz")
    assert materials.compositions.formulas.tolist() == ["Fe2Ni"]
    assert quarantine.rows[0].stage == "structure"
