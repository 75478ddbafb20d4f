"""Properties of the atoms: lists with a number for every site, tables by element, and the canonical file."""

import json
from dataclasses import replace

import numpy as np
import pytest

import mattomo as mt
from mattomo.errors import InputError
from mattomo.materials import AtomColumn, PropertyInfo
from mattomo.materials.canonical import to_parquet
from mattomo.materials.readers.atoms import read_element_table

CUBE = [[4.0, 0, 0], [0, 4.0, 0], [0, 0, 4.0]]
SALT = {"lattice": CUBE, "species": ["Na", "Cl"], "frac_coords": [[0, 0, 0], [0.5, 0.5, 0.5]]}
IRON = {"lattice": CUBE, "species": ["Fe"] * 2, "frac_coords": [[0, 0, 0], [0.5, 0.5, 0.5]]}


def written(folder, rows):
    path = folder / "t.json"
    path.write_text(json.dumps(rows))
    return mt.read(path)


def test_lists_as_long_as_the_structures_have_sites_belong_to_the_sites(tmp_path):
    rows = [
        {"id": "a", "formula": "NaCl", "structure": SALT, "magmom": [0, 0.5], "x": 1.0},
        {"id": "b", "formula": "Fe", "structure": IRON, "magmom": [2.2, None], "x": 2.0},
        {"id": "c", "formula": "Fe", "structure": None, "magmom": [1.0], "x": 3.0},
        {"id": "d", "formula": "Fe", "structure": IRON, "magmom": None, "x": 4.0},
    ]
    materials, quarantine = written(tmp_path, rows)
    assert list(materials.columns) == ["x"]
    column = materials.atoms["magmom"]
    assert column.info.atoms == "site"
    np.testing.assert_array_equal(column.values, [0, 0.5, 2.2, np.nan, np.nan, np.nan])
    assert len(quarantine) == 0
    assert any("magmom" in notice and "every site" in notice for notice in materials.notices)
    # in any order, and part of the identity
    part = materials.take(np.array([1, 0]))
    np.testing.assert_array_equal(part.atoms["magmom"].values, [2.2, np.nan, 0, 0.5])
    other = replace(materials, atoms={"magmom": replace(column, values=column.values + 1)})
    assert len({m.fingerprint() for m in (materials, other, replace(materials, atoms={}))}) == 3


def test_lists_that_do_not_fit_are_listed_with_the_reason(tmp_path):
    rows = [
        {"id": name, "formula": "Fe", "structure": IRON, "magmom": cell}
        for name, cell in zip("abcdef", ([1, 2], [1, 2], [1, 2, 3], [1, "up"], [3, 4], 5.0), strict=True)
    ]
    materials, quarantine = written(tmp_path, rows)
    assert (
        np.isnan(materials.atoms["magmom"].values).tolist()
        == [False] * 4 + [True] * 4 + [False] * 2 + [True] * 2
    )
    said = {entry.id: (entry.stage, entry.column, entry.reason) for entry in quarantine.rows}
    assert set(said) == {"c", "d", "f"}
    assert {stage for stage, *_ in said.values()} == {"property"}
    assert said["c"][2] == "3 values for the 2 sites of the structure"
    assert "no numbers" in said["d"][2]
    assert "no list" in said["f"][2]


def test_other_lists_are_still_no_property(tmp_path):
    rows = [
        {"id": name, "formula": "Fe", "structure": IRON, "axes": [1, 2, 3], "elements": ["Fe", "Fe"]}
        for name in "abc"
    ]
    materials, _ = written(tmp_path, rows)
    assert materials.atoms == {}
    assert sum("not used as a property" in notice for notice in materials.notices) == 2


def test_lists_in_the_cells_of_a_csv(tmp_path):
    path = tmp_path / "t.csv"
    cell = json.dumps(IRON).replace('"', '""')
    path.write_text(
        f'id,formula,structure,magmom\na,Fe,"{cell}","[2.0, -2.0]"\nb,Fe,"{cell}",\nc,Fe,"{cell}","[1, 2"\n'
    )
    materials, quarantine = mt.read(path)
    np.testing.assert_array_equal(materials.atoms["magmom"].values[:2], [2, -2])
    assert np.isnan(materials.atoms["magmom"].values[2:]).all()
    assert [(entry.id, entry.column) for entry in quarantine.rows] == [("c", "magmom")]


def test_the_canonical_file_reads_back_the_same(tmp_path):
    materials = mt.load("mp1000").take(np.arange(30))
    values = np.random.default_rng(0).normal(size=len(materials.structures.Z))
    values[:3] = np.nan
    values[slice(*materials.structures.offsets[4:6])] = np.nan
    info = PropertyInfo("charge", "Bader charge", "e", atoms="site")
    table = AtomColumn(PropertyInfo("radius", "radius", "pm", atoms="element"), np.arange(104.0))
    materials = replace(materials, atoms={"charge": AtomColumn(info, values)})
    path = tmp_path / "t.parquet"
    # what is given by element is no part of a table of materials
    path.write_bytes(to_parquet(replace(materials, atoms={**materials.atoms, "radius": table})))
    again, quarantine = mt.read(path)
    assert len(quarantine) == 0
    assert again.atoms["charge"].info == info
    assert again.fingerprint() == materials.fingerprint()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", "element,hardness\nFe,4.0\nCl,\nNa,0.5\n"),
        ("t.csv", "note,Symbol,hardness\nmetal,Fe,4.0\n,Na,0.5\n"),
        ("t.csv", "symbol,Mohs\nNa,0.5\nFe,4\n"),
        ("t.json", '{"Fe": 4, "Na": 0.5, "Cl": null}'),
        ("t.json", '[{"element": "Fe", "hardness": 4}, {"element": "Na", "hardness": 0.5}]'),
    ],
)
def test_tables_by_element(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    column = read_element_table(tmp_path / name, "hardness")
    assert column.info.name == "hardness"
    assert column.info.atoms == "element"
    assert {Z: column.values[Z] for Z in np.flatnonzero(~np.isnan(column.values))} == {11: 0.5, 26: 4.0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("element,x\nFe,1\nQq,2\n", r"row 2.*'Qq' is no element"),
        ("element,x\nFe,1\nFe,2\n", r"row 2.*that of row 1 too"),
        ("element,x\nFe,hard\n", r"row 1.*column 'x'.*not a number"),
        ("element,x\nFe,1,2\n", r"row 1.*3 cells"),
        ("element,y,z\nFe,1,2\n", r"no column of this name.*y, z"),
        ("name,x\nFe,1\n", r"no column of elements"),
        ("element,x\nFe,\n", r"no element has a value"),
    ],
)
def test_what_is_wrong_with_a_table_by_element_is_said(tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_element_table(tmp_path / "t.csv", "x")


def test_a_missing_table_by_element(tmp_path):
    with pytest.raises(InputError, match=r"nothing\.json"):
        read_element_table(tmp_path / "nothing.json", "x")
