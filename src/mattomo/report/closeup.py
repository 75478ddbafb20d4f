"""Each cell close up: predictions against truth, learning curves, and the materials it helps and hurts.

Changes are those of the absolute error, with the added property less without it, in the unit of the target:
below zero where the property helps. A material that several seeds tested counts once, with its mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mattomo.information.scores import Scored
from mattomo.materials.check.stored import SYSTEMS
from mattomo.materials.formula import SYMBOLS, FormulaError, parse
from mattomo.report.numbers import printable
from mattomo.study.controls import PREFIX
from mattomo.study.outcome import Rows

Floats = NDArray[np.float64]

MOST = 1000
"""Cells of a study above which none is shown close up."""

LEAST = 5
"""Materials that an element, crystal system or number of polymorphs needs to be listed."""

SHOWN = 5
"""Materials listed at each end."""

POINTS = 120
"""Test rows of a parity plot at most."""

EPOCHS = 24
"""Points of a learning curve at most."""

KINDS = ("elements", "crystal_systems", "polymorphs")
"""How materials are grouped."""

_POLYMORPHS = (("1", 1, 1), ("2", 2, 2), ("3 to 4", 3, 4), ("5 or more", 5, np.inf))


@dataclass
class Closeups:
    """What is known of cells close up, as plain values with four significant digits.

    Attributes
    ----------
    groups : list of dict
        What cells that share their test rows share: learner, representation, target, pair, seeds,
        n_materials, n_rows (test rows of all seeds); for each of `KINDS` a dict of lists, name, n
        (materials) and mae0 (of the baseline); parity (lists true and baseline, rows evenly spaced in the
        rank of the true value); curves (epochs, and a list of validation errors a seed, shorter where
        training stopped) and best (epoch and lowest validation error a seed), both of the baseline and
        None without curves.
    cells : dict
        By learner, representation, target and added property: group (an index), for each of `KINDS` a dict
        of lists change and se (standard error over the materials), helped and hurt (dicts of id, formula,
        mae0, mae1, change, n_seeds), parity (predictions with the property), curves and best.
    """

    groups: list[dict[str, Any]] = field(default_factory=list)
    cells: dict[tuple[str, ...], dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Membership:
    """Which of n materials belong to which of g groups of a kind: ``inside`` is bool of shape (n, g)."""

    names: tuple[str, ...]
    inside: NDArray[np.bool_]


def crystal_system(number: float) -> str:
    """Crystal system of a space group number, "" if it is none.

    >>> crystal_system(225), crystal_system(2), crystal_system(float("nan"))
    ('cubic', 'triclinic', '')
    """
    return next((name for name, (first, last) in SYSTEMS.items() if first <= number <= last), "")


def systems_of(rows: Rows) -> NDArray[np.str_] | None:
    """Crystal systems of the materials, if a column of the study tells them."""
    if "crystal_system" in rows.columns:
        return rows.columns["crystal_system"].astype(str)
    for name in ("spacegroup_number", "spacegroup"):
        if name in rows.columns:
            numbers = pd.to_numeric(pd.Series(rows.columns[name]), errors="coerce")
            return np.array([crystal_system(number) for number in numbers], dtype=np.str_)
    return None


def closeups(scored: Iterable[Scored], rows: Rows, systems: NDArray[np.str_] | None = None) -> Closeups:
    """The cells of scored units close up.

    Parameters
    ----------
    scored : iterable of Scored
        Those of less than all training rows are passed over.
    rows : Rows
        The materials of the study.
    systems : ndarray of str, shape (n,), optional
        Their crystal systems, "" where unknown.

    Returns
    -------
    Closeups
        Without curves, see `with_curves`. Cells with an undefined error are left out.
    """
    together: dict[tuple[Any, ...], list[Scored]] = {}
    for unit in scored:
        if unit.fraction == 1 and len(unit.materials):
            key = (unit.learner, unit.representation, unit.target, unit.pair, unit.added)
            together.setdefault(key, []).append(unit)
    kinds = memberships(rows, systems)
    found = Closeups()
    for units in together.values():
        _add(found, sorted(units, key=lambda unit: unit.seed), rows, kinds)
    return found


def memberships(rows: Rows, systems: NDArray[np.str_] | None) -> dict[str, Membership]:
    """The materials of a study by element (in the order of the periodic table), crystal system and number of
    materials of the same formula; crystal systems have no names where none is known."""
    formulas, member = np.unique(rows.formulas, return_inverse=True)
    elements = np.zeros((len(formulas), len(SYMBOLS)), dtype=bool)
    for row, formula in zip(elements, formulas, strict=True):
        row[_atomic_numbers(str(formula))] = True
    held = np.flatnonzero(elements.any(axis=0))
    words = np.char.lower(systems) if systems is not None else np.full(len(member), "")
    order = {name: place for place, name in enumerate(SYSTEMS)}
    named = sorted(set(words.tolist()) - {""}, key=lambda name: (order.get(name, len(order)), name))
    alike = np.bincount(member)[member] if len(member) else np.zeros(0)
    return {
        "elements": Membership(tuple(SYMBOLS[i] for i in held), elements[member][:, held]),
        "crystal_systems": Membership(
            tuple(map(printable, named)), words[:, None] == np.array(named, dtype=np.str_)
        ),
        "polymorphs": Membership(
            tuple(name for name, _, _ in _POLYMORPHS),
            np.array([(alike >= low) & (alike <= high) for _, low, high in _POLYMORPHS]).T,
        ),
    }


def _atomic_numbers(formula: str) -> list[int]:
    """Places of the elements of a formula in `SYMBOLS`."""
    try:
        return [Z - 1 for Z in parse(formula)]
    except FormulaError:
        return []


def _add(found: Closeups, units: Sequence[Scored], rows: Rows, kinds: Mapping[str, Membership]) -> None:
    """Add the cells of units that differ in their seed alone."""
    true = np.concatenate([unit.true for unit in units])
    predicted = np.concatenate([unit.predicted for unit in units], axis=1)
    used, member = np.unique(np.concatenate([unit.materials for unit in units]), return_inverse=True)
    n_seeds = np.bincount(member)
    errors = np.stack([np.bincount(member, weights=np.abs(each - true)) / n_seeds for each in predicted])
    added = [
        (k, name)
        for k, name in enumerate(units[0].added, start=1)
        if not name.startswith(PREFIX) and np.isfinite(errors[k]).all()
    ]
    if not added or not np.isfinite(errors[0]).all():
        return
    ranks = np.unique(np.linspace(0, len(true) - 1, POINTS).round().astype(int))
    shown = np.argsort(true, kind="stable")[ranks]
    first = units[0]
    group: dict[str, Any] = {
        "learner": first.learner,
        "representation": first.representation,
        "target": first.target,
        "pair": first.pair,
        "seeds": [unit.seed for unit in units],
        "n_materials": len(used),
        "n_rows": len(true),
    }
    changes = errors[[k for k, _ in added]] - errors[0]
    by_kind: dict[str, tuple[Floats, Floats]] = {}
    for kind, membership in kinds.items():
        inside = membership.inside[used]
        enough = inside.sum(axis=0) >= LEAST
        inside = inside[:, enough].astype(np.float64)
        n = inside.sum(axis=0)
        group[kind] = {
            "name": [name for name, kept in zip(membership.names, enough, strict=True) if kept],
            "n": n.astype(int).tolist(),
            "mae0": short(errors[0] @ inside / n),
        }
        mean = changes @ inside / n
        # Two passes: squares of large errors would cancel to nothing.
        spread = [
            ((row[:, None] - m) ** 2 * inside).sum(axis=0) for row, m in zip(changes, mean, strict=True)
        ]
        by_kind[kind] = mean, np.sqrt(np.stack(spread) / (n - 1) / n)
    group["parity"] = {"true": short(true[shown]), "baseline": short(predicted[0, shown])}
    group |= {"curves": None, "best": None}
    for place, (k, name) in enumerate(added):
        order = np.argsort(changes[place], kind="stable")
        cell: dict[str, Any] = {"group": len(found.groups)}
        for kind, (mean, se) in by_kind.items():
            cell[kind] = {"change": short(mean[place]), "se": short(se[place])}
        for end, ranked, sign in (("helped", order, -1), ("hurt", order[::-1], 1)):
            chosen = [i for i in ranked[:SHOWN] if sign * changes[place, i] > 0]
            numbers = [short((errors[0, i], errors[k, i], changes[place, i])) for i in chosen]
            cell[end] = [
                {
                    "id": printable(str(rows.ids[used[i]])),
                    "formula": printable(str(rows.formulas[used[i]])),
                    "mae0": mae0,
                    "mae1": mae1,
                    "change": change,
                    "n_seeds": int(n_seeds[i]),
                }
                for i, (mae0, mae1, change) in zip(chosen, numbers, strict=True)
            ]
        cell["parity"] = short(predicted[k, shown])
        cell |= {"curves": None, "best": None}
        found.cells[first.learner, first.representation, first.target, name] = cell
    found.groups.append(group)


def with_curves(found: Closeups, curves: pd.DataFrame) -> Closeups:
    """Close-ups with the learning curves of their models.

    Parameters
    ----------
    found : Closeups
        Changed in place.
    curves : DataFrame
        From `mattomo.study.collect.curves`.

    Returns
    -------
    Closeups
        ``found``.
    """
    if curves.empty:
        return found
    keys = ["learner", "representation", "target", "pair"]
    tables = dict(iter(curves.dropna(subset="val_mae").groupby(keys, sort=False)))
    members: dict[int, list[tuple[str, dict[str, Any]]]] = {}
    for (*_, added), cell in found.cells.items():
        members.setdefault(cell["group"], []).append((added, cell))
    for number, group in enumerate(found.groups):
        table = tables.get(tuple(group[name] for name in keys))
        if table is None:
            continue
        last = int(table["epoch"].max())
        grid = np.unique(np.geomspace(1, last, EPOCHS).round().astype(np.int64))
        models = dict(iter(table.sort_values("epoch").groupby(["added", "seed"], sort=False)))
        for added, holder in [("", group), *members.get(number, [])]:
            own = [models.get((added, seed)) for seed in group["seeds"]]
            drawn = [_thinned(model, grid) for model in own if model is not None]
            if len(drawn) == len(own):
                holder["curves"] = [line for line, _ in drawn]
                holder["best"] = [best for _, best in drawn]
        group["curves"] = group["curves"] and {"epochs": grid.tolist(), "baseline": group["curves"]}
    return found


def _thinned(
    model: pd.DataFrame, grid: NDArray[np.int64]
) -> tuple[list[float | None], list[float | int | None]]:
    """Validation errors of a model at the epochs of a grid that it reached; epoch and error of its best."""
    epochs = model["epoch"].to_numpy(np.int64)
    errors = model["val_mae"].to_numpy(np.float64)
    grid = grid[grid <= epochs[-1]]
    at = np.searchsorted(epochs, grid)
    best = int(np.argmin(errors))
    line = short(np.where(epochs[at] == grid, errors[at], np.nan))
    return line, [int(epochs[best]), *short(errors[[best]])]


def short(values: Iterable[float]) -> list[float | None]:
    """Values with four significant digits, None where undefined.

    >>> short([0.123456, -1234.56, float("nan")])
    [0.1235, -1235.0, None]
    """
    return [float(f"{value:.4g}") + 0.0 if np.isfinite(value) else None for value in values]


def groups_of(found: Mapping[str, Any], cell: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    """One row a group of a kind: name, n, mae0, change, se, and whether twice its error leaves it from zero.

    Parameters
    ----------
    found, cell : dict
        A group and a cell of `Closeups`.
    kind : str
        One of `KINDS`.
    """
    shared, own = found[kind], cell[kind]
    return [
        {"name": name, "n": n, "mae0": mae0, "change": change, "se": se, "clear": abs(change) > 2 * se}
        for name, n, mae0, change, se in zip(
            shared["name"], shared["n"], shared["mae0"], own["change"], own["se"], strict=True
        )
    ]
