"""Studies as the documentation keeps them: small tables, from which its pages are written.

A study folder holds every prediction and may be gigabytes, or gone; `keeping` computes what the pages show
once, and keeps it beside them as CSV and JSON.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

#: How a kept table writes a missing number.
MISSING = "nan"
TABLES = ("gains", "bits", "controls", "asymmetry")


@dataclass(frozen=True)
class Property:
    """What a page says of a property."""

    name: str
    label: str
    unit: str
    extensive: bool | None


@dataclass(frozen=True)
class Told:
    """What a page says of a study; the names are those of `mattomo.study.outcome.Outcome`."""

    config: dict[str, Any]
    data: dict[str, Any]
    targets: tuple[str, ...]
    added: tuple[str, ...]
    properties: tuple[Property, ...]
    units_planned: int
    units_done: int
    wall_seconds: float
    memory: float


@dataclass(frozen=True)
class Kept:
    """A study as a page needs it; tables have the names and columns of `mattomo.Results`.

    Attributes
    ----------
    outcome : Told
    models : int
        Trained on all training rows, controls left out.
    cost, residuals : dict
        See `keeping.spent` and `keeping.residuals`.
    checked, relations : list of str
        What the check of the table warns of; columns that are functions of others.
    """

    outcome: Told
    models: int
    cost: dict[str, Any]
    residuals: dict[str, Any]
    checked: list[str]
    relations: list[str]
    _tables: dict[str, pd.DataFrame]

    def gains(self) -> pd.DataFrame:
        return self._tables["gains"]

    def bits(self) -> pd.DataFrame:
        return self._tables["bits"]

    def controls(self) -> pd.DataFrame:
        return self._tables["controls"]

    def asymmetry(self) -> pd.DataFrame:
        """See `keeping.asymmetric`."""
        return self._tables["asymmetry"]


def kept(folder: Path, name: str) -> Kept | None:
    """A study that was kept under this name; None where it was not."""
    file = folder / f"{name}-study.json"
    if not file.exists():
        return None
    facts = json.loads(file.read_text())
    told = facts.pop("outcome")
    told["properties"] = tuple(Property(**info) for info in told["properties"])
    for each in ("targets", "added"):
        told[each] = tuple(told[each])
    tables = {what: read(folder / f"{name}-{what}.csv") for what in TABLES}
    return Kept(Told(**told), **facts, _tables=tables)


def read(file: Path) -> pd.DataFrame:
    """A kept table; what is empty is the empty text, not a missing number."""
    return pd.read_csv(file, keep_default_na=False, na_values=[MISSING])
