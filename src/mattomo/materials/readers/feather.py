"""Feather, which is a file of Arrow's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mattomo.errors import InputError
from mattomo.materials.readers.arrow import arrow_table
from mattomo.materials.readers.raw import RawTable
from mattomo.materials.readers.source import Source


def read_feather(source: Source) -> RawTable:
    """A table from a Feather file (version 2, Arrow IPC).

    Raises
    ------
    InputError
        The file cannot be read as Feather, is of version 1, or names a column twice.
    """
    import pyarrow as pa

    if source.head.startswith(b"FEA1"):
        raise InputError(
            "Feather of version 1 is not read", file=source.file, hint="Write it again as Feather or Parquet."
        )

    def load() -> tuple[list[str], Callable[[], Any]]:
        opened = pa.ipc.open_file(pa.BufferReader(source.content()))
        return list(opened.schema.names), opened.read_all

    return arrow_table(source.file, "Feather", load)
