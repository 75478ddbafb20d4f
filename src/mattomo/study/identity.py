"""Names of folders, which end in a hash of everything that determines the numbers in them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from mattomo.learners import conditional
from mattomo.learners.base import Learner, Split, Task
from mattomo.materials.table import Materials
from mattomo.projections.graphs import Ints
from mattomo.study import controls
from mattomo.study.config import StudyConfig
from mattomo.study.prepare import Prepared, own_columns
from mattomo.study.units import PlannedConditional, PlannedUnit, rows_of

#: Raised whenever the descriptors of a material change.
DESCRIPTORS = 1


def fingerprint(prepared: Prepared, config: StudyConfig) -> str:
    """Of what is used: columns that the study does not name may change freely."""
    materials, columns = prepared.materials, dict(prepared.columns)
    for patterns in config.tables.values():
        columns |= {name: materials.columns[name] for name in own_columns(materials, patterns)}
    atoms = {name: prepared.atoms[name] for name in config.atoms}
    used: Materials = dataclasses.replace(materials, columns=columns, atoms=atoms)
    return used.fingerprint()


@dataclass(frozen=True)
class Identity:
    """Names of folders, which end in a hash of everything that determines the numbers in them."""

    fingerprint: str
    prepared: Prepared
    config: StudyConfig

    def unit(self, unit: PlannedUnit, learner: Learner) -> str:
        own = [name for task in unit.tasks for name in task.added if name.startswith(controls.PREFIX)]
        identity = digest(
            {
                **self._common(unit.representation, learner.reads, unit.seed, rows_of(unit, self.prepared)),
                "learner": {"name": learner.name, "version": learner.version, **learner.settings()},
                "tasks": [[task.target, *task.added] for task in unit.tasks],
                "controls": controls.VERSION if own else None,
                "swaps": [self.config.swaps, conditional.VERSION] if self.config.swaps else None,
            }
        )
        words = [unit.representation, unit.learner, f"seed{unit.seed}", unit.target]
        words += [f"with-{unit.pair}"] if unit.pair else []
        words += [f"share{unit.fraction:g}"] if unit.fraction < 1 else []
        return _folder("-".join(words), identity)

    def fit(
        self, learner: Learner, representation: str, task: Task, seed: int, split: Split, draws: int
    ) -> str:
        """Of a model of `mattomo.study.fits`, which are asked about placebos on all held-out rows."""
        own = any(name.startswith(controls.PREFIX) for name in task.added)
        identity = digest(
            {
                **self._common(representation, learner.reads, seed, split),
                "learner": {"name": learner.name, "version": learner.version, **learner.settings()},
                "task": [task.target, *task.added],
                "controls": [controls.VERSION, *self.config.properties] if own else None,
                "swaps": [draws, conditional.VERSION],
            }
        )
        return _folder(f"{representation}-{learner.name}-seed{seed}-{task.target}", identity)

    def conditional(self, planned: PlannedConditional) -> str:
        split = self.prepared.splits[planned.seed]
        common = self._common(planned.representation, "table", planned.seed, split)
        identity = digest({**common, "names": planned.names, "version": conditional.VERSION})
        return _folder(f"{planned.representation}-seed{planned.seed}", identity)

    def _common(self, representation: str, reads: str, seed: int, split: Split) -> dict[str, Any]:
        config = self.config
        reading: dict[str, Any] = {}
        if representation in config.tables:
            reading["columns"] = config.tables[representation]
        elif reads == "table":
            reading["descriptors"] = DESCRIPTORS
        elif representation == "composition":
            reading["basis"] = config.basis
        if representation == "structure":
            reading |= {"neighbours": config.neighbours, "radius": config.radius, "ties": config.ties}
        return {
            "data": self.fingerprint,
            "representation": {"name": representation, **reading},
            "seed": seed,
            "split": [_hash_rows(rows) for rows in (split.train, split.validation, split.test)],
        }


def _folder(words: str, identity: str) -> str:
    """A name any file system takes: columns may be called anything."""
    return f"{re.sub(r'[^A-Za-z0-9_.+-]+', '_', words)[:120]}-{identity[:12]}"


def digest(value: Any) -> str:
    """SHA-256 of plain values, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _hash_rows(rows: Ints) -> str:
    return hashlib.sha256(np.ascontiguousarray(rows, dtype=np.int64).tobytes()).hexdigest()
