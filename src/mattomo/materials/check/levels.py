"""Categories: rare levels, too many levels, and numbers that may be names of classes."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from mattomo.materials.check.finding import Finding, categories, ids_at, scalars
from mattomo.materials.registry import REGISTRY
from mattomo.materials.table import Materials

MOST_CODES = 20
"""A column of whole numbers with at most so many different ones may hold classes."""

_FEWEST = 30
_SHOWN = 5


def levels(materials: Materials) -> list[Finding]:
    """Levels that one row alone has, and categories with almost as many levels as rows.

    Parameters
    ----------
    materials : Materials

    Returns
    -------
    list of Finding
    """
    found = []
    for name, codes, names in categories(materials):
        counts = np.bincount(codes[codes >= 0], minlength=len(names))
        present = int(counts.sum())
        if len(names) < 2 or present < _FEWEST:
            continue
        alone = np.flatnonzero(counts == 1)
        if 2 * len(names) > present:
            text = f"{len(names):,} levels on {present:,} rows: most rows have a level of their own"
            advice = "Such a column names the rows; it cannot help to predict new ones. Leave it out."
            found.append(Finding("many_levels", "warning", name, text, advice, len(names)))
        elif len(alone):
            shown = ", ".join(names[code] for code in alone[:_SHOWN]) + (", …" if len(alone) > _SHOWN else "")
            verb = "are" if len(alone) > 1 else "is"
            text = f"{len(alone):,} of {len(names):,} levels {verb} on one row only: {shown}"
            advice = "A split leaves each unseen in training or untested; merge rare levels if that matters."
            rows = np.flatnonzero(np.isin(codes, alone))
            found.append(
                Finding("rare_levels", "note", name, text, advice, len(alone), ids_at(materials, rows))
            )
    return found


def coded(materials: Materials) -> list[Finding]:
    """Scalars of whole numbers with few different values, that no registry says are amounts.

    Parameters
    ----------
    materials : Materials

    Returns
    -------
    list of Finding
    """
    found = []
    for name, _, values in scalars(materials):
        if name in REGISTRY:
            continue
        values = values[~np.isnan(values)]
        distinct = np.unique(values)
        few = 2 <= len(distinct) <= MOST_CODES and 5 * len(distinct) <= len(values)
        if not few or len(values) < _FEWEST or not (distinct == np.rint(distinct)).all():
            continue
        shown = ", ".join(f"{value:.0f}" for value in distinct[:_SHOWN]) + (
            ", …" if len(distinct) > _SHOWN else ""
        )
        what = "only 0 and 1" if distinct.tolist() == [0, 1] else f"{len(distinct)} whole numbers ({shown})"
        text = f"it holds {what} and is read as amounts"
        advice = f"If they are names of classes, read it as a category: --categories {name}"
        found.append(Finding("coded", "note", name, text, advice, len(distinct)))
    return found


def named_provenance(materials: Materials) -> list[Finding]:
    """Columns that say where values come from.

    Parameters
    ----------
    materials : Materials

    Returns
    -------
    list of Finding
        At most one.
    """
    names = [name for name, column in materials.columns.items() if column.info.is_provenance]
    if not names:
        return []
    text = f"{_listed(names)} {'say' if len(names) > 1 else 'says'} where values come from"
    advice = "No property of a material: use it to choose rows, and leave it out of studies."
    return [Finding("provenance", "note", "", text, advice, len(names))]


def _listed(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
