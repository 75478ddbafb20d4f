"""The table of materials: frozen, columnar, with structures as flat arrays and an offset pointer."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mattomo.errors import InputError
from mattomo.materials.registry import PropertyInfo, nearest


@dataclass(frozen=True)
class Compositions:
    """Reduced formulas of n materials.

    Attributes
    ----------
    formulas : ndarray of str, shape (n,)
        Reduced formula in alphabetical order of the elements, the identity of a composition.
    offsets : ndarray of int64, shape (n + 1,)
        Elements of material i are ``Z[offsets[i]:offsets[i + 1]]``.
    Z : ndarray of int64, shape (m,)
        Atomic numbers, distinct and ascending within a material.
    amounts : ndarray of float64, shape (m,)
        Number of atoms of each element in the reduced formula unit.
    """

    formulas: NDArray[np.str_]
    offsets: NDArray[np.int64]
    Z: NDArray[np.int64]
    amounts: NDArray[np.float64]


@dataclass(frozen=True)
class Structures:
    """Crystal structures of n materials; a material without one has zero sites.

    Attributes
    ----------
    lattice : ndarray of float64, shape (n, 3, 3)
        Lattice vectors as rows, in Å; NaN where absent.
    offsets : ndarray of int64, shape (n + 1,)
        Sites of material i are ``Z[offsets[i]:offsets[i + 1]]``.
    Z : ndarray of int64, shape (N,)
        Atomic number of each site.
    frac_coords : ndarray of float64, shape (N, 3)
        Fractional coordinates of each site.
    """

    lattice: NDArray[np.float64]
    offsets: NDArray[np.int64]
    Z: NDArray[np.int64]
    frac_coords: NDArray[np.float64]

    @property
    def present(self) -> NDArray[np.bool_]:
        """Whether each material has a structure, shape (n,)."""
        return self.sites > 0

    @property
    def sites(self) -> NDArray[np.int64]:
        """Number of sites of each material, shape (n,)."""
        return np.diff(self.offsets)


@dataclass(frozen=True)
class Column:
    """One property of n materials.

    Attributes
    ----------
    info : PropertyInfo
    values : ndarray, shape (n,)
        float64 for scalars (NaN when missing), str for categories ("" when missing).
    missing : ndarray of bool, shape (n,)
    """

    info: PropertyInfo
    values: NDArray[np.float64] | NDArray[np.str_]
    missing: NDArray[np.bool_]

    def take(self, index: NDArray[np.int64]) -> Column:
        """The values at positions ``index`` (shape (k,)), in that order."""
        return Column(self.info, self.values[index], self.missing[index])


@dataclass(frozen=True)
class AtomColumn:
    """One property of the atoms of n materials: a number for every site, or for every element.

    Attributes
    ----------
    info : PropertyInfo
        Its ``atoms`` is ``"element"`` or ``"site"``.
    values : ndarray of float64, shape (104,) or (N,)
        By atomic number, or by site in the order of `Structures.Z`; NaN where unknown.
    """

    info: PropertyInfo
    values: NDArray[np.float64]


@dataclass(frozen=True)
class Materials:
    """A table of n materials, each known only through its projections.

    Attributes
    ----------
    ids : ndarray of str, shape (n,)
        Unique identifiers.
    rows : ndarray of int64, shape (n,)
        1-based data row of each material in ``source``.
    source : str
        Where the table came from, for messages.
    compositions : Compositions
    structures : Structures
    columns : mapping of str to Column
    notices : tuple of str
        What was decided while reading, for people; no part of the fingerprint.
    atoms : mapping of str to AtomColumn
        Properties of the atoms.
    """

    ids: NDArray[np.str_]
    rows: NDArray[np.int64]
    source: str
    compositions: Compositions
    structures: Structures
    columns: Mapping[str, Column]
    notices: tuple[str, ...] = ()
    atoms: Mapping[str, AtomColumn] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        with_structure = int(self.structures.present.sum())
        return (
            f"Materials({self.source}: {len(self):,} materials, {with_structure:,} with structure, "
            f"{len(self.columns)} properties)"
        )

    def _repr_html_(self) -> str:
        """The first materials as a table, for notebooks."""
        names = list(self.columns)[:6]
        head = "".join(f"<th>{html.escape(name)}</th>" for name in ("id", "formula", "sites", *names))
        sites = self.structures.sites
        body = ""
        for i in range(min(len(self), 5)):
            cells = [str(self.ids[i]), str(self.compositions.formulas[i]), str(sites[i] or "")]
            for name in names:
                column = self.columns[name]
                value = column.values[i]
                text = f"{value:.5g}" if column.info.kind == "scalar" else str(value)
                cells.append("" if column.missing[i] else text)
            body += "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>"
        caption = html.escape(repr(self))
        return f"<table><caption>{caption}</caption><tr>{head}</tr>{body}</table>"

    def column(self, name: str) -> Column:
        """The property ``name``.

        Raises
        ------
        InputError
            If there is no such column; the message lists the nearest names.
        """
        if name not in self.columns:
            raise InputError(
                "no such property", file=self.source, column=name, hint=nearest(name, list(self.columns))
            )
        return self.columns[name]

    def take(self, index: NDArray[np.int64]) -> Materials:
        """The materials at positions ``index`` (shape (k,)), in that order."""
        index = np.asarray(index, dtype=np.int64)
        c, s = self.compositions, self.structures
        c_offsets, c_take = _take_ragged(c.offsets, index)
        s_offsets, s_take = _take_ragged(s.offsets, index)
        return Materials(
            ids=self.ids[index],
            rows=self.rows[index],
            source=self.source,
            compositions=Compositions(c.formulas[index], c_offsets, c.Z[c_take], c.amounts[c_take]),
            structures=Structures(s.lattice[index], s_offsets, s.Z[s_take], s.frac_coords[s_take]),
            columns={name: column.take(index) for name, column in self.columns.items()},
            notices=self.notices,
            atoms={
                name: AtomColumn(column.info, column.values[s_take])
                if column.info.atoms == "site"
                else column
                for name, column in self.atoms.items()
            },
        )

    def fingerprint(self) -> str:
        """SHA-256 over ids, compositions, structures, columns and atoms: a study's identity rests on it."""
        digest = hashlib.sha256()

        def add(name: str, array: NDArray[np.generic]) -> None:
            digest.update(f"{name}:{array.shape};".encode())
            if array.dtype.kind in "US":
                digest.update("\x1f".join(array.ravel().tolist()).encode())
            else:
                digest.update(np.ascontiguousarray(array).tobytes())

        add("ids", self.ids)
        for part in (self.compositions, self.structures):
            for name, array in vars(part).items():
                add(name, array)
        for name in sorted(self.columns):
            add(name, self.columns[name].values)
        for name in sorted(self.atoms):
            add(f"{self.atoms[name].info.atoms} {name}", self.atoms[name].values)
        return digest.hexdigest()


def ranges(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Concatenation of ``arange(start, start + length)`` over all pairs."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    shifts: NDArray[np.int64] = np.repeat(starts - (ends - lengths), lengths)
    return np.arange(total, dtype=np.int64) + shifts


def _take_ragged(
    offsets: NDArray[np.int64], index: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    lengths = offsets[index + 1] - offsets[index]
    return np.concatenate([[0], np.cumsum(lengths)]), ranges(offsets[index], lengths)
