"""The forms in which pandas writes a table as JSON, taken apart into records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mattomo.errors import InputError
from mattomo.materials.readers.json_text import NotJson, cell, parts
from mattomo.materials.readers.raw import refuse_names_used_twice
from mattomo.materials.readers.records import Record
from mattomo.materials.readers.roles import ID_NAMES


def split(file: str, whole: dict[str, Any]) -> Iterator[Record]:
    """Records of ``{"index": […], "columns": […], "data": [[…], …]}``.

    Labels of rows that are texts are the identifiers where no column has them.

    Raises
    ------
    InputError
        Names of columns that are no texts, or used twice.
    NotJson
    """
    names = _names(file, parts(whole["columns"]))
    rows = parts(whole["data"])
    labels = _labels(whole.get("index"), names, len(rows))
    for row, label in zip(rows, labels, strict=True):
        try:
            cells = parts(row)
        except NotJson as problem:
            yield problem
            continue
        if not isinstance(cells, list):
            yield NotJson("the row is no list")
        elif len(cells) != len(names):
            yield NotJson(f"{len(cells)} cells where there are {len(names)} columns")
        else:
            record = dict(zip(names, cells, strict=True))
            yield record if label is None else {"id": label, **record}


def by_column(file: str, whole: dict[str, Any]) -> Iterator[Record]:
    """Records of ``{column: [cells]}``.

    Raises
    ------
    InputError
        Columns of different lengths.
    NotJson
    """
    columns = {name: parts(piece) for name, piece in whole.items()}
    lengths = {name: len(cells) for name, cells in columns.items()}
    if len(set(lengths.values())) > 1:
        shortest, longest = min(lengths, key=lengths.__getitem__), max(lengths, key=lengths.__getitem__)
        raise InputError(
            f"columns of different lengths: {shortest!r} has {lengths[shortest]:,} cells, {longest!r} "
            f"{lengths[longest]:,}",
            file=file,
        )
    for cells in zip(*columns.values(), strict=True):
        yield dict(zip(columns, cells, strict=True))


def by_label(whole: dict[str, Any], *, columns: bool) -> Iterator[Record]:
    """Records of ``{column: {label: cell}}``, or of ``{label: {column: cell}}``.

    Labels of rows that are no numbers are the identifiers where no column has them.

    Raises
    ------
    NotJson
    """
    outer = {key: parts(piece) for key, piece in whole.items()} if columns else whole
    labels = dict.fromkeys(label for cells in outer.values() for label in cells) if columns else whole
    numbered = all(label.lstrip("-").isdigit() for label in labels)
    for label in labels:
        try:
            record = (
                {name: cells[label] for name, cells in outer.items() if label in cells}
                if columns
                else parts(whole[label])
            )
        except NotJson as problem:
            yield problem
            continue
        named = numbered or _has_id(record)
        yield record if named else {"id": label, **record}


def _names(file: str, columns: Any) -> list[str]:
    names = [cell(name) for name in columns]
    for place, name in enumerate(names, start=1):
        if not isinstance(name, str | int) or type(name) not in (str, int):
            raise InputError(
                f"the name of column {place} is no text", file=file, hint="Flatten the columns first."
            )
    found = [str(name) for name in names]
    refuse_names_used_twice(found, file)
    return found


def _labels(index: Any, names: list[str], rows: int) -> list[Any]:
    nothing: list[Any] = [None] * rows
    if index is None or _has_id(names):
        return nothing
    labels = parts(index)
    if not isinstance(labels, list) or len(labels) != rows:
        return nothing
    found = [cell(label) for label in labels]
    return found if all(type(label) is str for label in found) else nothing


def _has_id(names: Any) -> bool:
    return any(name.lower() in ID_NAMES for name in names)
