"""What a study and its units are, as plain values: the content of ``study.json`` and ``record.json``."""

from __future__ import annotations

from typing import Any

import numpy as np

from mattomo.learners.base import Split, Trained, mean_absolute_error
from mattomo.materials.table import Column
from mattomo.study.identity import digest
from mattomo.study.plan import Plan
from mattomo.study.units import PlannedUnit
from mattomo.version import __version__

#: Raised when older programs could not read a folder.
FORMAT = 2


def describe(plan: Plan) -> dict[str, Any]:
    """What a study is, as plain values."""
    prepared = plan.prepared
    config = {**plan.config.plain(), "learners": list(plan.learners)}
    return {
        "format": FORMAT,
        "mattomo": __version__,
        "identity": digest({"units": [unit.id for unit in plan.units]}),
        "config": config,
        "data": {
            "source": prepared.materials.source,
            "n_rows": prepared.n_rows,
            "n_used": len(prepared.materials),
            "n_quarantined": prepared.n_rows - len(prepared.materials),
            "n_formulas": prepared.n_formulas,
            "one_to_one": prepared.one_to_one,
            "one_to_one_share": prepared.one_to_one / prepared.n_rows,
            "fingerprint": plan.fingerprint,
        },
        "properties": [
            {"name": name, **{k: v for k, v in vars(column.info).items() if k != "name"}}
            for name, column in prepared.columns.items()
        ],
        "notices": list(prepared.notices),
        "units": [unit.id for unit in plan.units],
        "conditionals": [planned.id for planned in plan.conditionals],
        # Rough processor seconds, to tell the remaining time by; three digits are the same on all processors.
        "costs": {name: float(f"{seconds:.3g}") for name, seconds in plan.costs.items()},
    }


def difference(found: dict[str, Any], description: dict[str, Any]) -> str:
    """What tells two studies apart, in words; empty if they are one."""
    if found["identity"] == description["identity"]:
        return ""
    old, new = found["config"], description["config"]
    changed = [key for key in new if old.get(key) != new[key]]
    if not changed:
        return "the same choices on other data: rows or values have changed"
    return ", ".join(f"{key} = {old.get(key)!r} there, {new[key]!r} here" for key in changed[:4])


def unit_record(unit: PlannedUnit, split: Split, target: Column, trained: Trained) -> dict[str, Any]:
    """What a finished unit is: its tasks with their errors, and the time it took."""
    true = target.values.astype(np.float64)
    validation_mae = mean_absolute_error(trained.validation, true[split.validation])
    test_mae = mean_absolute_error(trained.test, true[split.test])
    return {
        "id": unit.id,
        "learner": unit.learner,
        "representation": unit.representation,
        "target": unit.target,
        "seed": unit.seed,
        "pair": unit.pair,
        "fraction": unit.fraction,
        "n_train": len(split.train),
        "n_val": len(split.validation),
        "n_test": len(split.test),
        "seconds": trained.seconds,
        "models": [
            {
                "added": task.name,
                "mae": _number(test_mae[i]),
                "val_mae": _number(validation_mae[i]),
                "best_epoch": int(trained.best_epoch[i]),
            }
            for i, task in enumerate(unit.tasks)
        ],
    }


def _number(value: float) -> float | None:
    """JSON has no NaN."""
    return float(value) if np.isfinite(value) else None


def is_damaged(description: dict[str, Any]) -> bool:
    """Whether a description or a record is not what was written; earlier versions gave it no checksum."""
    claimed = description.get("checksum")
    rest = {key: value for key, value in description.items() if key != "checksum"}
    return claimed is not None and claimed != digest(rest)
