"""The example table that comes with the package."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from mattomo.errors import InputError
from mattomo.materials.quarantine import Quarantine
from mattomo.materials.readers import read
from mattomo.materials.table import Materials

EXAMPLES = ("mp1000",)
"""``mp1000``: 1,000 materials of the Materials Project (CC-BY-4.0), all with structure."""


def example_path(name: str = "mp1000") -> Path:
    """Where an example table lies, to copy it or to look at it.

    Raises
    ------
    InputError
        No such example; the message lists them.
    """
    if name not in EXAMPLES:
        raise InputError("no such example", value=name, hint=f"There are: {', '.join(EXAMPLES)}.")
    with as_file(files("mattomo.materials") / "data" / f"{name}.parquet") as path:
        return path


def load(name: str = "mp1000") -> Materials:
    """An example table.

    Raises
    ------
    InputError
        No such example; the message lists them.

    Examples
    --------
    >>> len(load("mp1000"))
    1000
    """
    return read(example_path(name))[0]


def read_data(data: str, **columns: Any) -> tuple[Materials, Quarantine]:
    """An embedded table by its name, or whatever is at a path; ``columns`` as for `mattomo.read`."""
    path: str | Path = data
    if data in EXAMPLES and not Path(data).exists():
        path = example_path(data)
    return read(path, **columns)
