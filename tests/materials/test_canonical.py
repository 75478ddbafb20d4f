import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mattomo.errors import InputError
from mattomo.materials import Column, Materials, PropertyInfo, load, read
from mattomo.materials.canonical import CANONICAL_COLUMNS, stated_info, to_arrow, to_parquet

CUBE = [[4.0, 0, 0], [0, 4.0, 0], [0, 0, 4.0]]


def back(folder, materials: Materials) -> Materials:
    path = folder / "canonical.parquet"
    path.write_bytes(to_parquet(materials))
    again, quarantine = read(path)
    assert len(quarantine) == 0
    return again


def table(folder, text: str, **options) -> Materials:
    (folder / "t.csv").write_text(text)
    return read(folder / "t.csv", **options)[0]


def same(one: Materials, other: Materials) -> None:
    assert one.fingerprint() == other.fingerprint()
    assert list(one.columns) == list(other.columns)
    for name, column in one.columns.items():
        assert other.columns[name].info == column.info
        np.testing.assert_array_equal(other.columns[name].missing, column.missing)
        np.testing.assert_array_equal(other.columns[name].values, column.values)
    np.testing.assert_array_equal(one.structures.lattice, other.structures.lattice)


def test_the_example_reads_back_the_same(tmp_path):
    materials = load("mp1000")
    same(materials, back(tmp_path, materials))


def test_structures_missing_values_and_kinds(tmp_path):
    structure = json.dumps(
        {"lattice": CUBE, "species": ["D", "Cl"], "frac_coords": [[0, 0, 0], [1.5, 0.5, -0.5]]}
    )
    text = (
        "id,formula,structure,x,class,oxide_type,spacegroup_number,flag,empty\n"
        f'"a, b",HCl,"{structure.replace(chr(34), chr(34) * 2)}",1e-300,1,None,225,true,\n'
        "ü,Fe0.95O,,-0.0,2,oxide,1,false,\nc,Fe2O3,,nan,10,,,,\nd,NaCl,,5,Na,peroxide,2,,\n"
    )
    materials = table(tmp_path, text, categories=["class"])
    assert materials.column("oxide_type").values.tolist() == ["None", "oxide", "", "peroxide"]
    again = back(tmp_path, materials)
    same(materials, again)
    # a row of its own: the levels 1, 2, 10 alone would be read as numbers from a CSV
    part = materials.take(np.array([2, 0, 1]))
    same(part, back(tmp_path, part))
    assert back(tmp_path, part).column("class").info.kind == "category"
    same(materials.take(np.array([1])), back(tmp_path, materials.take(np.array([1]))))


def test_schema():
    schema = to_arrow(load("mp1000")).schema
    assert schema.names[:5] == list(CANONICAL_COLUMNS)
    assert schema.field("band_gap").type == pa.float64()
    assert schema.field("band_gap").metadata[b"unit"] == b"eV"
    assert schema.field("band_gap").metadata[b"label"] == b"band gap"
    assert schema.field("crystal_system").type == pa.string()
    stated = stated_info(schema.field("volume"))
    assert stated is not None
    assert (stated.unit, stated.extensive) == ("Å³/cell", True)


def test_absent_structures_are_null(tmp_path):
    materials = table(tmp_path, "formula,x\nFe,1\nNi,2\n")
    arrow = to_arrow(materials)
    assert arrow["lattice"].null_count == arrow["species"].null_count == arrow["frac_coords"].null_count == 2


def test_large_amounts_read_back(tmp_path):
    materials = table(tmp_path, "formula\nAl123.4567O200.0001\n")
    assert materials.compositions.amounts.max() > 1e6
    same(materials, back(tmp_path, materials))


@pytest.mark.parametrize("name", ["structure", "Lattice", "cif", "material_id"])
def test_names_the_table_needs(name):
    materials = load("mp1000").take(np.arange(3))
    column = Column(PropertyInfo(name, name), np.arange(3.0), np.zeros(3, dtype=bool))
    with pytest.raises(InputError, match="cannot have this name"):
        to_arrow(Materials(**{**vars(materials), "columns": {name: column}}))


@pytest.mark.parametrize(
    "metadata", [None, {"mattomo": "{"}, {"mattomo": "{}"}, {"mattomo": '{"name": 1}'}, {"unit": "eV"}]
)
def test_metadata_of_others_state_nothing(tmp_path, metadata):
    field = pa.field("x", pa.string(), metadata=metadata)
    assert stated_info(field) is None
    arrow = pa.table(
        [pa.array(["Fe", "Ni"]), pa.array(["1", "2"])], schema=pa.schema([("formula", pa.string()), field])
    )
    pq.write_table(arrow, tmp_path / "t.parquet")
    assert read(tmp_path / "t.parquet")[0].column("x").info.kind == "scalar"


def test_what_the_user_says_wins_over_the_file(tmp_path):
    materials = table(tmp_path, "formula,x\nFe,1\nNi,2\n")
    (tmp_path / "c.parquet").write_bytes(to_parquet(materials))
    again, _ = read(tmp_path / "c.parquet", categories=["x"])
    assert again.column("x").values.tolist() == ["1", "2"]


cells = st.one_of(st.none(), st.floats(allow_infinity=False, allow_nan=False))
levels = st.one_of(st.just(""), st.text("ab12.-é,\"' ", min_size=1, max_size=5).map(str.strip))


formulas = st.sampled_from(["Fe2O3", "NaCl", "Li0.5CoO2", "H", "Lr"])


@given(st.lists(st.tuples(formulas, cells, levels), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_values_read_back(tmp_path, rows):
    materials = table(tmp_path, "formula\n" + "\n".join(formula for formula, _, _ in rows) + "\n")
    numbers = np.array([np.nan if x is None else x for _, x, _ in rows])
    texts = np.array([level for _, _, level in rows], dtype=np.str_)
    columns = {
        "x": Column(PropertyInfo("x", "an x", "eV"), numbers, np.isnan(numbers)),
        "k": Column(PropertyInfo("k", "a k", kind="category", none_is_class=True), texts, texts == ""),
    }
    materials = Materials(**{**vars(materials), "columns": columns})
    same(materials, back(tmp_path, materials))
