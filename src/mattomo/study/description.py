"""What a study is, as plain values: the content of ``study.json``."""

from __future__ import annotations

from typing import Any

from mattomo.study.identity import digest
from mattomo.study.plan import Plan
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


def is_damaged(description: dict[str, Any]) -> bool:
    """Whether a description is not what was written; those of earlier versions have no checksum."""
    claimed = description.get("checksum")
    rest = {key: value for key, value in description.items() if key != "checksum"}
    return claimed is not None and claimed != digest(rest)
