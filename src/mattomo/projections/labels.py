"""What properties may be asked to tell: crystal system, space group, elements, formula class."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mattomo.errors import InputError
from mattomo.materials.check.stored import SYSTEMS, space_group_numbers
from mattomo.materials.registry import nearest
from mattomo.materials.table import Column, Compositions, Materials
from mattomo.projections.descriptors import Table
from mattomo.projections.elements import N_ELEMENTS
from mattomo.projections.graphs import Floats

N_SPACE_GROUPS = 230
_SPACE_GROUPS = ("spacegroup_number", "spacegroup")
_SPACE_GROUP_WORDS = ("spacegroup", "space_group", "spacegroup_number")
#: A category of more levels is read as their number in alphabetical order, not as a column for each level.
_MOST_LEVELS = 30
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Labels:
    """A class of each of n materials.

    Attributes
    ----------
    name : str
        Column it comes from, or is computed from.
    values : ndarray of str, shape (n,)
        ``""`` when missing.
    possible : int
        Classes there can be, in the table or not.
    """

    name: str
    values: NDArray[np.str_]
    possible: int


def class_labels(materials: Materials, name: str) -> Labels:
    """Crystal systems, space groups, or any category of the table.

    Parameters
    ----------
    materials : Materials
    name : str
        ``"crystal_system"`` (computed from the space group where the table has no such column),
        ``"spacegroup"``, or a column that holds a category.

    Raises
    ------
    InputError
        No such column, or it holds numbers.
    """
    columns = materials.columns
    groups = next((each for each in _SPACE_GROUPS if each in columns), None)
    if name in _SPACE_GROUP_WORDS and groups is not None:
        numbers = space_group_numbers(columns[groups])
        return Labels(groups, np.where(numbers > 0, numbers.astype(np.str_), ""), N_SPACE_GROUPS)
    if name == "crystal_system" and name not in columns and groups is not None:
        numbers = space_group_numbers(columns[groups])
        system = np.zeros(N_SPACE_GROUPS + 1, dtype="<U12")
        for word, (first, last) in SYSTEMS.items():
            system[first : last + 1] = word
        return Labels(groups, system[numbers], len(SYSTEMS))
    if name not in columns:
        hint = nearest(name, ["crystal_system", "spacegroup", "elements", "composition", *columns])
        raise InputError("no such projection in the table", file=materials.source, column=name, hint=hint)
    column = columns[name]
    if column.info.kind != "category":
        raise InputError(
            "only classes can be told apart, and this column holds numbers",
            file=materials.source,
            column=name,
            hint="Use crystal_system, spacegroup, elements, composition or a category.",
        )
    values = np.where(column.missing, "", column.values.astype(np.str_))
    levels = len(np.unique(values[~column.missing]))
    return Labels(name, values, max(levels, len(SYSTEMS)) if name == "crystal_system" else levels)


def elements_present(compositions: Compositions) -> NDArray[np.bool_]:
    """Whether each material holds each element, shape (n, 103): column ``Z - 1``."""
    n = len(compositions.formulas)
    present = np.zeros((n, N_ELEMENTS + 1), dtype=bool)
    present[np.repeat(np.arange(n), np.diff(compositions.offsets)), compositions.Z] = True
    return present[:, 1:]


def formula_class(amounts: Sequence[float]) -> str:
    """A reduced formula without its elements: letters in ascending order of the amounts.

    Parameters
    ----------
    amounts : sequence of whole numbers
        Of distinct elements, at most 26.

    Examples
    --------
    >>> formula_class([1, 1, 3]), formula_class([3, 2])
    ('ABC3', 'A2B3')
    """
    parts = zip(_LETTERS, sorted(int(amount) for amount in amounts), strict=False)
    return "".join(letter if amount == 1 else f"{letter}{amount}" for letter, amount in parts)


def formula_classes(compositions: Compositions) -> NDArray[np.str_]:
    """`formula_class` of n materials, shape (n,)."""
    bounds = zip(compositions.offsets[:-1].tolist(), compositions.offsets[1:].tolist(), strict=True)
    return np.array([formula_class(compositions.amounts[a:b].tolist()) for a, b in bounds], dtype=np.str_)


def assignment_bits(compositions: Compositions) -> Floats:
    """Bits that say which element has which amount, once both are known; shape (n,).

    log2 of the number of ways: k! for k distinct amounts, fewer where amounts are equal.
    """
    found = np.zeros(len(compositions.formulas))
    for i, (a, b) in enumerate(
        zip(compositions.offsets[:-1].tolist(), compositions.offsets[1:].tolist(), strict=True)
    ):
        _, repeats = np.unique(compositions.amounts[a:b], return_counts=True)
        ways = math.factorial(b - a)
        for repeat in repeats.tolist():
            ways //= math.factorial(repeat)
        found[i] = math.log2(ways)
    return found


def amount_bits(compositions: Compositions) -> Floats:
    """Code length of the amounts where nothing is known of them: the sum of log2 a (a + 1), shape (n,).

    1 / (a (a + 1)) is a distribution over the whole numbers a >= 1.
    """
    a = compositions.amounts
    owner = np.repeat(np.arange(len(compositions.formulas)), np.diff(compositions.offsets))
    return np.bincount(owner, np.log2(a * (a + 1)), minlength=len(compositions.formulas)).astype(np.float64)


def property_table(column: Column) -> Table:
    """One property as columns of numbers, missing values NaN.

    A scalar is itself; a category whose levels are whole numbers (space groups) their number; another one a
    column of zeros and ones a level, or beyond 30 levels their place in alphabetical order.
    """
    name = column.info.name
    if column.info.kind == "scalar":
        return Table(column.values.astype(np.float64)[:, None], (name,))
    levels, index = np.unique(column.values.astype(np.str_), return_inverse=True)
    known = ~column.missing
    if all(level.isdigit() for level in levels.tolist() if level):
        values = np.array([float(level) if level else np.nan for level in levels.tolist()])[index]
    elif len(levels) > _MOST_LEVELS:
        values = index.astype(np.float64)
    else:
        used = [k for k, level in enumerate(levels.tolist()) if level]
        ones = (index[:, None] == np.array(used)).astype(np.float64)
        return Table(np.where(known[:, None], ones, np.nan), tuple(f"{name}={levels[k]}" for k in used))
    return Table(np.where(known, values, np.nan)[:, None], (name,))
