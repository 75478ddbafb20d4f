"""Sufficient sets compared: how steady they are, how much they repeat, and what they cost."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mattomo.information.pairwise import mutual_information_matrix
from mattomo.materials.table import Column

#: The base among the nodes of `redundancy`; no column can be called so.
BASE = ""
#: A mutual information counts from so many standard deviations above its shuffled null.
_SEEN = 3.0


def stability(sets: Sequence[Iterable[str]], candidates: Sequence[str]) -> float:
    """Agreement of the sets selected on several splits (Nogueira, Sechidis & Brown, JMLR 18, 174 (2018)).

    1 - mean variance of the selections / that of sets of the same mean size drawn at random (their equation
    4): 1 when all sets are equal, about 0 when they agree by chance alone. Interchangeable properties lower
    it, and say nothing against either.

    Parameters
    ----------
    sets : sequence of sets of str
        One a split.
    candidates : sequence of str

    Returns
    -------
    float
        NaN for fewer than two splits, and where every set is empty or everything.

    Examples
    --------
    >>> stability([{"a"}, {"a"}], ["a", "b", "c"])
    1.0
    >>> round(stability([{"a"}, {"b"}], ["a", "b"]), 2)
    -1.0
    """
    chosen = np.array([[name in kept for name in candidates] for kept in map(set, sets)], dtype=float)
    splits, d = len(chosen), len(candidates)
    mean = float(chosen.mean()) if chosen.size else 0.0
    if splits < 2 or not 0 < mean < 1:
        return math.nan
    variance = float(chosen.var(axis=0, ddof=1).sum()) / d
    return 1 - variance / (mean * (1 - mean))


def shared_bits(
    columns: Mapping[str, Column], guesses: Mapping[str, Column] | None = None
) -> dict[frozenset[str], float]:
    """Mutual information of every two properties, and of each with what the base tells of it (bits).

    Parameters
    ----------
    columns : mapping of str to Column
        Properties.
    guesses : mapping of str to Column, optional
        What the base tells of each property, on the same rows; then the pair {name, `BASE`} is there too: a
        lower bound of what base and property share.

    Returns
    -------
    dict of frozenset of two str to float
        0 where it is not seen above shuffled columns (less than three standard deviations).
    """
    found = {}
    table = mutual_information_matrix(columns)
    for x, y, bits, z in zip(table["x"], table["y"], table["bits"], table["z"], strict=True):
        found[frozenset((x, y))] = _seen(bits, z)
    for name, guess in (guesses or {}).items():
        pair = mutual_information_matrix({name: columns[name], f"{name} told by the base": guess})
        found[frozenset((name, BASE))] = _seen(pair["bits"][0], pair["z"][0])
    return found


def redundancy(added: Iterable[str], shared: Mapping[frozenset[str], float]) -> float:
    """Bits that a set repeats: of the base, and of one another.

    The heaviest tree that joins the properties and the base by what they share in pairs (Chow & Liu, IEEE
    Trans. Inf. Theory 14, 462 (1968)): the most information repeated that pairs alone can prove, a lower
    bound of the total correlation.

    Parameters
    ----------
    added : iterable of str
    shared : mapping of frozenset to float
        From `shared_bits`; a missing pair shares nothing.

    Returns
    -------
    float

    Examples
    --------
    >>> redundancy(["a", "b"], {frozenset("ab"): 1.0, frozenset(("a", "")): 0.25})
    1.25
    """
    left = list(dict.fromkeys(added))
    best = {name: shared.get(frozenset((name, BASE)), 0.0) for name in left}
    total = 0.0
    while left:
        name = max(left, key=lambda n: best[n])
        left.remove(name)
        total += best.pop(name)
        for other in left:
            best[other] = max(best[other], shared.get(frozenset((name, other)), 0.0))
    return total


@dataclass(frozen=True)
class Sufficient:
    """A set that holds as much as all candidates, as far as the rule can tell.

    Attributes
    ----------
    added : tuple of str
    bits : float
        Usable bits that it adds to the base.
    redundant_bits : float
        See `redundancy`.
    cost : float
    """

    added: tuple[str, ...]
    bits: float
    redundant_bits: float
    cost: float

    @property
    def per_redundant_bit(self) -> float:
        """Bits per redundant bit; infinite where nothing is seen to be repeated."""
        if self.redundant_bits > 0:
            return self.bits / self.redundant_bits
        return math.copysign(math.inf, self.bits) if self.bits else 0.0


def least_redundant(sets: Iterable[Sufficient]) -> list[Sufficient]:
    """Sets by bits per redundant bit, most first: the second sense of a minimal sufficient set."""
    return sorted(sets, key=lambda each: (-each.per_redundant_bit, -each.bits))


@dataclass(frozen=True)
class Purchase:
    """A property that could be measured next.

    Attributes
    ----------
    name : str
    bits, se, low, high : float
        Usable bits that it adds to what is there already; standard error over materials, 95 % interval over
        splits.
    cost : float
    """

    name: str
    bits: float
    se: float
    low: float
    high: float
    cost: float

    @property
    def per_cost(self) -> float:
        """Bits for a unit of cost."""
        return self.bits / self.cost

    @property
    def seen(self) -> bool:
        """Whether the bits are more than two standard errors."""
        return self.bits > 2 * self.se


def best_value(purchases: Iterable[Purchase]) -> list[Purchase]:
    """Purchases by bits per cost, most first; those not seen above chance after all others."""
    return sorted(purchases, key=lambda each: (not each.seen, -each.per_cost))


def frontier(sets: Iterable[Sufficient]) -> list[Sufficient]:
    """Sets that no cheaper or equally cheap one matches in bits, cheapest first."""
    kept: list[Sufficient] = []
    for each in sorted(sets, key=lambda s: (s.cost, -s.bits, len(s.added))):
        if not kept or each.bits > kept[-1].bits:
            kept.append(each)
    return kept


def _seen(bits: float, z: float) -> float:
    if not math.isfinite(bits):
        return 0.0
    # Without a spread of the null there is nothing to compare with.
    return float(bits) if bits > 0 and (math.isnan(z) or z > _SEEN) else 0.0
