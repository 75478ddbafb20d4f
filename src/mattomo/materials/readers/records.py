"""Records, each a mapping of column to cell, to a table; the dialects of materials services are flattened."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import msgspec
import numpy as np

from mattomo.errors import InputError
from mattomo.materials.quarantine import shown
from mattomo.materials.readers import jarvis, mp_documents, optimade
from mattomo.materials.readers.json_text import NotJson, cell, parts
from mattomo.materials.readers.raw import BrokenRow, RawTable, column_of

Record: TypeAlias = Any
"""A piece of JSON, a mapping of names to pieces, or the NotJson that says why there is none."""

MOST_COLUMNS = 5_000
_MOST_CELLS, _SPARSEST = 20_000_000, 100
_DIALECTS = (optimade, mp_documents, jarvis)


def records_table(file: str, records: Iterable[Record], notices: Iterable[str] = ()) -> RawTable:
    """A table of records; a key a record lacks is a missing value.

    Parameters
    ----------
    file : str
    records : iterable of Record
    notices : iterable of str, optional

    Raises
    ------
    InputError
        More than 5,000 different keys, or hardly two records with the same.
    """
    columns: dict[str, list[Any]] = {}
    rows: list[int] = []
    broken: list[BrokenRow] = []
    renamed: dict[str, str] = {}
    given = 0
    for row, piece in enumerate(records, start=1):
        try:
            record = _flat(piece, renamed)
        except NotJson as problem:
            hint = 'Each record is one object such as {"formula": "Fe2O3", "band_gap": 2.1}.'
            broken.append(BrokenRow(row, str(problem), hint, _shown(piece)))
            continue
        for name, value in record.items():
            column = columns.setdefault(name, [])
            column.extend([None] * (len(rows) - len(column)))
            column.append(value)
        rows.append(row)
        given += len(record)
        if len(columns) > MOST_COLUMNS:
            raise InputError(
                f"more than {MOST_COLUMNS:,} different keys by record {row:,}",
                file=file,
                hint="Keys name properties; give identifiers as values.",
            )
    cells = len(columns) * len(rows)
    if cells > _MOST_CELLS and cells > _SPARSEST * given:
        raise InputError(
            f"{len(columns):,} different keys on {len(rows):,} records, of which hardly two share one",
            file=file,
            hint="Keys name properties; give identifiers as values.",
        )
    for column in columns.values():
        column.extend([None] * (len(rows) - len(column)))
    changed = ", ".join(f"{old} is read as {new}" for old, new in renamed.items() if old != new)
    return RawTable(
        file,
        {name: column_of(column) for name, column in columns.items() if name},
        np.array(rows, dtype=np.int64),
        broken,
        [*notices, *([f"names of the source: {changed}"] if changed else [])],
    )


def _flat(piece: Record, renamed: dict[str, str]) -> dict[str, Any]:
    if isinstance(piece, NotJson):
        raise piece
    found = parts(piece)
    if not isinstance(found, dict):
        raise NotJson(f"the record is no object but {_kind(found)}")
    record = {cell(name): cell(value) for name, value in found.items()}
    for dialect in _DIALECTS:
        if dialect.looks_like(record):
            flat = dialect.flatten(record, renamed)
            return {cell(name): cell(value) for name, value in flat.items()}
    return record


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    return "a text" if isinstance(value, str) else "a list"


def _shown(piece: Record) -> str:
    if isinstance(piece, bytes | msgspec.Raw):
        return shown(bytes(memoryview(piece)[:1000]).decode("utf-8", "replace"))
    return "" if isinstance(piece, NotJson) else shown(piece)
