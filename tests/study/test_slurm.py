"""`scripts/slurm_check.py`: the scripts of the pages in a real Slurm of one node."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "slurm_check.py"
SKIPPED = 77


def check(**environment):
    return subprocess.run(
        [sys.executable, str(SCRIPT)],
        capture_output=True,
        text=True,
        timeout=1800,
        env={**os.environ, **environment},
    )


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("slurmctld", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None, reason="needs Slurm"
)
def test_arrays_dask_and_jobqueue_give_the_tables_of_a_local_run():
    done = check()
    if done.returncode == SKIPPED:
        pytest.skip(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(": equal\n") == 5
    assert done.stdout.endswith("all tables are those of the undisturbed run, byte for byte\n")


def test_without_slurm_it_says_what_it_needs(tmp_path):
    done = check(PATH=str(tmp_path))
    assert (done.returncode, done.stderr) == (SKIPPED, "")
    assert done.stdout.startswith("skipped: this check needs ")
    assert "sbatch" in done.stdout
