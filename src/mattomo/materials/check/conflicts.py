"""Labels that disagree among materials that should be one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mattomo.materials.check.finding import Finding, ids_at, level_codes, values_of
from mattomo.materials.table import Column, Materials

CONFLICT = 0.05
"""Labels of one material agree within this share of the column's range (5th to 95th percentile)."""

_SYMMETRY = ("crystal_system", "spacegroup", "spacegroup_number", "spacegroup_symbol", "point_group")

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Conflict:
    """Duplicates whose labels disagree.

    Attributes
    ----------
    column : str
    tolerance : float
        In the unit of the column (a property of the cell is compared per atom); 0 for categories.
    groups : tuple of tuple of str
        Those that disagree, widest first.
    """

    column: str
    tolerance: float
    groups: tuple[tuple[str, ...], ...]


def conflicts(materials: Materials, groups: Sequence[Ints]) -> tuple[Conflict, ...]:
    """Columns in which materials that should be one have different values.

    Provenance, symmetry (a slight distortion rightly changes it) and the sites of the cell are not compared.
    A property of the cell is compared per atom, one that may depend on the cell only between cells of one
    size.

    Parameters
    ----------
    materials : Materials
    groups : sequence of ndarray of int64
        Positions of materials that should be one; at least two each.

    Returns
    -------
    tuple of Conflict
    """
    if not groups:
        return ()
    members = np.concatenate(groups)
    starts = np.concatenate([[0], np.cumsum([len(group) for group in groups])[:-1]])
    sites = materials.structures.sites
    one_cell = np.array([len(np.unique(sites[group])) == 1 for group in groups])
    with_sites = np.array([bool((sites[group] > 0).all()) for group in groups])
    found = []
    for name, column in materials.columns.items():
        if column.info.is_provenance or name in _SYMMETRY or column.info.unit == "sites/cell":
            continue
        spread, tolerance = _spread(column, members, starts, sites)
        wide = spread > tolerance
        if column.info.extensive:
            wide &= with_sites
        elif column.info.kind == "scalar" and (
            column.info.extensive is None or "depends on the cell" in column.info.note
        ):
            # in another cell the value may rightly be another
            wide &= one_cell
        if wide.any():
            worst = np.argsort(-spread, kind="stable")
            chosen = [groups[at] for at in worst.tolist() if wide[at]]
            found.append(Conflict(name, tolerance, tuple(ids_at(materials, group) for group in chosen)))
    return tuple(found)


def _spread(column: Column, members: Ints, starts: Ints, sites: Ints) -> tuple[NDArray[np.float64], float]:
    """Greatest difference within each group, NaN where fewer than two have a value; and the tolerance."""
    if column.info.kind == "category":
        codes = level_codes(column)[0].astype(np.float64)
        values, tolerance = np.where(codes < 0, np.nan, codes), 0.0
    else:
        values = values_of(column)
        if column.info.extensive:
            values = values / np.maximum(sites, 1)
        present = values[~np.isnan(values)]
        if len(present) == 0:
            return np.full(len(starts), np.nan), 0.0
        low, high = np.quantile(present, [0.05, 0.95])
        tolerance = CONFLICT * float(high - low)
    chosen = values[members]
    spread: NDArray[np.float64] = np.fmax.reduceat(chosen, starts) - np.fmin.reduceat(chosen, starts)
    return spread, tolerance


def conflict_findings(materials: Materials, found: Sequence[Conflict], of: str) -> list[Finding]:
    """A warning for each column with conflicts.

    Parameters
    ----------
    materials : Materials
    found : sequence of Conflict
    of : str
        What the groups are made of, as "equal materials".
    """
    findings = []
    for conflict in found:
        info = materials.columns[conflict.column].info
        unit = f" {info.unit.replace('/cell', '/atom') if info.extensive else info.unit}".rstrip()
        by = f" by more than {conflict.tolerance:.3g}{unit}" if conflict.tolerance else ""
        count = len(conflict.groups)
        text = f"{count:,} group{'s' if count != 1 else ''} of {of} disagree{by}"
        advice = "No model can predict both: find out which is right, or from which method each comes."
        findings.append(
            Finding(
                "conflicting_labels", "warning", conflict.column, text, advice, count, groups=conflict.groups
            )
        )
    return findings
