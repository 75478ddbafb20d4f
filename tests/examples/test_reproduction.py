"""The page of the reproduction, written from a small study of the embedded table."""

import importlib.util
import sys
from concurrent.futures import Executor, Future
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mattomo as mt
from mattomo.study.config import read_config

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "reproduction"
SCRIPTS = ("tables", "page", "subset")


class Inline(Executor):
    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@pytest.fixture(scope="module")
def scripts():
    """The scripts as modules, as Python runs them from their folder."""
    found = {}
    try:
        for name in SCRIPTS:
            spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
            found[name] = sys.modules[name] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(found[name])
        yield found
    finally:
        for name in SCRIPTS:
            sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    materials = mt.load("mp1000").take(np.arange(150))
    names = ("formation_energy_per_atom", "energy_per_atom", "total_magnetization")
    choices = {"targets": names, "properties": ("band_gap", *names), "learners": ("trees",), "seeds": 2}
    folder = tmp_path_factory.mktemp("reproduction") / "trees"
    return mt.Study(materials, **choices, swaps=2, controls=("placebo",)).run(folder, executor=Inline())


def test_study_files_are_valid():
    files = sorted(FOLDER.glob("*.toml"))
    assert len(files) == 7
    for file in files:
        config = read_config(file)
        assert config.targets


def test_the_page_says_what_the_study_holds(scripts, study, tmp_path):
    folder = str(study.folder)
    scripts["page"].main(["--trees", folder, "--formula", folder, "--to", str(tmp_path)])
    text = (tmp_path / "reproduction.md").read_text()
    for _, cell in study.gains().iterrows():
        if (cell["added"], cell["target"], cell["representation"]) == (
            "band_gap", "formation_energy_per_atom", "structure",
        ):  # fmt: skip
            change = f"{100 * cell['mean']:+.1f}".replace("-", "−")
            assert f"| −2.4 (+2.4, −2.6) | {change} (" in text
    # The formula study is the random one here: no error changes, and every mark is in both.
    rows = [line for line in text.splitlines() if line.count("|") == 9 and "0.0" in line]
    assert any(line.split("|")[5].strip() == "0.0" for line in rows)
    assert "of the cell\n\nNot run here." in text
    kept = pd.read_csv(tmp_path / "reproduction" / "trees-gains.csv")
    np.testing.assert_allclose(kept["mean"], study.gains()["mean"], rtol=1e-4, atol=1e-12)
    for name in ("structure", "composition"):
        assert f"heatmap_trees_{name}.svg" in text
        assert (tmp_path / "reproduction" / f"heatmap_trees_{name}.svg").stat().st_size > 1000


def test_marks_and_overlap(scripts, study):
    tables = scripts["tables"]
    ours = tables.marked(study)
    gains = study.gains()
    off = gains[~gains["diagonal"] & gains["paired_minmax"].astype(bool)]
    assert sum(map(len, ours.values())) == len(off)
    theirs = tables.published()
    assert {name: len(cells) for name, cells in theirs.items()} == {"structure": 21, "composition": 48}
    assert tables.overlap(theirs["structure"], theirs["structure"]) == 1
    assert tables.overlap({1, 2}, {2, 3}) == pytest.approx(1 / 3)
    assert tables.overlap(set(), set()) == 1


def test_overlap_by_chance(scripts):
    rng = np.random.default_rng(0)
    drawn = [
        scripts["tables"].overlap({*rng.choice(108, 21, False)}, {*rng.choice(108, 48, False)})
        for _ in range(2000)
    ]
    expected = scripts["tables"].expected_overlap(set(range(21)), set(range(48)), 108)
    assert expected == pytest.approx(np.mean(drawn), abs=0.005)


def test_a_subset_looks_like_the_whole(scripts, tmp_path):
    whole, out = tmp_path / "whole.parquet", tmp_path / "some.parquet"
    table = mt.load("mp1000")
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({name: rng.normal(size=1000) for name in scripts["subset"].PAPER_PROPERTIES})
    frame["nsites"] = np.diff(table.structures.offsets)
    frame.loc[:49, "band_gap"] = np.nan
    frame.to_parquet(whole)
    scripts["subset"].main([str(whole), "--rows", "200", "--out", str(out)])
    some, complete = pd.read_parquet(out), frame.dropna()
    assert len(some) == 200
    assert some["band_gap"].notna().all()
    quantiles = np.linspace(0.1, 0.9, 9)
    sites = complete["nsites"]
    np.testing.assert_allclose(
        some["nsites"].quantile(quantiles), sites.quantile(quantiles), atol=0.1 * sites.std()
    )
    with pytest.raises(SystemExit):
        scripts["subset"].main([str(whole), "--rows", "5000", "--out", str(out)])
