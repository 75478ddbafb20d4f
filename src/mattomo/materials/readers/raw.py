"""A table as read from a file, before anything in it is understood."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mattomo.errors import InputError
from mattomo.materials.registry import PropertyInfo, nearest

RawKind = Literal["text", "number", "flag", "nested", "mixed"]

MISSING = frozenset(
    {"", "na", "n/a", "-", "none", "null", "nan"}
    | {sign + word for sign in ("", "+", "-") for word in ("inf", "infinity")}
)
"""Texts that say there is no value, in any case of their letters."""


class JsonText(str):
    """A list or mapping, still as JSON text: it is decoded only where it is used."""

    __slots__ = ()


@dataclass(frozen=True)
class RawColumn:
    """The cells of one column.

    Attributes
    ----------
    kind : {"text", "number", "flag", "nested", "mixed"}
        ``nested`` holds lists or mappings; ``mixed`` cells of several kinds.
    values : sequence, length n
        str or None; or an int64 or float64 array with NaN for no value; or bool or None; or, for ``nested``,
        a list of Python objects, JSON text and None, or an Arrow array that is turned into objects only when
        asked for; or, for ``mixed``, a list of any of these.
    info : PropertyInfo, optional
        What the file itself states of the property: its cells are then taken as they stand.
    """

    kind: RawKind
    values: Any
    info: PropertyInfo | None = None

    def cells(self) -> list[Any]:
        """All cells as Python objects, None where there is no value."""
        if self.kind == "number":
            return [None if value != value else value for value in self.values.tolist()]
        return list(self.values if isinstance(self.values, list) else self.values.to_pylist())

    def take(self, index: NDArray[np.int64]) -> RawColumn:
        """The cells at positions ``index``, shape (k,)."""
        if isinstance(self.values, list):
            return RawColumn(self.kind, [self.values[i] for i in index.tolist()], self.info)
        return RawColumn(self.kind, self.values.take(index), self.info)


class BrokenRow(NamedTuple):
    """A row that fits no columns, or a structure file that no row names; ``file`` where it is another."""

    row: int
    reason: str
    hint: str = ""
    value: str = ""
    file: str = ""
    id: str = ""


@dataclass(frozen=True)
class RawTable:
    """Columns of n rows.

    Attributes
    ----------
    file : str
    columns : dict of str to RawColumn
    rows : ndarray of int64, shape (n,)
        1-based data row of each.
    broken : list of BrokenRow
        Data rows that fit no columns, each with the reason; they are not among the n.
    notices : list of str
        What the reader decided.
    files : list of str, optional
        The file that holds the structure of each row, where that is not ``file``.
    id, structure : str, optional
        The columns that the reader knows to hold identifiers and structures.
    join : callable of (str or None, str or None) to RawTable, optional
        Of a table whose structures lie in files: gives it with them, by the columns that the user says hold
        identifiers and names of files.
    """

    file: str
    columns: dict[str, RawColumn]
    rows: NDArray[np.int64]
    broken: list[BrokenRow] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    files: list[str] | None = None
    id: str | None = None
    structure: str | None = None
    join: Callable[[str | None, str | None], RawTable] | None = None

    def require(self, name: str) -> None:
        """Refuse a name that is no column's.

        Raises
        ------
        InputError
            There is no such column; the message lists the nearest names.
        """
        if name not in self.columns:
            hint = nearest(name, list(self.columns))
            raise InputError("no such column", file=self.file, column=name, hint=hint)


def column_of(cells: list[Any]) -> RawColumn:
    """A column of the kind its cells have.

    Parameters
    ----------
    cells : list
        None, flags, numbers, texts, :class:`JsonText`, lists and mappings.

    Examples
    --------
    >>> column_of([1, None, "na"]).values
    array([ 1., nan, nan])
    >>> column_of([True, "x"]).kind
    'mixed'
    """
    kinds = set(map(type, cells)) - {type(None)}
    if kinds <= {str}:
        return RawColumn("text", cells)
    if kinds == {bool}:
        return RawColumn("flag", cells)
    if kinds <= {int, float, str}:
        return _numbers(cells, kinds) or RawColumn("mixed", cells)
    return RawColumn("mixed" if kinds & {str, bool, int, float} else "nested", cells)


def refuse_names_used_twice(names: Sequence[str], file: str) -> None:
    """Raise an InputError where two columns have one name."""
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise InputError(
            f"column names used twice: {', '.join(twice)}", file=file, hint="Rename one of each."
        )


def free_name(name: str, taken: Container[str]) -> str:
    """A name for a column of our own that no column of the file has."""
    while name in taken:
        name += " "
    return name


def _numbers(cells: list[Any], kinds: set[type]) -> RawColumn | None:
    if str in kinds:
        if any(type(cell) is str and cell.strip().lower() not in MISSING for cell in cells):
            return None
        cells = [None if type(cell) is str else cell for cell in cells]
    try:
        if kinds == {int} and None not in cells:
            return RawColumn("number", np.array(cells, dtype=np.int64))
        if any(type(cell) is int and abs(cell) > 2**53 for cell in cells):
            return None  # an identifier would change
        return RawColumn("number", np.array(cells, dtype=np.float64))
    except OverflowError:
        return None
