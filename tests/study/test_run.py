import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

import mattomo as mt
from mattomo.study.machine import most_memory
from mattomo.study.plan import plan
from mattomo.study.prepare import prepare
from mattomo.study.store import Store

from .conftest import CHOICES


@pytest.fixture(scope="module")
def finished(small, tmp_path_factory):
    from .conftest import Inline

    folder = tmp_path_factory.mktemp("finished") / "study"
    mt.Study(small, **CHOICES).run(folder, executor=Inline())
    return folder


def numbers(folder):
    """All predictions of a study by unit."""
    return {path.parent.name: pd.read_parquet(path) for path in folder.glob("units/*/predictions.parquet")}


def assert_same(a, b):
    assert a.keys() == b.keys()
    for name in a:
        pd.testing.assert_frame_equal(a[name], b[name], check_exact=True)


def test_plan_counts_baselines_once(small):
    study = mt.Study(small, **CHOICES)
    assert study.plan().trainings == 2 * 2 * 1 * 3
    assert study.plan().trainings_as_counted_in_the_paper == 2 * 2 * 1 * 2 * 2


def test_papers_count():
    study = mt.Study("mp1000", protocol="ortega-ochoa-2025")
    assert study.plan().trainings_as_counted_in_the_paper == 2340
    assert study.plan().trainings == 1260 + 90 * 3  # three controls a unit
    assert mt.Study("mp1000", protocol="ortega-ochoa-2025", controls=[]).plan().trainings == 1260


def test_results_come_back_from_the_folder(finished):
    results = mt.Results(finished)
    assert results.outcome.units_done == results.outcome.units_planned == 4
    assert len(results.errors) == 12
    assert np.isfinite(results.errors["mae"]).all()
    record = json.loads(next(finished.glob("units/*/record.json")).read_text())
    table = numbers(finished)[record["id"]]
    held = table[table["part"] == "test"]
    for model in record["models"]:
        column = f"with {model['added']}" if model["added"] else "baseline"
        assert np.abs(held[column] - held["true"]).mean() == pytest.approx(model["mae"], rel=1e-12)


def test_augmented_models_differ_from_their_baseline(finished):
    for table in numbers(finished).values():
        assert not np.allclose(table["baseline"], table["with density"])


def test_a_second_run_trains_nothing(small, finished, inline):
    before = {path: path.stat().st_mtime_ns for path in finished.glob("units/*/*")}
    results = mt.Study(small, **CHOICES).run(finished, executor=inline)
    assert results.run.trained == 0
    assert {path: path.stat().st_mtime_ns for path in finished.glob("units/*/*")} == before


def test_a_missing_unit_comes_back_with_the_same_numbers(small, finished, inline, tmp_path):
    folder = tmp_path / "study"
    shutil.copytree(finished, folder)
    shutil.rmtree(next(folder.glob("units/structure-*")))
    results = mt.Study(small, **CHOICES).run(folder, executor=inline)
    assert results.run.trained == 1
    assert_same(numbers(folder), numbers(finished))


@pytest.mark.parametrize("damage", ["truncate", "flip", "record"])
def test_a_damaged_unit_is_found_and_trained_again(small, finished, inline, tmp_path, damage):
    folder = tmp_path / "study"
    shutil.copytree(finished, folder)
    unit = next(folder.glob("units/composition-*"))
    path = unit / ("record.json" if damage == "record" else "predictions.parquet")
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 1
    path.write_bytes(content if damage == "flip" else content[: len(content) // 2])
    heard = []
    results = mt.Study(small, **CHOICES).run(folder, executor=inline, progress=heard.append)
    assert results.run.trained == 1
    assert any("damaged" in p.message and p.unit == unit.name for p in heard)
    assert_same(numbers(folder), numbers(finished))


def test_numbers_do_not_depend_on_what_else_a_study_trains(small, finished, inline, tmp_path):
    alone = {**CHOICES, "properties": ("crystal_system",), "seeds": (1,), "representations": ("structure",)}
    folder = tmp_path / "study"
    mt.Study(small, **alone).run(folder, executor=inline)
    (table,) = numbers(folder).values()
    other = next(t for name, t in numbers(finished).items() if name.startswith("structure-cgcnn-seed1"))
    for column in ("true", "baseline", "with crystal_system"):
        np.testing.assert_array_equal(table[column], other[column])


def test_worker_processes_give_the_same_numbers(small, finished, tmp_path):
    folder = tmp_path / "study"
    results = mt.Study(small, **CHOICES).run(folder, workers=2)
    assert results.run.failed == {}
    assert_same(numbers(folder), numbers(finished))


def test_another_study_in_the_folder_is_refused(small, finished, inline):
    with pytest.raises(mt.InputError, match=r"another study \(epochs = 2 there, 3 here\).*another folder"):
        mt.Study(small, **{**CHOICES, "epochs": 3}).run(finished, executor=inline)
    with pytest.raises(mt.InputError, match="other data"):
        mt.Study(small.take(np.arange(110)), **CHOICES).run(finished, executor=inline)


def test_a_folder_with_other_things_is_refused(small, inline, tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(mt.InputError, match="not empty and holds no study"):
        mt.Study(small, **CHOICES).run(tmp_path, executor=inline)


def test_a_newer_format_is_refused(finished, tmp_path):
    folder = tmp_path / "study"
    shutil.copytree(finished, folder)
    description = json.loads((folder / "study.json").read_text())
    (folder / "study.json").write_text(json.dumps({**description, "format": 99, "mattomo": "9.9"}))
    with pytest.raises(mt.InputError, match=r"newer mattomo \(9\.9\)"):
        mt.Results(folder)


def test_no_study_and_a_damaged_description(tmp_path):
    with pytest.raises(mt.InputError, match="no study in this folder"):
        mt.Results(tmp_path)
    (tmp_path / "study.json").write_text("{")
    with pytest.raises(mt.InputError, match="damaged"):
        mt.Results(tmp_path)


def test_a_failed_unit_does_not_stop_the_others(study, tmp_path):
    from .conftest import Inline

    class Faulty(Inline):
        def submit(self, fn, learner, unit, name, saved):
            if unit.representation == "structure":
                return super().submit(lambda: 1 / 0)
            return super().submit(fn, learner, unit, name, saved)

    results = study.run(tmp_path / "study", executor=Faulty())
    assert len(results.run.failed) == 2
    assert all("ZeroDivisionError" in reason for reason in results.run.failed.values())
    assert results.outcome.units_done == 2
    assert results.report().exists()


def test_unit_identity_follows_data_choices_and_split(small):
    def ids(table=small, **choices):
        from mattomo.study.config import study_config

        config = study_config({"data": "t", **CHOICES, **choices})
        return [unit.id for unit in plan(prepare(table, config), config).units]

    base = ids()
    assert ids() == base
    assert ids(small.take(np.arange(len(small))[::-1])) == base
    for choices in ({"epochs": 3}, {"batch_size": 16}, {"split": "formula"}, {"ties": "first"}):
        assert ids(**choices) != base
    assert ids(small.take(np.arange(119))) != base


def test_a_killed_run_goes_on_and_ends_with_the_same_numbers(tmp_path):
    command = [
        sys.executable, "-m", "mattomo", "run", "mp1000", "--targets", "band_gap,density",
        "--properties", "e_above_hull", "--representations", "composition", "--seeds", "2",
        "--epochs", "3", "--workers", "1", "--quiet",
    ]  # fmt: skip
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = subprocess.Popen([*command, "--out", str(killed)], start_new_session=True)
    deadline = time.monotonic() + 120
    while not list(killed.glob("units/composition*/record.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert 1 <= len(list(killed.glob("units/composition*/record.json"))) <= 4
    for folder in (killed, whole):
        subprocess.run([*command, "--out", str(folder)], check=True, stdout=subprocess.DEVNULL)
    assert_same(numbers(killed), numbers(whole))
    assert not list(killed.glob("units/.*"))
    assert all(Store(killed).state(name) == "done" for name in numbers(killed))


def test_both_learners_share_rows_splits_and_store(small, inline, tmp_path):
    study = mt.Study(small, **{**CHOICES, "learners": ("cgcnn", "trees"), "seeds": (1,)})
    results = study.run(tmp_path / "study", executor=inline)
    assert results.run.failed == {}
    assert set(results.errors["learner"]) == {"cgcnn", "trees"}
    tables = numbers(tmp_path / "study")
    by_learner = {
        learner: next(t for name, t in tables.items() if name.startswith(f"structure-{learner}-"))
        for learner in ("cgcnn", "trees")
    }
    for column in ("id", "part", "true"):
        assert by_learner["cgcnn"][column].equals(by_learner["trees"][column])
    environment = results.outcome.environment
    assert environment["lightgbm"]
    assert environment["jax"]
    assert 50e6 < results.outcome.memory <= most_memory()
    assert "Most memory of a worker" in results.report().read_text()


def test_a_learner_of_ones_own(small, inline, tmp_path):
    ensemble = pytest.importorskip("sklearn.ensemble")
    from mattomo.learners import sklearn

    forest = sklearn(ensemble.ExtraTreesRegressor(n_estimators=5, random_state=0), name="forest")
    results = mt.Study(small, **CHOICES).run(tmp_path / "study", learners=[forest], executor=inline)
    assert results.run.failed == {}
    assert set(results.errors["learner"]) == {"forest"}
    assert results.outcome.environment["scikit-learn"]


def test_trees_are_the_same_in_worker_processes_and_beside_the_network(small, inline, tmp_path):
    choices = {**CHOICES, "learners": ("trees",)}
    mt.Study(small, **choices).run(tmp_path / "a", executor=inline)
    results = mt.Study(small, **choices).run(tmp_path / "b", workers=2)
    assert results.run.failed == {}
    assert_same(numbers(tmp_path / "a"), numbers(tmp_path / "b"))
