"""SIGKILL of a run or of one of its workers, at random moments."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

from faults.study import Kept, Trial, ended, units, wait_until


def kills(trial: Trial, n: int) -> None:
    """Each attempt goes on where the last one was killed; completed studies must be the undisturbed one."""
    study, kept = trial.study, Kept()
    delivered = survived = studies = 0
    folder = study.place / "killed"
    victims = {"main": 0, "worker": 0}
    while delivered < n:
        before = units(folder)
        process = study.start(folder)
        victim = _kill_later(trial, process, trial.rng.choice(["main", "worker"]))
        code, said = ended(process)
        if victim:
            delivered += 1
            victims[victim] += 1
        kept.compare(before, units(folder))
        expected = {"main": (-signal.SIGKILL,), "worker": (0, 3), "": (0,)}[victim]
        # A worker that was just being started when its parent was killed says so with a traceback.
        if code not in expected or (victim != "main" and "Traceback" in said):
            trial.complain(f"exit code {code} after kill of {victim!r}: {said}")
        elif victim:
            survived += 1
            if delivered % 10 == 0:
                print(f"{delivered} kills: {kept.lost} units lost, {kept.again} made again", flush=True)
        if code == 0 or delivered == n:
            kept.close(trial, folder, f"after {delivered} kills")
            studies += 1
    print(
        f"{survived} of {delivered} survived; {kept.lost} finished units lost "
        f"({victims['main']} kills of the run, {victims['worker']} of a worker; {kept.again} finished units "
        f"made again; {studies} studies completed, equal to the undisturbed one byte for byte)",
        flush=True,
    )
    if kept.lost or kept.again:
        trial.complain(f"{kept.lost} finished units lost, {kept.again} made again")


def _kill_later(trial: Trial, process: subprocess.Popen[str], victim: str) -> str:
    """Who was killed, if the run did not end before."""
    if not wait_until(time.monotonic() + trial.rng.uniform(0, trial.study.seconds), process):
        return ""
    found = workers_of(process.pid) if victim == "worker" else []
    pid = trial.rng.choice(found) if found else process.pid
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        return "worker" if found else "main"
    return ""


def workers_of(pid: int) -> list[int]:
    """Worker processes of a run: its children, without the tracker of resources."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid and b"spawn_main" in (path / "cmdline").read_bytes():
                found.append(int(path.name))
    return sorted(found)
