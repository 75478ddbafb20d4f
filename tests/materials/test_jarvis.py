import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mattomo.materials import StructureError, read, read_structure

HEXAGONAL = [[3.0, 0.0, 0.0], [-1.5, 2.598, 0.0], [0.0, 0.0, 12.0]]
ATOMS: dict[str, Any] = {
    "lattice_mat": HEXAGONAL,
    "coords": [[1 / 3, 2 / 3, 0.1], [2 / 3, 1 / 3, 0.9], [0.0, 0.0, 0.5]],
    "elements": ["Te ", "Te", "Ti"],
    "abc": [3.0, 3.0, 12.0],
    "angles": [90.0, 90.0, 120.0],
    "cartesian": False,
    "props": ["", "", ""],
}
RECORD: dict[str, Any] = {
    "jid": "JVASP-90856",
    "spg_number": 129,
    "spg_symbol": "P4/nmm",
    "formula": "TiTe2",
    "formation_energy_peratom": -0.42762,
    "func": "OptB88vdW",
    "optb88vdw_bandgap": 0.0,
    "atoms": ATOMS,
    "elastic_tensor": "na",
    "slme": "na",
    "mbj_bandgap": "na",
    "ehull": 0.0423,
    "nat": 3,
    "crys": "tetragonal",
    "efg": [],
    "raw_files": ["FD-ELAST,JVASP-90856-ELASTIC.zip"],
    "spg": "129",
}


def write(folder: Path, value: Any) -> Path:
    (folder / "dft.json").write_text(json.dumps(value))
    return folder / "dft.json"


def test_records(tmp_path: Path) -> None:
    other = {**RECORD, "jid": "JVASP-2", "func": "other", "mbj_bandgap": 1.5, "slme": "high", "ehull": "na"}
    materials, quarantine = read(write(tmp_path, [RECORD, other]))
    assert materials.ids.tolist() == ["JVASP-90856", "JVASP-2"]
    assert materials.compositions.formulas.tolist() == ["Te2Ti"] * 2
    assert materials.structures.Z.tolist() == [52, 52, 22] * 2
    np.testing.assert_allclose(materials.structures.frac_coords[:3], ATOMS["coords"])
    np.testing.assert_array_equal(materials.column("mbj_bandgap").values, [np.nan, 1.5])
    np.testing.assert_array_equal(materials.column("e_above_hull").values, [0.0423, np.nan])
    assert materials.column("spacegroup_number").values.tolist() == ["129"] * 2
    assert materials.column("formation_energy_per_atom").info.unit == "eV/atom"
    assert materials.column("nsites").values.tolist() == [3, 3]
    assert "ehull is read as e_above_hull" in materials.notices[0]
    assert len(quarantine) == 0


def test_names_that_are_there_already_stay(tmp_path: Path) -> None:
    materials, _ = read(write(tmp_path, [{**RECORD, "e_above_hull": 7.0}]))
    assert materials.column("e_above_hull").values.tolist() == [7.0]
    assert materials.column("ehull").values.tolist() == [0.0423]


def test_cartesian_coordinates() -> None:
    places = (np.array(ATOMS["coords"]) @ np.array(HEXAGONAL)).tolist()
    found = read_structure({**ATOMS, "coords": places, "cartesian": True})
    np.testing.assert_allclose(found.frac_coords, ATOMS["coords"], atol=1e-12)
    np.testing.assert_array_equal(found.lattice, HEXAGONAL)
    again = read_structure(json.dumps(ATOMS))
    np.testing.assert_allclose(again.frac_coords, found.frac_coords, atol=1e-12)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"elements": None}, "no list elements"),
        ({"elements": []}, "no site"),
        ({"elements": ["Te", "Te"]}, "has 9 numbers where 6 belong"),
        ({"elements": ["Te", "Te", 3]}, "where a symbol belongs"),
        ({"lattice_mat": None}, "lattice is no regular array|lattice has"),
        ({"lattice_mat": [[1, 0, 0], [1, 0, 0], [0, 0, 1]], "cartesian": True}, "in a plane"),
        ({"cartesian": "no"}, "cartesian is no where"),
        ({"coords": [[0, 0, 0]] * 3}, "0.00 Å apart"),
    ],
)
def test_refuses(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(StructureError, match=reason):
        read_structure({**ATOMS, **change})
