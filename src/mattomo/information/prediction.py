"""What a material with given values may be: a calibrated distribution over a high-information projection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mattomo.information.candidates import known_value
from mattomo.information.hidden import Floats
from mattomo.information.question import MOST_ROWS, Question, question
from mattomo.learners.base import Split
from mattomo.materials.table import Column, Materials
from mattomo.projections.descriptors import beside
from mattomo.projections.labels import property_table


@dataclass(frozen=True)
class Prediction:
    """What a material with given values may be.

    Attributes
    ----------
    to : str
    given : mapping of str to float or str
    table : DataFrame
        part (of the composition: ``"elements"`` and ``"formula class"``; else the projection), value,
        probability (mean over the seeds), least and most (over the seeds), prior (share among the rows).
        Likeliest first within a part. Classes sum to 1; elements are independent statements.
    bits, prior_bits : float
        What the distribution leaves open, and the shares of the rows: its entropy, of elements the sum of
        those of each (above that of the set), of the composition that of the elements and the class.
    n : int
        Rows learned from, validation rows included.
    notices : tuple of str
    """

    to: str
    given: Mapping[str, float | str]
    table: pd.DataFrame
    bits: float
    prior_bits: float
    n: int
    notices: tuple[str, ...]


def predict(
    materials: Materials,
    to: str,
    given: Mapping[str, float | str],
    *,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    rows: int = MOST_ROWS,
) -> Prediction:
    """Distribution over a projection of a material of which these values are given.

    One classifier a seed learns from the training and test rows of its split, and is calibrated on the
    validation rows; the probabilities are their mean.

    Parameters
    ----------
    materials : Materials
    to : str
        As for `mattomo.information.question.question`.
    given : mapping of str to float or str
        Values by name of property; at least one.
    seeds : sequence of int
    rows : int
        Most rows to use.

    Raises
    ------
    InputError
        As `question`; a value that is no number, or a class that no row has.
    """
    asked = question(materials, to, tuple(given), seeds=seeds, rows=rows)
    values = {
        name: known_value(asked.materials.columns[name], value, materials.source)
        for name, value in given.items()
    }
    n = len(asked.materials)
    tables = []
    for name in sorted(values):
        column = asked.materials.columns[name]
        tables.append(property_table(_extended(column, values[name])))
    known = beside(tables)
    target = asked.hidden.take(np.append(np.arange(n), -1))
    chances: dict[str, list[dict[str, float]]] = {}
    for seed, split in asked.splits.items():
        learned = np.sort(np.concatenate([split.train, split.test]))
        told = target.chances(known, Split(learned, split.validation, np.array([n])), seed)
        for part, chance in told.items():
            chances.setdefault(part, []).append(chance)
    whole = Split(np.arange(n), np.arange(0), np.array([n]))
    priors = target.chances(None, whole, 0)
    parts = {part: _table(part, found, priors[part]) for part, found in chances.items()}
    return Prediction(
        to=to,
        given=values,
        table=pd.concat(parts.values(), ignore_index=True),
        bits=sum(_entropy(part, table["probability"]) for part, table in parts.items()),
        prior_bits=sum(_entropy(part, table["prior"]) for part, table in parts.items()),
        n=n,
        notices=_beyond(asked, values),
    )


def _extended(column: Column, value: float | str) -> Column:
    """The column with one more row."""
    rows = column.take(np.append(np.arange(len(column.values)), 0))
    rows.values[-1] = value
    rows.missing[-1] = False
    return rows


def _table(part: str, found: Sequence[Mapping[str, float]], prior: Mapping[str, float]) -> pd.DataFrame:
    names = sorted({name for each in found for name in each})
    every = np.array([[each.get(name, 0.0) for name in names] for each in found])
    table = pd.DataFrame(
        {
            "part": part,
            "value": names,
            "probability": every.mean(axis=0),
            "least": every.min(axis=0),
            "most": every.max(axis=0),
            "prior": [prior.get(name, 0.0) for name in names],
        }
    )
    return table.sort_values(["probability", "value"], ascending=[False, True], ignore_index=True)


def _entropy(part: str, probabilities: pd.Series[float]) -> float:
    p: Floats = np.asarray(probabilities, dtype=np.float64)
    if part == "elements":
        return float(_plogp(p).sum() + _plogp(1 - p).sum())
    return float(_plogp(p).sum())


def _plogp(p: Floats) -> Floats:
    logs: Floats = np.log2(np.where(p > 0, p, 1.0))
    return -p * logs


def _beyond(asked: Question, values: Mapping[str, float | str]) -> tuple[str, ...]:
    """Values that no row comes near."""
    found = []
    for name, value in values.items():
        if isinstance(value, str):
            continue
        own = asked.materials.columns[name].values.astype(np.float64)
        if not own.min() <= value <= own.max():
            found.append(
                f"{name} = {value:g} is outside the table ({own.min():g} to {own.max():g}): the distribution "
                "is that of its nearest end"
            )
    return tuple(found)
