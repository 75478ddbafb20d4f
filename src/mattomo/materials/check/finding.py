"""One thing a check found: what it is, how sure, and the materials it concerns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mattomo.materials.table import Column, Materials

Level = Literal["warning", "note"]


@dataclass(frozen=True)
class Finding:
    """Something that could fool a user later.

    Attributes
    ----------
    code : str
        What kind of thing, as listed in ``docs/check.md``; does not change between versions.
    level : {"warning", "note"}
        ``warning``: something in the table is wrong or would make results wrong, if nothing is done.
        ``note``: true of the data, and good to know when reading results.
    column : str
        The property it concerns, "" for none.
    text : str
        One sentence with the numbers.
    advice : str
        What to do about it.
    count : int
        Materials (or groups, columns, levels) concerned.
    ids : tuple of str
        All materials concerned, worst first; empty where they would say nothing.
    groups : tuple of tuple of str
        Instead of ``ids``, for a finding on groups of materials.
    """

    code: str
    level: Level
    column: str
    text: str
    advice: str = ""
    count: int = 0
    ids: tuple[str, ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()


def ids_at(materials: Materials, positions: NDArray[np.int64] | Sequence[int]) -> tuple[str, ...]:
    """The identifiers at some positions."""
    return tuple(materials.ids[np.asarray(positions, dtype=np.int64)].tolist())


def share_text(count: int, total: int) -> str:
    """A share of materials for people.

    >>> share_text(518, 96257), share_text(1, 96257), share_text(96257, 96257), share_text(99999, 100000)
    ('0.54 %', '< 0.01 %', '100 %', '> 99.9 %')
    """
    if count == total:
        return "100 %"
    percent = 100 * count / max(total, 1)
    if percent < 0.01:
        return "< 0.01 %"
    if percent > 99.9:
        return "> 99.9 %"
    return f"{percent:.1f} %" if percent >= 10 else f"{percent:.2g} %"


def rows_text(count: int, total: int) -> str:
    """A number of rows and their share.

    >>> rows_text(1, 100), rows_text(518, 96257)
    ('1 row (1 %)', '518 rows (0.54 %)')
    """
    return f"{count:,} row{'s' if count != 1 else ''} ({share_text(count, total)})"


def values_of(column: Column) -> NDArray[np.float64]:
    """Values of a scalar with NaN where missing, shape (n,).

    Infinities, which readers turn into missing values, are missing here too.
    """
    values = np.array(column.values, dtype=np.float64)
    values[column.missing | ~np.isfinite(values)] = np.nan
    return values


def level_codes(column: Column) -> tuple[NDArray[np.int64], list[str]]:
    """Levels of a category as numbers in the order of their first row, -1 where missing, and their names."""
    number: dict[Any, int] = {"": -1}
    codes = np.empty(len(column.values), dtype=np.int64)
    names: list[str] = []
    for i, level in enumerate(np.where(column.missing, "", column.values.astype(np.str_)).tolist()):
        code = number.get(level)
        if code is None:
            code = number[level] = len(names)
            names.append(level)
        codes[i] = code
    return codes, names


def scalars(materials: Materials) -> Iterator[tuple[str, str, NDArray[np.float64]]]:
    """Name, unit and values (NaN where missing) of the scalars that are no provenance."""
    for name, column in _told(materials):
        if column.info.kind == "scalar":
            yield name, column.info.unit, values_of(column)


def categories(materials: Materials) -> Iterator[tuple[str, NDArray[np.int64], list[str]]]:
    """Name, and what `level_codes` gives, of the categories that are no provenance."""
    for name, column in _told(materials):
        if column.info.kind == "category":
            yield name, *level_codes(column)


def _told(materials: Materials) -> list[tuple[str, Column]]:
    return [(name, column) for name, column in materials.columns.items() if not column.info.is_provenance]
