"""What learners on tables share: the table of a unit, seeds, and the scale of a target."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from mattomo.learners.base import Task, Unit
from mattomo.projections.descriptors import Table
from mattomo.projections.graphs import Floats
from mattomo.projections.property import standardiser


class Target(NamedTuple):
    """A target standardised on the training rows.

    Attributes
    ----------
    scaled : ndarray of float64, shape (n,)
    mean, scale : float
        Their ``scaled * scale + mean`` is the target in its unit.
    """

    scaled: Floats
    mean: float
    scale: float


def base_table(unit: Unit) -> Table:
    """The table of a unit.

    Raises
    ------
    TypeError
        Its base representation is something else.
    """
    base: object = unit.base  # type: ignore[attr-defined]
    if not isinstance(base, Table):
        raise TypeError(f"this learner reads a Table, and {unit.representation!r} is {type(base).__name__}")
    return base


def seed_of(*key: object) -> int:
    """A seed below 2³¹ that depends only on ``key`` (hashed with SHA-256)."""
    digest = hashlib.sha256("\x1f".join(map(str, key)).encode()).digest()
    return int.from_bytes(digest[:4], "little") >> 1


def target_of(unit: Unit, task: Task) -> Target:
    """The target of a task."""
    values = unit.columns[task.target].values.astype("float64")
    mean, scale = standardiser(values[unit.split.train])
    return Target((values - mean) / scale, mean, scale)
