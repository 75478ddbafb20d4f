"""A folder of structure files with or without a table, and single structure files."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from mattomo.errors import InputError
from mattomo.materials.crystal import Crystal, StructureError
from mattomo.materials.readers.cif import cif_structures
from mattomo.materials.readers.files import MAX_BYTES, FileProblem, decoded, list_files, plain_name, read_text
from mattomo.materials.readers.raw import BrokenRow, RawColumn, RawTable, free_name
from mattomo.materials.readers.roles import ID_NAMES
from mattomo.materials.readers.source import Source
from mattomo.materials.readers.structure import is_cif, read_structure
from mattomo.materials.registry import nearest

STRUCTURE_SUFFIXES = (".cif", ".vasp", ".poscar", ".contcar", ".json")
TABLE_SUFFIXES = (".csv", ".tsv", ".parquet", ".feather", ".xlsx", ".jsonl")
_VASP = re.compile(r"(POSCAR|CONTCAR)(?:[._-](.+))?")
_BLOCK = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:[ \t]*(?:#[^\r\n]*)?\r?\n)*data_[^\s,;]*[ \t]*\r?\n", re.IGNORECASE
)
_CIF_TAG = re.compile(
    rb"^\s*(?:_cell_|_atom_site_|_symmetry_|_space_group_|loop_)", re.MULTILINE | re.IGNORECASE
)
_HINTS = 20
_COLUMN = "structure file"


@dataclass(frozen=True)
class Found:
    """A structure, or why there is none.

    Attributes
    ----------
    id : str
        From the file's name (and the block's, if there are several in a file).
    names : tuple of str
        Other texts that a table may call it by, the most telling first.
    file : str
        Path from the folder.
    structure : Crystal or StructureError
    """

    id: str
    names: tuple[str, ...]
    file: str
    structure: Crystal | StructureError


def read_folder(source: Source, read_table: Callable[[Path], RawTable]) -> RawTable:
    """A folder of structure files: CIF, POSCAR, or JSON of a structure; subfolders included.

    With a table beside them its rows are the materials: the column whose cells match file names best tells
    which file belongs to which row. A row without a file keeps its formula, if it has one; a file without a
    row is left out. Without a table each structure is a material, called by the name of its file, or of its
    folder for files called POSCAR or CONTCAR.

    Parameters
    ----------
    source : Source
    read_table : callable
        Reads the table, of whatever format it is.

    Raises
    ------
    InputError
        No folder, no structure file, several tables, or (from ``join``) a table that matches no file.
    """
    folder = source.path
    files, refused = list_files(folder)
    tables = [name for name in files if name.lower().endswith(TABLE_SUFFIXES)]
    top = [name for name in tables if "/" not in name] or tables
    if len(top) > 1:
        raise InputError(
            f"several tables: {', '.join(map(plain_name, top[:10]))}",
            file=str(folder),
            hint="Leave one table in the folder.",
        )
    found, notices = structures_of(folder, files, refused)
    notices += [f"the table {plain_name(name)} is not read" for name in tables if name not in top]
    if top:
        return joined(folder, read_table(folder / top[0]), found, notices)
    files = [_full(folder, each.file) for each in found]
    return replace(_table(str(folder), found), notices=notices, files=files)


def looks_like_folder(path: Path, head: bytes = b"") -> bool:
    """Whether this is a folder."""
    return path.is_dir()


def read_structure_file(source: Source) -> RawTable:
    """One structure file, a material called by the file's name.

    If a CIF has several blocks with atoms, each is a material, called by the block's name.

    Raises
    ------
    InputError
        The file cannot be read, or is too large.
    """
    content = source.content()
    if len(content) > MAX_BYTES:
        raise InputError(f"the structure file is larger than {MAX_BYTES / 1e6:,.0f} MB", file=source.file)
    path = source.path
    stem = plain_name(_stem(path.absolute().as_posix()) or path.stem)
    found = _structures(stem, path.name, decoded(content))
    if len(found) > 1:
        found = [replace(each, id=each.names[0]) for each in found]
    return _table(source.file, found)


def looks_like_structure_file(path: Path, head: bytes) -> bool:
    """Whether this is a CIF or a POSCAR, by its name or its first bytes."""
    name = path.name.removesuffix(".gz")
    if _stem(name) is not None and not name.lower().endswith(".json"):
        return True
    return _BLOCK.match(head) is not None and _CIF_TAG.search(head) is not None


def _table(file: str, found: Sequence[Found]) -> RawTable:
    """Structures without properties."""
    columns = {
        "material_id": RawColumn("text", [each.id for each in found]),
        "structure": RawColumn("nested", [each.structure for each in found]),
    }
    return RawTable(file, columns, np.arange(1, len(found) + 1, dtype=np.int64))


def structures_of(
    folder: Path, files: Sequence[str], refused: Sequence[tuple[str, str]]
) -> tuple[list[Found], list[str]]:
    """The structures among the files of a folder, and notices on what is not read.

    Raises
    ------
    InputError
        There is none.
    """
    found: list[Found] = []
    for name, stem in _structure_names(files).items():
        try:
            text = read_text(folder / name)
        except FileProblem as problem:
            found.append(_failed(name, stem, str(problem)))
            continue
        found += _structures(stem, name, text)
    for name, reason in refused:
        if _stem(name) is not None:
            found.append(_failed(name, str(_stem(name)), reason))
    if not found:
        raise InputError(
            "the folder has no structure file",
            file=str(folder),
            hint=f"Structure files end in {', '.join(STRUCTURE_SUFFIXES)}, or are called POSCAR….",
        )
    others = Counter(
        PurePosixPath(name).suffix.lower() or plain_name(PurePosixPath(name).name)
        for name in [*files, *(name for name, _ in refused)]
        if _stem(name) is None and not name.lower().endswith(TABLE_SUFFIXES)
    )
    kinds = ", ".join(f"{plain_name(kind)} ({count:,})" for kind, count in sorted(others.items())[:10])
    return _named_apart(found), [f"files of other kinds are not read: {kinds}"] if others else []


def joined(
    folder: Path, raw: RawTable, found: Sequence[Found], notices: Sequence[str], id: str | None = None
) -> RawTable:
    """A table whose structures lie in files, which are given their rows when the columns are known.

    Parameters
    ----------
    folder : path
    raw : RawTable
    found : sequence of Found
        The structures in the files.
    notices : sequence of str
        What is not read.
    id : str, optional
        The column with the identifiers, where the user names none.
    """

    raw = replace(raw, notices=[*raw.notices, *notices])

    def join(named: str | None, structure: str | None) -> RawTable:
        return _with_structures(folder, raw, found, named or id, structure)

    return replace(raw, join=join)


def _with_structures(
    folder: Path, raw: RawTable, found: Sequence[Found], id: str | None, structure: str | None
) -> RawTable:
    if not raw.columns:
        raise InputError("the table has no column with a name", file=raw.file, hint="Give a header line.")
    names = _by_name(found)
    key = structure or id or _matching_column(raw, names)
    raw.require(key)
    cells = [_text(cell) for cell in raw.columns[key].cells()]
    if not any(cell in names for cell in cells):
        raise InputError(
            f"no cell matches a structure file, such as {found[0].file!r}",
            file=raw.file,
            column=key,
            value=next(filter(None, cells), ""),
            hint="Identifiers are the names of the files without their ending.",
        )
    structures: list[Crystal | StructureError | None] = []
    files: list[str] = []
    used: set[int] = set()
    hints = _HINTS
    for cell in cells:
        places = names.get(cell, [])
        if len(places) == 1:
            used.add(places[0])
            structures.append(found[places[0]].structure)
            files.append(_full(folder, found[places[0]].file))
            continue
        files.append(raw.file)
        if places:
            used.update(places)
            several = ", ".join(found[place].file for place in places[:3])
            structures.append(StructureError(f"several structure files: {several}", "Leave one of them."))
        else:
            hint = nearest(cell, [each.id for each in found]) if cell and hints > 0 else ""
            hints -= 1
            structures.append(StructureError(f"no structure file for {cell!r}", hint))
    column = free_name(_COLUMN, raw.columns)
    columns = {**raw.columns, column: RawColumn("nested", structures)}
    if structure is not None and structure != id:
        del columns[structure]
    return replace(
        raw,
        columns=columns,
        broken=[*raw.broken, *_without_row(folder, raw, found, used, sorted(set(cells)))],
        files=files,
        id=id or (None if _id_columns(raw) or key not in columns else key),
        structure=column,
        join=None,
    )


def _without_row(
    folder: Path, raw: RawTable, found: Sequence[Found], used: set[int], cells: list[str]
) -> list[BrokenRow]:
    """Files that no row of the table names; they are counted as rows after the table's last."""
    last = max([0, *raw.rows.tolist(), *(broken.row for broken in raw.broken)])
    reason = f"no row of {plain_name(Path(raw.file).name)} has this identifier"
    rows: list[BrokenRow] = []
    for i, each in enumerate(found):
        if i not in used:
            hint = nearest(each.id, cells) if len(rows) < _HINTS else ""
            file = _full(folder, each.file)
            rows.append(BrokenRow(last + len(rows) + 1, reason, hint, file=file, id=each.id))
    return rows


def _structures(stem: str, name: str, text: str) -> list[Found]:
    base = plain_name(name)
    try:
        if not is_cif(text):
            return [Found(stem, (PurePosixPath(base).name, base), base, read_structure(text))]
        blocks = cif_structures(text)
    except StructureError as error:
        return [_failed(name, stem, error)]
    if len(blocks) == 1:
        return [Found(stem, (PurePosixPath(base).name, base, blocks[0][0]), base, blocks[0][1])]
    return [Found(f"{stem}/{block}", (block,), base, crystal) for block, crystal in blocks]


def _failed(name: str, stem: str, problem: str | StructureError) -> Found:
    error = problem if isinstance(problem, StructureError) else StructureError(problem)
    base = plain_name(name)
    return Found(plain_name(stem), (PurePosixPath(base).name, base), base, error)


def _stem(name: str) -> str | None:
    """What a structure file is called by, None for other files."""
    path = PurePosixPath(name.removesuffix(".gz"))
    if path.name == "atom_init.json":
        return None
    vasp = _VASP.fullmatch(path.name)
    if vasp and path.suffix.lower() not in (".cif", ".json", *TABLE_SUFFIXES):
        rest = vasp.group(2)
        if rest:
            return rest.removesuffix(".vasp")
        return path.parent.name or path.name
    return path.stem if path.suffix.lower() in STRUCTURE_SUFFIXES else None


def _structure_names(files: Sequence[str]) -> dict[str, str]:
    """Structure files and their stems; of POSCAR and CONTCAR in one folder only the relaxed one."""
    names = {name: plain_name(stem) for name in files if (stem := _stem(name)) is not None}
    for name in list(names):
        path = PurePosixPath(name)
        if path.name == "POSCAR" and str(path.with_name("CONTCAR")) in names:
            del names[name]
    return names


def _named_apart(found: Sequence[Found]) -> list[Found]:
    """Structures of one id are called by their path, and by their ending if need be."""
    for with_ending in (False, True):
        counts = Counter(each.id for each in found)
        longer = [each.file if with_ending else each.file.rsplit(".", 1)[0] for each in found]
        found = [
            each if counts[each.id] == 1 else replace(each, id=name, names=(each.id, *each.names))
            for each, name in zip(found, longer, strict=True)
        ]
    return list(found)


def _by_name(found: Sequence[Found]) -> dict[str, list[int]]:
    """Positions of the structures that a text names: by id first, else by another of their names."""
    names: dict[str, list[int]] = {}
    for i, each in enumerate(found):
        names.setdefault(each.id, []).append(i)
    others: defaultdict[str, list[int]] = defaultdict(list)
    for i, each in enumerate(found):
        for name in dict.fromkeys(each.names):
            if name and name not in names:
                others[name].append(i)
    return names | others


def _matching_column(raw: RawTable, names: Mapping[str, Sequence[int]]) -> str:
    """The column most cells of which name a structure."""
    best, most = "", 0
    for name in [*_id_columns(raw), *raw.columns]:
        if raw.columns[name].kind == "nested":
            continue
        matches = len({_text(cell) for cell in raw.columns[name].cells()} & names.keys())
        if matches > most:
            best, most = name, matches
    if not best:
        best = next(iter([*_id_columns(raw), *raw.columns]))
    return best


def _id_columns(raw: RawTable) -> list[str]:
    lower = {name.lower(): name for name in raw.columns if raw.columns[name].kind != "nested"}
    return [lower[name] for name in ID_NAMES if name in lower]


def _text(cell: object) -> str:
    return "" if cell is None else str(cell).strip()


def _full(folder: Path, name: str) -> str:
    return f"{plain_name(str(folder))}/{name}"
