"""Two runs at once in one folder."""

from __future__ import annotations

import math
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from faults.study import Kept, Trial, Units, ended, tables, units, wait_until

#: How two runs meet.
KINDS = ("at once", "later", "killed")


def together(trial: Trial, kinds: Sequence[str]) -> None:
    """Both at full speed; the second at a random moment; and one of them killed: no unit is made twice."""
    study, kept = trial.study, Kept()
    killed = 0
    for k, kind in enumerate(kinds):
        folder = study.place / f"together {k}"
        first = study.start(folder, workers=1)
        moment = time.monotonic() + (0.0 if kind == "at once" else trial.rng.uniform(0, study.seconds / 2))
        seen = _watched(kept, {}, folder, moment, first)
        runs = [first, study.start(folder, workers=1)]
        victim = trial.rng.choice(runs) if kind == "killed" else None
        if victim is not None:
            some = trial.rng.randrange(1, len(units(study.place / "truth")))
            seen = _watched(kept, seen, folder, math.inf, victim, some)
            seen = _watched(kept, seen, folder, time.monotonic() + trial.rng.random(), victim)
            if victim.poll() is None:
                os.killpg(victim.pid, signal.SIGKILL)
                killed += 1
            else:
                victim = None
        while any(run.poll() is None for run in runs):
            seen = _watched(kept, seen, folder, time.monotonic() + 0.2, runs[0])
            time.sleep(0.05)
        for run in runs:
            code, said = ended(run)
            if (code != 0 and run is not victim) or (run is not victim and "Traceback" in said):
                trial.complain(f"two runs ({kind}): exit code {code}: {said}")
        if victim is None and tables(folder) != study.truth:
            trial.complain(f"two runs ({kind}): not the undisturbed result")
        trial.must_be_whole(study, folder, f"after two runs ({kind})")
        kept.compare(seen, units(folder))
        stored = {log.name: log.read_text().count(": stored") for log in folder.glob("logs/*.log")}
        # A run that is killed between storing a unit and writing that down does not write it down.
        twice = [name for name, count in stored.items() if count > 1 or (count < 1 and victim is None)]
        if twice:
            trial.complain(f"two runs ({kind}): not stored exactly once: {twice}")
        shutil.rmtree(folder)
    print(
        f"two runs at once: {len(kinds)} pairs ({killed} with one of them killed); {kept.lost} finished "
        f"units lost, {kept.again} made twice",
        flush=True,
    )
    if kept.lost or kept.again:
        trial.complain(f"two runs: {kept.lost} finished units lost, {kept.again} made twice")


def _watched(
    kept: Kept, seen: Units, folder: Path, moment: float, run: subprocess.Popen[str], some: int = 10**9
) -> Units:
    """Compare finished units with those seen before, until a moment comes, a run ends, or some are stored."""
    while True:
        now = units(folder)
        kept.compare(seen, now)
        seen = now
        alive = wait_until(min(moment, time.monotonic() + 0.1), run)
        if not alive or time.monotonic() >= moment or len(seen) >= some:
            return seen
