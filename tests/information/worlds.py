"""Tables of materials made up for tests, whose conditional entropies are known."""

import numpy as np

from mattomo.materials import Materials, PropertyInfo
from mattomo.materials.formula import SYMBOLS, read_formula
from mattomo.materials.table import Column, Compositions, Structures


def compositions(formulas):
    found = [read_formula(text) for text in formulas]
    offsets = np.concatenate([[0], np.cumsum([len(c.Z) for c in found])]).astype(np.int64)
    return Compositions(
        np.array([c.formula for c in found], dtype=np.str_),
        offsets,
        np.array([z for c in found for z in c.Z], dtype=np.int64),
        np.array([a for c in found for a in c.amounts], dtype=np.float64),
    )


def column(name, values):
    values = np.asarray(values)
    kind = "category" if values.dtype.kind == "U" else "scalar"
    missing = values == "" if kind == "category" else np.isnan(values)
    return Column(PropertyInfo(name, name, kind=kind), values, missing)


def table(formulas, **columns):
    n = len(formulas)
    return Materials(
        ids=np.array([f"m{i:05d}" for i in range(n)]),
        rows=np.arange(1, n + 1),
        source="made up",
        compositions=compositions(formulas),
        structures=Structures(
            np.full((n, 3, 3), np.nan), np.zeros(n + 1, np.int64), np.zeros(0, np.int64), np.zeros((0, 3))
        ),
        columns={name: column(name, values) for name, values in columns.items()},
    )


def distinct_formulas(n):
    """n formulas, each its own."""
    return [f"{SYMBOLS[3 + i % 60]}{i // 60 + 1}{SYMBOLS[63 + i % 7]}{i // 60 + 2}" for i in range(n)]


def entropy(p):
    p = np.asarray(p, dtype=float)
    return float(-(p * np.log2(np.where(p > 0, p, 1))).sum(axis=-1).mean())
