"""Excel workbooks (.xlsx): the first sheet that is not empty."""

from __future__ import annotations

import datetime
import io
import warnings
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from mattomo.errors import InputError
from mattomo.materials.readers.raw import BrokenRow, RawTable, column_of, refuse_names_used_twice
from mattomo.materials.readers.source import Source, largest, too_large

_MOST_ROWS = 2**20  # of a sheet, by the format
_MOST_CELLS = 100_000_000


def read_excel(source: Source) -> RawTable:
    """A table from the first sheet of a workbook that has cells; formulas count as their stored values.

    The first row with cells is the header. Rows without cells are no rows.

    Raises
    ------
    InputError
        openpyxl is not installed; the workbook cannot be read, is empty, or names a column twice.
    """
    try:
        import openpyxl
    except ImportError:
        raise InputError(
            "reading Excel files needs the package openpyxl",
            file=source.file,
            hint='Install it (pip install "mattomo[excel]"), or save the sheet as CSV.',
        ) from None
    try:
        file = io.BytesIO(source.content())  # by its name openpyxl would judge it
        with zipfile.ZipFile(file) as archive:
            sizes = [(member.file_size, member.compress_size) for member in archive.infolist()]
        limit = largest(sum(packed for _, packed in sizes))
        if sum(unpacked for unpacked, _ in sizes) > limit:
            raise too_large(source.file, limit)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and rules of input, which are not read
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            try:
                return _first_sheet(source.file, book)
            finally:
                book.close()
    except InputError:
        raise
    except Exception as error:  # a broken workbook fails in as many ways as it has parts
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(
            f"the Excel file cannot be read ({reason})", file=source.file, hint="Save it again, or as CSV."
        ) from None


def _first_sheet(file: str, book: Any) -> RawTable:
    sheets = [sheet for sheet in book.worksheets if hasattr(sheet, "iter_rows")]
    for sheet in sheets:
        lines = _lines(file, sheet)
        header = next(lines, None)
        if header is not None:
            notices = [f"of several sheets the first with cells, {sheet.title!r}, is read"]
            return _table(file, header, lines, notices if len(sheets) > 1 else [])
    raise InputError("the workbook is empty", file=file, hint="Give a sheet with a header row.")


def _table(file: str, header: list[Any], lines: Iterator[list[Any]], notices: list[str]) -> RawTable:
    names = ["" if cell is None else str(cell).strip() for cell in header]
    refuse_names_used_twice([name for name in names if name], file)
    rows: list[int] = []
    broken: list[BrokenRow] = []
    kept: list[list[Any]] = []
    for row, line in enumerate(lines, start=1):
        if len(line) > len(names):
            broken.append(
                BrokenRow(row, f"{len(line)} cells where the header has {len(names)}", "Name every column.")
            )
        else:
            rows.append(row)
            kept.append(line + [None] * (len(names) - len(line)))
    columns = {name: column_of([line[place] for line in kept]) for place, name in enumerate(names) if name}
    return RawTable(file, columns, np.array(rows, dtype=np.int64), broken, notices)


def _lines(file: str, sheet: Any) -> Iterator[list[Any]]:
    """Rows with cells, empty cells at their end cut off."""
    sheet.reset_dimensions()  # what the sheet says of its size need not be so
    seen = 0
    for row, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
        seen += len(cells) + 1
        if row > _MOST_ROWS or seen > _MOST_CELLS:
            raise InputError("the sheet is larger than a sheet can be", file=file, hint="Save it as CSV.")
        line = [_cell(cell) for cell in cells]
        while line and line[-1] is None:
            line.pop()
        if line:
            yield line


def _cell(cell: Any) -> Any:
    if isinstance(cell, str):
        return None if cell == "#N/A" or not cell.strip() else cell
    if cell is None or isinstance(cell, bool | int | float):
        return cell
    if isinstance(cell, datetime.datetime | datetime.date | datetime.time):
        return cell.isoformat()
    return str(cell)
