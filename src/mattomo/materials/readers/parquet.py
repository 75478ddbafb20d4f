"""Parquet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mattomo.materials.readers.arrow import arrow_table
from mattomo.materials.readers.raw import RawTable
from mattomo.materials.readers.source import Source


def read_parquet(source: Source) -> RawTable:
    """A table from a Parquet file.

    Raises
    ------
    InputError
        The file cannot be read as Parquet, or names a column twice.
    """
    import pyarrow.parquet as pq

    file = source.binary()

    def load() -> tuple[list[str], Callable[[], Any]]:
        opened = pq.ParquetFile(file)
        return list(opened.schema_arrow.names), opened.read

    return arrow_table(source.file, "Parquet", load)
