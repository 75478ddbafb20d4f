"""The short version of `scripts/fault_harness.py`: a few kills of a small study."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "fault_harness.py"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds workers in /proc")
def test_kills_at_random_moments_lose_nothing():
    done = subprocess.run(
        [
            sys.executable, str(SCRIPT), "--kills", "3", "--only-kills", "--materials", "60",
            "--choice", "learners=trees", "--choice", "seeds=1",
        ],
        capture_output=True,
        text=True,
        timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 of 3 survived; 0 finished units lost" in done.stdout
    assert "0 finished units made again" in done.stdout
