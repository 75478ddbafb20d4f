"""Controls: added columns whose worth is known beforehand, the yardstick beside every claim.

placebo   a property in shuffled order: tells nothing
derived   computed from the representation: tells nothing that the representation does not hold
planted   the target with noise as wide as what the representation leaves open: at most half a bit
atoms     a property of the atoms in shuffled order, wherever a study has such properties and a placebo
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from mattomo.keyed import generator
from mattomo.learners.conditional import Conditional
from mattomo.materials.registry import PropertyInfo
from mattomo.materials.table import Column
from mattomo.projections.descriptors import Table
from mattomo.projections.graphs import Floats

Control = Literal["placebo", "derived", "planted"]

CONTROLS: tuple[Control, ...] = ("placebo", "derived", "planted")
#: Names of control tasks start so; no column of a table can (a reader would have to allow the colon).
PREFIX = "control:"
#: Name of the placebo inside the atoms (see `mattomo.study.atoms.shuffled`).
ATOMS = PREFIX + "atoms"
#: Raised whenever the columns of a control change.
VERSION = 1
#: Variance that the representation leaves open over that of the planted noise. A planted column so tells at
#: most log2(1 + this) / 2 bits beyond the representation: reached when what it leaves open is Gaussian and
#: equally wide everywhere.
PLANTED_SNR = 1.0
#: What ``derived`` is, where the representation's table has it; else the table's first column.
_DERIVED = "mean electronegativity"


def placebo(columns: Mapping[str, Column], names: Sequence[str], seed: int) -> Column:
    """The first scalar among ``names`` (else the first property) in an order of the seed's own."""
    scalars = [name for name in names if columns[name].info.kind == "scalar"]
    source = columns[(scalars or list(names))[0]]
    known = np.flatnonzero(~source.missing)
    n = len(source.values)
    rng = generator("control", "placebo", seed)
    values = source.values[known[rng.permutation(len(known))]]
    if len(known) < n:
        values = np.concatenate([values, values[rng.integers(len(known), size=n - len(known))]])
    info = PropertyInfo(PREFIX + "placebo", f"placebo (shuffled {source.info.label})", kind=source.info.kind)
    return Column(info, values, np.zeros(n, dtype=bool))


def derived(table: Table) -> Column:
    """A column of the representation's own descriptors."""
    name = _DERIVED if _DERIVED in table.names else table.names[0]
    values = table.column(name)
    middle = float(np.nanmedian(values)) if np.isfinite(values).any() else 0.0
    info = PropertyInfo(PREFIX + "derived", f"derived ({name})")
    return Column(info, np.where(np.isnan(values), middle, values), np.zeros(len(values), dtype=bool))


def planted(target: Column, conditional: Conditional, representation: str, seed: int) -> Column:
    """The target plus Gaussian noise whose deviation is that of the representation's own error."""
    values = target.values.astype(np.float64)
    noise = generator("control", "planted", target.info.name, representation, seed).normal(size=len(values))
    info = PropertyInfo(PREFIX + "planted", f"planted ({target.info.label} with noise)", target.info.unit)
    return Column(info, values + noise_scale(values, conditional) * noise, target.missing)


def noise_scale(target: Floats, conditional: Conditional) -> float:
    """Standard deviation of the planted noise, in the target's unit; above zero."""
    spread = float(np.nanstd(target)) or 1.0
    return max(conditional.scale / math.sqrt(PLANTED_SNR), 1e-6 * spread)
