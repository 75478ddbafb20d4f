"""Guided backward elimination: drop, one by one, the properties whose loss the rest makes up for.

Start with all m properties. Take the undecided one whose conditional placebos hurt least, train without it,
and drop it unless bits are lost; one that was kept is not asked again, so m + 1 models are enough. Only
what was kept by a narrow margin before others went is asked once more: among many, chance keeps one at times.
Forward selection (`forward`) cannot see what two properties tell only together (with p = a xor b neither
helps alone) and stops before them; going backward, both are there until one is taken away.

A search is a generator: it yields lists of sets and receives their `Scores`. Who runs it trains the models.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mattomo.information.bits import density_score
from mattomo.information.inference import material_test, nadeau_bengio
from mattomo.keyed import generator

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Set = tuple[str, ...]
Part = Literal["validation", "test"]
Found = TypeVar("Found")

#: Validation rows are scored by densities fitted to the others, in so many parts.
_PARTS = 5


@dataclass(frozen=True)
class Scores:
    """What the models of one set of properties say on J splits.

    Attributes
    ----------
    added : tuple of str
    validation, test : tuple of J ndarray of float64
        log2 density of every row (bits); each validation row under a density fitted to the others.
    mae : tuple of J float
        Test error in the target's unit.
    rises : tuple of J mappings of str to ndarray of float64
        By added property: rise of the absolute error of each validation row under conditional placebos.
    """

    added: Set
    validation: tuple[Floats, ...]
    test: tuple[Floats, ...]
    mae: tuple[float, ...]
    rises: tuple[Mapping[str, Floats], ...]

    def on(self, part: Part) -> tuple[Floats, ...]:
        """log2 densities of a part of the held-out rows."""
        return self.validation if part == "validation" else self.test


@dataclass(frozen=True)
class Loss:
    """Bits that a set lacks against another one, mean over rows; negative where it is better.

    Attributes
    ----------
    bits : float
        Mean over materials.
    se : float
        Its standard error, clustered by formula and by split (Cameron, Gelbach & Miller, J. Bus. Econ. Stat.
        29, 238 (2011)), at least that by formula alone.
    low, high : float
        95 % interval over the splits (Nadeau & Bengio); NaN for one split.
    """

    bits: float
    se: float
    low: float
    high: float


@dataclass(frozen=True)
class Rows:
    """The held-out rows of J splits.

    Attributes
    ----------
    validation, test : tuple of J ndarray of int64
        Positions of the rows in the table of n materials.
    owners : ndarray of int64, shape (n,)
        Number of each material's formula.
    n_train : float
        Training rows of a split.
    """

    validation: tuple[Ints, ...]
    test: tuple[Ints, ...]
    owners: Ints
    n_train: float

    def only(self, j: int) -> Rows:
        """Of split ``j`` alone."""
        return Rows((self.validation[j],), (self.test[j],), self.owners, self.n_train)

    def loss(self, smaller: Scores, larger: Scores, *parts: Part) -> Loss:
        """Bits that ``smaller`` lacks against ``larger`` on the rows of ``parts``, by default validation."""
        chosen: tuple[Part, ...] = parts or ("validation",)
        rows = _side_by_side([self.validation if part == "validation" else self.test for part in chosen])
        low, high = (_side_by_side([each.on(part) for part in chosen]) for each in (smaller, larger))
        lost = [b - a for a, b in zip(low, high, strict=True)]
        mean, se = self._mean(lost, rows)
        n_test = float(np.mean([len(r) for r in rows]))
        interval = nadeau_bengio([float(each.mean()) for each in lost], self.n_train, n_test)
        return Loss(mean, se, interval.low, interval.high)

    def importances(self, scores: Scores) -> dict[str, float]:
        """Rise of the error under conditional placebos of each added property (the target's unit)."""
        return {
            name: self._mean([rises[name] for rises in scores.rises], self.validation)[0]
            for name in scores.added
        }

    def _mean(self, values: Sequence[Floats], rows: tuple[Ints, ...]) -> tuple[float, float]:
        materials, every = np.concatenate(rows), np.concatenate(values)
        found = material_test(every, materials, self.owners[materials])
        if len(values) < 2:
            return found.mean, found.se
        # Rows of a split share a model and its density, rows of a formula their physics.
        splits = float(np.var([each.mean() for each in values], ddof=1)) / len(values)
        alone = float(every.var()) / len(every)
        return found.mean, math.sqrt(found.se**2 + max(0.0, splits - alone))


@dataclass(frozen=True)
class Rule:
    """When a set is as good as another: it loses less than ``tolerance`` bits, or than ``errors`` standard
    errors of the loss."""

    tolerance: float = 0.01
    errors: float = 2.0

    def accepts(self, loss: Loss) -> bool:
        """Whether the loss is none."""
        return loss.bits < self.tolerance or loss.bits < self.errors * loss.se

    def narrow(self, loss: Loss) -> bool:
        """Whether a loss is below twice what the rule would accept."""
        return loss.bits < 2 * max(self.tolerance, self.errors * loss.se)

    def drops(self, step: Loss, total: Loss) -> bool:
        """Whether a property goes: nothing is lost by this step, nor by all steps so far together. Losses too
        small to be seen would else add up to one that is not."""
        return self.accepts(step) and self.accepts(total)


@dataclass(frozen=True)
class Step:
    """One property put to the test.

    Attributes
    ----------
    property : str
    dropped : bool
    left : tuple of str
        The set without it.
    importance : float
        Rise of the error under its conditional placebos, in the model that still had it (target's unit).
    loss, total : Loss
        Of ``left``, on the validation rows: against the set before, and against all candidates.
    again : bool
        Whether it had been kept before, and was asked once more.
    """

    property: str
    dropped: bool
    left: Set
    importance: float
    loss: Loss
    total: Loss
    again: bool = False


@dataclass(frozen=True)
class Path:
    """What an elimination did.

    Attributes
    ----------
    candidates, selected : tuple of str
    steps : tuple of Step
        One a candidate, and those asked again.
    """

    candidates: Set
    selected: Set
    steps: tuple[Step, ...]


Search = Generator[list[Set], list[Scores], Found]


def eliminate(
    candidates: Set,
    rows: Rows,
    rule: Rule = Rule(),
    costs: Mapping[str, float] | None = None,
) -> Search[Path]:
    """Guided backward elimination.

    Parameters
    ----------
    candidates : tuple of str
    rows : Rows
    rule : Rule
    costs : mapping of str to float, optional
        The property of least importance *per cost* is tried first, so that of two that tell the same the
        cheaper one stays; one that costs nothing is there already, and stays without a trial.

    Yields
    ------
    list of one set; m + 1 of them, with m the number of candidates that are tried, and one for each that is
    asked again

    Returns
    -------
    Path
    """
    (full,) = yield [candidates]
    price = dict.fromkeys(candidates, 1.0) | dict(costs or {})
    now, steps = full, list[Step]()
    undecided = [name for name in candidates if price[name] > 0]
    again = False
    while undecided:
        importances = rows.importances(now)
        # Of equals the last: controls come after properties.
        name = min(reversed(undecided), key=lambda n: importances[n] / price[n])
        undecided.remove(name)
        left = tuple(other for other in now.added if other != name)
        (without,) = yield [left]
        loss, total = rows.loss(without, now), rows.loss(without, full)
        dropped = rule.accepts(loss) if again else rule.drops(loss, total)
        steps.append(Step(name, dropped, left, importances[name], loss, total, again))
        now = without if dropped else now
        if not undecided and not again:
            again, undecided = True, _early(steps, rule)
    return Path(candidates, now.added, tuple(steps))


def _early(steps: Sequence[Step], rule: Rule) -> list[str]:
    """Properties kept by a narrow margin before the last one was dropped."""
    last = max((k for k, step in enumerate(steps) if step.dropped), default=0)
    return [step.property for step in steps[:last] if not step.dropped and rule.narrow(step.loss)]


def forward(candidates: Set, rows: Rows, rule: Rule = Rule()) -> Search[Set]:
    """Greedy forward selection, for comparison: it is blind to synergy.

    Adds the property that gains most until the best gain is none by the rule; for k selected ones it takes
    about (k + 1)(m + 1) models.
    """
    (now,) = yield [()]
    while len(now.added) < len(candidates):
        larger = [
            tuple(n for n in candidates if n in (*now.added, name))
            for name in candidates
            if name not in now.added
        ]
        tried = yield larger
        lost = [rows.loss(now, each) for each in tried]
        best = max(range(len(tried)), key=lambda k: lost[k].bits)
        if rule.accepts(lost[best]):
            break
        now = tried[best]
    return now.added


@dataclass(frozen=True)
class Swap:
    """A selected property given for one that was dropped.

    Attributes
    ----------
    given, taken : str
    added : tuple of str
        The set after the swap.
    loss, total : Loss
        On the validation rows: against the selected set, and against all candidates.
    test : Loss
        Against the selected set, on the test rows.
    equal : bool
        Whether the rule accepts both losses.
    """

    given: str
    taken: str
    added: Set
    loss: Loss
    total: Loss
    test: Loss
    equal: bool


def swaps(path: Path, offered: Set, rows: Rows, rule: Rule = Rule()) -> Search[tuple[Swap, ...]]:
    """Every selected property in ``offered`` given for every dropped one there; best first.

    Minimal sets are not unique: of a property and its copy either will do.
    """
    dropped = [name for name in offered if name not in path.selected]
    pairs = [(given, taken) for given in path.selected if given in offered for taken in dropped]
    sets = [
        tuple(n for n in path.candidates if n != given and (n in path.selected or n == taken))
        for given, taken in pairs
    ]
    full, own, *others = yield [path.candidates, path.selected, *sets]
    found = []
    for (given, taken), other in zip(pairs, others, strict=True):
        loss, total = rows.loss(other, own), rows.loss(other, full)
        test = rows.loss(other, own, "test")
        found.append(Swap(given, taken, other.added, loss, total, test, rule.drops(loss, total)))
    return tuple(sorted(found, key=lambda swap: swap.loss.bits))


def together(
    searches: Sequence[tuple[Search[Found], Sequence[int]]],
    ask: Callable[[list[tuple[int, Set]]], Callable[[int, Set], Scores]],
) -> list[Found]:
    """Run searches side by side: what all of them want next is asked for at once.

    Parameters
    ----------
    searches : sequence of (search, splits)
        Each with the splits whose rows it sees.
    ask : callable
        Gets all wanted (split, set) and returns a function that gives the scores of one split and set.

    Returns
    -------
    list
        What each search returned, in order.
    """
    results: dict[int, Found] = {}
    wanted = {k: next(search) for k, (search, _) in enumerate(searches)}
    while wanted:
        keys = [(j, s) for k, sets in wanted.items() for s in sets for j in searches[k][1]]
        given = ask(list(dict.fromkeys(keys)))
        going = {}
        for k, sets in wanted.items():
            search, splits = searches[k]
            try:
                going[k] = search.send([joined([given(j, s) for j in splits]) for s in sets])
            except StopIteration as stop:
                results[k] = stop.value
        wanted = going
    return [results[k] for k in range(len(searches))]


def joined(scores: Sequence[Scores]) -> Scores:
    """Scores of one set on several splits as one."""
    return Scores(
        scores[0].added,
        tuple(rows for each in scores for rows in each.validation),
        tuple(rows for each in scores for rows in each.test),
        tuple(error for each in scores for error in each.mae),
        tuple(rises for each in scores for rises in each.rises),
    )


def score_set(
    added: Set,
    validation: ArrayLike,
    true_validation: ArrayLike,
    test: ArrayLike,
    true_test: ArrayLike,
    owners: ArrayLike,
    rises: Mapping[str, Floats],
    *,
    atoms: ArrayLike,
    key: tuple[object, ...],
) -> Scores:
    """Scores of one set on one split.

    Parameters
    ----------
    added : tuple of str
    validation, true_validation : array_like of float, shape (n_val,)
    test, true_test : array_like of float, shape (n_test,)
        Predictions and true values in the target's unit.
    owners : array_like of int, shape (n_val,)
        Formula of each validation row: rows of one formula are scored together.
    rises : mapping of str to ndarray of float64, shape (n_val,)
    atoms : array_like of float
        Values of the target with a probability of their own (`find_atoms`).
    key : tuple
        Names the random numbers; sets to be compared share it.

    Raises
    ------
    ValueError
        No density can be fitted, e.g. because the set gives the target away; says why.
    """
    predicted, true = np.asarray(validation, dtype=float), np.asarray(true_validation, dtype=float)
    _, formula = np.unique(np.asarray(owners), return_inverse=True)
    n_formulas = int(formula.max(initial=-1)) + 1
    part = (generator("selection parts", *key).permutation(n_formulas) % _PARTS)[formula]
    rows = np.full(len(true), math.nan)
    scored = [density_score(predicted, true, test, true_test, atoms=atoms, key=key)]
    for k in range(_PARTS):
        held = part == k
        if held.any():
            score = density_score(
                predicted[~held], true[~held], predicted[held], true[held], atoms=atoms, key=key
            )
            rows[held] = score.rows
            scored.append(score)
    for score in scored:
        if score.reason:
            raise ValueError(score.reason)
    error = np.abs(np.asarray(test, dtype=float) - np.asarray(true_test, dtype=float)).mean()
    return Scores(added, (rows,), (scored[0].rows,), (float(error),), (dict(rises),))


def _side_by_side(parts: Sequence[tuple[NDArray[Any], ...]]) -> tuple[NDArray[Any], ...]:
    """Arrays of several parts as one, split by split."""
    return tuple(np.concatenate(each) for each in zip(*parts, strict=True))
