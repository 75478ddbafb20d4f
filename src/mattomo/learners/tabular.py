"""What learners on tables share: the table of a unit, seeds, and the scale of a target."""

from __future__ import annotations

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
    if not isinstance(unit.base, Table):
        given = type(unit.base).__name__
        raise TypeError(f"this learner reads a Table, and {unit.representation!r} is {given}")
    return unit.base


def target_of(unit: Unit, task: Task) -> Target:
    """The target of a task."""
    values = unit.columns[task.target].values.astype("float64")
    mean, scale = standardiser(values[unit.split.train])
    return Target((values - mean) / scale, mean, scale)
