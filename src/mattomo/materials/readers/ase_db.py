"""ASE databases (SQLite or JSON), through ASE itself (extra ``ase``)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from mattomo.errors import InputError
from mattomo.materials.crystal import MAX_SITES, Crystal, StructureError, cartesian_crystal, not_bulk
from mattomo.materials.formula import SYMBOLS
from mattomo.materials.readers.python_values import raw_column
from mattomo.materials.readers.raw import RawColumn, RawTable, free_name
from mattomo.materials.readers.roles import ID_NAMES
from mattomo.materials.readers.source import Source

_SQLITE = b"SQLite format 3\0"
_JSON_KEYS = (b'"numbers"', b'"positions"', b'"cell"')
_HINT = "pip install mattomo[ase]"
_CALCULATED = ("energy", "free_energy", "magmom", "charge")


def read_ase_db(source: Source) -> RawTable:
    """The rows of an ASE database.

    The properties are the rows' key-value pairs and the calculator's ``energy``, ``free_energy``, ``magmom``
    and ``charge``; the identifier is a pair with one of the usual names, else the number of the row. Rows
    that are not periodic in three directions keep their composition only.

    Raises
    ------
    InputError
        ASE is not installed, the file is no ASE database, or it has no row.
    """
    path = source.path
    if source.compressed:
        raise InputError("an ASE database is not read from gzip", file=source.file, hint="Unpack it.")
    kind = _kind(source)
    try:
        from ase.db import connect
    except ImportError:
        raise InputError(
            "an ASE database is read with ASE, which is not installed", file=source.file, hint=_HINT
        ) from None
    open_database: Any = connect
    try:
        rows = list(open_database(os.fspath(path.absolute()), type=kind, use_lock_file=False).select())
    except Exception as error:  # ASE trusts its files: a damaged one may raise anything
        raise InputError(
            f"the ASE database cannot be read ({type(error).__name__}: {str(error)[:100]})", file=source.file
        ) from None
    if not rows:
        raise InputError("the database has no rows", file=source.file)
    pairs = [_pairs(row) for row in rows]
    columns = {
        key: raw_column([each.get(key) for each in pairs])
        for key in dict.fromkeys(key for each in pairs for key in each)
    }
    if not any(name in columns for name in ID_NAMES):
        columns = {"id": RawColumn("text", [str(row.id) for row in rows]), **columns}
    place = free_name("structure", columns)
    columns[place] = RawColumn("nested", [_structure(row) for row in rows])
    rows_read = np.arange(1, len(rows) + 1, dtype=np.int64)
    return RawTable(source.file, columns, rows_read, structure=place)


def looks_like_ase_db(path: Path, head: bytes) -> bool:
    """Whether the first bytes are those of SQLite, or of ASE's JSON of numbered rows."""
    if head.startswith(_SQLITE):
        return True
    start = b"".join(head.split())
    return start.startswith(b'{"1":{') and b'"ctime"' in start and any(key in start for key in _JSON_KEYS)


def _kind(source: Source) -> str:
    """ "db" or "json"; nothing is opened through ASE that is no database: it would write tables into it."""
    if not source.head.startswith(_SQLITE):
        return "json"
    import sqlite3

    try:
        connection = sqlite3.connect(f"{source.path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            found = connection.execute(
                "SELECT COUNT(*) FROM sqlite_master WHERE name = 'systems' AND type = 'table'"
            ).fetchone()[0]
        finally:
            connection.close()
    except (sqlite3.Error, ValueError) as error:
        raise InputError(f"the SQLite file cannot be read ({error})", file=source.file) from None
    if not found:
        raise InputError("the SQLite file is no ASE database: it has no table 'systems'", file=source.file)
    return "db"


def _pairs(row: Any) -> dict[str, Any]:
    try:
        pairs = dict(row.key_value_pairs)
    except Exception:  # see above
        pairs = {}
    for name in _CALCULATED:
        value = vars(row).get(name)  # what is stored: as attributes some are made from the atoms
        if name not in pairs and isinstance(value, int | float | np.floating):
            pairs[name] = value
    return pairs


def _structure(row: Any) -> Crystal | StructureError:
    try:
        numbers = np.asarray(row.numbers, dtype=np.int64).tolist()
        if not 0 < len(numbers) <= MAX_SITES:
            raise StructureError(f"the row has {len(numbers):,} atoms", f"1 to {MAX_SITES:,} are read.")
        if not all(0 < number <= len(SYMBOLS) for number in numbers):
            raise StructureError("an atom is no element", "Atomic numbers are 1 to 103.")
        amounts = {number: float(numbers.count(number)) for number in sorted(set(numbers))}
        pbc = np.asarray(row.pbc, dtype=np.bool_)
        if not pbc.all():
            raise not_bulk(int(pbc.sum()), amounts)
        cell = np.asarray(row.cell, dtype=np.float64).reshape(3, 3)
        positions = np.asarray(row.positions, dtype=np.float64).reshape(-1, 3)
        return cartesian_crystal(cell, [SYMBOLS[number - 1] for number in numbers], positions)
    except StructureError as error:
        return error
    except Exception as error:  # see above
        return StructureError(f"the row cannot be read ({str(error)[:100]})")
