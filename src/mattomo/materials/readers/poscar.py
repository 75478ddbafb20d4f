"""POSCAR text (VASP 5 and later) to a crystal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mattomo.materials.crystal import MAX_SITES, Crystal, StructureError, cartesian_crystal, crystal

_LARGEST = 1e9


def from_poscar(text: str) -> Crystal:
    """A crystal from POSCAR text.

    Direct and Cartesian coordinates, a positive scale factor, three of them (for x, y and z) or a negative
    one (the volume in Å³), and selective dynamics are understood; velocities after the coordinates are
    passed over.

    Parameters
    ----------
    text : str

    Returns
    -------
    Crystal

    Raises
    ------
    StructureError
        Too few lines, a line that is not what its place asks for, or the VASP 4 form without symbols.
    """
    lines = poscar_lines(text)
    if len(lines) < 8:
        raise StructureError(f"a POSCAR has at least 8 lines, this text {len(lines)}")
    scale = _floats(lines, 1, 3 if sum(map(is_number, lines[1].split())) == 3 else 1)
    lattice = np.array([_floats(lines, line, 3) for line in (2, 3, 4)])
    if lines[5].replace(" ", "").isdigit():
        raise StructureError(
            "the POSCAR does not name its elements (VASP 4 form)",
            "Insert a line of symbols before the counts.",
        )
    # VASP writes potentials as Fe_pv and hashes as Fe/1a2b
    symbols = [word.split("_")[0].split("/")[0] for word in lines[5].split()]
    counts = _counts(lines[6], symbols)
    species = [symbol for symbol, count in zip(symbols, counts, strict=True) for _ in range(count)]
    mode = 8 if lines[7][:1] in ("s", "S") else 7
    if mode >= len(lines) or not lines[mode]:
        raise StructureError(f"line {mode + 1} of the POSCAR does not say Direct or Cartesian")
    first = mode + 1
    if len(lines) < first + len(species):
        raise StructureError(f"the POSCAR has {len(lines) - first} coordinates for {len(species)} sites")
    coords = np.array([_floats(lines, first + i, 3) for i in range(len(species))]).reshape(-1, 3)
    factor = _factor(scale, lattice)  # one number, or one for each of x, y, z
    lattice = lattice * factor
    kind = lines[mode][0].lower()
    if kind in ("c", "k"):
        return cartesian_crystal(lattice, species, coords * factor)
    if kind != "d":
        raise StructureError(
            f"line {mode + 1} of the POSCAR is {lines[mode]!r}", "Direct or Cartesian is meant."
        )
    return crystal(lattice, species, coords)


def poscar_lines(text: str) -> list[str]:
    """The lines of a POSCAR; the title may be blank, but blank lines before it are passed over."""
    lines = [line.strip() for line in text.splitlines()]
    while len(lines) > 1 and not lines[0] and not is_number(lines[1]):
        del lines[0]
    while lines and not lines[-1]:
        del lines[-1]
    return lines


def is_number(line: str) -> bool:
    """Whether a line begins with a number.

    >>> is_number("1.0 scale"), is_number("NaCl")
    (True, False)
    """
    try:
        float(line.split()[0])
    except (ValueError, IndexError):
        return False
    return True


def _floats(lines: list[str], index: int, count: int) -> list[float]:
    words = lines[index].split()[:count]
    try:
        values = [float(word) for word in words]
    except ValueError:
        values = []
    if len(values) != count or not all(abs(value) < _LARGEST for value in values):
        raise StructureError(f"line {index + 1} of the POSCAR has no {count} numbers: {lines[index][:40]!r}")
    return values


def _counts(line: str, symbols: list[str]) -> list[int]:
    words = line.split()
    if len(words) != len(symbols) or not all(word.isascii() and word.isdigit() for word in words):
        raise StructureError(
            f"line 7 of the POSCAR is {line[:40]!r}",
            f"It has a count for each of the {len(symbols)} symbols.",
        )
    counts = [int(word) for word in words]
    if sum(counts) > MAX_SITES:
        raise StructureError(f"the POSCAR has {sum(counts):,} sites", "Check the counts.")
    return counts


def _factor(scale: list[float], lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    factor = np.array(scale)
    if (factor > 0).all():
        return factor
    volume = abs(float(np.linalg.det(lattice)))
    if len(scale) > 1 or scale[0] == 0 or not 1e-12 < volume < np.inf:
        shown = " ".join(f"{each:g}" for each in scale)
        raise StructureError(
            f"the POSCAR's scale factor is {shown}", "It is a factor, three of them, or minus the volume."
        )
    return np.cbrt(-factor / volume)
