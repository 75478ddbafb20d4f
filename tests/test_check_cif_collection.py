"""The script that accounts for every CIF of a folder."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "check_cif_collection.py"
CIF = """data_x
_cell_length_a 4
_cell_length_b 4
_cell_length_c 4
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P m -3 m'
loop_
_atom_site_label
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Fe1 0 0 0 1
"""


def run(*arguments, code=0):
    done = subprocess.run(
        [sys.executable, SCRIPT, *map(str, arguments)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def test_every_file_is_accounted_for(tmp_path):
    files = {
        "a.cif": CIF,
        "sub/b.cif": CIF.replace("0 0 0 1", "0 0 0 0.5"),
        "c.cif": "data_x\n_cell_length_a",
        "d.cif": CIF.replace("Fe1 0", "Fe1 ?"),
        "e.txt": CIF,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    text = run(tmp_path, "--list", tmp_path / "list.csv")
    for line in (
        "4 files",
        "| read | 1 |",
        "| composition only | 1 |",
        "| refused | 2 |",
        "| malformed CIF | 1 |",
    ):
        assert line in text
    with open(tmp_path / "list.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(Path(row["file"]).name, row["outcome"], row["composition"]) for row in rows] == [
        ("a.cif", "read", "Fe1"),
        ("c.cif", "refused", ""),
        ("d.cif", "refused", ""),
        ("b.cif", "composition only", "Fe0.5"),
    ]


def test_an_empty_folder_is_an_error(tmp_path):
    assert "no .cif file" in run(tmp_path, code=1)


@pytest.mark.slow
def test_comparison_with_pymatgen(tmp_path):
    pytest.importorskip("pymatgen")
    (tmp_path / "a.cif").write_text(CIF)
    assert "| the same composition | 1 |" in run(tmp_path, "--pymatgen")
