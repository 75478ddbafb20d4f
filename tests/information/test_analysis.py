"""The analysis of a study: made-up predictions of known worth, odd cases, and a small real study."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

import mattomo as mt
from mattomo.information import gains
from mattomo.information.analysis import cells, decompositions, nested_decompositions, seed_bits
from mattomo.information.scores import score_all
from mattomo.study.collect import caps, held_out
from mattomo.study.outcome import Held, Rows

N = 2000


def world(seeds=3, representation="composition", learner="trees", n_test=400, useful=1.0):
    """p = r + a + e: R predicts r; R and A predict r + useful a; the placebos of A are new draws of it."""
    rng = np.random.default_rng(0)
    r, a, e = rng.normal(size=(3, N))
    p = r + a + 0.5 * e
    units = []
    for seed in range(seeds):
        order = np.random.default_rng(seed + 1).permutation(N)
        validation, test = order[:n_test], order[n_test : 2 * n_test]
        useless = 0.02 * rng.normal(size=N)
        predicted = {"": r, "a": r + useful * a, "b": r + useless}
        swapped = {
            "a": r[test] + useful * rng.normal(size=(10, n_test)),
            "b": np.tile(r[test] + useless[test], (10, 1)),
        }
        units.append(
            Held(
                learner=learner, representation=representation, target="p", seed=seed, pair="", fraction=1.0,
                n_train=N - 2 * n_test, added=("a", "b"), materials=test,
                true_validation=p[validation], true_test=p[test],
                validation=np.stack([v[validation] for v in predicted.values()]),
                test=np.stack([v[test] for v in predicted.values()]),
                swapped={name: s.astype(np.float32) for name, s in swapped.items()},
            )
        )  # fmt: skip
    rows = Rows(
        ids=np.array([f"m{k}" for k in range(N)]),
        formulas=np.array([f"F{k // 2}" for k in range(N)]),
        columns={"p": p, "a": a, "b": np.array(["x", "y"])[rng.integers(0, 2, N)]},
    )
    return units, rows


@pytest.fixture(scope="module")
def known():
    units, rows = world()
    return score_all(units, rows), rows


def test_bits_of_a_known_gain(known):
    """log2 sqrt((1 + .25) / .25) = 1.161 bits: the variance that A explains."""
    table = cells(*known).set_index("added")
    assert table.loc["a", "bits"] == pytest.approx(1.161, rel=0.05)
    assert table.loc["a", "laplace_bits"] == pytest.approx(1.161, rel=0.05)
    assert table.loc["a", "bits_low"] < 1.161 < table.loc["a", "bits_high"]
    assert 0 < table.loc["a", "bits_se"] < 0.1
    assert table.loc["a", "swap_q"] < 1e-6
    assert table.loc["a", "swap_rise"] > 0.3
    assert abs(table.loc["b", "bits"]) < 0.01
    assert table.loc["b", "swap_rise"] == pytest.approx(0, abs=1e-6)
    assert table.loc["b", "swap_q"] > 0.3
    assert (table["n_seeds"] == 3).all()
    assert (table["n_materials"] > 400).all()


def test_a_cap_flags_what_cannot_be_information(known):
    table = cells(*known, {("composition", "a"): 0.5, ("composition", "b"): 1.0}).set_index("added")
    assert table["overstated"].to_dict() == {"a": True, "b": False}
    assert table["cap"].to_dict() == {"a": 0.5, "b": 1.0}


def test_decomposition_of_a_known_gain(known):
    table = decompositions(*known).set_index("added")
    assert table.loc["a", "gain"] == pytest.approx(table.loc["a", "I_RA"] - table.loc["a", "I_R"])
    assert 0.6 < table.loc["a", "gain"] < 1.161
    assert table.loc["a", "gain_low"] > 0.5
    assert table.loc["b", "gain"] < 0.03
    assert table.loc["b", "I_A"] < 0.02


def test_structure_beyond_composition():
    inner, rows = world()
    outer, _ = world(representation="structure")
    better = [dataclasses.replace(u, test=u.test[[1, 1, 1]]) for u in outer]
    (found,) = nested_decompositions(score_all([*inner, *better], rows), rows).to_dict("records")
    assert (found["learner"], found["target"]) == ("trees", "p")
    assert 0.6 < found["gain"] < 1.161
    assert len(nested_decompositions(score_all(inner, rows), rows)) == 0


def test_an_executor_changes_nothing(known):
    units, rows = world()
    with ThreadPoolExecutor(2) as pool:
        pd.testing.assert_frame_equal(cells(score_all(units, rows, pool), rows), cells(*known))


def test_smaller_shares_count_for_the_learning_curve_only(known):
    units, rows = world()
    half = [dataclasses.replace(u, fraction=0.5, n_train=u.n_train // 2) for u in units]
    scored = score_all([*half, *units], rows)
    pd.testing.assert_frame_equal(cells(scored, rows), cells(*known))
    assert sorted(set(seed_bits(scored)["fraction"])) == [0.5, 1.0]
    assert decompositions(scored, rows)["reason"].eq("").all()


def odd(name):
    units, rows = world(seeds=1)
    (unit,) = units
    if name == "constant target":
        unit = dataclasses.replace(
            unit, true_test=np.zeros(400), true_validation=np.zeros(400), test=0 * unit.test,
            validation=0 * unit.validation,
        )  # fmt: skip
    elif name == "infinite":
        test = unit.test.copy()
        test[1, 3] = np.inf
        unit = dataclasses.replace(unit, test=test)
    elif name == "nan model":
        unit = dataclasses.replace(unit, test=unit.test * np.nan, validation=unit.validation * np.nan)
    elif name == "exact":
        test, validation = unit.test.copy(), unit.validation.copy()
        test[1], validation[1] = unit.true_test, unit.true_validation
        unit = dataclasses.replace(unit, test=test, validation=validation)
    elif name == "no swaps":
        unit = dataclasses.replace(unit, swapped={})
    elif name == "nothing added":
        unit = dataclasses.replace(
            unit, added=(), test=unit.test[:1], validation=unit.validation[:1], swapped={}
        )
    elif name == "few rows":
        unit = dataclasses.replace(
            unit, materials=unit.materials[:5], true_test=unit.true_test[:5], test=unit.test[:, :5],
            true_validation=unit.true_validation[:5], validation=unit.validation[:, :5],
            swapped={k: v[:, :5] for k, v in unit.swapped.items()},
        )  # fmt: skip
    return [unit], rows


@pytest.mark.parametrize(
    ("name", "bits_of_a", "swap_of_a"),
    [
        ("one seed", True, True),
        ("constant target", False, None),
        ("infinite", False, False),
        ("nan model", False, False),
        ("exact", False, True),
        ("no swaps", True, False),
        ("few rows", False, None),
    ],
)
def test_odd_cases_have_a_number_or_a_reason(name, bits_of_a, swap_of_a):
    units, rows = odd(name)
    scored = score_all(units, rows)
    cell = cells(scored, rows).set_index("added").loc["a"]
    assert np.isfinite(cell["bits"]) == bits_of_a
    assert bool(cell["reason"]) != bits_of_a
    if swap_of_a is not None:
        assert np.isfinite(cell["swap_p"]) == swap_of_a
        assert bool(cell["swap_reason"]) != swap_of_a
    part = decompositions(scored, rows).set_index("added").loc["a"]
    assert np.isfinite(part["gain"]) or part["reason"]
    if name == "one seed":
        # One seed has no range.
        assert np.isnan(cell["bits_low"])


def test_a_study_without_added_properties_or_units_is_an_empty_table():
    units, rows = odd("nothing added")
    for scored in (score_all(units, rows), []):
        for table in (cells(scored, rows), decompositions(scored, rows), seed_bits(scored)):
            assert len(table) == 0
            assert {"learner", "representation", "target", "added"} <= set(table.columns)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("analysis") / "study"
    study = mt.Study(
        mt.load("mp1000").take(np.arange(150)),
        targets=("formation_energy_per_atom", "volume"),
        properties=("volume", "density", "nsites", "crystal_system"),
        learners=("trees",),
        seeds=2,
        train_fractions=(0.5,),
        swaps=5,
    )
    return study.run(folder, workers=2)


def test_a_real_study_is_analysed_without_retraining(results):
    table = results.bits().set_index(["representation", "target", "added"])
    control = table[table["control"]].reset_index()
    mean = control.groupby("added")["bits"].mean()
    assert mean["control:planted"] > 0.05
    assert mean["control:derived"] == 0
    assert control["swap_q"].isna().all()
    assert (control.loc[control["added"] == "control:planted", "swap_p"] < 0.05).all()
    assert table.loc[("composition", "volume", "volume"), "diagonal"]
    assert (table.loc[(slice(None), slice(None), "crystal_system"), "cap"] > 0.1).all()
    assert table.loc[("structure", "volume", "density"), "deterministic"] == "held"
    assert table.loc[("composition", "formation_energy_per_atom", "density"), "deterministic"] == ""


def test_bits_and_gains_speak_of_the_same_errors(results):
    bits = results.bits().set_index(["representation", "target", "added"])
    for _, row in gains(results.errors).iterrows():
        cell = bits.loc[(row["representation"], row["target"], row["added"])]
        assert cell["mae0"] == pytest.approx(row["mae0_mean"], rel=1e-12)
        assert cell["mae1"] == pytest.approx(row["mae1_mean"], rel=1e-12)


def test_every_view_of_the_analysis_has_its_rows(results):
    assert len(results.decomposition()) == 2 * (2 * 4 - 1)
    controls = results.controls()
    assert list(controls["control"]) == [
        c for c in ("control:placebo", "control:derived", "control:planted") for _ in range(2)
    ]
    assert (controls.loc[controls["control"] == "control:planted", "expected_bits"] == 0.5).all()
    # Volume is both a target and added; formation energy is only a target.
    assert len(results.symmetry()) == 0
    assert list(results.floor()["name"]) == ["formation_energy_per_atom", "volume"]
    assert not results.floor()["enough"].any()
    learning = results.learning()
    assert len(learning) == 2 * 2 * (4 + 3)
    assert set(learning["word"]) <= {"information", "convenience", "undecided"}
    assert any("volume" in each["sentence"] for each in results.relations())


def test_columns_of_the_study_without_any_model(results):
    # volume x density is the mass; together with the sites they say more than each alone.
    parts = results.decompose("volume", "nsites", "density")
    assert parts.I_R.point > 0.5
    with pytest.raises(mt.InputError, match=r"denisty.*no such column.*density"):
        results.decompose("volume", "nsites", "denisty")
    table = results.mutual_information().set_index(["x", "y"])
    assert len(table) == 5 * 4 / 2
    both = {frozenset(pair): row for pair, row in table.iterrows()}
    assert both[frozenset({"volume", "nsites"})]["p"] < 0.01
    assert both[frozenset({"volume", "nsites"})]["bits"] > both[frozenset({"density", "nsites"})]["bits"]


def test_caps_are_entropies_of_categories(results):
    found = caps(results.folder)
    assert {name for _, name in found} == {"crystal_system"}
    # Structure tells the crystal system better than composition does.
    assert 0 < found["structure", "crystal_system"] < found["composition", "crystal_system"] < np.log2(7)


def test_an_older_folder_says_what_to_do(results, tmp_path):
    import shutil

    shutil.copytree(results.folder, tmp_path / "study")
    (tmp_path / "study" / "materials.parquet").unlink()
    with pytest.raises(mt.InputError, match=r"table of materials is missing.*Run the study again"):
        mt.Results(tmp_path / "study").bits()


def test_a_unit_without_test_rows_has_no_errors():
    units, rows = odd("few rows")
    none = {"materials": units[0].materials[:0], "true_test": units[0].true_test[:0]}
    unit = dataclasses.replace(
        units[0],
        **none,
        test=units[0].test[:, :0],
        swapped={k: v[:, :0] for k, v in units[0].swapped.items()},
    )
    table = seed_bits(score_all([unit], rows))
    assert table["n_test"].tolist() == [0, 0]
    assert table[["mae0", "mae1", "bits"]].isna().all(axis=None)


def test_units_are_chosen_by_what_their_records_say(results):
    chosen = list(held_out(results.folder, target="volume", representation="structure"))
    assert {(held.target, held.representation) for held in chosen} == {("volume", "structure")}
    assert len(chosen) == 2 * 2  # seeds and shares of the training rows
    assert list(held_out(results.folder, learner="nobody")) == []


def test_curves_come_when_asked_for(results):
    curves = results.curves()
    assert set(curves["target"]) == {"formation_energy_per_atom", "volume"}
    assert (curves.groupby(["representation", "target", "seed", "added"])["epoch"].min() == 1).all()


def test_a_check_that_cannot_be_kept_costs_no_report(results, monkeypatch, tmp_path):
    import errno
    import shutil

    from mattomo.study.store import Store

    shutil.copytree(results.folder, tmp_path / "study")
    (tmp_path / "study" / "check.json").unlink(missing_ok=True)

    def full(self, found):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Store, "write_checked", full)
    again = mt.Results(tmp_path / "study", table=(mt.load("mp1000").take(np.arange(150)), mt.Quarantine()))
    assert again.summary()["check"] is not None
    assert again.report(tmp_path / "report").exists()
