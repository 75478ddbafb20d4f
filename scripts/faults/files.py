"""Flipped and truncated files, and files of a newer version."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

from faults.study import Trial, units


def damage(trial: Trial) -> None:
    """A flipped bit or half of every kind of file; one run finds, says and repairs all, and no more."""
    study = trial.study
    folder = study.copy("damaged")
    stored = sorted(folder.glob("units/*"))
    conditional = next(iter(sorted(folder.glob("conditionals/*seed0*"))))
    # Whole files first: who flips a bit and who is cut in half, is then the order of this list.
    flipped = [
        stored[0] / "predictions.parquet", stored[1] / "record.json", conditional / "conditionals.parquet",
        folder / "materials.parquet", folder / "study.json",
    ]  # fmt: skip
    truncated = [
        stored[2] / "curves.parquet", stored[3] / "record.json", conditional / "record.json",
        folder / "quarantine.csv",
    ]  # fmt: skip
    for path in flipped:
        content = bytearray(path.read_bytes())
        content[trial.rng.randrange(len(content))] ^= 1 << trial.rng.randrange(8)
        path.write_bytes(content)
    for path in truncated:
        path.write_bytes(path.read_bytes()[: trial.rng.randrange(path.stat().st_size)])
    before = units(folder)
    trial.must_be_whole(study, folder, "after damage to files")
    after = units(folder)
    again = {name for name, each in after.items() if before.get(name) != each}
    if again != {path.name for path in stored[:4]}:
        trial.complain(f"damage: made again: {sorted(again)}")
    for path in stored[:4]:
        log = folder / "logs" / f"{path.name}.log"
        if "stored numbers are damaged (checksum): making them again" not in log.read_text():
            trial.complain(f"damage: the log of {path.name} does not say what happened")
    print(
        f"damage: {len(flipped)} files with a flipped bit and {len(truncated)} truncated ones found and made "
        "again, and nothing else",
        flush=True,
    )


def newer(trial: Trial) -> None:
    """A folder, or a unit in it, of a newer version is refused and not touched."""
    study = trial.quick
    places = ("study.json", "units/*/record.json", "conditionals/*/record.json")
    for what in places:
        folder = study.copy(f"newer {places.index(what)}", missing=1)
        path = next(iter(sorted(folder.glob(what))))
        found = json.loads(path.read_text())
        found["format"] += 1
        del found["checksum"]
        found["checksum"] = hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()
        path.write_text(json.dumps(found))
        before = _snapshot(folder)
        for command in ("run", "report", *(["status"] if what == "study.json" else [])):
            if command == "run":
                code, said = study.finish(folder)
            else:
                words = [sys.executable, "-m", "mattomo", command, str(folder)]
                done = subprocess.run(words, capture_output=True, text=True)
                code, said = done.returncode, " ".join((done.stdout + done.stderr).split())
            if code != 2 or "written by a newer mattomo" not in said or said.count("error:") != 1:
                trial.complain(f"newer {what}: `mattomo {command}`: exit code {code}: {said}")
            if _snapshot(folder) != before:
                trial.complain(f"newer {what}: `mattomo {command}` touched the folder")
    print(
        "newer version (the study, a unit, a conditional): exit code 2, one message, nothing touched",
        flush=True,
    )


def _snapshot(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    return {
        str(p): (p.stat().st_ino, p.stat().st_mtime_ns, p.read_bytes() if p.is_file() else b"")
        for p in folder.rglob("*")
    }
