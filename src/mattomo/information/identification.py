"""Which material is it? How k properties, read at finite resolution, single out one row of a table.

Readings are simulated: a material, and for each property its value plus an error uniform on plus or minus
half of the resolution. Under each reading the materials that match are equally likely, so their number n
gives the bits (log2 N - mean log2 n), the share singled out (n = 1) and the chance to name it (mean 1/n). The
matches of a set of properties are the intersection of those of each, kept as bits: any set costs one pass
over them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from mattomo.errors import InputError
from mattomo.information.channel import Floats, Ints, Readings, drawn_rows, readings
from mattomo.information.growth import Growth, growth
from mattomo.keyed import generator
from mattomo.materials.registry import PAPER_PROPERTIES, resolve
from mattomo.materials.table import Materials

Words = NDArray[np.uint64]

NOTHING = 0.05
"""Bits below which a property adds nothing: it is a reducible shadow of the others."""

N_READINGS = 2000
_LEAST_PRESENT = 1 / 3
_HALF = 0.5 * (1 + 1e-9)


@dataclass(frozen=True)
class Curve:
    """What the first 1, 2, ..., k properties of an order tell.

    Attributes
    ----------
    names : tuple of k str
    bits : ndarray of float64, shape (k,)
        I(M; readings), of ``log2 n`` at most.
    standard_error : ndarray of float64, shape (k,)
        Of the bits, from the spread over readings.
    share_unique : ndarray of float64, shape (k,)
        Readings that only the material itself matches.
    top1 : ndarray of float64, shape (k,)
        Chance that the best guess is the material.
    collision_bits : ndarray of float64, shape (k,)
        -log2 of the chance that another material matches: free of n; infinite if none ever did.
    """

    names: tuple[str, ...]
    bits: Floats
    standard_error: Floats
    share_unique: Floats
    top1: Floats
    collision_bits: Floats


@dataclass(frozen=True)
class Shadow:
    """What a property adds to all others.

    Attributes
    ----------
    name : str
    alone : float
        Bits it tells alone.
    added : float
        Bits lost without it.
    added_collision : float
        Collision bits lost without it: these do not saturate when the others name every material.
    reducible : bool
        Fewer than `NOTHING` of both.
    """

    name: str
    alone: float
    added: float
    added_collision: float
    reducible: bool


@dataclass(frozen=True)
class Identification:
    """How k properties single out one of n materials.

    Attributes
    ----------
    n : int
        Rows that have all the properties.
    n_readings : int
    widths : mapping of str to float
        Resolution of each scalar, in its unit.
    assumed : tuple of str
        Scalars whose resolution is a guess from their range.
    greedy : Curve
        Each time the property that tells most: with independent errors the bits of the first j are at least
        1 - 1/e of those of the best j (Nemhauser et al., Math. Program. 14, 265 (1978)).
    random_bits : ndarray of float64, shape (orders, k)
        Bits along random orders.
    shadows : tuple of Shadow
    enough : tuple of str
        Properties left after dropping, one by one, the least telling while less than `NOTHING` bits are lost
        in all. Not unique.
    growth : Growth
        Of all k properties, in the size of the table.
    """

    n: int
    n_readings: int
    widths: Mapping[str, float]
    assumed: tuple[str, ...]
    greedy: Curve
    random_bits: Floats
    shadows: tuple[Shadow, ...]
    enough: tuple[str, ...]
    growth: Growth


def default_properties(materials: Materials) -> tuple[str, ...]:
    """Properties to identify materials by: the paper's that a third of the rows have.

    Fewer than two of them: all columns that a third of the rows have, without those that are provenance.
    """
    wide = [name for name, c in materials.columns.items() if c.missing.mean() <= 1 - _LEAST_PRESENT]
    found = []
    for name in PAPER_PROPERTIES:
        try:
            found.append(resolve(name, wide))
        except InputError:
            continue
    if len(found) >= 2:
        return tuple(found)
    return tuple(name for name in wide if not materials.columns[name].info.is_provenance)


def identification(
    materials: Materials,
    names: Sequence[str] | None = None,
    resolutions: Mapping[str, float] | None = None,
    *,
    n_readings: int = N_READINGS,
    n_orders: int = 20,
    seed: int = 0,
) -> Identification:
    """How many properties single out one material of a table.

    Parameters
    ----------
    materials : Materials
    names : sequence of k str, optional
        `default_properties` by default. Only rows that have all of them take part.
    resolutions : mapping of str to float, optional
        Widths by name, in the unit of the property; else the registry's.
    n_readings : int
        Simulated readings. Time and memory grow with ``n_readings * n * k`` (bits).
    n_orders : int
        Random orders beside the greedy one.
    seed : int

    Returns
    -------
    Identification

    Raises
    ------
    InputError
        No such property, named twice, none at all, a resolution that cannot be, or no complete row.

    Examples
    --------
    >>> import mattomo as mt
    >>> found = identification(mt.load("mp1000"), ["density", "nsites", "crystal_system"])
    >>> found.greedy.names[0]
    'density'
    """
    chosen = tuple(default_properties(materials) if names is None else names)
    if len(set(chosen)) < len(chosen) or not chosen:
        raise InputError(
            "name at least one property, and each once", file=materials.source, value=", ".join(chosen)
        )
    read = readings(materials, chosen, resolutions)
    matching = matches(read, n_readings, seed)
    n = len(read.rows)
    counts = _greedy(matching)
    orders = [
        generator("identification order", seed, k).permutation(sorted(chosen)).tolist()
        for k in range(n_orders)
    ]
    random_bits = np.array([_bits(_cumulative(matching, order), n) for order in orders])
    last = next(reversed(counts.values()))
    return Identification(
        n=n,
        n_readings=len(last),
        widths={name: float(w) for name, w in zip(read.names, read.widths, strict=True) if w > 0},
        assumed=read.assumed,
        greedy=_curve(tuple(counts), np.array(list(counts.values())), n),
        random_bits=random_bits.reshape(n_orders, len(chosen)),
        shadows=_shadows(matching, n),
        enough=_enough(matching, n),
        growth=growth(last - 1, n),
    )


def matches(read: Readings, n_readings: int = N_READINGS, seed: int = 0) -> dict[str, Words]:
    """Which materials match each simulated reading of each property.

    Parameters
    ----------
    read : Readings
        k properties of n materials.
    n_readings : int
        q readings, of materials drawn without replacement; all n if there are no more.
    seed : int

    Returns
    -------
    dict of str to ndarray of uint64, shape (q, ceil(n / 64))
        One bit a material. The errors of a property depend on its name, not on the others.
    """
    n = len(read.rows)
    drawn = drawn_rows(n, n_readings, "identification", seed)
    found = {}
    for name, values, width in zip(read.names, read.values, read.widths, strict=True):
        error = generator("reading", name, seed).uniform(-0.5, 0.5, len(drawn)) * width
        packed = np.zeros((len(drawn), -(-n // 64) * 8), dtype=np.uint8)
        for k, (row, shift) in enumerate(zip(drawn.tolist(), error.tolist(), strict=True)):
            # the hair keeps the material that was read, whatever the rounding
            inside = np.abs(values - (values[row] + shift)) <= width * _HALF
            inside[row] = True
            packed[k, : -(-n // 8)] = np.packbits(inside)
        found[name] = packed.view(np.uint64)
    return found


def matched(parts: Iterable[Words]) -> Ints:
    """Materials that match all of these readings, shape (q,)."""
    return _count(reduce(np.bitwise_and, parts))


def _count(words: Words) -> Ints:
    return np.asarray(np.bitwise_count(words).sum(axis=1), dtype=np.int64)


def _bits(counts: Ints, n: int) -> Floats:
    """Bits from numbers of matching materials, over the last axis."""
    return np.asarray(math.log2(n) - np.log2(counts).mean(axis=-1), dtype=np.float64)


def _collision_bits(counts: Ints, n: int) -> Floats:
    chance = (counts - 1).mean(axis=-1) / max(n - 1, 1)
    with np.errstate(divide="ignore"):
        return np.asarray(-np.log2(chance), dtype=np.float64)


def _curve(names: tuple[str, ...], counts: Ints, n: int) -> Curve:
    left = np.log2(counts)
    q = counts.shape[1]
    spread = left.std(axis=1, ddof=1) if q > 1 else np.full(len(counts), np.nan)
    return Curve(
        names=names,
        bits=_bits(counts, n),
        standard_error=spread / math.sqrt(q),
        share_unique=(counts == 1).mean(axis=1),
        top1=(1 / counts).mean(axis=1),
        collision_bits=_collision_bits(counts, n),
    )


def _cumulative(matching: Mapping[str, Words], order: Sequence[str]) -> Ints:
    """Matching materials of the first 1, 2, ... properties, shape (k, q)."""
    current = matching[order[0]].copy()
    counts = [_count(current)]
    for name in order[1:]:
        current &= matching[name]
        counts.append(_count(current))
    return np.array(counts)


def _greedy(matching: Mapping[str, Words]) -> dict[str, Ints]:
    """Properties in the order of what they add, and the matching materials after each."""
    left, counts = sorted(matching), {}
    current: Words | None = None
    while left:
        so_far = [] if current is None else [current]
        tried = {name: matched([*so_far, matching[name]]) for name in left}
        # fewest bits left open; where no bits are gained any more, fewest matches of other materials
        best = min(left, key=lambda name: (np.log2(tried[name]).sum(), tried[name].sum(), name))
        counts[best] = tried[best]
        current = matching[best] if current is None else current & matching[best]
        left.remove(best)
    return counts


def _without_each(matching: Mapping[str, Words], names: Sequence[str]) -> dict[str, Ints]:
    """Matching materials of all ``names`` but one, for each."""
    after: list[Words | None] = [None]
    for name in reversed(names[1:]):
        last = after[-1]
        after.append(matching[name] if last is None else last & matching[name])
    before: Words | None = None
    found = {}
    for name in names:
        rest = [part for part in (before, after.pop()) if part is not None]
        found[name] = matched(rest)
        before = matching[name] if before is None else before & matching[name]
    return found


def _shadows(matching: Mapping[str, Words], n: int) -> tuple[Shadow, ...]:
    if len(matching) < 2:
        return ()
    every = matched(matching.values())
    bits, collision = float(_bits(every, n)), float(_collision_bits(every, n))
    found = []
    for name, counts in _without_each(matching, list(matching)).items():
        added = bits - float(_bits(counts, n))
        without = float(_collision_bits(counts, n))
        added_collision = 0.0 if without == collision else collision - without
        reducible = added < NOTHING and added_collision < NOTHING
        alone = float(_bits(_count(matching[name]), n))
        found.append(Shadow(name, alone, added, added_collision, reducible))
    return tuple(found)


def _enough(matching: Mapping[str, Words], n: int) -> tuple[str, ...]:
    kept = sorted(matching)
    bits = float(_bits(matched(matching.values()), n))
    while len(kept) > 1:
        without = _without_each(matching, kept)
        least = min(kept, key=lambda name: (np.log2(without[name]).sum(), without[name].sum(), name))
        if bits - float(_bits(without[least], n)) >= NOTHING:
            break
        kept.remove(least)
    return tuple(name for name in matching if name in kept)
