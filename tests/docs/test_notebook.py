"""The notebook in examples/ runs from top to bottom, and is stored without outputs."""

import ast
import json
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

import mattomo as mt

NOTEBOOK = Path(__file__).resolve().parents[2] / "examples" / "study.ipynb"
CELLS = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]


def shown(source, names):
    """Run a cell; the value of its last line, which a notebook shows."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return None if last is None else eval(compile(ast.Expression(last.value), "cell", "eval"), names)


def test_it_is_stored_without_outputs():
    code = [cell for cell in CELLS if cell["cell_type"] == "code"]
    assert len(code) >= 5
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert len({cell["id"] for cell in CELLS}) == len(CELLS)


def test_it_runs_and_shows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    values = {c["id"]: shown("".join(c["source"]), names) for c in CELLS if c["cell_type"] == "code"}
    assert isinstance(values["study"], mt.Study)
    assert isinstance(values["run"], mt.Results)
    for cell in ("study", "materials", "run"):
        assert "<table" in values[cell]._repr_html_()
    assert isinstance(values["figure"], Figure)
    assert isinstance(values["controls"], pd.DataFrame)
    assert len(values["controls"])
