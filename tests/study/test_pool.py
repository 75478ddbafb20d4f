"""Workers and the script that starts them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mattomo.study.workers import default_workers

STUDY = """
from pathlib import Path
import mattomo as mt
from mattomo.learners import sklearn
from sklearn.tree import DecisionTreeRegressor

with open("runs.txt", "a") as runs:
    runs.write(__name__ + "\\n")

class Stump(DecisionTreeRegressor):
    pass

def go(learners):
    study = mt.Study(
        "mp1000", targets=["band_gap"], properties=["density"], representations=["composition"],
        learners=["trees"], seeds=2, controls=(), swaps=0, where="nsites <= 4",
    )
    results = study.run("study", workers=2, learners=learners)
    print(results.run.failed, results.run.trained)
    return results
"""
OWN = "go([sklearn(Stump(max_depth=2), name='stump')])"


def ran(folder, text, name="script.py"):
    """Output of a script, and how often it was run, by the name it had."""
    script = folder / name
    script.write_text(text)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2] / "src")}
    done = subprocess.run(
        [sys.executable, script.name],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        env=environment,
    )
    runs = folder / "runs.txt"
    return done, runs.read_text().split() if runs.exists() else []


def test_a_script_without_a_guard_trains_and_scores_in_workers(tmp_path):
    every = "import mattomo.results\nmattomo.results._LARGE = 0\nprint(len(go(None).bits()))\n"
    done, runs = ran(tmp_path, STUDY + every)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:2] == ["{} 2", "1"]
    assert runs == ["__main__"]


@pytest.mark.skipif(default_workers() < 2, reason="one processor is all there is")
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system does not choose processors")
def test_the_numbers_of_the_network_do_not_depend_on_the_number_of_processors(tmp_path):
    text = """
import os, sys
import mattomo as mt
import pandas as pd
if sys.argv[0].startswith("one"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
study = mt.Study(
    mt.load("mp1000").take(range(150)), targets=["band_gap"], properties=["density"],
    representations=["structure"], learners=["cgcnn"], seeds=1, epochs=2, controls=(), swaps=0,
)
results = study.run(sys.argv[0].removesuffix(".py"), workers=1)
(path,) = results.folder.glob("units/*/predictions.parquet")
print(pd.read_parquet(path).to_csv())
"""
    one, all_ = (ran(tmp_path, text, name)[0] for name in ("one.py", "all.py"))
    assert one.returncode == 0, one.stderr
    assert one.stdout.count("\n") > 60
    assert all_.stdout == one.stdout


def test_a_learner_defined_in_the_script_is_found_there(tmp_path):
    done, runs = ran(tmp_path, STUDY + f'if __name__ == "__main__":\n    {OWN}\n')
    assert done.stdout.startswith("{} 2"), done.stderr
    assert runs[0] == "__main__"
    assert set(runs[1:]) == {"__mp_main__"}


def test_a_script_that_would_start_workers_in_its_workers_is_told_so(tmp_path):
    done, runs = ran(tmp_path, STUDY + OWN)
    assert 'Put the calls under `if __name__ == "__main__":`' in done.stdout
    assert done.stdout.endswith(" 0\n")
    # Each unit is tried twice.
    assert 2 <= len(runs) <= 5
