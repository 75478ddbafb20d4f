"""Break the world of a small real study in every way we know, and see that nothing is lost.

    python scripts/fault_harness.py                         # 60 kills and all other faults; minutes
    python scripts/fault_harness.py --short                 # a few of them, as in the tests; a minute
    python scripts/fault_harness.py --only errors clock     # some faults
    python scripts/fault_harness.py --dask-kills 0          # all kills without Dask

The study: gradient-boosted trees and a 2-epoch graph network on 100 materials of the embedded table, run by
`mattomo run` in processes of its own.

kills     SIGKILL to the run or to one of its workers, at a moment drawn from the time an undisturbed run
          takes. The same command then goes on in the same folder, and may be killed again, until the study
          is complete; then a new folder is begun.
dask      a third of the kills, with three workers of a Dask scheduler: SIGKILL to the scheduler, to a worker
          or to the run.
damage    flipped and truncated files.
newer     a study, and a unit, of a newer version.
disk      a full disk and a read-only one (tmpfs, where mounts are allowed).
errors    EIO and ENOSPC: of writes to every kind of file, and of random reads, writes and renames.
together  two runs at once in one folder, and one of them killed.
clock     clocks that jump back by an hour, times of files in the future.
memory    workers whose memory is limited while they run.

After each, the rerun must finish, its tables must be those of the undisturbed run byte for byte, and every
finished unit must be the same file as before (inode and time of change): not lost, not made again. What the
runs say must name the fault; tracebacks, endless waits and litter are complaints. Linux only.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from faults.clock import clock
from faults.cluster import cluster
from faults.disk import NAMED, errors, full_or_read_only
from faults.files import damage, newer
from faults.kills import kills
from faults.memory import memory
from faults.study import SmallStudy, Trial, units
from faults.together import KINDS, together

CHOICES = {
    "targets": "band_gap,density",
    "properties": "volume,crystal_system",
    "representations": "composition",
    "learners": "trees,cgcnn",
    "epochs": "2",
    "batch-size": "32",
    "controls": "none",
    "swaps": "2",
    "seeds": "2",
}
#: For faults that need many runs.
QUICK = CHOICES | {"learners": "trees"}
#: Those of the short version; the tests break files, folders and schedulers by themselves.
SHORT = ("kills", "errors", "together", "clock", "memory")


def main() -> int:
    given = _options()
    on_dask = given.kills // 3 if given.dask_kills is None else min(given.dask_kills, given.kills)
    kinds = KINDS[-1:] if given.short else KINDS * given.pairs
    faults: dict[str, Callable[[Trial], None]] = {
        "kills": lambda trial: kills(trial, given.kills - on_dask),
        "dask": lambda trial: cluster(trial, on_dask),
        "damage": damage,
        "newer": newer,
        "disk": full_or_read_only,
        "errors": lambda trial: errors(trial, 2 if given.short else len(NAMED), given.errors),
        "together": lambda trial: together(trial, kinds),
        "clock": clock,
        "memory": memory,
    }
    chosen = given.only or (SHORT if given.short else list(faults))
    if unknown := set(chosen) - set(faults):
        raise SystemExit(f"no such faults: {', '.join(sorted(unknown))}; there are {', '.join(faults)}")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mattomo-faults-") as place:
        quick = SmallStudy(Path(place) / "quick", QUICK, 60, given.workers)
        study = quick if given.short else SmallStudy(Path(place) / "study", CHOICES, 100, given.workers)
        trial = Trial(study, quick, random.Random(given.seed))
        for each in {id(study): study, id(quick): quick}.values():
            each.undisturbed()
            n = len(units(each.place / "truth"))
            print(f"undisturbed: {n} units in {each.seconds:.0f} s", flush=True)
        for name in chosen:
            started = time.monotonic()
            faults[name](trial)
            print(f"  ({name}: {time.monotonic() - started:.0f} s)", flush=True)
    print(f"{(time.monotonic() - began) / 60:.0f} minutes")
    print("all faults survived" if not trial.complaints else "\n".join(trial.complaints))
    return 1 if trial.complaints else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=60, help="with and without Dask")
    parser.add_argument("--dask-kills", type=int, help="of these; a third by default")
    parser.add_argument("--errors", type=int, default=16, help="random reads and writes that fail")
    parser.add_argument("--pairs", type=int, default=2, help="of runs at once, of each of three kinds")
    parser.add_argument("--short", action="store_true", help="a few faults of a study of trees alone")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", nargs="+", metavar="FAULT", help="names as above; all by default")
    given = parser.parse_args()
    if given.short:
        given.kills, given.dask_kills, given.errors = 3, 0, 0
    return given


if __name__ == "__main__":
    sys.exit(main())
