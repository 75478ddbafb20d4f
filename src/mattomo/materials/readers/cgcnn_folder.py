"""The folder of CGCNN's original code: ``id_prop.csv`` without a header, and one CIF a material."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mattomo.errors import InputError
from mattomo.materials.readers.cells import is_number
from mattomo.materials.readers.files import FileProblem, list_files, read_text
from mattomo.materials.readers.folder import joined, structures_of
from mattomo.materials.readers.raw import BrokenRow, RawColumn, RawTable
from mattomo.materials.readers.source import Source

ID_PROP = "id_prop.csv"
ATOM_INIT = "atom_init.json"


def read_cgcnn_folder(source: Source) -> RawTable:
    """A folder as CGCNN's original code has it.

    ``id_prop.csv`` has an identifier and one or more values a line and usually no header: the values are
    then called ``property_1``, ``property_2``, … A first line whose identifier is no file and whose values
    are no numbers is a header. ``<id>.cif`` is the structure of ``id``. ``atom_init.json`` is not needed.
    A line without a CIF is left out, and so is a CIF without a line.

    Raises
    ------
    InputError
        ``id_prop.csv`` is missing or malformed, there is no structure file, or no line matches one.
    """
    folder = source.path
    files, refused = list_files(folder)
    if ID_PROP not in files:
        reason = dict(refused).get(ID_PROP, "it is not there")
        raise InputError(f"{ID_PROP} is not read: {reason}", file=source.file)
    found, notices = structures_of(folder, [name for name in files if name != ATOM_INIT], refused)
    raw = _id_prop(folder / ID_PROP, {name for each in found for name in (each.id, *each.names)})
    if ATOM_INIT in files:
        notices.append(f"{ATOM_INIT} is not used: elements have their own table")
    return joined(folder, raw, found, notices, next(iter(raw.columns)))


def looks_like_cgcnn_folder(path: Path, head: bytes = b"") -> bool:
    """Whether this is a folder with an ``id_prop.csv``."""
    return (path / ID_PROP).is_file()


def _id_prop(path: Path, stems: set[str]) -> RawTable:
    try:
        text = read_text(path)
    except FileProblem as problem:
        raise InputError(str(problem), file=str(path)) from None
    try:
        lines = [line for line in csv.reader(io.StringIO(text), strict=True) if any(map(str.strip, line))]
    except csv.Error as error:
        raise InputError(f"malformed CSV ({error})", file=str(path)) from None
    if not lines:
        raise InputError("the file is empty", file=str(path), hint="Give an identifier and values a line.")
    first = [cell.strip() for cell in lines[0]]
    if _is_header(first, stems):
        names, lines = first, lines[1:]
    else:
        width = Counter(map(len, lines)).most_common(1)[0][0]
        names = ["id", *(f"property_{i}" for i in range(1, width))]
    if len(set(names)) < len(names) or not all(names):
        raise InputError("the header has empty or repeated names", file=str(path), hint="Name each column.")
    if not lines:
        raise InputError("the table has no rows", file=str(path))
    good = [row for row, line in enumerate(lines, start=1) if len(line) == len(names)]
    broken = [
        BrokenRow(row, f"{len(line)} cells where there are {len(names)} columns")
        for row, line in enumerate(lines, start=1)
        if len(line) != len(names)
    ]
    columns = {
        name: RawColumn("text", [lines[row - 1][place] for row in good]) for place, name in enumerate(names)
    }
    return RawTable(str(path), columns, np.array(good, dtype=np.int64), broken)


def _is_header(first: Sequence[str], stems: set[str]) -> bool:
    if first[0] in stems or len(first) < 2:
        return False
    return not any(is_number(cell) for cell in first[1:]) and all(first)
