import enum
import json
import sys
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any

import numpy as np
import pytest

from mattomo.errors import InputError
from mattomo.materials import read
from mattomo.materials.readers.materials_project import FIELDS, fetch

STRUCTURE = {
    "@class": "Structure",
    "lattice": {"matrix": [[4.0, 0, 0], [0, 4.0, 0], [0, 0, 4.0]]},
    "sites": [
        {"species": [{"element": symbol, "occu": 1}], "abc": [place] * 3}
        for symbol, place in (("Cs", 0.0), ("Cl", 0.5))
    ],
}
SUMMARY: dict[str, Any] = {
    "material_id": "mp-22865",
    "formula_pretty": "CsCl",
    "composition": {"Cs": 1.0, "Cl": 1.0},
    "composition_reduced": {"Cs": 1.0, "Cl": 1.0},
    "structure": STRUCTURE,
    "symmetry": {
        "crystal_system": "Cubic",
        "symbol": "Pm-3m",
        "number": 221,
        "point_group": "m-3m",
        "symprec": 0.1,
    },
    "band_gap": 5.45,
    "density": 3.9,
    "volume": 71.0,
    "nsites": 2,
    "energy_per_atom": -3.2,
    "formation_energy_per_atom": -2.2,
    "energy_above_hull": 0.0,
    "total_magnetization": 0.0,
    "is_metal": False,
    "ordering": "NM",
    "bulk_modulus": {"voigt": 17.0, "reuss": 17.0, "vrh": 17.5},
    "n": 1.6,
    "last_updated": {"$date": "2024-11-14T20:20:00Z"},
    "possible_species": ["Cl-", "Cs+"],
}
FIRST_INTERFACE: dict[str, Any] = {
    "material_id": "mp-22865",
    "pretty_formula": "CsCl",
    "full_formula": "Cs1Cl1",
    "unit_cell_formula": {"Cs": 1.0, "Cl": 1.0},
    "spacegroup": {
        "source": "spglib",
        "symbol": "Pm-3m",
        "number": 221,
        "point_group": "m-3m",
        "crystal_system": "cubic",
        "hall": "-P 4 2 3",
    },
    "e_above_hull": 0.1,
    "energy": -6.4,
    "is_hubbard": False,
    "oxide_type": "None",
    "elasticity": {"K_VRH": 17.0, "G_VRH": 9.0, "poisson_ratio": 0.3, "elastic_tensor": [[1]]},
}


def write(folder: Path, value: Any) -> Path:
    (folder / "mp.json").write_text(json.dumps(value))
    return folder / "mp.json"


@pytest.mark.parametrize("wrapped", [False, True])
def test_summary_documents(tmp_path: Path, wrapped: bool) -> None:
    second = {**SUMMARY, "material_id": "mp-2", "symmetry": None, "bulk_modulus": None, "is_metal": None}
    documents = [SUMMARY, second]
    materials, quarantine = read(write(tmp_path, {"data": documents} if wrapped else documents))
    assert materials.ids.tolist() == ["mp-22865", "mp-2"]
    assert materials.structures.Z.tolist() == [55, 17, 55, 17]
    expected = {
        "e_above_hull": [0.0, 0.0],
        "band_gap": [5.45, 5.45],
        "bulk_modulus_vrh": [17.5, np.nan],
        "refractive_index": [1.6, 1.6],
        "total_magnetization": [0.0, 0.0],
    }
    for name, values in expected.items():
        np.testing.assert_array_equal(materials.column(name).values, values)
    levels = {
        "spacegroup_number": ["221", ""],
        "spacegroup_symbol": ["Pm-3m", ""],
        "crystal_system": ["Cubic", ""],
        "point_group": ["m-3m", ""],
        "is_metal": ["False", ""],
        "magnetic_ordering": ["NM", "NM"],
    }
    assert not {"symmetry", "bulk_modulus"} & set(materials.columns)
    for name, values in levels.items():
        assert materials.column(name).values.tolist() == values
    assert "symmetry.number is read as spacegroup_number" in materials.notices[0]
    assert "energy_above_hull is read as e_above_hull" in materials.notices[0]
    assert len(quarantine) == 0


def test_documents_of_the_first_interface(tmp_path: Path) -> None:
    materials, quarantine = read(write(tmp_path, {"valid_response": True, "response": [FIRST_INTERFACE]}))
    assert materials.ids.tolist() == ["mp-22865"]
    for name, value in {
        "e_above_hull": 0.1,
        "spacegroup_number": "221",
        "crystal_system": "cubic",
        "oxide_type": "None",
        "is_hubbard": "False",
        "bulk_modulus_vrh": 17.0,
        "poisson_ratio": 0.3,
    }.items():
        assert materials.column(name).values.tolist() == [value]
    assert len(quarantine) == 0


def test_members_do_not_overwrite(tmp_path: Path) -> None:
    document = {**SUMMARY, "crystal_system": "mine", "energy_above_hull": 1.0, "e_above_hull": 2.0}
    materials, _ = read(write(tmp_path, [document]))
    assert materials.column("crystal_system").values.tolist() == ["mine"]
    assert materials.column("e_above_hull").values.tolist() == [2.0]
    assert materials.column("energy_above_hull").values.tolist() == [1.0]


class System(enum.Enum):
    CUBIC = "Cubic"


class Symmetry:
    def model_dump(self) -> dict[str, Any]:
        return {"crystal_system": System.CUBIC, "symbol": "Pm-3m", "number": np.int64(221)}


class Pymatgen:
    def as_dict(self) -> dict[str, Any]:
        return STRUCTURE


class Client:
    """Answers as mp_api.client.MPRester does."""

    asked: dict[str, Any]

    def __init__(self, key: str) -> None:
        self.key = key
        self.materials = SimpleNamespace(summary=SimpleNamespace(search=self.search))

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        return None

    def search(self, fields: list[str], **criteria: Any) -> list[Any]:
        Client.asked = {"key": self.key, "fields": fields, **criteria}
        if criteria.get("elements") == ["none"]:
            return []
        if self.key == "wrong":
            raise RuntimeError(f"REST query returned with error status code 401 for key {self.key}")
        model = SimpleNamespace(
            material_id="mp-22865",
            formula_pretty="CsCl",
            structure=Pymatgen(),
            symmetry=Symmetry(),
            band_gap=5.45,
            is_metal=False,
            energy_above_hull=np.float64(0.0),
            ordering=None,
        )
        return [model, {"material_id": "mp-2", "formula_pretty": "NaCl", "band_gap": None, "internal": 1}]


def test_fetch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MP_API_KEY", "from the environment")
    saved = tmp_path / "saved.json"
    materials, quarantine = fetch(connect=Client, save=saved, band_gap=(1, 6), elements=["Cl"])
    assert Client.asked == {
        "key": "from the environment",
        "fields": list(FIELDS),
        "band_gap": (1, 6),
        "elements": ["Cl"],
    }
    assert materials.ids.tolist() == ["mp-22865", "mp-2"]
    assert materials.structures.present.tolist() == [True, False]
    assert materials.column("spacegroup_number").values.tolist() == ["221", ""]
    assert materials.column("crystal_system").values.tolist() == ["Cubic", ""]
    np.testing.assert_array_equal(materials.column("e_above_hull").values, [0.0, np.nan])
    assert len(quarantine) == 0
    assert read(saved)[0].fingerprint() == materials.fingerprint()
    fetch("key", fields=["density"], connect=Client)
    assert Client.asked == {"key": "key", "fields": ["material_id", "formula_pretty", "density"]}


def test_fetch_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MP_API_KEY", raising=False)
    with pytest.raises(InputError, match=r"needs a key.*MP_API_KEY"):
        fetch(connect=Client)
    with pytest.raises(InputError, match=r"gave no documents \(REST .* for key …\)") as caught:
        fetch("wrong", connect=Client)
    assert "wrong" not in str(caught.value)
    with pytest.raises(InputError, match="no document of the Materials Project fits"):
        fetch("key", connect=Client, elements=["none"])
    monkeypatch.setitem(sys.modules, "mp_api.client", None)
    monkeypatch.setitem(sys.modules, "mp_api", None)
    with pytest.raises(
        InputError, match=r"needs the package mp-api. Install it \(pip install \"mattomo\[mp\]\"\)"
    ):
        fetch("key")


def test_the_client_of_the_package_is_used_when_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mp_api", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "mp_api.client", SimpleNamespace(MPRester=Client))
    assert fetch("key")[0].ids.tolist() == ["mp-22865", "mp-2"]
