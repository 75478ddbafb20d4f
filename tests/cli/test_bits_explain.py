"""The cells of a finished study in the terminal."""

import json
import re

import pytest
from typer.testing import CliRunner

import mattomo as mt
from mattomo.cli.app import app
from mattomo.errors import InputError
from mattomo.report.numbers import bits, percent, quantity


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study") / "s"
    mt.Study(
        "mp1000",
        targets=["energy"],
        properties=["energy_per_atom", "nsites", "crystal_system"],
        representations=["composition"],
        learners=["trees"],
        seeds=2,
    ).run(folder, workers=1)
    return folder


def shown(*args, columns="80"):
    done = CliRunner().invoke(app, [str(arg) for arg in args], env={"COLUMNS": columns})
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


def test_bits_lists_the_strongest_first_in_80_columns(study):
    rows = json.loads(shown("bits", study, "--all", "--json"))
    values = [row["bits"] for row in rows]
    assert len(rows) == 3
    assert values == sorted(values, reverse=True)
    assert rows[0]["added"] == "nsites"  # energy is energy per atom times sites
    text = shown("bits", study, "--all")
    assert max(map(len, text.splitlines()[:4])) <= 80
    assert bits(values[0]) in text.splitlines()[1]
    assert percent(rows[0]["mean"]) in text.splitlines()[1]
    found = json.loads(shown("bits", study, "--json"))
    assert all(row["swap"] and not row["deterministic"] for row in found)


def test_explain_says_the_same_as_its_json(study):
    args = ("explain", study, "--target", "energy", "--property", "nsites")
    found = json.loads(shown(*args, "--json"))
    text = " ".join(shown(*args).split())
    for sentence in found["words"]:
        assert " ".join(sentence.split()) in text
    assert found["cell"]["information"]["bits"] > 1
    assert found["unit"] == "eV/cell"
    values = [row["change"] for row in found["helped"]]
    assert values == sorted(values)
    assert all(re.fullmatch(r"mp-\d+", row["id"]) for row in found["helped"])
    assert {row["name"] for row in found["crystal_systems"]} <= {
        "triclinic", "monoclinic", "orthorhombic", "tetragonal", "trigonal", "hexagonal", "cubic",
    }  # fmt: skip
    for row in [*found["helped"], *found["hurt"]]:
        assert f"{row['id']} {row['formula']} {quantity(row['mae0'])} {quantity(row['mae1'])}" in text
    assert {row["name"] for row in found["controls"]} == {"placebo", "derived", "planted"}


def test_a_large_study_is_explained_cell_by_cell(study, monkeypatch):
    near = mt.Results(study).explain("energy", "nsites")
    monkeypatch.setattr("mattomo.results.MOST", 0)
    results = mt.Results(study)
    assert all(cell["closeup"] is None for cell in results.summary()["cells"])
    assert results.explain("energy", "nsites") == near
    assert near["elements"]


def test_a_wrong_name_is_one_message_with_a_hint(study):
    done = CliRunner().invoke(app, ["explain", str(study), "-t", "enrgy", "-p", "nsites"])
    assert isinstance(done.exception, InputError)
    assert "no such target" in str(done.exception)
    assert "energy" in str(done.exception)


def test_without_the_table_of_materials_the_reason_is_given(study, tmp_path):
    import shutil

    old = tmp_path / "old"
    shutil.copytree(study, old)
    (old / "materials.parquet").unlink()
    done = CliRunner().invoke(app, ["bits", str(old)])
    assert isinstance(done.exception, InputError)
    assert "table of materials" in str(done.exception)
    summary = mt.Results(old).summary()
    assert not summary["analysed"]
    assert any("Bits, swap tests, decompositions and floors are not shown" in n for n in summary["notices"])
