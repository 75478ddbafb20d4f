from concurrent.futures import ThreadPoolExecutor

import pytest

import mattomo as mt
from mattomo.cli.options import open_study
from mattomo.learners.trees import Trees


def test_public_names_are_all_there():
    for name in mt.__all__:
        assert getattr(mt, name) is not None
    with pytest.raises(AttributeError):
        _ = mt.nothing


def test_reading_a_table_does_not_wake_jax_or_matplotlib():
    import subprocess
    import sys

    code = "import sys, mattomo as mt; mt.load('mp1000'); print({'jax', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_reprs_say_what_there_is():
    study = mt.Study("mp1000", targets=["band_gap"], properties=["density"])
    assert "1 targets x 1 properties x 5 seeds" in repr(study)
    assert "mp1000" in study._repr_html_()
    assert "1,000 materials" in repr(study.materials)


def test_a_study_of_a_file_and_of_a_table_are_the_same(tmp_path):
    path = tmp_path / "s.toml"
    path.write_text('data = "mp1000"\ntargets = ["band_gap"]\nproperties = ["density"]\nseeds = 2\n')
    a = open_study(str(path), {})
    b = open_study("mp1000", {"targets": ["band_gap"], "properties": ["density"], "seeds": 2})
    assert a.config == b.config


def test_unknown_choice():
    with pytest.raises(mt.InputError, match="'epoch'"):
        mt.Study("mp1000", targets=["band_gap"], properties=[], epoch=3)


def test_html_of_a_study_is_escaped(tmp_path):
    path = tmp_path / "<b>t.csv"
    path.write_text("formula,<script>x,y\n" + "".join(f"MgO{i + 2},{i},{i * i}\n" for i in range(20)))
    study = mt.Study(path, targets=["<script>x"], properties=["y"], representations=["composition"])
    html = study._repr_html_()
    assert "<table" in html
    assert "&lt;script&gt;x" in html
    assert "<script" not in html
    assert "<b>" not in html


def test_html_of_results_is_escaped_and_says_what_helps(tmp_path):
    path = tmp_path / "t.csv"
    rows = "".join(f"MgO{i + 2},{i * 37 % 101 / 4},{i * i % 97 / 8},{i % 7 / 2}\n" for i in range(200))
    path.write_text("formula,<script>x,<i>y,z\n" + rows)
    study = mt.Study(
        path,
        targets=["<script>x"],
        properties=["<i>y", "z"],
        representations=["composition"],
        learners=["trees"],
        seeds=1,
        controls=[],
        swaps=0,
    )
    with ThreadPoolExecutor(1) as here:
        results = study.run(tmp_path / "<b>s", executor=here)
    html = results._repr_html_()
    assert "&lt;script&gt;x" in html
    assert not any(tag in html for tag in ("<script", "<i>", "<b>"))
    assert html.count("<tr") == 3
    assert "%" in html


def test_predictions_of_a_cell_give_its_errors(tmp_path):
    path = tmp_path / "t.csv"
    rows = "".join(f"MgO{i + 2},{i * 37 % 101 / 4},{i * i % 97 / 8},{i % 7 / 2}\n" for i in range(120))
    path.write_text("formula,x,y,z\n" + rows)
    study = mt.Study(
        path,
        targets=["x"],
        properties=["y", "z"],
        representations=["composition"],
        seeds=2,
        train_fractions=[0.5, 1.0],
        controls=[],
        swaps=0,
    )
    with ThreadPoolExecutor(1) as here:
        results = study.run(tmp_path / "s", learners=[Trees(rounds=20)], executor=here)
    table = results.predictions("x", "z")
    assert set(table["added"]) == {"z"}
    assert not table.duplicated(["seed", "id"]).any()
    of_file = study.materials.column("x").values
    place = {name: k for k, name in enumerate(study.materials.ids)}
    assert table["true"].tolist() == [of_file[place[name]] for name in table["id"]]
    for seed, part in table.groupby("seed"):
        for column, added in (("predicted0", ""), ("predicted1", "z")):
            mae = (part[column] - part["true"]).abs().mean()
            errors = results.errors
            stored = errors[(errors["seed"] == seed) & (errors["added"] == added)]["mae"].item()
            assert mae == pytest.approx(stored, rel=1e-5)
    assert sorted(set(results.seed_bits()["fraction"])) == [0.5, 1.0]
    with pytest.raises(mt.InputError, match="no such added property"):
        results.predictions("x", "w")
    with pytest.raises(mt.InputError, match="no such learner"):
        results.predictions("x", "z", learner="cgcnn")
