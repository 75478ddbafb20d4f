"""Properties of the atoms: what each base representation is told of them, node by node or in statistics.

A value given by element is the same for all atoms of an element. A value given by site is told to the
structure as it is; the composition, which knows no sites, is told its mean over the sites of each element.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mattomo.materials.formula import MAX_Z, SYMBOLS
from mattomo.materials.table import AtomColumn, Column, Materials
from mattomo.projections.descriptors import Table, statistic_names, statistics
from mattomo.projections.graphs import Floats, Graphs, Ints


def site_values(column: AtomColumn, materials: Materials) -> Floats:
    """A property of every site, in the order of ``materials.structures.Z``, shape (N,)."""
    if column.info.atoms == "site":
        return column.values
    values: Floats = column.values[materials.structures.Z]
    return values


def element_values(column: AtomColumn, materials: Materials) -> Floats:
    """A property of every element of each formula, in the order of ``materials.compositions.Z``, shape (m,).

    A property given by site is averaged over the sites of the element; NaN where one of them is unknown, and
    without a structure.
    """
    c, s = materials.compositions, materials.structures
    if column.info.atoms == "element":
        values: Floats = column.values[c.Z]
        return values
    n = len(c.formulas)
    # Elements ascend within a material, so these keys are sorted.
    entry = np.repeat(np.arange(n), np.diff(c.offsets)) * (MAX_Z + 1) + c.Z
    place = np.searchsorted(entry, np.repeat(np.arange(n), s.sites) * (MAX_Z + 1) + s.Z)
    count = np.bincount(place, minlength=len(entry))
    total = np.bincount(place, column.values, minlength=len(entry))
    mean: Floats = np.divide(total, count, out=np.full(len(entry), np.nan), where=count > 0)
    return mean


def mean_column(column: AtomColumn, materials: Materials) -> Column:
    """The mean over the atoms of each material: what stands for the property where one number is needed.

    Missing where the value of any atom is unknown; of a property given by site, also without a structure.
    """
    c = materials.compositions
    values = element_values(column, materials)
    owner = np.repeat(np.arange(len(materials)), np.diff(c.offsets))
    total = np.bincount(owner, c.amounts, minlength=len(materials))
    mean = np.bincount(owner, c.amounts * values, minlength=len(materials)) / total
    return Column(column.info, mean, np.isnan(mean))


def atom_descriptors(column: AtomColumn, materials: Materials, representation: str) -> Table:
    """Statistics of a property over the atoms of each material, for learners of tables.

    Parameters
    ----------
    column : AtomColumn
    materials : Materials
        n materials.
    representation : str
        ``"composition"`` is told the values of its elements, anything else those of the sites.

    Returns
    -------
    Table
        n rows; the `mattomo.projections.descriptors.STATISTICS` of the composition's descriptors.
    """
    if column.info.atoms == "element" or representation == "composition":
        c = materials.compositions
        values, offsets = element_values(column, materials), c.offsets
        # Fractions, as in descriptors: a column that these hold already is then the same to the last bit.
        owner = np.repeat(np.arange(len(materials)), np.diff(offsets))
        weight = c.amounts / np.bincount(owner, c.amounts, minlength=len(materials))[owner]
    else:
        values, offsets = column.values, materials.structures.offsets
        weight = np.ones(len(values))
    names = statistic_names([f"{column.info.label} of the atoms"])
    units = (column.info.unit,) * len(names)
    return Table(statistics(values[:, None], weight, offsets), names, units)


def standardised_nodes(graphs: Graphs, training: Ints) -> Graphs:
    """The graphs with every further value at mean 0 and deviation 1 over the atoms of the training rows.

    Each material counts once, however many sites its cell has, so neither the cell nor the merging of sites
    matters. A constant becomes 0.
    """
    share = graphs.node_weight / np.repeat(graphs.sites, np.diff(graphs.node_offsets))
    crystal = np.repeat(np.arange(len(graphs)), np.diff(graphs.node_offsets))
    rows = np.isin(crystal, training)
    weight = share[rows] / share[rows].sum()
    values = graphs.values
    mean = weight @ values[rows]
    deviation = np.sqrt(weight @ (values[rows] - mean) ** 2)
    scale = np.where(deviation > 1e-12 * np.maximum(1.0, np.abs(mean)), deviation, 1.0)
    return replace(graphs, values=(values - mean) / scale)


def unknown_elements(column: AtomColumn, materials: Materials) -> list[str]:
    """Of each material, the symbols of the elements whose value is unknown, as text; "" if none is."""
    c = materials.compositions
    lacking = np.isnan(element_values(column, materials))
    return [
        ", ".join(SYMBOLS[Z - 1] for Z in c.Z[a:b][lacking[a:b]].tolist())
        for a, b in zip(c.offsets[:-1].tolist(), c.offsets[1:].tolist(), strict=True)
    ]


def values_of(columns: Sequence[AtomColumn], materials: Materials, *, sites: bool) -> Floats:
    """Properties side by side, of the sites, shape (N, v), or of the elements of each formula, (m, v)."""
    read = site_values if sites else element_values
    return np.stack([read(column, materials) for column in columns], axis=1)
