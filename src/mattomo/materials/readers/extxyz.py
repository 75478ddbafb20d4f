"""Extended XYZ: frames of atoms in Cartesian coordinates, with a line of ``key=value`` above each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mattomo.errors import InputError
from mattomo.materials.crystal import MAX_SITES, Crystal, StructureError, cartesian_crystal, not_bulk
from mattomo.materials.formula import SYMBOLS, FormulaError, element
from mattomo.materials.readers.files import decoded
from mattomo.materials.readers.raw import BrokenRow, RawColumn, RawTable, free_name
from mattomo.materials.readers.source import Source

_PAIR = re.compile(
    r"""\s*([^\s=,"']+|"[^"]*"|'[^']*')"""  # a key
    r"""(?:\s*=\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\{[^}]*\}|\[[^\]]*\]|[^\s,]+))?,?"""
)
_DEFAULT = "species:S:1:pos:R:3"
_FLAGS = {"T": "true", "F": "false", "true": "true", "false": "false", "True": "true", "False": "false"}
_OWN = frozenset({"lattice", "properties", "pbc"})


@dataclass(frozen=True)
class _Frame:
    info: dict[str, str]
    structure: Crystal | StructureError


def read_extxyz(source: Source) -> RawTable:
    """The frames of an extended XYZ file.

    Each frame is a material and each ``key=value`` of its comment line a property (lists of numbers are
    not). A frame without ``Lattice``, or not periodic in all three directions, keeps its composition only.

    Raises
    ------
    InputError
        The file cannot be read, or has no frame.
    """
    frames, broken = _frames(decoded(source.content()))
    if not frames:
        reason = broken[0].reason if broken else "it is empty"
        raise InputError(f"the file has no frame: {reason}", file=source.file, hint="Is it extended XYZ?")
    keys = dict.fromkeys(key for frame in frames for key in frame.info)
    columns = {key: _column([frame.info.get(key) for frame in frames]) for key in keys}
    place = free_name("structure", columns)
    columns[place] = RawColumn("nested", [frame.structure for frame in frames])
    rows = np.arange(1, len(frames) + 1, dtype=np.int64)
    return RawTable(source.file, columns, rows, broken, structure=place)


def looks_like_extxyz(path: Path, head: bytes) -> bool:
    """Whether the first bytes are a number of atoms, a comment line, and a symbol with coordinates."""
    lines = decoded(head[:20_000]).splitlines()
    if len(lines) < 3 or not lines[0].strip().isdecimal():
        return False
    words = lines[2].split()
    return (
        "Properties=" in lines[1]
        or "Lattice=" in lines[1]
        or (path.name.lower().endswith((".xyz", ".extxyz")) and len(words) >= 4)
    )


def _frames(text: str) -> tuple[list[_Frame], list[BrokenRow]]:
    """All frames, and where the file breaks off the row and the reason."""
    # str.splitlines would break a comment at form feeds and the like
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")
    frames: list[_Frame] = []
    at = 0
    while at < len(lines):
        count = lines[at].strip()
        if not count:  # blank lines may stand between frames
            at += 1
            continue
        if not (count.isdecimal() and len(count) < 10):
            reason = f"line {at + 1} is no number of atoms: {count[:40]!r}"
            return frames, [BrokenRow(len(frames) + 1, reason)]
        first, n = at + 2, int(count)
        if first + n > len(lines):
            reason = f"the frame at line {at + 1} has {max(len(lines) - first, 0):,} of its {n:,} atoms"
            return frames, [BrokenRow(len(frames) + 1, reason)]
        info = comment(lines[at + 1])
        frames.append(_Frame(_properties(info), _structure(info, lines[first : first + n], first + 1)))
        at = first + n
    return frames, []


def comment(line: str) -> dict[str, str]:
    """The ``key=value`` pairs of a comment line; a key without a value is true.

    A line of free text, as plain XYZ has it, has no pairs.

    >>> comment('Lattice="1 0 0 0 1 0 0 0 1" energy=-1.5 tag="a b" relaxed')
    {'Lattice': '1 0 0 0 1 0 0 0 1', 'energy': '-1.5', 'tag': 'a b', 'relaxed': 'T'}
    """
    if "=" not in line:
        return {}
    pairs: dict[str, str] = {}
    at = 0
    while at < len(line):
        match = _PAIR.match(line, at)
        if match is None or match.end() == at:
            at += 1
            continue
        key, value = match.groups()
        pairs[_bare(key)] = "T" if value is None else _bare(value)
        at = match.end()
    return pairs


def _bare(word: str) -> str:
    if len(word) > 1 and word[0] in "\"'" and word[-1] == word[0]:
        return re.sub(r"\\(.)", r"\1", word[1:-1])
    return word


def _properties(info: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in info.items() if key.lower() not in _OWN}


def _column(values: list[str | None]) -> RawColumn:
    """The cells of one key: texts, or lists that are no property."""
    if any(value is not None and _is_list(value) for value in values):
        return RawColumn("nested", values)
    return RawColumn("text", [None if value is None else _FLAGS.get(value, value) for value in values])


def _is_list(value: str) -> bool:
    words = _words(value)
    return len(words) > 1 and all(map(_is_number, words))


def _words(value: str) -> list[str]:
    return value.strip("{}[]").replace(",", " ").split()


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _structure(info: dict[str, str], lines: list[str], number: int) -> Crystal | StructureError:
    lower = {key.lower(): value for key, value in info.items()}
    try:
        if not 0 < len(lines) <= MAX_SITES:
            raise StructureError(f"the frame has {len(lines):,} atoms", f"1 to {MAX_SITES:,} are read.")
        species, positions = _atoms(lower.get("properties", _DEFAULT), lines, number)
        return _periodic(lower.get("lattice"), lower.get("pbc"), species, positions)
    except StructureError as error:
        return error


def _periodic(
    lattice: str | None, pbc: str | None, species: list[str], positions: NDArray[np.float64]
) -> Crystal:
    if lattice is None:
        raise not_bulk(0, _amounts(species))
    directions = [word[:1] in ("T", "t", "1") for word in _words(pbc or "T T T")]
    if not all(directions):
        raise not_bulk(sum(directions), _amounts(species))
    words = _words(lattice)
    if len(words) != 9 or not all(map(_is_number, words)):
        raise StructureError(f"Lattice is no list of 9 numbers: {lattice[:40]!r}")
    return cartesian_crystal(np.array(words, dtype=np.float64), species, positions)


def _atoms(properties: str, lines: list[str], number: int) -> tuple[list[str], NDArray[np.float64]]:
    """Symbols and positions (Å) of the atoms."""
    who, where, width = _places(properties)
    rows = [line.split() for line in lines]
    for i, words in enumerate(rows):
        if len(words) < width:
            raise StructureError(f"line {number + i} has {len(words)} of {width} columns: {lines[i][:40]!r}")
    try:
        positions = np.array([words[where : where + 3] for words in rows], dtype=np.float64)
    except ValueError:
        raise StructureError(f"the positions from line {number} are not all numbers") from None
    species = [words[who] for words in rows]
    if species[0].isdecimal():  # atomic numbers
        species = [SYMBOLS[int(word) - 1] if _is_Z(word) else word for word in species]
    return species, positions


def _places(properties: str) -> tuple[int, int, int]:
    """First column of the species, of the positions, and the number of columns."""
    words = properties.split(":")
    starts: dict[str, int] = {}
    width = 0
    try:
        for name, size in zip(words[::3], words[2::3], strict=True):
            starts[name.lower()] = width
            width += int(size)
            if not 0 < int(size) < 1000:
                raise ValueError
    except ValueError:
        raise StructureError(f"Properties is {properties[:60]!r}", f"It is such as {_DEFAULT}.") from None
    who = next((starts[name] for name in ("species", "element", "z", "numbers") if name in starts), None)
    where = next((starts[name] for name in ("pos", "positions") if name in starts), None)
    if who is None or where is None or where + 3 > width:
        raise StructureError("Properties names no species or no pos", f"It is such as {_DEFAULT}.")
    return who, where, width


def _is_Z(word: str) -> bool:
    return word.isdecimal() and 0 < int(word[:4]) <= len(SYMBOLS)


def _amounts(species: Sequence[Any]) -> dict[int, float]:
    amounts: dict[int, float] = {}
    for name in species:
        try:
            Z = element(str(name))
        except FormulaError as error:
            raise StructureError(error.reason, error.hint) from None
        amounts[Z] = amounts.get(Z, 0.0) + 1
    return amounts
