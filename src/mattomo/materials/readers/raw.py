"""A table as read from a file, before anything in it is understood."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mattomo.materials.registry import PropertyInfo

RawKind = Literal["text", "number", "flag", "nested"]


@dataclass(frozen=True)
class RawColumn:
    """The cells of one column.

    Attributes
    ----------
    kind : {"text", "number", "flag", "nested"}
        ``nested`` holds lists or mappings.
    values : sequence, length n
        str or None; or an int64 or float64 array with NaN for no value; or bool or None; or, for ``nested``,
        an Arrow array that is turned into Python objects only when asked for, or a list of any objects.
    info : PropertyInfo, optional
        What the file itself states of the property: its cells are then taken as they stand.
    """

    kind: RawKind
    values: Any
    info: PropertyInfo | None = None

    def cells(self) -> list[Any]:
        """All cells as Python objects, None where there is no value."""
        if self.kind == "nested" and not isinstance(self.values, list):
            return list(self.values.to_pylist())
        if self.kind == "number":
            return [None if value != value else value for value in self.values.tolist()]
        return list(self.values)

    def take(self, index: NDArray[np.int64]) -> RawColumn:
        """The cells at positions ``index``, shape (k,)."""
        if isinstance(self.values, list):
            return RawColumn(self.kind, [self.values[i] for i in index.tolist()], self.info)
        return RawColumn(self.kind, self.values.take(index), self.info)


@dataclass(frozen=True)
class RawTable:
    """Columns of n rows.

    Attributes
    ----------
    file : str
    columns : dict of str to RawColumn
    rows : ndarray of int64, shape (n,)
        1-based data row of each.
    broken : list of (int, str)
        Data rows that fit no columns, each with the reason; they are not among the n.
    files : list of str, optional
        The file that holds the structure of each row, where that is not ``file``.
    """

    file: str
    columns: dict[str, RawColumn]
    rows: NDArray[np.int64]
    broken: list[tuple[int, str]] = field(default_factory=list)
    files: list[str] | None = None
