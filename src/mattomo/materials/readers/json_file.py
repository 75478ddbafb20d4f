"""JSON files: records, JSON lines, tables of pandas, and the answers of materials services."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from mattomo.errors import InputError
from mattomo.materials.quarantine import shown
from mattomo.materials.readers.json_text import DoubledKey, NotJson, cell, opened, parts
from mattomo.materials.readers.pandas_json import by_column, by_label, split
from mattomo.materials.readers.raw import RawTable, column_of
from mattomo.materials.readers.records import Record, records_table
from mattomo.materials.readers.roles import FORMULA_NAMES, STRUCTURE_NAMES, STRUCTURE_PARTS
from mattomo.materials.readers.source import Source

_KNOWN = {*FORMULA_NAMES, *STRUCTURE_NAMES, *STRUCTURE_PARTS[:1], "atoms", "attributes"}
_STRUCTURES = {*STRUCTURE_NAMES, "atoms"}
_OF_STRUCTURES = frozenset({"sites", "lattice", "lattice_mat", "lattice_vectors"})
_STRUCTURE_FORMS: tuple[tuple[frozenset[str], frozenset[str]], ...] = (
    (frozenset(STRUCTURE_PARTS), frozenset()),
    (
        frozenset({"lattice", "sites"}),
        frozenset({"@module", "@class", "@version", "charge", "properties"}),
    ),
    (frozenset({"lattice_mat", "coords", "elements"}), frozenset({"abc", "angles", "cartesian", "props"})),
)
"""Keys that a structure has and may have; with others it is a record, of which nothing may be lost."""

_WRAPPERS = ("data", "response")
_SHAPES = (
    "Give a list of objects, one object a line, a table written by pandas, or an answer of OPTIMADE or the "
    "Materials Project."
)


def read_json(source: Source) -> RawTable:
    """A table from JSON: one row a record.

    Read are: one structure; a list of objects; one object a line; the ``split``, ``columns``, ``index`` and
    ``table`` forms of pandas (``split`` is that of the matminer and matbench data sets); lists by column; and
    objects whose ``data`` or ``response`` is a list of records (OPTIMADE, Materials Project).

    Raises
    ------
    InputError
        No JSON, no UTF-8 text, or JSON of another shape.
    """
    text = source.content().removeprefix(b"\xef\xbb\xbf").strip()
    if not text:
        raise InputError("the file is empty", file=source.file, hint=_SHAPES)
    first, _, rest = text.partition(b"\n")
    if rest and _is_object(first):
        return records_table(source.file, _lines(text))
    try:
        whole = parts(text)
        if _is_one_structure(whole):
            return _one_structure(source, text)
        if isinstance(whole, list):
            return records_table(source.file, whole)
        if isinstance(whole, dict):
            return _mapping(source.file, whole)
    except NotJson as error:
        if _is_object(rest.lstrip().partition(b"\n")[0]):  # of lines the first is broken
            return records_table(source.file, _lines(text))
        raise InputError(str(error), file=source.file, hint=_SHAPES) from None
    raise InputError("the JSON is a single value", file=source.file, hint=_SHAPES)


def _lines(text: bytes) -> Iterator[Record]:
    return (line for line in text.split(b"\n") if line.strip())


def _is_object(line: bytes) -> bool:
    """Whether a line is a whole object, be it an ambiguous one."""
    line = line.strip()
    if not (line.startswith(b"{") and line.endswith(b"}")):
        return False
    try:
        return isinstance(parts(line), dict)
    except NotJson as error:
        return isinstance(error, DoubledKey)


def _mapping(file: str, whole: dict[str, Any]) -> RawTable:
    names = {key.lower() for key in whole}
    shapes = {key: _shape(piece) for key, piece in whole.items()}
    if shapes.get("columns") == shapes.get("data") == "list":
        return records_table(file, split(file, whole))
    if "errors" in whole and "data" not in whole:
        raise InputError(f"the service answered with an error: {_shown(whole['errors'])}", file=file)
    for key in _WRAPPERS:
        if shapes.get(key) in ("list", "mapping") and not names & _KNOWN:
            found = parts(whole[key]) if shapes[key] == "list" else [whole[key]]
            return records_table(file, found, _pages(whole))
    if shapes and all(shape == "list" for shape in shapes.values()) and "sites" not in names:
        return records_table(file, by_column(file, whole))
    if any(_is_structure(piece) for key, piece in whole.items() if key.lower() in _STRUCTURES):
        return records_table(file, [whole])
    if shapes and all(shape == "mapping" for shape in shapes.values()):
        return records_table(file, by_label(whole, columns=bool(names & _KNOWN)))
    if names & _KNOWN:
        return records_table(file, [whole])
    keys = ", ".join(list(whole)[:12])
    raise InputError(f"a JSON object of no known shape (its keys: {keys[:300]})", file=file, hint=_SHAPES)


def _is_one_structure(whole: Any) -> bool:
    """Whether the whole file is one structure: plain, of pymatgen, or the atoms of JARVIS."""
    if not isinstance(whole, dict):
        return False
    if not any(needed <= whole.keys() <= needed | optional for needed, optional in _STRUCTURE_FORMS):
        return False
    if "lattice" not in whole:
        return True
    lattice = opened(cell(whole["lattice"]))
    # a table of lists by column has a list of lattices there
    return isinstance(lattice, dict) or np.shape(np.asarray(lattice, dtype=object)) == (3, 3)


def _one_structure(source: Source, text: bytes) -> RawTable:
    """A table of one row, called by the name of the file."""
    name = source.path.name.encode("utf-8", errors="replace").decode()
    name = name[: -len(".gz")] if source.compressed and name.lower().endswith(".gz") else name
    columns = {
        "material_id": column_of([name.rsplit(".", 1)[0]]),
        "structure": column_of([text.decode(errors="replace")]),
    }
    return RawTable(source.file, columns, np.arange(1, 2, dtype=np.int64))


def _shape(piece: Any) -> str:
    if isinstance(piece, msgspec.Raw):
        opening = bytes(memoryview(piece)[:1])
        return {b"{": "mapping", b"[": "list"}.get(opening, "value")
    return "mapping" if isinstance(piece, dict) else "list" if isinstance(piece, list) else "value"


def _is_structure(piece: Any) -> bool:
    return _shape(piece) == "mapping" and not _OF_STRUCTURES.isdisjoint(parts(piece))


def _pages(whole: dict[str, Any]) -> list[str]:
    meta = opened(cell(whole.get("meta")))
    if not isinstance(meta, dict) or meta.get("more_data_available") is not True:
        return []
    available = meta.get("data_available")
    total = f" of {available:,} entries" if type(available) is int else ""
    return [f"the file is one page{total}: the service has more"]


def _shown(errors: Any) -> str:
    try:
        found = opened(cell(errors))
        first = found[0] if isinstance(found, list) and found else found
        text = first.get("detail") or first.get("title") if isinstance(first, dict) else first
    except NotJson as error:
        text = error
    return shown(text)
