"""Values that no material has: out of a property's plausible range, or in another unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mattomo.materials.check.finding import Finding, ids_at, rows_text, scalars
from mattomo.materials.registry import ALIASES
from mattomo.materials.table import Materials

KJ_PER_MOL = 0.010364270  # eV
KCAL_PER_MOL = 0.043364104  # eV

_ENERGIES = (("meV", 1e-3), ("kJ/mol", KJ_PER_MOL), ("kcal/mol", KCAL_PER_MOL), ("K", 8.617333e-5))
_PRESSURES = (("MPa", 1e-3), ("kbar", 0.1), ("Pa", 1e-9))


@dataclass(frozen=True)
class Plausible:
    """The range in which a property of a crystal lies.

    Attributes
    ----------
    low, high : float
        In the registered unit; generous, for a warning should be true.
    because : str
        What sets the range.
    units : tuple of (str, float)
        Other units people give it in, and one of those in the registered unit.
    """

    low: float
    high: float
    because: str
    units: tuple[tuple[str, float], ...] = ()


_BOUND = float("inf")

PLAUSIBLE: dict[str, Plausible] = {
    # LiF 14.2 eV, solid neon 21.6 eV (Kittel, Introduction to Solid State Physics); none below zero
    "band_gap": Plausible(0.0, 25.0, "a gap is 0 (metals) to about 22 eV (solid neon)", _ENERGIES),
    # CRC Handbook: Li 0.534, Os 22.59 g/cm³ at normal pressure
    "density": Plausible(
        0.5,
        23.5,
        "solids lie between lithium (0.53) and osmium (22.6); less is porous or not relaxed, more is under "
        "pressure or wrong",
        (("kg/m³", 1e-3), ("u/Å³", 1.66053907)),
    ),
    # a distance to a hull that includes the material itself is not negative; 1e-6 is rounding
    "e_above_hull": Plausible(
        -1e-6,
        10.0,
        "the hull is the lowest; below it lie only materials that were not used to build it",
        _ENERGIES,
    ),
    # the most stable fluorides have -4.5 eV/atom (LaF3; Kubaschewski, Materials Thermochemistry)
    "formation_energy_per_atom": Plausible(
        -6.0, 6.0, "fluorides of rare earths, the most stable compounds, have about -4.5", _ENERGIES
    ),
    # diamond 5.67, caesium 117 Å³/atom at normal pressure; frameworks and molecular crystals more
    "volume_per_atom": Plausible(
        2.0, 400.0, "diamond has 5.7, caesium 117; more is porous or a cell not relaxed", (("nm³", 1e3),)
    ),
    "nsites": Plausible(1.0, 100_000.0, "a cell has at least one atom"),
    "nelements": Plausible(1.0, 118.0, "there are 118 elements"),
    "volume": Plausible(2.0, _BOUND, "an atom takes at least 2 Å³"),
    # diamond 443 GPa; Voigt-Reuss-Hill averages of stable crystals are positive (Born)
    "bulk_modulus_vrh": Plausible(
        0.0, 600.0, "diamond has 443; negative is unstable or a failed fit", _PRESSURES
    ),
    "shear_modulus_vrh": Plausible(
        0.0, 700.0, "diamond has 536; negative is unstable or a failed fit", _PRESSURES
    ),
    # thermodynamic stability of an isotropic solid: -1 < ν < 1/2
    "poisson_ratio": Plausible(-1.0, 0.5, "a stable isotropic solid has -1 to 0.5", (("%", 1e-2),)),
    # diamond 2230 K (Kittel)
    "debye_temperature": Plausible(0.0, 3000.0, "diamond has 2,230"),
    # static response of a stable insulator: ε ≥ 1
    "dielectric_total": Plausible(1.0, 1e5, "the vacuum has 1"),
    "dielectric_electronic": Plausible(1.0, 1e4, "the vacuum has 1"),
    "refractive_index": Plausible(0.0, 100.0, "n² is the electronic dielectric constant"),
    "lattice_angle_alpha_degree": Plausible(0.0, 180.0, "an angle of a cell is less than 180°"),
    "lattice_angle_beta_degree": Plausible(0.0, 180.0, "an angle of a cell is less than 180°"),
    "lattice_angle_gamma_degree": Plausible(0.0, 180.0, "an angle of a cell is less than 180°"),
}
"""By canonical name, in the registered unit; aliases of the registry share the entry."""

_CANONICAL = {alias: name for name, aliases in ALIASES.items() for alias in aliases} | {
    "formation_energy_ev_natom": "formation_energy_per_atom"
}
_LOOK = "Look at these rows; leave them out or correct them."
_MOSTLY = 0.95
_FEWEST = 30
_MOST_MOMENT = 12.0  # μB an atom: gJ of Dy and Ho is 10 (Kittel), the spin moment of Gd 7


def implausible(materials: Materials) -> list[Finding]:
    """Values outside the range of a registered property, and columns that look like another unit.

    Parameters
    ----------
    materials : Materials

    Returns
    -------
    list of Finding
    """
    found = []
    for name, unit, values in scalars(materials):
        plausible = PLAUSIBLE.get(_CANONICAL.get(name, name))
        if plausible is not None:
            found += _out_of_range(materials, name, unit, values, plausible)
        if unit == "°":
            found += _radians(name, values)
    return found + _mixed_up(materials)


def _out_of_range(
    materials: Materials, name: str, unit: str, values: NDArray[np.float64], plausible: Plausible
) -> list[Finding]:
    present = int((~np.isnan(values)).sum())
    below, above = values < plausible.low, values > plausible.high
    if 2 * (below.sum() + above.sum()) > present and present > 1:
        inside = values[~np.isnan(values)]
        for other, factor in plausible.units:
            scaled = inside * factor
            if np.mean((scaled >= plausible.low) & (scaled <= plausible.high)) >= _MOSTLY:
                return [
                    Finding(
                        "unit",
                        "warning",
                        name,
                        f"the values look like {other}: half are {np.median(inside):.4g} or more, but "
                        f"{plausible.because} ({unit})",
                        f"Convert to {unit}: multiply by {factor:.6g}.",
                        present,
                    )
                ]
    found = []
    text_unit = f" {unit}" if unit else ""
    for out, side, limit in ((below, "below", plausible.low), (above, "above", plausible.high)):
        rows = np.flatnonzero(out)
        if not len(rows):
            continue
        worst = rows[np.argsort(-np.abs(values[rows] - limit), kind="stable")]
        extreme = "lowest" if side == "below" else "highest"
        sides = "negative" if limit in (0.0, -1e-6) and side == "below" else f"{side} {limit:g}{text_unit}"
        found.append(
            Finding(
                "implausible",
                "warning",
                name,
                f"{rows_text(len(rows), present)} {'are' if len(rows) != 1 else 'is'} {sides}, the {extreme} "
                f"{values[worst[0]]:.4g}: {plausible.because}",
                _LOOK,
                len(rows),
                ids_at(materials, worst),
            )
        )
    return found


def _radians(name: str, values: NDArray[np.float64]) -> list[Finding]:
    present = values[~np.isnan(values)]
    if len(present) < 2 or not ((present > 0) & (present <= np.pi)).all():
        return []
    text = f"all angles are at most {present.max():.3g}: they look like radians"
    return [Finding("unit", "warning", name, text, "Convert to degrees: multiply by 57.29578.", len(present))]


def _mixed_up(materials: Materials) -> list[Finding]:
    """Energies of the cell under a name per atom and the reverse; moments no atom has."""
    structures = materials.structures
    sites = np.where(structures.present, structures.sites, np.nan).astype(np.float64)
    found = []
    for name, unit, values in scalars(materials):
        known = ~np.isnan(values) & ~np.isnan(sites)
        if unit == "μB/cell" and known.any():
            moment = np.abs(values) / sites
            rows = np.flatnonzero(moment > _MOST_MOMENT)
            if len(rows):
                worst = rows[np.argsort(-moment[rows], kind="stable")]
                verb = "have" if len(rows) > 1 else "has"
                text = (
                    f"{rows_text(len(rows), int(known.sum()))} {verb} more than {_MOST_MOMENT:g} μB an atom, "
                    f"up to {moment[worst[0]]:.3g}: no atom has more than about 10"
                )
                ids = ids_at(materials, worst)
                found.append(Finding("implausible", "warning", name, text, _LOOK, len(rows), ids))
        if unit not in ("eV/atom", "eV/cell") or known.sum() < _FEWEST or len(np.unique(sites[known])) < 5:
            continue
        rank = _rank_correlation(np.abs(values[known]), sites[known])
        if unit == "eV/atom" and rank > 0.9:
            text = (
                f"it is per atom by name, but grows with the sites of the cell (rank correlation {rank:.2f})"
            )
            advice = "It looks like the energy of the cell: divide by the sites."
        elif unit == "eV/cell" and rank < 0.3:
            text = f"it is per cell by name, but does not grow with the sites (rank correlation {rank:.2f})"
            advice = "It looks like an energy per atom: multiply by the sites, or rename it."
        else:
            continue
        found.append(Finding("per_atom_or_cell", "warning", name, text, advice, int(known.sum())))
    return found


def _rank_correlation(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Spearman's, with mean ranks for ties; 0 where either is constant."""
    a, b = (_ranks(values) for values in (x, y))
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / norm if norm else 0.0


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    inverse, counts = np.unique(values, return_inverse=True, return_counts=True)[1:]
    ranks: NDArray[np.float64] = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return ranks
