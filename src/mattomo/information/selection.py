"""Which properties suffice: the smallest set that, added to a base, tells as much of a target as all of them.

The elimination itself is in `mattomo.information.elimination`, what is said of the sets it finds in
`mattomo.information.sufficiency`, and the models are those of `mattomo.study.fits`. Here they meet.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mattomo.errors import InputError
from mattomo.information.density import find_atoms
from mattomo.information.elimination import Path, Rule, Swap, eliminate, swaps, together
from mattomo.information.held import determined, shared
from mattomo.information.losses import Loss, Rows, Scores, Set, joined, score_set
from mattomo.information.sufficiency import (
    Purchase,
    Sufficient,
    best_value,
    frontier,
    least_redundant,
    redundancy,
    stability,
)
from mattomo.study.fits import Fits
from mattomo.study.problem import Problem, held_rows

#: Fewer validation rows of a split cannot tell one set from another.
LEAST_VALIDATION = 40


@dataclass(frozen=True)
class Plan:
    """How many models a selection takes at most, over all splits.

    Attributes
    ----------
    elimination : int
        m + 1 a split, and one of the base alone.
    stability : int
        As many again for each split by itself; several may be among the former.
    swaps : int
        Every selected property given for every other one, for the largest number there can be.
    purchases : int
        Of each property alone.
    conditionals : int
        Fits of trees beforehand, of each candidate from the base.
    seconds : float
        Rough processor time of all of them.
    """

    elimination: int
    stability: int
    swaps: int
    purchases: int
    conditionals: int
    seconds: float

    @property
    def models(self) -> int:
        """All but the conditionals."""
        return self.elimination + self.stability + self.swaps + self.purchases


@dataclass(frozen=True)
class Selection:
    """What was selected for a target, and how sure that is. Bits are usable bits of this learner.

    Attributes
    ----------
    target, base, learner : str
    properties, controls : tuple of str
        Candidates.
    seeds : tuple of int
    n_materials, n_train : int
        Materials tested, and training rows of a split.
    rule : Rule
    path : Path
        The elimination on all splits.
    selected : tuple of str
        Properties kept, controls left out.
    kept_controls : tuple of str
        Controls that were kept, which ought not to be.
    gain_all, gain : Loss
        Bits that all candidates, and the selected set, add to the base, on the test rows.
    loss : Loss
        Bits that the selected set lacks against all candidates, on the test rows.
    mae_base, mae_all, mae : float
        Mean test errors of the base, of all candidates and of the selected set (target's unit).
    determined : mapping of str to float
        Share of each property that the base tells: 1 - the squared error of its guess over the variance, or
        1 - cross-entropy over entropy of a category.
    swaps : tuple of Swap
        Empty if they were not asked for.
    split_sets : tuple of tuple of str
        Selected on each split by itself; empty if not asked for.
    stability : float
        Of these.
    sets : tuple of Sufficient
        The selected set and its equally good swaps, least redundant first.
    costs : mapping of str to float
        Empty if not given.
    purchases : tuple of Purchase
        With costs: what to measure next, best first.
    frontier : tuple of Sufficient
        With costs: the best sets that were met, by cost.
    trained, known : int
        Models trained for this answer, and those that were used.
    """

    target: str
    base: str
    learner: str
    properties: Set
    controls: Set
    seeds: tuple[int, ...]
    n_materials: int
    n_train: int
    rule: Rule
    path: Path
    selected: Set
    kept_controls: Set
    gain_all: Loss
    gain: Loss
    loss: Loss
    mae_base: float
    mae_all: float
    mae: float
    determined: Mapping[str, float]
    swaps: tuple[Swap, ...]
    split_sets: tuple[Set, ...]
    stability: float
    sets: tuple[Sufficient, ...]
    costs: Mapping[str, float]
    purchases: tuple[Purchase, ...]
    frontier: tuple[Sufficient, ...]
    trained: int
    known: int

    def plain(self) -> dict[str, Any]:
        """As JSON holds it: NaN and infinities become None."""
        plain: dict[str, Any] = _plain(asdict(self))
        for kept, each in ((plain["sets"], self.sets), (plain["frontier"], self.frontier)):
            for record, found in zip(kept, each, strict=True):
                record["per_redundant_bit"] = _plain(found.per_redundant_bit)
        for record, bought in zip(plain["purchases"], self.purchases, strict=True):
            record |= {"per_cost": bought.per_cost, "seen": bought.seen}
        return plain


def plan(problem: Problem, *, alternatives: bool, steadiness: bool, costs: Mapping[str, float]) -> Plan:
    """What a selection will train at most."""
    m, p, seeds = len(problem.candidates), len(problem.properties), len(problem.config.seeds)
    half = p // 2
    counts = {
        "elimination": (m + 2) * seeds,
        # The set of all candidates is common.
        "stability": m * seeds if steadiness and seeds > 1 else 0,
        "swaps": half * (p - half) * seeds if alternatives else 0,
        "purchases": (p + 1) * seeds if costs else 0,
    }
    return Plan(**counts, conditionals=m * seeds, seconds=problem.seconds(sum(counts.values())))


def select(
    problem: Problem,
    fits: Fits,
    *,
    rule: Rule = Rule(),  # noqa: B008
    alternatives: bool = True,
    steadiness: bool = True,
    costs: Mapping[str, float] | None = None,
) -> Selection:
    """Find the properties that suffice.

    Parameters
    ----------
    problem : Problem
    fits : Fits
        Of the problem.
    rule : Rule
    alternatives : bool
        Look for equally good swaps.
    steadiness : bool
        Select on each split by itself, too.
    costs : mapping of str to float, optional
        Costs of properties, 1 for those not named; 0 means that the property is there already.

    Returns
    -------
    Selection

    Raises
    ------
    InputError
        Too few rows, or sets that cannot be compared.
    """
    seeds = problem.config.seeds
    judge = Judge(problem, fits)
    rows, every = judge.rows, list(range(len(seeds)))
    priced = _priced(problem, costs) if costs else None
    searches = [(eliminate(problem.candidates, rows, rule, priced), every)]
    if steadiness and len(seeds) > 1:
        searches += [(eliminate(problem.candidates, rows.only(j), rule, priced), [j]) for j in every]
    path, *alone = together(searches, judge.ask)
    selected = tuple(name for name in path.selected if name in problem.properties)
    # A control that was kept has no place in the answer, which must be measured without it.
    answer = Path(path.candidates, selected, path.steps)
    found: tuple[Swap, ...] = ()
    if alternatives:
        there = {name for name, cost in (costs or {}).items() if cost == 0}
        offered = tuple(name for name in problem.properties if name not in there)
        (found,) = together([(swaps(answer, offered, rows, rule), every)], judge.ask)
    judge.ask([(j, s) for j in every for s in ((), problem.candidates, selected)])
    base, full, own = (judge.pooled(s) for s in ((), problem.candidates, selected))
    purchases, met = judge.shop(costs, found, path) if costs else ((), ())
    conditionals = fits.conditionals(seeds)
    sets = [selected, *(swap.added for swap in found if swap.equal)]
    repeated = shared(problem, conditionals, {name for added in sets for name in added})
    sufficient = [
        Sufficient(
            added,
            rows.loss(base, judge.pooled(added), "test").bits,
            redundancy(added, repeated),
            _total(added, costs),
        )
        for added in dict.fromkeys(sets)
    ]
    split_sets = tuple(tuple(n for n in each.selected if n in problem.properties) for each in alone)
    return Selection(
        target=problem.target,
        base=problem.base,
        learner=problem.learner.name,
        properties=problem.properties,
        controls=problem.controls,
        seeds=seeds,
        n_materials=len(np.unique(np.concatenate(rows.test))),
        n_train=round(rows.n_train),
        rule=rule,
        path=path,
        selected=selected,
        kept_controls=tuple(name for name in path.selected if name in problem.controls),
        gain_all=rows.loss(base, full, "test"),
        gain=rows.loss(base, own, "test"),
        loss=rows.loss(own, full, "test"),
        mae_base=float(np.mean(base.mae)),
        mae_all=float(np.mean(full.mae)),
        mae=float(np.mean(own.mae)),
        determined={name: determined(problem, name, conditionals) for name in problem.properties},
        swaps=found,
        split_sets=split_sets,
        stability=stability(split_sets, problem.properties),
        sets=tuple(least_redundant(sufficient)),
        costs=dict(costs or {}),
        purchases=purchases,
        frontier=met,
        trained=fits.trained,
        known=judge.known,
    )


class Judge:
    """Scores of the fits of a problem, each computed once."""

    def __init__(self, problem: Problem, fits: Fits) -> None:
        self._problem, self._fits = problem, fits
        validation, test, owners = held_rows(problem)
        fewest = min(map(len, validation))
        if fewest < LEAST_VALIDATION:
            raise InputError(
                f"a split has {fewest} validation rows; to compare sets takes {LEAST_VALIDATION}",
                file=problem.prepared.materials.source,
                hint="Bring more rows, or drop properties that are missing on many of them.",
            )
        splits = [problem.prepared.splits[seed] for seed in problem.config.seeds]
        self.rows = Rows(validation, test, owners, float(np.mean([len(s.train) for s in splits])))
        self._true = problem.prepared.columns[problem.target].values.astype(np.float64)
        self._atoms = find_atoms(self._true)
        self._scores: dict[tuple[int, Set], Scores] = {}

    @property
    def known(self) -> int:
        return len(self._scores)

    def ask(self, wanted: list[tuple[int, Set]]) -> Any:
        """Train and score what is new; returns the scores of one split and set."""
        seeds = self._problem.config.seeds
        missing = [key for key in dict.fromkeys(wanted) if key not in self._scores]
        for (j, added), fit in zip(missing, self._fits([(seeds[j], s) for j, s in missing]), strict=True):
            validation, test = self.rows.validation[j], self.rows.test[j]
            try:
                self._scores[j, added] = score_set(
                    added,
                    fit.validation,
                    self._true[validation],
                    fit.test,
                    self._true[test],
                    self.rows.owners[validation],
                    fit.rises,
                    atoms=self._atoms,
                    key=(self._problem.target, fit.seed),
                )
            except ValueError as error:
                raise InputError(
                    f"sets of properties cannot be compared: with {' + '.join(added) or 'the base alone'}, "
                    f"seed {fit.seed}, {error}",
                    column=self._problem.target,
                    hint="Leave properties that give the target away out with --properties.",
                ) from None
        return lambda j, added: self._scores[j, added]

    def pooled(self, added: Set) -> Scores:
        """Scores on all splits."""
        return joined([self._scores[j, added] for j in range(len(self.rows.test))])

    def shop(
        self, costs: Mapping[str, float], found: Sequence[Swap], path: Path
    ) -> tuple[tuple[Purchase, ...], tuple[Sufficient, ...]]:
        """What to measure next, and the best sets met by cost."""
        problem, every = self._problem, range(len(self.rows.test))
        owned = tuple(name for name in problem.properties if costs.get(name, 1.0) == 0)
        others = [name for name in problem.properties if name not in owned]
        sets = {name: problem.ordered((*owned, name)) for name in others}
        self.ask([(j, s) for j in every for s in (owned, *sets.values())])
        there, purchases = self.pooled(owned), []
        for name, added in sets.items():
            # Nothing was selected by these rows: the more of them, the better.
            gain = self.rows.loss(there, self.pooled(added), "validation", "test")
            purchases.append(Purchase(name, gain.bits, gain.se, gain.low, gain.high, costs.get(name, 1.0)))
        base = self.pooled(())
        met = [*sets.values(), owned, *(step.left for step in path.steps), *(swap.added for swap in found)]
        clean = [added for added in dict.fromkeys(met) if not any(n in problem.controls for n in added)]
        known = [
            Sufficient(
                added, self.rows.loss(base, self.pooled(added), "test").bits, math.nan, _total(added, costs)
            )
            for added in clean
        ]
        return tuple(best_value(purchases)), tuple(frontier(known))


def _priced(problem: Problem, costs: Mapping[str, float]) -> dict[str, float]:
    """Costs of all candidates; controls cost as much as the dearest property: they are to be tried early."""
    known = {name: costs.get(name, 1.0) for name in problem.properties}
    return known | dict.fromkeys(problem.controls, max(known.values(), default=1.0) or 1.0)


def _total(added: Set, costs: Mapping[str, float] | None) -> float:
    return float(sum((costs or {}).get(name, 1.0) for name in added))


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
