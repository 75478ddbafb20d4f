"""Each property in a line: how many rows have it, and what its values are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mattomo.materials.check.finding import level_codes, values_of
from mattomo.materials.registry import Kind
from mattomo.materials.table import Column, Materials


@dataclass(frozen=True)
class PropertySummary:
    """One property of a table of n materials.

    Attributes
    ----------
    name, label, unit, kind, extensive, note
        As in `mattomo.materials.PropertyInfo`.
    provenance : bool
        It says where a value comes from, and is no property of the material.
    present : int
        Rows with a value.
    coverage : float
        Share of rows with a value, 0 for an empty table.
    distinct : int
        Different values.
    lowest, median, highest : float or None
        Of a scalar with values; else None.
    most_common : str
        The most frequent value, "" where there is none.
    most_common_share : float
        Its share of the rows with a value.
    singletons : int
        Levels of a category that one row alone has; 0 for a scalar.
    """

    name: str
    label: str
    unit: str
    kind: Kind
    extensive: bool | None
    note: str
    provenance: bool
    present: int
    coverage: float
    distinct: int
    lowest: float | None
    median: float | None
    highest: float | None
    most_common: str
    most_common_share: float
    singletons: int


def summaries(materials: Materials) -> tuple[PropertySummary, ...]:
    """A summary of each property, in the order of the table.

    Parameters
    ----------
    materials : Materials

    Returns
    -------
    tuple of PropertySummary
    """
    return tuple(_summary(name, column, len(materials)) for name, column in materials.columns.items())


def complete_rows(materials: Materials) -> tuple[int, int]:
    """Properties that at least half of the rows have, provenance aside; and the rows with all of them."""
    complete = np.ones(len(materials), dtype=bool)
    common = 0
    for column in materials.columns.values():
        if not column.info.is_provenance and 2 * column.missing.sum() <= len(materials):
            common += 1
            complete &= ~column.missing
    return common, int(complete.sum())


def _summary(name: str, column: Column, n: int) -> PropertySummary:
    lowest = median = highest = None
    common, singletons = "", 0
    if column.info.kind == "scalar":
        values = values_of(column)
        values = values[~np.isnan(values)]
        distinct, counts = np.unique(values, return_counts=True)
        if len(values):
            lowest, median, highest = float(distinct[0]), float(np.median(values)), float(distinct[-1])
            common = f"{distinct[counts.argmax()] + 0.0:.6g}"
        present = len(values)
    else:
        codes, levels = level_codes(column)
        counts = np.bincount(codes[codes >= 0], minlength=len(levels))
        present, singletons = int(counts.sum()), int((counts == 1).sum())
        common = levels[int(counts.argmax())] if levels else ""
    info = column.info
    return PropertySummary(
        name=name,
        label=info.label,
        unit=info.unit,
        kind=info.kind,
        extensive=info.extensive,
        note=info.note,
        provenance=info.is_provenance,
        present=present,
        coverage=present / n if n else 0.0,
        distinct=len(counts),
        lowest=lowest,
        median=median,
        highest=highest,
        most_common=common,
        most_common_share=int(counts.max()) / present if present else 0.0,
        singletons=singletons,
    )
