"""Tables of Arrow, in which Parquet and Feather files arrive: typed columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from mattomo.errors import InputError
from mattomo.materials.canonical import stated_info
from mattomo.materials.readers.raw import RawColumn, RawTable, refuse_names_used_twice


def arrow_table(file: str, what: str, load: Callable[[], tuple[list[str], Callable[[], Any]]]) -> RawTable:
    """A table from what Arrow reads.

    Parameters
    ----------
    file : str
    what : str
        The format, for messages.
    load : callable
        Opens it: gives the names of the columns, and what then reads the ``pyarrow.Table``.

    Raises
    ------
    InputError
        Arrow cannot read it, its data contradict themselves, or a name is used twice.
    """
    import pyarrow as pa

    try:
        names, read = load()
        refuse_names_used_twice(names, file)
        table = read()
        table.validate(full=True)
        columns = {
            name: replace(_column(table.column(place)), info=stated_info(table.schema.field(place)))
            for place, name in enumerate(table.column_names)
            if name and not name.startswith("__index_level_")
        }
    except InputError:
        raise
    except (pa.ArrowException, OSError, ValueError, TypeError, OverflowError, MemoryError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        problem = f"the {what} file cannot be read ({reason})"
        raise InputError(problem, file=file, hint="Write it again.") from None
    return RawTable(file, columns, np.arange(1, table.num_rows + 1, dtype=np.int64))


def _column(array: Any) -> RawColumn:
    import pyarrow as pa

    kind = array.type
    if pa.types.is_dictionary(kind):
        array, kind = array.cast(kind.value_type), kind.value_type
    if pa.types.is_boolean(kind):
        return RawColumn("flag", array.to_pylist())
    if pa.types.is_integer(kind) and not array.null_count and not pa.types.is_uint64(kind):
        return RawColumn("number", array.to_numpy().astype(np.int64))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return RawColumn("number", array.cast(pa.float64(), safe=False).to_numpy().astype(np.float64))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return RawColumn("text", array.to_pylist())
    if pa.types.is_null(kind) or pa.types.is_temporal(kind):
        return RawColumn("text", [None if cell is None else str(cell) for cell in array.to_pylist()])
    return RawColumn("nested", array)
