"""What a plan consists of: units, what they need beforehand, and their rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mattomo.keyed import generator
from mattomo.learners.base import Split, Task
from mattomo.study import controls
from mattomo.study.config import StudyConfig
from mattomo.study.prepare import Prepared


@dataclass(frozen=True)
class PlannedUnit:
    """One unit: a base representation, a seed and a target, alone and with each added property.

    Attributes
    ----------
    id : str
        Name of its folder; ends in a hash of everything that determines its numbers.
    learner, representation, target : str
    seed : int
    tasks : tuple of Task
    pair : str
        The property whose rows it uses, where rows are chosen for each pair; else "".
    fraction : float
        Share of the training rows it trains on.
    """

    id: str
    learner: str
    representation: str
    target: str
    seed: int
    tasks: tuple[Task, ...]
    pair: str = ""
    fraction: float = 1.0


@dataclass(frozen=True)
class PlannedConditional:
    """What one representation tells of all properties, learned before the units of the same split.

    Attributes
    ----------
    id : str
        Name of its folder; ends in a hash of everything that determines its numbers.
    representation : str
    seed : int
    names : tuple of str
        Properties, targets and controls.
    """

    id: str
    representation: str
    seed: int
    names: tuple[str, ...]


def unit_tasks(target: str, config: StudyConfig) -> list[tuple[str, tuple[Task, ...]]]:
    """The tasks of a target, in units that share their rows, each with the name of its pair."""
    own = [Task(target, (controls.PREFIX + name,)) for name in config.controls]
    if config.atoms and "placebo" in config.controls and config.rows == "complete":
        own.append(Task(target, (controls.ATOMS,)))
    pairs = [Task(target, (name,)) for name in config.properties]
    if config.rows == "complete":
        return [("", (Task(target), *pairs, *own))]
    return [("", (Task(target), *own)), *((task.added[0], (Task(target), task)) for task in pairs)]


def rows_of(planned: PlannedUnit, prepared: Prepared) -> Split:
    """Rows of a unit: those of its seed that have its target and its pair's property."""
    split = prepared.splits[planned.seed]
    known = ~prepared.columns[planned.target].missing
    if planned.pair:
        known = known & ~prepared.columns[planned.pair].missing
    train, validation, test = (rows[known[rows]] for rows in (split.train, split.validation, split.test))
    if planned.fraction < 1:
        place = np.argsort(generator("train fraction", planned.seed).permutation(len(known)))
        # Nested: a larger share holds the smaller ones.
        first = np.argsort(place[train])[: max(2, round(planned.fraction * len(train)))]
        train = np.sort(train[first])
    return Split(train, validation, test)
