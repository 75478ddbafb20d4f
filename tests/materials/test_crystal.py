import json

import numpy as np
import pytest

from mattomo.materials.crystal import StructureError, crystal, from_json, from_mapping
from mattomo.materials.readers import read_structure

CUBE = [[4.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 4.0]]
CSCL = {"lattice": CUBE, "species": ["Cs", "Cl"], "frac_coords": [[0, 0, 0], [0.5, 0.5, 0.5]]}


def pymatgen_form(*occupants: list[dict[str, object]]) -> dict[str, object]:
    sites = [{"species": each, "abc": [i / 2, 0, 0]} for i, each in enumerate(occupants)]
    return {"@class": "Structure", "lattice": {"matrix": CUBE, "a": 4.0}, "sites": sites}


def test_json() -> None:
    found = from_json(json.dumps(CSCL))
    assert found.Z.tolist() == [55, 17]
    assert found.frac_coords.dtype == found.lattice.dtype == np.float64
    np.testing.assert_array_equal(found.lattice, CUBE)
    assert found.amounts == {17: 1.0, 55: 1.0}


def test_flat_arrays_and_bytes() -> None:
    flat = crystal(np.ravel(CUBE), ["Cs", "Cl"], np.array([0, 0, 0, 0.5, 0.5, 0.5]))
    assert flat.frac_coords.shape == (2, 3)
    assert from_json(json.dumps(CSCL).encode()).Z.tolist() == [55, 17]


def test_pymatgen_form() -> None:
    found = from_mapping(pymatgen_form([{"element": "Na", "occu": 1}], [{"element": "Cl", "occu": 1.0}]))
    assert found.Z.tolist() == [11, 17]
    assert from_json(json.dumps(pymatgen_form([{"element": "Na", "occu": 1}]))).Z.tolist() == [11]


def test_a_slab_of_pymatgen_keeps_its_composition() -> None:
    slab = {
        "lattice": {"matrix": [[4, 0, 0], [0, 4, 0], [0, 0, 20]], "pbc": [True, True, False]},
        "sites": [{"species": [{"element": "Cs", "occu": 1}], "abc": [0, 0, 0]}],
    }
    plain = {"lattice": slab["lattice"], "species": ["Cs"], "frac_coords": [[0, 0, 0]]}
    for value in (slab, json.dumps(slab), plain):
        with pytest.raises(StructureError, match="periodic in 2 of 3 directions") as caught:
            read_structure(value)
        assert caught.value.amounts == {55: 1.0}


def test_charges_and_isotopes() -> None:
    found = crystal(CUBE, ["D", "Fe3+"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    assert found.Z.tolist() == [1, 26]
    assert "read as H" in found.note


def test_left_handed_lattice_is_allowed() -> None:
    assert crystal([CUBE[1], CUBE[0], CUBE[2]], ["Po"], [[0, 0, 0]]).Z.tolist() == [84]


def test_disorder_keeps_the_composition() -> None:
    mixed = pymatgen_form([{"element": "Fe", "occu": 0.5}, {"element": "Ni", "occu": 0.5}])
    with pytest.raises(StructureError, match=r"disordered: site 1 is Fe 0.5, Ni 0.5") as caught:
        from_mapping(mixed)
    assert caught.value.amounts == {26: 0.5, 28: 0.5}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"species": []}, "no site"),
        ({"species": ["Cs"]}, "frac_coords has 6 numbers where 3 belong"),
        ({"species": ["Cs", "Qq"]}, "'Qq' is no element"),
        ({"species": ["Cs", "Rf"]}, "beyond Z = 103"),
        ({"species": ["Cs", 17]}, "17 where a symbol belongs"),
        ({"species": None}, "no list species"),
        ({"lattice": None}, "no lattice"),
        ({"lattice": CUBE[:2]}, "lattice has 6 numbers"),
        ({"lattice": [CUBE[0], CUBE[0], CUBE[2]]}, "in a plane"),
        ({"lattice": [[0.4, 0, 0], [0, 0.4, 0], [0, 0, 0.4]]}, "Å³ per site"),
        ({"lattice": "abc"}, "no regular array"),
        ({"frac_coords": [[0, 0, 0], [0, 0]]}, "no regular array"),
        ({"frac_coords": [[0, 0, 0], [0, 0, float("nan")]]}, "not finite"),
        ({"frac_coords": [[0, 0, 0], [0, 0, 2000]]}, "beyond ±1000"),
        ({"frac_coords": [[0, 0, 0], [1, 1, 0.99]]}, "sites 1 and 2 are 0.04 Å apart"),
        ({"sites": 3}, "sites is no list"),
        ({"sites": [{"abc": [0, 0, 0]}]}, "site 1 names no element"),
        ({"sites": [{"species": [{"element": "Fe", "occu": 1}]}]}, "a site has no abc"),
        ({"sites": [{"species": [{"element": "Fe", "occu": 2}], "abc": [0, 0, 0]}]}, "occupancy 2"),
    ],
)
def test_refuses(change: dict[str, object], reason: str) -> None:
    value = CSCL | change
    if "sites" in change:
        del value["species"], value["frac_coords"]
    with pytest.raises(StructureError, match=reason):
        from_mapping(value)
    with pytest.raises(StructureError, match=reason):
        read_structure(json.dumps(value))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"lattice": [', "not JSON"),
        ("[1, 2]", "cannot be a list"),
        ("{" * 5000, "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"lattice": 1e999, "species": ["H"], "frac_coords": [0,0,0]}', "lattice"),
        ("hello", "neither JSON nor CIF nor POSCAR"),
        ("structures/mp-1.cif", "neither JSON nor CIF nor POSCAR"),
        ("\ud800{", "neither"),
        ('{"a": "\ud800"}', "no lattice|not JSON"),
    ],
)
def test_refuses_text(text: str, reason: str) -> None:
    with pytest.raises(StructureError, match=reason):
        read_structure(text)


def test_overlap_is_found_in_large_cells() -> None:
    coords = np.random.default_rng(0).permutation(np.indices((10, 10, 10)).reshape(3, -1).T / 10)
    crystal(np.eye(3) * 30, ["Fe"] * 1000, coords)
    coords[999] = coords[998] + [1, 0, 0.001]
    with pytest.raises(StructureError, match=r"sites 999 and 1000 are 0\.03"):
        crystal(np.eye(3) * 30, ["Fe"] * 1000, coords)
