"""A CSV or Parquet file to Materials: which column is what, row by row, and what cannot be used."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mattomo.errors import InputError
from mattomo.materials.crystal import Crystal, StructureError, counts_text, crystal
from mattomo.materials.formula import Composition, composition, read_formula
from mattomo.materials.quarantine import Quarantine, QuarantinedRow, RowProblem, Stage, shown
from mattomo.materials.readers.cells import Skipped, is_missing, property_column
from mattomo.materials.readers.delimited import read_delimited
from mattomo.materials.readers.parquet import read_parquet
from mattomo.materials.readers.raw import RawTable
from mattomo.materials.readers.structure import read_structure
from mattomo.materials.registry import Kind, nearest
from mattomo.materials.table import Column, Compositions, Materials, Structures

ID_NAMES = ("material_id", "id", "mp_id", "jid", "name")
FORMULA_NAMES = ("formula", "pretty_formula", "composition", "reduced_formula", "formula_pretty")
STRUCTURE_NAMES = ("structure", "cif", "poscar")
STRUCTURE_PARTS = ("lattice", "species", "frac_coords")
_ISOTOPE = re.compile(r"[DT](?![a-z])")


@dataclass(frozen=True)
class _Roles:
    """Which columns say who a material is; ``structure`` has one name or three."""

    id: str | None
    formula: str | None
    structure: tuple[str, ...]


def read_table(
    path: str | os.PathLike[str],
    *,
    formula: str | None = None,
    id: str | None = None,
    structure: str | None = None,
    categories: Sequence[str] = (),
    scalars: Sequence[str] = (),
) -> tuple[Materials, Quarantine]:
    """Read a table of materials from CSV, TSV or Parquet.

    Every row read is either used or left out: a row whose formula cannot be read, or whose identifier was
    met before, is left out wholly. A row whose structure cannot be used stays without it (its composition
    is still used), and an unusable property cell is a missing value; both are listed in the quarantine.

    Parameters
    ----------
    path : path
    formula, id, structure : str, optional
        Columns to take for these; by default they are found by their usual names. Without a formula the
        structure gives the composition, without identifiers rows are called ``row-1``, ``row-2``, …
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
    return materials_from(
        raw_table(Path(path)),
        formula=formula,
        id=id,
        structure=structure,
        categories=categories,
        scalars=scalars,
    )


def materials_from(
    raw: RawTable,
    *,
    formula: str | None = None,
    id: str | None = None,
    structure: str | None = None,
    categories: Sequence[str] = (),
    scalars: Sequence[str] = (),
) -> tuple[Materials, Quarantine]:
    """Materials from a table of any origin; see :func:`read_table` for what is used and what is left out.

    A cell of the structure column may also be a `Crystal` already made, or the `StructureError` that says
    why there is none.

    Raises
    ------
    InputError
        As :func:`read_table`.
    """
    roles = _roles(raw, formula, id, structure)
    kinds = _kinds(raw, categories, scalars)
    entries = _Entries(raw, roles, _ids(raw, roles.id))
    crystals, compositions = _read_rows(raw, roles, entries)
    used = entries.usable(compositions)
    for row, reason in raw.broken:
        entries.add_broken(row, reason)
    if not len(used):
        raise _no_usable_row(raw, entries)
    notices = _notes(crystals[i] for i in used.tolist()) + _isotope_note(raw, roles.formula, used)
    columns: dict[str, Column] = {}
    taken = {roles.id, roles.formula, *roles.structure}
    for name, column in raw.columns.items():
        if name in taken:
            continue

        def report(position: int, value: object, problem: RowProblem, name: str = name) -> None:
            entries.add(int(used[position]), "property", name, value, problem)

        try:
            columns[name] = property_column(name, column.take(used), kinds.get(name), report)
        except Skipped as why:
            notices.append(f"column {name!r} is not used as a property: {why}")
    materials = Materials(
        ids=np.array([entries.ids[i] for i in used], dtype=np.str_),
        rows=raw.rows[used],
        source=Path(raw.file).name,
        compositions=_compositions([compositions[i] for i in used.tolist()]),
        structures=_structures([crystals[i] for i in used.tolist()]),
        columns=columns,
        notices=tuple(notices),
    )
    return materials, Quarantine(tuple(sorted(entries.rows, key=lambda entry: entry.row)))


class _Entries:
    """The quarantine while it grows."""

    def __init__(self, raw: RawTable, roles: _Roles, ids: list[str]) -> None:
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

    def add_broken(self, row: int, reason: str) -> None:
        hint = "Quote cells that hold the delimiter."
        self.rows.append(QuarantinedRow("", self.raw.file, row, "formula", "", "", reason, hint))

    def usable(self, compositions: list[Composition | None]) -> NDArray[np.int64]:
        """Positions of rows with a composition and an identifier not met before."""
        first: dict[str, int] = {}
        for i, found in enumerate(compositions):
            if found is None:
                continue
            before = first.setdefault(self.ids[i], i)
            if before != i:
                reason = f"the identifier is that of row {self.raw.rows[before]} too"
                problem = RowProblem(reason, "Give each material its own identifier.")
                self.add(i, "id", self.id_column, self.ids[i], problem)
        return np.array(sorted(first.values()), dtype=np.int64)


def raw_table(path: Path) -> RawTable:
    """The cells of a CSV, TSV or Parquet file, which is told from its content.

    Raises
    ------
    InputError
        As :func:`read_table`.
    """
    try:
        with open(path, "rb") as file:
            magic = file.read(4)
    except OSError as error:
        hint = "Check the path." if isinstance(error, FileNotFoundError) else None
        raise InputError(f"the file cannot be read ({error.strerror})", file=str(path), hint=hint) from None
    if not magic:
        raise InputError("the file is empty", file=str(path), hint="Give a table with a header line.")
    raw = read_parquet(path) if magic == b"PAR1" else read_delimited(path)
    if not len(raw.rows) and not raw.broken:
        raise InputError("the table has no rows", file=str(path))
    return raw


def _roles(raw: RawTable, formula: str | None, id: str | None, structure: str | None) -> _Roles:
    for name in (formula, id, structure):
        if name is not None and name not in raw.columns:
            raise InputError(
                "no such column", file=raw.file, column=name, hint=nearest(name, list(raw.columns))
            )
    lower = {name.lower(): name for name in reversed(raw.columns)}
    found_id = id or _first(raw, lower, ID_NAMES)
    if id is None and found_id is not None and found_id.lower() == "name":
        # names of minerals repeat; as identifiers they would leave rows out
        cells = raw.columns[found_id].cells()
        found_id = found_id if len(set(cells)) == len(cells) else None
    parts = [lower[part] for part in STRUCTURE_PARTS if part in lower]
    one = structure or _first(raw, lower, STRUCTURE_NAMES, nested=True)
    three = tuple(parts) if len(parts) == len(STRUCTURE_PARTS) else ()
    roles = _Roles(found_id, formula or _first(raw, lower, FORMULA_NAMES), (one,) if one else three)
    if roles.formula is None and not roles.structure:
        raise InputError(
            f"neither a formula nor a structure column among: {', '.join(list(raw.columns)[:30])}",
            file=raw.file,
            hint=f"Name one of them {FORMULA_NAMES[0]!r} or {STRUCTURE_NAMES[0]!r}, or say which it is.",
        )
    return roles


def _first(raw: RawTable, lower: dict[str, str], names: Iterable[str], nested: bool = False) -> str | None:
    for name in names:
        if name in lower and (nested or raw.columns[lower[name]].kind != "nested"):
            return lower[name]
    return None


def _kinds(raw: RawTable, categories: Sequence[str], scalars: Sequence[str]) -> dict[str, Kind]:
    for name in (*categories, *scalars):
        if name not in raw.columns:
            hint = nearest(name, list(raw.columns))
            raise InputError("no such column", file=raw.file, column=name, hint=hint)
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
        own if cell is None else str(cell).replace("\0", "").strip() or own
        for cell, own in zip(raw.columns[name].cells(), numbered, strict=True)
    ]


def _read_rows(
    raw: RawTable, roles: _Roles, entries: _Entries
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
                own = read_formula(str(text))
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
    word = "" if text is None else str(text).strip()
    return word == "Na" or not is_missing(word)


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
    reasons = "; ".join(f"row {entry.row}: {entry.reason}" for entry in entries.rows[:3])
    total = len(raw.rows) + len(raw.broken)
    hint = next((entry.hint for entry in entries.rows if entry.hint), None)
    return InputError(f"none of the {total:,} rows can be used ({reasons})", file=raw.file, hint=hint)


def _notes(crystals: Iterable[Crystal | None]) -> list[str]:
    notes = (each.note.split("; ") for each in crystals if each is not None and each.note)
    counts = Counter(note for several in notes for note in several)
    return [f"{note} (structures: {count:,})" for note, count in counts.items()]


def _isotope_note(raw: RawTable, formula: str | None, used: NDArray[np.int64]) -> list[str]:
    texts = raw.columns[formula].take(used).cells() if formula else []
    count = sum(1 for text in texts if text is not None and _ISOTOPE.search(str(text)))
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
