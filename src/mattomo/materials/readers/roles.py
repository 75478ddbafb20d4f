"""Which columns say who a material is: its identifier, formula and structure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mattomo.errors import InputError
from mattomo.materials.readers.raw import RawColumn, RawTable

ID_NAMES = ("material_id", "id", "mp_id", "jid", "name")
FORMULA_NAMES = ("formula", "pretty_formula", "composition", "reduced_formula", "formula_pretty")
STRUCTURE_NAMES = ("structure", "cif", "poscar")
STRUCTURE_PARTS = ("lattice", "species", "frac_coords")

_PLAIN = ("text", "number", "flag", "mixed")


@dataclass(frozen=True)
class Roles:
    """Names of the columns; ``structure`` has one name or three, or none."""

    id: str | None
    formula: str | None
    structure: tuple[str, ...]


def find_roles(raw: RawTable, formula: str | None, id: str | None, structure: str | None) -> Roles:
    """The columns named, else those found by their usual names in any case.

    Raises
    ------
    InputError
        A column named is not there, or neither formulas nor structures are found.
    """
    for name in (formula, id, structure):
        if name is not None:
            raw.require(name)
    lower = {name.lower(): name for name in reversed(raw.columns)}
    found_id = id or _first(raw, lower, ID_NAMES, _PLAIN)
    if id is None and found_id is not None and found_id.lower() == "name":
        # names of minerals repeat; as identifiers they would leave rows out
        cells = [str(cell) for cell in raw.columns[found_id].cells()]
        found_id = found_id if len(set(cells)) == len(cells) else None
    parts = [lower[part] for part in STRUCTURE_PARTS if part in lower]
    one = structure or _first(raw, lower, STRUCTURE_NAMES, ("text", "nested", "mixed"))
    three = tuple(parts) if len(parts) == len(STRUCTURE_PARTS) else ()
    found_formula = formula or _first(raw, lower, FORMULA_NAMES, ("text", "mixed"))
    if found_formula is None:
        amounts = _first(raw, lower, FORMULA_NAMES, ("nested",))
        found_formula = amounts if amounts and _holds_mappings(raw.columns[amounts]) else None
    roles = Roles(found_id, found_formula, (one,) if one else three)
    if roles.formula is None and not roles.structure:
        raise InputError(
            f"neither a formula nor a structure column among: {', '.join(list(raw.columns)[:30])}",
            file=raw.file,
            hint=f"Name one of them {FORMULA_NAMES[0]!r} or {STRUCTURE_NAMES[0]!r}, or say which it is.",
        )
    return roles


def _holds_mappings(column: RawColumn) -> bool:
    """Whether the cells can be elements with their amounts."""
    first = next((cell for cell in column.cells() if cell is not None), None)
    return isinstance(first, dict) or (isinstance(first, str) and first.startswith("{"))


def _first(raw: RawTable, lower: dict[str, str], names: Iterable[str], kinds: Sequence[str]) -> str | None:
    for name in names:
        if name in lower and raw.columns[lower[name]].kind in kinds:
            return lower[name]
    return None
