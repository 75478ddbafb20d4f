"""A small real study, run by the command line in processes of its own, and what is asked of its folder."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SHIM = Path(__file__).with_name("shim.py")
#: Inode and time of change by finished unit.
Units = dict[str, tuple[int, int]]


@dataclass
class Trial:
    """What every fault gets.

    Attributes
    ----------
    study : SmallStudy
        Trees and a network.
    quick : SmallStudy
        Trees alone, for faults that need many runs.
    rng : Random
    complaints : list of str
        What went wrong.
    """

    study: SmallStudy
    quick: SmallStudy
    rng: random.Random
    complaints: list[str] = field(default_factory=list)

    def complain(self, text: str) -> None:
        self.complaints.append(text)
        print(f"WRONG: {text}", flush=True)

    def must_be_whole(self, study: SmallStudy, folder: Path, when: str) -> None:
        """One more run, undisturbed, ends well, with the undisturbed result, and leaves no litter."""
        code, said = study.finish(folder)
        if code or tables(folder) != study.truth:
            self.complain(f"{when}: not the undisturbed result (exit code {code}): {said}")
        if left := litter(folder):
            self.complain(f"{when}: left behind: {left}")


class SmallStudy:
    """The study, its command, and its undisturbed result.

    Parameters
    ----------
    place : path
        Where its table and folders lie; made here.
    choices : dict
        Of the study file.
    materials : int
        Rows of the embedded table.
    workers : int
    """

    def __init__(self, place: Path, choices: dict[str, str], materials: int, workers: int) -> None:
        self.place, self.workers = place, workers
        place.mkdir()
        self._arguments = [str(_make_table(place / "materials.parquet", materials))]
        self._arguments += [word for key, value in choices.items() for word in (f"--{key}", value)]
        self.truth: dict[str, bytes] = {}
        self.seconds = 0.0

    def start(
        self,
        folder: Path,
        *more: str,
        workers: int = 0,
        report: bool = False,
        shim: dict[str, Any] | None = None,
    ) -> subprocess.Popen[str]:
        """`mattomo run`, as the leader of a group of processes; ``shim`` says how to break its world."""
        program = ["-m", "mattomo"] if shim is None else [str(SHIM)]
        command = [sys.executable, *program, "run", *self._arguments, "--out", str(folder), "--quiet", *more]
        command += ["--workers", str(workers or self.workers), *([] if report else ["--no-report"])]
        # Where it is, should it hang: Python says so on SIGABRT.
        environment = os.environ | {"PYTHONFAULTHANDLER": "1"}
        environment |= {} if shim is None else {"MATTOMO_SHIM": json.dumps(shim)}
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env=environment,
        )

    def finish(self, folder: Path, *more: str, **options: Any) -> tuple[int, str]:
        """Run to the end: exit code and what was said."""
        process = self.start(folder, *more, **options)
        return ended(process)

    def undisturbed(self) -> None:
        """Run once without any fault, to know what is true and how long it takes."""
        started = time.monotonic()
        code, said = self.finish(self.place / "truth")
        self.seconds = time.monotonic() - started
        if code:
            raise SystemExit(f"the undisturbed run failed: {said}")
        self.truth = tables(self.place / "truth")

    def copy(self, name: str, missing: int = 0) -> Path:
        """A folder with the undisturbed result, without its first units."""
        folder = self.place / name
        shutil.copytree(self.place / "truth", folder)
        for unit in sorted(folder.glob("units/*"))[:missing]:
            shutil.rmtree(unit)
        return folder


def ended(process: subprocess.Popen[str], timeout: float | None = None) -> tuple[int, str]:
    """Exit code of a run, and what it said, in one line."""
    said, _ = process.communicate(timeout=timeout)
    return process.returncode, " ".join(said.split())


def _make_table(path: Path, n: int) -> Path:
    import pandas as pd

    from mattomo.materials import example_path

    pd.read_parquet(example_path("mp1000")).head(n).to_parquet(path)
    return path


def tables(folder: Path) -> dict[str, bytes]:
    """Content of every table of the units."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.glob("units/*/*.parquet")}


def units(folder: Path) -> Units:
    """Every finished unit; one that has another inode or time was made again."""
    found = {}
    for path in folder.glob("units/[!.]*/record.json"):
        with contextlib.suppress(FileNotFoundError):
            stat = path.stat()
            found[path.parent.name] = (stat.st_ino, stat.st_mtime_ns)
    return found


def litter(folder: Path) -> list[str]:
    """What no run should leave behind at its end."""
    ends = (".part", ".lock", ".tmp")
    return [str(p.relative_to(folder)) for p in folder.rglob("*") if p.name.endswith(ends)]


@dataclass
class Kept:
    """Counts finished units that got lost or were made again."""

    lost: int = 0
    again: int = 0

    def compare(self, before: Units, after: Units) -> None:
        self.lost += len(before.keys() - after.keys())
        self.again += sum(after[name] != before[name] for name in before.keys() & after.keys())

    def close(self, trial: Trial, folder: Path, when: str) -> None:
        """One more run of a study: it is whole, and its finished units stay; then the folder goes."""
        before = units(folder)
        trial.must_be_whole(trial.study, folder, when)
        self.compare(before, units(folder))
        shutil.rmtree(folder)


def wait_until(moment: float, process: subprocess.Popen[str]) -> bool:
    """Wait for a moment (of `time.monotonic`); False if the process ended before."""
    while time.monotonic() < moment and process.poll() is None:
        time.sleep(0.01)
    return process.poll() is None


@contextlib.contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path | None]:
    """A small file system in memory, or None where that is not allowed."""
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True)
    try:
        yield None if done.returncode else folder
    finally:
        if not done.returncode:
            subprocess.run(["umount", str(folder)], check=True)
