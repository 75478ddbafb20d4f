"""Clocks that go backwards, and times of files in the future."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import threading
import time
from pathlib import Path

from faults.study import Trial, ended, tables

_HOUR = 3600.0


def clock(trial: Trial) -> None:
    """Clocks jump back by an hour in two runs at once, files are of the future: same result, no wait."""
    _two_runs(trial)
    _elsewhere(trial)
    print(
        "clock: two runs whose clocks jump back by an hour, and files of the future: the same result, no "
        "unit made twice; claims of another machine taken over when nobody touches them, and only then",
        flush=True,
    )


def _two_runs(trial: Trial) -> None:
    from mattomo.errors import InputError
    from mattomo.study.status import status

    study = trial.study
    folder = study.place / "clock"
    runs = []
    for ahead in (0.0, _HOUR):
        jump = {"ahead": ahead, "after": trial.rng.uniform(0, study.seconds), "by": -_HOUR}
        runs.append(study.start(folder, workers=1, shim={"clock": jump}))
    while any(run.poll() is None for run in runs):
        paths = [p for p in folder.rglob("*") if p.name.endswith((".lock", ".json", ".parquet", ".npz"))]
        if paths:
            moment = time.time() + trial.rng.choice([-1, 1]) * trial.rng.uniform(0, _HOUR)
            with contextlib.suppress(FileNotFoundError):
                os.utime(trial.rng.choice(paths), (moment, moment))
        with contextlib.suppress(InputError):  # no study.json yet
            found = status(folder)
            if found.seconds_left < 0 or found.workers > 2 or found.waiting < 0:
                trial.complain(f"clock: status says {found}")
        time.sleep(0.1)
    for run in runs:
        code, said = ended(run)
        if code or "Traceback" in said:
            trial.complain(f"clock: exit code {code}: {said}")
    if tables(folder) != study.truth:
        trial.complain("clock: not the undisturbed result")
    stored = {log.name: log.read_text().count(": stored") for log in folder.glob("logs/*.log")}
    if set(stored.values()) != {1}:
        trial.complain(f"clock: not stored exactly once: {stored}")
    trial.must_be_whole(study, folder, "after clocks that jumped")
    shutil.rmtree(folder)


def _elsewhere(trial: Trial) -> None:
    """A claim of another machine, of the future, that nobody touches; and one that is touched."""
    from mattomo.study.locks import Claims

    study = trial.quick
    folder = study.copy("elsewhere", missing=2)
    gone, held = sorted(set(_stored(study.place / "truth")) - set(_stored(folder)))
    running = folder / "running"
    running.mkdir(exist_ok=True)
    other = vars(Claims(running).me) | {"host": "elsewhere", "scope": "elsewhere", "token": "other"}
    future = time.time() + _HOUR
    for name in (gone, held):
        (running / f"{name}.lock").write_text(json.dumps(other))
        os.utime(running / f"{name}.lock", (future, future))
    alive = threading.Event()

    def touch() -> None:
        """As a machine whose clock only ever goes backwards."""
        moment = future
        while not alive.wait(0.3):
            moment -= 60
            os.utime(running / f"{held}.lock", (moment, moment))

    thread = threading.Thread(target=touch)
    thread.start()
    try:
        code, said = study.finish(folder, shim={"stale": 3.0})
    finally:
        alive.set()
        thread.join()
    if code or gone not in _stored(folder):
        trial.complain(f"clock: a claim that nobody touches was waited for: exit code {code}: {said}")
    if held in _stored(folder) or "on elsewhere" not in said:
        trial.complain(f"clock: a claim that is touched was taken over: exit code {code}: {said}")
    (running / f"{held}.lock").unlink(missing_ok=True)
    trial.must_be_whole(study, folder, "after claims of another machine")
    shutil.rmtree(folder)


def _stored(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("units/[!.]*")]
