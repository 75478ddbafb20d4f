"""What is known of the properties people use: label, unit, scalar or category, extensive or not."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from mattomo.errors import InputError

Kind = Literal["scalar", "category"]


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
    """

    name: str
    label: str
    unit: str = ""
    kind: Kind = "scalar"
    extensive: bool | None = None
    note: str = ""
    none_is_class: bool = False

    @property
    def is_provenance(self) -> bool:
        """Whether it says where values come from, and is no property of the material."""
        return self.note.startswith("provenance")


_OURS = "derived by our own rules from formula and functional, not the Materials Project's label"
_CELL = "per cell: depends on the cell chosen"


def _scalar(
    name: str, label: str, unit: str = "", note: str = "", extensive: bool | None = False
) -> PropertyInfo:
    return PropertyInfo(name, label, unit, "scalar", extensive, note)


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
