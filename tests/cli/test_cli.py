"""The program as a user runs it: in a process of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from mattomo.study.config import KEYS

ROOT = Path(__file__).parents[2]
STUDY = ("mp1000", "--targets", "band_gap", "--properties", "density")


def mattomo(*args, code=0):
    done = subprocess.run(
        [sys.executable, "-m", "mattomo", *map(str, args)], capture_output=True, text=True, timeout=240
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "materials.csv"
    rows = [f"m{i},{'NaCl' if i % 2 else 'MgO'},{i / 10},{i * i}" for i in range(40)]
    path.write_text("material_id,formula,band_gap,density\n" + "\n".join(rows) + "\n")
    return path


def test_help_lists_the_commands():
    text = mattomo("--help").stdout
    for command in ("demo", "check", "plan", "run", "report"):
        assert command in text


def test_every_key_of_the_study_file_is_an_option():
    text = mattomo("plan", "--help").stdout
    for key in set(KEYS) - {"data"}:
        assert f"--{key.replace('_', '-')[:20]}" in text


def test_check(table, tmp_path):
    table.write_text(table.read_text() + "bad1,Xx2O3,1,2\nbad2,NaCl,one,3\n")
    checked = json.loads(mattomo("check", table, "--json", "--quarantine", tmp_path / "q.csv").stdout)
    assert checked["rows_read"] == 42
    assert checked["rows_used"] == 41
    assert checked["rows_left_out"] == 1
    assert checked["cells_refused"] == 1
    text = mattomo("check", table).stdout
    for word in ("42 rows read", "Xx", "row 41", "'formula'", "'band_gap'", "one"):
        assert word in text
    assert len((tmp_path / "q.csv").read_text().splitlines()) == 3


def test_an_unwritable_path_is_one_message(table):
    failed = mattomo("check", table, "--quarantine", "/proc/no/such/folder/q.csv", code=2)
    assert "error: " in failed.stderr
    assert "/proc/no" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_plan_in_numbers(table):
    plan = json.loads(
        mattomo(
            "plan", table, "--targets", "band_gap", "--properties", "density", "--representations",
            "composition", "--seeds", "2", "--controls", "none", "--json",
        ).stdout
    )  # fmt: skip
    assert plan["trainings"] == 4
    pairs = [{"target": "band_gap", "added": "density", "rows": 40}]
    assert plan["rows"] == {"table": 40, "used": 40, "of_pairs": pairs}
    assert [unit["seed"] for unit in plan["units"]] == [0, 1]
    assert plan["processor_seconds"] > sum(unit["processor_seconds"] for unit in plan["units"])


def test_only_what_is_said_to_be_of_this_machine_is(table):
    args = (
        "plan", table, "--targets", "band_gap", "--properties", "density", "--representations", "composition",
        "--seeds", "2", "--controls", "none", "--json",
    )  # fmt: skip
    plans = [
        json.loads(mattomo(*args, *more).stdout) for more in ((), ("--workers", "1"), ("--memory", "4GB"))
    ]
    here = [plan.pop("this_machine") for plan in plans]
    assert plans[0] == plans[1] == plans[2]
    assert here[1]["workers"] == 1
    assert here[2]["memory_bytes"] < 4e9
    assert here[2]["workers_that_fit"] < 4e9 / (0.5 * plans[0]["expected_bytes_per_worker"])
    for machine in here:
        assert 0.05 < machine["pace"] < 50
        assert machine["expected_seconds"] > 0


def test_a_plan_tells_what_it_takes_here():
    text = " ".join(
        mattomo("plan", "mp1000", "--protocol", "ortega-ochoa-2025", "--memory", "3GB").stdout.split()
    )
    assert re.search(r"of processor time, 0\.\d\d GB of memory for a worker", text)
    assert re.search(r"on this machine about [\d.]+ (h|days) with \d+ workers \(\d fit in 2\.\d GB\)", text)


def test_memory_limits_a_run(table, tmp_path):
    args = (
        "run", table, "--targets", "band_gap", "--properties", "density", "--representations", "composition",
        "--learners", "trees", "--seeds", "2", "--controls", "none", "--swaps", "0", "--no-report", "--quiet",
        "--out", tmp_path / "study",
    )  # fmt: skip
    message = " ".join(mattomo(*args, "--memory", "100MB", code=2).stderr.split())
    assert re.search(r"one worker needs 0\.\d\d GB for composition-trees-seed\d-band_gap", message)
    enough = re.search(r"Give it ([\d.]+GB) or more", message)[1]
    assert not (tmp_path / "study" / "units").exists()
    done = mattomo(*args, "--memory", enough, "--workers", "2", "--json")
    assert json.loads(done.stdout)["trained"] == 2
    assert "room for 1 of 2 workers" in " ".join(done.stderr.split())


def test_plan_of_the_paper_counts_as_the_paper_does():
    plan = ("plan", "mp1000", "--protocol", "ortega-ochoa-2025")
    text = mattomo(*plan, "--controls", "none").stdout
    assert "2,340 trainings" in text
    assert "1,260 distinct" in text
    with_controls = mattomo(*plan).stdout
    assert "2,340 trainings" in with_controls
    assert "1,530 distinct" in with_controls


def test_run_and_report(table, tmp_path):
    out = tmp_path / "study"
    args = [
        "run", table, "--targets", "band_gap", "--properties", "density", "--representations", "composition",
        "--seeds", "1", "--epochs", "2", "--out", out, "--workers", "1",
    ]  # fmt: skip
    first = json.loads(mattomo(*args, "--json").stdout)
    assert first["trained"] == 1
    assert first["failed"] == {}
    assert Path(first["report"]).exists()
    again = mattomo(*args)
    assert "0 units trained" in again.stdout
    assert "report.html" in again.stdout
    assert "report.html" in mattomo("report", out, "--out", tmp_path / "again").stdout
    assert (tmp_path / "again" / "report.html").exists()
    other = mattomo(*args, "--epochs", "3", code=2)
    assert "another study" in other.stderr
    assert "epochs" in other.stderr


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["check", "no-such-file.csv"], ["no-such-file.csv"]),
        (["plan", "mp1000", "--targets", "bandgap", "--properties", "density"], ["bandgap", "Did you mean"]),
        (["plan", "mp1000"], ["targets", "protocol"]),
        (["plan", "mp1000", "--protocol", "ortega-ochoa-2025", "--epochs", "many"], ["--epochs", "'many'"]),
        (["plan", "mp1000", "--targets", "crystal_system", "--properties", "density"], ["crystal_system"]),
        (["report", "."], ["no study"]),
        (["plan", *STUDY, "--memory", "lots"], ["'--memory'", "'lots'", "8GB"]),
        (["run", *STUDY, "--out", "never", "--memory", "8"], ["'--memory'", "'8'", "8GB"]),
        (["run", *STUDY, "--out", "never", "--memory", "8GB", "--dask", "local:1"], ["--dask"]),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(args, words):
    message = " ".join(mattomo(*args, code=2).stderr.split())
    for word in ("error:", *words):
        assert word in message


def test_study_file_with_an_unknown_key(tmp_path):
    path = tmp_path / "s.toml"
    path.write_text('data = "mp1000"\ntargets = ["band_gap"]\nproperties = ["density"]\nepoch = 3\n')
    message = " ".join(mattomo("plan", path, code=2).stderr.split())
    for word in ("s.toml", "'epoch'", "Did you mean 'epochs'"):
        assert word in message


def test_the_example_study_file_names_every_key_and_plans():
    text = (ROOT / "examples" / "study.toml").read_text()
    for key in KEYS:
        assert f"\n{key} =" in text or f"\n# {key} =" in text or f"\n# [{key}]" in text
    tomllib.loads(text)
    assert "192 distinct" in mattomo("plan", ROOT / "examples" / "study.toml").stdout


def test_ctrl_c_says_that_nothing_finished_is_lost(tmp_path):
    out = tmp_path / "study"
    process = subprocess.Popen(
        [
            # A test runner in the background may have SIGINT ignored, which children inherit.
            sys.executable, "-c",
            "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
            "from mattomo.cli import main; main()",
            "run", "mp1000", "--targets", "band_gap,density,volume",
            "--properties", "e_above_hull", "--representations", "composition", "--learners", "trees",
            "--workers", "1", "--out", str(out),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not list(out.glob("units/composition*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, message = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted: finished units are stored" in " ".join(message.split())
    assert "Traceback" not in message
    assert list(out.glob("units/composition*/record.json"))
