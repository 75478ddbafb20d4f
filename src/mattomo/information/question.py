"""Which projection is to be told from which properties, on which rows: the data of the inverse direction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mattomo.errors import InputError
from mattomo.information.hidden import Fitted, Hidden, hidden
from mattomo.keyed import generator
from mattomo.learners.base import Split
from mattomo.materials.registry import PAPER_PROPERTIES, resolve
from mattomo.materials.table import Materials
from mattomo.projections.descriptors import Table, beside
from mattomo.projections.labels import property_table
from mattomo.study.splits import split_rows

PLACEBO = "placebo"
MOST_ROWS = 20_000
FRACTIONS = (0.6, 0.2, 0.2)
_LEAST_PRESENT = 2 / 3


@dataclass(frozen=True)
class Question:
    """Which hidden projection, from which properties, on which rows.

    Attributes
    ----------
    materials : Materials
        The n rows that have the projection and all properties, sorted by id.
    names : tuple of m str
    tables : mapping of str to Table
        Each property as numbers.
    hidden : Hidden
    splits : mapping of int to Split
        By seed; materials of one formula stay together.
    n_complete, n_table : int
        Rows that have everything, of which n were drawn; rows of the whole table.
    """

    materials: Materials
    names: tuple[str, ...]
    tables: Mapping[str, Table]
    hidden: Hidden
    splits: Mapping[int, Split]
    n_complete: int
    n_table: int

    def known(self, names: Sequence[str], seed: int) -> Table | None:
        """What a set of properties says of the rows; the order in which they are named does not matter."""
        if not names:
            return None
        tables = [self.tables[name] for name in sorted(names) if name != PLACEBO]
        if PLACEBO in names:
            first = self.tables[self.names[0]]
            shuffled = generator("inverse placebo", seed).permutation(len(first))
            columns = tuple(f"{PLACEBO} {name}" for name in first.names)
            tables.append(Table(first.values[shuffled], columns))
        return beside(tables)

    def fit(self, names: Sequence[str], seed: int) -> Fitted:
        """Learn the projection from a set of properties on the split of a seed."""
        return self.hidden.score(self.known(names, seed), self.splits[seed], seed)


def default_names(materials: Materials, to: str) -> tuple[str, ...]:
    """Properties to tell a projection from: the paper's numbers that two thirds of the rows have.

    Fewer than two of them: all columns of numbers that two thirds of the rows have.
    """
    wide = [
        name
        for name, column in materials.columns.items()
        if column.info.kind == "scalar"
        and column.missing.mean() <= 1 - _LEAST_PRESENT
        and not column.info.is_provenance
        and name != to
    ]
    found = []
    for name in PAPER_PROPERTIES:
        try:
            found.append(resolve(name, wide))
        except InputError:
            continue
    return tuple(found) if len(found) >= 2 else tuple(wide)


def question(
    materials: Materials,
    to: str,
    names: Sequence[str] | None = None,
    *,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    rows: int = MOST_ROWS,
) -> Question:
    """Choose rows and splits.

    Parameters
    ----------
    materials : Materials
    to : str
        ``"crystal_system"``, ``"spacegroup"``, ``"elements"``, ``"composition"``, or a category of the table.
    names : sequence of str, optional
        Properties to tell it from; `default_names` by default.
    seeds : sequence of int
    rows : int
        Most rows to use; more are drawn at random.

    Raises
    ------
    InputError
        No such property or projection, one named twice, no or too few rows that have everything, or a
        projection with one value.
    """
    source = materials.source
    target = hidden(materials, to)
    chosen = tuple(default_names(materials, to) if names is None else names)
    if not chosen or len(set(chosen)) < len(chosen):
        raise InputError(
            "name at least one property, and each once", file=source, value=", ".join(chosen) or None
        )
    if not seeds or len(set(seeds)) < len(seeds):
        raise InputError("name at least one seed, and each once", value=list(seeds))
    columns = {name: materials.column(name) for name in chosen}
    if target.labels is not None and target.labels.name in columns:
        raise InputError(
            "this is what is to be told", file=source, column=target.labels.name, hint="Leave it out."
        )
    complete = ~target.missing
    for column in columns.values():
        complete &= ~column.missing
    kept = np.flatnonzero(complete)
    if not len(kept):
        worst = max(columns.values(), key=lambda column: int(column.missing.sum()))
        raise InputError(
            f"no row has {to} and all these properties",
            file=source,
            column=worst.info.name,
            hint="It is the one most often missing: leave it out.",
        )
    kept = kept[np.argsort(materials.ids[kept], kind="stable")]
    n_complete = len(kept)
    if n_complete > rows:
        kept = kept[np.sort(generator("inverse rows").choice(n_complete, rows, replace=False))]
    part = materials.take(kept)
    target = target.take(kept)
    if target.n_values < 2:
        raise InputError(
            f"all {len(kept):,} usable rows have one value: nothing is left to tell", file=source, column=to
        )
    return Question(
        materials=part,
        names=chosen,
        tables={name: property_table(part.columns[name]) for name in chosen},
        hidden=target,
        splits={seed: split_rows(part, "formula", FRACTIONS, seed) for seed in seeds},
        n_complete=n_complete,
        n_table=len(materials),
    )
