"""Symmetry operations of a CIF, and the sites they make of the ones listed."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mattomo.materials.crystal import MAX_SITES, StructureError

SPECIAL = 0.1
"""A site nearer than this, in Å, to its own image lies on a special position and is moved onto it."""

_MAX_OPERATIONS = 1000
_MAX_IMAGES = 2_000_000
_LONGEST = 40
_LARGEST_ENTRY = 3  # of a rotation; more than 2 is in no setting of use
_LARGEST_UNIT = 500
_ROUNDING = Fraction(2, 1000)
_TERM = re.compile(r"([+-]?)(?:([0-9]?)\*?([xyz])|([0-9]*\.?[0-9]+(?:/[1-9][0-9]*)?|[0-9]+\.))")
_CELL_TOLERANCE = 0.01
_LIST_HINT = "List the symmetry operations in the CIF."
_ORIGIN = re.compile(r"[\s(:]*(?:origin(?:\s+choice)?\s*([12])|([SZ])|([HR]))[\s)]*$", re.IGNORECASE)
_AXES = re.compile(r"\s*[{(]?\s*(rhombohedral|hexagonal)(?:\s+axes)?\s*[})]?\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Operations:
    """The operations of a space group in one setting.

    Attributes
    ----------
    rotations : ndarray of float64, shape (m, 3, 3)
        Act on columns of fractional coordinates.
    translations : ndarray of float64, shape (m, 3)
    group : str
        Extended Hermann-Mauguin symbol, "" when the setting is in no table.
    """

    rotations: NDArray[np.float64]
    translations: NDArray[np.float64]
    group: str

    def __len__(self) -> int:
        return len(self.translations)


@lru_cache(maxsize=1024)
def listed(triplets: tuple[str, ...]) -> Operations:
    """The operations of a list such as ``("x,y,z", "-x,-y,-z")``.

    Raises
    ------
    StructureError
        A text that is no operation, or operations that are no group.
    """
    import gemmi

    if len(triplets) > _MAX_OPERATIONS:
        raise StructureError(f"{len(triplets):,} symmetry operations are too many to be meant")
    parsed = list(dict.fromkeys(map(_parsed, triplets)))
    unit = math.lcm(*(part.denominator for _, translation in parsed for part in translation))
    if unit > _LARGEST_UNIT:
        raise StructureError("the translations of the symmetry operations have no common fraction")
    rotations = np.array([rotation for rotation, _ in parsed], dtype=np.int64).reshape(-1, 3, 3)
    translations = np.array([[int(part * unit) for part in moved] for _, moved in parsed], dtype=np.int64)
    if not _is_group(rotations, translations, unit):
        raise StructureError(
            "the symmetry operations listed are no group: one is missing or mistyped",
            "Compare them with the space group's.",
        )
    try:
        known = gemmi.find_spacegroup_by_ops(gemmi.GroupOps([gemmi.Op(triplet) for triplet in triplets]))
    except (ValueError, RuntimeError):  # an unusual cell, as with 2x
        known = None
    return Operations(
        rotations.astype(np.float64), translations / float(unit), known.xhm() if known is not None else ""
    )


@lru_cache(maxsize=65536)
def _parsed(triplet: str) -> tuple[tuple[int, ...], tuple[Fraction, ...]]:
    """Nine entries of the rotation and the translation in [0, 1) of a text such as ``-y,x-y,z+1/3``."""
    parts = triplet.lower().replace(" ", "").replace("\t", "").split(",")
    rotation: list[int] = []
    translation: list[Fraction] = []
    for part in parts:
        row, moved, at = [0, 0, 0], Fraction(0), 0
        while at < len(part) <= _LONGEST:
            match = _TERM.match(part, at)
            if match is None or (at and not match.group(1)):
                break
            sign = -1 if match.group(1) == "-" else 1
            number, letter = match.group(2), match.group(3)
            if letter:
                row["xyz".index(letter)] += sign * int(number or 1)
            else:
                moved += sign * _fraction(match.group(4))
            at = match.end()
        if at != len(part) or not part:
            break
        rotation += row
        translation.append(moved % 1)
    if len(translation) != 3 or len(parts) != 3 or abs(_determinant(rotation)) != 1:
        raise StructureError(
            f"{triplet[:40]!r} is no symmetry operation", "Operations are such as -x,y+1/2,z."
        )
    return tuple(rotation), tuple(translation)


def _fraction(text: str) -> Fraction:
    """A number such as 1/3, .5 or 0.6667; one that is nearly a multiple of 1/24 is meant to be it."""
    above, _, below = text.partition("/")
    exact = Fraction(above) / Fraction(below or 1)
    usual = Fraction(round(exact * 24), 24)
    return usual if abs(exact - usual) < _ROUNDING else exact.limit_denominator(100)


def _determinant(rotation: list[int]) -> int:
    if len(rotation) != 9 or max(map(abs, rotation)) > _LARGEST_ENTRY:
        return 0
    a, b, c, d, e, f, g, h, i = rotation
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)


@lru_cache(maxsize=1024)
def of_hall(symbol: str) -> Operations:
    """The operations of a Hall symbol.

    Raises
    ------
    StructureError
        No Hall symbol.
    """
    import gemmi

    try:
        operations = list(gemmi.symops_from_hall(symbol))
    except (ValueError, RuntimeError):
        raise StructureError(f"unknown space group {symbol[:40]!r}", _LIST_HINT) from None
    return listed(tuple(operation.triplet() for operation in operations))


@lru_cache(maxsize=1024)
def of_name(name: str, alpha: float, gamma: float, number: int = 0) -> tuple[Operations, str]:
    """The operations of a Hermann-Mauguin symbol, and a note on what was decided.

    The axes of a rhombohedral group follow from the cell's angles. Origins are told by ``:1`` and ``:2``, or
    ``S`` and ``Z`` as in older databases.

    Raises
    ------
    StructureError
        An unknown symbol, one with two origins of which none is named, or another group than the
        ``number`` that stands beside it.
    """
    group, marked, axes = _group_named(name, alpha, gamma)
    if group is None:
        raise StructureError(f"unknown space group {name[:40]!r}", _LIST_HINT)
    if group.ext in ("1", "2") and ":" not in marked:
        raise StructureError(
            f"space group {name!r} has two origins",
            "List the symmetry operations in the CIF, or name the origin as in 'F d -3 m :2'.",
        )
    if number and number != group.number:
        raise StructureError(
            f"space group {name!r} is number {group.number}, not {number}", "Correct either in the CIF."
        )
    other = axes and {"R": "r", "H": "h"}.get(group.ext) != axes
    return of_hall(group.hall), "the axes of an R group are those of the cell" if other else ""


@lru_cache(maxsize=1024)
def same_group(symbol: str, name: str) -> bool:
    """Whether a symbol from `Operations.group` and a name as written are one space group, in any setting.

    An unknown name contradicts nothing.
    """
    import gemmi

    named, _, _ = _group_named(name, 90.0, 120.0)
    known = gemmi.find_spacegroup_by_name(symbol)
    return named is None or known is None or named.number == known.number


def _group_named(name: str, alpha: float, gamma: float) -> tuple[Any, str, str]:
    """gemmi's space group or None, the symbol searched for, and "r" or "h" if axes are named in words."""
    import gemmi

    plain = name.replace("_", "").strip()
    axes = _AXES.search(plain)
    if axes:
        plain = plain[: axes.start()]
    choice = _ORIGIN.search(plain)
    origin = ""
    if choice and len(plain[: choice.start()]) > 1:
        origin = choice.group(1) or {"S": "1", "Z": "2"}.get((choice.group(2) or "").upper(), "")
        plain = plain[: choice.start()]
    plain = re.sub(r"\((\d)\)", r"\1", plain).strip()
    marked = f"{plain.split(':')[0]}:{origin}" if origin else plain
    # the cell decides between hexagonal and rhombohedral axes: only one of them fits it
    if plain[:1] in ("R", "r"):
        marked = re.sub(r"\s*:?\s*[HRhr]$", "", marked)
    group: Any = gemmi.find_spacegroup_by_name(marked, alpha, gamma)
    if group is None and origin:  # S and Z are written for groups with one origin too
        group = gemmi.find_spacegroup_by_name(plain, alpha, gamma)
    return group, marked, axes.group(1)[0].lower() if axes else ""


@lru_cache(maxsize=256)
def of_number(number: int, alpha: float, gamma: float) -> Operations:
    """The operations of a space group number, where it has one setting.

    Raises
    ------
    StructureError
        No such number, or one with several settings.
    """
    import gemmi

    settings = [group for group in gemmi.spacegroup_table() if group.number == number]
    if not settings:
        raise StructureError(f"there is no space group number {number}", "They are 1 to 230.")
    if {group.ext for group in settings} == {"H", "R"}:  # the cell tells these apart
        settings = [gemmi.find_spacegroup_by_name(settings[0].hm, alpha, gamma)]
    if len(settings) != 1:
        raise StructureError(
            f"space group number {number} alone leaves {len(settings)} settings",
            "Give its Hermann-Mauguin symbol or list the symmetry operations.",
        )
    return of_hall(settings[0].hall)


def check_cell(operations: Operations, lattice: NDArray[np.float64]) -> None:
    """Refuse a cell that does not have the symmetry of the operations (to 1 %).

    Raises
    ------
    StructureError
    """
    metric = lattice @ lattice.T
    turned = np.swapaxes(operations.rotations, 1, 2) @ metric @ operations.rotations
    edges = np.sqrt(np.diag(metric))
    if (np.abs(turned - metric) > 2 * _CELL_TOLERANCE * np.outer(edges, edges)).any():
        raise StructureError(
            f"the cell does not have the symmetry of {operations.group or 'the operations listed'}",
            "Check the cell's lengths and angles, and the setting of the space group.",
        )


def expand(
    operations: Operations, lattice: NDArray[np.float64], coords: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """All sites of the cell.

    A site within 0.1 Å of its own images is first moved onto the special position (the mean of these
    images), so that coordinates such as 0.3333 do not leave their rounding in the distances.

    Parameters
    ----------
    operations : Operations
    lattice : ndarray, shape (3, 3)
        Lattice vectors as rows, in Å.
    coords : ndarray, shape (n, 3)
        Fractional coordinates of the sites listed.

    Returns
    -------
    coords : ndarray of float64, shape (N, 3)
        In [0, 1).
    origin : ndarray of int64, shape (N,)
        Which of the n sites each comes from, ascending.

    Raises
    ------
    StructureError
        More than 100,000 sites, or a site that is neither at a special position nor clearly off it.
    """
    n, m = len(coords), len(operations)
    if n * m > _MAX_IMAGES:
        raise StructureError(f"{n:,} sites under {m} operations are too many", f"{MAX_SITES:,} are read.")
    if m == 1:
        return _within(coords), np.arange(n, dtype=np.int64)
    images = _images(operations, coords)
    fixed = np.zeros((n, m), dtype=np.bool_)
    for _ in range(3):
        apart = images - coords[:, None]
        apart -= np.rint(apart)
        cartesian = apart @ lattice
        near = np.einsum("nmk,nmk->nm", cartesian, cartesian) < SPECIAL**2
        if (near == fixed).all():
            break
        fixed = near
        coords = coords + (apart * fixed[:, :, None]).sum(1) / fixed.sum(1)[:, None]
        images = _images(operations, coords)
    images = _within(images)
    stabilizers = fixed.sum(1)
    kept = np.ones((n, m), dtype=np.bool_)
    for i in np.nonzero(stabilizers > 1)[0].tolist():
        kept[i] = _first_of_each(images[i])
        if kept[i].sum() * stabilizers[i] != m:
            raise StructureError(
                f"site {i + 1} of the list is near a special position but not at it",
                "Give its coordinates with more digits.",
            )
    if kept.sum() > MAX_SITES:
        raise StructureError(f"the cell has {kept.sum():,} sites", f"{MAX_SITES:,} are read.")
    return images[kept], np.repeat(np.arange(n, dtype=np.int64), kept.sum(1))


def _images(operations: Operations, coords: NDArray[np.float64]) -> NDArray[np.float64]:
    turned: NDArray[np.float64] = np.einsum("mij,nj->nmi", operations.rotations, coords)
    return turned + operations.translations


def _within(coords: NDArray[np.float64]) -> NDArray[np.float64]:
    inside: NDArray[np.float64] = coords - np.floor(coords + 1e-10)
    inside[np.abs(inside) < 1e-10] = 0.0
    return inside


def _first_of_each(images: NDArray[np.float64]) -> NDArray[np.bool_]:
    # equal images agree to rounding errors; the shift keeps usual decimals and fractions off the grid's edges
    grid = np.floor(images * 1e6 + 0.31830988).astype(np.int64)
    _, first = np.unique((grid[:, 0] << 42) + (grid[:, 1] << 21) + grid[:, 2], return_index=True)
    mask = np.zeros(len(images), dtype=np.bool_)
    mask[first] = True
    return mask


def _is_group(rotations: NDArray[np.int64], translations: NDArray[np.int64], unit: int) -> bool:
    """Whether every product of two operations is in the list (a finite closed set is a group)."""
    base = 2 * _LARGEST_ENTRY + 1
    weights = base ** np.arange(9, dtype=np.int64)

    def keys(rotation: NDArray[np.int64], translation: NDArray[np.int64]) -> NDArray[np.int64]:
        code: NDArray[np.int64] = (rotation.reshape(-1, 9) + _LARGEST_ENTRY) @ weights
        place: NDArray[np.int64] = translation @ np.array([unit**2, unit, 1])
        return code * unit**3 + place

    present = np.sort(keys(rotations, translations))
    for rotation, translation in zip(rotations, translations, strict=True):
        products = rotation @ rotations
        if np.abs(products).max() > _LARGEST_ENTRY:
            return False
        moved = (translations @ rotation.T + translation) % unit
        found = keys(products, moved)
        place = np.minimum(np.searchsorted(present, found), len(present) - 1)
        if (present[place] != found).any():
            return False
    return True
