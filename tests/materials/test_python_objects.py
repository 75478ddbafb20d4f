import numpy as np
import pandas as pd
import pytest

from mattomo.errors import InputError
from mattomo.materials.crystal import crystal
from mattomo.materials.readers.python_objects import from_structures, raw_column

CUBE = [[4.0, 0, 0], [0, 4.0, 0], [0, 0, 4.0]]
CSCL = {"lattice": CUBE, "species": ["Cs", "Cl"], "frac_coords": [[0, 0, 0], [0.5, 0.5, 0.5]]}
POSCAR = "t\n1.0\n4 0 0\n0 4 0\n0 0 4\nCs Cl\n1 1\nDirect\n0 0 0\n.5 .5 .5\n"


class Site:
    def __init__(self, species, frac_coords):
        self.species, self.frac_coords = species, np.array(frac_coords)


class Lattice:
    def __init__(self, matrix, pbc=(True, True, True)):
        self.matrix, self.pbc = np.array(matrix), pbc


class Structure:
    """What a pymatgen Structure can do, as far as it is asked."""

    def __init__(self, *sites, lattice: Lattice | None = None):
        self.sites = [Site(species, xyz) for species, xyz in sites]
        self.lattice = lattice or Lattice(CUBE)


class Atoms:
    """What an ASE Atoms object can do, as far as it is asked."""

    def __init__(self, symbols, pbc=(True, True, True), info=None, arrays=None):
        self.symbols, self.pbc, self.info, self.arrays, self.cell = (
            symbols,
            pbc,
            info or {},
            arrays or {},
            CUBE,
        )

    def get_chemical_symbols(self):
        return self.symbols

    def get_scaled_positions(self, wrap=True):
        assert not wrap
        return np.array([[0, 0, 0], [0.5, 0.5, 0.5]])[: len(self.symbols)]


def test_every_form_is_the_same_material():
    structures = [
        CSCL,
        POSCAR,
        Structure(({"Cs": 1}, [0, 0, 0]), ({"Cl": 1.0}, [0.5, 0.5, 0.5])),
        Atoms(["Cs", "Cl"]),
        crystal(CUBE, ["Cs", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]),
    ]
    materials, quarantine = from_structures(structures, {"gap": [1, None, 2.5, 3, 4]}, ids=range(5))
    assert len(quarantine) == 0
    assert materials.ids.tolist() == ["0", "1", "2", "3", "4"]
    assert set(materials.compositions.formulas.tolist()) == {"ClCs"}
    assert materials.structures.Z.tolist() == [55, 17] * 5
    np.testing.assert_allclose(materials.structures.frac_coords, [[0, 0, 0], [0.5, 0.5, 0.5]] * 5)
    np.testing.assert_array_equal(materials.column("gap").values, [1, np.nan, 2.5, 3, 4])


def test_what_is_no_bulk_crystal_keeps_its_composition():
    disordered = Atoms(
        ["Cs", "Cl"],
        info={"occupancy": {"0": {"Cs": 0.5, "Rb": 0.5}, "1": {"Cl": 1.0}}},
        arrays={"spacegroup_kinds": np.array([0, 1])},
    )
    structures = [
        Structure(({"Fe": 0.5, "Ni": 0.5}, [0, 0, 0])),
        Structure(({"Fe": 1}, [0, 0, 0]), lattice=Lattice(CUBE, (True, True, False))),
        Atoms(["O"], pbc=(False, False, False)),
        Atoms(["O"], pbc=(True, False, False)),
        disordered,
        CSCL,
        None,
        42,
        Structure(({"Qq": 1}, [0, 0, 0])),
    ]
    molecule = Structure(({"O": 1}, [0, 0, 0]))
    molecule.lattice = None
    materials, quarantine = from_structures([*structures, molecule])
    assert materials.compositions.formulas.tolist() == ["FeNi", "Fe", "O", "O", "Cl2CsRb", "ClCs", "O"]
    assert materials.structures.present.tolist() == [False] * 5 + [True, False]
    reasons = [entry.reason for entry in quarantine]
    for part in (
        "site 1 is Fe 0.5, Ni 0.5",
        "2 of 3 directions",
        "molecule",
        "1 of 3 directions",
        "occupancies are not",
        "no formula and no structure",
        "cannot be a int",
        "'Qq' is no element",
    ):
        assert any(part in reason for reason in reasons), part
    assert len(materials) + len(quarantine.left_out) == 10


def test_frames():
    frame = pd.DataFrame(
        {"gap": [1.0, np.nan], "kind": ["a", None], "n": [1, 2], "flag": [True, False], "v": [[1], [2]]},
        index=["x", "y"],
    )
    materials, _ = from_structures([CSCL, CSCL], frame)
    assert materials.ids.tolist() == ["x", "y"]
    assert materials.column("gap").missing.tolist() == [False, True]
    assert materials.column("kind").values.tolist() == ["a", ""]
    assert materials.column("flag").values.tolist() == ["True", "False"]
    assert "v" not in materials.columns
    plain, _ = from_structures([CSCL, CSCL], frame.reset_index(drop=True).assign(material_id=["p", "q"]))
    assert plain.ids.tolist() == ["p", "q"]
    assert from_structures([CSCL])[0].ids.tolist() == ["row-1"]
    typed = frame[["n"]].convert_dtypes().reset_index(drop=True)
    assert from_structures([CSCL, CSCL], typed)[0].column("n").values.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("structures", "properties", "ids", "reason"),
    [
        ([], None, None, "no structure in the list"),
        (CSCL, None, None, "given as a list"),
        ("text", None, None, "given as a list"),
        (3, None, None, "given as a list"),
        ([CSCL], {"x": [1, 2]}, None, "2 values for 1 structures"),
        ([CSCL], {"x": 1}, None, "no sequence"),
        ([CSCL], [1], None, "a DataFrame, or a mapping"),
        ([CSCL], None, ["a", "b"], "ids has 2 values"),
        ([42], None, None, "none of the 1 rows"),
    ],
)
def test_refuses(structures, properties, ids, reason):
    with pytest.raises(InputError, match=reason):
        from_structures(structures, properties, ids)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], "number"), ([1.5, None], "number"), ([None, None], "text"), ([2**70, 1], "mixed"),
        ([10**400, 1.0], "mixed"), ([True, None], "flag"), (["a", 1], "mixed"), ([[1], None], "nested"),
        ([np.float32(1), np.int8(2)], "number"), ([np.bool_(True)], "flag"), ([pd.NA, 1], "number"),
        ([True, 1], "mixed"), ([{}, 1], "mixed"),
    ],
)  # fmt: skip
def test_kinds_of_columns(values, kind):
    column = raw_column(values)
    assert column.kind == kind
    assert len(column.cells()) == len(values)


def test_pymatgen_itself():
    core = pytest.importorskip("pymatgen.core")
    lattice = core.Lattice.cubic(4.0)
    ordered = core.Structure(lattice, ["Cs+", "Cl-"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    mixed = core.Structure(lattice, [{"Fe": 0.5, "Ni": 0.5}], [[0, 0, 0]])
    molecule = core.Molecule(["O", "H", "H"], [[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])
    heavy = core.Structure(lattice, ["D"], [[0, 0, 0]])
    materials, quarantine = from_structures([ordered, ordered.as_dict(), mixed, molecule, heavy])
    assert materials.compositions.formulas.tolist() == ["ClCs", "ClCs", "FeNi", "H2O", "H"]
    assert materials.structures.present.tolist() == [True, True, False, False, True]
    assert len(quarantine) == 2


def test_ase_itself(tmp_path):
    ase = pytest.importorskip("ase")
    bulk = pytest.importorskip("ase.build").bulk("NaCl", "rocksalt", a=5.64)
    materials, quarantine = from_structures([bulk, ase.Atoms("OH2", [[0, 0, 0], [1, 0, 0], [0, 1, 0]])])
    assert materials.compositions.formulas.tolist() == ["ClNa", "H2O"]
    assert materials.structures.present.tolist() == [True, False]
    assert "not periodic" in quarantine.rows[0].reason
