import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mattomo.errors import InputError
from mattomo.materials import StructureError, read, read_structure

ATTRIBUTES: dict[str, Any] = {
    "elements": ["Cl", "Cs"],
    "nelements": 2,
    "elements_ratios": [0.5, 0.5],
    "chemical_formula_descriptive": "CsCl",
    "chemical_formula_reduced": "ClCs",
    "chemical_formula_anonymous": "AB",
    "dimension_types": [1, 1, 1],
    "nperiodic_dimensions": 3,
    "lattice_vectors": [[4.1, 0, 0], [0, 4.1, 0], [0, 0, 4.1]],
    "cartesian_site_positions": [[0, 0, 0], [2.05, 2.05, 2.05]],
    "nsites": 2,
    "species": [
        {"name": "Cs", "chemical_symbols": ["Cs"], "concentration": [1.0]},
        {"name": "Cl", "chemical_symbols": ["Cl"], "concentration": [1]},
    ],
    "species_at_sites": ["Cs", "Cl"],
    "structure_features": [],
    "last_modified": "2023-06-08T04:09:37Z",
    "_exmpl_band_gap": 5.1,
    "_exmpl_stability": {"hull": 0.0},
}
MIXED = [
    {"name": "M", "chemical_symbols": ["Fe", "Ni"], "concentration": [0.25, 0.75]},
    ATTRIBUTES["species"][1],
]


def entry(id: str = "a", **changes: Any) -> dict[str, Any]:
    return {"id": id, "type": "structures", "attributes": {**ATTRIBUTES, **changes}, "links": {}}


def write(folder: Path, value: Any) -> Path:
    (folder / "t.json").write_text(json.dumps(value))
    return folder / "t.json"


def response(*entries: Any, **meta: Any) -> dict[str, Any]:
    return {"meta": {"api_version": "1.1.0", **meta}, "links": {"next": None}, "data": list(entries)}


def test_a_response(tmp_path: Path) -> None:
    mixed = entry("b", species=MIXED, species_at_sites=["M", "Cl"], chemical_formula_reduced=None)
    mixed["attributes"] |= {"chemical_formula_descriptive": None, "_exmpl_band_gap": None}
    other = {"id": "c", "type": "references", "attributes": {}}
    materials, quarantine = read(
        write(tmp_path, response(entry(), mixed, other, {**entry("d"), "attributes": 3}))
    )
    assert materials.ids.tolist() == ["a", "b"]
    assert materials.compositions.formulas.tolist() == ["ClCs", "Cl4FeNi3"]
    assert materials.structures.present.tolist() == [True, False]
    np.testing.assert_allclose(materials.structures.frac_coords, [[0, 0, 0], [0.5, 0.5, 0.5]], atol=1e-12)
    np.testing.assert_array_equal(materials.column("_exmpl_band_gap").values, [5.1, np.nan])
    assert materials.column("nsites").values.tolist() == [2, 2]
    assert [(row.row, row.stage) for row in quarantine] == [(2, "structure"), (3, "formula"), (4, "formula")]
    assert "disordered: site 1 is Fe 0.25, Ni 0.75" in quarantine.rows[0].reason
    assert quarantine.rows[1].reason == "an entry of type 'references', not of structures"
    assert not any("lattice_vectors" in notice for notice in materials.notices)


def test_disorder_keeps_the_formula_given(tmp_path: Path) -> None:
    found = entry(species=MIXED, species_at_sites=["M", "Cl"], chemical_formula_reduced="Cl4FeNi3")
    materials, quarantine = read(write(tmp_path, response(found)))
    assert materials.compositions.formulas.tolist() == ["Cl4FeNi3"]
    assert [row.stage for row in quarantine] == ["structure"]


def test_pages_single_entries_and_errors(tmp_path: Path) -> None:
    materials, _ = read(write(tmp_path, response(entry(), more_data_available=True, data_available=1234)))
    assert materials.notices[0] == "the file is one page of 1,234 entries: the service has more"
    single = {"meta": {"more_data_available": False}, "data": entry()}
    assert read(write(tmp_path, single))[0].ids.tolist() == ["a"]
    assert read(write(tmp_path, [entry(), entry("b")]))[0].ids.tolist() == ["a", "b"]
    (tmp_path / "lines.jsonl").write_text("\n".join(json.dumps(entry(id)) for id in "xy"))
    assert read(tmp_path / "lines.jsonl")[0].ids.tolist() == ["x", "y"]
    with pytest.raises(InputError, match="answered with an error: Bad filter"):
        read(write(tmp_path, {"errors": [{"title": "Bad filter"}], "meta": {}}))


def test_entries_without_structure(tmp_path: Path) -> None:
    found = {"id": 7, "type": "structures", "attributes": {"chemical_formula_reduced": "ClNa", "_x_y": 1}}
    materials, _ = read(write(tmp_path, response(found)))
    assert materials.ids.tolist() == ["7"]
    assert not materials.structures.present.any()
    assert list(materials.columns) == ["_x_y"]


VACANT = {"name": "Cl", "chemical_symbols": ["Cl", "vacancy"], "concentration": [0.5, 0.5]}


@pytest.mark.parametrize(
    ("change", "reason", "amounts"),
    [
        ({"dimension_types": [1, 1, 0]}, "not periodic in three directions", None),
        ({"species": None}, "no list species", None),
        ({"species_at_sites": "CsCl"}, "no list species_at_sites", None),
        ({"species_at_sites": ["Cs", "Br"]}, "site 2 is of species 'Br', which is not described", None),
        ({"species_at_sites": []}, "no site", None),
        ({"species": [{"name": "Cs"}]}, "a species has no name, chemical_symbols and concentration", None),
        ({"species": [{**VACANT, "concentration": [2, 0]}]}, "'Cl' has concentration 2", None),
        ({"species": [{**VACANT, "concentration": [0.5]}]}, "a species has no name", None),
        (
            {"species": [ATTRIBUTES["species"][0], VACANT]},
            "site 2 is Cl 0.5, vacancy 0.5",
            {55: 1.0, 17: 0.5},
        ),
        (
            {"species": [{"name": "Cs", "chemical_symbols": ["X"], "concentration": [1]}, VACANT]},
            "'X' is no element",
            None,
        ),
        (
            {"species": [{**kind, "attached": ["H"], "nattached": [3]} for kind in ATTRIBUTES["species"]]},
            "atoms attached to it that have no positions",
            None,
        ),
        ({"structure_features": ["assemblies"]}, "groups of its sites are alternatives", None),
        ({"lattice_vectors": [[None] * 3] * 3}, "lattice has a number that is not finite", None),
        ({"cartesian_site_positions": [[0, 0, 0]]}, "positions has 3 numbers where 6 belong", None),
    ],
)
def test_refuses(change: dict[str, Any], reason: str, amounts: dict[int, float] | None) -> None:
    for form in (dict, json.dumps):
        with pytest.raises(StructureError, match=reason) as caught:
            read_structure(form({**ATTRIBUTES, **change}))
        assert caught.value.amounts == amounts


def test_a_skew_cell() -> None:
    lattice = np.array([[3.0, 0.1, 0.0], [-1.5, 2.6, 0.2], [0.3, 0.0, 5.0]])
    fractional = np.array([[0.1, 0.2, 0.3], [0.6, 0.7, 0.8]])
    found = read_structure(
        {
            **ATTRIBUTES,
            "lattice_vectors": lattice.tolist(),
            "cartesian_site_positions": (fractional @ lattice).tolist(),
        }
    )
    np.testing.assert_allclose(found.frac_coords, fractional, atol=1e-12)
    assert found.Z.tolist() == [55, 17]
