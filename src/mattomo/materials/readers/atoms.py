"""Properties of the atoms: columns of lists with a number for every site, and tables by element."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mattomo.errors import InputError
from mattomo.materials.formula import MAX_Z, FormulaError, element
from mattomo.materials.quarantine import RowProblem
from mattomo.materials.readers.cells import is_missing, number
from mattomo.materials.readers.detect import raw_table
from mattomo.materials.readers.json_text import NotJson, opened
from mattomo.materials.readers.raw import JsonText, RawColumn, RawTable
from mattomo.materials.registry import PropertyInfo, describe
from mattomo.materials.table import AtomColumn

ELEMENT_NAMES = ("element", "symbol")
"""Names of the column with the symbols of a table by element."""

_HINT = "Give one number for each site, in the order of the sites of the structure."


def site_column(
    name: str, raw: RawColumn, sites: NDArray[np.int64], report: Callable[[int, object, RowProblem], None]
) -> AtomColumn | None:
    """A column of lists as a property of the sites, None if it is none.

    It is one if most of the lists, on rows with a structure, have as many entries as that has sites.

    Parameters
    ----------
    name : str
    raw : RawColumn
        The cells of n materials.
    sites : ndarray of int64, shape (n,)
        Sites of each structure, 0 without one.
    report : callable
        Called with (position, value, problem) for a list that does not fit its structure.

    Returns
    -------
    AtomColumn or None
    """
    if raw.kind not in ("nested", "mixed", "text"):
        return None
    cells = raw.cells()
    if raw.kind == "text" and not _mostly_lists(cells):
        return None
    lists = {i: found for i, cell in enumerate(cells) if sites[i] and (found := _list(cell)) is not None}
    fitting = sum(len(found) == sites[i] and _numbers(found) is not None for i, found in lists.items())
    if 2 * fitting <= len(lists):
        return None
    values = [np.full(n, np.nan) for n in sites.tolist()]
    for i, found in lists.items():
        own = _numbers(found)
        if own is None:
            report(i, cells[i], RowProblem("the list has entries that are no numbers", _HINT))
        elif len(own) != sites[i]:
            reason = f"{len(own):,} values for the {sites[i]:,} sites of the structure"
            report(i, cells[i], RowProblem(reason, _HINT))
        else:
            values[i] = own
    for i, cell in enumerate(cells):
        if sites[i] and i not in lists and not is_missing(cell):
            report(i, cell, RowProblem("no list of numbers where a value for every site belongs", _HINT))
    info = replace(raw.info or describe(name, (0.0,)), name=name, kind="scalar", atoms="site")
    return AtomColumn(info, np.concatenate([np.zeros(0), *values]))


def read_element_table(path: str | Path, name: str) -> AtomColumn:
    """A property of the elements from a file.

    Parameters
    ----------
    path : path
        JSON with a mapping of symbols to numbers, or a table in any format of `read_table` with a column of
        symbols (``element`` or ``symbol``) and one of values: called ``name``, or the only other one.
    name : str
        Of the property.

    Returns
    -------
    AtomColumn
        NaN for elements without a value.

    Raises
    ------
    InputError
        The file cannot be read, lacks one of the columns, names what is no element or one twice, or has a
        value that is no number.
    """
    found = _mapping(Path(path))
    pairs = _pairs(raw_table(path), name) if found is None else list(enumerate(found.items(), start=1))
    values = np.full(MAX_Z + 1, np.nan)
    seen: dict[int, int] = {}
    for row, (symbol, cell) in pairs:
        try:
            Z = element(str(symbol).strip())
        except FormulaError as error:
            raise InputError(
                error.reason, file=str(path), row=row, value=symbol, hint="Write symbols such as Fe."
            ) from None
        if Z in seen:
            problem = f"the element is that of row {seen[Z]} too"
            raise InputError(problem, file=str(path), row=row, value=symbol, hint="Keep one of the two.")
        seen[Z] = row
        try:
            values[Z] = _value(cell)
        except RowProblem as error:
            raise InputError(
                error.reason, file=str(path), row=row, column=name, value=cell, hint=error.hint
            ) from None
    if np.isnan(values).all():
        raise InputError("no element has a value", file=str(path), column=name)
    return AtomColumn(by_element(describe(name, (0.0,)), name), values)


def by_element(info: PropertyInfo, name: str) -> PropertyInfo:
    """What is known of a property of the elements."""
    return replace(info, name=name, kind="scalar", atoms="element", extensive=False)


def _mapping(path: Path) -> dict[str, Any] | None:
    """Symbols and values of a JSON mapping, None if the file is something else."""
    if path.suffix.lower() != ".json":
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return None  # says so when read as a table
    plain = isinstance(found, dict) and found and not any(isinstance(v, list | dict) for v in found.values())
    return found if plain else None


def _pairs(raw: RawTable, name: str) -> list[tuple[int, tuple[Any, Any]]]:
    lower = {column.lower(): column for column in reversed(raw.columns)}
    symbols = next((lower[each] for each in ELEMENT_NAMES if each in lower), None)
    if symbols is None:
        raise InputError(
            f"no column of elements among: {', '.join(list(raw.columns)[:12])}",
            file=raw.file,
            hint=f"Name it {ELEMENT_NAMES[0]!r}; it holds symbols.",
        )
    if raw.broken:
        raise InputError(raw.broken[0].reason, file=raw.file, row=raw.broken[0].row)
    others = [column for column in raw.columns if column != symbols]
    if name not in others and len(others) != 1:
        raise InputError(
            "no column of this name in the table by element",
            file=raw.file,
            column=name,
            hint=f"There are: {', '.join(others[:12])}.",
        )
    cells = raw.columns[name if name in others else others[0]].cells()
    rows = zip(raw.columns[symbols].cells(), cells, strict=True)
    return [(int(row), pair) for row, pair in zip(raw.rows, rows, strict=True)]


def _value(cell: Any) -> float:
    if cell is None:
        return float("nan")
    if isinstance(cell, bool):
        raise RowProblem("not a number", "Write a plain number, or leave the cell empty.")
    return number(cell if isinstance(cell, str) else repr(cell))


def _mostly_lists(cells: list[Any]) -> bool:
    present = [cell for cell in cells if not is_missing(cell)]
    lists = sum(str(cell).lstrip().startswith("[") for cell in present)
    return 2 * lists > len(present)


def _list(cell: Any) -> list[Any] | None:
    try:
        if isinstance(cell, str) and cell.lstrip().startswith("["):
            cell = opened(JsonText(cell))
        found = opened(cell)
    except NotJson:
        return None
    return found if isinstance(found, list) else None


def _numbers(cells: list[Any]) -> NDArray[np.float64] | None:
    """The numbers of a list, NaN for null; None if it holds anything else."""
    if not all(cell is None or (isinstance(cell, int | float) and type(cell) is not bool) for cell in cells):
        return None
    try:
        values = np.array([np.nan if cell is None else cell for cell in cells], dtype=np.float64)
    except OverflowError:
        return None
    return np.where(np.isfinite(values), values, np.nan)
