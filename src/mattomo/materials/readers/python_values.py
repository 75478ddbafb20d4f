"""Values of Python, NumPy and pandas to the cells of a column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mattomo.materials.readers.raw import RawColumn, column_of


def raw_column(values: Sequence[Any]) -> RawColumn:
    """A column of Python values of one property, by what they are.

    Parameters
    ----------
    values : sequence
        Numbers, flags and texts, of NumPy and pandas too; lists, mappings, sets and arrays, which are no
        property; anything else counts as its text. None, NaN, NA and NaT are missing values.

    Examples
    --------
    >>> raw_column([1, None, 2.5]).values.tolist(), raw_column(["a", None]).kind
    ([1.0, nan, 2.5], 'text')
    """
    return column_of([_plain(value) for value in values])


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return None if value != value else float(value)
    if isinstance(value, np.ndarray):
        return _plain(value.item()) if value.ndim == 0 else value.tolist()
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    return dict(value) if isinstance(value, dict) else str(value)
