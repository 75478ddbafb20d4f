"""Which element a site of a CIF holds, from its type symbol or its label."""

from __future__ import annotations

import re
from collections.abc import Set
from functools import lru_cache

from mattomo.materials.crystal import StructureError
from mattomo.materials.formula import ATOMIC_NUMBERS, FormulaError, element

GROUPS: dict[str, tuple[int, int]] = {
    "Wat": (8, 2),
    "H2O": (8, 2),
    "HOH": (8, 2),
    "O-H": (8, 1),
    "NH4": (7, 4),
}
"""Groups at one site whose hydrogens were not found: the other atom, and how many hydrogens."""

_GROUP = re.compile(r"((?i:wat|h2o|hoh|o-h|nh4))(?![a-z])")
_BY_LOWER = {name.lower(): name for name in GROUPS}
_LETTERS = re.compile(r"[A-Za-z]+")
_NO_SITE = frozenset({"", "?", "."})


def group_of(type_symbol: str, label: str) -> str:
    """The name in `GROUPS` of a site that holds a group of atoms, "" for others.

    >>> group_of("", "WatX1"), group_of("O", "Wat10"), group_of("", "O-h4")
    ('Wat', '', 'O-H')
    """
    match = _GROUP.match(label if type_symbol in _NO_SITE else type_symbol)
    return _BY_LOWER[match.group(1).lower()] if match else ""


@lru_cache(maxsize=65536)
def element_of(type_symbol: str, label: str, formula: Set[int] | None = None) -> int:
    """Atomic number of the element at a site.

    A type symbol wins over the label; charges and other suffixes are dropped (``Fe3+``, ``Cval``). A label
    alone may be a site's name (``T1``, ``OA2``, ``NA1``): the elements of the formula then decide.

    Parameters
    ----------
    type_symbol, label : str
        As in the CIF; "", "?" and "." say nothing.
    formula : frozenset of int, optional
        Atomic numbers in the CIF's formula.

    Raises
    ------
    StructureError
        No element, or one of two that cannot be told apart.

    Examples
    --------
    >>> element_of("Fe3+", "M1"), element_of("", "NA1", frozenset({11, 17})), element_of("", "Ow1")
    (26, 11, 8)
    """
    if type_symbol not in _NO_SITE:
        return _from_type(type_symbol, label)
    return _from_label(label, formula)


def _from_type(written: str, label: str) -> int:
    match = _LETTERS.match(written)
    letters = match.group() if match else ""
    two, one = letters[:2].capitalize(), letters[:1].upper()
    if two in ATOMIC_NUMBERS:
        return _number(two, label)
    # OH is oxygen with its hydrogen, Cval a scattering type; but Va, Wat, Ow are not V, W, O for certain
    if one in ATOMIC_NUMBERS and (letters[1:2].isupper() or letters == "Cval" or one in ("O", "H")):
        return _number(one, label)
    return _number(written, label)


def _from_label(label: str, formula: Set[int] | None) -> int:
    match = _LETTERS.match(label)
    if match is None:
        raise StructureError(f"site {label!r} names no element", "Add _atom_site_type_symbol to the CIF.")
    letters = match.group()
    two, one = letters[:2].capitalize(), letters[0].upper()
    possible = [name for name in dict.fromkeys((two, one)) if name in ATOMIC_NUMBERS]
    if formula is not None:
        possible = [name for name in possible if ATOMIC_NUMBERS[name] in formula]
        if not possible:
            raise StructureError(
                f"site {label} names no element of the CIF's formula",
                "Add _atom_site_type_symbol to the CIF, or correct _chemical_formula_sum.",
            )
    if len(possible) == 2 and letters[1].isupper():
        raise StructureError(f"site {label} may be {one} or {two}", "Add _atom_site_type_symbol to the CIF.")
    if formula is None:
        # T1 is a tetrahedral site rather than tritium, Vac a vacancy rather than vanadium
        stray = possible == [one] and letters[1:2].islower() and one not in ("O", "H")
        if stray or (possible[:1] == ["T"]):
            raise StructureError(f"site {label} names no element", "Add _atom_site_type_symbol to the CIF.")
    return _number(possible[0] if possible else two, label)


def _number(symbol: str, label: str) -> int:
    try:
        return element(symbol)
    except FormulaError as error:
        raise StructureError(f"site {label}: {error.reason}", error.hint) from None
