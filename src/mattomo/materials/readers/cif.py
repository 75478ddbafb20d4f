"""CIF text to crystals, with the symmetry expanded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mattomo.materials.crystal import MAX_SITES, Crystal, StructureError, counts_text, crystal, disordered
from mattomo.materials.formula import SYMBOLS, FormulaError, composition, parse
from mattomo.materials.readers import symmetry
from mattomo.materials.readers.site_names import GROUPS, element_of, group_of

_CELL = tuple(f"_cell_length_{edge}" for edge in "abc") + tuple(
    f"_cell_angle_{angle}" for angle in ("alpha", "beta", "gamma")
)
_XYZ = ("_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z")
_OPERATIONS = ("_space_group_symop_operation_xyz", "_symmetry_equiv_pos_as_xyz")
_HALL = ("_space_group_name_Hall", "_symmetry_space_group_name_Hall")
_NAME = ("_space_group_name_H-M_alt", "_symmetry_space_group_name_H-M", "_space_group_name_H-M_full")
_NUMBER = ("_space_group_IT_number", "_symmetry_Int_Tables_number")
_CATEGORIES = ("_atom_site_", "_cell_", "_space_group_symop_", "_space_group_", "_chemical_formula_")
_MAGNETIC = (
    "_space_group_symop_magn_operation.xyz",
    "_space_group_symop_magn_operation_xyz",
    "_space_group_symop.magn_operation_xyz",
)
_TOLERANCE = 1e-3
_BARE_POINT = re.compile(r"(?<![0-9])\.(?=[0-9])")
_SHARE_TOLERANCE = 0.002
_MOST_COMPARED = 2000
_TWICE = "sites of one element at one place are one"
_ISOTOPES = "deuterium and tritium are read as H"


def from_cif(text: str) -> Crystal:
    """A crystal from CIF text.

    The sites are expanded by the operations listed, else by the space group named (Hall symbol,
    Hermann-Mauguin symbol, number); without any of them the cell is P 1. Of several blocks with atoms the
    first is read, and the crystal's ``note`` says so.

    Parameters
    ----------
    text : str

    Returns
    -------
    Crystal

    Raises
    ------
    StructureError
        Malformed text, no atoms, unknown or contradictory symmetry, coordinates that are no numbers,
        disorder, sites at one place, or sites that are not the CIF's formula. The error carries the
        composition where the CIF states it: by its occupancies if disordered, else by its formula.
    """
    blocks = _blocks(text)
    found = _from_block(blocks[0])
    if len(blocks) > 1:
        note = "; ".join(filter(None, (found.note, "of several CIF blocks with atoms the first is read")))
        return Crystal(found.lattice, found.Z, found.frac_coords, note)
    return found


def cif_structures(text: str) -> list[tuple[str, Crystal | StructureError]]:
    """Name of each block with atoms, and its crystal or why it has none.

    Raises
    ------
    StructureError
        Malformed text, or no block with atoms.
    """
    found: list[tuple[str, Crystal | StructureError]] = []
    for block in _blocks(text):
        try:
            found.append((block.name.strip(), _from_block(block)))
        except StructureError as error:
            found.append((block.name.strip(), error))
    return found


def _blocks(text: str) -> list[Any]:
    """The blocks with atoms."""
    import gemmi

    text = text.lstrip("\ufeff").rstrip("\x1a\0 \r\n\t") + "\n"
    try:
        try:
            document = gemmi.cif.read_string(text)
        except ValueError as error:
            if "expected block header" not in str(error):
                raise
            document = gemmi.cif.read_string("data_\n" + text)
    except TypeError:  # lone surrogates
        raise StructureError("malformed CIF: it holds what is no text", "Save it as UTF-8.") from None
    except (ValueError, RuntimeError) as error:
        where = str(error).removeprefix("string:").splitlines()[0][:200]
        raise StructureError(f"malformed CIF at {where}", "Line and column are counted from 1.") from None
    blocks = [
        block for block in document if block.find_values(_XYZ[0]) or block.find_values(_dotted(_XYZ[0]))
    ]
    if not blocks:
        raise StructureError(
            "the CIF has no atoms with fractional coordinates",
            "It needs a loop with _atom_site_fract_x, y, z.",
        )
    return blocks


def _dotted(tag: str) -> str:
    """The name of a tag in dictionaries of the second generation: ``_atom_site.label``."""
    for category in _CATEGORIES:
        if tag.startswith(category):
            return f"{category[:-1]}.{tag[len(category) :]}"
    return tag


@dataclass(frozen=True)
class _Site:
    label: str
    Z: int
    occupancy: float
    coords: tuple[float, float, float]
    hydrogens: float
    in_group: int


def _from_block(block: Any) -> Crystal:
    stated = _formula(block)
    try:
        return _crystal(block, stated)
    except StructureError as error:
        if error.amounts is None and stated:
            error.amounts = stated
        raise


def _crystal(block: Any, stated: dict[int, float] | None) -> Crystal:
    lattice, alpha, gamma = _lattice(block)
    rows = _rows(block)
    formula = frozenset(stated) if stated else None
    sites: list[_Site] = []
    notes: list[str] = []
    for label, kind, xyz, occupancy, hydrogens, flag in zip(*rows, strict=True):
        if flag == "dum":  # a dummy of the file, no atom
            notes.append("dummy sites of CIFs are left out")
            continue
        amount = 1.0 if occupancy in ("?", ".") else _number(occupancy)
        if not 0 <= amount <= 1 + _TOLERANCE:
            raise StructureError(f"site {label} has occupancy {occupancy[:20]}", "Occupancies are 0 to 1.")
        if amount == 0:
            notes.append("sites of occupancy 0 are left out")
            continue
        x, y, z = map(_number, xyz)
        if not (abs(x) <= 1000 and abs(y) <= 1000 and abs(z) <= 1000):
            raise StructureError(
                f"site {label} has a coordinate that is no number"
                if x != x or y != y or z != z
                else f"site {label} has a fractional coordinate beyond ±1000"
            )
        group = group_of(kind, label)
        Z = GROUPS[group][0] if group else element_of(kind, label, formula)
        attached = _number(hydrogens)
        if not 0 <= attached <= 20:
            attached = 0.0
        if Z == 1 and (kind or label)[:1] in ("D", "T"):
            notes.append(_ISOTOPES)
        in_group = GROUPS[group][1] if group else 0
        sites.append(_Site(label, Z, min(amount, 1.0), (x, y, z), attached, in_group))
    if not sites:
        raise StructureError("the structure has no site")
    if not any(site.Z == 1 for site in sites):  # otherwise O-H and Wat are oxygens with hydrogens beside them
        sites = [replace(site, hydrogens=site.hydrogens or site.in_group) for site in sites]
    operations, decided = _operations(block, alpha, gamma)
    notes.append(decided)
    symmetry.check_cell(operations, lattice)
    coords, origin = symmetry.expand(operations, lattice, np.array([site.coords for site in sites]))
    numbers = np.array([site.Z for site in sites], dtype=np.int64)[origin]
    counts = np.bincount(origin, minlength=len(sites)).tolist()
    if any(site.hydrogens or site.occupancy < 1 - _TOLERANCE for site in sites):
        raise _incomplete(sites, counts, stated)
    symbols = [SYMBOLS[number - 1] for number in numbers.tolist()]
    note = "; ".join(filter(None, dict.fromkeys(notes)))
    try:
        found = crystal(lattice, symbols, coords, note)
    except StructureError:
        kept = _distinct(lattice, numbers, coords)
        if len(kept) == len(numbers):
            raise
        note = f"{note}; {_TWICE}" if note else _TWICE
        found = crystal(lattice, [symbols[i] for i in kept.tolist()], coords[kept], note)
    _check_formula(found, stated)
    return found


def _incomplete(sites: Sequence[_Site], counts: list[int], stated: dict[int, float] | None) -> StructureError:
    """The error of sites that are partly occupied, or whose hydrogens have no place."""
    amounts: dict[int, float] = {}
    for site, count in zip(sites, counts, strict=True):
        amounts[site.Z] = amounts.get(site.Z, 0.0) + site.occupancy * count
        if site.hydrogens:
            amounts[1] = amounts.get(1, 0.0) + site.hydrogens * site.occupancy * count
    without = next((site for site in sites if site.hydrogens), None)
    if stated and (without or not set(stated) <= set(amounts)):
        amounts = stated  # it counts the atoms that were not found
    partial = next((site for site in sites if site.occupancy < 1 - _TOLERANCE), None)
    if partial:
        return disordered(amounts, f"site {partial.label} has occupancy {partial.occupancy:g}")
    return StructureError(
        f"site {without.label if without else ''} has hydrogens without places",
        "Only the composition is used; give a structure with all its atoms.",
        amounts,
    )


def _distinct(
    lattice: NDArray[np.float64], Z: NDArray[np.int64], coords: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Positions of the sites without those of one element at one place.

    Some files list all atoms of the cell and name a space group besides.
    """
    n = len(Z)
    if n > _MOST_COMPARED:
        return np.arange(n)
    apart = coords[:, None] - coords[None]
    apart -= np.rint(apart)
    vectors = apart @ lattice
    twice = (np.einsum("ijk,ijk->ij", vectors, vectors) < symmetry.SPECIAL**2) & (Z[:, None] == Z[None])
    repeated = (twice & np.tri(n, k=-1, dtype=np.bool_)).any(1)
    return np.nonzero(~repeated)[0]


def _check_formula(found: Crystal, stated: dict[int, float] | None) -> None:
    if not stated:
        return
    held = found.amounts
    # amounts such as Fe0.95 are rounded: compare shares of the atoms
    total, total_stated = sum(held.values()), sum(stated.values())
    if any(
        abs(held.get(number, 0) / total - stated.get(number, 0) / total_stated) > _SHARE_TOLERANCE
        for number in held.keys() | stated.keys()
    ):
        raise StructureError(
            f"the sites are {composition(held).formula} ({counts_text(held)}), "
            f"_chemical_formula_sum is {composition(stated).formula}",
            "Correct either; only the formula is used.",
            stated,
        )


def _value(block: Any, tag: str) -> str:
    """The first value of a tag without quotation marks, "" if there is none."""
    import gemmi

    for name in (tag, _dotted(tag)):
        column = block.find_values(name)
        if len(column):
            text = str(gemmi.cif.as_string(column[0])).strip()
            if text:
                return text
    return ""


def _number(word: str) -> float:
    """A CIF number without its uncertainty, NaN if it is none: ``1.234(5)``."""
    if word.endswith(")"):
        word = word.partition("(")[0]
    try:
        return float(word) if "_" not in word else np.nan
    except ValueError:
        return np.nan


def _lattice(block: Any) -> tuple[NDArray[np.float64], float, float]:
    """Vectors as rows (a along x, b in the xy plane), alpha and gamma in degrees."""
    import gemmi

    values = []
    for tag in _CELL:
        value = _number(_value(block, tag))
        if not np.isfinite(value):
            raise StructureError(f"the CIF's {tag} is no number", "Give all six cell parameters.")
        values.append(value)
    if not (all(0 < edge < 1e5 for edge in values[:3]) and all(0 < angle < 180 for angle in values[3:])):
        raise StructureError("the CIF's cell has no volume", "Check _cell_length_a … _cell_angle_gamma.")
    cell = gemmi.UnitCell(*values)
    if not (np.isfinite(cell.volume) and cell.volume > 1e-6):
        raise StructureError("the CIF's cell has no volume", "Check _cell_length_a … _cell_angle_gamma.")
    return np.array(cell.orth.mat.tolist(), dtype=np.float64).T, values[3], values[5]


def _rows(block: Any) -> tuple[list[Any], ...]:
    """Label, type symbol, coordinates, occupancy, attached hydrogens and flag of each site, as written."""
    first = block.find_values(_XYZ[0])
    dotted = not len(first)
    loop = (block.find_values(_dotted(_XYZ[0])) if dotted else first).get_loop()
    if loop is None:  # one site without a loop

        def column(tag: str) -> list[str] | None:
            value = _value(block, tag)
            return [value] if value else None
    else:
        tags, values = [tag.lower() for tag in loop.tags], loop.values
        width = len(tags)

        def column(tag: str) -> list[str] | None:
            name = (_dotted(tag) if dotted else tag).lower()
            return values[tags.index(name) :: width] if name in tags else None

    xyz = [column(tag) for tag in _XYZ]
    if any(each is None for each in xyz):
        raise StructureError(
            "the CIF has no atoms with fractional coordinates",
            "It needs a loop with _atom_site_fract_x, y, z.",
        )
    coords = list(zip(*(each or [] for each in xyz), strict=True))
    n = len(coords)
    if n > MAX_SITES:
        raise StructureError(f"the CIF lists {n:,} sites", f"{MAX_SITES:,} are read.")
    types = list(map(_unquoted, column("_atom_site_type_symbol") or [""] * n))
    labels = list(map(_unquoted, column("_atom_site_label") or types))
    types = ["" if kind in ("?", ".") else kind for kind in types]
    rest = (
        column(f"_atom_site_{name}") or [default] * n
        for name, default in (("occupancy", "."), ("attached_hydrogens", "."), ("calc_flag", "."))
    )
    return labels, types, coords, *rest


def _unquoted(word: str) -> str:
    return word[1:-1] if word[:1] in ("'", '"') else word


def _operations(block: Any, alpha: float, gamma: float) -> tuple[symmetry.Operations, str]:
    """The symmetry the block states, and a note on what was decided."""
    name = next(filter(None, (_value(block, tag) for tag in _NAME)), "")
    for tag in _OPERATIONS:
        column = block.find_values(tag)
        if not len(column):
            column = block.find_values(_dotted(tag))
        triplets = tuple(map(_unquoted, column))
        if any(triplet.strip() for triplet in triplets):
            found = symmetry.listed(triplets)
            return found, _other_group(found, name)
    for tag in _MAGNETIC:
        if len(block.find_values(tag)):
            raise StructureError(
                "the CIF gives magnetic symmetry only", "List the symmetry operations in it."
            )
    if _number(_value(block, "_cell_modulation_dimension")) > 0:
        raise StructureError("the structure is modulated", "Give an ordinary cell that stands for it.")
    number = _value(block, _NUMBER[0]) or _value(block, _NUMBER[1])
    for tag in _HALL:
        hall = _value(block, tag)
        if hall:
            return symmetry.of_hall(hall), ""
    if name:
        return symmetry.of_name(name, alpha, gamma, int(number[:4]) if number.isdecimal() else 0)
    if number.isdecimal():
        return symmetry.of_number(int(number[:4]), alpha, gamma), ""
    return symmetry.listed(("x,y,z",)), "CIFs that state no symmetry are read as P 1"


def _other_group(found: symmetry.Operations, name: str) -> str:
    """A note where the operations listed are not those of the group named; the operations hold."""
    if not name or not found.group or symmetry.same_group(found.group, name):
        return ""
    return "the symmetry operations listed are followed where the group named is another"


def _formula(block: Any) -> dict[int, float] | None:
    """The amounts _chemical_formula_sum states, None if it cannot be read."""
    text = _value(block, "_chemical_formula_sum")
    if not text or len(text) > 300:
        return None
    try:
        return parse(_BARE_POINT.sub("0.", text))
    except FormulaError:
        return None
