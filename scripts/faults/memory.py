"""Workers whose memory is limited while they run."""

from __future__ import annotations

import contextlib
import resource
import time
from pathlib import Path

from faults.kills import workers_of
from faults.study import Trial, ended


def memory(trial: Trial) -> None:
    """Workers whose address space ends where it is: units fail with a reason, the rerun finishes."""
    folder = trial.study.copy("memory", missing=3)
    process = trial.study.start(folder)
    limited: set[int] = set()
    while process.poll() is None:
        for pid in set(workers_of(process.pid)) - limited:
            with contextlib.suppress(OSError, ValueError):
                size = int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()
                resource.prlimit(pid, resource.RLIMIT_AS, (size, size))
                limited.add(pid)
        time.sleep(0.01)
    code, said = ended(process)
    if code != 3 or "failed" not in said:
        trial.complain(f"memory limit: exit code {code}: {said}")
    trial.must_be_whole(trial.study, folder, "after a memory limit")
    print(
        f"memory limit (RLIMIT_AS of {len(limited)} workers): exit code {code}, whole without it", flush=True
    )
