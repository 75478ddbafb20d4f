"""A full disk, a read-only one, and single reads and writes that fail."""

from __future__ import annotations

import collections
import errno
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from faults.study import Kept, SmallStudy, Trial, litter, mounted, tables, units

#: What is written and read in a run, each broken by name: event, what it is, and the files.
NAMED = (
    ("write", "study.json", "*study.json*"),
    ("write", "materials.parquet", "*materials.parquet*"),
    ("write", "quarantine.csv", "*quarantine.csv*"),
    ("write", "relations.json", "*relations.json*"),
    ("write", "a claim", "running/*"),
    ("write", "a representation for the workers", "shared/*"),
    ("write", "a conditional", "conditionals/*.parquet"),
    ("write", "predictions of a unit", "units/*predictions.parquet"),
    ("write", "the record of a unit", "units/*record.json"),
    ("change", "the name of a unit", "units/*-seed*"),
    ("write", "a log", "logs/*.log"),
    ("write", "the report", "report/*"),
    ("write", "a checkpoint", "checkpoints/*.npz.part"),
    ("read", "a unit", "units/*/*"),
    ("read", "a conditional", "conditionals/*"),
    ("read", "study.json", "study.json"),
)
_ERRORS = (errno.EIO, errno.ENOSPC)


def full_or_read_only(trial: Trial) -> None:
    """Disks that cannot be written, after a while or from the start."""
    _full(trial)
    _read_only(trial)


def _full(trial: Trial) -> None:
    """A disk that fills up while units are stored."""
    study = trial.study
    # Room for about half of what the study holds, in whole pages.
    files = [p for p in (study.place / "truth").rglob("*") if p.is_file()]
    size = sum(-(-p.stat().st_size // 4096) for p in files) * 4 * 6 // 10
    with mounted(study.place / "full", f"size={size}k") as folder:
        if folder is None:
            print("full disk: skipped, mounts are not allowed here (see the failing writes)")
            return
        code, said = study.finish(folder / "study")
        broken = list(folder.rglob(".*.part"))
        if code not in (2, 3) or "No space left" not in said or "Traceback" in said or broken:
            trial.complain(f"full disk: exit code {code}, {broken}: {said}")
        stored = len(units(folder / "study"))
        subprocess.run(["mount", "-o", "remount,size=64m", str(folder)], check=True)
        trial.must_be_whole(study, folder / "study", "after a full disk")
    print(
        f"full disk (tmpfs of {size} kB): exit code {code} with {stored} units stored; whole with room",
        flush=True,
    )


def _read_only(trial: Trial) -> None:
    """A folder that cannot be written is refused before anything is trained."""
    study = trial.study
    with mounted(study.place / "fixed", "size=64m") as folder:
        if folder is None:
            print("read-only disk: skipped, mounts are not allowed here")
            return
        shutil.copytree(study.place / "truth", folder / "study")
        shutil.rmtree(next((folder / "study").glob("units/*")))
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        code, said = study.finish(folder / "study")
        if code != 2 or "cannot write the study folder: Read-only file system" not in said:
            trial.complain(f"read-only disk: exit code {code}: {said}")
    print(f"read-only disk (tmpfs): exit code {code}, refused before training", flush=True)


def errors(trial: Trial, named: int, n: int) -> None:
    """EIO or ENOSPC of one write, read or rename, or of all that come after it.

    First ``named`` kinds of files by name, then ``n`` random events among all those of an undisturbed run.
    """
    kept, codes = Kept(), collections.Counter[int]()
    wrong = len(trial.complaints)
    for event, what, match in trial.rng.sample(NAMED, min(named, len(NAMED))):
        for number in _ERRORS if event == "write" else (errno.EIO,):
            stays = trial.rng.random() < 0.5
            study = trial.study if what == "a checkpoint" else trial.quick
            fail = {"event": event, "match": match, "nth": 1, "errno": number, "stays": stays}
            codes[_one(trial, kept, study, what, fail)] += 1
    events = _traced(trial) if n else []
    for _ in range(n):
        k = trial.rng.randrange(len(events))
        event, name = events[k].split(" ", 1)
        nth = sum(each.startswith(f"{event} ") for each in events[: k + 1])
        number = errno.EIO if event == "read" else trial.rng.choice(_ERRORS)
        fail = {"event": event, "match": "*", "nth": nth, "errno": number, "stays": trial.rng.random() < 0.5}
        codes[_one(trial, kept, trial.quick, f"event {k + 1} ({name})", fail)] += 1
    if kept.lost or kept.again:
        trial.complain(f"failing writes: {kept.lost} finished units lost, {kept.again} made again")
    said = ", ".join(f"{count} with exit code {code}" for code, count in sorted(codes.items()))
    print(
        f"failing reads and writes (EIO, ENOSPC): {codes.total()} ({said}; {len(trial.complaints) - wrong} "
        f"complaints), whole without them; {kept.lost} finished units lost, {kept.again} made again",
        flush=True,
    )


def _one(trial: Trial, kept: Kept, study: SmallStudy, what: str, fail: dict[str, Any]) -> int:
    """One run on a disk that fails, one without; exit code of the first."""
    reads = fail["event"] == "read"
    folder = study.copy("faulty", missing=1) if reads or what == "a checkpoint" else study.place / "faulty"
    struck = study.place / "struck"
    struck.write_bytes(b"")
    shim: dict[str, Any] = {"disk": {"folder": str(folder), **fail}, "struck": str(struck)}
    if what == "a checkpoint":
        shim["checkpoints"] = 0.0
    before = units(folder)
    code, said = study.finish(folder, shim=shim, report=what == "the report")
    name = (
        f"{os.strerror(fail['errno'])} ({'from' if fail['stays'] else 'once at'} {fail['event']} of {what})"
    )
    if not struck.stat().st_size:
        trial.complain(f"{name}: nothing of that name was reached")
    explained = os.strerror(fail["errno"]) in said or code == 0 or reads
    if what == "the report":
        explained = "the report cannot be written" in said
    if code not in (0, 2, 3) or "Traceback" in said or not explained or not said:
        trial.complain(f"{name}: exit code {code}: {said}")
    if code == 0 and tables(folder) != study.truth:
        trial.complain(f"{name}: exit code 0, and not the undisturbed result: {said}")
    if left := [each for each in litter(folder) if ".lock" not in each]:
        trial.complain(f"{name}: left behind: {left}")
    between = units(folder)
    if not reads:  # what cannot be read counts as damaged, and is made again
        kept.compare(before, between)
    trial.must_be_whole(study, folder, f"after {name}")
    kept.compare(between, units(folder))
    shutil.rmtree(folder)
    return code


def _traced(trial: Trial) -> list[str]:
    """Events of an undisturbed run."""
    study = trial.quick
    folder, trace = study.place / "traced", study.place / "trace"
    code, said = study.finish(folder, shim={"disk": {"folder": str(folder)}, "trace": str(trace)})
    if code or tables(folder) != study.truth:
        trial.complain(f"the shim changes what it watches: exit code {code}: {said}")
    shutil.rmtree(folder)
    return Path(trace).read_text().splitlines()
