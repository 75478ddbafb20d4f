"""The plan of a study: every unit with its identity, and what it will cost. It trains nothing."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mattomo.learners.base import Learner, Task, Unit
from mattomo.materials.table import Materials
from mattomo.projections.descriptors import Table
from mattomo.projections.graphs import Graphs
from mattomo.study.config import StudyConfig
from mattomo.study.prepare import Prepared, base_graphs, base_table

#: Raised whenever the descriptors of a material change.
DESCRIPTORS = 1
#: Processor seconds of one model for one pass over one merged edge, forward and backward, and for one node.
#: Rough, for the native kernel of the network (pure JAX takes three times as long); `plan` says so.
_SECONDS_PER_EDGE = 1.2e-6
_SECONDS_PER_NODE = 5.0e-6
#: Of one fit of trees on 500 rows, by benchmarks/trees.py.
_SECONDS_PER_FIT = 0.18
#: Bytes a worker holds for each edge of a batch, and at rest.
_BYTES_PER_EDGE = 2400
_BYTES_AT_REST = 450e6


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
    """

    id: str
    learner: str
    representation: str
    target: str
    seed: int
    tasks: tuple[Task, ...]


@dataclass(frozen=True)
class Plan:
    """All units of a study and their cost.

    Attributes
    ----------
    config : StudyConfig
    prepared : Prepared
    graphs : mapping of str to Graphs
        By representation.
    tables : mapping of str to Table
        By representation, for learners that read tables.
    learners : mapping of str to Learner
        By name.
    fingerprint : str
        SHA-256 of the rows and columns the study uses.
    units : tuple of PlannedUnit
    """

    config: StudyConfig
    prepared: Prepared
    graphs: Mapping[str, Graphs]
    tables: Mapping[str, Table]
    learners: Mapping[str, Learner]
    fingerprint: str
    units: tuple[PlannedUnit, ...]

    @property
    def trainings(self) -> int:
        """Models to train."""
        return sum(len(unit.tasks) for unit in self.units)

    @property
    def trainings_as_counted_in_the_paper(self) -> int:
        """The paper counts the baseline once for every added property."""
        return 2 * sum(len(unit.tasks) - 1 for unit in self.units)

    def unit(self, planned: PlannedUnit) -> Unit:
        """What the learner gets for a unit."""
        reads = self.learners[planned.learner].reads
        bases: Mapping[str, Graphs | Table] = self.graphs if reads == "graphs" else self.tables
        names = {planned.target, *(name for task in planned.tasks for name in task.added)}
        return Unit(
            representation=planned.representation,
            base=bases[planned.representation],
            columns={name: self.prepared.columns[name] for name in sorted(names)},
            split=self.prepared.splits[planned.seed],
            seed=planned.seed,
            tasks=planned.tasks,
        )

    def seconds(self, planned: PlannedUnit) -> float:
        """Rough processor time of a unit."""
        split = self.prepared.splits[planned.seed]
        if self.learners[planned.learner].reads == "table":
            return len(planned.tasks) * _SECONDS_PER_FIT * float((len(split.train) / 500) ** 0.85)
        graphs = self.graphs[planned.representation]
        cost = np.diff(graphs.edge_offsets) * _SECONDS_PER_EDGE
        cost = cost + np.diff(graphs.node_offsets) * _SECONDS_PER_NODE
        # Validation is forward only, about a third of a training pass.
        once = cost[split.train].sum() + cost[split.validation].sum() / 3
        return float(once * self.config.epochs * len(planned.tasks))

    def memory(self) -> float:
        """Rough bytes of one worker."""
        edges = max(np.diff(g.edge_offsets).mean() for g in self.graphs.values())
        held = sum(a.nbytes for g in self.graphs.values() for a in vars(g).values())
        held += sum(table.values.nbytes for table in self.tables.values())
        return float(_BYTES_AT_REST + edges * self.config.batch_size * _BYTES_PER_EDGE + held)


def plan(prepared: Prepared, config: StudyConfig, learners: Sequence[Learner] | None = None) -> Plan:
    """Plan all units of a study.

    Parameters
    ----------
    prepared : Prepared
    config : StudyConfig
    learners : sequence of Learner, optional
        Those of the configuration by default.

    Returns
    -------
    Plan
    """
    learners = config.built_learners() if learners is None else learners
    fingerprint = _fingerprint(prepared)
    graphs: dict[str, Graphs] = {
        r: base_graphs(prepared.materials, r, config) for r in config.representations
    }
    tables: dict[str, Table] = {}
    if any(learner.reads == "table" for learner in learners):
        tables = {
            r: base_table(prepared.materials, r, graphs.get("structure")) for r in config.representations
        }
    units = []
    for learner in learners:
        for representation in config.representations:
            for seed in config.seeds:
                for target in config.targets:
                    tasks = (Task(target), *(Task(target, (added,)) for added in config.properties))
                    identity = _identity(fingerprint, representation, seed, tasks, prepared, config, learner)
                    unit_id = f"{representation}-{learner.name}-seed{seed}-{target}-{identity[:12]}"
                    units.append(PlannedUnit(unit_id, learner.name, representation, target, seed, tasks))
    named = {learner.name: learner for learner in learners}
    return Plan(config, prepared, graphs, tables, named, fingerprint, tuple(units))


def _fingerprint(prepared: Prepared) -> str:
    """Of what is used: columns that the study does not name may change freely."""
    used: Materials = dataclasses.replace(prepared.materials, columns=dict(prepared.columns))
    return used.fingerprint()


def _identity(
    fingerprint: str,
    representation: str,
    seed: int,
    tasks: tuple[Task, ...],
    prepared: Prepared,
    config: StudyConfig,
    learner: Learner,
) -> str:
    split = prepared.splits[seed]
    reading: dict[str, Any] = {}
    if learner.reads == "table":
        reading["descriptors"] = DESCRIPTORS
    elif representation == "composition":
        reading["basis"] = config.basis
    if representation == "structure":
        reading |= {"neighbours": config.neighbours, "radius": config.radius, "ties": config.ties}
    return digest(
        {
            "data": fingerprint,
            "representation": {"name": representation, **reading},
            "learner": {"name": learner.name, "version": learner.version, **learner.settings()},
            "seed": seed,
            "split": [_hash_rows(rows) for rows in (split.train, split.validation, split.test)],
            "tasks": [[task.target, *task.added] for task in tasks],
        }
    )


def digest(value: Any) -> str:
    """SHA-256 of plain values, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _hash_rows(rows: np.ndarray[Any, np.dtype[np.int64]]) -> str:
    return hashlib.sha256(np.ascontiguousarray(rows, dtype=np.int64).tobytes()).hexdigest()
