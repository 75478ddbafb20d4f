"""The property projection: what a model is told of an added property, fitted on training rows only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mattomo.materials.table import Column
from mattomo.projections.graphs import Floats, Ints


@dataclass(frozen=True)
class Encoding:
    """A property as sparse columns: each material has at most one nonzero entry.

    Attributes
    ----------
    width : int
        Number of columns: 1 for a scalar, the number of training levels for a category.
    index : ndarray of int64, shape (n,)
        Column of each material's entry.
    value : ndarray of float64, shape (n,)
        The entry: the standardised scalar, 1 for a known level, 0 for an unknown one.
    unseen : ndarray of bool, shape (n,)
        Materials whose level occurs in no training row.
    """

    width: int
    index: Ints
    value: Floats
    unseen: NDArray[np.bool_]


def encode(column: Column, training: Ints) -> Encoding:
    """Encode a property of n materials by what the training rows show.

    Scalars are standardised with the mean and the standard deviation of the training rows (a constant
    becomes 0). Categories become one-hot over the levels of the training rows, sorted; a level that
    occurs only elsewhere is encoded as all zeros.

    Parameters
    ----------
    column : Column
        Without missing values.
    training : ndarray of int64
        Positions of the training rows.

    Returns
    -------
    Encoding

    Raises
    ------
    ValueError
        If a value is missing.

    Examples
    --------
    >>> import numpy as np
    >>> from mattomo.materials import PropertyInfo
    >>> info = PropertyInfo("oxide_type", "oxide type", kind="category")
    >>> values = np.array(["None", "oxide", "oxide", "peroxide"])
    >>> e = encode(Column(info, values, np.zeros(4, bool)), np.array([0, 1]))
    >>> e.width, e.index.tolist(), e.value.tolist()
    (2, [0, 1, 1, 0], [1.0, 1.0, 1.0, 0.0])
    """
    if column.missing.any():
        raise ValueError(f"{column.info.name}: cannot encode missing values")
    n = len(column.values)
    if column.info.kind == "scalar":
        mean, scale = standardiser(column.values[training].astype(np.float64))
        values = (column.values.astype(np.float64) - mean) / scale
        return Encoding(1, np.zeros(n, dtype=np.int64), values, np.zeros(n, dtype=bool))
    levels = np.unique(column.values[training])
    index = np.minimum(np.searchsorted(levels, column.values), len(levels) - 1)
    known = levels[index] == column.values
    return Encoding(len(levels), np.where(known, index, 0), known.astype(np.float64), ~known)


def standardiser(values: Floats) -> tuple[float, float]:
    """Mean and standard deviation of ``values``; a constant has deviation 1."""
    mean, deviation = float(np.mean(values)), float(np.std(values))
    return mean, deviation if deviation > 1e-12 * max(1.0, abs(mean)) else 1.0
