"""Base representations in files that all workers of a machine map: the system keeps one copy of their pages.

A mapped representation is used like any other, and travels to a worker as the address of its files. They
are in ``shared/<token>`` of the study folder while a run is going on; what a killed run left there, the next
one removes.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mattomo.projections.descriptors import Table
from mattomo.projections.graphs import Graphs, Ints
from mattomo.study.locks import Claims
from mattomo.study.plan import Plan
from mattomo.study.stop import undisturbed

_PARTS = tuple(part.name for part in fields(Graphs))


@dataclass(frozen=True)
class MappedGraphs(Graphs):
    """Graphs whose arrays are in ``folder``; ``rows`` are those of the crystals there, all by default.

    A changed copy (`dataclasses.replace`) is not what the files hold: it forgets them and travels whole.
    """

    folder: str = field(default="", init=False)
    rows: Ints | None = field(default=None, init=False)

    @classmethod
    def of(cls, graphs: Graphs, folder: str, rows: Ints | None = None) -> MappedGraphs:
        """``graphs``, which are those of ``rows`` in ``folder``."""
        mapped = cls(**{name: getattr(graphs, name) for name in _PARTS})
        _remember(mapped, folder, rows)
        return mapped

    def take(self, index: Ints) -> Graphs:
        """The graphs at positions ``index`` (shape (k,)), in that order; a worker takes them by itself."""
        taken = super().take(index)
        if not self.folder:
            return taken
        index = np.asarray(index, dtype=np.int64)
        return MappedGraphs.of(taken, self.folder, index if self.rows is None else self.rows[index])

    def __reduce__(self) -> tuple[Any, ...]:
        if not self.folder:
            return Graphs, tuple(getattr(self, name) for name in _PARTS)
        return _open_graphs, (self.folder, self.rows)


@dataclass(frozen=True)
class MappedTable(Table):
    """A table whose numbers are in ``folder``; see `MappedGraphs`."""

    folder: str = field(default="", init=False)
    rows: Ints | None = field(default=None, init=False)

    @classmethod
    def of(cls, table: Table, folder: str, rows: Ints | None = None) -> MappedTable:
        """``table``, which is that of ``rows`` in ``folder``."""
        mapped = cls(table.values, table.names, table.units)
        _remember(mapped, folder, rows)
        return mapped

    def take(self, index: Ints) -> Table:
        """The materials at positions ``index`` (shape (k,)), in that order; a worker takes them by itself."""
        index = np.asarray(index, dtype=np.int64)
        taken = Table(self.values[index], self.names, self.units)
        if not self.folder:
            return taken
        return MappedTable.of(taken, self.folder, index if self.rows is None else self.rows[index])

    def __reduce__(self) -> tuple[Any, ...]:
        if not self.folder:
            return Table, (self.values, self.names, self.units)
        return _open_table, (self.folder, self.rows, self.names, self.units)


def _remember(mapped: MappedGraphs | MappedTable, folder: str, rows: Ints | None) -> None:
    object.__setattr__(mapped, "folder", folder)
    object.__setattr__(mapped, "rows", rows)


@contextlib.contextmanager
def shared(plan: Plan, folder: Path, claims: Claims) -> Iterator[Plan]:
    """The plan with its representations in files, as long as they are needed.

    Without room for them the plan stays as it is, and workers get copies.

    Parameters
    ----------
    plan : Plan
    folder : path
        ``shared`` of the study folder.
    claims : Claims
        Of this run; they tell other runs that the files are in use.
    """
    own = folder / f"shared-{claims.me.token}"
    try:
        try:
            claims.take(own.name)
            mapped = _mapped(plan, own)
        except OSError:
            # What fills the disk must not be this.
            shutil.rmtree(own, ignore_errors=True)
            mapped = plan
        yield mapped
    finally:
        with undisturbed(), contextlib.suppress(OSError):
            shutil.rmtree(own, ignore_errors=True)
            claims.release(own.name)
            folder.rmdir()


def _mapped(plan: Plan, folder: Path) -> Plan:
    graphs = {name: _map_graphs(each, folder / f"graphs {name}") for name, each in plan.graphs.items()}
    inside: dict[tuple[str, tuple[str, ...]], Graphs] = {
        key: _map_graphs(each, folder / f"graphs with atoms {number}")
        for number, (key, each) in enumerate(plan.every_atom_graphs().items())
    }
    tables: dict[str, Table] = {}
    for name, table in plan.tables.items():
        place = folder / f"table {name}"
        place.mkdir(parents=True)
        np.save(place / "values.npy", table.values)
        held = Table(_array(place / "values.npy"), table.names, table.units)
        tables[name] = MappedTable.of(held, str(place.resolve()))
    return replace(plan, graphs=graphs, tables=tables, _in_atoms=inside)


def _map_graphs(graphs: Graphs, place: Path) -> MappedGraphs:
    place.mkdir(parents=True)
    for part in _PARTS:
        np.save(place / f"{part}.npy", getattr(graphs, part))
    return MappedGraphs.of(_graphs(place), str(place.resolve()))


def sweep(folder: Path, claims: Claims) -> None:
    """Remove what killed runs left."""
    with contextlib.suppress(OSError):
        for left in folder.glob("shared-*"):
            if claims.take(left.name):
                shutil.rmtree(left, ignore_errors=True)
                claims.release(left.name)


def _array(path: Path) -> NDArray[Any]:
    # A plain view: numpy's own class for mapped arrays costs time at every indexing.
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def _graphs(folder: Path) -> Graphs:
    return Graphs(**{part: _array(folder / f"{part}.npy") for part in _PARTS})


def _open_graphs(folder: str, rows: Ints | None) -> Graphs:
    graphs = _graphs(Path(folder))
    return graphs if rows is None else graphs.take(rows)


def _open_table(folder: str, rows: Ints | None, names: tuple[str, ...], units: tuple[str, ...]) -> Table:
    table = Table(_array(Path(folder) / "values.npy"), names, units)
    return table if rows is None else table.take(rows)
