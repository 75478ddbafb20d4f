"""The inverse direction: from properties back to the material, and what each further property adds.

The more properties a material is asked to have, the fewer it can be. Here that is measured: a classifier
learns the distribution of a high-information projection (crystal system, space group, elements, composition)
from k low-information ones, and its cross-entropy on materials of formulas it has not seen is an upper bound
of the entropy H(projection | p1 ... pk) left open. A placebo, a shuffled property, is added last and must
change nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mattomo.errors import InputError
from mattomo.information.hidden import EDGES, Fitted, Floats, Hidden, Ints
from mattomo.information.inference import material_test, nadeau_bengio
from mattomo.information.question import FRACTIONS, PLACEBO, Question
from mattomo.keyed import generator
from mattomo.learners.base import Split
from mattomo.materials.table import Column
from mattomo.projections.descriptors import Table
from mattomo.study.splits import split_rows

#: The greedy order is chosen on so many rows at most, and by so many of the commonest elements.
_ROWS_OF_ORDER, _ELEMENTS_OF_ORDER = 4_000, 12

Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class Inverse:
    """How far k properties tell a high-information projection.

    Attributes
    ----------
    to : str
    order : tuple of m str
        The properties as they are added.
    how : {"greedy", "given"}
        Where the order comes from.
    curve : DataFrame
        One row for k = 0 ... m and one for the placebo after them: k, added, bits, low, high (95 %
        Nadeau-Bengio interval over the seeds; NaN for one seed), envelope (the least bits so far: a further
        property cannot take information away), choices (two to the power of the bits), found (see
        `mattomo.information.hidden.Fitted`), fall (bits less than the row before, paired), fall_se (the
        larger of the standard error over materials, clustered by formula, and that over seeds), z (fall /
        fall_se), and one column of mean bits for each part of the code, called ``bits of ...``.
    random : DataFrame
        Random orders on the first seed: order, k, added, bits.
    calibration : DataFrame
        All m properties, test rows of all seeds: low, high (bounds of the predicted probability), n,
        expected and observed shares, z (of their difference, as if predictions were independent).
    seeds : tuple of int
    n, n_complete, n_table, n_formulas, n_train, n_test, n_values : int
        Rows used, rows that have everything, rows of the table; formulas; rows of the first split;
        different values of the projection among the rows.
    notices : tuple of str
    """

    to: str
    order: tuple[str, ...]
    how: str
    curve: pd.DataFrame
    random: pd.DataFrame
    calibration: pd.DataFrame
    seeds: tuple[int, ...]
    n: int
    n_complete: int
    n_table: int
    n_formulas: int
    n_train: int
    n_test: int
    n_values: int
    notices: tuple[str, ...]

    @property
    def placebo(self) -> pd.Series[Any]:
        """The last row of the curve."""
        return self.curve.iloc[-1]

    @property
    def falls(self) -> pd.DataFrame:
        """Rows of the curve whose property lowers the bits by more than three standard errors."""
        own = self.curve[self.curve["added"] != PLACEBO]
        return own[own["z"] > 3]


def inverse(
    asked: Question,
    *,
    order: str = "greedy",
    n_random: int = 2,
    executor: Executor | None = None,
    tell: Tell | None = None,
) -> Inverse:
    """Cross-entropy of the hidden projection against the number of properties conditioned on.

    Parameters
    ----------
    asked : Question
    order : {"greedy", "given"}
        Greedy: each time the property that leaves fewest bits, chosen within the training rows of the first
        seed (at most 4,000 of them; where elements are to be told, by the 12 commonest). The test rows of
        that seed take no part in the choice; those of other seeds overlap with its training rows.
    n_random : int
        Random orders beside it, on the first seed.
    executor : concurrent.futures.Executor, optional
        Where to fit; the numbers do not depend on it.
    tell : callable, optional
        Is told fits done and in all.

    Returns
    -------
    Inverse

    Raises
    ------
    InputError
        Another order.
    """
    if order not in ("greedy", "given"):
        raise InputError("the order is greedy or given", column="order", value=order)
    m, seeds = len(asked.names), tuple(asked.splits)
    choice = m * (m + 1) // 2 - 1 if order == "greedy" else 0
    count = _Count(choice + len(seeds) * (m + 2) + n_random * max(m - 1, 0), tell)
    names = _greedy(asked, executor, count) if order == "greedy" else asked.names
    # the placebo shuffles the property that comes first
    asked = Question(**{**vars(asked), "names": names})
    sets = [names[:k] for k in range(m + 1)] + [(*names, PLACEBO)]
    jobs = [(subset, seed) for seed in seeds for subset in sets]
    shuffles = [
        tuple(generator("inverse order", k).permutation(sorted(names)).tolist()) for k in range(n_random)
    ]
    more = [(shuffled[:k], seeds[0]) for shuffled in shuffles for k in range(1, m)]
    fitted = _fits(asked, jobs + more, executor, count)
    by_seed = {seed: fitted[s * len(sets) : (s + 1) * len(sets)] for s, seed in enumerate(seeds)}
    beyond = iter(fitted[len(jobs) :])
    random = [
        {
            "order": number,
            "k": k,
            "added": shuffled[k - 1],
            "bits": float((next(beyond) if k < m else by_seed[seeds[0]][m]).bits.mean()),
        }
        for number, shuffled in enumerate(shuffles)
        for k in range(1, m + 1)
    ]
    first = asked.splits[seeds[0]]
    return Inverse(
        to=asked.hidden.to,
        order=names,
        how=order,
        curve=_curve(asked, by_seed),
        random=pd.DataFrame(random, columns=["order", "k", "added", "bits"]),
        calibration=_calibration([fits[m].calibration for fits in by_seed.values()]),
        seeds=seeds,
        n=len(asked.materials),
        n_complete=asked.n_complete,
        n_table=asked.n_table,
        n_formulas=len(np.unique(asked.materials.compositions.formulas)),
        n_train=len(first.train),
        n_test=len(first.test),
        n_values=asked.hidden.n_values,
        notices=_notices(asked),
    )


class _Count:
    """Fits done, and to do."""

    def __init__(self, total: int, tell: Tell | None) -> None:
        self.done, self.total, self.tell = 0, total, tell

    def one(self) -> None:
        self.done += 1
        if self.tell is not None:
            self.tell(self.done, self.total)


def _fits(
    asked: Question, jobs: Sequence[tuple[Sequence[str], int]], executor: Executor | None, count: _Count
) -> list[Fitted]:
    """`Question.fit` of every job, in order."""
    scored: Iterator[Fitted]
    if executor is None:
        scored = (asked.fit(names, seed) for names, seed in jobs)
    else:
        waiting = [
            executor.submit(score, asked.hidden, asked.known(names, seed), asked.splits[seed], seed)
            for names, seed in jobs
        ]
        scored = (future.result() for future in waiting)
    found = []
    for fitted in scored:
        found.append(fitted)
        count.one()
    return found


def score(target: Hidden, table: Table | None, split: Split, seed: int) -> Fitted:
    """`Hidden.score`, as a worker process is asked for it."""
    return target.score(table, split, seed)


def _greedy(asked: Question, executor: Executor | None, count: _Count) -> tuple[str, ...]:
    """Properties in the order of what they add, within the training rows of the first seed."""
    seed, split = next(iter(asked.splits.items()))
    chosen = split.train
    if len(chosen) > _ROWS_OF_ORDER:
        rng = generator("inverse order rows", seed)
        chosen = np.sort(rng.choice(chosen, _ROWS_OF_ORDER, replace=False))
    part = asked.materials.take(chosen)
    inner = split_rows(part, "formula", FRACTIONS, seed)
    within = Question(
        materials=part,
        names=asked.names,
        tables={name: table.take(chosen) for name, table in asked.tables.items()},
        hidden=asked.hidden.take(chosen).commonest(inner.train, _ELEMENTS_OF_ORDER),
        splits={seed: inner},
        n_complete=len(part),
        n_table=len(part),
    )
    found: tuple[str, ...] = ()
    left = sorted(asked.names)
    while len(left) > 1:
        fits = _fits(within, [((*found, name), seed) for name in left], executor, count)
        bits = {name: float(fitted.bits.mean()) for name, fitted in zip(left, fits, strict=True)}
        best = min(left, key=lambda name: (bits[name], name))
        found = (*found, best)
        left.remove(best)
    return (*found, *left)


def _curve(asked: Question, by_seed: Mapping[int, Sequence[Fitted]]) -> pd.DataFrame:
    m = len(asked.names)
    tests = [asked.splits[seed].test for seed in by_seed]
    n_train = float(np.mean([len(asked.splits[seed].train) for seed in by_seed]))
    n_test = float(np.mean([len(rows) for rows in tests]))
    rows, formulas = np.concatenate(tests), asked.materials.compositions.formulas
    table, least = [], math.inf
    for k, added in enumerate(("", *asked.names, PLACEBO)):
        fits = [each[k] for each in by_seed.values()]
        interval = nadeau_bengio([f.bits.mean() for f in fits], n_train, n_test)
        record: dict[str, Any] = {
            "k": min(k, m),
            "added": added,
            "bits": interval.mean,
            "low": interval.low,
            "high": interval.high,
            "envelope": least if added == PLACEBO else min(least, interval.mean),
            "choices": 2.0**interval.mean,
            "found": float(np.mean([f.found.mean() for f in fits])),
            "fall": math.nan,
            "fall_se": math.nan,
            "z": math.nan,
        }
        least = record["envelope"]
        if k:
            falls = [each[k - 1].bits - each[k].bits for each in by_seed.values()]
            record |= _step(falls, rows, formulas[rows], n_test / n_train)
        record |= {f"bits of {part}": float(np.mean([f.parts[part] for f in fits])) for part in fits[0].parts}
        table.append(record)
    return pd.DataFrame(table)


def _step(
    falls: Sequence[Floats], rows: Ints, formulas: NDArray[np.str_], test_share: float
) -> dict[str, float]:
    """Mean fall of the bits from one row of the curve to the next, and its standard error."""
    over_materials = material_test(np.concatenate(falls), rows, formulas).se
    means = np.array([fall.mean() for fall in falls])
    j = len(means)
    # seeds train other models: materials alone would not know how far these differ
    over_seeds = float(means.std(ddof=1)) * math.sqrt(1 / j + test_share) if j > 1 else 0.0
    error = float(np.nanmax([over_materials, over_seeds]))
    fall = float(means.mean())
    return {"fall": fall, "fall_se": error, "z": fall / error if error > 0 else 0.0}


def _calibration(bins: Sequence[Floats]) -> pd.DataFrame:
    n, expected, observed, variance = np.sum(bins, axis=0)
    seen = n > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(variance > 0, (observed - expected) / np.sqrt(variance), 0.0)
    return pd.DataFrame(
        {
            "low": np.array(EDGES[:-1])[seen],
            "high": np.array(EDGES[1:])[seen],
            "n": n[seen].astype(np.int64),
            "expected": expected[seen] / n[seen],
            "observed": observed[seen] / n[seen],
            "z": z[seen],
        }
    )


def _notices(asked: Question) -> tuple[str, ...]:
    found = []
    n, to, lacking = len(asked.materials), asked.hidden.to, asked.n_table - asked.n_complete
    if lacking:
        found.append(f"{lacking:,} of {asked.n_table:,} rows lack {to} or one of the properties")
    if n < asked.n_complete:
        found.append(f"{n:,} of the {asked.n_complete:,} complete rows are drawn at random")
    labels = asked.hidden.labels
    for name in asked.names:
        column = asked.materials.columns[name]
        if labels is None:
            beforehand = name == "nelements"
        else:
            beforehand = column.info.kind == "category" and _determines(column, labels.values)
        if beforehand:
            found.append(f"{name} and {to} are not independent measurements: one follows from the other")
    return tuple(found)


def _determines(column: Column, labels: NDArray[np.str_]) -> bool:
    pairs = pd.DataFrame({"a": column.values, "b": labels}).drop_duplicates()
    return len(pairs) == len(np.unique(column.values)) < len(labels)
