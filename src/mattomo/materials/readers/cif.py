"""CIF text to crystals, with the symmetry expanded."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mattomo.materials.crystal import Crystal, StructureError, counts_text, crystal, disordered
from mattomo.materials.formula import SYMBOLS, FormulaError, composition, parse
from mattomo.materials.readers import symmetry
from mattomo.materials.readers.cif_sites import (
    FRACT,
    TOLERANCE,
    Sites,
    dotted,
    no_atoms,
    number,
    read_sites,
    unquoted,
)

_CELL = tuple(f"_cell_length_{edge}" for edge in "abc") + tuple(
    f"_cell_angle_{angle}" for angle in ("alpha", "beta", "gamma")
)
_OPERATIONS = ("_space_group_symop_operation_xyz", "_symmetry_equiv_pos_as_xyz")
_HALL = ("_space_group_name_Hall", "_symmetry_space_group_name_Hall")
_NAME = ("_space_group_name_H-M_alt", "_symmetry_space_group_name_H-M", "_space_group_name_H-M_full")
_NUMBER = ("_space_group_IT_number", "_symmetry_Int_Tables_number")
_MAGNETIC = (
    "_space_group_symop_magn_operation.xyz",
    "_space_group_symop_magn_operation_xyz",
    "_space_group_symop.magn_operation_xyz",
)
_BARE_POINT = re.compile(r"(?<![0-9])\.(?=[0-9])")
_SHARE_TOLERANCE = 0.002
_MOST_COMPARED = 2000


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
        block for block in document if block.find_values(FRACT[0]) or block.find_values(dotted(FRACT[0]))
    ]
    if not blocks:
        raise no_atoms()
    return blocks


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
    sites = read_sites(block, frozenset(stated) if stated else None)
    operations, decided = _operations(block, lattice, alpha, gamma)
    coords, origin = symmetry.expand(operations, lattice, sites.coords)
    if sites.hydrogens.any() or sites.occupancy.min() < 1 - TOLERANCE:
        raise _incomplete(sites, np.bincount(origin, minlength=len(sites.Z)), stated)
    numbers = sites.Z[origin]
    symbols = [SYMBOLS[number - 1] for number in numbers.tolist()]
    notes = (*sites.notes, *filter(None, [decided]))
    try:
        found = crystal(lattice, symbols, coords, "; ".join(notes))
    except StructureError:
        kept = _distinct(lattice, numbers, coords)
        if len(kept) == len(numbers):
            raise
        note = "; ".join((*notes, "sites of one element at one place are one"))
        found = crystal(lattice, [symbols[i] for i in kept.tolist()], coords[kept], note)
    _check_formula(found, stated)
    return found


def _incomplete(sites: Sites, counts: NDArray[np.int64], stated: dict[int, float] | None) -> StructureError:
    """The error of sites that are partly occupied, or whose hydrogens have no place."""
    held = np.bincount(sites.Z, sites.occupancy * counts)
    held[1] += (sites.hydrogens * sites.occupancy * counts).sum()
    amounts = {Z: float(held[Z]) for Z in held.nonzero()[0].tolist()}
    without = sites.hydrogens > 0
    if stated and (without.any() or not set(stated) <= set(amounts)):
        amounts = stated  # it counts the atoms that were not found
    partial = sites.occupancy < 1 - TOLERANCE
    if partial.any():
        i = int(partial.argmax())
        return disordered(amounts, f"site {sites.labels[i]} has occupancy {sites.occupancy[i]:g}")
    return StructureError(
        f"site {sites.labels[int(without.argmax())]} has hydrogens without places",
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
    if composition(held) == composition(stated):
        return
    # decimals such as Fe0.95 are rounded: compare shares of the atoms
    total, total_stated = sum(held.values()), sum(stated.values())
    whole = all(amount.is_integer() for amount in stated.values())
    if whole or any(
        abs(held.get(Z, 0) / total - stated.get(Z, 0) / total_stated) > _SHARE_TOLERANCE
        for Z in held.keys() | stated.keys()
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

    for name in (tag, dotted(tag)):
        column = block.find_values(name)
        if len(column):
            text = str(gemmi.cif.as_string(column[0])).strip()
            if text:
                return text
    return ""


def _lattice(block: Any) -> tuple[NDArray[np.float64], float, float]:
    """Vectors as rows (a along x, b in the xy plane), alpha and gamma in degrees."""
    import gemmi

    values = []
    for tag in _CELL:
        value = number(_value(block, tag))
        if not np.isfinite(value):
            raise StructureError(f"the CIF's {tag} is no number", "Give all six cell parameters.")
        values.append(value)
    if not (all(0 < edge < 1e5 for edge in values[:3]) and all(0 < angle < 180 for angle in values[3:])):
        raise StructureError("the CIF's cell has no volume", "Check _cell_length_a … _cell_angle_gamma.")
    cell = gemmi.UnitCell(*values)
    if not (np.isfinite(cell.volume) and cell.volume > 1e-6):
        raise StructureError("the CIF's cell has no volume", "Check _cell_length_a … _cell_angle_gamma.")
    return np.array(cell.orth.mat.tolist(), dtype=np.float64).T, values[3], values[5]


def _operations(
    block: Any, lattice: NDArray[np.float64], alpha: float, gamma: float
) -> tuple[symmetry.Operations, str]:
    """The symmetry the block states and its cell has, and a note on what was decided."""
    name = next(filter(None, (_value(block, tag) for tag in _NAME)), "")
    for tag in _OPERATIONS:
        column = block.find_values(tag)
        if not len(column):
            column = block.find_values(dotted(tag))
        triplets = tuple(map(unquoted, column))
        if any(triplet.strip() for triplet in triplets):
            found = symmetry.listed(triplets)
            symmetry.check_cell(found, lattice)
            return found, _other_group(found, name)
    for tag in _MAGNETIC:
        if len(block.find_values(tag)):
            raise StructureError(
                "the CIF gives magnetic symmetry only", "List the symmetry operations in it."
            )
    if number(_value(block, "_cell_modulation_dimension")) > 0:
        raise StructureError("the structure is modulated", "Give an ordinary cell that stands for it.")
    digits = next(filter(str.isdecimal, (_value(block, tag)[:4] for tag in _NUMBER)), "0")
    ways: list[Callable[[], tuple[symmetry.Operations, str]]] = []
    hall = next(filter(None, (_value(block, tag) for tag in _HALL)), "")
    if hall:
        ways.append(lambda: (symmetry.of_hall(hall), ""))
    if name:
        ways.append(lambda: symmetry.of_name(name, alpha, gamma, int(digits)))
    if not ways and int(digits):
        ways.append(lambda: (symmetry.of_number(int(digits), alpha, gamma), ""))
    if not ways:
        return symmetry.listed(("x,y,z",)), "CIFs that state no symmetry are read as P 1"
    problems: list[StructureError] = []
    for way in ways:
        try:
            found, note = way()
            symmetry.check_cell(found, lattice)
            return found, note
        except StructureError as problem:
            problems.append(problem)
    raise problems[-1]


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
