"""What is known of the properties people use: label, unit, scalar or category, extensive or not."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from mattomo.errors import InputError

Kind = Literal["scalar", "category"]
Level = Literal["element", "site"]


@dataclass(frozen=True)
class PropertyInfo:
    """Description of one property.

    Attributes
    ----------
    name : str
        Column name.
    label : str
        Name for people.
    unit : str
        Unit of the values, empty for dimensionless ones.
    kind : {"scalar", "category"}
        Flags are categories with two levels.
    extensive : bool or None
        Grows with the size of the cell; ``None`` when unknown.
    note : str
        Provenance or caveat, shown in reports.
    none_is_class : bool
        The text "None" is a class of its own, not a missing value.
    resolution : float or None
        Full width of the window, in the unit, within which two values cannot be told apart: a value is true
        to plus or minus half of it. ``None`` for categories, which are exact, and where nothing is known.
    atoms : {"element", "site"}, optional
        The values belong to the atoms, given by element or by site; a material's own is then their mean.
    """

    name: str
    label: str
    unit: str = ""
    kind: Kind = "scalar"
    extensive: bool | None = None
    note: str = ""
    none_is_class: bool = False
    resolution: float | None = None
    atoms: Level | None = None

    @property
    def is_provenance(self) -> bool:
        """Whether it says where values come from, and is no property of the material."""
        return self.note.startswith("provenance")


_OURS = "derived by our own rules from formula and functional, not the Materials Project's label"
_CELL = "per cell: depends on the cell chosen"


RESOLUTIONS: dict[str, float] = {
    # gaps read from optical absorption scatter by about 0.1 eV between laboratories
    "band_gap": 0.2,
    # pycnometers and diffraction agree to about 1 %, here of 5 g/cm³
    "density": 0.1,
    # reaction energies of oxides, computed against measured: 0.024 eV/atom (Hautier 2012, PRB 85, 155208)
    "e_above_hull": 0.05,
    # convergence of the Materials Project: 5 meV/atom (Jain 2011, Comput. Mater. Sci. 50, 2295); ten atoms
    "energy": 0.1,
    "energy_per_atom": 0.01,
    "energy_per_atom_raw": 0.01,
    # computed against measured: 0.096 eV/atom, measured twice: 0.082 (Kirklin 2015, npj Comput. Mater. 1)
    "formation_energy_per_atom": 0.2,
    "formation_energy_ev_natom": 0.02,
    # counts are exact: any width below one
    "nsites": 0.5,
    "nsites_mp2019": 0.5,
    "nelements": 0.5,
    "num_magnetic_sites": 0.5,
    "number_of_total_atoms": 0.5,
    "total_magnetization": 0.2,
    # cells of PBE are 1 to 3 % too large (Haas 2009, PRB 79, 085104), here of 150 Å³ and of 16 Å³/atom
    "volume": 5.0,
    "volume_per_atom": 0.5,
    # photoemission, and the choice of the zero
    "efermi": 0.2,
    "cbm": 0.2,
    "vbm": 0.2,
    "bandgap_energy_ev": 0.2,
    # computed moduli are mostly within 15 % of measured ones (de Jong 2015, Sci. Data 2, 150009)
    "bulk_modulus_vrh": 20.0,
    "shear_modulus_vrh": 10.0,
    "poisson_ratio": 0.02,
    "elastic_anisotropy": 0.2,
    "debye_temperature": 40.0,
    # dielectric constants: mostly within 25 % of measured ones (Petousis 2017, Sci. Data 4, 160134)
    "dielectric_total": 2.0,
    "dielectric_electronic": 0.5,
    "refractive_index": 0.1,
    **{f"percent_atom_{symbol}": 0.01 for symbol in ("al", "ga", "in")},
    **{f"lattice_vector_{axis}_ang": 0.1 for axis in (1, 2, 3)},
    **{f"lattice_angle_{angle}_degree": 1.0 for angle in ("alpha", "beta", "gamma")},
}
"""How far values can be told apart by default: errors of measurements, or of computations against them.

Orders of magnitude, to be overridden where better is known; they are absolute, so that a width that suits a
typical value is strict for a large one and lax for a small one."""


def _scalar(
    name: str, label: str, unit: str = "", note: str = "", extensive: bool | None = False
) -> PropertyInfo:
    resolution = RESOLUTIONS.get(name)
    return PropertyInfo(name, label, unit, "scalar", extensive, note, resolution=resolution)


def _category(name: str, label: str, note: str = "", none_is_class: bool = False) -> PropertyInfo:
    return PropertyInfo(name, label, "", "category", False, note, none_is_class)


REGISTRY: dict[str, PropertyInfo] = {
    info.name: info
    for info in (
        # the paper's targets
        _scalar("band_gap", "band gap", "eV", "zero for metals"),
        _scalar("density", "density", "g/cm³"),
        _scalar("e_above_hull", "energy above hull", "eV/atom"),
        _scalar("energy", "energy", "eV/cell", _CELL, extensive=True),
        _scalar("energy_per_atom", "energy per atom", "eV/atom", "null where the functional is mixed"),
        _scalar("formation_energy_per_atom", "formation energy per atom", "eV/atom"),
        _scalar("nsites", "sites", "sites/cell", _CELL, extensive=True),
        _scalar(
            "total_magnetization",
            "total magnetization",
            "μB/cell",
            "per cell, raw: the sign is arbitrary and zero carries noise of 1e-6",
            extensive=True,
        ),
        _scalar("volume", "volume", "Å³/cell", _CELL, extensive=True),
        # the paper's categories
        _category("is_hubbard", "Hubbard U used", "whether the calculation is GGA+U"),
        _category("oxide_type", "oxide type", 'the class "None" means no oxide', none_is_class=True),
        _category("crystal_system", "crystal system", "follows from the space group"),
        _category("spacegroup_number", "space group number", "1 to 230"),
        _category("is_hubbard_derived", "Hubbard U used (derived)", _OURS),
        _category("oxide_type_derived", "oxide type (derived)", _OURS, none_is_class=True),
        # Materials Project, further
        _scalar("nelements", "number of elements", "", "follows from the composition"),
        _scalar("efermi", "Fermi energy", "eV", "no common zero between materials"),
        _scalar("cbm", "conduction band minimum", "eV", "null for metals; no common zero"),
        _scalar("vbm", "valence band maximum", "eV", "null for metals; no common zero"),
        _scalar("volume_per_atom", "volume per atom", "Å³/atom"),
        _scalar(
            "energy_per_atom_raw", "energy per atom (raw)", "eV/atom", "mixes functionals: not comparable"
        ),
        _scalar("num_magnetic_sites", "magnetic sites", "sites/cell", _CELL, extensive=True),
        _category("is_gap_direct", "direct gap"),
        _category("is_metal", "metal", "follows from the band gap"),
        _category("is_magnetic", "magnetic"),
        _category("is_stable", "stable", "follows from the energy above hull"),
        _category("magnetic_ordering", "magnetic ordering", "NM, FM, FiM or AFM"),
        _category("spacegroup_symbol", "space group"),
        _category("point_group", "point group", "follows from the space group"),
        _category("energy_mixed_functional", "mixed functional", "provenance of the energy"),
        _scalar("bulk_modulus_vrh", "bulk modulus", "GPa", "Voigt-Reuss-Hill average; null on most rows"),
        _scalar("shear_modulus_vrh", "shear modulus", "GPa", "Voigt-Reuss-Hill average; null on most rows"),
        _scalar("poisson_ratio", "Poisson ratio", "", "null on most rows"),
        _scalar("elastic_anisotropy", "elastic anisotropy", "", "null on most rows"),
        _scalar("debye_temperature", "Debye temperature", "K", "null on most rows"),
        _scalar("dielectric_total", "dielectric constant", "", "null on most rows"),
        _scalar("dielectric_electronic", "electronic dielectric constant", "", "null on most rows"),
        _scalar("refractive_index", "refractive index", "", "null on most rows"),
        # Materials Project, labels of 2018-2019
        _scalar("nsites_mp2019", "sites (2019)", "sites/cell", _CELL, extensive=True),
        _category("cell_flag", "agreement of cells", "provenance: leave out of studies"),
        _category("energy_filled", "energy filled in", "provenance: energy computed from formation energy"),
        _scalar("label_residual", "label residual", "eV/atom", "provenance: leave out of studies"),
        _category("label_snapshot", "snapshot of labels", "provenance: leave out of studies"),
        # which part of a benchmark a row belongs to
        _category("split", "part of the data set", "provenance: leave out of studies"),
        # NOMAD 2018
        _scalar("formation_energy_ev_natom", "formation energy per atom", "eV/atom", "NOMAD 2018 reference"),
        _scalar("bandgap_energy_ev", "band gap", "eV"),
        _category("spacegroup", "space group number", "1 to 230"),
        _scalar("number_of_total_atoms", "atoms in the cell", "sites/cell", _CELL, extensive=True),
        *(
            _scalar(f"percent_atom_{symbol.lower()}", f"share of {symbol}", "", "fraction of the cations")
            for symbol in ("Al", "Ga", "In")
        ),
        *(
            _scalar(f"lattice_vector_{axis}_ang", f"lattice vector {axis}", "Å", "depends on the cell chosen")
            for axis in (1, 2, 3)
        ),
        *(
            _scalar(
                f"lattice_angle_{angle}_degree", f"lattice angle {angle}", "°", "depends on the cell chosen"
            )
            for angle in ("alpha", "beta", "gamma")
        ),
    )
}
"""What is known of the properties of the data sets around; names not listed are described by guess."""

PAPER_TARGETS: tuple[str, ...] = (
    "band_gap",
    "density",
    "e_above_hull",
    "energy",
    "energy_per_atom",
    "formation_energy_per_atom",
    "nsites",
    "total_magnetization",
    "volume",
)
"""The nine properties the paper predicts, in its order."""

PAPER_PROPERTIES: tuple[str, ...] = (
    *PAPER_TARGETS,
    "is_hubbard",
    "oxide_type",
    "crystal_system",
    "spacegroup_number",
)
"""The thirteen properties the paper adds."""

ALIASES: dict[str, tuple[str, ...]] = {
    "band_gap": ("bandgap_energy_ev",),
    "nsites": ("number_of_total_atoms",),
    "is_hubbard": ("is_hubbard_derived",),
    "oxide_type": ("oxide_type_derived",),
    "spacegroup_number": ("spacegroup",),
}
"""Columns that can stand for a canonical name, best first."""


def resolve(name: str, columns: Iterable[str]) -> str:
    """The column that stands for ``name``: itself, else its first alias present.

    Parameters
    ----------
    name : str
        A canonical name such as ``"oxide_type"``, or any column's.
    columns : iterable of str
        The columns of the table.

    Raises
    ------
    InputError
        Neither is there; the message lists the nearest names.

    Examples
    --------
    >>> resolve("oxide_type", ["density", "oxide_type_derived"])
    'oxide_type_derived'
    """
    present = list(columns)
    for candidate in (name, *ALIASES.get(name, ())):
        if candidate in present:
            return candidate
    raise InputError("no such property", column=name, hint=nearest(name, present))


def nearest(name: str, present: list[str]) -> str:
    """A hint that lists the names most like ``name``."""
    near = difflib.get_close_matches(name, present, n=3)
    if near:
        return f"Did you mean: {', '.join(near)}?"
    return f"There are: {', '.join(present[:12])}{', …' if len(present) > 12 else ''}."


def describe(name: str, values: Iterable[Any]) -> PropertyInfo:
    """The registered description of a column, else one guessed from its values.

    Numbers make a scalar; texts and flags a category.

    >>> describe("my_flag", [True, False]).kind
    'category'
    """
    if name in REGISTRY:
        return REGISTRY[name]
    first = next((value for value in values if value is not None), None)
    # numpy's flags are neither Python's nor numbers
    category = isinstance(first, bool | str) or type(first).__name__ in ("bool", "bool_")
    return PropertyInfo(name, name.replace("_", " "), kind="category" if category else "scalar")
