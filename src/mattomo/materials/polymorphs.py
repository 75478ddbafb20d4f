"""How far a composition tells the material: entries that share their formula with no other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mattomo.materials.table import Materials


@dataclass(frozen=True)
class Formulas:
    """How the n materials of a table share their reduced formulas.

    Attributes
    ----------
    distinct : int
        Different formulas.
    one_to_one : int
        Materials whose formula occurs once.
    one_to_one_share : float
        Their share; 59.08 % in the paper's table.
    sharing : int
        Materials that share their formula with another.
    largest : tuple of (str, int)
        The formulas of most materials with their number, those that occur once left out.
    """

    distinct: int
    one_to_one: int
    one_to_one_share: float
    sharing: int
    largest: tuple[tuple[str, int], ...]


def formulas(materials: Materials, most: int = 10) -> Formulas:
    """Statistics of materials with one formula (polymorphs, and duplicates).

    Parameters
    ----------
    materials : Materials
    most : int
        Formulas to name.

    Returns
    -------
    Formulas

    Examples
    --------
    >>> import mattomo as mt
    >>> formulas(mt.load("mp1000")).one_to_one
    981
    """
    names, counts = np.unique(materials.compositions.formulas, return_counts=True)
    alone = int((counts == 1).sum())
    share = alone / len(materials) if len(materials) else 0.0
    order = np.argsort(-counts, kind="stable")[:most]
    largest = tuple((str(names[at]), int(counts[at])) for at in order.tolist() if counts[at] > 1)
    return Formulas(len(names), alone, share, len(materials) - alone, largest)


def one_to_one_share(materials: Materials) -> tuple[int, float]:
    """Number and share of materials whose reduced formula occurs exactly once.

    Parameters
    ----------
    materials : Materials
        n materials.

    Returns
    -------
    count : int
    share : float
        ``count / n``, 0 for an empty table.
    """
    found = formulas(materials, most=0)
    return found.one_to_one, found.one_to_one_share
