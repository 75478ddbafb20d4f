"""ASE databases (SQLite or JSON), through ASE itself (extra ``ase``)."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mattomo.errors import InputError
from mattomo.materials.crystal import MAX_SITES, Crystal, StructureError, crystal, not_bulk
from mattomo.materials.formula import SYMBOLS
from mattomo.materials.quarantine import Quarantine
from mattomo.materials.readers.files import FileProblem, read_head
from mattomo.materials.readers.python_objects import raw_column
from mattomo.materials.readers.raw import RawColumn, RawTable
from mattomo.materials.readers.table import ID_NAMES, materials_from
from mattomo.materials.table import Materials

_SQLITE = b"SQLite format 3\0"
_JSON_KEYS = (b'"numbers"', b'"positions"', b'"cell"')
_HINT = "pip install mattomo[ase]"
_CALCULATED = ("energy", "free_energy", "magmom", "charge")


def read_ase_db(
    path: str | os.PathLike[str],
    *,
    formula: str | None = None,
    id: str | None = None,
    structure: str | None = None,
    categories: Sequence[str] = (),
    scalars: Sequence[str] = (),
) -> tuple[Materials, Quarantine]:
    """Read the rows of an ASE database.

    The properties are the rows' key-value pairs and the calculator's ``energy``, ``free_energy``, ``magmom``
    and ``charge``; the identifier is a pair with one of the usual names, else the number of the row.

    Parameters
    ----------
    path : path
    formula, id, structure, categories, scalars
        As in :func:`read_table`, for the keys.

    Returns
    -------
    materials : Materials
    quarantine : Quarantine
        Rows that are not periodic in three directions keep their composition only.

    Raises
    ------
    InputError
        ASE is not installed, the file is no ASE database, or no row can be used.
    """
    path = Path(path)
    kind = _kind(path)
    try:
        from ase.db import connect
    except ImportError:
        raise InputError(
            "an ASE database is read with ASE, which is not installed", file=str(path), hint=_HINT
        ) from None
    open_database: Any = connect
    try:
        rows = list(open_database(os.fspath(path.absolute()), type=kind, use_lock_file=False).select())
    except Exception as error:  # ASE trusts its files: a damaged one may raise anything
        raise InputError(
            f"the ASE database cannot be read ({type(error).__name__}: {str(error)[:100]})", file=str(path)
        ) from None
    if not rows:
        raise InputError("the database has no rows", file=str(path))
    pairs = [_pairs(row) for row in rows]
    columns = {
        key: raw_column([each.get(key) for each in pairs])
        for key in dict.fromkeys(key for each in pairs for key in each)
    }
    if not any(name in columns for name in ID_NAMES):
        columns = {"id": RawColumn("text", [str(row.id) for row in rows]), **columns}
    place = structure or "structure"
    columns[place] = RawColumn("nested", [_structure(row) for row in rows])
    raw = RawTable(str(path), columns, np.arange(1, len(rows) + 1, dtype=np.int64))
    return materials_from(
        raw, formula=formula, id=id, structure=place, categories=categories, scalars=scalars
    )


def looks_like_ase_db(path: Path, head: bytes) -> bool:
    """Whether the first bytes are those of SQLite, or of ASE's JSON of numbered rows."""
    if head.startswith(_SQLITE):
        return True
    start = b"".join(head[:4000].split())
    return start.startswith(b'{"1":{') and (
        b'"numbers"' in start or b'"positions"' in start or b'"cell"' in start
    )


def _kind(path: Path) -> str:
    """ "db" or "json"; nothing is opened through ASE that is no database: it would write tables into it."""
    try:
        head = read_head(path, 16)
    except FileProblem as problem:
        raise InputError(str(problem), file=str(path)) from None
    if not head.startswith(_SQLITE):
        return "json"
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            found = connection.execute(
                "SELECT COUNT(*) FROM sqlite_master WHERE name = 'systems' AND type = 'table'"
            ).fetchone()[0]
        finally:
            connection.close()
    except (sqlite3.Error, ValueError) as error:
        raise InputError(f"the SQLite file cannot be read ({error})", file=str(path)) from None
    if not found:
        raise InputError("the SQLite file is no ASE database: it has no table 'systems'", file=str(path))
    return "db"


def _pairs(row: Any) -> dict[str, Any]:
    try:
        pairs = dict(row.key_value_pairs)
    except Exception:  # see above
        pairs = {}
    for name in _CALCULATED:
        value = row.get(name)
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
        coords = np.linalg.solve(cell.T, positions.T).T
        return crystal(cell, [SYMBOLS[number - 1] for number in numbers], coords)
    except StructureError as error:
        return error
    except np.linalg.LinAlgError:
        return StructureError("the lattice vectors lie in a plane", "Check the lattice.")
    except Exception as error:  # see above
        return StructureError(f"the row cannot be read ({str(error)[:100]})")
