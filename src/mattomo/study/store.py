"""The study folder: one subfolder a unit, which appears whole or not at all.

study.json            what the study is: choices, data, splits' identity
materials.parquet     id, formula, targets and added properties of the rows that take part
relations.json        columns that are functions of other columns, if it was asked for
quarantine.csv        every row or cell that takes no part, with the reason
conditionals/<id>/    what a representation tells of the properties, learned before the units
    conditionals.parquet  predictions or probabilities of the test rows
    record.json           levels, scales, environment, checksum
units/<id>/
    predictions.parquet   id, part, true value, and one column of predictions a task
    swapped.parquet       predictions of the test rows under conditional placebos, if any were drawn
    curves.parquet        epoch, task, validation error, training loss
    record.json           tasks, errors, timings, environment, checksums of the tables
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mattomo.atomic import write_bytes, write_text
from mattomo.errors import InputError
from mattomo.learners.base import Trained, mean_absolute_error
from mattomo.learners.conditional import Conditional
from mattomo.materials.quarantine import Quarantine
from mattomo.study import frames
from mattomo.study.identity import digest
from mattomo.study.outcome import Rows
from mattomo.study.plan import Plan
from mattomo.study.units import PlannedConditional, PlannedUnit
from mattomo.version import __version__

#: Raised when older programs could not read a folder.
FORMAT = 2
#: What every folder of a kind holds at least.
_TABLES = {"units": ("predictions.parquet", "curves.parquet"), "conditionals": ("conditionals.parquet",)}


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
            if (self.folder / "materials.parquet").exists():
                return
        elif self.folder.exists() and any(self.folder.iterdir()):
            raise InputError(
                "this folder is not empty and holds no study",
                file=str(self.folder),
                hint="Choose a new folder.",
            )
        try:
            (self.folder / "units").mkdir(parents=True, exist_ok=True)
            quarantine.write_csv(self.folder / "quarantine.csv")
            table = frames.materials(plan.prepared.materials, plan.prepared.columns)
            write_bytes(self.folder / "materials.parquet", table)
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

    def state(self, unit_id: str, kind: str = "units") -> str:
        """``"done"``, ``"missing"`` or ``"damaged"``; ``kind`` may be ``"conditionals"``."""
        folder = self.folder / kind / unit_id
        if not folder.exists():
            return "missing"
        try:
            sums = self._record(unit_id, kind)["sha256"]
            for name in {*_TABLES[kind], *sums}:
                if hashlib.sha256((folder / name).read_bytes()).hexdigest() != sums[name]:
                    return "damaged"
        except (OSError, ValueError, KeyError, TypeError):
            return "damaged"
        return "done"

    def discard(self, unit_id: str, kind: str = "units") -> None:
        """Remove what is damaged, so that it is made again."""
        shutil.rmtree(self.folder / kind / unit_id, ignore_errors=True)

    def sweep(self) -> None:
        """Remove what killed runs left half-written."""
        for kind in _TABLES:
            for folder in (self.folder / kind).glob(".*.part"):
                shutil.rmtree(folder, ignore_errors=True)

    def write(self, plan: Plan, unit: PlannedUnit, trained: Trained, environment: dict[str, str]) -> None:
        """Write a finished unit; its folder appears in one step."""
        split, materials = plan.split(unit), plan.prepared.materials
        target = plan.prepared.columns[unit.target]
        tables = {
            "predictions.parquet": frames.predictions(materials, target, split, unit.tasks, trained),
            "curves.parquet": frames.curves(unit.tasks, trained),
        }
        if trained.swapped:
            tables["swapped.parquet"] = frames.swapped(materials.ids[split.test], unit.tasks, trained)
        true = target.values.astype(np.float64)
        validation_mae = mean_absolute_error(trained.validation, true[split.validation])
        test_mae = mean_absolute_error(trained.test, true[split.test])
        record = {
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
            "environment": environment,
        }
        self._write(unit.id, "units", tables, record)

    def write_conditionals(
        self,
        plan: Plan,
        planned: PlannedConditional,
        found: Mapping[str, Conditional],
        environment: dict[str, str],
    ) -> None:
        """Write what a representation tells of the properties; its folder appears in one step."""
        ids = plan.prepared.materials.ids[plan.prepared.splits[planned.seed].test]
        table, rest = frames.conditionals(ids, found)
        record = {
            "id": planned.id,
            "representation": planned.representation,
            "seed": planned.seed,
            "properties": rest,
            "environment": environment,
        }
        self._write(planned.id, "conditionals", {"conditionals.parquet": table}, record)

    def _write(self, unit_id: str, kind: str, tables: dict[str, bytes], record: dict[str, Any]) -> None:
        record["format"] = FORMAT
        record["sha256"] = {name: hashlib.sha256(content).hexdigest() for name, content in tables.items()}
        part = self.folder / kind / f".{unit_id}.{uuid.uuid4().hex[:8]}.part"
        part.mkdir(parents=True)
        try:
            for name, content in tables.items():
                (part / name).write_bytes(content)
            (part / "record.json").write_text(json.dumps(record, indent=2), encoding="utf-8")
            try:
                os.rename(part, self.folder / kind / unit_id)
            except OSError:
                # Another process finished the same first: same input, same numbers.
                if self.state(unit_id, kind) != "done":
                    raise
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def _record(self, unit_id: str, kind: str = "units") -> dict[str, Any]:
        path = self.folder / kind / unit_id / "record.json"
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return record

    def conditionals(self, planned_id: str) -> dict[str, Conditional]:
        """What `write_conditionals` wrote."""
        path = self.folder / "conditionals" / planned_id / "conditionals.parquet"
        return frames.read_conditionals(path, self._record(planned_id, "conditionals")["properties"])

    def entropies(self, planned_id: str) -> tuple[str, dict[str, float]]:
        """Representation, and cross-entropy (bits) of each category that was learned from it."""
        record = self._record(planned_id, "conditionals")
        about = {name: each.get("cross_entropy") for name, each in record["properties"].items()}
        return record["representation"], {name: bits for name, bits in about.items() if bits is not None}

    def relations(self) -> list[dict[str, Any]]:
        """Relations between the columns of the study, as `write_relations` got them."""
        try:
            found = json.loads((self.folder / "relations.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        return list(found)

    def write_relations(self, found: Sequence[dict[str, Any]]) -> None:
        """Keep relations between the columns of the study beside its numbers."""
        write_text(self.folder / "relations.json", json.dumps(list(found), indent=2, ensure_ascii=False))

    def check(self) -> dict[str, Any] | None:
        """The check of the study's table as `write_check` got it; None if there is none."""
        try:
            found: dict[str, Any] = json.loads((self.folder / "check.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found

    def write_check(self, found: dict[str, Any]) -> None:
        """Keep the check of the study's table beside its numbers."""
        write_text(self.folder / "check.json", json.dumps(found, indent=1, ensure_ascii=False))

    def materials(self) -> Rows:
        """The rows that take part.

        Raises
        ------
        InputError
            Their table is missing (a folder of mattomo 0.1) or damaged.
        """
        path = self.folder / "materials.parquet"
        try:
            return frames.read_materials(path)
        except (OSError, ValueError, KeyError):
            raise InputError(
                "the study's table of materials is missing or cannot be read",
                file=str(path),
                hint="Run the study again into the same folder: finished units are kept.",
            ) from None

    def records(self, unit_ids: Sequence[str]) -> list[dict[str, Any]]:
        """Records of the finished units among ``unit_ids``."""
        return [self._record(unit_id) for unit_id in unit_ids if self.state(unit_id) == "done"]

    def curves(self, unit_id: str) -> pd.DataFrame:
        """Learning curves of a finished unit."""
        return pd.read_parquet(self.unit_folder(unit_id) / "curves.parquet")

    def predictions(self, unit_id: str) -> pd.DataFrame:
        """Validation and test predictions of a finished unit."""
        return pd.read_parquet(self.unit_folder(unit_id) / "predictions.parquet")

    def swapped(self, unit_id: str) -> dict[str, NDArray[np.float32]]:
        """Predictions of the test rows under placebos, shape (n, n_test) by property; may be empty."""
        path = self.unit_folder(unit_id) / "swapped.parquet"
        return frames.read_swapped(path) if path.exists() else {}


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
    }


def _number(value: float) -> float | None:
    """JSON has no NaN."""
    return float(value) if np.isfinite(value) else None
