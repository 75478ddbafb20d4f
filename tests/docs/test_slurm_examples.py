"""docs/clusters.md quotes the files of examples/slurm, which `scripts/slurm_check.py` runs."""

import ast
import shutil
import subprocess
from pathlib import Path
from textwrap import indent

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "examples" / "slurm").iterdir())
PAGE = (ROOT / "docs" / "clusters.md").read_text(encoding="utf-8")
CHECK = (ROOT / "scripts" / "slurm_check.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_page_and_files_are_equal_and_run_by_the_check(path):
    text = path.read_text(encoding="utf-8")
    quoted = "".join(line.rstrip(" ") for line in indent(text, "    ").splitlines(keepends=True))
    assert f"(`examples/slurm/{path.name}`):\n\n{quoted}\n" in PAGE
    assert f'"{path.name}"' in CHECK
    if path.suffix == ".py":
        ast.parse(text)
    elif bash := shutil.which("bash"):
        assert subprocess.run([bash, "-n", str(path)]).returncode == 0


def test_the_page_has_no_other_scripts():
    assert PAGE.count("#!/bin/bash") == sum(path.suffix == ".sh" for path in FILES) == 2
    assert PAGE.count("from dask_jobqueue import") == 1
