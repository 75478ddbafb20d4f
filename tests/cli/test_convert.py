"""``mattomo convert``, once in a process of its own, otherwise in this one."""

import gzip
import json
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from mattomo.cli.app import app
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


CIF = """data_{0}
_cell_length_a {1}
_cell_length_b {1}
_cell_length_c {1}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P m -3 m'
loop_
_atom_site_label
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Cs 0 0 0
{0} 0.5 0.5 0.5
"""
HALIDES = (("Cl", 4.12), ("Br", 4.29), ("I", 4.57))


def _matbench(folder):
    def structure(symbol, a):
        sites = [
            {"species": [{"element": each, "occu": 1}], "abc": xyz, "label": each}
            for each, xyz in (("Cs", [0.0, 0, 0]), (symbol, [0.5, 0.5, 0.5]))
        ]
        lattice = {"matrix": [[a, 0, 0], [0, a, 0], [0, 0, a]], "pbc": [True, True, True]}
        return {"@class": "Structure", "lattice": lattice, "sites": sites}

    data = [[structure(symbol, a), a / 3] for symbol, a in HALIDES]
    whole = {"index": [0, 1, 2], "columns": ["structure", "gap"], "data": data}
    path = folder / "matbench.json.gz"
    path.write_bytes(gzip.compress(json.dumps(whole).encode()))
    return path


def _csv(folder):
    path = folder / "t.csv"
    rows = "".join(f'm-{symbol},Cs{symbol},{a / 3!r},"{CIF.format(symbol, a)}"\n' for symbol, a in HALIDES)
    path.write_text("material_id,formula,gap,cif\n" + rows)
    return path


def _cgcnn(folder):
    path = folder / "cgcnn"
    path.mkdir()
    (path / "id_prop.csv").write_text("".join(f"{symbol},{a / 3!r}\n" for symbol, a in HALIDES))
    for symbol, a in HALIDES:
        (path / f"{symbol}.cif").write_text(CIF.format(symbol, a))
    return path


def _extxyz(folder):
    path = folder / "t.extxyz"
    path.write_text(
        "".join(
            f'2\nLattice="{a} 0 0 0 {a} 0 0 0 {a}" Properties=species:S:1:pos:R:3 gap={a / 3!r}\n'
            f"Cs 0 0 0\n{symbol} {a / 2} {a / 2} {a / 2}\n"
            for symbol, a in HALIDES
        )
    )
    return path


def _ase_db(folder):
    ase = pytest.importorskip("ase")
    path = folder / "t.db"
    with pytest.importorskip("ase.db").connect(path) as rows:
        for symbol, a in HALIDES:
            cell = ase.Atoms(f"Cs{symbol}", [[0, 0, 0], [a / 2] * 3], cell=[a, a, a], pbc=True)
            rows.write(cell, gap=a / 3)
    return path


@pytest.mark.parametrize("write", [_csv, _matbench, _cgcnn, _extxyz, _ase_db])
def test_every_format_converts_to_the_same_crystals(tmp_path, write):
    data = write(tmp_path)
    out = tmp_path / "out.parquet"
    done = CliRunner().invoke(app, ["convert", str(data), str(out), "--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    materials, quarantine = read(data)
    again, none = read(out)
    assert len(quarantine) == len(none) == 0
    assert said["fingerprint"] == materials.fingerprint() == again.fingerprint()
    # the formats agree with each other, and with what was written into them
    assert again.compositions.formulas.tolist() == ["ClCs", "BrCs", "CsI"]
    assert again.structures.Z.tolist() == [55, 17, 55, 35, 55, 53]
    lengths = np.array([a for _, a in HALIDES])
    np.testing.assert_allclose(again.structures.lattice, lengths[:, None, None] * np.eye(3), atol=1e-9)
    np.testing.assert_allclose(again.structures.frac_coords, [[0.0] * 3, [0.5] * 3] * 3, atol=1e-9)
    (name,) = again.columns
    np.testing.assert_array_equal(again.column(name).values, lengths / 3)


@pytest.mark.parametrize("write", [_cgcnn, _extxyz])
def test_other_commands_read_them_too(tmp_path, write):
    done = CliRunner().invoke(app, ["check", str(write(tmp_path)), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["rows_used"] == 3


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
        (table, out, {"quarantine": tmp_path / "file" / "q.csv"}, "q.csv: the file cannot be written"),
    ):
        with pytest.raises(InputError, match=problem):
            convert(str(data), to, **options)
    assert out.read_bytes() == before
    assert not list(tmp_path.glob(".out.parquet*"))
