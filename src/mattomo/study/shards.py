"""Shares of a study for job arrays: every machine works out its own, without talking to others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mattomo.errors import InputError
from mattomo.study.units import PlannedUnit


@dataclass(frozen=True)
class Shard:
    """Share ``number`` (from 1) of ``of``.

    Units are sorted by learner, representation, share of the training rows, pair, target and seed, and dealt
    like cards: every shard gets about as many of each kind. Times are not used, because two processors may
    round them differently.
    """

    number: int
    of: int

    def units(self, units: Sequence[PlannedUnit]) -> tuple[PlannedUnit, ...]:
        """Those of this shard."""
        dealt = sorted(
            units,
            key=lambda u: (u.learner, u.representation, u.fraction, u.pair, u.target, u.seed, u.id),
        )
        return tuple(dealt[self.number - 1 :: self.of])

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def read_shard(text: str) -> Shard:
    """The shard that ``2/8`` stands for.

    Raises
    ------
    InputError
        This is no shard.

    >>> read_shard("2/8")
    Shard(number=2, of=8)
    """
    number, _, of = text.partition("/")
    if number.strip().isdecimal() and of.strip().isdecimal() and 1 <= int(number) <= int(of):
        return Shard(int(number), int(of))
    raise InputError(
        "this is not a shard", column="--shard", value=text, hint="Write e.g. 2/8: the second of eight."
    )
