"""What a table says of a structure against the structure itself: volume, density, sites, elements."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import gemmi
import numpy as np
from numpy.typing import NDArray

from mattomo.materials.check.finding import Finding, ids_at, rows_text, share_text, values_of
from mattomo.materials.table import Column, Materials

TOLERANCE = 0.01
"""Largest relative difference that counts as agreement."""

GRAMS = 1.66053906660
"""g/cm³ of one u/Å³ (CODATA 2018)."""

_BOHR_CUBED = 0.148184711
_LARGEST_MULTIPLE = 64
_SITES = ("nsites", "number_of_total_atoms", "nsites_mp2019")
SYSTEMS = {
    "triclinic": (1, 2),
    "monoclinic": (3, 15),
    "orthorhombic": (16, 74),
    "tetragonal": (75, 142),
    "trigonal": (143, 167),
    "hexagonal": (168, 194),
    "cubic": (195, 230),
}
"""First and last space group of each crystal system."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Agreement:
    """How far a stored property is that of the structure.

    Attributes
    ----------
    column : str
    of : str
        What it was compared with.
    compared, agree : int
        Materials.
    tolerance : str
    reason : str
        The likely reason why the others do not, "" for none.
    ids : tuple of str
        The others, worst first.
    """

    column: str
    of: str
    compared: int
    agree: int
    tolerance: str
    reason: str
    ids: tuple[str, ...]


def stored_against_own(materials: Materials) -> tuple[list[Agreement], list[Finding]]:
    """Compare stored volume, density, sites and elements with those of the structure and formula.

    Agreement is within 1 %. Where a property disagrees, its ratio to the structure's own says why: a whole
    number means another cell, other factors another unit.

    Parameters
    ----------
    materials : Materials

    Returns
    -------
    agreements : list of Agreement
    findings : list of Finding
    """
    agreements, findings = [], []
    for name, of, stored, own, reasons in _pairs(materials):
        agreement = _compared(materials, name, of, stored, own, reasons)
        if agreement is not None:
            agreements.append(agreement)
            findings += _finding(agreement)
    systems = _crystal_systems(materials)
    if systems is not None:
        agreements.append(systems)
        findings += _finding(systems)
    return agreements, findings


def _pairs(materials: Materials) -> Iterator[tuple[str, str, Floats, Floats, dict[str, Floats | float]]]:
    """Column, what it is compared with, stored and own values, and ratios that would tell why they differ."""
    structures, columns = materials.structures, materials.columns
    present = structures.present
    sites = np.where(present, structures.sites, np.nan).astype(np.float64)
    lattice = np.where(present[:, None, None], structures.lattice, np.eye(3))
    volume = np.where(present, np.abs(np.linalg.det(lattice)), np.nan)
    density = _mass(materials) / volume * GRAMS
    elements = np.diff(materials.compositions.offsets).astype(np.float64)
    if "volume" in columns:
        factors: dict[str, Floats | float] = {
            "given per atom": 1 / sites,
            "given in bohr³": 1 / _BOHR_CUBED,
            "given in nm³": 1e-3,
            "given in cm³/mol": 0.602214076,
        }
        yield "volume", "the lattice", values_of(columns["volume"]), volume, factors
    if "volume_per_atom" in columns:
        factors = {"given per cell": sites, "given in bohr³": 1 / _BOHR_CUBED, "given in nm³": 1e-3}
        yield "volume_per_atom", "the lattice", values_of(columns["volume_per_atom"]), volume / sites, factors
    if "density" in columns:
        factors = {"given in kg/m³": 1e3, "given in u/Å³": 1 / GRAMS, "its mass unit is wrong": GRAMS}
        yield "density", "the mass and the lattice", values_of(columns["density"]), density, factors
    for name in _SITES:
        if name in columns:
            yield name, "the sites of the structure", values_of(columns[name]), sites, {}
    if "nelements" in columns:
        yield "nelements", "the elements of the formula", values_of(columns["nelements"]), elements, {}
    if "energy" in columns and "energy_per_atom" in columns:
        per_atom = values_of(columns["energy_per_atom"])
        ratio = np.divide(
            values_of(columns["energy"]), per_atom, out=np.full(len(sites), np.nan), where=per_atom != 0
        )
        yield "energy", "energy_per_atom times the sites", ratio, sites, {}


def _compared(
    materials: Materials, name: str, of: str, stored: Floats, own: Floats, factors: dict[str, Floats | float]
) -> Agreement | None:
    known = np.flatnonzero(~np.isnan(stored) & ~np.isnan(own) & (own != 0))
    if not len(known):
        return None
    ratio = stored / np.where(own == 0, np.nan, own)
    off = known[np.abs(ratio[known] - 1) > TOLERANCE]
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.where(ratio[off] > 0, np.abs(np.log(np.abs(ratio[off]))), np.inf)
    worst = off[np.argsort(-distance, kind="stable")]
    reason = _reason(ratio[off], {text: np.broadcast_to(f, len(ratio))[off] for text, f in factors.items()})
    agree = len(known) - len(off)
    return Agreement(name, of, len(known), agree, "1 %", reason, ids_at(materials, worst))


def _reason(ratio: Floats, factors: dict[str, Floats]) -> str:
    """The factor that explains most of the ratios, if it explains at least half."""
    if not len(ratio):
        return ""
    explained = {text: np.abs(ratio / factor - 1) < TOLERANCE for text, factor in factors.items()}
    with np.errstate(divide="ignore", invalid="ignore"):
        multiple = np.where(np.abs(ratio) >= 1, ratio, 1 / ratio)
    whole = np.rint(multiple)
    # above 64 every ratio is within 1 % of a whole number
    within = (whole >= 2) & (whole <= _LARGEST_MULTIPLE)
    other_cell = within & (np.abs(multiple / np.maximum(whole, 1) - 1) < TOLERANCE / 5)
    explained["of another cell (the ratio is a whole number)"] = other_cell
    best = max(explained, key=lambda text: float(explained[text].mean()))
    share = float(explained[best].mean())
    if share < 0.5:
        return ""
    return best if share == 1 else f"{best} on {share_text(int(explained[best].sum()), len(ratio))} of them"


def _finding(agreement: Agreement) -> list[Finding]:
    off = agreement.compared - agreement.agree
    if not off:
        return []
    likely = f"; likely {agreement.reason}" if agreement.reason else ""
    by = " by more than 1 %" if agreement.tolerance == "1 %" else ""
    verb = "disagree" if off != 1 else "disagrees"
    text = f"{rows_text(off, agreement.compared)} {verb} with {agreement.of}{by}{likely}"
    advice = (
        "A label of another cell or structure misleads a model: correct these rows or leave them out."
        if agreement.agree
        else "Correct the column."
    )
    return [Finding("stored_differs", "warning", agreement.column, text, advice, off, agreement.ids)]


def _crystal_systems(materials: Materials) -> Agreement | None:
    """The stored crystal system against that of the stored space-group number."""
    system = materials.columns.get("crystal_system")
    number = materials.columns.get("spacegroup_number")
    if system is None or number is None or "scalar" in (system.info.kind, number.info.kind):
        return None
    follows = np.array([""] * 231, dtype="<U12")
    for word, (first, last) in SYSTEMS.items():
        follows[first : last + 1] = word
    numbers = space_group_numbers(number)
    words = np.char.lower(np.where(system.missing, "", system.values).astype(np.str_))
    known = (numbers > 0) & np.isin(words, list(SYSTEMS))
    off = np.flatnonzero(known & (follows[numbers] != words))
    compared = int(known.sum())
    if not compared:
        return None
    reason = ""
    if len(off) and np.isin(words[off], ("trigonal", "hexagonal")).all():
        reason = "the hexagonal lattice named instead of the crystal system"
    agree = compared - len(off)
    of = "the stored space group number"
    return Agreement("crystal_system", of, compared, agree, "exact", reason, ids_at(materials, off))


def space_group_numbers(column: Column) -> NDArray[np.int64]:
    """Space-group numbers of a category, 0 where there is none from 1 to 230; shape (n,)."""
    known = {str(number): number for number in range(1, 231)}
    return np.array([known.get(level, 0) for level in column.values.tolist()], dtype=np.int64)


def _mass(materials: Materials) -> Floats:
    """Mass of each cell in u, 0 without a structure; shape (n,)."""
    structures = materials.structures
    row = np.repeat(np.arange(len(materials)), structures.sites)
    weights = _weights()[structures.Z]
    return np.bincount(row, weights=weights, minlength=len(materials)).astype(np.float64)


@lru_cache(maxsize=1)
def _weights() -> Floats:
    return np.array([0.0] + [gemmi.Element(Z).weight for Z in range(1, 119)])
