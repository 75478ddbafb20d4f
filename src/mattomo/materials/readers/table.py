"""A table as read from a file to Materials: row by row, and what cannot be used."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mattomo.errors import InputError
from mattomo.materials.crystal import Crystal, StructureError, atomic_number, counts_text, crystal
from mattomo.materials.formula import Composition, composition, read_formula
from mattomo.materials.quarantine import Quarantine, QuarantinedRow, RowProblem, Stage, shown
from mattomo.materials.readers.atoms import site_column
from mattomo.materials.readers.cells import Skipped, is_missing, property_column
from mattomo.materials.readers.detect import raw_table
from mattomo.materials.readers.json_text import NotJson, opened
from mattomo.materials.readers.raw import BrokenRow, RawTable
from mattomo.materials.readers.roles import STRUCTURE_PARTS, Roles, find_roles
from mattomo.materials.readers.structure import read_structure
from mattomo.materials.registry import Kind
from mattomo.materials.table import AtomColumn, Column, Compositions, Materials, Structures

_LONGEST_ID = 500
_ISOTOPE = re.compile(r"[DT](?![a-z])")


def read_table(
    path: str | os.PathLike[str],
    *,
    formula: str | None = None,
    id: str | None = None,
    structure: str | None = None,
    categories: Sequence[str] = (),
    scalars: Sequence[str] = (),
) -> tuple[Materials, Quarantine]:
    """Read a table of materials from a file or folder of any known format (see ``docs/data.md``).

    The format is told from the content: CSV and TSV, Parquet, Feather, Excel; JSON as records, one a line,
    as pandas and matminer write tables, or as JARVIS, OPTIMADE and Materials Project give them; CIF and
    POSCAR files, folders of them with or without a table, the folders of CGCNN, extended XYZ, and databases
    of ASE. Text formats may be compressed by gzip.

    Every row read is either used or left out: a row whose formula cannot be read, or whose identifier was
    met before, is left out wholly. A row whose structure cannot be used stays without it (its composition
    is still used), and an unusable property cell is a missing value; both are listed in the quarantine.

    Parameters
    ----------
    path : path
    formula, id, structure : str, optional
        Columns to take for these (``structure`` of a folder: the one with the names of the files); by
        default they are found by their usual names. Without a formula the structure gives the
        composition, without identifiers rows are called ``row-1``, ``row-2``, …
    categories, scalars : sequence of str, optional
        Columns whose kind the registry or the values would not tell rightly.

    Returns
    -------
    materials : Materials
    quarantine : Quarantine

    Raises
    ------
    InputError
        The file is missing, empty or no table; it has neither formulas nor structures; column names are
        used twice or not found; or no row can be used.
    """
    raw = raw_table(path)
    return materials_of(
        raw, formula=formula, id=id, structure=structure, categories=categories, scalars=scalars
    )


def materials_of(
    raw: RawTable,
    *,
    formula: str | None = None,
    id: str | None = None,
    structure: str | None = None,
    categories: Sequence[str] = (),
    scalars: Sequence[str] = (),
) -> tuple[Materials, Quarantine]:
    """The materials of a table that is in memory; arguments, result and errors as of :func:`read_table`.

    A cell of the structure column may also be a `Crystal` already made, or the `StructureError` that says
    why there is none.
    """
    if raw.join is not None:
        raw, structure = raw.join(id, structure), None
    if not len(raw.rows) and not raw.broken:
        raise InputError("the table has no rows", file=raw.file)
    if not len(raw.rows):
        raise _no_usable_row(raw, _Entries(raw, Roles(None, None, ()), []))
    roles = find_roles(raw, formula, id or raw.id, structure or raw.structure)
    kinds = _kinds(raw, categories, scalars)
    entries = _Entries(raw, roles, _ids(raw, roles.id))
    crystals, compositions = _read_rows(raw, roles, entries)
    used = entries.usable(compositions)
    if not len(used):
        raise _no_usable_row(raw, entries)
    for row in raw.broken:
        entries.add_broken(row)
    notices = [*raw.notices, *_notes(crystals[i] for i in used.tolist())]
    notices += _isotope_note(raw, roles.formula, used)
    structures = _structures([crystals[i] for i in used.tolist()])
    columns: dict[str, Column] = {}
    atoms: dict[str, AtomColumn] = {}
    taken = {roles.id, roles.formula, *roles.structure}
    for name, column in raw.columns.items():
        if name in taken:
            continue

        def report(position: int, value: object, problem: RowProblem, name: str = name) -> None:
            entries.add(int(used[position]), "property", name, value, problem)

        cells = column.take(used)
        if name not in kinds and (found := site_column(name, cells, structures.sites, report)) is not None:
            atoms[name] = found
            notices.append(f"column {name!r} has a number for every site: a property of the atoms")
            continue
        try:
            columns[name] = property_column(name, cells, kinds.get(name), report)
        except Skipped as why:
            notices.append(f"column {name!r} is not used as a property: {why}")
    materials = Materials(
        ids=np.array([entries.ids[i] for i in used], dtype=np.str_),
        rows=raw.rows[used],
        source=Path(raw.file).name,
        compositions=_compositions([compositions[i] for i in used.tolist()]),
        structures=structures,
        columns=columns,
        notices=tuple(notices),
        atoms=atoms,
    )
    return materials, Quarantine(tuple(sorted(entries.rows, key=lambda entry: entry.row)))


class _Entries:
    """The quarantine while it grows."""

    def __init__(self, raw: RawTable, roles: Roles, ids: list[str]) -> None:
        self.raw, self.ids, self.rows = raw, ids, list[QuarantinedRow]()
        self.id_column, self.structure = roles.id or "", "+".join(roles.structure)

    def add(self, i: int, stage: Stage, column: str, value: object, problem: RowProblem) -> None:
        row, file = int(self.raw.rows[i]), self.raw.file
        if self.raw.files is not None and column == self.structure:
            file = self.raw.files[i]
        if isinstance(value, Crystal | StructureError):
            value = ""
        self.rows.append(
            QuarantinedRow(self.ids[i], file, row, stage, column, shown(value), problem.reason, problem.hint)
        )

    def add_broken(self, broken: BrokenRow) -> None:
        row, reason, hint, value, file, id = broken
        stage: Stage = "id" if id else "formula"
        self.rows.append(QuarantinedRow(id, file or self.raw.file, row, stage, "", value, reason, hint))

    def usable(self, compositions: list[Composition | None]) -> NDArray[np.int64]:
        """Positions of rows with a composition and an identifier not met before."""
        first: dict[str, int] = {}
        for i, found in enumerate(compositions):
            if found is None:
                continue
            if len(self.ids[i]) > _LONGEST_ID:
                reason = f"the identifier has {len(self.ids[i]):,} characters"
                self.ids[i] = shown(self.ids[i])
                self.add(i, "id", self.id_column, self.ids[i], RowProblem(reason, "Name a shorter one."))
                continue
            before = first.setdefault(self.ids[i], i)
            if before != i:
                reason = f"the identifier is that of row {self.raw.rows[before]} too"
                problem = RowProblem(reason, "Give each material its own identifier.")
                self.add(i, "id", self.id_column, self.ids[i], problem)
        return np.array(sorted(first.values()), dtype=np.int64)


def _kinds(raw: RawTable, categories: Sequence[str], scalars: Sequence[str]) -> dict[str, Kind]:
    for name in (*categories, *scalars):
        raw.require(name)
    both = sorted(set(categories) & set(scalars))
    if both:
        raise InputError("named as a category and as a scalar", file=raw.file, column=both[0])
    return {**dict.fromkeys(categories, "category"), **dict.fromkeys(scalars, "scalar")}


def _ids(raw: RawTable, name: str | None) -> list[str]:
    numbered = [f"row-{row}" for row in raw.rows]
    if name is None:
        return numbered
    # an id may well be called "Na" or "-1": only an empty cell has none; NumPy drops NULs at the end
    return [
        own if cell is None else _id_text(cell).replace("\0", "").strip() or own
        for cell, own in zip(raw.columns[name].cells(), numbered, strict=True)
    ]


def _id_text(cell: Any) -> str:
    """Whole numbers beside a missing one are stored with decimals."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return shown(cell) if isinstance(cell, list | dict) else str(cell)


def _read_rows(
    raw: RawTable, roles: Roles, entries: _Entries
) -> tuple[list[Crystal | None], list[Composition | None]]:
    n = len(raw.rows)
    formulas = raw.columns[roles.formula].cells() if roles.formula else [None] * n
    crystals: list[Crystal | None] = []
    compositions: list[Composition | None] = []
    label = "+".join(roles.structure)
    for i, cell in enumerate(_structure_cells(raw, roles.structure, n)):
        found, problem = _read_crystal(cell)
        text = formulas[i]
        own: Composition | None = None
        if _has_formula(text):
            try:
                own = _formula(text)
            except RowProblem as error:
                entries.add(i, "formula", str(roles.formula), text, error)
                found = problem = None
        else:
            amounts = found.amounts if found else problem.amounts if problem else None
            own = composition(amounts) if amounts else None
            if own is None:
                entries.add(i, "formula", roles.formula or label, text or cell, _no_composition(problem))
                problem = None
        if found and own and (held := composition(found.amounts)) != own:
            sites = counts_text(found.amounts)
            reason = f"the structure is {held.formula} ({sites}), the formula {text!r} is {own.formula}"
            problem = StructureError(reason, "Correct either; only the formula is used.")
            found = None
        if problem:
            entries.add(i, "structure", label, cell, problem)
        crystals.append(found)
        compositions.append(own)
    return crystals, compositions


def _has_formula(text: Any) -> bool:
    """Not the rule for other cells: Na is sodium; only NaN stays a missing value."""
    if isinstance(text, list | dict):
        return True
    word = "" if text is None else str(text).strip()
    return word == "Na" or not is_missing(word)


def _formula(cell: Any) -> Composition:
    """The composition of a text, or of a mapping of elements to amounts as matminer has them."""
    try:
        cell = opened(cell)
    except NotJson as error:
        raise RowProblem(str(error)) from None
    if isinstance(cell, str):
        return read_formula(cell)
    if not isinstance(cell, dict):
        raise RowProblem("the formula is no text", "Write a formula such as Fe2O3.")
    amounts: dict[int, float] = {}
    for name, amount in cell.items():
        if name.startswith("@") or amount is None:  # how pymatgen marks its classes; Arrow's absent members
            continue
        if type(amount) not in (int, float) or not 0 < amount <= 1e6:
            raise RowProblem(f"{shown(amount)} is no amount of {name[:40]}", "Amounts are numbers above 0.")
        Z = atomic_number(name)
        amounts[Z] = amounts.get(Z, 0.0) + amount
    if not amounts:
        raise RowProblem("the formula names no element", "Write a formula such as Fe2O3.")
    return composition(amounts)


def _no_composition(problem: StructureError | None) -> RowProblem:
    if problem is None:
        return RowProblem("there is no formula and no structure", "Fill in a formula such as Fe2O3.")
    return RowProblem(f"no formula, and the structure cannot be used: {problem.reason}", problem.hint)


def _structure_cells(raw: RawTable, names: tuple[str, ...], n: int) -> Iterable[Any]:
    """Per row the text or mapping of a structure, a tuple of its parts, or None."""
    if not names:
        return [None] * n
    if len(names) == 1:
        return raw.columns[names[0]].cells()
    return zip(*(raw.columns[name].cells() for name in names), strict=True)


def _read_crystal(cell: Any) -> tuple[Crystal | None, StructureError | None]:
    if isinstance(cell, Crystal):
        return cell, None
    if isinstance(cell, StructureError):
        return None, cell
    parts = cell if isinstance(cell, tuple) else (cell,)
    if all(map(is_missing, parts)):
        return None, None
    try:
        if isinstance(cell, tuple):
            return crystal(*_decoded(parts)), None
        return read_structure(cell), None
    except StructureError as error:
        return None, error


def _decoded(parts: tuple[Any, ...]) -> list[Any]:
    values = []
    for name, part in zip(STRUCTURE_PARTS, parts, strict=True):
        try:
            value = json.loads(part) if isinstance(part, str) else part
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, list):
            raise StructureError(f"{name} is no list", "Lists in text are JSON, such as [1.0, 2.0].")
        values.append(value)
    return values


def _no_usable_row(raw: RawTable, entries: _Entries) -> InputError:
    for row in raw.broken:
        entries.add_broken(row)
    first = sorted(entries.rows, key=lambda entry: entry.row)[:3]
    reasons = "; ".join(f"row {entry.row}: {entry.reason}" for entry in first)
    total = len(raw.rows) + len(raw.broken)
    hint = next((entry.hint for entry in entries.rows if entry.hint), None)
    return InputError(f"none of the {total:,} rows can be used ({reasons})", file=raw.file, hint=hint)


def _notes(crystals: Iterable[Crystal | None]) -> list[str]:
    notes = (each.note.split("; ") for each in crystals if each is not None and each.note)
    counts = Counter(note for several in notes for note in several)
    return [f"{note} (structures: {count:,})" for note, count in counts.items()]


def _isotope_note(raw: RawTable, formula: str | None, used: NDArray[np.int64]) -> list[str]:
    texts = raw.columns[formula].take(used).cells() if formula else []
    count = sum(1 for text in texts if isinstance(text, str) and _ISOTOPE.search(text))
    return [f"deuterium and tritium are read as H (formulas: {count:,})"] if count else []


def _offsets(lengths: list[int]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _compositions(found: list[Composition | None]) -> Compositions:
    kept = [each for each in found if each is not None]
    return Compositions(
        formulas=np.array([each.formula for each in kept], dtype=np.str_),
        offsets=_offsets([len(each.Z) for each in kept]),
        Z=np.array([Z for each in kept for Z in each.Z], dtype=np.int64),
        amounts=np.array([amount for each in kept for amount in each.amounts], dtype=np.float64),
    )


def _structures(found: list[Crystal | None]) -> Structures:
    present = [each for each in found if each is not None]
    lattice = np.full((len(found), 3, 3), np.nan)
    for i, each in enumerate(found):
        if each is not None:
            lattice[i] = each.lattice
    return Structures(
        lattice=lattice,
        offsets=_offsets([0 if each is None else len(each.Z) for each in found]),
        Z=np.concatenate([np.empty(0, np.int64), *(each.Z for each in present)]),
        frac_coords=np.concatenate([np.empty((0, 3)), *(each.frac_coords for each in present)]),
    )
