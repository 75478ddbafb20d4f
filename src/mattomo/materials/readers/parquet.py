"""Parquet: typed columns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mattomo.errors import InputError
from mattomo.materials.canonical import stated_info
from mattomo.materials.readers.raw import RawColumn, RawTable


def read_parquet(path: Path) -> RawTable:
    """A table from a Parquet file.

    Raises
    ------
    InputError
        The file cannot be read as Parquet, or names a column twice.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        names = pq.read_schema(path).names
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InputError(
                f"column names used twice: {', '.join(twice)}", file=str(path), hint="Rename one of each."
            )
        table = pq.ParquetFile(path).read()
    except (pa.ArrowException, OSError) as error:
        raise InputError(
            f"the Parquet file cannot be read ({str(error).splitlines()[0]})",
            file=str(path),
            hint="Write it again.",
        ) from None
    columns = {
        name: replace(_column(table.column(place)), info=stated_info(table.schema.field(place)))
        for place, name in enumerate(table.column_names)
        if not name.startswith("__index_level_")
    }
    return RawTable(str(path), columns, np.arange(1, table.num_rows + 1, dtype=np.int64))


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
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return RawColumn("text", array.to_pylist())
    if pa.types.is_null(kind) or pa.types.is_temporal(kind):
        return RawColumn("text", [None if cell is None else str(cell) for cell in array.to_pylist()])
    return RawColumn("nested", array)
