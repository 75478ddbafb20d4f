"""Which properties suffice: whole selections, on a table whose truth is known and on real materials."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from typer.testing import CliRunner

import mattomo as mt
from mattomo.choice import choose
from mattomo.cli.app import app
from mattomo.keyed import generator
from mattomo.learners.estimator import sklearn
from mattomo.materials.table import Column

LINEAR = sklearn(LinearRegression(), name="linear")
NAMES = ("a0", "a1", "a2", "a3", "a4", "kind")
#: Of a0 and a2 beyond the base: ln of deviations sqrt(1 + 1 + 0.09) and 0.3, in bits; and of a0 alone.
BOTH, ALONE = 0.5 * math.log2(2.09 / 0.09), 0.5 * math.log2(2.09 / 1.09)


class Inline(Executor):
    """Runs in this process; stops like Ctrl-C after ``most`` jobs."""

    def __init__(self, most=10**9):
        self.left = most

    def submit(self, fn, /, *args, **kwargs):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def table(rows=800):
    """target = r0 + a0 + a2 + 0.3 e; a1 copies a0, a3 and kind are noise, a4 = r0 + r1."""
    rng = generator("choice world")
    r, a = rng.normal(size=(rows, 2)), rng.normal(size=(rows, 4))
    copy, noise = rng.normal(size=(2, rows))
    columns = {
        "id": [f"m{i:04d}" for i in range(rows)],
        "formula": [f"Li{i % 20 + 1}O{i // 20 + 1}" for i in range(rows)],
        "r0": r[:, 0], "r1": r[:, 1], "a0": a[:, 0], "a1": a[:, 0] + 0.02 * copy, "a2": a[:, 2],
        "a3": a[:, 3], "a4": r[:, 0] + r[:, 1], "kind": rng.choice(list("xyz"), size=rows),
        "target": r[:, 0] + a[:, 0] + a[:, 2] + 0.3 * noise,
    }  # fmt: skip
    return pd.DataFrame(columns)


CHOICES = {
    "targets": ["target"], "properties": list(NAMES), "representations": ["base"], "tables": {"base": ["r*"]},
    "seeds": 3, "controls": [], "swaps": 0, "learners": ["trees"],
}  # fmt: skip


def study(folder, frame=None, **choices):
    path = folder / "table.parquet"
    (table() if frame is None else frame).to_parquet(path)
    made = mt.Study(path, **{**CHOICES, **choices})
    return made.run(folder / "study", learners=[LINEAR], executor=Inline())


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return study(tmp_path_factory.mktemp("choice"))


@pytest.fixture(scope="module")
def found(results):
    return results.select("target", learner=LINEAR, executor=Inline())


def test_the_smallest_set_is_found(found):
    assert found.selected in [("a0", "a2"), ("a1", "a2")]
    assert found.kept_controls == ()
    assert found.controls == ("control:placebo", "control:derived")
    assert len(found.path.steps) == len(NAMES) + 2


def test_bits_are_those_of_gaussians(found):
    assert found.gain.bits == pytest.approx(BOTH, abs=0.2)
    assert found.gain_all.bits == pytest.approx(BOTH, abs=0.2)
    assert abs(found.loss.bits) < 0.1
    assert found.mae == pytest.approx(0.3 * math.sqrt(2 / math.pi), rel=0.15)
    assert found.mae_base == pytest.approx(math.sqrt(2.09 * 2 / math.pi), rel=0.15)


def test_the_copy_is_an_equal_swap_and_nothing_else(found):
    kept, other = ("a0", "a1") if "a0" in found.selected else ("a1", "a0")
    assert [(s.given, s.taken) for s in found.swaps if s.equal] == [(kept, other)]
    assert {each.added for each in found.sets} == {("a0", "a2"), ("a1", "a2")}


def test_what_the_base_determines_is_known(found):
    assert found.determined["a4"] > 0.9
    assert max(found.determined[name] for name in ("a0", "a2", "a3", "kind")) < 0.2


def test_splits_agree(found):
    assert len(found.split_sets) == 3
    assert all(("a0" in each) != ("a1" in each) and "a2" in each for each in found.split_sets)


def test_again_trains_nothing_and_says_the_same(results, found):
    again = results.select("target", learner=LINEAR, executor=Inline(0))
    assert again.trained == 0
    assert found.trained > 0
    assert again.plain() == {**found.plain(), "trained": 0}


def test_an_interrupted_selection_goes_on_with_the_same_numbers(found, tmp_path):
    results = study(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        results.select("target", learner=LINEAR, executor=Inline(20))
    kept = len(list((tmp_path / "study/select").glob("*.parquet")))
    assert 3 < kept <= 20
    again = results.select("target", learner=LINEAR, executor=Inline())
    assert again.trained == found.trained - (kept - 3)  # three hold conditionals
    assert again.plain() == {**found.plain(), "trained": again.trained}


@pytest.mark.parametrize("damage", ["cut", "flip"])
def test_damaged_models_are_trained_again(results, found, damage):
    for pattern in ("base-linear-seed1-*.parquet", "conditionals-*.parquet"):
        path = sorted((results.folder / "select").glob(pattern))[0]
        content = bytearray(path.read_bytes())
        content[200] ^= 1
        path.write_bytes(content if damage == "flip" else content[: len(content) // 2])
    again = results.select("target", learner=LINEAR, executor=Inline())
    assert again.trained == 1
    assert again.plain() == {**found.plain(), "trained": 1}


def test_without_a_base_the_column_of_the_base_matters(results):
    alone = results.select("target", base="none", learner=LINEAR, executor=Inline(), alternatives=False)
    # a4 = r0 + r1 is now the only thing that tells of r0.
    assert set(alone.selected) - {"a0", "a1"} == {"a2", "a4"}
    assert alone.controls == ("control:placebo",)
    assert alone.mae_base == pytest.approx(math.sqrt(3.09 * 2 / math.pi), rel=0.15)


def test_costs_choose_the_cheap_copy_and_say_what_to_measure(results):
    shop = {"steadiness": False, "learner": LINEAR, "executor": Inline()}
    found = results.select("target", costs={"a0": 10.0, "a2": 2.0}, **shop)
    assert found.selected == ("a1", "a2")
    bought = {each.name: each for each in found.purchases}
    assert found.purchases[0].name == "a1"
    assert bought["a1"].bits == pytest.approx(ALONE, abs=0.12)
    assert bought["a2"].per_cost == pytest.approx(bought["a2"].bits / 2)
    assert bought["a0"].per_cost == pytest.approx(ALONE / 10, abs=0.02)
    assert not bought["a3"].seen
    costs = [each.cost for each in found.frontier]
    assert costs == sorted(costs)
    assert ("a1", "a2") in [each.added for each in found.frontier]
    owned = results.select("target", costs={"a2": 0.0}, **shop)
    assert "a2" not in [step.property for step in owned.path.steps]
    # Beside a2, a0 tells the rest.
    best = owned.purchases[0]
    assert best.name in ("a0", "a1")
    assert best.bits == pytest.approx(0.5 * math.log2(1.09 / 0.09), abs=0.2)


def test_rows_of_every_pair_are_not_needed(tmp_path):
    """A study of pairs has rows without some property; sets are compared on the others."""
    frame = table()
    frame.loc[:30, "a3"] = np.nan
    frame.loc[100:120, "target"] = np.nan
    results = study(tmp_path, frame, rows="per-pair")
    choice = choose(results.folder, "target", learner=LINEAR)
    assert len(choice.problem.prepared.materials) == 800 - 31 - 21
    found, _, _ = replace(choice, alternatives=False, steadiness=False).run(executor=Inline())
    assert set(found.selected) in [{"a0", "a2"}, {"a1", "a2"}]


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"target": "targit"}, "no such target.*Did you mean: target"),
        ({"base": "composition"}, "no such base.*none"),
        ({"properties": ["a0", "b"]}, "no such property"),
        ({"properties": ["a0"]}, "two properties"),
        ({"costs": {"a0": -1.0}}, "negative"),
        ({"costs": {"a0": float("nan")}}, "no number"),
        ({"costs": {"target": 1.0}}, "no such property to choose from"),
        ({"tolerance": -0.1}, "not negative"),
        ({"learner": "forest"}, "unknown learner.*trees"),
        ({"learner": "cgcnn", "base": "none"}, "cannot read properties alone.*trees"),
        ({"learner": "cgcnn"}, "reads no table"),
        ({"data": "nowhere.csv"}, "nowhere.csv"),
    ],
)
def test_mistakes_are_said(results, choices, said):
    with pytest.raises(mt.InputError, match=said):
        choose(results.folder, **{"target": "target", **choices})


def test_the_target_is_no_candidate(tmp_path):
    results = study(tmp_path, properties=["target", "a0", "a2"])
    assert choose(results.folder, "target").problem.properties == ("a0", "a2")


def test_few_rows_are_refused(tmp_path):
    results = study(tmp_path, table(120))
    with pytest.raises(mt.InputError, match=r"24 validation rows.*40.*Bring more rows"):
        results.select("target", learner=LINEAR, executor=Inline())


def test_changed_or_lost_data_is_refused(tmp_path):
    results = study(tmp_path)
    frame = table()
    frame.loc[0, "a0"] += 1
    frame.to_parquet(tmp_path / "table.parquet")
    with pytest.raises(mt.InputError, match="has changed"):
        choose(results.folder, "target")
    (tmp_path / "table.parquet").unlink()
    with pytest.raises(mt.InputError, match="--data"):
        choose(results.folder, "target")
    table().to_parquet(tmp_path / "moved.parquet")
    assert choose(results.folder, "target", data=str(tmp_path / "moved.parquet")).seeds == 3


def test_the_plan_is_an_upper_bound(results, found):
    plan = results.choice("target", learner=LINEAR).plan
    assert plan.elimination == (len(NAMES) + 2 + 2) * 3
    assert plan.conditionals == (len(NAMES) + 2) * 3
    assert found.known <= plan.models
    assert plan.seconds > 0


def test_answer_is_written(results, found):
    _, sentences, folder = choose(results.folder, "target", learner=LINEAR).run(executor=Inline())
    assert folder == results.folder / "select" / "target-base-linear"
    document = json.loads((folder / "selection.json").read_text())
    assert document["selected"] == list(found.selected)
    assert document["words"] == sentences
    assert sentences[0].startswith(f"base + {found.selected[0]} + a2 hold all that the 6 properties hold")
    steps = pd.read_csv(folder / "steps.csv")
    assert set(steps["property"]) == {*NAMES, "control:placebo", "control:derived"}
    assert steps["dropped"].sum() == len(NAMES)
    assert len(pd.read_csv(folder / "swaps.csv")) == 2 * 4
    assert len(pd.read_csv(folder / "splits.csv")) == 3


TREES = {"alternatives": False, "steadiness": False, "properties": ["a0", "a2", "a3"]}


@pytest.fixture(scope="module")
def by_workers(tmp_path_factory):
    """The same selection by one and by two worker processes."""
    made = {}
    for n in (1, 2):
        results = study(tmp_path_factory.mktemp(f"workers{n}"), seeds=2)
        made[n] = (results.folder, results.select("target", workers=n, **TREES))
    return made


def test_one_and_two_workers_give_the_same(by_workers):
    one, two = (found.plain() for _, found in by_workers.values())
    assert one == two
    assert set(one["selected"]) == {"a0", "a2"}


def test_the_command_says_what_python_says(by_workers):
    folder, found = by_workers[1]
    command = ["select", str(folder), "--target", "target", "--properties", "a0,a2,a3", "--no-swaps"]
    command += ["--no-stability", "--quiet"]
    done = CliRunner().invoke(app, [*command, "--json"])
    assert done.exit_code == 0
    document = json.loads(done.stdout)
    assert document["selected"] == list(found.selected)
    assert document["trained"] == 0
    shown = CliRunner().invoke(app, command)
    assert "base + a0 + a2 hold all that the 3 properties hold" in " ".join(shown.stdout.split())
    assert "0 models trained" in shown.stdout
    dry = json.loads(CliRunner().invoke(app, [*command, "--dry-run", "--json"]).stdout)
    assert dry["elimination"] == (3 + 2 + 2) * 2
    assert dry["swaps"] == dry["stability"] == 0


@pytest.mark.parametrize("given", ["a0", "=3", "a0=x"])
def test_costs_that_cannot_be_read_are_refused(results, given):
    done = CliRunner().invoke(app, ["select", str(results.folder), "--target", "target", "--cost", given])
    assert isinstance(done.exception, mt.InputError)
    assert "PROPERTY=VALUE" in str(done.exception)


@pytest.mark.slow
def test_a_killed_selection_goes_on_and_ends_with_the_same_numbers(by_workers, tmp_path):
    _, found = by_workers[1]
    folder = study(tmp_path, seeds=2).folder
    command = [
        sys.executable, "-m", "mattomo", "select", str(folder), "--target", "target", "--properties",
        "a0,a2,a3", "--no-swaps", "--no-stability", "--workers", "1", "--quiet", "--json",
    ]  # fmt: skip
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list(folder.glob("select/base-trees-*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    made = len(list(folder.glob("select/base-trees-*.parquet")))
    assert 1 <= made < found.trained
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    document = json.loads(done.stdout)
    assert document["trained"] == found.trained - made
    known = found.plain()
    assert {name: document[name] for name in known if name != "trained"} == {
        name: json.loads(json.dumps(value)) for name, value in known.items() if name != "trained"
    }


@pytest.mark.slow
def test_the_network_selects_too(tmp_path):
    """A column that all but repeats the target, its copy, and noise."""
    materials = mt.load("mp1000")
    small = materials.take(np.flatnonzero(np.diff(materials.structures.offsets) <= 10)[:300])
    rng, gap = generator("network"), small.columns["band_gap"]
    made = {"twin": gap.values + 0.1 * rng.normal(size=300), "noise": rng.normal(size=300)}
    made["copy"] = made["twin"] + 0.01 * rng.normal(size=300)
    columns = {n: Column(mt.PropertyInfo(n, n), v, np.zeros(300, bool)) for n, v in made.items()}
    small = replace(small, columns={"band_gap": gap, **columns})
    choices = {"targets": ["band_gap"], "properties": list(made), "seeds": 2, "controls": [], "swaps": 0}
    study = mt.Study(small, representations=["composition"], protocol="short", **choices)
    results = study.run(tmp_path / "study", learners=[LINEAR], executor=Inline())
    found = results.select("band_gap", learner="cgcnn", alternatives=False, steadiness=False)
    assert found.selected in [("twin",), ("copy",)]
    assert found.kept_controls == ()
    assert found.gain.bits > 0.5
