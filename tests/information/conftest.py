"""Tables of materials made from a few arrays."""

import numpy as np
import pytest

from mattomo.materials import Column, Compositions, Materials, Structures
from mattomo.materials.formula import read_formula
from mattomo.materials.registry import describe


def make_materials(formulas, columns=None, crystals=None):
    """n materials; ``columns`` by name (None or NaN is missing), ``crystals`` (lattice, Z, frac) or None."""
    n = len(formulas)
    read = [read_formula(str(text)) for text in formulas]
    sizes = [len(c.Z) for c in read]
    compositions = Compositions(
        np.array([c.formula for c in read]),
        np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        np.concatenate([c.Z for c in read]).astype(np.int64),
        np.concatenate([c.amounts for c in read]).astype(np.float64),
    )
    crystals = crystals or [None] * n
    sites = [0 if c is None else len(c[1]) for c in crystals]
    structures = Structures(
        np.array([np.full((3, 3), np.nan) if c is None else c[0] for c in crystals], dtype=float),
        np.concatenate([[0], np.cumsum(sites)]).astype(np.int64),
        np.concatenate([np.zeros(0)] + [c[1] for c in crystals if c is not None]).astype(np.int64),
        np.concatenate([np.zeros((0, 3))] + [c[2] for c in crystals if c is not None]),
    )
    made = {}
    for name, values in (columns or {}).items():
        info = describe(name, values)
        if info.kind == "category":
            missing = np.array([v is None for v in values])
            stored = np.array(["" if v is None else str(v) for v in values])
        else:
            stored = np.array([np.nan if v is None else v for v in values], dtype=float)
            missing = np.isnan(stored)
        made[name] = Column(info, stored, missing)
    ids = np.array([f"m{k:06d}" for k in range(n)])
    return Materials(ids, np.arange(1, n + 1), "made", compositions, structures, made)


@pytest.fixture(scope="session")
def make():
    """Makes a table, see `make_materials`."""
    return make_materials


@pytest.fixture(scope="session")
def mp1000():
    import mattomo as mt

    return mt.load("mp1000")
