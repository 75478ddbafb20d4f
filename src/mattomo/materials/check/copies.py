"""Columns that are one another: equal up to sign and scale, or the same classes under other names."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mattomo.materials.check.finding import Finding, categories, scalars
from mattomo.materials.table import Materials

TOLERANCE = 1e-12
"""Of the largest value."""

_FEWEST = 3


def copies(materials: Materials) -> list[Finding]:
    """Pairs of columns of which one is a multiple of the other, or has the same classes under other names.

    Both have values on the same rows.

    Parameters
    ----------
    materials : Materials

    Returns
    -------
    list of Finding
    """
    return _multiples(materials) + _renamed(materials)


def _multiples(materials: Materials) -> list[Finding]:
    found = []
    kept: dict[tuple[bytes, int], list[tuple[str, NDArray[np.float64]]]] = {}
    for name, _, values in scalars(materials):
        present = ~np.isnan(values)
        values = values[present]
        if len(values) < _FEWEST or values.min() == values.max():
            continue
        largest = int(np.abs(values).argmax())
        for other, base in kept.setdefault((present.tobytes(), largest), []):
            scale = values[largest] / base[largest]
            if np.isfinite(scale) and np.abs(values - scale * base).max() <= TOLERANCE * abs(values[largest]):
                by = "equal to" if scale == 1 else f"{scale:.6g} times"
                found.append(_finding(name, f"it is {by} {other} on every row", len(values)))
                break
        else:
            kept[present.tobytes(), largest].append((name, values))
    return found


def _renamed(materials: Materials) -> list[Finding]:
    found = []
    first: dict[bytes, tuple[str, list[str]]] = {}
    for name, codes, levels in categories(materials):
        if len(levels) < 2 or (codes >= 0).sum() < _FEWEST:
            continue
        other, others = first.setdefault(codes.tobytes(), (name, levels))
        if other != name:
            text = f"it has the classes of {other}, under other names"
            if levels == others:
                text = f"it is equal to {other} on every row"
            found.append(_finding(name, text, len(codes)))
    return found


def _finding(name: str, text: str, count: int) -> Finding:
    advice = "Added to the other it tells everything, and beside it nothing: leave one out."
    return Finding("copy", "warning", name, text, advice, count)
