"""The page of the reproduction, written from a small study of the embedded table."""

import importlib.util
import itertools
import re
import sys
from concurrent.futures import Executor, Future
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import mattomo as mt
from mattomo.study.config import read_config
from mattomo.study.machine import in_gigabytes

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "reproduction"
DOCS = FOLDER.parents[1] / "docs"
SCRIPTS = ("kept", "tables", "keeping", "verdicts", "cost", "short", "page", "subset")


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


@pytest.fixture(scope="module")
def kept(scripts, study, tmp_path_factory):
    """What the documentation keeps of the study."""
    folder = tmp_path_factory.mktemp("kept")
    scripts["keeping"].keep(study, folder, "trees")
    return scripts["kept"].kept(folder, "trees")


def test_what_is_kept_is_what_the_study_holds(scripts, study, kept, tmp_path):
    for what in ("gains", "bits", "controls"):
        pd.testing.assert_frame_equal(
            getattr(kept, what)(), getattr(study, what)(), rtol=1e-5, check_dtype=False
        )
    for name in ("config", "data", "targets", "added", "units_done", "wall_seconds", "memory"):
        assert getattr(kept.outcome, name) == getattr(study.outcome, name)
    for ours, theirs in zip(kept.outcome.properties, study.outcome.properties, strict=True):
        assert vars(ours).items() <= vars(theirs).items()
    assert kept.models == len(study.errors)
    assert kept.relations == [each["sentence"] for each in study.relations()]
    assert kept.cost["models"] == kept.models + 3 * 2 * 2  # a placebo for each target, base and seed
    assert kept.cost["crystals"] == {"composition": 0, "structure": 0}
    assert scripts["kept"].kept(tmp_path, "trees") is None


def test_the_pairs_that_differ_most(scripts, study):
    found = scripts["keeping"].asymmetric(study)
    change = study.gains().set_index(["representation", "target", "added"])["mean"]
    assert len(found) == 6
    for name, part in found.groupby("representation"):
        apart = []
        for _, pair in part.iterrows():
            first, second = pair["first"], pair["second"]
            assert pair["second_for_first"] == change[name, first, second]
            assert pair["first_for_second"] == change[name, second, first]
            apart.append(abs(pair["second_for_first"] - pair["first_for_second"]))
        assert apart == sorted(apart, reverse=True)


def test_the_documentation_shows_what_is_kept(scripts):
    """Every number of the pages is that of the tables beside them."""
    found = scripts["page"].pages(DOCS / "reproduction")
    assert found.keys() == {"reproduction.md", "oxides.md"}
    for name, text in found.items():
        assert (DOCS / name).read_text() == text, f"{name}: python page.py --to ../../docs"


def test_study_files_are_valid():
    files = sorted(FOLDER.glob("*.toml"))
    assert len(files) == 7
    for file in files:
        config = read_config(file)
        assert config.targets


def test_the_page_says_what_the_study_holds(scripts, study, tmp_path):
    folder = str(study.folder)
    with pytest.raises(SystemExit):
        scripts["page"].main(["--formula", folder, "--to", str(tmp_path)])
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
    assert "\n\nNot run here: CGCNN (`cgcnn.toml`).\n\n" in text
    kept = pd.read_csv(tmp_path / "reproduction" / "trees-gains.csv")
    np.testing.assert_allclose(kept["mean"], study.gains()["mean"], rtol=1e-4, atol=1e-12)
    for name in ("structure", "composition"):
        assert f"heatmap_trees_{name}.svg" in text
        assert (tmp_path / "reproduction" / f"heatmap_trees_{name}.svg").stat().st_size > 1000


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A study of the network, and one that reads all sites of the cell as composition."""
    names = ("energy_per_atom", "energy", "nsites")
    choices = {"targets": names, "properties": names, "learners": ("cgcnn",), "seeds": 1, "epochs": 2}
    choices |= {"where": "nsites <= 4", "controls": (), "swaps": 0}
    folder = tmp_path_factory.mktemp("network")
    cell = {"representations": ("composition",), "basis": "cell"}
    return (
        mt.Study("mp1000", **choices).run(folder / "cgcnn", executor=Inline()),
        mt.Study("mp1000", **choices, **cell).run(folder / "cell", executor=Inline()),
    )


def test_the_page_of_the_network(scripts, network, tmp_path):
    graphs, cell = network
    folders = ["--cgcnn", str(graphs.folder), "--cell", str(cell.folder)]
    scripts["page"].main([*folders, "--baseline", "20000,30000", "--to", str(tmp_path)])
    text = (tmp_path / "reproduction.md").read_text()
    # Three targets with a baseline and three properties each, 2 epochs.
    n_train = round(0.6 * graphs.outcome.data["n_used"])
    hours = 3 * 4 * 2 * n_train / 256 * (20_000 + 30_000) / 3600
    assert hours > 10
    assert f"take it {round(hours)} hours" in text
    assert f"at most {in_gigabytes(graphs.outcome.memory)} in one of them" in text
    assert re.search(r"foresees 0\.0 hours of one processor.* and 0\.[5-9]\d GB for a worker", text)
    bare = cell.errors.set_index(["target", "added"])["mae"]["energy_per_atom", ""]
    last = text.partition("all sites of the cell\n")[2]
    assert f"| energy per atom | {graphs_error(graphs):.4g} | {bare:.4g} |" in last
    # Both say how large the cell is.
    large = ["| energy for nsites |", "| nsites for energy |"]
    table = last.partition("targets that grow with it")[2]
    ours, theirs = (
        each.gains().set_index(["representation", "target", "added"])["mean"] for each in (graphs, cell)
    )
    for row, target, added in zip(large, ("nsites", "energy"), ("energy", "nsites"), strict=True):
        values = [100 * found["composition", target, added] for found in (ours, theirs)]
        said = " | ".join(f"{value:+.1f}".replace("-", "−") for value in values)
        assert f"{row} {said} |" in table
    # In short: the median of the cells in the table, and the errors that change most.
    cells = [(t, a) for t, a in ours["composition"].index if t != a and "energy_per_atom" not in (t, a)]
    after, before = (
        f"{100 * np.median([found['composition', t, a] for t, a in cells]):+.1f}".replace("-", "−")
        for found in (theirs, ours)
    )
    assert (
        f"changes the error by {after} % in the median, on the graph of the reduced formula by {before} %"
        in text
    )
    bare_of = [each.errors.set_index(["representation", "target", "added"])["mae"] for each in (graphs, cell)]
    change = {
        t: bare_of[1]["composition", t, ""] / bare_of[0]["composition", t, ""] - 1
        for t in ("nsites", "energy")
    }
    for target, value in change.items():
        assert f"{100 * value:+.1f} % for {target}".replace("-", "−") in text
    # What the paper quotes was not trained here.
    assert "| band gap for formation energy per atom | structure | −2.4 (+2.4, −2.6) | – |" in text
    # The page again, from what was kept.
    (tmp_path / "reproduction.md").unlink()
    scripts["page"].main(["--to", str(tmp_path)])
    assert (tmp_path / "reproduction.md").read_text() == text


def graphs_error(results):
    errors = results.errors.set_index(["representation", "target", "added"])["mae"]
    return errors["composition", "energy_per_atom", ""]


class Found:
    """Results whose bits are given."""

    outcome = SimpleNamespace(properties=())

    def __init__(self, *rows, better=()):
        self.better = better
        names = [
            "representation",
            "target",
            "added",
            "bits",
            "bits_low",
            "bits_high",
            "swap_q",
            "deterministic",
        ]
        self.table = pd.DataFrame(rows, columns=names).assign(
            diagonal=False, control=False, mae0=1.0, mae1=0.9
        )

    def bits(self):
        return self.table

    def gains(self):
        cells = self.table[["representation", "target", "added", "diagonal"]]
        return cells.assign(paired_minmax=[tuple(cell[:3]) in self.better for cell in cells.to_numpy()])


def test_what_is_decided_and_against_the_paper(scripts):
    # The paper marks energy per atom for e_above_hull, and none for the band gap.
    help_, hull = ("structure", "e_above_hull", "energy_per_atom"), ("structure", "e_above_hull", "density")
    gap, volume = ("structure", "band_gap", "density"), ("structure", "band_gap", "volume")
    one = Found(
        (*help_, 0.0, -0.02, 0.02, 0.6, ""),
        (*hull, 0.0, -0.02, 0.02, 0.6, ""),
        (*gap, 0.3, 0.1, 0.5, 0.01, "held"),
        (*volume, 0.3, 0.1, 0.5, 0.2, ""),
    )
    two = Found(
        (*help_, 0.01, -0.01, 0.04, 0.02, ""),
        (*hull, 0.3, 0.1, 0.5, 0.01, ""),
        (*gap, 0.2, 0.1, 0.3, 0.01, ""),
        (*volume, 0.2, 0.1, 0.3, 0.01, ""),
    )
    verdicts = scripts["verdicts"]
    assert verdicts.verdicts(one, "structure") == {
        help_[1:]: "none", hull[1:]: "none", gap[1:]: "told", volume[1:]: "open",
    }  # fmt: skip
    lines = verdicts.disagreements({"one": one, "two": two}).splitlines()[2:]
    assert [line.split(" | ")[:3] for line in lines] == [
        ["| energy per atom for e above hull", "structure", "helps"],
        ["| density for band gap", "structure", "–"],
    ]
    assert lines[1].endswith("| −10.0 %, 0.30 (0.10 to 0.50) | −10.0 %, 0.20 (0.10 to 0.30) | held |")
    counted = verdicts.decided({"one": one}).splitlines()[2]
    assert counted.split("|")[3:6] == [" 1 ", " 2 ", " 1 "]
    assert verdicts.against({"one": one, "two": two}, "structure") == [help_[1:], gap[1:]]
    assert verdicts.against({"one": one}, "composition") == []
    # What every seed finds better, too, is not against the paper, however little it tells.
    one.better = (help_, gap)
    assert verdicts.against({"one": one, "two": two}, "structure") == [gap[1:]]


def test_the_page_in_short(scripts, study, kept):
    """Every sentence against a count of its own."""
    text = scripts["short"].in_short({"Trees": kept}, scripts["keeping"].beside(study, study))
    gains = study.gains()
    off = gains[~gains["diagonal"]].merge(
        study.bits()[["representation", "target", "added", "swap_q", "bits_low", "deterministic"]],
        on=["representation", "target", "added"],
    )
    by_seed = off[off["max"] < 0]
    theirs = scripts["tables"].published()
    for name, cells in theirs.items():
        own = {(c["target"], c["added"]) for _, c in by_seed[by_seed["representation"] == name].iterrows()}
        assert f"{name} {len(own & cells)} of its {len(cells)} cells are marked here" in text
    told = (by_seed["swap_q"] < 0.05) & (by_seed["bits_low"] > 0) & (by_seed["deterministic"] == "")
    fixed = (by_seed["deterministic"] != "").sum()
    assert f"Of {len(by_seed)} cells marked by the paper's criterion, {told.sum()} pass" in text
    assert f"not deterministic; {fixed} are deterministic, 0 pair" in text
    assert f"The error rises on average in {(off['mean'] > 0).sum()} cells" in text
    assert f"in {(off['min'] > 0).sum()} of them in every seed" in text
    residual = study.symmetry().dropna(subset=["low", "high"])
    assert len(residual)
    beyond = ((residual["low"] > 0) | (residual["high"] < 0)).sum()
    assert f"zero for {beyond} of {len(residual)} pairs that are not" in text
    quoted = gains.set_index(["representation", "target", "added"])["mean"] * 100
    for target, added, paper in (
        ("formation_energy_per_atom", "band_gap", "2.4"),
        ("energy_per_atom", "total_magnetization", "20.1"),
        ("total_magnetization", "energy_per_atom", "3.4"),
    ):
        ours = f"{quoted['structure', target, added]:+.1f}".replace("-", "−")
        assert f"{ours} % where the paper has −{paper} %" in text
    decided = scripts["verdicts"].decided({"Trees": kept}).splitlines()[2:]
    assert f"too small to say in {sum(int(row.split('|')[5]) for row in decided)} of {len(off)} cells" in text
    # The formula study is the random one here.
    assert f"by 0.0 to 0.0 %; {len(by_seed)} of {len(by_seed)} marks remain (2 seeds)" in text


def test_two_learners_are_compared(scripts, study, kept):
    text = scripts["short"].in_short({"Trees": kept, "Network": kept})
    n = study.outcome.data["n_used"]
    assert f"Network learned from {n} materials, trees from {n}" in text
    assert "is 1.0 times theirs on structure and 1.0 times on composition" in text
    assert "Both learners agree against the paper" in text


def test_splits_are_compared_on_the_same_seeds(scripts, study):
    class OneSeed:
        outcome = SimpleNamespace(config={"seeds": [1]})
        gains = study.gains

    own, _ = scripts["keeping"].same_seeds(study, OneSeed())
    assert set(own["n_seeds"]) == {1}
    errors = study.errors.set_index(["representation", "target", "added", "seed"])["mae"]
    for _, cell in own.iterrows():
        assert cell["mae0_mean"] == errors[cell["representation"], cell["target"], "", 1]


def test_what_stands_behind_a_mark(scripts):
    held, sizes = ("structure", "nsites", "density"), ("structure", "energy", "nsites")
    both, open_ = ("structure", "nsites", "volume"), ("structure", "energy", "density")
    rest = ("structure", "energy", "volume")
    one = Found(
        *((*cell, 0.3, 0.1, 0.5, 0.01, kind) for cell, kind in (
            (held, "held"), (sizes, ""), (both, "held"), (open_, ""), (rest, ""),
        )),
        better=(held, sizes, both, open_),
    )  # fmt: skip
    large = [SimpleNamespace(name=name, extensive=True) for name in ("energy", "nsites", "volume")]
    one.outcome = SimpleNamespace(properties=[*large, SimpleNamespace(name="density", extensive=False)])
    assert scripts["verdicts"].kinds({"t": one}).splitlines()[2:] == [
        "| t | structure | both per cell | 1 | energy from nsites |",
        "| t | structure | held | 2 | nsites from density, volume |",
    ]
    # Asymmetry leaves out what is deterministic; a pair is the same both ways.
    residual = pd.DataFrame(
        [
            ("structure", "volume", "nsites", -1.8, -1.9, -1.7),
            ("structure", "energy", "density", 0.2, 0.1, 0.3),
        ],
        columns=["representation", "first", "second", "mean", "low", "high"],
    )
    one.symmetry = lambda: residual
    one.residuals = scripts["keeping"].residuals(one)
    said = scripts["short"].asymmetry(one)
    assert "for 1 of 1 pairs" in said
    assert "is 0.20 (energy and density, structure)" in said


def test_a_cell_and_what_was_not_trained(scripts, study):
    change = scripts["tables"].cell_change
    row = study.gains().set_index(["representation", "target", "added"]).loc[
        ("structure", "energy_per_atom", "band_gap")
    ]  # fmt: skip
    assert change(study, "structure", "energy_per_atom", "band_gap") == (row["mean"], row["min"], row["max"])
    assert np.isnan(change(study, "structure", "energy_per_atom", "volume")).all()
    found = scripts["tables"].only_structure(
        {"composition": {("a", "x"), ("b", "x"), ("b", "y")}, "structure": {("b", "y")}}
    )
    assert dict(found) == {"x": 2}


def test_where_properties_help_more(scripts, network):
    graphs, _ = network
    more, cells, composition, structure, diagonal = scripts["tables"].helped_more(graphs)
    change = graphs.gains().set_index(["representation", "target", "added"])["mean"]
    pairs = list(itertools.permutations(("energy_per_atom", "energy", "nsites"), 2))
    assert cells == 6
    assert more == sum(change["composition", t, a] < change["structure", t, a] for t, a in pairs)
    assert composition == pytest.approx(np.mean([change["composition", t, a] for t, a in pairs]))
    assert structure == pytest.approx(np.mean([change["structure", t, a] for t, a in pairs]))
    own = [change[name, t, t] for name in ("composition", "structure") for t, _ in pairs]
    assert diagonal == pytest.approx(np.mean(own))


def test_a_page_of_other_targets(scripts, study, tmp_path):
    scripts["page"].main(["--oxides", str(study.folder), "--to", str(tmp_path)])
    text = (tmp_path / "oxides.md").read_text()
    base = study.errors[study.errors["added"] == ""]
    own = base[(base["target"] == "energy_per_atom") & (base["representation"] == "structure")]
    assert f"{own['mae'].mean():.4g} |" in text
    assert {p.name for p in (tmp_path / "reproduction").glob("*.svg")} == {
        "heatmap_oxides_composition.svg", "heatmap_oxides_structure.svg",
    }  # fmt: skip


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


def test_the_last_column_of_table_1(scripts, study):
    rows = [line.split(" | ") for line in scripts["tables"].third_column(study).splitlines()[2:]]
    gains = study.gains()
    gains = gains[~gains["diagonal"] & gains["paired_minmax"].astype(bool)]
    on = {
        name: set(zip(part["target"], part["added"], strict=True))
        for name, part in gains.groupby("representation")
    }
    only = on.get("composition", set()) - on.get("structure", set())
    number = scripts["tables"].NUMBER
    for row, target in zip(rows, study.outcome.targets, strict=False):
        own = ", ".join(map(str, sorted(number[added] for t, added in only if t == target)))
        assert row[1] == (own or "–")
    # The paper's, as it prints them.
    assert [row[2].removesuffix(" |") for row in rows] == [
        "1, 7, 8, 11, 12",
        "0, 1, 8, 11, 12",
        "–",
        "30 cells",
    ]
    assert rows[-1][1] == f"{len(only)} cells"


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
    # A condition; a missing value does not break it.
    scripts["subset"].main([str(whole), "--where", "not band_gap > 0.5", "--out", str(out)])
    pd.testing.assert_frame_equal(
        pd.read_parquet(out), frame[~(frame["band_gap"] > 0.5)].reset_index(drop=True)
    )
