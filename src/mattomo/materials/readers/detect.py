"""Which reader a file needs: told from its content, not from its name."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mattomo.errors import InputError
from mattomo.materials.readers.ase_db import looks_like_ase_db, read_ase_db
from mattomo.materials.readers.cgcnn_folder import looks_like_cgcnn_folder, read_cgcnn_folder
from mattomo.materials.readers.delimited import read_delimited
from mattomo.materials.readers.excel import read_excel
from mattomo.materials.readers.extxyz import looks_like_extxyz, read_extxyz
from mattomo.materials.readers.feather import read_feather
from mattomo.materials.readers.folder import (
    looks_like_folder,
    looks_like_structure_file,
    read_folder,
    read_structure_file,
)
from mattomo.materials.readers.json_file import read_json
from mattomo.materials.readers.parquet import read_parquet
from mattomo.materials.readers.raw import RawTable
from mattomo.materials.readers.source import GZIP, Source, open_source

_UTF8_MARK = b"\xef\xbb\xbf"
_JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes
    ----------
    name : str
    looks_like : callable of (Path, bytes) to bool
        Whether a file, of which the first 64 KiB are given (gzip taken off, b"" for a folder), has it.
    read : callable of Source to RawTable
    """

    name: str
    looks_like: Callable[[Path, bytes], bool]
    read: Callable[[Source], RawTable]


def _parquet(path: Path, head: bytes) -> bool:
    return head.startswith(b"PAR1")


def _feather(path: Path, head: bytes) -> bool:
    return head.startswith((b"ARROW1", b"FEA1"))


def _excel(path: Path, head: bytes) -> bool:
    return head.startswith(b"PK\x03\x04") and (b"xl/" in head or b"[Content_Types].xml" in head)


def _json(path: Path, head: bytes) -> bool:
    suffix = Path(path.stem if path.suffix.lower() == ".gz" else path).suffix.lower()
    # a file of JSON lines may start with a broken one: here the name helps
    return suffix in _JSON_SUFFIXES or head.removeprefix(_UTF8_MARK).lstrip()[:1] in (b"{", b"[")


def _any_text(path: Path, head: bytes) -> bool:
    return True


FORMATS: tuple[Format, ...] = (
    Format("Parquet", _parquet, read_parquet),
    Format("Feather", _feather, read_feather),
    Format("Excel", _excel, read_excel),
    Format("folder of CGCNN", looks_like_cgcnn_folder, read_cgcnn_folder),
    Format("folder of structure files", looks_like_folder, lambda source: read_folder(source, raw_table)),
    Format("ASE database", looks_like_ase_db, read_ase_db),
    Format("extended XYZ", looks_like_extxyz, read_extxyz),
    Format("structure file", looks_like_structure_file, read_structure_file),
)
"""Formats with marks of their own, asked in this order; the first that says yes reads."""

TEXTS: tuple[Format, ...] = (
    Format("JSON", _json, read_json),
    Format("delimited text", _any_text, read_delimited),
)
"""What remains is text; asked last, for delimited text may look like anything."""

_REFUSED: tuple[tuple[bytes, str, str], ...] = (
    (b"\x80", "a pickle", "It could run any code: write the data as Parquet or JSON instead."),
    (b"\x89HDF", "HDF5", "Write the table as Parquet or CSV."),
    (b"\xd0\xcf\x11\xe0", "an Excel file of the old kind (.xls)", "Save it as .xlsx or CSV."),
    (b"PK\x03\x04", "a zip archive", "Unpack it and give the file inside."),
    (b"BZh", "compressed by bzip2", "Unpack it, or use gzip."),
    (b"\xfd7zXZ", "compressed by xz", "Unpack it, or use gzip."),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd", "Unpack it, or use gzip."),
    (GZIP, "compressed by gzip twice", "Unpack it once."),
    (b"\xff\xfe", "text in UTF-16", "Save it as UTF-8."),
    (b"\xfe\xff", "text in UTF-16", "Save it as UTF-8."),
    (b"%PDF", "a PDF", "Give the data as CSV, JSON or Parquet."),
)
"""First bytes, what they say, and what to do: better than the message of a reader of text."""


def detect(source: Source) -> Format:
    """The format of a file.

    Raises
    ------
    InputError
        The file is empty, or of a kind that is not read.
    """
    if not source.head and not source.path.is_dir():
        raise InputError("the file is empty", file=source.file, hint="Give a table with a header line.")
    for candidate in FORMATS:
        if candidate.looks_like(source.path, source.head):
            return candidate
    for magic, what, hint in _REFUSED:
        if source.head.startswith(magic):
            raise InputError(f"the file is {what}, which is not read", file=source.file, hint=hint)
    return next(text for text in TEXTS if text.looks_like(source.path, source.head))


def raw_table(path: str | os.PathLike[str]) -> RawTable:
    """The table of a file or folder, nothing in it understood yet.

    Raises
    ------
    InputError
        The file cannot be read, or is of no known format.
    """
    source = open_source(path)
    return detect(source).read(source)
