"""The other way round: which materials fit known values, and how likely each is."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from mattomo.errors import InputError
from mattomo.information.channel import resolution
from mattomo.materials.registry import nearest
from mattomo.materials.table import Column, Materials


def compatible(
    materials: Materials,
    known: Mapping[str, float | str],
    resolutions: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Materials compatible with known values, and how likely each is to be the one.

    Every row counts alike beforehand. Scalars err normally with the standard deviation of an error uniform
    over their resolution, eps / sqrt(12), cut off at plus or minus eps; categories must be equal.

    Parameters
    ----------
    materials : Materials
    known : mapping of str to float or str
        Values by name of property.
    resolutions : mapping of str to float, optional
        Widths eps by name, in the unit of the property; else the registry's.

    Returns
    -------
    DataFrame
        One row a compatible material, most likely first (then by id): id, formula, probability (they sum to
        1), and the columns of ``known``. Rows that lack one of them are not compatible; no row may be.

    Raises
    ------
    InputError
        Nothing known, no such property, a value that is no number, or no such level of a category.
    """
    if not known:
        raise InputError("no value is known", hint="Give one at least, e.g. band_gap=1.1.")
    columns = {name: materials.column(name) for name in known}
    for name in resolutions or {}:
        if name not in columns:
            raise InputError(
                "a resolution of a property that is not known", column=name, hint=nearest(name, list(known))
            )
    inside = np.ones(len(materials), dtype=bool)
    log_weight = np.zeros(len(materials))
    for name, column in columns.items():
        value = known_value(column, known[name], materials.source)
        if isinstance(value, str):
            inside &= ~column.missing & (column.values.astype(str) == value)
            continue
        width, _ = resolution(column, resolutions)
        off = np.abs(np.where(column.missing, np.inf, column.values.astype(np.float64)) - value) / width
        inside &= off <= 1
        log_weight -= 0.5 * 12 * np.minimum(off, 1.0) ** 2
    rows = np.flatnonzero(inside)
    weight = np.exp(log_weight[rows] - log_weight[rows].max(initial=-np.inf)) if len(rows) else np.zeros(0)
    rows_by = np.lexsort((materials.ids[rows], -weight))
    rows, weight = rows[rows_by], weight[rows_by]
    frame = {
        "id": materials.ids[rows],
        "formula": materials.compositions.formulas[rows],
        "probability": weight / weight.sum() if len(rows) else weight,
    }
    return pd.DataFrame({**frame, **{name: column.values[rows] for name, column in columns.items()}})


def known_value(column: Column, value: float | str, source: str) -> float | str:
    """A value as the column holds it: a finite number, or one of its levels, whatever the case.

    Raises
    ------
    InputError
        It is neither.
    """
    name = column.info.name
    if column.info.kind == "category":
        levels = sorted(set(column.values[~column.missing].astype(str).tolist()))
        # flags are stored as words, whatever the case
        for level in levels:
            if level.lower() == str(value).lower():
                return str(level)
        raise InputError(
            "no row has this class", file=source, column=name, value=value, hint=nearest(str(value), levels)
        )
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError("not a number", file=source, column=name, value=value, hint="E.g. band_gap=1.1.")
    return number
