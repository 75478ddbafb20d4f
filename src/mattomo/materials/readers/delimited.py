"""CSV and other delimited text: every cell stays text."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from mattomo.errors import InputError
from mattomo.materials.readers.raw import RawColumn, RawTable


def read_delimited(path: Path) -> RawTable:
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
        with open(path, encoding="utf-8-sig", newline="") as file:
            delimiter = _delimiter(path, file.readline())
            file.seek(0)
            lines = []
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            for line in reader:
                line_number = reader.line_num
                if line:
                    lines.append(line)
    except UnicodeDecodeError as error:
        raise InputError(
            f"neither Parquet nor UTF-8 text (byte {error.start})",
            file=str(path),
            hint="Save the table as UTF-8 CSV or as Parquet.",
        ) from None
    except csv.Error as error:
        raise InputError(
            f"malformed CSV after line {line_number} ({error})",
            file=str(path),
            hint="Check the quotation marks.",
        ) from None
    finally:
        csv.field_size_limit(limit)
    if not lines:
        raise InputError("the file is empty", file=str(path), hint="Give a table with a header line.")
    header = [name.strip() for name in lines[0]]
    named = [name for name in header if name]
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise InputError(
            f"column names used twice: {', '.join(twice)}", file=str(path), hint="Rename one of each."
        )
    broken = [
        (row, f"{len(line)} cells where the header has {len(header)}")
        for row, line in enumerate(lines[1:], start=1)
        if len(line) != len(header)
    ]
    rows = [row for row, line in enumerate(lines[1:], start=1) if len(line) == len(header)]
    columns = {
        name: RawColumn("text", [lines[row][place] for row in rows])
        for place, name in enumerate(header)
        if name  # the index that pandas writes has no name
    }
    return RawTable(str(path), columns, np.array(rows, dtype=np.int64), broken)


def _delimiter(path: Path, header: str) -> str:
    if path.suffix.lower() == ".tsv" or ("\t" in header and "," not in header):
        return "\t"
    return ";" if ";" in header and "," not in header else ","
