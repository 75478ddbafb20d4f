"""Guided backward elimination: drop, one by one, the properties whose loss the rest makes up for.

Start with all m properties. Take the undecided one whose conditional placebos hurt least, train without it,
and drop it unless bits are lost; one that was kept is not asked again, so m + 1 models are enough. Only
what was kept by a narrow margin before others went is asked once more: among many, chance keeps one at times.
Forward selection (`forward`) cannot see what two properties tell only together (with p = a xor b neither
helps alone) and stops before them; going backward, both are there until one is taken away.

A search is a generator: it yields lists of sets and receives their `Scores`. Who runs it trains the models.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from mattomo.information.losses import Loss, Rows, Scores, Set, joined

Found = TypeVar("Found")


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
