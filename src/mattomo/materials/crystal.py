"""One crystal structure: checked arrays, from JSON text, mappings or loose arrays."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from mattomo.materials.distances import too_near
from mattomo.materials.formula import SYMBOLS, FormulaError, element
from mattomo.materials.quarantine import RowProblem, shown

CLOSEST = 0.3
"""Sites nearer than this, in Å, are one site given twice."""

MAX_SITES = 100_000
"""A cell with more sites is refused."""

_SPECIES = re.compile(r"([A-Z][a-z]?)(?:[0-9]*\.?[0-9]*[+-]|[+-][0-9]*\.?[0-9]*)?")
_FULL = 1e-3  # occupancies this near to 1 are 1
_ISOTOPES = "deuterium and tritium are read as H"
_SHAPE_HINT = (
    'A structure is {"lattice": 3x3 numbers in Å, "species": [symbols], "frac_coords": [[x, y, z], …]}.'
)

Vector = tuple[float, float, float]


class StructureError(RowProblem):
    """A text that is no usable structure.

    Attributes
    ----------
    amounts : dict of int to float or None
        What the cell contains, where that is certain all the same (disordered sites).
    """

    def __init__(self, reason: str, hint: str = "", amounts: dict[int, float] | None = None) -> None:
        super().__init__(reason, hint)
        self.amounts = amounts


@dataclass(frozen=True)
class Crystal:
    """A periodic crystal of N sites.

    Attributes
    ----------
    lattice : ndarray of float64, shape (3, 3)
        Lattice vectors as rows, in Å.
    Z : ndarray of int64, shape (N,)
        Atomic numbers.
    frac_coords : ndarray of float64, shape (N, 3)
        Fractional coordinates.
    note : str
        What was decided while reading, "" if nothing.
    """

    lattice: NDArray[np.float64]
    Z: NDArray[np.int64]
    frac_coords: NDArray[np.float64]
    note: str = ""

    @property
    def amounts(self) -> dict[int, float]:
        """Atomic number to number of sites."""
        counts = np.bincount(self.Z)
        return {Z: float(counts[Z]) for Z in counts.nonzero()[0].tolist()}


class _Plain(msgspec.Struct):
    lattice: tuple[Vector, Vector, Vector]
    species: list[str]
    frac_coords: list[Vector]


class _Occupant(msgspec.Struct):
    element: str
    occu: float


class _Site(msgspec.Struct):
    species: list[_Occupant]
    abc: Vector


class _Lattice(msgspec.Struct):
    matrix: tuple[Vector, Vector, Vector]
    pbc: tuple[bool, bool, bool] = (True, True, True)


class _Pymatgen(msgspec.Struct):
    lattice: _Lattice
    sites: list[_Site]
    species: None = None


_PLAIN = msgspec.json.Decoder(_Plain)
_PYMATGEN = msgspec.json.Decoder(_Pymatgen)
_FAILURES = (msgspec.DecodeError, UnicodeError, RecursionError)


def crystal(lattice: Any, species: Sequence[Any], frac_coords: Any, note: str = "") -> Crystal:
    """A checked crystal.

    Parameters
    ----------
    lattice : array_like, shape (3, 3) or (9,)
        Lattice vectors as rows, in Å; left-handed ones are allowed.
    species : sequence of str, length N
        Symbols; charges are dropped, D and T are H.
    frac_coords : array_like, shape (N, 3) or (3 N,)
    note : str, optional

    Returns
    -------
    Crystal

    Raises
    ------
    StructureError
        No site, counts that disagree, numbers that are not finite, a flat lattice, an unknown element, or
        two sites nearer than 0.3 Å.
    """
    if not len(species):
        raise StructureError("the structure has no site")
    if len(species) > MAX_SITES:
        raise StructureError(f"the structure has {len(species):,} sites", f"{MAX_SITES:,} are read.")
    cell = _numbers(lattice, "lattice", 9).reshape(3, 3)
    coords = _numbers(frac_coords, "frac_coords", 3 * len(species)).reshape(-1, 3)
    Z = np.array([atomic_number(name) for name in species], dtype=np.int64)
    if not note and ("D" in species or "T" in species):
        note = _ISOTOPES
    _check_lattice(cell, len(Z))
    if np.abs(coords).max() > 1000:
        raise StructureError(
            "a fractional coordinate is beyond ±1000", "Are the coordinates fractions of the lattice vectors?"
        )
    _check_distances(cell, coords)
    return Crystal(cell, Z, coords, note)


def cartesian_crystal(lattice: Any, species: Sequence[Any], positions: Any, note: str = "") -> Crystal:
    """A checked crystal from Cartesian positions in Å, shape (N, 3); otherwise as :func:`crystal`.

    Raises
    ------
    StructureError
    """
    if not len(species):
        raise StructureError("the structure has no site")
    cell = _numbers(lattice, "lattice", 9).reshape(3, 3)
    places = _numbers(positions, "positions", 3 * len(species)).reshape(-1, 3)
    _check_lattice(cell, len(species))
    return crystal(cell, species, np.linalg.solve(cell.T, places.T).T, note)


def from_json(text: str | bytes) -> Crystal:
    """A crystal from JSON text; see :func:`from_mapping` for the forms.

    Raises
    ------
    StructureError
        No JSON, or no usable structure.

    Examples
    --------
    >>> text = '{"lattice": [[3,0,0],[0,3,0],[0,0,3]], "species": ["Po"], "frac_coords": [[0,0,0]]}'
    >>> from_json(text).Z
    array([84])
    """
    try:
        plain = _PLAIN.decode(text)
    except _FAILURES:
        pass
    else:
        return crystal(plain.lattice, plain.species, plain.frac_coords)
    try:
        found = _PYMATGEN.decode(text)
    except _FAILURES:
        return from_mapping(decoded(text))
    if not all(found.lattice.pbc) or any(
        len(site.species) != 1 or abs(site.species[0].occu - 1) > _FULL for site in found.sites
    ):
        return from_mapping(decoded(text))
    names = [site.species[0].element for site in found.sites]
    return crystal(found.lattice.matrix, names, [site.abc for site in found.sites])


def from_mapping(value: Any) -> Crystal:
    """A crystal from a mapping.

    Either ``lattice`` (3x3, or 9 numbers, or a mapping with ``matrix``), ``species``, ``frac_coords``; or
    the mapping of a pymatgen Structure: ``lattice`` and ``sites`` with ``species`` and ``abc``.

    Raises
    ------
    StructureError
    """
    if not isinstance(value, Mapping):
        raise StructureError(f"a structure cannot be a {type(value).__name__}", _SHAPE_HINT)
    lattice = value.get("lattice")
    periodic: Any = True
    if isinstance(lattice, Mapping):
        periodic = lattice.get("pbc", True)
        lattice = lattice.get("matrix")
    if lattice is None:
        raise StructureError("the structure has no lattice", _SHAPE_HINT)
    directions = sum(map(bool, periodic)) if isinstance(periodic, list | tuple) else 3
    if value.get("sites") is not None and value.get("species") is None:
        return _from_sites(lattice, value["sites"], directions)
    species, coords = value.get("species"), value.get("frac_coords")
    for name, part in (("species", species), ("frac_coords", coords)):
        if not isinstance(part, list | tuple | np.ndarray):
            raise StructureError(f"the structure has no list {name}", _SHAPE_HINT)
    assert species is not None
    if directions < 3:
        raise not_bulk(directions, {Z: float(n) for Z, n in Counter(map(atomic_number, species)).items()})
    return crystal(lattice, list(species), coords)


def disordered(amounts: dict[int, float], what: str) -> StructureError:
    """The error of a structure with partially occupied sites, whose composition still holds."""
    return StructureError(
        f"disordered: {what}",
        "Only the composition is used; give an ordered cell to use the structure.",
        amounts,
    )


def not_bulk(directions: int, amounts: dict[int, float] | None = None) -> StructureError:
    """The error of a molecule, chain or slab (periodic in 0, 1, 2 directions), whose composition holds."""
    what = f"periodic in {directions} of 3 directions" if directions else "a molecule: it is not periodic"
    return StructureError(what, "Only the composition is used; give a bulk crystal.", amounts)


def decoded(text: str | bytes) -> Any:
    """JSON text as Python objects.

    Raises
    ------
    StructureError
        The text is no JSON.
    """
    # the standard parser says where the text breaks, and knows NaN, whose place is then named
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise StructureError(f"not JSON: {reason}", _SHAPE_HINT) from None


def _from_sites(lattice: Any, sites: Any, directions: int = 3) -> Crystal:
    if not isinstance(sites, list | tuple) or not all(isinstance(site, Mapping) for site in sites):
        raise StructureError("sites is no list of mappings", _SHAPE_HINT)
    names: list[str] = []
    amounts: dict[int, float] = {}
    partial = ""
    for number, site in enumerate(sites, start=1):
        occupants = _occupants(site, number)
        for name, occupancy in occupants:
            amounts[atomic_number(name)] = amounts.get(atomic_number(name), 0.0) + occupancy
        total = sum(occupancy for _, occupancy in occupants)
        if len(occupants) != 1 or abs(total - 1) > _FULL:
            shown = ", ".join(f"{name} {occupancy:g}" for name, occupancy in occupants)
            partial = partial or f"site {number} is {shown}"
        names.append(occupants[0][0])
    if directions < 3:
        raise not_bulk(directions, amounts)
    if partial:
        raise disordered(amounts, partial)
    coords = [site.get("abc") for site in sites]
    if any(abc is None for abc in coords):
        raise StructureError("a site has no abc (fractional coordinates)", _SHAPE_HINT)
    return crystal(lattice, names, coords)


def _occupants(site: Mapping[str, Any], number: int) -> list[tuple[str, float]]:
    found = site.get("species")
    try:
        occupants = [(str(each["element"]), float(each["occu"])) for each in found or ()]
    except (KeyError, TypeError, ValueError, OverflowError):
        occupants = []
    if not occupants:
        raise StructureError(f"site {number} names no element and occupancy", _SHAPE_HINT)
    for name, occupancy in occupants:
        if not 0 < occupancy <= 1 + _FULL:
            raise StructureError(f"site {number} has {name} with occupancy {occupancy:g}", "It is 0 to 1.")
    return occupants


def _numbers(value: Any, name: str, size: int) -> NDArray[np.float64]:
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise StructureError(f"{name} is no regular array of numbers", _SHAPE_HINT) from None
    if array.size != size:
        raise StructureError(f"{name} has {array.size} numbers where {size} belong", _SHAPE_HINT)
    if not np.isfinite(array).all():
        raise StructureError(f"{name} has a number that is not finite", "Fill in the missing number.")
    return array


@lru_cache(maxsize=4096)
def _symbol(name: str) -> int:
    match = _SPECIES.fullmatch(name.strip())
    try:
        return element(match.group(1) if match else name)
    except FormulaError as error:
        raise StructureError(error.reason, error.hint) from None


def atomic_number(name: Any) -> int:
    """Atomic number of a species; charges are dropped.

    Raises
    ------
    StructureError
        No text, or no element.
    """
    if not isinstance(name, str):
        raise StructureError(f"species has {shown(name)} where a symbol belongs", _SHAPE_HINT)
    return _symbol(name)


def _check_lattice(lattice: NDArray[np.float64], sites: int) -> None:
    (a, b, c), (d, e, f), (g, h, i) = lattice.tolist()
    volume = abs(a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g))
    edges = (a * a + b * b + c * c) * (d * d + e * e + f * f) * (g * g + h * h + i * i)
    if not volume > 1e-6 * edges**0.5:
        raise StructureError("the lattice vectors lie in a plane", "Check the lattice: its volume is zero.")
    if volume / sites < 0.5:
        raise StructureError(
            f"the cell has {volume / sites:.2g} Å³ per site", "Are the lattice vectors in Å (not nm or bohr)?"
        )


def _check_distances(lattice: NDArray[np.float64], coords: NDArray[np.float64]) -> None:
    found = too_near(lattice, coords, CLOSEST)
    if found is not None:
        i, j, distance = found
        raise StructureError(
            f"sites {i + 1} and {j + 1} are {distance:.2f} Å apart",
            f"Sites nearer than {CLOSEST} Å are one site given twice, or disordered.",
        )


def counts_text(amounts: Mapping[int, float]) -> str:
    """Amounts as people write them, for messages.

    >>> counts_text({11: 4.0, 17: 4.0})
    'Na4 Cl4'
    """
    return " ".join(f"{SYMBOLS[Z - 1]}{amount:g}" for Z, amount in amounts.items())
