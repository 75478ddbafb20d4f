"""SIGTERM to the whole job, as a scheduler sends it: a clean end, nothing left behind."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mattomo.materials import example_path

pytestmark = pytest.mark.skipif(os.name != "posix", reason="groups of processes")
#: Nine units of trees, each the better part of a second.
CHOICES = [
    "--targets", "band_gap,density,volume", "--properties", "e_above_hull", "--seeds", "3",
    "--representations", "composition", "--learners", "trees", "--controls", "none", "--swaps", "5",
    "--no-report", "--quiet", "--workers", "2",
]  # fmt: skip


def start(*words):
    """The program as the leader of a group of processes."""
    return subprocess.Popen(
        [sys.executable, "-m", "mattomo", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def tables(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.glob("units/*/*.parquet")}


def wait_for(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "materials.parquet"
    pq.write_table(pq.read_table(example_path("mp1000")).slice(0, 200), path)
    return path


def group(leader):
    """Living processes of a group."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            words = path.read_text().rpartition(")")[2].split()
            if int(words[2]) == leader and words[0] != "Z":
                found.append(int(path.parent.name))
    return found


def test_sigterm_ends_a_run_cleanly_and_the_same_command_goes_on(data, tmp_path):
    there, out = tmp_path / "there", tmp_path / "here"
    whole = start("run", data, *CHOICES, "--out", there)
    whole.communicate(timeout=240)
    assert whole.returncode == 0

    process = start("run", data, *CHOICES, "--out", out)
    wait_for(lambda: list(out.glob("units/composition*")))
    os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)  # srun passes it on once more
    _, said = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "ended by SIGTERM: finished units are stored" in " ".join(said.split())
    assert "Traceback" not in said
    assert "trying again" not in said
    if Path("/proc/self/stat").exists():
        wait_for(lambda: not group(process.pid), 10)
    finished = {p: p.stat().st_mtime_ns for p in out.glob("units/composition*/record.json")}
    assert 1 <= len(finished) < 9
    left = [p.name for p in out.rglob("*") if p.suffix in (".lock", ".part", ".tmp")]
    assert not left
    assert not (out / "shared").exists()

    again = start("run", data, *CHOICES, "--out", out)
    again.communicate(timeout=240)
    assert again.returncode == 0
    assert tables(out) == tables(there)
    assert {p: p.stat().st_mtime_ns for p in finished} == finished


def test_a_program_started_to_ignore_sigterm_ignores_it():
    code = "from mattomo.cli.stop import end_when_asked; end_when_asked(); "
    code += "import os, signal; os.kill(os.getpid(), signal.SIGTERM); print('alive')"
    for before, returned, printed in (
        ("", 143, ""),
        ("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); ", 0, "alive\n"),
    ):
        done = subprocess.run([sys.executable, "-c", before + code], capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (returned, printed)
