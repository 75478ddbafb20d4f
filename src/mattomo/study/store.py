"""The study folder: one subfolder a unit, which appears whole or not at all.

study.json            what the study is: choices, data, splits' identity
quarantine.csv        every row or cell that takes no part, with the reason
units/<id>/
    predictions.parquet   id, part, true value, and one column of predictions a task
    curves.parquet        epoch, task, validation error, training loss
    record.json           tasks, errors, timings, environment, checksums of the two tables
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mattomo.atomic import write_text
from mattomo.errors import InputError
from mattomo.learners.base import Trained, mean_absolute_error
from mattomo.materials.quarantine import Quarantine
from mattomo.study.plan import Plan, PlannedUnit, digest
from mattomo.version import __version__

#: Raised when older programs could not read a folder.
FORMAT = 1
_TABLES = ("predictions.parquet", "curves.parquet")


class Store:
    """A study folder.

    Parameters
    ----------
    folder : path
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)

    def create(self, plan: Plan, quarantine: Quarantine) -> None:
        """Make the folder, or check that it holds this very study.

        Raises
        ------
        InputError
            The folder holds another study, was written by a newer mattomo, or cannot be written.
        """
        description = describe(plan)
        path = self.folder / "study.json"
        if path.exists():
            self._refuse_another(description)
            return
        if self.folder.exists() and any(self.folder.iterdir()):
            raise InputError(
                "this folder is not empty and holds no study",
                file=str(self.folder),
                hint="Choose a new folder.",
            )
        try:
            (self.folder / "units").mkdir(parents=True, exist_ok=True)
            quarantine.write_csv(self.folder / "quarantine.csv")
            write_text(path, json.dumps(description, indent=2, ensure_ascii=False))
        except OSError as error:
            raise InputError(
                f"cannot write the study folder: {error.strerror}",
                file=str(self.folder),
                hint="Choose a folder you may write to, on a disk with room.",
            ) from None

    def description(self) -> dict[str, Any]:
        """What `describe` wrote.

        Raises
        ------
        InputError
            There is no study here, or it is of a newer format.
        """
        path = self.folder / "study.json"
        try:
            description: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise InputError(
                "there is no study in this folder", file=str(self.folder), hint="Run one with `mattomo run`."
            ) from None
        except (json.JSONDecodeError, UnicodeDecodeError):
            raise InputError(
                "this file is damaged", file=str(path), hint="Restore it, or start anew."
            ) from None
        if description.get("format", 0) > FORMAT:
            raise InputError(
                f"this study was written by a newer mattomo ({description.get('mattomo', '?')})",
                file=str(path),
                hint="Update mattomo to read it.",
            )
        return description

    def _refuse_another(self, description: dict[str, Any]) -> None:
        found = self.description()
        if found["identity"] == description["identity"]:
            return
        old, new = found["config"], description["config"]
        changed = [key for key in new if old.get(key) != new[key]]
        what = (
            ", ".join(f"{key} = {old.get(key)!r} there, {new[key]!r} here" for key in changed[:4])
            if changed
            else "the same choices on other data: rows or values have changed"
        )
        raise InputError(
            f"this folder holds another study ({what})",
            file=str(self.folder),
            hint="Choose another folder, or run the study file that made this one.",
        )

    def unit_folder(self, unit_id: str) -> Path:
        """Where a unit is, or will be."""
        return self.folder / "units" / unit_id

    def state(self, unit_id: str) -> str:
        """``"done"``, ``"missing"`` or ``"damaged"``."""
        folder = self.unit_folder(unit_id)
        if not folder.exists():
            return "missing"
        try:
            record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
            for name in _TABLES:
                if hashlib.sha256((folder / name).read_bytes()).hexdigest() != record["sha256"][name]:
                    return "damaged"
        except (OSError, ValueError, KeyError, TypeError):
            return "damaged"
        return "done"

    def discard(self, unit_id: str) -> None:
        """Remove a damaged unit, so that it is trained again."""
        shutil.rmtree(self.unit_folder(unit_id), ignore_errors=True)

    def sweep(self) -> None:
        """Remove what killed runs left half-written."""
        for folder in (self.folder / "units").glob(".*.part"):
            shutil.rmtree(folder, ignore_errors=True)

    def write(self, plan: Plan, unit: PlannedUnit, trained: Trained, environment: dict[str, str]) -> None:
        """Write a finished unit; its folder appears in one step."""
        split = plan.prepared.splits[unit.seed]
        column = plan.prepared.columns[unit.target]
        rows = np.concatenate([split.validation, split.test])
        true = column.values[rows].astype(np.float64)
        predicted = np.concatenate([trained.validation, trained.test], axis=1)
        names = [f"with {task.name}" if task.added else "baseline" for task in unit.tasks]
        predictions = pd.DataFrame(
            {
                "id": plan.prepared.materials.ids[rows],
                "part": ["validation"] * len(split.validation) + ["test"] * len(split.test),
                "true": true,
                **dict(zip(names, predicted, strict=True)),
            }
        )
        epochs, k = trained.validation_mae.shape
        curves = pd.DataFrame(
            {
                "epoch": np.repeat(np.arange(1, epochs + 1), k),
                "added": np.tile([task.name for task in unit.tasks], epochs),
                "val_mae": trained.validation_mae.ravel(),
                "train_loss": trained.train_loss.ravel(),
            }
        )
        tables = {}
        for name, table in zip(_TABLES, (predictions, curves), strict=True):
            buffer = io.BytesIO()
            table.to_parquet(buffer, index=False)
            tables[name] = buffer.getvalue()
        validation_mae = mean_absolute_error(trained.validation, true[: len(split.validation)])
        test_mae = mean_absolute_error(trained.test, true[len(split.validation) :])
        record = {
            "format": FORMAT,
            "id": unit.id,
            "learner": unit.learner,
            "representation": unit.representation,
            "target": unit.target,
            "seed": unit.seed,
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
            "environment": environment,
            "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in tables.items()},
        }
        part = self.folder / "units" / f".{unit.id}.{uuid.uuid4().hex[:8]}.part"
        part.mkdir(parents=True)
        try:
            for name, content in tables.items():
                (part / name).write_bytes(content)
            (part / "record.json").write_text(json.dumps(record, indent=2), encoding="utf-8")
            try:
                os.rename(part, self.unit_folder(unit.id))
            except OSError:
                # Another process finished the same unit first: same input, same numbers.
                if self.state(unit.id) != "done":
                    raise
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def records(self, unit_ids: Sequence[str]) -> list[dict[str, Any]]:
        """Records of the finished units among ``unit_ids``."""
        return [
            json.loads((self.unit_folder(unit_id) / "record.json").read_text(encoding="utf-8"))
            for unit_id in unit_ids
            if self.state(unit_id) == "done"
        ]

    def curves(self, unit_id: str) -> pd.DataFrame:
        """Learning curves of a finished unit."""
        return pd.read_parquet(self.unit_folder(unit_id) / "curves.parquet")

    def predictions(self, unit_id: str) -> pd.DataFrame:
        """Validation and test predictions of a finished unit."""
        return pd.read_parquet(self.unit_folder(unit_id) / "predictions.parquet")


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
    }


def _number(value: float) -> float | None:
    """JSON has no NaN."""
    return float(value) if np.isfinite(value) else None
