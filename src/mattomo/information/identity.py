"""I(R;M): how much of the identity of a material a projection R holds.

M is uniform on the n rows of a table, so H(M) = log2 n. A projection that gives the materials of a group the
same value leaves a choice between them open: with groups of sizes n_g, I(R;M) = log2 n - (1/n) sum n_g log2
n_g bits. The numbers speak of this table: more materials, or more alike ones, and every projection holds less
of the (larger) total.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mattomo.errors import InputError
from mattomo.information.isometry import TOLERANCE, structure_groups
from mattomo.materials.registry import resolve
from mattomo.materials.table import Materials

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

REPRESENTATIONS: dict[str, str] = {
    "composition": "reduced formula",
    "composition + crystal system": "reduced formula and crystal system",
    "composition + space group": "reduced formula and space group",
    "structure": "equal reduced formula and matching structure",
}
"""The representations whose identity is measured, and what makes two materials alike to each."""

_SYMMETRY = {
    "composition + crystal system": "crystal_system",
    "composition + space group": "spacegroup_number",
}


@dataclass(frozen=True)
class Identity:
    """What a projection tells of which row of a table a material is.

    Attributes
    ----------
    bits : float
        I(R;M) in bits.
    conditional_bits : float
        H(M|R) = log2 n - I(R;M): what is left open.
    share_unique : float
        Share of the materials that no other shares its value with.
    perplexity : float
        2^H(M|R): materials left to choose from, as a geometric mean.
    top1 : float
        Chance to name the material from its value, guessing within its group: groups over rows.
    n, n_groups : int
        Rows, and distinct values.
    """

    bits: float
    conditional_bits: float
    share_unique: float
    perplexity: float
    top1: float
    n: int
    n_groups: int


def codes(labels: Any) -> Ints:
    """Integers 0, 1, ... that are equal where the labels are, shape (n,).

    Parameters
    ----------
    labels : array_like, shape (n,)

    Examples
    --------
    >>> codes(["b", "a", "b"]).tolist()
    [1, 0, 1]
    """
    array = np.asarray(labels)
    if array.ndim != 1:
        raise ValueError(f"labels must have shape (n,), got {array.shape}")
    return np.unique(array, return_inverse=True)[1].astype(np.int64)


def joint(*labels: Any) -> Ints:
    """Codes that are equal where all of the labels are, shape (n,).

    Examples
    --------
    >>> joint(["a", "a", "b"], [0, 1, 0]).tolist()
    [0, 1, 2]
    """
    if not labels:
        raise ValueError("joint needs at least one array of labels")
    together = codes(labels[0])
    for other in labels[1:]:
        coded = codes(other)
        if len(coded) != len(together):
            raise ValueError(f"labels of {len(together)} and of {len(coded)} rows cannot be joined")
        together = codes(together * (coded.max(initial=0) + 1) + coded)
    return together


def identity(labels: Any) -> Identity:
    """I(R;M) of the projection that gives the materials these labels.

    Parameters
    ----------
    labels : array_like, shape (n,)
        Equal where the projection cannot tell two materials apart.

    Raises
    ------
    ValueError
        No row.

    Examples
    --------
    >>> found = identity(list("AABCCC"))
    >>> round(found.bits, 4), round(found.share_unique, 4), found.n_groups
    (1.4591, 0.1667, 3)
    """
    sizes = np.bincount(codes(labels))
    n = int(sizes.sum())
    if n == 0:
        raise ValueError("the identity of no material cannot be told")
    left = float((sizes * np.log2(sizes)).sum()) / n
    return Identity(
        bits=math.log2(n) - left,
        conditional_bits=left,
        share_unique=int((sizes == 1).sum()) / n,
        perplexity=2.0**left,
        top1=len(sizes) / n,
        n=n,
        n_groups=len(sizes),
    )


def pointwise(labels: Any) -> Floats:
    """Bits i(m) = log2 n - log2 n(m) that the projection tells of each material; their mean is I(R;M).

    Parameters
    ----------
    labels : array_like, shape (n,)

    Returns
    -------
    ndarray of float64, shape (n,)

    Examples
    --------
    >>> pointwise(["a", "a", "b", "c"]).tolist()
    [1.0, 1.0, 2.0, 2.0]
    """
    coded = codes(labels)
    alike = np.bincount(coded)[coded] if len(coded) else coded
    bits: Floats = np.log2(len(coded) / alike) if len(coded) else np.zeros(0)
    return bits


def refines(labels_a: Any, labels_b: Any) -> bool:
    """Whether equal ``labels_a`` imply equal ``labels_b``: then a tells at least as much of every material.

    Examples
    --------
    >>> refines([0, 1, 2, 2], list("aabb")), refines(list("aabb"), [0, 1, 2, 2])
    (True, False)
    """
    a, b = codes(labels_a), codes(labels_b)
    if len(a) != len(b):
        raise ValueError(f"labels of {len(a)} and of {len(b)} rows cannot be compared")
    return int(joint(a, b).max(initial=-1)) == int(a.max(initial=-1))


def bounds_from_share(share_unique: float, n: int) -> tuple[float, float]:
    """Least and most of I(R;M) in bits when all that is known is the share of unique materials.

    The other n (1 - u) materials share their value with one other at least, so that
    H(M|R) >= (1 - u) log2 2, and at most all of them with one another: H(M|R) <= (1 - u) log2(n (1 - u)).

    Parameters
    ----------
    share_unique : float
        u, in [0, 1].
    n : int
        Materials.

    Returns
    -------
    low, high : float

    Examples
    --------
    The paper's 74,635 of 126,325 materials whose formula is theirs alone:

    >>> round(bounds_from_share(74_635 / 126_325, 126_325)[1], 3)
    16.538
    """
    if not 0 <= share_unique <= 1 or n < 1:
        raise ValueError(f"share_unique must be in [0, 1] and n positive, got {share_unique} and {n}")
    shared = 1 - share_unique
    most_left = shared * math.log2(max(n * shared, 1.0)) if shared else 0.0
    return max(math.log2(n) - most_left, 0.0), max(math.log2(n) - shared, 0.0)


def representation_labels(materials: Materials, *, tolerance: float = TOLERANCE) -> Mapping[str, Ints]:
    """Labels of each of `REPRESENTATIONS` that a table holds, on one set of rows.

    Parameters
    ----------
    materials : Materials
    tolerance : float
        Largest difference of mean distances of matching structures, in Å (see
        `mattomo.information.isometry.structure_groups`).

    Returns
    -------
    mapping of str to ndarray of int64, shape (n,)
        -1 on rows that lack any of what the listed representations need, else codes: bits are comparable
        only on the same rows. A representation that no row has is not listed; the formula always is.

    Raises
    ------
    InputError
        The table is empty.
    """
    if len(materials) == 0:
        raise InputError("the table has no usable row", file=materials.source)
    formula = codes(materials.compositions.formulas)
    parts: dict[str, Ints] = {"composition": formula}
    usable = np.ones(len(materials), dtype=bool)
    for name, property_name in _SYMMETRY.items():
        try:
            column = materials.columns[resolve(property_name, materials.columns)]
        except InputError:
            continue
        if not column.missing.all():
            parts[name] = joint(formula, column.values)
            usable &= ~column.missing
    if materials.structures.present.any():
        parts["structure"] = structure_groups(materials, tolerance=tolerance)
        usable &= materials.structures.present
    if not usable.any():
        # no row has everything: the formula is all that can be compared
        return {"composition": formula}
    return {name: np.where(usable, labels, -1) for name, labels in parts.items()}


def representation_identity(materials: Materials, *, tolerance: float = TOLERANCE) -> Mapping[str, Identity]:
    """I(R;M) of each of `REPRESENTATIONS` that a table holds, on the rows that have all of them.

    Parameters
    ----------
    materials : Materials
    tolerance : float
        As for `representation_labels`.

    Examples
    --------
    >>> import mattomo as mt
    >>> found = representation_identity(mt.load("mp1000"))
    >>> found["structure"].bits >= found["composition"].bits
    True
    """
    labels = representation_labels(materials, tolerance=tolerance)
    return {name: identity(label[label >= 0]) for name, label in labels.items()}
