"""The short version of `scripts/fault_harness.py`: kills, failing writes, two runs, clocks, little memory."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "fault_harness.py"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds workers in /proc")
def test_faults_at_random_moments_lose_nothing():
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--short"], capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = " ".join(done.stdout.split())
    assert "3 of 3 survived; 0 finished units lost" in said
    assert "0 complaints), whole without them; 0 finished units lost, 0 made again" in said
    assert "two runs at once: 1 pairs" in said
    assert "; 0 finished units lost, 0 made twice" in said
    assert "clock: two runs whose clocks jump back by an hour" in said
    assert "exit code 3, whole without it" in said
    assert said.endswith("all faults survived")
