"""The sites a CIF lists: labels, elements, occupancies and places, as arrays."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mattomo.materials.crystal import MAX_SITES, StructureError
from mattomo.materials.readers.site_names import GROUPS, element_of, group_of

FRACT = ("_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z")
TOLERANCE = 1e-3
"""Occupancies this near to 1 are 1."""

_CATEGORIES = ("_atom_site_", "_cell_", "_space_group_symop_", "_space_group_", "_chemical_formula_")
_NOTHING = ("", "?", ".")
_MOST_ATTACHED = 20
_ISOTOPES = "deuterium and tritium are read as H"


@dataclass(frozen=True)
class Sites:
    """The n sites of a CIF's list that hold atoms.

    Attributes
    ----------
    labels : list of str
    Z : ndarray of int64, shape (n,)
    occupancy : ndarray of float64, shape (n,)
        Above 0, at most 1.
    coords : ndarray of float64, shape (n, 3)
        Fractional.
    hydrogens : ndarray of float64, shape (n,)
        Hydrogens at the site that have no place of their own.
    notes : tuple of str
    """

    labels: list[str]
    Z: NDArray[np.int64]
    occupancy: NDArray[np.float64]
    coords: NDArray[np.float64]
    hydrogens: NDArray[np.float64]
    notes: tuple[str, ...]


def read_sites(block: Any, formula: Set[int] | None) -> Sites:
    """The sites of a block of a CIF.

    Dummy sites and sites of occupancy 0 are left out, with a note.

    Parameters
    ----------
    block : gemmi.cif.Block
    formula : frozenset of int, optional
        Atomic numbers in the CIF's formula; they tell what a label means where there is no type symbol.

    Raises
    ------
    StructureError
        No site, an occupancy outside 0 to 1, a coordinate that is no number, or no element.
    """
    column = _columns(block)
    fract = [column(tag) for tag in FRACT]
    xyz = [each for each in fract if each is not None]
    if len(xyz) < 3 or not xyz[0]:
        raise no_atoms()
    n = len(xyz[0])
    if n > MAX_SITES:
        raise StructureError(f"the CIF lists {n:,} sites", f"{MAX_SITES:,} are read.")
    written = column("_atom_site_type_symbol")
    types = [""] * n if written is None else ["" if each in _NOTHING else each for each in written]
    labels = column("_atom_site_label") or types
    flags = column("_atom_site_calc_flag")
    occupancy = _numbers(column("_atom_site_occupancy"), n, default=1.0)
    hydrogens = _numbers(column("_atom_site_attached_hydrogens"), n, default=0.0)
    coords = np.array([_numbers(each, n, default=np.nan) for each in xyz]).T
    real = np.array([flag != "dum" for flag in flags]) if flags else np.ones(n, dtype=np.bool_)
    notes = [] if real.all() else ["dummy sites of CIFs are left out"]
    _check(labels, occupancy, coords, real)
    if (occupancy[real] == 0).any():
        notes.append("sites of occupancy 0 are left out")
    kept = np.nonzero(real & (occupancy > 0))[0]
    if not len(kept):
        raise StructureError("the structure has no site")
    if len(kept) < n:
        places = kept.tolist()
        labels, types = [labels[i] for i in places], [types[i] for i in places]
        occupancy, coords, hydrogens = occupancy[kept], coords[kept], hydrogens[kept]
    Z, in_group = _elements(types, labels, formula)
    hydrogens = np.where((hydrogens > 0) & (hydrogens <= _MOST_ATTACHED), hydrogens, 0.0)
    if not (Z == 1).any():  # otherwise O-H and Wat are oxygens whose hydrogens stand beside them
        hydrogens = np.where(hydrogens > 0, hydrogens, in_group)
    if any((types[i] or labels[i])[:1] in ("D", "T") for i in np.nonzero(Z == 1)[0].tolist()):
        notes.append(_ISOTOPES)
    return Sites(labels, Z, np.minimum(occupancy, 1.0), coords, hydrogens, tuple(notes))


def no_atoms() -> StructureError:
    """The error of a CIF without sites."""
    return StructureError(
        "the CIF has no atoms with fractional coordinates", "It needs a loop with _atom_site_fract_x, y, z."
    )


def number(word: str) -> float:
    """A CIF number without its uncertainty, NaN if it is none.

    >>> number("1.234(5)"), number("?")
    (1.234, nan)
    """
    if word.endswith(")"):
        word = word.partition("(")[0]
    try:
        return float(word) if "_" not in word else np.nan
    except ValueError:
        return np.nan


def dotted(tag: str) -> str:
    """The name of a tag in dictionaries of the second generation.

    >>> dotted("_atom_site_label"), dotted("_cell_length_a")
    ('_atom_site.label', '_cell.length_a')
    """
    for category in _CATEGORIES:
        if tag.startswith(category):
            return f"{category[:-1]}.{tag[len(category) :]}"
    return tag


def unquoted(word: str) -> str:
    """A word of a CIF without quotation marks."""
    return word[1:-1] if word[:1] in ("'", '"') else word


def _columns(block: Any) -> Any:
    """A function from a tag to the words in its column, None where there is no such column."""
    first = block.find_values(FRACT[0])
    old = bool(len(first))
    loop = (first if old else block.find_values(dotted(FRACT[0]))).get_loop()
    tags: list[str] = [] if loop is None else [tag.lower() for tag in loop.tags]
    values: list[str] = [] if loop is None else loop.values

    def column(tag: str) -> list[str] | None:
        name = tag if old else dotted(tag)
        if loop is None:  # one site without a loop
            words = list(block.find_values(name))
        elif name in tags:
            words = values[tags.index(name) :: len(tags)]
        else:
            return None
        return list(map(unquoted, words)) or None

    return column


def _numbers(words: Sequence[str] | None, n: int, default: float) -> NDArray[np.float64]:
    """Numbers of a column; ``default`` where it says nothing, NaN where it says no number."""
    if words is None:
        return np.full(n, default)
    try:
        if not any("_" in word for word in words):
            return np.array(list(map(float, words)))
    except ValueError:
        pass
    return np.array([default if word in _NOTHING else number(word) for word in words])


def _check(
    labels: Sequence[str],
    occupancy: NDArray[np.float64],
    coords: NDArray[np.float64],
    real: NDArray[np.bool_],
) -> None:
    wrong = real & ~((occupancy >= 0) & (occupancy <= 1 + TOLERANCE))
    if wrong.any():
        i = int(wrong.argmax())
        raise StructureError(f"site {labels[i]} has occupancy {occupancy[i]:g}", "Occupancies are 0 to 1.")
    wrong = real & (occupancy > 0) & ~(np.abs(coords) <= 1000).all(1)
    if wrong.any():
        i = int(wrong.argmax())
        what = "a fractional coordinate beyond ±1000"
        if not np.isfinite(coords[i]).all():
            what = "a coordinate that is no number"
        raise StructureError(f"site {labels[i]} has {what}", "Coordinates are fractions such as 0.3333(2).")


def _elements(
    types: Sequence[str], labels: Sequence[str], formula: Set[int] | None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Atomic number at each site, and the hydrogens of a group that its name stands for."""
    known: dict[str, tuple[int, int]] = {}
    Z, in_group = [], []
    for kind, label in zip(types, labels, strict=True):
        found = known.get(kind) if kind else None
        if found is None:
            group = group_of(kind, label)
            found = known[kind] = GROUPS[group] if group else (element_of(kind, label, formula), 0)
        Z.append(found[0])
        in_group.append(found[1])
    return np.array(Z, dtype=np.int64), np.array(in_group, dtype=np.float64)
