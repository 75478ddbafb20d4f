"""JARVIS-DFT records: names, and their ``atoms``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mattomo.materials.crystal import Crystal, StructureError, cartesian_crystal, crystal
from mattomo.materials.quarantine import shown
from mattomo.materials.readers.renaming import rename

NAMES = {
    "atoms": "structure",
    "spg_number": "spacegroup_number",
    "spg_symbol": "spacegroup_symbol",
    "crys": "crystal_system",
    "ehull": "e_above_hull",
    "formation_energy_peratom": "formation_energy_per_atom",
    "nat": "nsites",
}
"""Names of JARVIS to ours, where quantity and unit are the same."""

_HINT = 'Atoms of JARVIS are {"lattice_mat": 3x3 in Å, "coords": […], "elements": […], "cartesian": false}.'


def looks_like(record: Mapping[str, Any]) -> bool:
    """Whether a record is of JARVIS: it has ``atoms`` with a ``lattice_mat``."""
    atoms = record.get("atoms")
    return isinstance(atoms, str | dict) and "lattice_mat" in atoms


def flatten(record: dict[str, Any], renamed: dict[str, str]) -> dict[str, Any]:
    """The record by our names; ``renamed`` collects those that changed."""
    return rename(record, NAMES, renamed)


def from_atoms(atoms: Mapping[str, Any]) -> Crystal:
    """A crystal from the mapping of JARVIS atoms.

    Raises
    ------
    StructureError
    """
    elements = atoms.get("elements")
    if not isinstance(elements, list | tuple):
        raise StructureError("the atoms have no list elements", _HINT)
    cartesian = atoms.get("cartesian", False)
    if not isinstance(cartesian, bool):
        raise StructureError(f"cartesian is {shown(cartesian)} where true or false belongs", _HINT)
    build = cartesian_crystal if cartesian else crystal
    return build(atoms.get("lattice_mat"), elements, atoms.get("coords"))
