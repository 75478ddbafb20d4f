"""CSV and other delimited text: every cell stays text."""

from __future__ import annotations

import csv

import numpy as np

from mattomo.errors import InputError
from mattomo.materials.readers.raw import BrokenRow, RawColumn, RawTable, refuse_names_used_twice
from mattomo.materials.readers.source import Source

_QUOTE = "Quote cells that hold the delimiter."


def read_delimited(source: Source) -> RawTable:
    """A table from comma-, semicolon- or tab-separated UTF-8 text with a header line.

    Blank lines are no rows. A row with more or fewer cells than the header is broken.

    Raises
    ------
    InputError
        No UTF-8 text, no header, or the text breaks off within a quotation.
    """
    # a structure in a cell may be longer than the module's usual limit
    limit = csv.field_size_limit(2**31 - 1)
    line_number = 0
    try:
        with source.text() as file:
            delimiter = _delimiter(source.suffix, file.readline())
            file.seek(0)
            lines = []
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            for line in reader:
                line_number = reader.line_num
                if line:
                    lines.append(line)
    except UnicodeDecodeError as error:
        raise InputError(
            f"neither UTF-8 text nor another known format (byte {error.start})",
            file=source.file,
            hint="Save the table as UTF-8 CSV, JSON, Excel or Parquet.",
        ) from None
    except csv.Error as error:
        raise InputError(
            f"malformed CSV after line {line_number} ({error})",
            file=source.file,
            hint="Check the quotation marks.",
        ) from None
    finally:
        csv.field_size_limit(limit)
    if not lines:
        raise InputError("the file is empty", file=source.file, hint="Give a table with a header line.")
    header = [name.strip() for name in lines[0]]
    named = [name for name in header if name]
    refuse_names_used_twice(named, source.file)
    broken = [
        BrokenRow(row, f"{len(line)} cells where the header has {len(header)}", _QUOTE)
        for row, line in enumerate(lines[1:], start=1)
        if len(line) != len(header)
    ]
    rows = [row for row, line in enumerate(lines[1:], start=1) if len(line) == len(header)]
    columns = {
        name: RawColumn("text", [lines[row][place] for row in rows])
        for place, name in enumerate(header)
        if name  # the index that pandas writes has no name
    }
    return RawTable(source.file, columns, np.array(rows, dtype=np.int64), broken)


def _delimiter(suffix: str, header: str) -> str:
    if suffix == ".tsv" or ("\t" in header and "," not in header):
        return "\t"
    return ";" if ";" in header and "," not in header else ","
