"""Materials that are there twice: the same formula and the same structure, whatever cell and identifier."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mattomo.materials.check.conflicts import Conflict, conflict_findings, conflicts
from mattomo.materials.check.distances import LONGEST, REACH, neighbour_distances
from mattomo.materials.check.finding import Finding, ids_at, level_codes, rows_text
from mattomo.materials.table import Materials

VOLUME = 0.01
"""Volumes per atom of one structure differ by less than this share ..."""

DISTANCE = 0.01
"""... and their mean distances to the k-th neighbours by less than this, in Å."""

FAR = 15.0
"""Those alike within 8 Å are compared up to this distance (Å), which tells polytypes apart ..."""

FAR_COUNT = 600
"""... among so many neighbours of each element."""

MOST_SITES = 400_000
MOST_FAR_SITES = 40_000
MOST_ALIKE = 2_000

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Duplicates:
    """Groups of materials with one formula and one structure.

    Attributes
    ----------
    groups : tuple of tuple of str
        Identifiers, in the order of the rows.
    conflicts : tuple of Conflict
    not_compared : int
        Materials left uncompared to keep the check short: beyond 2,000 of one formula and volume per atom,
        beyond 400,000 sites in all, or beyond 40,000 among those alike within 8 Å.
    """

    groups: tuple[tuple[str, ...], ...]
    conflicts: tuple[Conflict, ...]
    not_compared: int


def duplicates(materials: Materials) -> tuple[Duplicates, list[Finding]]:
    """Groups of equal materials, and those whose labels disagree.

    Two materials are one if their reduced formulas are equal, their volumes per atom within 1 % and, for each
    pair of elements, the mean distances to the k-th neighbours, up to 15 Å, within 0.01 Å of those of the
    group's first (see `mattomo.materials.check.distances`). The cell, its size and the order of the sites do
    not matter. Materials without a structure are not compared.

    Parameters
    ----------
    materials : Materials

    Returns
    -------
    duplicates : Duplicates
    findings : list of Finding
    """
    groups, not_compared = _groups(materials)
    found_conflicts = conflicts(materials, groups)
    found = Duplicates(tuple(ids_at(materials, group) for group in groups), found_conflicts, not_compared)
    return found, _findings(materials, found) + _leak(materials, groups)


def _groups(materials: Materials) -> tuple[list[Ints], int]:
    groups: list[Ints] = []
    not_compared = 0
    budget, far_budget = MOST_SITES, MOST_FAR_SITES
    sites = materials.structures.sites
    for rows, volumes in _candidates(materials):
        take = np.arange(len(rows)) < MOST_ALIKE
        take &= np.cumsum(sites[rows]) <= budget
        kept, volume = rows[take], volumes[take]
        budget -= int(sites[kept].sum())
        not_compared += len(rows) - len(kept)
        if len(kept) < 2:
            continue
        elements = _elements(materials, int(kept[0]))
        reach = min(REACH * float(volume.max()) ** (1 / 3), LONGEST)
        distances = neighbour_distances(materials.structures, kept, elements, reach)
        flat = distances.reshape(len(kept), -1)
        for near in _alike(flat, volume):
            alike = kept[near]
            far_budget -= int(sites[alike].sum())
            if far_budget >= 0:
                groups += _far_alike(materials, alike, elements)
            else:
                not_compared += len(alike)
    return sorted(groups, key=lambda group: int(group[0])), not_compared


def _far_alike(materials: Materials, rows: Ints, elements: Ints) -> list[Ints]:
    """Split rows that are alike nearby by their far neighbours: polytypes differ only there."""
    flat = neighbour_distances(materials.structures, rows, elements, FAR, FAR_COUNT).reshape(len(rows), -1)
    return [rows[near] for near in _alike(flat)]


def _alike(flat: NDArray[np.float64], volume: NDArray[np.float64] | None = None) -> Iterator[Ints]:
    """Positions of two or more rows near the first of those that are left, group by group."""
    left = np.arange(len(flat))
    while len(left) > 1:
        near = np.abs(flat[left] - flat[left[0]]).max(1) < DISTANCE
        if volume is not None:
            near &= np.abs(volume[left] / volume[left[0]] - 1) < VOLUME
        if near.sum() > 1:
            yield left[near]
        left = left[~near]


def _candidates(materials: Materials) -> list[tuple[Ints, NDArray[np.float64]]]:
    """Rows with one formula and volumes per atom in a chain of steps below 1 %, and those volumes."""
    structures = materials.structures
    with_structure = np.flatnonzero(structures.present)
    sites = structures.sites[with_structure]
    volume = np.abs(np.linalg.det(structures.lattice[with_structure])) / sites
    formula = np.unique(materials.compositions.formulas[with_structure], return_inverse=True)[1]
    order = np.lexsort((with_structure, volume, formula))
    formula, volume, rows = formula[order], volume[order], with_structure[order]
    if len(rows) == 0:
        return []
    new = (formula[1:] != formula[:-1]) | (volume[1:] > volume[:-1] * (1 + VOLUME))
    starts = np.concatenate([[0], np.flatnonzero(new) + 1])
    ends = np.append(starts[1:], len(rows))
    several = np.flatnonzero(ends - starts > 1)
    found = []
    for start, end in zip(starts[several].tolist(), ends[several].tolist(), strict=True):
        by_row = start + np.argsort(rows[start:end])
        found.append((rows[by_row], volume[by_row]))
    return found


def _elements(materials: Materials, row: int) -> Ints:
    offsets = materials.compositions.offsets
    return materials.compositions.Z[offsets[row] : offsets[row + 1]]


def _findings(materials: Materials, found: Duplicates) -> list[Finding]:
    n = len(materials)
    findings = []
    if found.groups:
        rows = sum(map(len, found.groups))
        findings.append(
            Finding(
                "duplicates",
                "warning" if rows > n / 100 else "note",
                "",
                f"{rows_text(rows, n)} are the same material as another row: {len(found.groups):,} "
                f"group{'s' if len(found.groups) != 1 else ''} with one formula and one structure (volume "
                f"per atom within 1 %, mean neighbour distances within {DISTANCE} Å)",
                "In a random split they can fall into training and test rows: keep one of each, or split by "
                "formula.",
                rows,
                groups=found.groups,
            )
        )
    findings += conflict_findings(materials, found.conflicts, "equal materials")
    return findings


def _leak(materials: Materials, groups: list[Ints]) -> list[Finding]:
    """Equal materials in different parts of a split that the table brings along."""
    column = materials.columns.get("split")
    if column is None or column.info.kind != "category":
        return []
    parts = level_codes(column)[0]
    across = [group for group in groups if len(set(parts[group].tolist()) - {-1}) > 1]
    if not across:
        return []
    count = len(across)
    text = f"{count:,} group{'s' if count != 1 else ''} of equal materials lie in several parts of the split"
    advice = "A model has seen those test rows in training: keep one of each, or split anew."
    named = tuple(ids_at(materials, group) for group in across)
    return [Finding("leak", "warning", "split", text, advice, count, groups=named)]
