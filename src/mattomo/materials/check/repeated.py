"""Rows without a structure that share their formula: to a composition they are one material."""

from __future__ import annotations

import numpy as np

from mattomo.materials.check.conflicts import conflicts
from mattomo.materials.check.finding import Finding, Level, ids_at, rows_text
from mattomo.materials.table import Materials

_SHOWN = 4


def repeated(materials: Materials) -> list[Finding]:
    """Formulas on several rows without a structure, and in which properties those rows disagree.

    Parameters
    ----------
    materials : Materials

    Returns
    -------
    list of Finding
        At most one.
    """
    without = np.flatnonzero(~materials.structures.present)
    codes, counts = np.unique(
        materials.compositions.formulas[without], return_inverse=True, return_counts=True
    )[1:]
    order = np.argsort(codes, kind="stable")
    groups = [group for group in np.split(without[order], np.cumsum(counts)[:-1]) if len(group) > 1]
    if not groups:
        return []
    rows = sum(map(len, groups))
    text = f"{rows_text(rows, len(materials))} have no structure and share {len(groups):,} formula"
    text += "s" if len(groups) > 1 else ""
    found = conflicts(materials, groups)
    if found:
        widest = sorted(found, key=lambda conflict: -len(conflict.groups))
        named = [f"{each.column} (in {len(each.groups):,})" for each in widest[:_SHOWN]]
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        text += f"; of one formula, they disagree in {', '.join(named)}{more}"
    advice = (
        "To a composition they are one material: average them, give their structures, or split by formula."
    )
    alike = tuple(ids_at(materials, group) for group in groups)
    level: Level = "warning" if found else "note"
    return [Finding("repeated_formulas", level, "", text, advice, rows, groups=alike)]
