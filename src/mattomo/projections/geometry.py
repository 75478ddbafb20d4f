"""The structure as a table of numbers: invariant geometry of a crystal beside its composition.

Every number is a mean, an extreme or a count per atom over the sites and bonds of the crystal graph, so it
does not depend on the order of the sites, the orientation, the origin, the choice of the cell or its size.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mattomo.materials.registry import resolve
from mattomo.materials.table import Materials, Structures
from mattomo.projections.descriptors import (
    Table,
    beside,
    composition_descriptors,
    element_properties,
    reduce,
    statistic_names,
    statistics,
)
from mattomo.projections.elements import N_ELEMENTS
from mattomo.projections.graphs import Floats, Graphs, Ints
from mattomo.projections.structure import crystal_graphs

Numbers = NDArray[np.floating[Any] | np.integer[Any]]

#: g/cm³ of one u/Å³ (CODATA 2018).
_GRAMS = 1.66053906660
#: Elements that are no metals, metalloids included; all others are.
_NONMETALS = (1, 2, 5, 6, 7, 8, 9, 10, 14, 15, 16, 17, 18, 32, 33, 34, 35, 36, 51, 52, 53, 54, 85, 86)
_PAIRS = ("metal-metal", "metal-nonmetal", "nonmetal-nonmetal")
#: Places and width (Å) of the Gaussians of the radial distribution.
_RADII = tuple(np.arange(1.0, 5.01, 0.5).tolist())
_WIDTH = 0.25
#: Counts below this are none.
_TAIL = 1e-6
#: Crystals described at once: bounds the memory.
_CHUNK = 2048

_BULK = (
    ("volume per atom", "Å³/atom"),
    ("density", "g/cm³"),
    ("packing fraction", ""),
    ("volume per valence electron", "Å³"),
)
_SITE = (
    ("nearest distance", "Å"),
    ("nearest distance over radii", ""),
    ("shell distance", "Å"),
    ("shell spread", "Å"),
    ("effective coordination", ""),
    ("covalent coordination", ""),
    ("electronegativity difference to neighbours", "Pauling"),
)
_BOND = (("bond length", "Å"), ("bond length over radii", ""), ("electronegativity difference", "Pauling"))
_BY_CLASS = (("nearest distance", "Å"), ("effective coordination", ""))


def structure_descriptors(
    materials: Materials, *, graphs: Graphs | None = None, space_group: str | None = None
) -> Table:
    """Descriptors of the composition and of the geometry of each crystal.

    Parameters
    ----------
    materials : Materials
        n materials; one without a structure has NaN for its geometry.
    graphs : Graphs, optional
        Their crystal graphs, full or merged; computed by default (merged, 12 neighbours within 8 Å).
    space_group : str, optional
        Column that holds space-group numbers, to take in as a number. None by default, for the space
        group is also a property that a study adds.

    Returns
    -------
    Table
        The columns of `composition_descriptors`, then

        - volume per atom and per valence electron, density, packing fraction of spheres of covalent radii;
        - statistics over the sites of: distance to the nearest neighbour, absolute and relative to the sum
          of covalent radii; mean distance of the neighbours in the graph, and its mean absolute deviation;
          effective coordination number (Hoppe, Z. Kristallogr. 150, 23 (1979), first iteration, among the
          neighbours in the graph); covalent coordination number (Grimme et al., J. Chem. Phys. 132, 154104
          (2010), with the radii of Cordero et al.); mean difference of electronegativity to the neighbours,
          weighted as in the effective coordination number;
        - mean and deviation over the bonds, weighted likewise, of length, length over the sum of covalent
          radii, and difference of electronegativity; share of bonds between equal elements;
        - mean nearest distance and coordination of the metal and of the nonmetal atoms;
        - radial distribution of the neighbours in the graph, by pairs of metals and nonmetals: neighbours
          per atom around 1.0, 1.5, ..., 5.0 Å in Gaussians of width 0.25 Å.

    Examples
    --------
    >>> import numpy as np
    >>> import mattomo as mt
    >>> few = mt.load("mp1000").take(np.arange(10))
    >>> table = structure_descriptors(few)
    >>> bool(np.allclose(table.column("density"), few.column("density").values, rtol=1e-3))
    True
    """
    n = len(materials)
    if graphs is not None and len(graphs) != n:
        raise ValueError(f"{n} materials need as many graphs, got {len(graphs)}")
    parts = [_geometry(materials.structures, crystal_graphs(materials.structures))] if n == 0 else []
    for start in range(0, n, _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, n))
        structures = materials.take(rows).structures
        parts.append(
            _geometry(structures, crystal_graphs(structures) if graphs is None else graphs.take(rows))
        )
    tables = [composition_descriptors(materials), Table(np.concatenate(parts), *_headings())]
    if space_group is not None:
        column = materials.column(resolve(space_group, materials.columns))
        numbers = np.full((n, 1), np.nan)
        numbers[~column.missing, 0] = column.values[~column.missing].astype(np.float64)
        tables.append(Table(numbers, ("space group number",)))
    return beside(tables)


def _headings() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names and units of the columns of `_geometry`."""
    columns = [
        *_BULK,
        *zip(
            statistic_names([name for name, _ in _SITE]), (u for _, u in _SITE for _ in range(5)), strict=True
        ),
        *((f"{statistic} {name}", unit) for name, unit in _BOND for statistic in ("mean", "deviation")),
        ("share of bonds between equal elements", ""),
        *((f"mean {name} of {kind}s", unit) for name, unit in _BY_CLASS for kind in ("metal", "nonmetal")),
        *((f"{pair} neighbours at {radius} Å", "1/atom") for pair in _PAIRS for radius in _RADII),
    ]
    return tuple(name for name, _ in columns), tuple(unit for _, unit in columns)


def _geometry(structures: Structures, graphs: Graphs) -> Floats:
    """Geometry of n crystals, shape (n, d)."""
    n = len(graphs)
    bulk = _bulk(structures)
    crystal = np.repeat(np.arange(n), np.diff(graphs.node_offsets))
    edges = _Edges(graphs)
    site = _sites(graphs, edges)
    chosen = site[:, [[name for name, _ in _SITE].index(name) for name, _ in _BY_CLASS]]
    metal = _is_metal()[graphs.Z]
    by_class = []
    for quantity in chosen.T:
        for members in (metal, ~metal):
            use = members & ~np.isnan(quantity)
            weight = np.where(use, graphs.node_weight, 0.0)
            total = np.bincount(crystal, weight * np.nan_to_num(quantity), minlength=n)
            by_class.append(_ratio(total, np.bincount(crystal, weight, minlength=n)))
    return np.concatenate(
        [
            bulk,
            statistics(site, graphs.node_weight, graphs.node_offsets),
            _bonds(graphs, edges),
            np.stack(by_class, axis=1),
            _radial(graphs, edges, crystal, metal),
        ],
        axis=1,
    )


class _Edges:
    """Quantities of each edge, shape (E,), and where the edges of each node begin."""

    def __init__(self, graphs: Graphs) -> None:
        Z_centre, Z_neighbour = graphs.Z[graphs.centre], graphs.Z[graphs.neighbour]
        self.offsets = np.searchsorted(graphs.centre, np.arange(len(graphs.Z) + 1)).astype(np.int64)
        self.distance = graphs.distance[graphs.edge_distance]
        radius = _property("covalent radius") / 100
        self.over_radii = self.distance / (radius[Z_centre] + radius[Z_neighbour])
        electronegativity = _property("electronegativity")
        self.difference = np.abs(electronegativity[Z_centre] - electronegativity[Z_neighbour])
        self.equal = (Z_centre == Z_neighbour).astype(np.float64)
        # Hoppe's weights: 1 at the mean bond length, nearly nothing at 1.3 times it.
        nearest = reduce(np.minimum, self.distance, self.offsets)
        near = graphs.edge_weight * np.exp(1 - (self.distance / nearest[graphs.centre]) ** 6)
        mean = reduce(np.add, near * self.distance, self.offsets) / reduce(np.add, near, self.offsets)
        self.bonded = graphs.edge_weight * np.exp(1 - (self.distance / mean[graphs.centre]) ** 6)
        self.nearest = nearest


def _sites(graphs: Graphs, edges: _Edges) -> Floats:
    """The quantities `_SITE` of each node, shape (C, 7)."""
    offsets, weight = edges.offsets, graphs.edge_weight
    total = reduce(np.add, weight, offsets)
    shell = reduce(np.add, weight * edges.distance, offsets) / total
    spread = reduce(np.add, weight * np.abs(edges.distance - shell[graphs.centre]), offsets) / total
    spread[spread < 1e-10] = 0.0
    covalent = weight / (1 + np.exp(-16 * (4 / 3 / edges.over_radii - 1)))
    known = ~np.isnan(edges.difference)
    bonded = np.where(known, edges.bonded, 0.0)
    difference = _ratio(
        reduce(np.add, bonded * np.where(known, edges.difference, 0.0), offsets),
        reduce(np.add, bonded, offsets),
    )
    return np.stack(
        [
            edges.nearest,
            reduce(np.minimum, edges.over_radii, offsets),
            shell,
            spread,
            np.nan_to_num(reduce(np.add, edges.bonded, offsets)),
            np.nan_to_num(reduce(np.add, covalent, offsets)),
            difference,
        ],
        axis=1,
    )


def _bonds(graphs: Graphs, edges: _Edges) -> Floats:
    """Mean and deviation of the quantities `_BOND`, and the share of equal elements; shape (n, 7)."""
    quantities = np.stack([edges.distance, edges.over_radii, edges.difference, edges.equal], axis=1)
    weight = edges.bonded * graphs.node_weight[graphs.centre]
    found = statistics(quantities, weight, graphs.edge_offsets).reshape(len(graphs), 4, 5)
    return np.concatenate([found[:, :3, :2].reshape(len(graphs), 6), _without_tails(found[:, 3, :1])], axis=1)


def _radial(graphs: Graphs, edges: _Edges, crystal: Ints, metal: NDArray[np.bool_]) -> Floats:
    """Neighbours per atom by pair of classes and distance, shape (n, 3 * 9)."""
    n, per_crystal = len(graphs), len(_PAIRS) * len(_RADII)
    pair = 2 - metal[graphs.centre].astype(np.int64) - metal[graphs.neighbour]
    group = crystal[graphs.centre] * len(_PAIRS) + pair
    weight = graphs.edge_weight * graphs.node_weight[graphs.centre]
    # Exponentials of the distinct lengths: half as many as of the edges.
    bumps = np.exp(-((graphs.distance[:, None] - np.array(_RADII)) ** 2) / (2 * _WIDTH**2))
    found = np.stack(
        [np.bincount(group, weight * b[graphs.edge_distance], minlength=n * len(_PAIRS)) for b in bumps.T],
        axis=1,
    )
    radial = _ratio(found.reshape(n, per_crystal), np.repeat(graphs.sites[:, None], per_crystal, axis=1))
    return _without_tails(radial)


def _without_tails(counts: Floats) -> Floats:
    """Zero instead of the far tails of Gaussians: trees would split on their logarithms."""
    return np.where(counts < _TAIL, 0.0, counts)


def _bulk(structures: Structures) -> Floats:
    """The quantities `_BULK`, shape (n, 4)."""
    n = len(structures.lattice)
    crystal = np.repeat(np.arange(n), structures.sites)
    a, b, c = np.moveaxis(structures.lattice, 1, 0)
    volume = np.abs(np.sum(a * np.cross(b, c), axis=1))

    def total(values: Floats) -> Floats:
        return np.bincount(crystal, values[structures.Z], minlength=n).astype(np.float64)

    sites = np.bincount(crystal, minlength=n).astype(np.float64)
    mass = total(_property("atomic weight"))
    spheres = total(4 / 3 * np.pi * (_property("covalent radius") / 100) ** 3)
    valence = total(_property("valence electrons"))
    bulk = np.stack(
        [_ratio(volume, sites), _GRAMS * mass / volume, spheres / volume, _ratio(volume, valence)], axis=1
    )
    return bulk


def _property(name: str) -> Floats:
    """A property of the elements, shape (104,), by the name `element_properties` gives it."""
    values, names, _ = element_properties()
    return values[:, names.index(name)]


def _is_metal() -> NDArray[np.bool_]:
    metal = np.ones(N_ELEMENTS + 1, dtype=bool)
    metal[list(_NONMETALS)] = False
    return metal


def _ratio(numerator: Numbers, denominator: Numbers) -> Floats:
    """NaN where the denominator is zero or NaN."""
    out = np.full(numerator.shape, np.nan)
    np.divide(numerator, denominator, out=out, where=denominator > 0)
    return out
