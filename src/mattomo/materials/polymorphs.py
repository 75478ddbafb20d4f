"""How far a composition tells the material: entries that share their formula with no other."""

from __future__ import annotations

import numpy as np

from mattomo.materials.table import Materials


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
    counts = np.unique(materials.compositions.formulas, return_counts=True)[1]
    single = int((counts == 1).sum())
    return single, single / len(materials) if len(materials) else 0.0
