"""The stored space group against that of the structure."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import moyopy
import numpy as np
from numpy.typing import NDArray

from mattomo.materials.check.finding import Finding, Level, ids_at, share_text
from mattomo.materials.check.stored import Agreement, space_group_numbers
from mattomo.materials.table import Materials, Structures

TIGHT = 0.01
"""Tolerance of positions in Å, that of most symmetry finders."""

LOOSE = 0.1
"""Tolerance with which databases of calculated structures often assign the space group, in Å."""

MOST_ROWS = 2_000
MOST_SITES = 300

_COLUMNS = ("spacegroup_number", "spacegroup")


def space_groups(materials: Materials) -> tuple[list[Agreement], list[Finding]]:
    """Compare stored space-group numbers with those found from the structures at 0.01 Å.

    At most 2,000 materials of at most 300 sites, evenly spread over the table, are looked at. Those that
    disagree are tried again at 0.1 Å.

    Parameters
    ----------
    materials : Materials

    Returns
    -------
    agreements : list of Agreement
    findings : list of Finding
    """
    name = next((each for each in _COLUMNS if each in materials.columns), None)
    if name is None or materials.columns[name].info.kind != "category":
        return [], []
    stored = space_group_numbers(materials.columns[name])
    sites = materials.structures.sites
    rows = np.flatnonzero((stored > 0) & (sites > 0) & (sites <= MOST_SITES))
    candidates = len(rows)
    if candidates > MOST_ROWS:
        rows = rows[np.linspace(0, candidates - 1, MOST_ROWS).astype(np.int64)]
    if not len(rows):
        return [], []
    off = rows[_numbers(materials.structures, rows, TIGHT) != stored[rows]]
    never = off[_numbers(materials.structures, off, LOOSE) != stored[off]]
    loose = len(off) - len(never)
    reason = f"assigned with a wider tolerance: {loose:,} of {len(off):,} agree at {LOOSE} Å" if loose else ""
    of = "the structure" if candidates == len(rows) else "the structure, in a sample,"
    order = np.concatenate([never, np.setdiff1d(off, never)])
    agree = len(rows) - len(off)
    agreement = Agreement(name, of, len(rows), agree, f"{TIGHT} Å", reason, ids_at(materials, order))
    return [agreement], _finding(agreement, len(never))


def _finding(agreement: Agreement, never: int) -> list[Finding]:
    off = agreement.compared - agreement.agree
    if not off:
        return []
    serious = never > 0.1 * agreement.compared
    text = (
        f"{off:,} of {agreement.compared:,} ({share_text(off, agreement.compared)}) are not the space group "
        f"of {agreement.of} at {agreement.tolerance}"
    )
    text += f"; likely {agreement.reason}" if agreement.reason else f", nor at {LOOSE} Å"
    advice = (
        "The label belongs to another structure, such as the one before relaxation or the parent of an "
        "alloy: it then tells something that the structure here does not hold."
        if serious
        else "Nearly symmetric structures; only the few that agree at neither tolerance deserve a look."
    )
    level: Level = "warning" if serious else "note"
    return [Finding("space_group_differs", level, agreement.column, text, advice, off, agreement.ids)]


def _numbers(structures: Structures, rows: NDArray[np.int64], tolerance: float) -> NDArray[np.int64]:
    """Space-group number of each structure, 0 where none is found."""
    found = np.zeros(len(rows), dtype=np.int64)
    with _quiet():
        for place, row in enumerate(rows.tolist()):
            sites = slice(structures.offsets[row], structures.offsets[row + 1])
            cell = moyopy.Cell(
                structures.lattice[row].tolist(),
                structures.frac_coords[sites].tolist(),
                structures.Z[sites].tolist(),
            )
            try:
                found[place] = moyopy.MoyoDataset(cell, symprec=tolerance).number
            except ValueError:  # the finder gives up on this cell: it confirms nothing
                continue
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """The finder logs how it searches; that is nothing for a user to read."""
    log = logging.getLogger("moyo")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)
