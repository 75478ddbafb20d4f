"""``mattomo convert``, once in a process of its own, otherwise in this one."""

import json
import subprocess
import sys

import pytest

from mattomo.cli.convert import convert
from mattomo.errors import InputError
from mattomo.materials import load, read


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("id,formula,band_gap,kind\na,Fe2O3,2.1,x\nb,NaCl,8.5,y\nc,Xx,1,x\nd,MgO,one,y\n")
    return path


def test_as_a_program(table, tmp_path):
    out = tmp_path / "new" / "out.parquet"
    command = [sys.executable, "-m", "mattomo", "convert", table, out, "--quarantine", tmp_path / "q.csv"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    for part in ("4 rows in, 3 out", "1 left out", "1 cells refused", "Xx"):
        assert part in done.stdout
    assert len((tmp_path / "q.csv").read_text().splitlines()) == 3
    materials, quarantine = read(out)
    assert materials.fingerprint() == read(table)[0].fingerprint()
    assert len(quarantine) == 0


def test_what_was_converted_converts_to_the_same(table, tmp_path, capsys):
    convert(str(table), tmp_path / "one.parquet")
    capsys.readouterr()
    convert(str(tmp_path / "one.parquet"), tmp_path / "two.parquet", json=True)
    done = json.loads(capsys.readouterr().out)
    assert (done["rows_in"], done["rows_out"], done["rows_left_out"]) == (3, 3, 0)
    assert done["fingerprint"] == read(table)[0].fingerprint()
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_the_example(tmp_path):
    convert("mp1000", tmp_path / "out.parquet")
    assert read(tmp_path / "out.parquet")[0].fingerprint() == load("mp1000").fingerprint()


def test_mistakes(table, tmp_path):
    out = tmp_path / "out.parquet"
    convert(str(table), out)
    before = out.read_bytes()
    (tmp_path / "file").write_text("x")
    for data, to, options, problem in (
        (table, tmp_path / "out.csv", {}, r"End its name in \.parquet"),
        (out, out, {}, "would replace the data"),
        (table, out, {"id": "nope"}, "no such column"),
        (tmp_path / "none.csv", out, {}, "cannot be read"),
        (table, tmp_path / "file" / "o.parquet", {}, "cannot be written"),
    ):
        with pytest.raises(InputError, match=problem):
            convert(str(data), to, **options)
    assert out.read_bytes() == before
    assert not list(tmp_path.glob(".out.parquet*"))
