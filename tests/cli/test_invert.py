import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import mattomo as mt
from mattomo.cli.app import app
from mattomo.errors import InputError
from mattomo.report.inverted import placebo_in_words

FEW = ["--from", "nsites,density", "--seeds", "2", "--random", "0"]


def called(*args):
    done = CliRunner().invoke(app, ["invert", "mp1000", *args], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_numbers_files_and_words(tmp_path):
    asked = ["--to", "crystal_system", *FEW, "--given", "nsites=10,density=4.3"]
    found = json.loads(called(*asked, "--out", str(tmp_path / "inverse"), "--json"))
    assert found["curve"][0]["added"] == ""
    assert found["curve"][-1]["added"] == "placebo"
    assert found["prediction"]["given"] == {"nsites": 10.0, "density": 4.3}
    assert sum(row["probability"] for row in found["prediction"]["table"]) == pytest.approx(1)
    names = {path.name for path in (tmp_path / "inverse").iterdir()}
    assert names == {
        "curve.csv", "random.csv", "calibration.csv", "prediction.csv", "inverse.svg", "inverse.png"
    }  # fmt: skip
    curve = pd.read_csv(tmp_path / "inverse" / "curve.csv")
    np.testing.assert_allclose(curve["bits"], [row["bits"] for row in found["curve"]])
    assert "<svg" in (tmp_path / "inverse" / "inverse.svg").read_text(encoding="utf-8")
    text = " ".join(called(*asked).split())
    assert "A placebo changes nothing" in text
    assert "4.3 g/cm³" in text


def test_from_python():
    found = mt.invert("mp1000", to="crystal_system", names=["nsites"], seeds=(3,), n_random=0)
    assert found.found.seeds == (3,)
    assert "<table" in found._repr_html_()
    assert found.prediction is None
    assert "crystal_system" in repr(found)


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (["--to", "crystal_system", "--from", "densty"], "Did you mean"),
        (["--to", "crystal_sistem"], "crystal_system"),
        (["--to", "crystal_system", "--given", "density"], "name=value"),
        (["--to", "crystal_system", "--given", "density=heavy"], "not a number"),
        (["--to", "crystal_system", "--order", "best"], "greedy or given"),
        (["--to", "crystal_system", "--workers", "0"], "at least one worker"),
    ],
)
def test_mistakes(args, word):
    with pytest.raises(InputError, match=word):
        CliRunner().invoke(app, ["invert", "mp1000", *args], catch_exceptions=False)


@pytest.mark.parametrize(("z", "word"), [(3.5, "must not"), (-3.7, "price"), (0.0, "changes nothing")])
def test_a_placebo_in_words(z, word):
    assert word in placebo_in_words(0.02 * z, z)
