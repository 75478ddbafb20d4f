"""Cells of one column to a typed property: what is missing, what is a number, what is a class."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mattomo.materials.quarantine import RowProblem
from mattomo.materials.readers.raw import MISSING, JsonText, RawColumn
from mattomo.materials.registry import REGISTRY, Kind, PropertyInfo, describe
from mattomo.materials.table import Column

_FLAGS = {"true": "True", "false": "False"}
_MOST_LEVELS = 20
_STATED = {"scalar": "number", "category": "text"}
_FEWEST = 20
_DATE = re.compile(
    r"(?:[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{4})"
    r"(?:[T ][0-9]{1,2}:[0-9]{2}.*)?"
)
_ID_NAME = re.compile(r"(?:^|[_ ])(?:id|ids|uid|idx|index|icsd|cod|key)(?:$|[_ ])", re.IGNORECASE)
_LONGEST = 1000
_UNIT = re.compile(r"[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?\s*[A-Za-zÅµμ°%].*")

Report = Callable[[int, object, RowProblem], None]


class Skipped(Exception):
    """The column is no property; the text says why."""


def property_column(name: str, raw: RawColumn, kind: Kind | None, report: Report) -> Column:
    """A typed property.

    Parameters
    ----------
    name : str
    raw : RawColumn
        The cells of n materials.
    kind : {"scalar", "category"}, optional
        What the user says it is; otherwise the registry, otherwise the values decide.
    report : callable
        Called with (position, value, problem) for a cell that cannot be used.

    Returns
    -------
    Column

    Raises
    ------
    Skipped
        The column holds lists or mappings, dates, free text, or numbers that name or count the rows.
    """
    stated = raw.info
    if stated is not None and raw.kind == _STATED[stated.kind] and kind in (None, stated.kind):
        return _as_stated(replace(stated, name=name), raw)
    if raw.kind == "nested":
        raise Skipped("it holds lists or mappings")
    if raw.kind == "mixed":
        raw = _as_text(raw.values, report)
    registered = REGISTRY.get(name)
    decided: Kind = kind or (registered.kind if registered else _guess(raw))
    info = _info(name, decided)
    guessed = registered is None and kind is None
    if decided == "scalar":
        column = _scalar(info, raw, report)
        if guessed and raw.kind != "flag":
            _refuse_row_numbers(name, column)
        return column
    if raw.kind == "text":
        raw = RawColumn("text", _without_long(raw.values, report))
    column = _category(info, raw)
    if guessed and raw.kind == "text":
        _refuse_dates(column)
        _refuse_free_text(column)
    return column


def _as_text(cells: list[Any], report: Report) -> RawColumn:
    """Cells of several kinds as texts, so that each is judged for itself."""
    nested = [isinstance(cell, JsonText | list | dict) for cell in cells]
    if 2 * sum(nested) > sum(cell is not None for cell in cells):
        raise Skipped("it holds lists or mappings")
    texts: list[str | None] = [None] * len(cells)
    for i, cell in enumerate(cells):
        if nested[i]:
            report(i, cell, RowProblem("a list or mapping where a single value belongs", "Give one value."))
        elif type(cell) is int and cell.bit_length() > 1024:
            report(i, "", RowProblem("a number too large", "Numbers are below 1e308."))
        else:
            texts[i] = cell if cell is None or type(cell) is str else str(cell)
    return RawColumn("text", texts)


def is_missing(cell: object) -> bool:
    """Whether a cell says there is no value."""
    if not isinstance(cell, str):
        return cell is None
    word = cell.strip()
    return len(word) < 10 and word.lower() in MISSING  # not to copy a structure


def number(text: str) -> float:
    """The number a cell states, NaN for no value.

    Raises
    ------
    RowProblem
        The text is no plain number.

    Examples
    --------
    >>> number(" 1e-3 "), number("n/a")
    (0.001, nan)
    """
    word = text.strip()
    try:
        if "_" not in word:  # Python would read 1_000
            value = float(word)
            return value if abs(value) < np.inf else np.nan
    except ValueError:
        pass
    if word.lower() in MISSING:
        return float("nan")
    if "," in word:
        hint = "A comma may be a decimal point or divide thousands: write 1234.5."
    elif _UNIT.fullmatch(word):
        hint = "Write the number without its unit."
    elif "(" in word or "±" in word:
        hint = "Write the number without its uncertainty."
    else:
        hint = "Write a plain number, or leave the cell empty."
    raise RowProblem("not a number", hint)


def _as_stated(info: PropertyInfo, raw: RawColumn) -> Column:
    """A property whose file says what it is."""
    if raw.kind == "number":
        values = np.where(np.isfinite(raw.values), raw.values, np.nan)
        return Column(info, values, np.isnan(values))
    levels = np.array([cell or "" for cell in raw.values], dtype=np.str_)
    return Column(info, levels, levels == "")


def _info(name: str, kind: Kind) -> PropertyInfo:
    known = REGISTRY.get(name)
    if known is not None and known.kind == kind:
        return known
    guessed = describe(name, ())
    return PropertyInfo(
        name, guessed.label, guessed.unit if kind == "scalar" else "", kind, None, guessed.note
    )


def _guess(raw: RawColumn) -> Kind:
    """Numbers are scalars; a text column is one if more than half of its cells are numbers."""
    if raw.kind != "text":
        return "scalar" if raw.kind == "number" else "category"
    present = [cell for cell in raw.values if not is_missing(cell)]
    # a column without any value says nothing: numbers are the plainer guess
    return "scalar" if 2 * sum(map(is_number, present)) > len(present) or not present else "category"


def is_number(cell: str) -> bool:
    """Whether `number` reads it, missing values included."""
    try:
        number(cell)
    except RowProblem:
        return False
    return True


def _scalar(info: PropertyInfo, raw: RawColumn, report: Report) -> Column:
    values: NDArray[np.float64]
    if raw.kind == "number":
        values = raw.values.astype(np.float64)
        values[~np.isfinite(values)] = np.nan
    elif raw.kind == "flag":
        values = np.array([np.nan if cell is None else float(cell) for cell in raw.values], dtype=np.float64)
    else:
        values = np.full(len(raw.values), np.nan)
        for i, cell in enumerate(raw.values):
            if cell is None:
                continue
            try:
                values[i] = number(cell)
            except RowProblem as problem:
                report(i, cell, problem)
    return Column(info, values, np.isnan(values))


def _category(info: PropertyInfo, raw: RawColumn) -> Column:
    if raw.kind == "number":
        levels = [_level(cell) for cell in raw.values.tolist()]
    elif raw.kind == "flag":
        levels = ["" if cell is None else str(cell) for cell in raw.values]
    else:
        levels = _text_levels(info, raw.values)
    values = np.array(levels, dtype=np.str_)
    return Column(info, values, values == "")


def _without_long(cells: list[str | None], report: Report) -> list[str | None]:
    """Texts that can be names of classes: an array of texts is as wide as its longest."""
    stripped = [None if cell is None else cell.strip() for cell in cells]
    long = [cell is not None and len(cell) > _LONGEST for cell in stripped]
    if 2 * sum(long) > sum(cell is not None for cell in cells):
        raise Skipped("it holds long texts")
    for i, cell in enumerate(stripped):
        if long[i]:
            report(i, cell, RowProblem("no name of a class but a long text", "Name the class shortly."))
            stripped[i] = None
    return stripped


def _text_levels(info: PropertyInfo, cells: list[str | None]) -> list[str]:
    levels = ["" if cell is None or _no_class(info, cell) else cell.strip() for cell in cells]
    distinct = set(levels) - {""}
    if distinct and all(level.lower() in _FLAGS for level in distinct):
        return [_FLAGS.get(level.lower(), "") for level in levels]
    if distinct and all(is_number(level) and level.lower() not in MISSING for level in distinct):
        as_number = {level: _level(number(level)) for level in distinct} | {"": ""}
        return [as_number[level] for level in levels]
    return levels


def _no_class(info: PropertyInfo, cell: str) -> bool:
    word = cell.strip()
    if word == "Na":  # sodium, in a column of elements; nobody writes a missing value so
        return False
    if info.none_is_class and word.lower() == "none":
        return False
    return word.lower() in MISSING


def _level(value: Any) -> str:
    if value != value or value in (float("inf"), float("-inf")):
        return ""
    return str(int(value)) if float(value).is_integer() else repr(value)


def _refuse_dates(column: Column) -> None:
    distinct = np.unique(column.values[~column.missing]).tolist()
    if distinct and all(_DATE.fullmatch(level) for level in distinct):
        raise Skipped(f"it holds dates, such as {distinct[0]!r}")


def _refuse_row_numbers(name: str, column: Column) -> None:
    """Refuse whole numbers that count the rows, or that a name such as icsd_id calls identifiers."""
    present = column.values[~column.missing].astype(np.float64)
    if len(present) < _FEWEST or (present != np.rint(present)).any():
        return
    levels = len(np.unique(present))
    low, high = present.min(), present.max()
    unless = f"if it is a property, read it as one: --scalars {name}"
    # rows left out leave gaps, but not many
    rising = bool((np.diff(present) > 0).all())
    if levels == len(present) and high - low + 1 <= (1.1 if rising else 1.0) * levels:
        raise Skipped(f"it counts the rows, from {low:.0f} to {high:.0f}; {unless}")
    if _ID_NAME.search(name) and 2 * levels > len(present):
        raise Skipped(f"it looks like identifiers ({levels:,} different whole numbers); {unless}")


def _refuse_free_text(column: Column) -> None:
    present = column.values[~column.missing]
    levels = len(np.unique(present))
    if levels > _MOST_LEVELS and 2 * levels > len(present):
        raise Skipped(f"it looks like free text ({levels:,} different values on {len(present):,} rows)")
    if levels == 1 and len(present) > 1:
        raise Skipped(f"it says {str(present[0])[:60]!r} on every row")
