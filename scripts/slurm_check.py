"""Run the scripts of examples/slurm on a real Slurm cluster of one node, and disturb them.

    python scripts/slurm_check.py            # minutes; as root, with slurmctld, slurmd and munged installed

Brings up munged, slurmctld and slurmd on loopback in a temporary folder, submits the very scripts of
examples/slurm with `sbatch` (fewer tasks by options of `sbatch` alone), and ends everything again. The study:
gradient-boosted trees and a 2-epoch graph network on 100 materials of the embedded table, 12 units. What is
done to it: an array task is cancelled, one is requeued and one meets its time limit; a job of Dask workers is
cancelled, workers are killed; all worker jobs of dask-jobqueue are cancelled. After each the study is
completed, and its tables must be those of an undisturbed local run, byte for byte.

Exit code 0: all is equal; 1: something is not; 77: skipped, since something is not installed. Linux only.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib import metadata, util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples" / "slurm"
SHARDS = 3
STUDY = """\
data = "../materials.parquet"
targets = ["band_gap", "density", "volume"]
properties = ["crystal_system"]
representations = ["composition"]
learners = ["trees", "cgcnn"]
controls = []
swaps = 2
seeds = 2
epochs = 2
batch_size = 32
"""
#: Cores are declared, not counted: a few small tasks at once on any machine.
CONFIGURATION = """\
ClusterName=check
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={place}/munge.socket
StateSaveLocation={place}/state
SlurmdSpoolDir={place}/spool
SlurmctldPidFile={place}/slurmctld.pid
SlurmdPidFile={place}/slurmd.pid
SlurmctldLogFile={place}/slurmctld.log
SlurmdLogFile={place}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
ReturnToService=2
MinJobAge=3600
KillWait=20
NodeName={host} NodeAddr=127.0.0.1 CPUs=8 RealMemory=262144 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


class Wrong(Exception):
    """Something did not come out as it must."""


def main() -> int:
    lacking = missing()
    if lacking:
        print(f"skipped: this check needs {', '.join(lacking)}")
        return 77
    with tempfile.TemporaryDirectory(prefix="mattomo-slurm-") as name:
        place = Path(name)
        place.chmod(0o755)  # munge wants its socket to be reachable
        prepare(place)
        try:
            with slurm(place):
                check = Check(place)
                late = check.begin_time_limit()
                check.array()
                check.array_cancelled_and_requeued()
                check.time_limit(late)
                check.dask()
                check.jobqueue()
                until(lambda: not run("squeue", "-h"), "jobs to end", 60)
                until(lambda: not processes(place), "processes of ended jobs to end", 20)
        except Wrong as wrong:
            print(f"wrong: {wrong}")
            return 1
    print("all tables are those of the undisturbed run, byte for byte")
    return 0


def missing() -> list[str]:
    """What this check needs and does not find."""
    found = [] if sys.platform.startswith("linux") else ["Linux"]
    found += [] if hasattr(os, "geteuid") and os.geteuid() == 0 else ["root"]
    os.environ["PATH"] += os.pathsep + "/usr/sbin"
    programs = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scancel", "scontrol", "squeue", "sinfo")
    found += [program for program in programs if shutil.which(program) is None]
    return found + [module for module in ("distributed", "dask_jobqueue") if util.find_spec(module) is None]


def prepare(place: Path) -> None:
    """The table, `mattomo` and `python` of this interpreter, and scratch space."""
    sys.path.insert(0, str(ROOT / "src"))
    import pandas as pd

    from mattomo.materials import example_path

    pd.read_parquet(example_path("mp1000")).head(100).to_parquet(place / "materials.parquet")
    for folder in ("bin", "scratch", "state", "spool"):
        (place / folder).mkdir()
    program = place / "bin" / "mattomo"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mattomo "$@"\n')
    program.chmod(0o755)
    path = [str(place / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
    os.environ |= {
        "PATH": os.pathsep.join(path),
        "PYTHONPATH": str(ROOT / "src"),
        "TMPDIR": str(place / "scratch"),
        "SLURM_CONF": str(place / "slurm.conf"),
        "SHARDS": str(SHARDS),
    }


@contextlib.contextmanager
def slurm(place: Path) -> Iterator[None]:
    """A cluster of one node on loopback; its daemons are children of this process."""
    (place / "munge.key").write_bytes(os.urandom(128))
    (place / "munge.key").chmod(0o600)
    host = socket.gethostname().partition(".")[0]
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        ports = [one.getsockname()[1], two.getsockname()[1]]
    (place / "slurm.conf").write_text(CONFIGURATION.format(place=place, host=host, ports=ports))
    files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "seed-file": "seed"}
    munge = [f"--{option}={place}/munge.{end}" for option, end in files.items()]
    daemons: list[subprocess.Popen[bytes]] = []
    with (place / "daemons.log").open("wb") as log:
        try:
            for command in (["munged", "-F", *munge], ["slurmctld", "-D"], ["slurmd", "-D"]):
                daemons.append(subprocess.Popen(command, stdout=log, stderr=log))
                time.sleep(1)
            until(
                lambda: run("sinfo", "-h", "-o", "%T", check=False).strip() == "idle",
                "the node to be idle",
                30,
            )
            yield
        finally:
            for job in run("squeue", "-h", "-o", "%A", check=False).split():
                run("scancel", job, check=False)
            with contextlib.suppress(Wrong):
                until(lambda: not run("squeue", "-h", check=False), "jobs to end", 60)
            for pid in processes(place):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for daemon in daemons[::-1]:
                daemon.terminate()
                daemon.wait(timeout=30)


class Check:
    """The undisturbed tables, and one method a way of running."""

    def __init__(self, place: Path) -> None:
        self.place = place
        versions = {name: metadata.version(name) for name in ("dask", "distributed", "dask-jobqueue")}
        print(
            run("slurmctld", "-V").strip(), *(f"{k} {v}" for k, v in versions.items()), sep=", ", flush=True
        )
        here = self.folder("undisturbed")
        run("mattomo", "run", "study.toml", "--out", "study", "--quiet", "--no-report", cwd=here)
        self.truth = tables(here)
        self.shares = shares(here)
        print(f"undisturbed local run: {len(units(here))} units, {len(self.truth)} tables", flush=True)

    def folder(self, name: str) -> Path:
        """Where a job is submitted, with its study file."""
        folder = self.place / name
        folder.mkdir(exist_ok=True)
        (folder / "study.toml").write_text(STUDY)
        return folder

    def array(self) -> None:
        """All tasks at once, nothing happens to them."""
        here = self.folder("array")
        job = submit(here, "array.sh", f"--array=1-{SHARDS}", "--cpus-per-task=2")
        for k in range(1, SHARDS + 1):
            ended(f"{job}_{k}", "COMPLETED", "0:0")
        self.must_be_whole(here)
        self.say(f"job array of {SHARDS} tasks at once")

    def array_cancelled_and_requeued(self) -> None:
        """One task is cancelled and submitted again, one is requeued, in the middle of their units."""
        here = self.folder("cancelled")
        job = submit(here, "array.sh", f"--array=1-{SHARDS}", "--cpus-per-task=2")
        self.in_the_middle(here, 2)
        run("scancel", f"{job}_2")
        ended(f"{job}_2", "CANCELLED", "143:0")
        self.ended_cleanly(here, f"slurm-{job}_2.out", 2)
        self.in_the_middle(here, 3)
        run("scontrol", "requeue", f"{job}_3")
        until(lambda: show(f"{job}_3")["JobState"] == "PENDING", "the requeued task to wait")
        self.ended_cleanly(here, f"slurm-{job}_3.out", 3)
        before = units(here)
        again = submit(here, "array.sh", "--array=2", "--cpus-per-task=2")
        run("scontrol", "update", f"JobId={job}_3", "StartTime=now")  # else two minutes later
        for task in (f"{again}_2", f"{job}_3", f"{job}_1"):
            ended(task, "COMPLETED", "0:0")
        if show(f"{job}_3")["Restarts"] != "1":
            raise Wrong("the requeued task was not started again")
        self.must_be_whole(here, before)
        self.say("job array, a task cancelled and submitted again, another requeued")

    def begin_time_limit(self) -> str:
        """One task that is too slow for its minute: it is stopped meanwhile, which costs no processor."""
        here = self.folder("late")
        job = submit(here, "array.sh", "--array=2", "--cpus-per-task=2", "--time=1")
        self.in_the_middle(here, 2)
        run("scancel", "--signal=STOP", f"{job}_2")
        return job

    def time_limit(self, job: str) -> None:
        """At its limit a task gets SIGCONT and SIGTERM, and later the rest is submitted."""
        here = self.place / "late"
        ended(f"{job}_2", "TIMEOUT", None)
        self.ended_cleanly(here, f"slurm-{job}_2.out", 2)
        before = units(here)
        again = submit(here, "array.sh", f"--array=1-{SHARDS}", "--cpus-per-task=2")
        for k in range(1, SHARDS + 1):
            ended(f"{again}_{k}", "COMPLETED", "0:0")
        self.must_be_whole(here, before)
        self.say("job array, a task at its time limit, submitted again")

    def dask(self) -> None:
        """A job of three workers, cancelled; submitted again, one worker killed and one lost for good."""
        here = self.folder("dask")
        job = submit(here, "dask.sh", "--ntasks=4")
        until(lambda: units(here), "a stored unit")
        run("scancel", job)
        ended(job, "CANCELLED", "143:0")
        self.ended_cleanly(here, f"slurm-{job}.out")
        before = units(here)
        job = submit(here, "dask.sh", "--ntasks=4")
        until(lambda: len(units(here)) > len(before), "another stored unit")
        busy = busy_workers(here / f"scheduler-{job}.json")
        if len(busy) < 2:
            raise Wrong(f"too late to kill workers: {len(busy)} are busy")
        tasks = {int(line.split()[0]) for line in run("scontrol", "listpids", f"{job}.0").splitlines()[1:]}
        killed, lost = busy[0], busy[1]
        for pid in (killed, parent(lost), lost):  # the second one with the task that would start it again
            if pid not in tasks:
                raise Wrong(f"process {pid} is none of the step's {sorted(tasks)}")
            os.kill(pid, signal.SIGKILL)
        ended(job, "COMPLETED", "0:0")
        self.must_be_whole(here, before)
        if list(here.glob("scheduler-*.json")):
            raise Wrong("the scheduler's file was left behind")
        self.say("dask.sh cancelled, submitted again, a worker killed and a worker's task killed")

    def jobqueue(self) -> None:
        """Three worker jobs; all are cancelled in the middle, and others take their place."""
        here = self.folder("jobqueue")
        command = [sys.executable, str(EXAMPLES / "jobqueue.py"), "3"]
        with (
            (here / "out").open("w") as out,
            subprocess.Popen(command, cwd=here, stdout=out, stderr=out) as program,
        ):
            try:
                until(lambda: units(here) or program.poll() is not None, "a stored unit")
                before, jobs = units(here), run("squeue", "-h", "-o", "%A").split()
                if len(jobs) != 3 or len(before) == sum(map(len, self.shares)):
                    raise Wrong(f"{len(jobs)} worker jobs and {len(before)} units in the middle of the run")
                run("scancel", *jobs)
                code = program.wait(timeout=300)
            finally:
                program.kill()
        if code or "report.html" not in (here / "out").read_text():
            raise Wrong(f"jobqueue.py ended with {code}: {(here / 'out').read_text()}")
        self.must_be_whole(here, before)
        until(lambda: not run("squeue", "-h"), "worker jobs to end")
        later = len(list(here.glob("slurm-*.out"))) - 3
        if later < 1:
            raise Wrong("no worker job was replaced")
        self.say(f"dask-jobqueue, its 3 worker jobs cancelled, {later} submitted in their place")

    def in_the_middle(self, here: Path, k: int) -> None:
        """Wait until a unit of the k-th shard is being trained."""
        until(lambda: self.shares[k - 1] & claimed(here), f"shard {k} to train")
        if not self.shares[k - 1] - units(here).keys():
            raise Wrong(f"shard {k} was finished before anything happened to it")

    def ended_cleanly(self, here: Path, output: str, shard: int | None = None) -> None:
        """It said so, and nothing of it holds a claim."""
        said = (here / output).read_text()
        if "ended by SIGTERM: finished units are stored" not in said:
            raise Wrong(f"{output}: no message of a clean end: {said}")
        kept = claimed(here) if shard is None else self.shares[shard - 1] & claimed(here)
        if kept:
            raise Wrong(f"{output}: claims left behind: {kept}")

    def must_be_whole(self, here: Path, before: dict[str, tuple[int, int]] | None = None) -> None:
        """The undisturbed tables, no unit made again, nothing left behind."""
        after = units(here)
        for name, stamp in (before or {}).items():
            if after.get(name) != stamp:
                raise Wrong(f"{here.name}: {name} was finished and made again")
        if tables(here) != self.truth:
            raise Wrong(f"{here.name}: not the tables of the undisturbed run")
        left = [p for p in (here / "study").rglob("*") if p.suffix in (".part", ".lock", ".tmp")]
        if left or (here / "study" / "shared").exists():
            raise Wrong(f"{here.name}: left behind: {left or 'shared'}")

    def say(self, what: str) -> None:
        print(f"{what}: equal", flush=True)


def run(*command: str, check: bool = True, cwd: Path | None = None) -> str:
    """Standard output of a program."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if check and done.returncode:
        raise Wrong(f"{' '.join(command)}: exit code {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def submit(here: Path, script: str, *options: str) -> str:
    """Number of the job."""
    return run("sbatch", "--parsable", *options, str(EXAMPLES / script), cwd=here).strip()


def show(job: str) -> dict[str, str]:
    """What Slurm knows of a job."""
    words = run("scontrol", "--oneliner", "show", "job", job).split()
    return dict(word.split("=", 1) for word in words if "=" in word)


def ended(job: str, state: str, code: str | None) -> None:
    """Wait for the end of a job, which must be this one."""
    going = ("PENDING", "RUNNING", "STOPPED", "COMPLETING", "CONFIGURING")
    until(lambda: show(job)["JobState"] not in going, f"job {job} to end", 600)
    found = show(job)
    if found["JobState"] != state or code not in (None, found["ExitCode"]):
        said = Path(found["StdOut"]).read_text()[-3000:]
        raise Wrong(
            f"job {job}: {found['JobState']}, exit code {found['ExitCode']}; expected {state}: {said}"
        )


def until(condition: Callable[[], object], what: str, seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Wrong(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.2)


def shares(here: Path) -> list[set[str]]:
    """Units of every shard."""
    from mattomo import Study
    from mattomo.study.shards import Shard

    with contextlib.chdir(here):
        planned = Study.from_file("study.toml").plan().units
    return [{unit.id for unit in Shard(k, SHARDS).units(planned)} for k in range(1, SHARDS + 1)]


def tables(here: Path) -> dict[str, bytes]:
    """Content of every table of the units."""
    return {str(p.relative_to(here)): p.read_bytes() for p in here.glob("study/units/*/*.parquet")}


def units(here: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of change of every finished unit."""
    found = {}
    for path in here.glob("study/units/[!.]*/record.json"):
        stat = path.stat()
        found[path.parent.name] = (stat.st_ino, stat.st_mtime_ns)
    return found


def claimed(here: Path) -> set[str]:
    """Names that runs hold."""
    return {path.name.removesuffix(".lock") for path in here.glob("study/running/*.lock")}


def busy_workers(file: Path) -> list[int]:
    """Processes of the workers that train a unit now."""
    from distributed import Client

    with Client(json.loads(file.read_text())["address"], set_as_default=False) as client:
        numbers = client.run(os.getpid)
        return [numbers[worker] for worker, keys in client.processing().items() if keys]


def processes(place: Path) -> list[int]:
    """Those that work in a folder of a job, whoever started them."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            where = Path(os.readlink(path / "cwd"))
            if where.parent == place and where.name not in ("state", "spool"):
                found.append(int(path.name))
    return found


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


if __name__ == "__main__":
    sys.exit(main())
