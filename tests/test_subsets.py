"""One study on the whole and on subsets, and transfer between them."""

import json
from concurrent.futures import Executor, Future
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import mattomo as mt
from mattomo.cli.app import app
from mattomo.errors import InputError
from mattomo.study.transfer import part_splits, transfers
from mattomo.subsets import Subsets, read_parts

METALS = ("Li", "Na", "K", "Mg", "Ca", "Sr", "Ba", "Al", "Ga", "In", "Zn", "Cd")
CHOICES = {
    "targets": ("y",),
    "properties": ("x",),
    "representations": ("composition",),
    "learners": ("trees",),
    "seeds": 2,
    "controls": (),
    "swaps": 2,
}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """x tells y of oxides and of sulfides, with opposite signs; formulas tell nothing of it."""
    rng = np.random.default_rng(0)
    rows = []
    for k in range(360):
        a, b = rng.choice(METALS, 2, replace=False)
        x, oxide = rng.normal(), k % 2 == 0
        formula = f"{a}{rng.integers(1, 6)}{b}{rng.integers(1, 6)}{'O' if oxide else 'S'}{rng.integers(1, 9)}"
        rows.append((f"m{k}", formula, x, (x if oxide else -x) + 0.1 * rng.normal(), oxide))
    path = tmp_path_factory.mktemp("subsets") / "table.csv"
    pd.DataFrame(rows, columns=["material_id", "formula", "x", "y", "oxide"]).to_csv(path, index=False)
    return str(path)


SUBSETS = ["oxides: elements has O", "sulfides: elements has S", "every one: n_elements > 0"]


@pytest.fixture(scope="module")
def compared(table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("subsets") / "out"
    return Subsets(mt.Study(table, **CHOICES), SUBSETS).run(folder, workers=1)


def cell(compared, train, test, added):
    found = compared.transfer.set_index(["train", "test", "added"])
    return found.loc[(train, test, added)]


def test_what_holds_at_home_fails_abroad(compared):
    home, abroad = cell(compared, "oxides", "oxides", "x"), cell(compared, "oxides", "sulfides", "x")
    assert home["change"] < -0.5
    assert home["bits"] > 0.8
    assert abroad["change"] > 0.3
    assert abroad["bits"] < -0.5
    assert home["n_train"] == abroad["n_train"] < cell(compared, "all", "oxides", "x")["n_train"]


def test_the_bits_of_a_subset_beside_the_whole(compared):
    # Formulas tell oxides from sulfides, so the whole can use x as well, once it has found the product.
    summary = compared.summary()
    bits = {row["part"]: row["bits"] for row in summary["gains"]}
    assert bits["oxides"] > 0.8
    assert bits["sulfides"] > 0.8
    parts = {row["name"]: row for row in summary["parts"]}
    assert parts["oxides"]["used"] == parts["sulfides"]["used"] == 180
    assert parts["all"]["used"] == 360
    own = {row["part"]: row for row in summary["baselines"]}
    assert own["oxides"]["left"] > 0.9
    for section in summary["sections"]:
        assert all(len(row) == len(section["columns"]) for row in section["rows"])


def test_a_subset_of_all_is_the_whole(compared):
    whole, same = (
        compared.transfer[compared.transfer["train"] == name].drop(columns="train").reset_index(drop=True)
        for name in ("all", "every one")
    )
    pd.testing.assert_frame_equal(whole, same)
    at_home = compared.transfer[(compared.transfer["added"] == "") & (compared.transfer["train"] == "all")]
    assert at_home.set_index("test").loc["all", "lost_bits"] == 0


def test_what_is_stored_is_not_trained_again(compared, table):
    kept = {p: p.stat().st_mtime_ns for p in sorted(compared.folder.rglob("*.parquet"))}
    lost, damaged, flipped = sorted((compared.folder / "transfer").glob("*.parquet"))[:3]
    before = lost.read_bytes(), damaged.read_bytes(), flipped.read_bytes()
    lost.unlink()
    damaged.write_bytes(before[1][:-30])
    flipped.write_bytes(before[2][:60] + bytes([before[2][60] ^ 1]) + before[2][61:])
    again = Subsets(mt.Study(table, **CHOICES), SUBSETS).run(compared.folder, workers=2)
    pd.testing.assert_frame_equal(again.transfer, compared.transfer)
    assert (lost.read_bytes(), damaged.read_bytes(), flipped.read_bytes()) == before
    untouched = set(kept) - {lost, damaged, flipped}
    assert {p: p.stat().st_mtime_ns for p in untouched} == {p: kept[p] for p in untouched}


def test_what_is_finished_when_a_run_ends_early_is_kept(compared, table, tmp_path):
    """The first job fails when all others have ended."""
    failing = Future()

    class Late(Executor):
        def submit(self, fn, /, *args):
            if not args[-1].startswith("a-composition-y-seed0"):
                future = Future()
                future.set_result(fn(*args))
                return future
            return failing

    def tell(done, of):
        told.append((done, of))
        if done == 5:
            failing.set_exception(KeyboardInterrupt())

    told = []
    planned = mt.Study(table, **CHOICES).plan()
    parts = {name: np.arange(360) % 3 == k for k, name in enumerate("abc")}
    with pytest.raises(KeyboardInterrupt):
        list(transfers(planned, parts, tmp_path, executor=Late(), tell=tell))
    kept = {p.name: p.stat().st_mtime_ns for p in tmp_path.iterdir()}
    assert len(kept) == 5
    found = list(transfers(planned, parts, tmp_path, tell=lambda *each: told.append(each)))
    assert told == [(n, 6) for n in (1, 2, 3, 4, 5, 5, 6)]
    assert [(sent.part, sent.seed) for sent in found] == [(p, s) for p in "abc" for s in (0, 1)]
    assert {name: (tmp_path / name).stat().st_mtime_ns for name in kept} == kept


def test_report_and_command(compared, table):
    page = compared.report()
    assert page.read_text(encoding="utf-8").count("<section>") == len(compared.summary()["sections"])
    csv = pd.read_csv(page.parent / "transfer.csv", keep_default_na=False)
    assert len(csv) == len(compared.transfer)
    study = ["--targets", "y", "--properties", "x", "--representations", "composition", "--learners", "trees"]
    study += ["--seeds", "2", "--controls", "none", "--swaps", "2"]
    asked = [word for text in SUBSETS for word in ("--subset", text)]
    out = ["--out", str(compared.folder), "--quiet"]
    done = CliRunner().invoke(app, ["subsets", table, *study, *asked, *out], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "oxides" in done.output
    assert str(Path(page).name) in done.output.replace("\n", "")
    done = CliRunner().invoke(app, ["subsets", table, *study, *asked, *out, "--json"], catch_exceptions=False)
    assert json.loads(done.output)["parts"][1]["condition"] == "elements has O"


def test_names_of_subsets():
    parts = read_parts(["oxides: elements has O", "n_elements == 2"])
    assert [(p.name, p.condition) for p in parts] == [
        ("all", ""), ("oxides", "elements has O"), ("n_elements == 2", "n_elements == 2"),
    ]  # fmt: skip
    for texts, word in (([], "at least one"), (["a: x > 0", "a: x < 0"], "share"), (["all: x > 0"], "share")):
        with pytest.raises(InputError, match=word):
            read_parts(texts)


@pytest.mark.parametrize(
    ("subset", "word"),
    [
        ("none: x > 1e9", "subset 'none'"),
        ("few: x > 2.3", "subset 'few'"),
        ("broken: x >", "subset 'broken'"),
        ("unknown: colour == red", "subset 'unknown'"),
    ],
)
def test_subsets_that_cannot_be_studied(table, subset, word):
    with pytest.raises(InputError, match=word):
        Subsets(mt.Study(table, **CHOICES), [subset])


def test_a_subset_whose_rows_of_a_split_are_too_few(table):
    planned, inside = Subsets(mt.Study(table, **CHOICES), ["oxides: elements has O"]).transfer_plan()
    few = inside["oxides"] & (np.arange(360) < 12)
    with pytest.raises(InputError, match=r"this subset has \d+ \w+ rows of seed 0"):
        part_splits(planned, {"few": few})
