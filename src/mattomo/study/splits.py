"""Splits into training, validation and test rows: random, grouped by formula, or the user's own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mattomo.errors import InputError
from mattomo.keyed import generator
from mattomo.learners.base import Split
from mattomo.materials.table import Materials

#: Fewer rows than this teach nothing and measure nothing.
LEAST_TRAIN, LEAST_HELD = 10, 5

_WORDS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val"),
    "test": ("test", "testing", "holdout"),
}


def split_rows(materials: Materials, split: str, fractions: tuple[float, float, float], seed: int) -> Split:
    """Split n materials.

    Parameters
    ----------
    materials : Materials
        Sorted by id, so that a split does not depend on the order of the user's table.
    split : str
        ``"random"``, ``"formula"`` or ``"column:NAME"``.
    fractions : tuple of three floats
        Shares of training, validation and test rows. With ``"column:NAME"`` they matter only when the
        column names no validation rows: the validation share is then taken from its training rows.
    seed : int

    Returns
    -------
    Split

    Raises
    ------
    InputError
        Fewer rows than the split needs, or a split column with other words than train, validation, test.
    """
    if split.startswith("column:"):
        parts = _by_column(materials, split.removeprefix("column:"), fractions, seed)
    elif split == "formula":
        parts = _shares(materials.compositions.formulas, fractions, "formula", seed)
    else:
        parts = _shares(materials.ids, fractions, "random", seed)
    for name, rows, least in zip(
        ("training", "validation", "test"), parts, (LEAST_TRAIN, LEAST_HELD, LEAST_HELD), strict=True
    ):
        if len(rows) < least:
            raise InputError(
                f"the split of seed {seed} leaves {len(rows)} {name} rows of {len(materials)}; "
                f"at least {least} are needed",
                file=materials.source,
                hint="Bring more rows, or drop properties that are missing on many of them.",
            )
    return Split(*parts)


def _shares(
    groups: NDArray[np.str_], fractions: tuple[float, float, float], kind: str, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Whole groups in random order until each share is full."""
    _, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
    order = generator("split", kind, seed).permutation(len(counts))
    middle = np.cumsum(counts[order]) - counts[order] / 2
    bounds = np.cumsum(fractions)[:2] * len(groups)
    part_of_group = np.empty(len(counts), dtype=np.int64)
    part_of_group[order] = np.searchsorted(bounds, middle, side="right")
    part = part_of_group[inverse]
    train, validation, test = (np.flatnonzero(part == k) for k in range(3))
    return train, validation, test


def _by_column(
    materials: Materials, name: str, fractions: tuple[float, float, float], seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    column = materials.column(name)
    part = np.full(len(materials), -1)
    values = np.char.lower(np.char.strip(column.values.astype(str)))
    for k, words in enumerate(_WORDS.values()):
        part[np.isin(values, words)] = k
    if (part < 0).any():
        bad = int(np.flatnonzero(part < 0)[0])
        raise InputError(
            "this is no part of a split",
            file=materials.source,
            row=int(materials.rows[bad]),
            column=name,
            value=str(column.values[bad]),
            hint="Use the words train, validation and test.",
        )
    train, validation, test = (np.flatnonzero(part == k) for k in range(3))
    if len(validation) == 0 and len(train) > 0:
        share = fractions[1] / (fractions[0] + fractions[1])
        chosen = generator("split", "validation", seed).permutation(len(train))[: round(share * len(train))]
        validation = np.sort(train[chosen])
        train = np.delete(train, chosen)
    return train, validation, test
