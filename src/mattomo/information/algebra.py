"""Linear and power laws between columns, all small sets of sources at once.

Products of powers are linear in logarithms, so both searches are one: least squares for every target and set
of sources from one matrix of products, screened on held-out rows; what passes is fitted again, its numbers
are rounded where that costs nothing, and it is measured on all rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mattomo.keyed import generator

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Kind = Literal["linear", "power"]

_HELD_OUT = 400
_CLOSE = 0.05
_HOLDS_ON = 0.8
#: Any two of them fix the third.
_REDUNDANT = frozenset({"formula_mass", "formula_atoms", "mean_atomic_mass"})
_POWERS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Law:
    """A linear or power law; see `mattomo.information.relations.Relation`."""

    kind: Kind
    target: str
    sources: tuple[str, ...]
    form: str
    score: float
    support: float


def algebraic(
    scalars: Mapping[str, Floats],
    given: Mapping[str, Floats],
    *,
    sample: int = 5000,
    largest: float = 0.01,
    least: float = 0.3,
    least_rows: int = 50,
    seed: int = 0,
) -> tuple[Law, ...]:
    """Laws that give a scalar from at most two others, or three quantities with those given.

    Parameters
    ----------
    scalars : mapping of str to ndarray of float64, shape (n,)
        NaN where missing. Each is tried as a target.
    given : mapping of str to ndarray of float64, shape (n,)
        Quantities that can only be sources.
    sample : int
        Rows that candidates are fitted and screened on.
    largest : float
        Median |residual| over the median absolute deviation of the target (in logarithms for powers).
        Besides, four rows in five must lie within a twentieth of the latter: a median alone is satisfied by
        half.
    least, least_rows : float, int
        Share of the target's rows, and number of rows, that must have all quantities.
    seed : int

    Returns
    -------
    tuple of Law
        Only those no part of whose sources gives the same target.
    """
    found: dict[str, list[Law]] = defaultdict(list)
    names = (*scalars, *given)
    if not scalars:
        return ()
    plain = np.stack([*scalars.values(), *given.values()], axis=1)
    known = {name: int(np.isfinite(plain[:, k]).sum()) for k, name in enumerate(names)}
    bounds = _Bounds(sample, largest, least, least_rows, seed)
    searches = (
        _Search("linear", names, plain, np.ones(len(names)), known, bounds),
        _Search("power", names, *_logarithms(plain), known, bounds),
    )
    for size in (1, 2, 3):
        sets = [(s, _implied(s)) for s in _source_sets(tuple(scalars), tuple(given), size)]
        for search in searches:
            for target in scalars:
                smaller = [set(law.sources) for law in found[target]]
                fresh = [s for s, has in sets if target not in has and not any(p <= has for p in smaller)]
                found[target] += search.laws(target, fresh)
    return tuple(law for target in scalars for law in found[target])


def _source_sets(scalars: tuple[str, ...], given: tuple[str, ...], size: int) -> list[tuple[str, ...]]:
    sets = []
    for k in range(min(size, 2) + 1):
        for own in combinations(scalars, k):
            for other in combinations(given, size - k):
                if not set(other) >= _REDUNDANT:
                    sets.append((*own, *other))
    return sets


def _implied(sources: tuple[str, ...]) -> set[str]:
    """The sources, and what they fix: two of formula mass, atoms and mean atomic mass fix the third."""
    has = set(sources)
    return has | _REDUNDANT if len(has & _REDUNDANT) == 2 else has


def _logarithms(values: Floats) -> tuple[Floats, Floats]:
    """Logarithms of the sizes of values of each column's commoner sign, NaN elsewhere; and these signs."""
    positive, negative = (values > 0).sum(axis=0), (values < 0).sum(axis=0)
    signs = np.where(positive >= negative, 1.0, -1.0)
    sized = values * signs
    out = np.full(values.shape, np.nan)
    np.log(sized, out=out, where=sized > 0)
    return out, signs


class _Bounds(NamedTuple):
    sample: int
    largest: float
    least: float
    least_rows: int
    seed: int


@dataclass
class _Search:
    kind: Kind
    names: tuple[str, ...]
    values: Floats
    signs: Floats
    known: Mapping[str, int]
    bounds: _Bounds

    def __post_init__(self) -> None:
        self.place = {name: k for k, name in enumerate(self.names)}
        # columns are known on few distinct sets of rows
        numbered: dict[bytes, int] = {}
        self.classes: list[int] = []
        self.patterns: list[NDArray[np.bool_]] = []
        for column in np.isfinite(self.values).T:
            number = numbered.setdefault(np.packbits(column).tobytes(), len(numbered))
            self.classes.append(number)
            if number == len(self.patterns):
                self.patterns.append(column)
        self.drawn: dict[frozenset[int], tuple[Ints, int]] = {}

    def laws(self, target: str, sets: list[tuple[str, ...]]) -> list[Law]:
        """Laws of one target among sets of sources of one size."""
        by_rows: dict[frozenset[int], list[tuple[str, ...]]] = defaultdict(list)
        for sources in sets:
            by_rows[frozenset(self.classes[self.place[name]] for name in (target, *sources))].append(sources)
        found = []
        for pattern, chosen in by_rows.items():
            rows, n = self.rows(pattern)
            if n < self.bounds.least_rows or n < self.bounds.least * self.known[target]:
                continue
            index = np.array([[self.place[name] for name in sources] for sources in chosen])
            for k in self.screened(rows, self.place[target], index):
                law = self.settled(target, chosen[k], pattern)
                if law is not None:
                    found.append(law)
        return found

    def rows(self, pattern: frozenset[int]) -> tuple[Ints, int]:
        """A sample, in random order, of the rows that have all these columns; and how many there are."""
        if pattern not in self.drawn:
            rows = self.every(pattern)
            mixed = generator("relations", self.bounds.seed, len(rows)).permutation(rows)
            self.drawn[pattern] = mixed[: self.bounds.sample], len(rows)
        return self.drawn[pattern]

    def every(self, pattern: frozenset[int]) -> Ints:
        """All rows that have these columns."""
        return np.flatnonzero(np.logical_and.reduce([self.patterns[k] for k in sorted(pattern)]))

    def screened(self, rows: Ints, target: int, index: Ints) -> list[int]:
        """Sets (rows of ``index``) that pass on held-out rows."""
        used = np.unique(np.append(index.ravel(), target))
        part = self.values[np.ix_(rows, used)]
        spread = part.std(axis=0)
        # squares of spreads must neither vanish nor overflow
        varies = (spread > 1e-9 * (np.abs(part).max(axis=0) + 1e-300)) & (spread < 1e100)
        at = np.searchsorted(used, index)
        goal = int(np.searchsorted(used, target))
        if not varies[goal]:
            return []
        tried = np.flatnonzero(varies[at].all(axis=1))
        scaled = (part - part.mean(axis=0)) / np.where(varies, spread, 1.0)
        half = len(rows) // 2
        fitted, held = scaled[:half], scaled[half:][:_HELD_OUT]
        centre = fitted.mean(axis=0)
        fitted, held = fitted - centre, held - centre
        gram = fitted.T @ fitted / half
        at = at[tried]
        left = gram[at[:, :, None], at[:, None, :]] + 1e-12 * np.eye(at.shape[1])
        weight = np.linalg.solve(left, gram[at, goal][:, :, None])[:, :, 0]
        y = held[:, goal]
        kept, scale = _scale(y)
        if scale == 0:
            return []
        residual = np.abs(y[kept, None] - np.einsum("hbs,bs->hb", held[kept][:, at], weight))
        passed = np.median(residual, axis=0) < 2 * self.bounds.largest * scale
        return [int(k) for k in tried[passed]]

    def settled(self, target: str, sources: tuple[str, ...], pattern: frozenset[int]) -> Law | None:
        """The law with rounded numbers, measured on all its rows; None if it does not hold on them."""
        rows, n = self.rows(pattern)
        every = self.every(pattern)
        at = np.array([self.place[name] for name in sources])
        y, x = self.values[rows, self.place[target]], self.values[np.ix_(rows, at)]
        centre, spread = x.mean(axis=0), x.std(axis=0)
        weight = np.linalg.lstsq(
            np.c_[(x - centre) / spread, np.ones(len(x))], y - y.mean(), rcond=None
        )[0][:-1] / spread  # fmt: skip
        y_all, x_all = self.values[every, self.place[target]], self.values[np.ix_(every, at)]
        kept, scale = _scale(y_all)
        if scale == 0:
            return None
        for exact in (True, False):
            numbers = _rounded(weight) if exact else weight
            if (np.abs(numbers) * spread < self.bounds.largest * scale).any():
                return None  # a source that does not matter: a smaller set would do
            offset = float(np.median(y - x @ numbers))
            if exact and abs(offset) < (self.bounds.largest * scale if self.kind == "linear" else 2e-3):
                offset = 0.0
            residual = np.abs(y_all - x_all @ numbers - offset)
            score = float(np.median(residual[kept])) / scale
            if score < self.bounds.largest and (residual[kept] < _CLOSE * scale).mean() >= _HOLDS_ON:
                form = self.form(target, sources, numbers, offset)
                return Law(self.kind, target, sources, form, score, n / self.known[target])
        return None

    def form(self, target: str, sources: tuple[str, ...], numbers: Floats, offset: float) -> str:
        """The law as text."""
        if self.kind == "linear":
            return _sum(target, sources, numbers, offset)
        sign = self.signs[self.place[target]]
        for name, number in zip(sources, numbers, strict=True):
            if round(number) % 2:
                sign *= self.signs[self.place[name]]
        return _product(target, sources, numbers, float(sign * np.exp(offset)))


def _scale(y: Floats) -> tuple[NDArray[np.bool_], float]:
    """Median absolute deviation, and the rows it is of: those off the median if most are on it."""
    middle = np.median(y)
    kept = np.ones(len(y), dtype=bool)
    scale = float(np.median(np.abs(y - middle)))
    if scale == 0:
        kept = y != middle
        scale = float(np.median(np.abs(y[kept] - np.median(y[kept])))) if kept.any() else 0.0
    return kept, scale


def _rounded(numbers: Floats) -> Floats:
    halves = np.round(2 * numbers) / 2
    near = np.abs(numbers - halves) < 0.02 * np.maximum(np.abs(halves), 0.5)
    return np.where(near, halves, numbers)


def _sum(target: str, sources: tuple[str, ...], numbers: Floats, offset: float) -> str:
    text = ""
    for name, number in zip((*sources, ""), (*numbers, offset), strict=True):
        if not name and number == 0:
            continue
        sign = ("−" if number < 0 else "") if not text else (" − " if number < 0 else " + ")
        size = abs(number)
        text += sign + (f"{size:.4g}" if not name else name if size == 1 else f"{size:.4g} {name}")
    return f"{target} = {text}"


def _product(target: str, sources: tuple[str, ...], numbers: Floats, factor: float) -> str:
    above: list[str] = []
    below: list[str] = []
    for name, number in zip(sources, numbers, strict=True):
        (above if number > 0 else below).append(name + _power(abs(number)))
    size = abs(factor)
    if not above or abs(size - 1) >= 1e-12:
        above.insert(0, f"{size:.4g}")
    under = "" if not below else f" / {below[0]}" if len(below) == 1 else f" / ({' × '.join(below)})"
    return f"{target} = {'−' if factor < 0 else ''}{' × '.join(above)}{under}"


def _power(number: float) -> str:
    if number == 1:
        return ""
    return str(int(number)).translate(_POWERS) if float(number).is_integer() else f"^{number:.3g}"
