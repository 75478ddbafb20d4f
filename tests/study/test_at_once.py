"""Several runs in one folder at the same time, as a job array starts them, and what is said of them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .test_faults import tables

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "materials.csv"
    rows = [f"m{i},{'NaCl' if i % 3 else 'MgO'},{i % 7},{i * i % 11},{i}" for i in range(60)]
    path.write_text("material_id,formula,band_gap,density,volume\n" + "\n".join(rows) + "\n")
    return [
        sys.executable, "-m", "mattomo", "run", str(path), "--targets", "band_gap,density",
        "--properties", "volume", "--representations", "composition", "--learners", "trees", "--seeds", "2",
        "--controls", "none", "--swaps", "2", "--workers", "1", "--quiet", "--json",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def alone(command, tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone") / "study"
    subprocess.run([*command, "--out", str(folder)], check=True, stdout=subprocess.DEVNULL)
    return folder


def at_once(*commands):
    started = [
        subprocess.Popen(c, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for c in commands
    ]
    answers = [process.communicate(timeout=240) for process in started]
    for process, (_, said) in zip(started, answers, strict=True):
        assert process.returncode == 0, said
    return [json.loads(answer) for answer, _ in answers]


def status(folder):
    words = [sys.executable, "-m", "mattomo", "status", str(folder)]
    found = subprocess.run([*words, "--json"], capture_output=True, text=True, check=True).stdout
    return json.loads(found), subprocess.run(words, capture_output=True, text=True, check=True).stdout


def test_two_runs_share_the_work_and_no_unit_is_made_twice(command, alone, tmp_path):
    folder = tmp_path / "study"
    reports = at_once(*[[*command, "--out", str(folder)]] * 2)
    assert sum(report["trained"] for report in reports) == 4
    assert tables(folder) == tables(alone)
    stored = [log.read_text().count(": stored") for log in folder.glob("logs/*.log")]
    assert stored == [1] * 6
    assert not list(folder.glob("running/*"))


def test_shards_at_once_then_the_rest(command, alone, tmp_path):
    folder = tmp_path / "study"
    shards = at_once(*([*command, "--out", str(folder), "--shard", f"{k}/3"] for k in (1, 3)))
    assert [report["trained"] for report in shards] == [2, 1]
    assert not (folder / "report").exists()
    found, text = status(folder)
    assert (found["planned"], found["done"], found["waiting"], found["running"]) == (4, 3, 1, [])
    assert "3 of 4 units done" in text
    assert "no run is going on" in text
    (last,) = at_once([*command, "--out", str(folder), "--shard", "2/3"])
    assert last["trained"] == 1
    assert os.path.exists(last["report"])
    assert tables(folder) == tables(alone)
    assert "4 of 4 units done" in status(folder)[1]
