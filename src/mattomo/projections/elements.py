"""Feature vectors of the chemical elements, in the style of the table of the CGCNN paper.

Nine properties of an element are each put into one bin of a one-hot block, 92 columns in all
(Xie & Grossman, Phys. Rev. Lett. 120, 145301 (2018), supplementary material). The raw values, their
units and sources are in ``data/elements.csv`` and ``data/README.md``.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mattomo.errors import InputError

N_ELEMENTS = 103
"""The table covers Z = 1 (H) to 103 (Lr)."""

BLOCKS = ("s", "p", "d", "f")


class Feature(NamedTuple):
    """One property of an element and its one-hot bins.

    Attributes
    ----------
    name : str
        Name of the property.
    columns : int
        Number of bins, that is of columns of :func:`element_features`.
    unit : str
        Unit of the binned value (empty: a number or a class).
    edges : tuple of float
        The ``columns + 1`` edges. A bin holds its lower edge; values outside fall into the end bin.
    """

    name: str
    columns: int
    unit: str
    edges: tuple[float, ...]


def _feature(name: str, columns: int, low: float, high: float, unit: str = "") -> Feature:
    return Feature(name, columns, unit, tuple(np.linspace(low, high, columns + 1).tolist()))


FEATURES: tuple[Feature, ...] = (
    _feature("group", 18, 0.5, 18.5),
    _feature("period", 8, 0.5, 8.5),
    _feature("electronegativity", 10, 0.5, 4.0, "Pauling"),
    _feature("covalent_radius", 10, 25.0, 250.0, "pm"),
    _feature("valence_electrons", 12, 0.5, 12.5),
    _feature("ln_first_ionisation_energy", 10, 1.3, 3.3, "ln(eV)"),
    _feature("electron_affinity", 10, -3.0, 3.7, "eV"),
    _feature("block", 4, -0.5, 3.5),
    _feature("ln_atomic_volume", 10, 1.5, 4.3, "ln(cm³/mol)"),
)
"""The nine properties in column order; ``block`` counts s, p, d, f as 0, 1, 2, 3."""


@cache
def _table() -> pd.DataFrame:
    with (files("mattomo.projections") / "data" / "elements.csv").open(encoding="utf-8") as file:
        table = pd.read_csv(file, comment="#", index_col="Z", keep_default_na=False, na_values=[""])
    return table.astype({"group": "Int64"})


@cache
def _raw() -> NDArray[np.float64]:
    table = element_table()
    table["block"] = table["block"].map(BLOCKS.index)
    columns = {
        name: table[name].to_numpy(np.float64, na_value=np.nan) for name in table.columns.drop("symbol")
    }
    for name in ("first_ionisation_energy", "atomic_volume"):
        columns[f"ln_{name}"] = np.log(columns[name])
    raw = np.full((N_ELEMENTS + 1, len(FEATURES)), np.nan)
    raw[table.index] = np.stack([columns[feature.name] for feature in FEATURES], axis=1)
    return raw


@cache
def _one_hot() -> NDArray[np.float64]:
    blocks = []
    for feature, values in zip(FEATURES, _raw().T, strict=True):
        bins = np.searchsorted(feature.edges[1:-1], values, side="right")
        block = np.eye(feature.columns)[bins]
        block[np.isnan(values)] = 0.0
        blocks.append(block)
    return np.concatenate(blocks, axis=1)


def element_table() -> pd.DataFrame:
    """Raw values of the elements as stored, one row per element.

    Returns
    -------
    DataFrame
        Index ``Z`` from 1 to 103; columns symbol, group, period, block, electronegativity (Pauling),
        covalent_radius (pm), valence_electrons, first_ionisation_energy (eV), electron_affinity (eV) and
        atomic_volume (cm³/mol). Unknown values are missing.

    Examples
    --------
    >>> element_table().loc[11, ["symbol", "block"]].tolist()
    ['Na', 's']
    """
    return _table().copy()


def raw_features() -> NDArray[np.float64]:
    """The values that :func:`element_features` puts into bins.

    Returns
    -------
    ndarray, shape (104, 9)
        Row ``Z``, columns in the order and units of :data:`FEATURES` (two of them logarithms).
        Unknown values, and row 0, are NaN.
    """
    return _raw().copy()


def element_features() -> NDArray[np.float64]:
    """One-hot feature vectors of the elements.

    Returns
    -------
    ndarray, shape (104, 92)
        Row ``Z``; row 0 is all zero. Each block of :data:`FEATURES` holds a single 1, or nothing where
        the value is unknown (see :func:`unknown`). Values beyond a range fall into its end bin, for
        instance the molar volume of a gas.

    Examples
    --------
    >>> int(element_features()[26, :18].argmax()) + 1  # the group of Fe
    8
    """
    return _one_hot().copy()


def unknown(Z: int) -> tuple[str, ...]:
    """Names of the properties of element ``Z`` that are unknown: its all-zero blocks.

    Parameters
    ----------
    Z : int
        Atomic number, 1 to 103.

    Returns
    -------
    tuple of str
        Names out of :data:`FEATURES`, in their order. ``group`` is among them for Ce–Lu and Th–Lr,
        for which the group is not defined rather than not known.

    Examples
    --------
    >>> unknown(10)  # Ne
    ('electronegativity', 'electron_affinity')
    """
    if not 1 <= Z <= N_ELEMENTS:
        raise InputError(
            "no such element in the table",
            value=Z,
            hint=f"The table covers atomic numbers 1 to {N_ELEMENTS}.",
        )
    return tuple(f.name for f, missing in zip(FEATURES, np.isnan(_raw()[Z]), strict=True) if missing)
