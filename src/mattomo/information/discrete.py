"""Tables of counts: entropy, mutual information, and how values become levels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

LN2 = float(np.log(2.0))

_ATOM_SHARE, _ATOM_ROWS = 0.01, 10  # a value on this share of the rows and this many rows is an atom
_BIN_ROWS = 10  # fewest rows of an equal-mass bin
_OTHER_ROWS = 10  # categories with fewer rows are pooled


def entropy(weights: NDArray[Any]) -> float:
    """Entropy in bits of a distribution given by counts or probabilities of any shape (zeros allowed).

    Examples
    --------
    >>> entropy(np.array([2, 1, 1]))
    1.5
    """
    w = np.asarray(weights, dtype=np.float64).ravel()
    return float(entropies(w[None])[0])


def entropies(weights: Floats) -> Floats:
    """Entropy in bits of each row of ``weights``, shape (m, cells); a row of zeros has none."""
    total = weights.sum(1)
    log = np.log2(weights, out=np.zeros_like(weights), where=weights > 0)
    safe = np.where(total > 0, total, 1.0)
    bits: Floats = np.maximum(np.log2(safe) - (weights * log).sum(1) / safe, 0.0)
    return bits


def information(table: NDArray[Any]) -> float:
    """Plug-in mutual information in bits of the rows and columns of a table of counts or probabilities.

    Examples
    --------
    >>> information(np.eye(4))
    2.0
    """
    t = np.asarray(table, dtype=np.float64)
    return float(informations(t[None])[0])


def informations(tables: Floats) -> Floats:
    """Plug-in mutual information in bits of each table, shape (m, rows, columns)."""
    joint = tables.reshape(len(tables), -1)
    return np.maximum(entropies(tables.sum(2)) + entropies(tables.sum(1)) - entropies(joint), 0.0)


def miller_madow(counts: NDArray[Any]) -> float:
    """Expected excess in bits of the plug-in information of a table of counts, by Miller (1955) and Madow.

    (cells - rows - columns + 1) / (2 n ln 2) with the numbers of cells, rows and columns that are not empty
    and n the sum of the counts; subtract it from `information`.

    Examples
    --------
    >>> round(miller_madow(np.full((3, 3), 10)), 4)
    0.0321
    """
    c = np.asarray(counts, dtype=np.float64)
    cells, rows, columns = (int((part > 0).sum()) for part in (c, c.sum(1), c.sum(0)))
    return float((cells - rows - columns + 1) / (2 * c.sum() * LN2))


def counts(first: Codes, second: Codes) -> Floats:
    """Table of counts of two columns of levels 0, 1, 2, ..."""
    shape = (int(first.max()) + 1, int(second.max()) + 1)
    return np.bincount(first * shape[1] + second, minlength=shape[0] * shape[1]).reshape(shape).astype(float)


def atoms(values: Floats, share: float = _ATOM_SHARE, rows: int = _ATOM_ROWS) -> Floats:
    """Values so frequent that they are point masses, such as a band gap of zero; most frequent first.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
    share : float
        Fewest rows of an atom, as a share of n.
    rows : int
        Fewest rows of an atom.

    Returns
    -------
    ndarray of float64
        Atoms of equal frequency in ascending order.

    Examples
    --------
    >>> atoms(np.repeat([0.0, 1.0, 2.0], [20, 30, 1]))
    array([1., 0.])
    """
    found, count = np.unique(values, return_counts=True)
    frequent = count >= max(share * len(values), rows)
    found, count = found[frequent], count[frequent]
    return found[np.argsort(-count, kind="stable")]


def atom_labels(point_masses: Floats, values: Floats) -> Codes:
    """Which atom each value is, from 1 on; 0 for none. ``point_masses`` ascend."""
    if not len(point_masses):
        return np.zeros(len(values), dtype=np.int64)
    nearest = np.minimum(np.searchsorted(point_masses, values), len(point_masses) - 1)
    return np.where(point_masses[nearest] == values, nearest + 1, 0).astype(np.int64)


def equal_mass(values: Floats, bins: int, point_masses: Floats | None = None) -> Codes:
    """Levels of a number: its most frequent atoms, and bins of equal mass for the rest.

    Equal values share a level, so the levels depend on the order of the values alone: any increasing
    transformation (with the atoms transformed alike) leaves them as they are.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Finite.
    bins : int
        Most bins of the rest; fewer if a bin would have fewer than 10 rows. As many atoms at most have a
        level.
    point_masses : ndarray of float64, optional
        Atoms, most important first; ``None`` finds them with `atoms`.

    Returns
    -------
    ndarray of int64, shape (n,)
        0, 1, 2, ... without holes.

    Examples
    --------
    >>> equal_mass(np.array([0.0] * 12 + list(range(1, 41))), 2).tolist().count(0)
    12
    """
    chosen = np.sort((atoms(values) if point_masses is None else point_masses)[:bins])
    order = np.argsort(values)
    ascending = values[order]
    place = np.minimum(np.searchsorted(chosen, ascending), max(len(chosen) - 1, 0))
    is_atom = chosen[place] == ascending if len(chosen) else np.zeros(len(values), dtype=bool)
    rest = ascending[~is_atom]
    levels = place.astype(np.int64)
    if len(rest):
        n_bins = min(bins, max(len(rest) // _BIN_ROWS, 1))
        first = np.concatenate([[True], rest[1:] != rest[:-1]])
        group = np.cumsum(first) - 1
        start = np.flatnonzero(first)
        middle = (start + np.append(start[1:], len(rest))) / 2  # between the ranks of equal values
        levels[~is_atom] = len(chosen) + (middle / len(rest) * n_bins).astype(np.int64)[group]
    unordered = np.empty_like(levels)
    unordered[order] = levels
    return without_holes(unordered)


def classes(labels: NDArray[Any], most: int = 16, least: int = _OTHER_ROWS) -> tuple[Codes, float]:
    """Levels of a category: its most frequent classes, the rest pooled into one.

    A class is kept if it has ``least`` rows and, when there would be more than ``most`` levels, is among the
    ``most`` - 1 most frequent (classes of equal frequency in alphabetical order). All others are one level,
    "other".

    Parameters
    ----------
    labels : ndarray of str, int or bool, shape (n,)
    most, least : int

    Returns
    -------
    codes : ndarray of int64, shape (n,)
        0, 1, 2, ... without holes, most frequent class first, "other" last.
    pooled : float
        Share of the rows in "other".

    Examples
    --------
    >>> codes, pooled = classes(np.array(["b"] * 10 + ["a"] * 20 + ["c", "d"]))
    >>> np.bincount(codes).tolist(), pooled
    ([20, 10, 2], 0.0625)
    """
    found, inverse, count = np.unique(labels, return_inverse=True, return_counts=True)
    order = np.argsort(-count, kind="stable")
    kept = order[count[order] >= least]
    if len(kept) + (len(kept) < len(found)) > most:
        kept = kept[: most - 1]
    code = np.full(len(found), len(kept), dtype=np.int64)
    code[kept] = np.arange(len(kept))
    codes = code[inverse]
    return codes, float((codes == len(kept)).mean())


def column(values: NDArray[Any]) -> NDArray[Any]:
    """A column as numbers or, if it holds anything else, texts, ``""`` where an object is missing.

    Examples
    --------
    >>> column(np.array(["a", None], dtype=object)).tolist(), column(np.array([1, 2])).tolist()
    (['a', ''], [1, 2])
    """
    found = np.asarray(values)
    if found.dtype.kind == "O":
        found = np.where(pd.isna(found), "", found).astype(str)
    return found


def without_holes(labels: NDArray[Any]) -> Codes:
    """Levels 0, 1, 2, ... in the order of first appearance, whatever the labels are."""
    return pd.factorize(np.asarray(labels), use_na_sentinel=False)[0].astype(np.int64)
