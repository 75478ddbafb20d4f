"""Small tables made by hand."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest

from mattomo.materials import REGISTRY, Column, Compositions, Materials, PropertyInfo, Structures
from mattomo.materials.crystal import Crystal, crystal
from mattomo.materials.formula import composition

Make = Callable[..., Materials]


def cubic(edge: float, species: Sequence[str], frac: Sequence[Sequence[float]]) -> Crystal:
    return crystal((np.eye(3) * edge).tolist(), species, frac)


def rocksalt(edge: float, a: str = "Na", b: str = "Cl") -> Crystal:
    """The conventional cell, eight sites."""
    face = [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
    return cubic(edge, [a] * 4 + [b] * 4, face + [[x + 0.5, y, z] for x, y, z in face])


def make(
    columns: Mapping[str, Sequence[object] | np.ndarray] | None = None,
    crystals: Sequence[Crystal | None] | None = None,
    amounts: Sequence[Mapping[int, float]] | None = None,
) -> Materials:
    """Materials with columns of numbers (scalars) or text (categories); without crystals each has H_i O."""
    columns = dict(columns or {})
    n = len(crystals) if crystals is not None else len(next(iter(columns.values()))) if columns else 0
    crystals = crystals if crystals is not None else [None] * n
    if amounts is None:
        amounts = [c.amounts if c is not None else {1: i + 1, 8: 1} for i, c in enumerate(crystals)]
    kinds = [composition(dict(each)) for each in amounts]
    lattice = np.full((n, 3, 3), np.nan)
    for i, each in enumerate(crystals):
        if each is not None:
            lattice[i] = each.lattice
    there = [each for each in crystals if each is not None]

    def offsets(lengths: list[int]) -> np.ndarray:
        return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)

    return Materials(
        ids=np.array([f"m{i}" for i in range(n)], dtype=np.str_),
        rows=np.arange(1, n + 1),
        source="made.csv",
        compositions=Compositions(
            np.array([k.formula for k in kinds], dtype=np.str_),
            offsets([len(k.Z) for k in kinds]),
            np.array([Z for k in kinds for Z in k.Z], dtype=np.int64),
            np.array([x for k in kinds for x in k.amounts], dtype=np.float64),
        ),
        structures=Structures(
            lattice,
            offsets([0 if c is None else len(c.Z) for c in crystals]),
            np.concatenate([np.empty(0, np.int64), *(c.Z for c in there)]),
            np.concatenate([np.empty((0, 3)), *(c.frac_coords for c in there)]),
        ),
        columns={name: _column(name, values) for name, values in columns.items()},
    )


def _column(name: str, values: Sequence[object] | np.ndarray) -> Column:
    array = np.asarray(values)
    if array.dtype.kind in "fiu":
        array = array.astype(np.float64)
        return Column(REGISTRY.get(name, PropertyInfo(name, name)), array, np.isnan(array))
    array = array.astype(np.str_)
    return Column(REGISTRY.get(name, PropertyInfo(name, name, kind="category")), array, array == "")


@pytest.fixture(name="make")
def _make() -> Make:
    return make


@pytest.fixture(name="rocksalt")
def _rocksalt() -> Callable[..., Crystal]:
    return rocksalt


@pytest.fixture(name="cubic")
def _cubic() -> Callable[..., Crystal]:
    return cubic
