"""The packaged data files are what the scripts make from their public sources (skipped without these)."""

import importlib.util
import os
from importlib.resources import files
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"


def load(name):
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def mp1000_source(script):
    """The source table: a wheel named by MATTOMO_MATGRAPHDB_WHEEL, or the installed package."""
    wheel = os.environ.get("MATTOMO_MATGRAPHDB_WHEEL")
    if wheel:
        return script.read_wheel(Path(wheel))
    package = importlib.util.find_spec("matgraphdb")  # not imported: it pulls in half of PyPI
    if package is None:
        pytest.skip("needs matgraphdb 0.3.0, or its wheel in MATTOMO_MATGRAPHDB_WHEEL")
    return pq.read_table(Path(package.submodule_search_locations[0]).parent / script.MEMBER)


def test_element_table_is_reproduced_byte_for_byte():
    pytest.importorskip("mendeleev")
    script = load("build_element_table")
    committed = (files("mattomo.projections") / "data" / "elements.csv").read_bytes()
    if committed.decode().splitlines()[0] != script.provenance():
        pytest.skip("another release of mendeleev than the committed table's")
    assert script.build().encode() == committed


def test_mp1000_is_reproduced():
    script = load("build_mp1000")
    built = script.build(mp1000_source(script))
    committed = pq.read_table(Path(str(files("mattomo.materials") / "data" / "mp1000.parquet")))
    assert built.schema.equals(committed.schema)
    assert built.num_rows == 1000
    assert built.num_columns == 42
    for name in built.column_names:  # repr tells -0.0 from 0.0 and NaN from missing
        assert repr(built[name].to_pylist()) == repr(committed[name].to_pylist()), name


def test_another_wheel_is_refused(tmp_path):
    script = load("build_mp1000")
    wheel = tmp_path / "matgraphdb-0.3.0-py3-none-any.whl"
    wheel.write_bytes(b"not the wheel")
    with pytest.raises(SystemExit, match=r"pip download --no-deps matgraphdb==0\.3\.0"):
        script.read_wheel(wheel)


@pytest.mark.parametrize(
    ("species", "hubbard"),
    [(["Fe", "O"], True), (["Fe", "F"], True), (["Fe", "S"], False), (["Mg", "O"], False), (["Fe"], False)],
)
def test_hubbard_rule(species, hubbard):
    assert load("build_mp1000").is_hubbard(species) is hubbard


def test_oxide_type_sees_bonds_across_the_cell_boundary():
    oxide_type = load("build_mp1000").oxide_type
    lattice = 4.0 * np.eye(3).ravel()
    assert oxide_type(lattice, ["O", "H"], np.array([0.1, 0, 0, 0.86, 0, 0])) == "hydroxide"  # 0.96 Å
    assert oxide_type(lattice, ["O", "H"], np.array([0.1, 0, 0, 0.6, 0, 0])) == "oxide"
    assert oxide_type(lattice, ["Fe"], np.zeros(3)) == "None"
