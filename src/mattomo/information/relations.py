"""Relations that fool people: columns that are functions of one another, by definition or by algebra.

A gain along such a relation is arithmetic, not discovery. Three kinds are looked for, cheapest first:

- *category*: a category, or a count, fixes another. The rows that break the rule (Kivinen & Mannila's g3) are
  counted among those that can break it: all but one of each group of equal sources. A column whose values
  hardly ever repeat fixes everything and shows nothing; that is the support.
- *threshold*: a category with two levels is a number cut once.
- *linear* and *power*: sums and products of powers of at most two properties, or three quantities with those
of
  the composition: formula mass (g/mol), atoms and elements in the formula, and mean atomic mass. The density,
  mass over volume, is mean atomic mass times sites over volume.

``deep=True`` adds *trees*: whether gradient boosting predicts what is left from all other columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mattomo.information.algebra import algebraic
from mattomo.keyed import generator
from mattomo.materials.registry import PropertyInfo
from mattomo.materials.table import Column, Materials
from mattomo.projections.descriptors import element_properties

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Kind = Literal["category", "threshold", "linear", "power", "trees", "elements"]
Base = Literal["composition", "structure"]

COMPOSITION: dict[str, str] = {
    "formula_mass": "formula mass",
    "formula_atoms": "atoms in the formula",
    "formula_elements": "elements in the formula",
    "mean_atomic_mass": "mean atomic mass",
}
"""What the reduced formula gives without a model; the mass in g/mol."""

LARGEST_SCORE = 0.01
"""A relation errs on at most so large a share of what knowing nothing errs."""

LARGEST_TREE_RATIO = 0.02
LEAST_SUPPORT = 0.3
LEAST_ROWS = 50
_SAMPLE = 5000

_CELL = (
    "nsites", "volume", "volume_per_atom", "density", "nelements", "number_of_total_atoms",
    "spacegroup_number", "spacegroup_symbol", "spacegroup", "crystal_system", "point_group",
    *(f"lattice_vector_{axis}_ang" for axis in (1, 2, 3)),
    *(f"lattice_angle_{angle}_degree" for angle in ("alpha", "beta", "gamma")),
)  # fmt: skip

HOLDS: dict[str, tuple[str, ...]] = {
    "composition": (*COMPOSITION, "nelements"),
    "structure": (*COMPOSITION, *_CELL),
}
"""What each base representation holds without learning: the formula's numbers, and those of the cell."""


@dataclass(frozen=True)
class Relation:
    """A column that is a function of others.

    Attributes
    ----------
    kind : {"category", "threshold", "linear", "power", "trees", "elements"}
    target : str
        Column that follows.
    sources : tuple of str
        Columns it follows from; names of `COMPOSITION` are numbers of the formula.
    form : str
        The rule, for people.
    score : float
        Error over that of knowing nothing. Of categories: broken rows over those that could break it, over
        the same of the commonest class. Of numbers: median |residual| over the median absolute deviation. Of
        trees: ratio of mean absolute errors. Measured on all rows, of trees on held-out ones.
    support : float
        Share of the target's rows on which the rule was put to the test: for categories, rows whose source
        value occurs again; for numbers, rows with all quantities (and in products, none of them zero or of
        the rarer sign).
    """

    kind: Kind
    target: str
    sources: tuple[str, ...]
    form: str
    score: float
    support: float

    @property
    def sentence(self) -> str:
        """The relation for people."""
        if self.kind == "trees":
            return (
                f"{self.target} is nearly a function of the other columns: trees predict it from them to "
                f"{self.score:.1%} of the error of knowing nothing"
            )
        return f"{self.form} (error {self.score:.2%} of knowing nothing, on {self.support:.0%} of the rows)"


def relations(
    materials: Materials, names: Sequence[str] | None = None, *, deep: bool = False, seed: int = 0
) -> tuple[Relation, ...]:
    """Columns that follow from others, exactly or nearly.

    Parameters
    ----------
    materials : Materials
        n materials.
    names : sequence of str, optional
        Columns to look at; all by default.
    deep : bool
        Also train trees for the scalars nothing was found for: seconds to minutes, not a moment.
    seed : int
        Of the rows that candidates are fitted on; what is found is measured on all rows.

    Returns
    -------
    tuple of Relation
        By target in the order of ``names``; only those none of whose sources can be spared.

    Raises
    ------
    InputError
        No such property.

    Examples
    --------
    >>> import mattomo as mt
    >>> found = relations(mt.load("mp1000"), ["energy", "energy_per_atom", "nsites"])
    >>> found[0].form
    'energy = energy_per_atom × nsites'
    """
    chosen = tuple(materials.columns if names is None else names)
    columns = {name: materials.column(name) for name in chosen}
    scalars = {name: np.where(c.missing, np.nan, c.values.astype(np.float64))
               for name, c in columns.items() if c.info.kind == "scalar"}  # fmt: skip
    found: list[Relation] = []
    codes = {name: pd.factorize(c.values)[0] for name, c in columns.items() if _counts(c)}
    for target, column in columns.items():
        if column.info.kind == "category":
            found += _categories(target, columns, codes) + _thresholds(target, column, scalars)
    given = composition_scalars(materials)
    for a in algebraic(scalars, given, sample=_SAMPLE, largest=LARGEST_SCORE, least=LEAST_SUPPORT,
                       least_rows=LEAST_ROWS, seed=seed):  # fmt: skip
        found.append(Relation(a.kind, a.target, a.sources, a.form, a.score, a.support))
    if deep:
        explained = {relation.target for relation in found}
        found += [r for name in scalars if name not in explained
                  for r in _trees(name, columns, given, seed)]  # fmt: skip
    place = {name: k for k, name in enumerate(chosen)}
    return tuple(sorted(found, key=lambda r: (place[r.target], len(r.sources), r.score)))


def composition_scalars(materials: Materials) -> dict[str, Floats]:
    """The numbers `COMPOSITION` of each reduced formula, arrays of shape (n,)."""
    c = materials.compositions
    values, properties, _ = element_properties()
    weight = values[:, properties.index("atomic weight")]
    starts = c.offsets[:-1]
    mass = np.add.reduceat(c.amounts * weight[c.Z], starts) if len(starts) else np.zeros(0)
    atoms = np.add.reduceat(c.amounts, starts) if len(starts) else np.zeros(0)
    return {
        "formula_mass": mass,
        "formula_atoms": atoms,
        "formula_elements": np.diff(c.offsets).astype(np.float64),
        "mean_atomic_mass": np.divide(mass, atoms, out=np.zeros(len(mass)), where=atoms > 0),
    }


def deterministic_pairs(
    relations: Iterable[Relation],
    representation: Base = "composition",
    *,
    also: Iterable[str] = (),
) -> set[tuple[str, str]]:
    """Cells of a study whose gain is algebra: marked, not ranked.

    A cell (p, A) is marked if p is a function of A and of what the base representation holds without
    learning, and A is needed for it. So (energy, energy_per_atom) is marked for the structure, which holds
    the number of sites, but not for the composition, to which the size of the cell is news. Neither is
    (density, volume): without the number of sites, the volume of the cell says nothing certain of the
    density, while (density, volume_per_atom) is marked, the mean atomic mass being the formula's.

    Parameters
    ----------
    relations : iterable of Relation
    representation : {"composition", "structure"}
        What it holds is `HOLDS`.
    also : iterable of str
        Columns that the base holds besides: with ``also=["nsites"]``, (density, volume) is marked for the
        composition.

    Returns
    -------
    set of (target, added)
        ``added`` is ``""`` where the base representation alone determines the target (density of a
        structure): there, every gain is the learner's shortfall. Categories as targets are left out.

    Raises
    ------
    ValueError
        Unknown representation.
    """
    if representation not in HOLDS:
        raise ValueError(f"representation must be one of {', '.join(HOLDS)}, got {representation!r}")
    held = {*HOLDS[representation], *also}
    numbers = [r for r in relations if r.kind in ("linear", "power")]
    marked: set[tuple[str, str]] = {(name, "") for name in held if any(r.target == name for r in numbers)}
    for relation in numbers:
        missing = [name for name in relation.sources if name not in held]
        if len(missing) == 0:
            marked.add((relation.target, ""))
        elif len(missing) == 1:
            marked.add((relation.target, missing[0]))
    return marked


def deterministic(cells: pd.DataFrame, found: Iterable[Mapping[str, Any]]) -> list[str]:
    """Which cells of a study are settled by relations between its columns.

    Parameters
    ----------
    cells : DataFrame
        representation, target, added.
    found : iterable of mapping
        Relations as plain values: the fields of `Relation`, others are ignored.

    Returns
    -------
    list of str
        Of each cell: ``"algebra"``, ``"held"`` (see `deterministic_pairs`), ``"derived"`` where the added
        property is given by element and the representation holds the composition, or "". Tables of one's own
        are taken to hold nothing.
    """
    found = list(found)
    by_element = {r["target"] for r in found if r["kind"] == "elements"}
    known = [
        Relation(r["kind"], r["target"], tuple(r["sources"]), r["form"], r["score"], r["support"])
        for r in found
    ]
    marked = {name: deterministic_pairs(known, name) for name in get_args(Base)}
    words = []
    for representation, target, added in zip(
        cells["representation"], cells["target"], cells["added"], strict=True
    ):
        pairs = marked.get(representation, set())
        held = "derived" if representation in marked and added in by_element else ""
        held = "held" if (target, "") in pairs else held
        words.append("algebra" if (target, added) in pairs else held)
    return words


def _categories(target: str, columns: dict[str, Column], codes: Mapping[str, NDArray[Any]]) -> list[Relation]:
    """Categories, and whole numbers, that fix a category; ``codes`` number the values of such columns."""
    found = []
    y = columns[target]
    for name, x in codes.items():
        both = ~(columns[name].missing | y.missing)
        if name == target or both.sum() < LEAST_ROWS:
            continue
        score, support = functional_dependency(x[both], codes[target][both])
        support *= float(both.sum() / (~y.missing).sum())
        if score < LARGEST_SCORE and support >= LEAST_SUPPORT:
            found.append(Relation("category", target, (name,), f"{name} fixes {target}", score, support))
    return found


def _counts(column: Column) -> bool:
    if column.info.kind == "category":
        return True
    present = column.values[~column.missing].astype(np.float64)
    return bool((present == np.rint(present)).all())


def functional_dependency(x: NDArray[Any], y: NDArray[Any]) -> tuple[float, float]:
    """Whether x fixes y: broken rows among those that can break it, and the share of such rows.

    Parameters
    ----------
    x, y : ndarray, shape (n,)

    Returns
    -------
    score : float
        Rows to drop until each value of x has one of y (g3; Kivinen & Mannila, Theor. Comput. Sci. 149, 129
        (1995)), over the rows that are not the first of their x, over the same share when x says nothing; 1
        if y is constant or x never repeats.
    support : float
        Share of the rows that are not the first of their x.

    Examples
    --------
    >>> functional_dependency(np.array(list("aabbcc")), np.array(list("xxyyxx")))
    (0.0, 0.5)
    """
    n = len(x)
    # hashing is several times as fast as sorting texts
    ix, iy = pd.factorize(x)[0], pd.factorize(y)[0]
    if n == 0:
        return 1.0, 0.0
    n_groups, n_classes = int(ix.max()) + 1, int(iy.max()) + 1
    testable = n - n_groups
    commonest = int(np.bincount(iy).max())
    if testable == 0 or n_classes == 1:
        return 1.0, testable / n
    cells, count = np.unique(ix.astype(np.int64) * n_classes + iy, return_counts=True)
    best = np.zeros(n_groups, dtype=np.int64)
    np.maximum.at(best, cells // n_classes, count)
    broken = (n - int(best.sum())) / testable
    return broken / ((n - commonest) / (n - 1)), testable / n


def _thresholds(target: str, column: Column, scalars: dict[str, Floats]) -> list[Relation]:
    levels = np.unique(column.values[~column.missing])
    if len(levels) != 2:
        return []
    found = []
    for name, values in scalars.items():
        both = ~column.missing & np.isfinite(values)
        upper = column.values[both] == levels[1]
        n = int(both.sum())
        rarer = min(int(upper.sum()), n - int(upper.sum()))
        if rarer < LEAST_ROWS // 5 or n < LEAST_SUPPORT * (~column.missing).sum():
            continue
        wrong, cut, above = _best_cut(values[both], upper)
        if wrong < LARGEST_SCORE * rarer:
            low, high = (levels[0], levels[1]) if above else (levels[1], levels[0])
            form = f"{target} is {high} if {name} > {cut:.4g}, else {low}"
            support = n / int((~column.missing).sum())
            found.append(Relation("threshold", target, (name,), form, wrong / rarer, support))
    return found


def _best_cut(values: Floats, upper: Bools) -> tuple[int, float, bool]:
    """Fewest errors of one cut, where it lies, and whether the class is above it."""
    order = np.argsort(values, kind="stable")
    values, upper = values[order], upper[order]
    below = np.cumsum(upper)
    ends = np.flatnonzero(np.diff(values) > 0)
    if len(ends) == 0:
        return len(values), float(values[0]), True
    # class above the cut: errors are the class's rows below and the others above
    total, n = int(below[-1]), len(values)
    if_above = below[ends] + (n - ends - 1) - (total - below[ends])
    k, flipped = int(np.argmin(if_above)), int(np.argmax(if_above))
    if n - if_above[flipped] < if_above[k]:
        return int(n - if_above[flipped]), float(values[ends[flipped]]), False
    return int(if_above[k]), float(values[ends[k]]), True


def _trees(target: str, columns: dict[str, Column], given: dict[str, Floats], seed: int) -> list[Relation]:
    # the booster takes a second to import, and most calls do without
    from mattomo.learners.base import Split, Task, Unit
    from mattomo.learners.trees import Trees
    from mattomo.projections.descriptors import Table

    y = columns[target]
    rows = np.flatnonzero(~y.missing)
    if len(rows) < LEAST_ROWS:
        return []
    rng = generator("relations", "trees", target, seed)
    rows = rng.permutation(rows)[: 2 * _SAMPLE]
    sources = [name for name in columns if name != target]
    table = [_numbers(columns[name])[rows] for name in sources] + [v[rows] for v in given.values()]
    base = Table(np.stack(table, axis=1), (*sources, *given))
    a, b = int(0.6 * len(rows)), int(0.8 * len(rows))
    split = Split(np.arange(a), np.arange(a, b), np.arange(b, len(rows)))
    values = y.values[rows].astype(np.float64)
    if len(np.unique(values[split.train])) == 1:
        return []
    taken = Column(PropertyInfo(target, y.info.label), values, np.zeros(len(rows), dtype=bool))
    unit = Unit("columns", base, {target: taken}, split, seed, (Task(target),))
    predicted = Trees().train(unit).test[0]
    held = values[split.test]
    nothing = float(np.abs(held - np.median(values[split.train])).mean())
    ratio = float(np.abs(predicted - held).mean()) / nothing if nothing else 1.0
    if ratio >= LARGEST_TREE_RATIO:
        return []
    return [Relation("trees", target, (*sources, *given), f"{target} follows from the rest", ratio, 1.0)]


def _numbers(column: Column) -> Floats:
    if column.info.kind == "scalar":
        return np.where(column.missing, np.nan, column.values.astype(np.float64))
    coded = np.unique(column.values, return_inverse=True)[1].astype(np.float64)
    return np.where(column.missing, np.nan, coded)
