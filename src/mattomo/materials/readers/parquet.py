"""Parquet."""

from __future__ import annotations

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
    return arrow_table(
        source.file, "Parquet", lambda: list(pq.read_schema(file).names), lambda: pq.ParquetFile(file).read()
    )
