"""What the figures draw: the tables of a `mattomo.Results`, of a summary, or the user's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pandas as pd

from mattomo.errors import InputError
from mattomo.materials.registry import nearest
from mattomo.report.information import KEY, SWAP, SWAP_LEVEL, ranked
from mattomo.report.numbers import brief, printable
from mattomo.report.summarize import Summary
from mattomo.study.outcome import Outcome

_CELL = (
    *KEY, "diagonal", "n_seeds", "mae0_mean", "mae1_mean", "mean", "min", "max", "paired_minmax", "separated",
    "paired_minmax_two_sided", SWAP, "reason",
)  # fmt: skip
RULES = {
    "paired_minmax": "the error falls in every seed",
    "separated": "the worst augmented model beats the best baseline",
    "paired_minmax_two_sided": "the error falls, or rises, in every seed",
    SWAP: f"the error falls, and the swap test gives q < {SWAP_LEVEL:g}",
}
"""What a mark says, by the rule that sets it."""

_BITS = ("bits", "bits_low", "bits_high")
_GROUPS = ("intensive", "per cell", "other", "categories")


class Studied(Protocol):
    """What `mattomo.Results` offers to figures."""

    outcome: Outcome

    def summary(self) -> Summary: ...
    def seed_bits(self) -> pd.DataFrame: ...
    def predictions(
        self, target: str, added: str, *, representation: str | None = None, learner: str | None = None
    ) -> pd.DataFrame: ...


Source = Studied | Summary | pd.DataFrame


@dataclass(frozen=True)
class Names:
    """How properties are called and grouped; columns of a DataFrame alone stand for themselves."""

    properties: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def label(self, name: str, width: int = 30) -> str:
        """Label of a property, cut to a width."""
        return brief(printable(self.properties.get(name, {}).get("label") or name), width)

    def unit(self, name: str) -> str:
        """Its unit, "" if it has none or none is known."""
        return printable(self.properties.get(name, {}).get("unit", ""))

    def group(self, name: str) -> str:
        """Its kind: intensive, per cell (extensive), other (unknown) or categories; "" if unknown."""
        info = self.properties.get(name)
        if info is None:
            return ""
        if info["kind"] == "category":
            return "categories"
        return {True: "per cell", False: "intensive", None: "other"}[info["extensive"]]

    def grouped(self, names: Sequence[str]) -> list[str]:
        """Names with those of a kind together, else in their order."""
        rank = {group: k for k, group in enumerate(_GROUPS)}
        return sorted(names, key=lambda name: rank.get(self.group(name), 0))


def summary_of(source: Studied | Summary) -> Summary:
    """The summary behind a source that is no DataFrame.

    Raises
    ------
    TypeError
        It is none, and has none.
    """
    if isinstance(source, dict):
        return source
    if not hasattr(source, "summary"):
        raise TypeError(f"figures draw a mattomo.Results or a DataFrame, not {type(source).__name__}")
    return source.summary()


def opened(source: Source, table: str, needed: Sequence[str]) -> tuple[pd.DataFrame, Names]:
    """A table by its name, and how its properties are called.

    Parameters
    ----------
    source : Results, dict or DataFrame
        A DataFrame is the table itself.
    table : {"cells", "bits", "contrasts", "decomposition", "symmetry"}
    needed : sequence of str
        Columns without which nothing can be drawn.

    Raises
    ------
    InputError
        The DataFrame lacks a column, or there are no rows.
    """
    if isinstance(source, pd.DataFrame):
        found, names = source, Names()
    else:
        summary = summary_of(source)
        found, names = _TABLES[table](summary), Names(summary["properties"])
    return having(found, needed), names


def having(table: pd.DataFrame, needed: Sequence[str]) -> pd.DataFrame:
    """The table, once it has rows and the columns that a figure draws.

    Raises
    ------
    InputError
        It has not.
    """
    if not len(table):
        raise InputError("there is nothing to draw", hint="The table has no rows (yet).")
    lacking = [name for name in needed if name not in table]
    if lacking:
        hint = f"It needs {', '.join(needed)}."
        raise InputError("the table lacks a column that this figure draws", column=lacking[0], hint=hint)
    return table


def chosen(table: pd.DataFrame, **wanted: str | None) -> tuple[pd.DataFrame, dict[str, str]]:
    """Rows of one value a column: the wanted one, or the first there is; and these values.

    Raises
    ------
    InputError
        The table has no such value.
    """
    values = {}
    for column, value in wanted.items():
        if column not in table:
            continue
        known = [str(name) for name in dict.fromkeys(table[column])]
        if value is None:
            value = known[0]
        elif value not in known:
            raise InputError(
                "the table has no such value", column=column, value=value, hint=nearest(value, known)
            )
        table = table[table[column] == value]
        values[column] = value
    return table, values


def with_rules(table: pd.DataFrame) -> pd.DataFrame:
    """A table of cells with a column for each rule that its numbers allow."""
    found = table.copy()
    if "diagonal" not in found:
        found["diagonal"] = found["added"] == found["target"] if "target" in found else False
    if SWAP not in found and {"swap_q", "mae0", "mae1"} <= set(found):
        found[SWAP] = (found["swap_q"] < SWAP_LEVEL) & (found["mae1"] < found["mae0"]) & ~found["diagonal"]
    return found


def require_rule(table: pd.DataFrame, rule: str) -> None:
    """Raise InputError unless the table has the marks of a rule."""
    if rule not in RULES or rule not in table:
        known = [name for name in RULES if name in table]
        raise InputError("the table has no such criterion", value=rule, hint=nearest(rule, known))


def _cells(summary: Summary) -> pd.DataFrame:
    records = []
    for cell in summary["cells"]:
        record = {name: cell[name] for name in _CELL}
        if summary["analysed"]:
            known = cell["information"] or {}
            record |= {name: known.get(name) for name in _BITS}
            record["deterministic"] = known.get("deterministic") or ""
        records.append(record)
    return numeric(pd.DataFrame(records))


def _bits(summary: Summary) -> pd.DataFrame:
    own = [
        {**{name: cell[name] for name in (*KEY, "diagonal", SWAP)}, "control": False, **cell["information"]}
        for cell in summary["cells"]
        if cell["information"]
    ]
    controls = [{**row, SWAP: False} for row in summary["analysis"]["control_cells"]]
    return numeric(pd.DataFrame([*own, *controls]))


def _decomposition(summary: Summary) -> pd.DataFrame:
    """Cells that count as ``found``, strongest first, then all others by their gain."""
    found = {tuple(cell[name] for name in KEY): rank for rank, cell in enumerate(ranked(summary["cells"]))}
    records = [
        {**dict(zip(KEY, key, strict=True)), "found": key in found, "rank": found.get(key, len(found))}
        | cell["parts"]
        for cell in summary["cells"]
        if cell["parts"]
        for key in [tuple(cell[name] for name in KEY)]
    ]
    if not records:
        return pd.DataFrame()
    table = numeric(pd.DataFrame(records))
    return table.sort_values(["rank", "gain"], ascending=[True, False], kind="stable", ignore_index=True)


def numeric(table: pd.DataFrame) -> pd.DataFrame:
    """None among numbers as NaN."""
    for name, values in table.items():
        if values.dtype != np.dtype(object):
            continue
        if values.map(lambda value: value is None or isinstance(value, (int, float))).all():
            table[name] = values.astype(float)
    return table


_TABLES: dict[str, Callable[[Summary], pd.DataFrame]] = {
    "cells": _cells,
    "bits": _bits,
    "decomposition": _decomposition,
    "contrasts": lambda summary: numeric(pd.DataFrame(summary["contrasts"])),
    "symmetry": lambda summary: numeric(pd.DataFrame(summary["analysis"]["symmetry"])),
}
