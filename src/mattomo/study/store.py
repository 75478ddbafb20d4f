"""The study folder: one subfolder a unit, which appears whole or not at all.

study.json            what the study is: choices, data, splits' identity
materials.parquet     id, formula, targets and added properties of the rows that take part
relations.json        columns that are functions of other columns
check.json            what the check says of the table the study was made from
quarantine.csv        every row or cell that takes no part, with the reason
conditionals/<id>/    what a representation tells of the properties, learned before the units
    conditionals.parquet  predictions or probabilities of the test rows
    record.json           levels, scales, environment, checksum
units/<id>/
    predictions.parquet   id, part, true value, and one column of predictions a task
    swapped.parquet       predictions of the test rows under conditional placebos, if any were drawn
    curves.parquet        epoch, task, validation error, training loss
    record.json           tasks, errors, time, memory, environment, checksums of the tables
select/               models of sets of properties, and what was selected (see `mattomo.study.fits`)
checkpoints/<id>.npz  state of a unit in training, for learners that save it
running/<id>.lock     who is making a unit (see `mattomo.study.locks`)
shared/<token>/       what the workers of a run read (see `mattomo.study.shared`)
logs/<id>.log         what happened to a unit; <id>.json beside it while it has failed
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mattomo.atomic import write_bytes, write_text
from mattomo.errors import InputError
from mattomo.learners.base import Trained
from mattomo.learners.conditional import Conditional
from mattomo.materials.quarantine import Quarantine
from mattomo.study import frames
from mattomo.study.description import FORMAT, describe, difference, is_damaged, unit_record
from mattomo.study.identity import digest
from mattomo.study.machine import Circumstances
from mattomo.study.outcome import Rows
from mattomo.study.plan import Plan
from mattomo.study.stop import undisturbed
from mattomo.study.units import PlannedConditional, PlannedUnit

Kind = Literal["units", "conditionals"]
#: What every folder of a kind holds at least.
_TABLES: dict[Kind, tuple[str, ...]] = {
    "units": ("predictions.parquet", "curves.parquet"),
    "conditionals": ("conditionals.parquet",),
}
#: What a run that was killed while it made a folder may have left there.
_OURS = re.compile(
    r"units|conditionals|select|checkpoints|running|shared|logs"
    r"|quarantine\.csv|materials\.parquet|relations\.json|check\.json"
    r"|\.(study\.json|quarantine\.csv|materials\.parquet|relations\.json|check\.json)\..*"
)


class Store:
    """A study folder.

    Parameters
    ----------
    folder : path
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)

    def check(self, plan: Plan, quarantine: Quarantine) -> dict[str, bytes]:
        """Check that the folder is new or holds this very study; nothing is written.

        Returns
        -------
        dict of str to bytes
            Files of the study, besides its units, that are missing or damaged, and what belongs in them.

        Raises
        ------
        InputError
            The folder holds another study or something else, or was written by a newer mattomo.
        """
        contents = {
            "quarantine.csv": quarantine.to_csv().encode("utf-8", errors="replace"),
            "materials.parquet": frames.materials(plan.prepared.materials, plan.prepared.columns),
        }
        description = describe(plan)
        description["sha256"] = {name: _sha256(content) for name, content in contents.items()}
        description["checksum"] = digest(description)
        # Last: a folder with a description has the rest.
        contents["study.json"] = json.dumps(description, indent=2, ensure_ascii=False).encode()
        self.refuse_newer()
        known = {unit.id for unit in plan.units}
        ours = all(path.name in known for path in self.folder.glob("units/[!.]*"))
        if (self.folder / "study.json").exists():
            found, damage = self._read_description()
            if not damage and (what := difference(found, description)):
                raise InputError(
                    f"this folder holds another study ({what})",
                    file=str(self.folder),
                    hint="Choose another folder, or run the study file that made this one.",
                )
            if damage and not ours:
                raise self._damaged()
        elif self.folder.exists():
            others = [path.name for path in self.folder.iterdir() if not _OURS.fullmatch(path.name)]
            if others or not ours:
                raise InputError(
                    "this folder is not empty and holds no study",
                    file=str(self.folder),
                    hint="Choose a new folder.",
                )
        return {name: content for name, content in contents.items() if not self._holds(name, content)}

    def create(self, outdated: Mapping[str, bytes]) -> list[str]:
        """Write what `check` found missing or damaged; returns what to tell the user."""
        messages = []
        for kind in (*_TABLES, "checkpoints"):
            (self.folder / kind).mkdir(parents=True, exist_ok=True)
        for path in self.folder.glob(".*"):
            if _OURS.fullmatch(path.name):
                path.unlink(missing_ok=True)
        for name, content in outdated.items():
            if (self.folder / name).exists() and not self._holds(name, content):
                messages.append(f"{name} was damaged or out of date: written again")
            write_bytes(self.folder / name, content)
        return messages

    def unwritable(self, error: OSError) -> InputError:
        """What to say when the folder itself cannot be written."""
        return InputError(
            f"cannot write the study folder: {error.strerror or error}",
            file=str(self.folder),
            hint="Choose a folder you may write to, on a disk with room.",
        )

    def _holds(self, name: str, content: bytes) -> bool:
        try:
            return (self.folder / name).read_bytes() == content
        except OSError:
            return False

    def description(self) -> dict[str, Any]:
        """What `describe` wrote.

        Raises
        ------
        InputError
            There is no study here, it is damaged, or it is of a newer format.
        """
        found, damaged = self._read_description()
        if damaged:
            raise self._damaged()
        return found

    def _damaged(self) -> InputError:
        return InputError(
            "this file is damaged",
            file=str(self.folder / "study.json"),
            hint="Run the study again into the same folder: finished units are kept.",
        )

    def _read_description(self) -> tuple[dict[str, Any], bool]:
        """The description, and whether it is damaged."""
        path = self.folder / "study.json"
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise InputError(
                "there is no study in this folder", file=str(self.folder), hint="Run one with `mattomo run`."
            ) from None
        except (json.JSONDecodeError, UnicodeDecodeError):
            return {}, True
        if not isinstance(found, dict):
            return {}, True
        version = found.get("format", 0)
        if isinstance(version, int) and version > FORMAT:
            raise InputError(
                f"this study was written by a newer mattomo ({found.get('mattomo', '?')})",
                file=str(path),
                hint="Update mattomo to read it.",
            )
        return found, is_damaged(found)

    def unit_folder(self, unit_id: str) -> Path:
        """Where a unit is, or will be."""
        return self.folder / "units" / unit_id

    def checkpoint(self, unit_id: str) -> Path:
        """Where a unit in training saves its state."""
        return self.folder / "checkpoints" / f"{unit_id}.npz"

    def exists(self, unit_id: str, kind: Kind = "units") -> bool:
        """Whether something is stored; `state` also looks whether it is whole."""
        return (self.folder / kind / unit_id / "record.json").exists()

    def state(self, unit_id: str, kind: Kind = "units") -> str:
        """``"done"``, ``"missing"`` or ``"damaged"``; ``kind`` may be ``"conditionals"``."""
        folder = self.folder / kind / unit_id
        if not folder.exists():
            return "missing"
        try:
            record = self.record(unit_id, kind)
            sums = record["sha256"]
            if is_damaged(record):
                return "damaged"
            for name in {*_TABLES[kind], *sums}:
                if _sha256((folder / name).read_bytes()) != sums[name]:
                    return "damaged"
        except (OSError, ValueError, KeyError, TypeError):
            return "damaged"
        return "done"

    def refuse_newer(self) -> None:
        """Leave alone a folder in which a newer mattomo has stored something.

        Raises
        ------
        InputError
            A record is whole and of a newer format.
        """
        for kind in _TABLES:
            for path in sorted((self.folder / kind).glob("[!.]*/record.json")):
                try:
                    record = self.record(path.parent.name, kind)
                    newer = record.get("format", 0) > FORMAT and not is_damaged(record)
                except (OSError, ValueError, TypeError, AttributeError):
                    continue  # damaged
                if newer:
                    raise InputError(
                        "this was written by a newer mattomo", file=str(path), hint="Update mattomo."
                    )

    def discard(self, unit_id: str, kind: Kind = "units") -> None:
        """Remove what is damaged, so that it is made again."""
        shutil.rmtree(self.folder / kind / unit_id, ignore_errors=True)

    def parts(self) -> list[str]:
        """What runs are writing, or left half-written when they were killed."""
        found = [path.name for kind in _TABLES for path in (self.folder / kind).glob(".*.part")]
        return sorted({name[1:].rsplit(".", 2)[0] for name in found})

    def sweep(self, unit_id: str) -> None:
        """Remove what killed runs left half-written of a unit."""
        for kind in _TABLES:
            for folder in (self.folder / kind).glob(f".{unit_id}.*.part"):
                shutil.rmtree(folder, ignore_errors=True)

    def write(self, plan: Plan, unit: PlannedUnit, trained: Trained, circumstances: Circumstances) -> None:
        """Write a finished unit; its folder appears in one step."""
        split, materials = plan.split(unit), plan.prepared.materials
        target = plan.prepared.columns[unit.target]
        tables = {
            "predictions.parquet": frames.predictions(materials, target, split, unit.tasks, trained),
            "curves.parquet": frames.curves(unit.tasks, trained),
        }
        if trained.swapped:
            tables["swapped.parquet"] = frames.swapped(materials.ids[split.test], unit.tasks, trained)
        record = unit_record(unit, split, target, trained) | dataclasses.asdict(circumstances)
        self._write(unit.id, "units", tables, record)

    def write_conditionals(
        self,
        plan: Plan,
        planned: PlannedConditional,
        found: Mapping[str, Conditional],
        circumstances: Circumstances,
    ) -> None:
        """Write what a representation tells of the properties; its folder appears in one step."""
        ids = plan.prepared.materials.ids[plan.prepared.splits[planned.seed].test]
        table, rest = frames.conditionals(ids, found)
        record = {
            "id": planned.id,
            "representation": planned.representation,
            "seed": planned.seed,
            "properties": rest,
            **dataclasses.asdict(circumstances),
        }
        self._write(planned.id, "conditionals", {"conditionals.parquet": table}, record)

    def _write(self, unit_id: str, kind: Kind, tables: dict[str, bytes], record: dict[str, Any]) -> None:
        record["format"] = FORMAT
        record["sha256"] = {name: _sha256(content) for name, content in tables.items()}
        record["checksum"] = digest(json.loads(json.dumps(record)))
        with undisturbed():
            part = self.folder / kind / f".{unit_id}.{uuid.uuid4().hex[:8]}.part"
            part.mkdir(parents=True)
            try:
                for name, content in tables.items():
                    (part / name).write_bytes(content)
                (part / "record.json").write_bytes(json.dumps(record, indent=2).encode())
                try:
                    os.rename(part, self.folder / kind / unit_id)
                except OSError:
                    # Another process finished the same first: same input, same numbers.
                    if self.state(unit_id, kind) != "done":
                        raise
            finally:
                shutil.rmtree(part, ignore_errors=True)

    def record(self, unit_id: str, kind: Kind = "units") -> dict[str, Any]:
        """What a finished unit says of itself."""
        path = self.folder / kind / unit_id / "record.json"
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return record

    def conditionals(self, planned_id: str) -> dict[str, Conditional]:
        """What `write_conditionals` wrote."""
        path = self.folder / "conditionals" / planned_id / "conditionals.parquet"
        return frames.read_conditionals(path, self.record(planned_id, "conditionals")["properties"])

    def entropies(self, planned_id: str) -> tuple[str, dict[str, float]]:
        """Representation, and cross-entropy (bits) of each category that was learned from it."""
        record = self.record(planned_id, "conditionals")
        about = {name: each.get("cross_entropy") for name, each in record["properties"].items()}
        return record["representation"], {name: bits for name, bits in about.items() if bits is not None}

    def relations(self) -> list[dict[str, Any]]:
        """Relations between the columns of the study, as `write_relations` got them."""
        return list(self._kept("relations.json") or ())

    def write_relations(self, found: Sequence[dict[str, Any]]) -> None:
        """Keep relations between the columns of the study beside its numbers."""
        write_text(self.folder / "relations.json", json.dumps(list(found), indent=2, ensure_ascii=False))

    def checked(self) -> dict[str, Any] | None:
        """The check of the study's table as `write_checked` got it; None if there is none."""
        found: dict[str, Any] | None = self._kept("check.json")
        return found

    def _kept(self, name: str) -> Any:
        """What a file of plain values holds; None if it is missing or damaged."""
        try:
            return json.loads((self.folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def write_checked(self, found: dict[str, Any]) -> None:
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
        known = self.description().get("sha256", {}).get(path.name)
        try:
            if known is not None and _sha256(path.read_bytes()) != known:
                raise ValueError("checksum")
            return frames.read_materials(path)
        except (OSError, ValueError, KeyError):
            raise InputError(
                "the study's table of materials is missing or cannot be read",
                file=str(path),
                hint="Run the study again into the same folder: finished units are kept.",
            ) from None

    def records(self, unit_ids: Sequence[str]) -> list[dict[str, Any]]:
        """Records of the finished units among ``unit_ids``."""
        return [self.record(unit_id) for unit_id in unit_ids if self.state(unit_id) == "done"]

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


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
