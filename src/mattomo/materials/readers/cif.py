"""CIF text to a crystal, with the symmetry expanded."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from mattomo.materials.crystal import Crystal, StructureError, crystal, disordered
from mattomo.materials.formula import ATOMIC_NUMBERS, FormulaError, element

_SYMMETRY_TAGS = (
    "_symmetry_space_group_name_H-M",
    "_space_group_name_H-M_alt",
    "_symmetry_space_group_name_Hall",
    "_space_group_name_Hall",
)
_CELL_TAGS = tuple(f"_cell_length_{edge}" for edge in "abc") + tuple(
    f"_cell_angle_{angle}" for angle in ("alpha", "beta", "gamma")
)
_TOLERANCE = 1e-3


def from_cif(text: str) -> Crystal:
    """A crystal from CIF text.

    The sites are expanded by the operations listed, else by the space group named; without either the cell
    is P 1. Of several blocks the first with atoms is read, and the crystal's ``note`` says so.

    Parameters
    ----------
    text : str

    Returns
    -------
    Crystal

    Raises
    ------
    StructureError
        Malformed text, no atoms, an unknown space group, coordinates that are no numbers, or disorder (the
        error then carries the composition).
    """
    import gemmi

    try:
        document = gemmi.cif.read_string(text)
    except (ValueError, RuntimeError) as error:
        where = str(error).removeprefix("string:")
        raise StructureError(f"malformed CIF at {where}", "Line and column are counted from 1.") from None
    blocks = [block for block in document if block.find_values("_atom_site_fract_x")]
    if not blocks:
        raise StructureError(
            "the CIF has no atoms with fractional coordinates",
            "It needs a loop with _atom_site_fract_x, y, z.",
        )
    try:
        small = gemmi.make_small_structure_from_block(blocks[0])
    except (ValueError, RuntimeError) as error:
        raise StructureError(f"the CIF cannot be read: {error}") from None
    cell = small.cell
    for tag in _CELL_TAGS:  # gemmi takes a unit cube where one is not a number
        if not np.isfinite(gemmi.cif.as_number(blocks[0].find_value(tag) or "?")):
            raise StructureError(f"the CIF's {tag} is no number", "Give all six cell parameters.")
    if cell.volume < 1e-6 or not np.isfinite(cell.volume):
        raise StructureError("the CIF's cell has no volume", "Check _cell_length_a … _cell_angle_gamma.")
    _set_symmetry(small, blocks[0])
    for site in small.sites:
        if not np.isfinite(site.fract.tolist()).all():
            raise StructureError(f"site {site.label} has a coordinate that is no number")
        if not 0 <= site.occ <= 1 + _TOLERANCE:
            raise StructureError(f"site {site.label} has occupancy {site.occ:g}", "Occupancies are 0 to 1.")
    sites = [site for site in small.get_all_unit_cell_sites() if site.occ > 0]
    symbols = [_element_of(site) for site in sites]
    partial = [site for site in sites if site.occ < 1 - _TOLERANCE]
    if partial:
        amounts: dict[int, float] = {}
        for site, symbol in zip(sites, symbols, strict=True):
            Z = element(symbol)
            amounts[Z] = amounts.get(Z, 0.0) + site.occ
        raise disordered(amounts, f"site {partial[0].label} has occupancy {partial[0].occ:g}")
    note = "" if len(document) == 1 else "of several CIF blocks the first with atoms is read"
    lattice = np.array(cell.orth.mat.tolist(), dtype=np.float64).T
    coords = np.array([site.fract.tolist() for site in sites], dtype=np.float64).reshape(-1, 3) % 1.0
    return crystal(lattice, symbols, coords, note)


def _set_symmetry(small: Any, block: Any) -> None:
    """Fill in the space group where only its number is given; refuse what cannot be expanded."""
    import gemmi

    for operation in small.symops:
        try:
            gemmi.Op(operation)
        except (ValueError, RuntimeError):
            raise StructureError(
                f"{operation[:40]!r} is no symmetry operation", "Operations are such as -x,y+1/2,z."
            ) from None
    if small.symops:
        return
    if small.spacegroup is not None:
        named = small.spacegroup_hall or ":" in small.spacegroup_hm
        if small.spacegroup.ext in ("1", "2") and not named:
            raise StructureError(
                f"space group {small.spacegroup_hm!r} has two origins",
                "List the symmetry operations in the CIF, or name the origin as in 'F d -3 m :2'.",
            )
        return
    for tag in _SYMMETRY_TAGS:
        name = block.find_value(tag)
        if name and gemmi.cif.as_string(name).strip():
            raise StructureError(
                f"unknown space group {gemmi.cif.as_string(name)!r}",
                "List the symmetry operations in the CIF.",
            )
    if small.spacegroup_number > 0:
        settings = [group for group in gemmi.spacegroup_table() if group.number == small.spacegroup_number]
        if len(settings) != 1:
            raise StructureError(
                f"space group number {small.spacegroup_number} alone leaves {len(settings)} settings",
                "Give its Hermann-Mauguin symbol or list the symmetry operations.",
            )
        small.spacegroup = settings[0]
        small.setup_cell_images()


def _element_of(site: Any) -> str:
    written = str(site.type_symbol or "")
    match = re.match(r"[A-Za-z]{1,2}", written)
    if match:
        name = match.group().capitalize()
        # type symbols may carry a suffix: "OH" is O with a hydrogen, "Fe3+" an ion
        symbol = name if name in ATOMIC_NUMBERS else name[0]
    else:
        match = re.match(r"[A-Z][a-z]?", site.label)
        symbol = match.group() if match else site.label
        both = site.label[:2].capitalize()
        if site.label[:2].isalpha() and site.label[:2].isupper() and both in ATOMIC_NUMBERS:
            raise StructureError(
                f"site {site.label} may be {symbol} or {both}", "Add _atom_site_type_symbol to the CIF."
            )
    try:
        element(symbol)
    except FormulaError as error:
        raise StructureError(f"site {site.label}: {error.reason}", error.hint) from None
    return symbol
