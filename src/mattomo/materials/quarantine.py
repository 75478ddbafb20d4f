"""What could not be used, row by row, with the reason and what to do about it."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING, Literal

from mattomo.atomic import write_text
from mattomo.errors import shorten

if TYPE_CHECKING:
    import pandas as pd

Stage = Literal["formula", "structure", "property", "id", "study"]
LEFT_OUT_STAGES = ("formula", "id")


class RowProblem(ValueError):
    """Why one cell cannot be used; the readers turn it into a :class:`QuarantinedRow`.

    Parameters
    ----------
    reason : str
        What is wrong, without a full stop.
    hint : str, optional
        What to do about it.
    """

    def __init__(self, reason: str, hint: str = "") -> None:
        self.reason, self.hint = reason, hint
        super().__init__(reason)


@dataclass(frozen=True)
class QuarantinedRow:
    """One thing that could not be used.

    Attributes
    ----------
    id : str
        Identifier of the material, "" when it has none.
    file : str
    row : int
        1-based data row (the header is not a row).
    stage : {"formula", "structure", "property", "id", "study"}
        ``formula`` and ``id``: the row is left out wholly. ``structure``: the row stays, without its
        structure. ``property``: the row stays, with that value missing. ``study``: the row lacks something
        a study needs and takes no part in it.
    column : str
    value : str
        The offending value, shortened.
    reason : str
    hint : str
    """

    id: str
    file: str
    row: int
    stage: Stage
    column: str
    value: str
    reason: str
    hint: str = ""

    def __str__(self) -> str:
        value = f", value {self.value}" if self.value else ""
        hint = f" {self.hint}" if self.hint else ""
        return f"{self.file}, row {self.row}, column {self.column!r}{value}: {self.reason}.{hint}"


@dataclass(frozen=True)
class Quarantine:
    """Everything a reader could not use, in the order of the rows.

    Rows read = rows used + ``len(left_out)``.

    Attributes
    ----------
    rows : tuple of QuarantinedRow
    """

    rows: tuple[QuarantinedRow, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[QuarantinedRow]:
        return iter(self.rows)

    def __add__(self, other: Quarantine) -> Quarantine:
        return Quarantine(self.rows + other.rows)

    @property
    def left_out(self) -> tuple[QuarantinedRow, ...]:
        """The entries whose row is in no table at all (stage ``formula`` or ``id``), one a row."""
        return tuple(row for row in self.rows if row.stage in LEFT_OUT_STAGES)

    def to_frame(self) -> pd.DataFrame:
        """One line an entry, one column a field of :class:`QuarantinedRow`."""
        import pandas as pd

        names = [field.name for field in fields(QuarantinedRow)]
        return pd.DataFrame([astuple(row) for row in self.rows], columns=names)

    def to_csv(self) -> str:
        """All entries as CSV; cells are safe to open in a spreadsheet."""
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow([field.name for field in fields(QuarantinedRow)])
        writer.writerows([_spreadsheet_safe(str(cell)) for cell in astuple(row)] for row in self.rows)
        return text.getvalue()

    def write_csv(self, path: str | os.PathLike[str]) -> None:
        """Write `to_csv`, whole or not at all."""
        write_text(path, self.to_csv())


def shown(value: object) -> str:
    """A cell's value as the quarantine shows it: text as it stands, cut to 80 characters."""
    if value is None:
        return ""
    try:
        text = " ".join(value[:1000].split()) if isinstance(value, str) else shorten(value)
    except RecursionError:
        text = "(nested too deeply to show)"
    return text if len(text) <= 80 else text[:79] + "…"


def _spreadsheet_safe(cell: str) -> str:
    """Prefix a cell that a spreadsheet would run as a formula; numbers stay numbers.

    >>> _spreadsheet_safe("=1+1"), _spreadsheet_safe("-2.5")
    ("'=1+1", '-2.5')
    """
    if not cell.startswith(("=", "+", "-", "@", "\t", "\r")):
        return cell
    try:
        float(cell)
    except ValueError:
        return "'" + cell
    return cell
