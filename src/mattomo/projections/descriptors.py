"""Tables of numbers as base representations, and the composition as one: statistics of its elements.

In the style of the Magpie descriptors (Ward et al., npj Comput. Mater. 2, 16028 (2016)): stoichiometric
norms and amount-weighted statistics of properties of the elements.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import gemmi
import numpy as np

from mattomo.errors import InputError
from mattomo.materials.table import Materials
from mattomo.projections.elements import BLOCKS, FEATURES, N_ELEMENTS, element_table, raw_features
from mattomo.projections.graphs import Floats, Ints

STATISTICS = ("mean", "deviation", "minimum", "maximum", "range")
"""What :func:`statistics` gives of each quantity; ``deviation`` is the mean absolute deviation."""

NORMS = (2, 3, 5, 7, 10)
"""Exponents of the norms of the atomic fractions."""

#: Deviations and ranges this small against their values are rounding, which trees would split on.
_ROUNDING = 1e-10


@dataclass(frozen=True)
class Table:
    """d numbers of each of n materials.

    Attributes
    ----------
    values : ndarray of float64, shape (n, d)
        NaN where unknown.
    names : tuple of d str
        Distinct names of the columns.
    units : tuple of d str
        Empty for pure numbers; all empty by default.

    Examples
    --------
    >>> import numpy as np
    >>> embedding = np.random.default_rng(0).normal(size=(100, 2))
    >>> len(Table(embedding, ("e0", "e1")))
    100
    """

    values: Floats
    names: tuple[str, ...]
    units: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.dtype != np.float64:
            raise ValueError(
                f"values must be float64 of shape (n, d), got {self.values.dtype} of {self.values.shape}"
            )
        if not self.units:
            object.__setattr__(self, "units", ("",) * len(self.names))
        if not len(self.names) == len(self.units) == self.values.shape[1]:
            raise ValueError(
                f"{self.values.shape[1]} columns need as many names and units, "
                f"got {len(self.names)} and {len(self.units)}"
            )
        if len(set(self.names)) < len(self.names):
            raise ValueError("names of columns must be distinct")

    def __len__(self) -> int:
        return len(self.values)

    def column(self, name: str) -> Floats:
        """The numbers called ``name``, shape (n,)."""
        return self.values[:, self.names.index(name)]

    def take(self, index: Ints) -> Table:
        """The materials at positions ``index`` (shape (k,)), in that order."""
        return Table(self.values[np.asarray(index, dtype=np.int64)], self.names, self.units)

    def fingerprint(self) -> str:
        """SHA-256 of names and values."""
        digest = hashlib.sha256("\x1f".join([str(self.values.shape), *self.names]).encode())
        digest.update(np.ascontiguousarray(self.values).tobytes())
        return digest.hexdigest()


def beside(tables: Sequence[Table]) -> Table:
    """The columns of all ``tables`` of the same n materials, one after the other."""
    return Table(
        np.concatenate([t.values for t in tables], axis=1),
        tuple(name for t in tables for name in t.names),
        tuple(unit for t in tables for unit in t.units),
    )


def column_descriptors(materials: Materials, names: Sequence[str]) -> Table:
    """Scalar columns of the user's table as a base representation, e.g. the embedding of another model.

    Parameters
    ----------
    materials : Materials
        n materials.
    names : sequence of d str

    Returns
    -------
    Table
        Missing values are NaN.

    Raises
    ------
    InputError
        There is no such column, or it holds categories.
    """
    columns = [materials.column(name) for name in names]
    for name, column in zip(names, columns, strict=True):
        if column.info.kind != "scalar":
            raise InputError(
                "a table of numbers cannot take categories",
                file=materials.source,
                column=name,
                hint="Leave it out; it can still be an added property.",
            )
    values = np.zeros((len(materials), len(names)))
    for k, column in enumerate(columns):
        values[:, k] = column.values
    return Table(values, tuple(names), tuple(column.info.unit for column in columns))


def composition_descriptors(materials: Materials) -> Table:
    """Descriptors of the reduced formulas: a supercell has the same.

    Parameters
    ----------
    materials : Materials
        n materials.

    Returns
    -------
    Table
        In this order: number of elements; norms (:data:`NORMS`) of the atomic fractions; for each property
        of :func:`element_properties` the :data:`STATISTICS` over the atoms of the formula and the mode, the
        value of the most abundant element (of equally abundant ones that of smallest Z); fractions of the
        atoms in the s, p, d and f block; fractions of the elements H to Lr. Atoms of elements for which a
        property is unknown do not count in its statistics; where it is unknown of all, they are NaN.

    Examples
    --------
    >>> import mattomo as mt
    >>> table = composition_descriptors(mt.load("mp1000"))
    >>> table.values.shape
    (1000, 179)
    """
    c = materials.compositions
    n = len(c.formulas)
    owner = np.repeat(np.arange(n), np.diff(c.offsets))
    fraction = c.amounts / np.bincount(owner, c.amounts, minlength=n)[owner]
    properties, names, units = element_properties()
    values = properties[c.Z]
    norms = [np.bincount(owner, fraction**p, minlength=n) ** (1 / p) for p in NORMS]
    count = np.bincount(owner, minlength=n).astype(np.float64)
    elements = np.zeros((n, N_ELEMENTS + 1))
    elements[owner, c.Z] = fraction
    symbols = element_table()["symbol"]
    table = element_table()["block"]
    blocks = [elements[:, table.index[table == block]].sum(axis=1) for block in BLOCKS]
    return Table(
        np.concatenate(
            [
                np.stack([count, *norms], axis=1),
                statistics(values, fraction, c.offsets),
                _mode(values, fraction, c.offsets),
                np.stack(blocks, axis=1),
                elements[:, 1:],
            ],
            axis=1,
        ),
        (
            "number of elements",
            *(f"{p}-norm of fractions" for p in NORMS),
            *statistic_names(names),
            *(f"mode {name}" for name in names),
            *(f"{block}-block fraction" for block in BLOCKS),
            *(f"{symbol} fraction" for symbol in symbols),
        ),
        (
            *("",) * (1 + len(NORMS)),
            *(unit for unit in units for _ in STATISTICS),
            *units,
            *("",) * (len(BLOCKS) + N_ELEMENTS),
        ),
    )


@cache
def element_properties() -> tuple[Floats, tuple[str, ...], tuple[str, ...]]:
    """Properties of the elements that descriptors are made of.

    Returns
    -------
    values : ndarray, shape (104, p)
        Row ``Z``; NaN where unknown. Read-only.
    names, units : tuple of p str
        Atomic number; atomic weight (u, of gemmi); place in the periodic table read group by group from
        top to bottom, with Ce–Lu and Th–Lr in the group of Sc, in the spirit of a Mendeleev number
        (Pettifor, Solid State Commun. 51, 31 (1984)); and the quantities of `mattomo.projections.elements`
        but the block: group, period, electronegativity, covalent radius, valence electrons, logarithms of
        first ionisation energy and atomic volume, electron affinity.
    """
    raw = raw_features()
    Z = np.arange(N_ELEMENTS + 1)
    named = {feature.name: k for k, feature in enumerate(FEATURES)}
    group = np.nan_to_num(raw[1:, named["group"]], nan=3.0)
    place = np.full(len(Z), np.nan)
    # Within a group the period comes first: the f elements stand between Y, La and Ac.
    place[1 + np.lexsort((Z[1:], raw[1:, named["period"]], group))] = Z[1:]
    weight = np.array([np.nan, *(gemmi.Element(int(z)).weight for z in Z[1:])])
    number = Z.astype(np.float64)
    number[0] = np.nan
    kept = [k for k, feature in enumerate(FEATURES) if feature.name != "block"]
    values = np.column_stack([number, weight, place, raw[:, kept]])
    values.flags.writeable = False
    names = [FEATURES[k].name.replace("_", " ") for k in kept]
    units = [FEATURES[k].unit for k in kept]
    return values, ("atomic number", "atomic weight", "place in the table", *names), ("", "u", "", *units)


def statistic_names(quantities: Sequence[str]) -> tuple[str, ...]:
    """Names of the columns of :func:`statistics`."""
    return tuple(f"{statistic} {name}" for name in quantities for statistic in STATISTICS)


def statistics(values: Floats, weight: Floats, offsets: Ints) -> Floats:
    """Weighted statistics of the entries of each of n owners.

    Parameters
    ----------
    values : ndarray, shape (m, p)
        Entries with NaN do not count.
    weight : ndarray, shape (m,)
        Positive.
    offsets : ndarray of int64, shape (n + 1,)
        Entries of owner i are ``values[offsets[i]:offsets[i + 1]]``.

    Returns
    -------
    ndarray, shape (n, 5 p)
        The :data:`STATISTICS` of the first quantity, then of the second, and so on; NaN without entries.
    """
    n, p = len(offsets) - 1, values.shape[1]
    owner = np.repeat(np.arange(n), np.diff(offsets))
    known = ~np.isnan(values)
    w = weight[:, None] * known
    x = np.where(known, values, 0.0)
    total = reduce(np.add, w, offsets)
    total[~(total > 0)] = np.nan
    mean = reduce(np.add, w * x, offsets) / total
    deviation = reduce(np.add, w * np.abs(x - np.nan_to_num(mean)[owner]), offsets) / total
    least = reduce(np.minimum, np.where(known, values, np.inf), offsets)
    most = reduce(np.maximum, np.where(known, values, -np.inf), offsets)
    nothing = np.isnan(total)
    least[nothing] = most[nothing] = np.nan
    spread = most - least
    noise = _ROUNDING * np.maximum(np.abs(least), np.abs(most))
    deviation[deviation < noise] = 0.0
    spread[spread < noise] = 0.0
    return np.stack([mean, deviation, least, most, spread], axis=2).reshape(n, len(STATISTICS) * p)


def reduce(operation: np.ufunc, values: Floats, offsets: Ints) -> Floats:
    """``operation.reduce`` over the entries of each owner, shape (n, ...); NaN without entries."""
    out = np.full((len(offsets) - 1, *values.shape[1:]), np.nan)
    some = np.diff(offsets) > 0
    if some.any():
        # Offsets of owners without entries would make reduceat take the next owner's first entry.
        out[some] = operation.reduceat(values, offsets[:-1][some], axis=0)
    return out


def _mode(values: Floats, weight: Floats, offsets: Ints) -> Floats:
    """Value of the heaviest known entry of each owner, of equals the first; shape (n, p)."""
    owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    w = np.where(np.isnan(values), -1.0, weight[:, None])
    heaviest = reduce(np.maximum, w, offsets)[owner]
    rank = np.where((w > 0) & (w >= heaviest * (1 - 1e-9)), np.arange(len(w))[:, None], len(w))
    first = reduce(np.minimum, rank.astype(np.float64), offsets)
    first = np.nan_to_num(first, nan=float(len(w)))
    padded = np.concatenate([values, np.full((1, values.shape[1]), np.nan)])
    mode: Floats = np.take_along_axis(padded, first.astype(np.int64), axis=0)
    return mode
