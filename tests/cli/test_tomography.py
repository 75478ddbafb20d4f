import json

import pytest
from typer.testing import CliRunner

from mattomo.cli.app import app
from mattomo.errors import InputError


def called(*args):
    done = CliRunner().invoke(app, list(args), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_identity():
    found = json.loads(called("identity", "mp1000", "--json"))
    assert found["representations"][0]["name"] == "composition"
    assert found["representations"][-1]["bits"] == pytest.approx(9.966, abs=1e-3)
    assert not any(f["enough"] for f in found["floors"])
    text = " ".join(called("identity", "mp1000").split())
    assert "9.966 bits" in text
    assert "your data cannot tell" in text


def test_tomography():
    found = json.loads(called("tomography", "mp1000", "--properties", "density,nsites", "--json"))
    assert [row["added"] for row in found["curve"]] == ["density", "nsites"]
    narrow = json.loads(
        called("tomography", "mp1000", "--properties", "density", "--resolution", "density=0.01", "--json")
    )
    assert narrow["curve"][0]["bits"] > found["curve"][0]["bits"]
    text = called("tomography", "mp1000")
    assert "enough" in text
    assert max(map(len, text.splitlines()[1:])) <= 80


def test_known_values():
    found = json.loads(called("tomography", "mp1000", "--known", "band_gap=1.1,density=4.3", "--json"))
    assert found["compatible"] == len(found["materials"]) > 0
    assert "None is within" in called("tomography", "mp1000", "--known", "density=99")


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (["--known", "band_gap"], "name=value"),
        (["--known", "densty=1"], "Did you mean"),
        (["--known", "density=1,density=2"], "twice"),
        (["--resolution", "density=x"], "number"),
        (["--known", "density=1", "--properties", "density"], "exclude"),
    ],
)
def test_mistakes(args, word):
    with pytest.raises(InputError, match=word):
        CliRunner().invoke(app, ["tomography", "mp1000", *args], catch_exceptions=False)
