"""Kill a small real study at random moments, break its disk and its files, and see that nothing is lost.

    python scripts/fault_harness.py                 # 60 kills, then the other faults; minutes
    python scripts/fault_harness.py --kills 4       # a short one

The study: gradient-boosted trees and a 2-epoch graph network on 100 materials of the embedded table. Each
attempt runs `mattomo run` in a process of its own and gets one SIGKILL, to the main process or to one of its
workers, at a moment drawn from the time an undisturbed run takes. The same command then goes on in the same
folder, and may be killed again, until the study is complete; then its tables are compared, byte for byte,
with those of the undisturbed run and a new folder is begun. After every kill each finished unit must be the
same file as before (inode and time of change), which is to say not lost and not made again.

Then: a full disk (a tmpfs with room for half of the study, where mounts are allowed), a read-only one,
flipped and truncated files, and a worker whose memory is limited while it runs. Linux only.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=60, help="0 for the other faults alone")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--materials", type=int, default=100)
    parser.add_argument("--choice", action="append", default=[], metavar="KEY=VALUE", help="of the study")
    parser.add_argument("--only-kills", action="store_true", help="no other faults")
    given = parser.parse_args()
    choices = CHOICES | dict(choice.split("=", 1) for choice in given.choice)
    with tempfile.TemporaryDirectory(prefix="mattomo-faults-") as place:
        harness = Harness(Path(place), choices, given.materials, given.workers, random.Random(given.seed))
        harness.undisturbed()
        if given.kills:
            harness.kill(given.kills)
        if not given.only_kills:
            for fault in (harness.damage, harness.full_disk, harness.read_only, harness.little_memory):
                fault()
    print("all faults survived" if not harness.complaints else "\n".join(harness.complaints))
    return 1 if harness.complaints else 0


class Harness:
    """Runs the study under faults and keeps what went wrong."""

    def __init__(
        self, place: Path, choices: dict[str, str], materials: int, workers: int, rng: random.Random
    ):
        self.place, self.workers, self.rng = place, workers, rng
        self.complaints: list[str] = []
        self.arguments = [str(make_table(place / "materials.parquet", materials))]
        self.arguments += [word for key, value in choices.items() for word in (f"--{key}", value)]
        self.truth: dict[str, bytes] = {}
        self.seconds = 0.0

    def start(self, folder: Path) -> subprocess.Popen[str]:
        """`mattomo run`, as the leader of a group of processes."""
        command = [sys.executable, "-m", "mattomo", "run", *self.arguments, "--out", str(folder)]
        command += ["--workers", str(self.workers), "--quiet", "--no-report"]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )

    def finish(self, folder: Path) -> tuple[int, str]:
        """Run to the end: exit code and what was said."""
        process = self.start(folder)
        said, _ = process.communicate()
        return process.returncode, " ".join(said.split())

    def undisturbed(self) -> None:
        started = time.monotonic()
        code, said = self.finish(self.place / "truth")
        self.seconds = time.monotonic() - started
        if code:
            raise SystemExit(f"the undisturbed run failed: {said}")
        self.truth = tables(self.place / "truth")
        print(f"undisturbed: {len(units(self.place / 'truth'))} units in {self.seconds:.0f} s", flush=True)

    def kill(self, kills: int) -> None:
        """SIGKILL at random moments; each attempt goes on where the last one was killed."""
        delivered = survived = lost = again = studies = 0
        folder = self.place / "killed"
        victims = {"main": 0, "worker": 0}
        while delivered < kills:
            before = units(folder)
            process = self.start(folder)
            victim = self._kill_later(process, self.rng.choice(["main", "worker"]))
            said, _ = process.communicate()
            if victim:
                delivered += 1
                victims[victim] += 1
            after = units(folder)
            lost += len(before.keys() - after.keys())
            again += sum(after[name] != before[name] for name in before.keys() & after.keys())
            expected = {"main": (-signal.SIGKILL,), "worker": (0, 3), "": (0,)}[victim]
            # A worker that was just being started when its parent was killed says so with a traceback.
            if process.returncode not in expected or (victim != "main" and "Traceback" in said):
                self.complaints.append(f"exit code {process.returncode} after kill of {victim!r}: {said}")
            elif victim:
                survived += 1
                if delivered % 10 == 0:
                    print(f"{delivered} kills: {lost} units lost, {again} made again", flush=True)
            if process.returncode == 0 or delivered == kills:
                complete = units(folder)
                self._must_be_whole(folder, f"after {delivered} kills")
                finished = units(folder)
                lost += len(complete.keys() - finished.keys())
                again += sum(finished[name] != complete[name] for name in complete.keys() & finished.keys())
                shutil.rmtree(folder)
                studies += 1
        print(
            f"{survived} of {delivered} survived; {lost} finished units lost "
            f"({victims['main']} kills of the run, {victims['worker']} of a worker; {again} finished units "
            f"made again; {studies} studies completed, equal to the undisturbed one byte for byte)"
        )
        if lost or again:
            self.complaints.append(f"{lost} finished units lost, {again} made again")

    def _kill_later(self, process: subprocess.Popen[str], victim: str) -> str:
        """Who was killed, if the run did not end before."""
        moment = time.monotonic() + self.rng.uniform(0, self.seconds)
        while time.monotonic() < moment and process.poll() is None:
            time.sleep(0.01)
        if process.poll() is not None:
            return ""
        found = workers_of(process.pid) if victim == "worker" else []
        pid = self.rng.choice(found) if found else process.pid
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            return "worker" if found else "main"
        return ""

    def _must_be_whole(self, folder: Path, when: str) -> None:
        code, said = self.finish(folder)
        if code or tables(folder) != self.truth:
            self.complaints.append(f"{when}: not the undisturbed result (exit code {code}): {said}")
        litter = [p for p in folder.rglob("*") if p.name.endswith((".part", ".lock", ".tmp"))]
        if litter:
            self.complaints.append(f"{when}: left behind: {litter}")

    def _copy(self, name: str, missing: int = 0) -> Path:
        folder = self.place / name
        shutil.copytree(self.place / "truth", folder, dirs_exist_ok=True)
        for unit in sorted(folder.glob("units/*"))[:missing]:
            shutil.rmtree(unit)
        return folder

    def damage(self) -> None:
        """A flipped bit or half of every kind of file; one run finds and repairs all."""
        folder = self._copy("damaged")
        paths = [*sorted(folder.glob("units/*/predictions.parquet"))[:2], folder / "materials.parquet"]
        paths += [sorted(folder.glob("units/*/record.json"))[-1], folder / "quarantine.csv"]
        paths += [*folder.glob("conditionals/*seed0*/conditionals.parquet"), folder / "study.json"]
        for i, path in enumerate(paths):
            content = bytearray(path.read_bytes())
            if i % 2:
                content = content[: len(content) // 2]
            else:
                content[len(content) // 2] ^= 1 << self.rng.randrange(8)
            path.write_bytes(content)
        self._must_be_whole(folder, "after damage to files")
        print(f"damage: {len(paths)} flipped or truncated files found and made again")

    def full_disk(self) -> None:
        """A disk that fills up while units are stored."""
        # Room for about half of what the study holds, in whole pages.
        files = [p for p in (self.place / "truth").rglob("*") if p.is_file()]
        size = sum(-(-p.stat().st_size // 4096) for p in files) * 4 * 6 // 10
        with mounted(self.place / "full", f"size={size}k") as folder:
            if folder is None:
                print("full disk: skipped, mounts are not allowed here (the tests fake one)")
                return
            code, said = self.finish(folder / "study")
            broken = list(folder.rglob(".*.part"))
            if code not in (2, 3) or "No space left" not in said or "Traceback" in said or broken:
                self.complaints.append(f"full disk: exit code {code}, {broken}: {said}")
            stored = len(units(folder / "study"))
            subprocess.run(["mount", "-o", "remount,size=64m", str(folder)], check=True)
            self._must_be_whole(folder / "study", "after a full disk")
        print(f"full disk (tmpfs of {size} kB): exit code {code} with {stored} units stored; whole with room")

    def read_only(self) -> None:
        """A folder that cannot be written is refused before anything is trained."""
        with mounted(self.place / "fixed", "size=64m") as folder:
            if folder is None:
                print("read-only disk: skipped, mounts are not allowed here")
                return
            shutil.copytree(self.place / "truth", folder / "study")
            shutil.rmtree(next((folder / "study").glob("units/*")))
            subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
            code, said = self.finish(folder / "study")
            if code != 2 or "cannot write the study folder: Read-only file system" not in said:
                self.complaints.append(f"read-only disk: exit code {code}: {said}")
        print(f"read-only disk (tmpfs): exit code {code}, refused before training")

    def little_memory(self) -> None:
        """Workers whose address space ends where it is: units fail with a reason, the rerun finishes."""
        folder = self._copy("memory", missing=3)
        process = self.start(folder)
        limited: set[int] = set()
        while process.poll() is None:
            for pid in set(workers_of(process.pid)) - limited:
                with contextlib.suppress(OSError, ValueError):
                    size = int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()
                    resource.prlimit(pid, resource.RLIMIT_AS, (size, size))
                    limited.add(pid)
            time.sleep(0.01)
        said = " ".join(process.communicate()[0].split())
        if process.returncode != 3 or "failed" not in said:
            self.complaints.append(f"memory limit: exit code {process.returncode}: {said}")
        self._must_be_whole(folder, "after a memory limit")
        print(f"memory limit (RLIMIT_AS of {len(limited)} workers): exit code 3, whole without it")


@contextlib.contextmanager
def mounted(folder: Path, options: str):
    """A small file system in memory, or None where that is not allowed."""
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True)
    try:
        yield None if done.returncode else folder
    finally:
        if not done.returncode:
            subprocess.run(["umount", str(folder)], check=True)


def make_table(path: Path, n: int) -> Path:
    import pandas as pd

    from mattomo.materials import example_path

    pd.read_parquet(example_path("mp1000")).head(n).to_parquet(path)
    return path


def tables(folder: Path) -> dict[str, bytes]:
    """Content of every table of the units."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.glob("units/*/*.parquet")}


def units(folder: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of change of every finished unit."""
    found = {}
    for path in folder.glob("units/[!.]*/record.json"):
        stat = path.stat()
        found[path.parent.name] = (stat.st_ino, stat.st_mtime_ns)
    return found


def workers_of(pid: int) -> list[int]:
    """Worker processes of a run: its children, without the tracker of resources."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid and b"spawn_main" in (path / "cmdline").read_bytes():
                found.append(int(path.name))
    return sorted(found)


if __name__ == "__main__":
    sys.exit(main())
