"""From a table to what a study trains on: usable rows, base representations, splits, notices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import numpy as np

from mattomo.errors import InputError
from mattomo.learners.base import Split
from mattomo.materials.polymorphs import one_to_one_share
from mattomo.materials.quarantine import Quarantine, QuarantinedRow
from mattomo.materials.registry import resolve
from mattomo.materials.table import AtomColumn, Column, Materials
from mattomo.projections.atoms import unknown_elements
from mattomo.projections.composition import composition_graphs
from mattomo.projections.descriptors import Table, column_descriptors, composition_descriptors
from mattomo.projections.geometry import structure_descriptors
from mattomo.projections.graphs import Graphs
from mattomo.projections.structure import crystal_graphs
from mattomo.study.atoms import atom_notices, shuffled, with_atoms
from mattomo.study.config import StudyConfig
from mattomo.study.controls import ATOMS
from mattomo.study.splits import LEAST_HELD, LEAST_TRAIN, split_rows


@dataclass(frozen=True)
class Prepared:
    """Everything a study trains on.

    Attributes
    ----------
    materials : Materials
        The n rows that take part, sorted by id: those with all targets, all added properties and every
        representation; with ``rows="per-pair"`` those with the representations and any target.
    left_out : Quarantine
        The others, with the first thing each one lacks.
    targets, properties : tuple of str
        Names as planned.
    columns : mapping of str to Column
        By planned name (a table may call ``is_hubbard`` ``is_hubbard_derived``); with values missing only
        where rows are chosen per pair.
    splits : mapping of int to Split
        By seed.
    notices : tuple of str
        What a reader of the results should know.
    n_rows : int
        Rows of the whole table.
    pair_rows : mapping of (str, str) to int
        By target and added property: rows of the whole table that have both, and the representations.
    n_formulas, one_to_one : int
        Distinct formulas of the whole table, and entries whose formula is theirs alone.
    atoms : mapping of str to AtomColumn
        Properties of the atoms of the n rows, and their placebo; ``columns`` has the mean over the atoms.
    """

    materials: Materials
    left_out: Quarantine
    targets: tuple[str, ...]
    properties: tuple[str, ...]
    columns: Mapping[str, Column]
    splits: Mapping[int, Split]
    notices: tuple[str, ...]
    n_rows: int
    pair_rows: Mapping[tuple[str, str], int]
    n_formulas: int
    one_to_one: int
    atoms: Mapping[str, AtomColumn] = field(default_factory=dict)


def prepare(materials: Materials, config: StudyConfig) -> Prepared:
    """Choose the rows of a study, split them, and look for what would fool its reader.

    Parameters
    ----------
    materials : Materials
        A whole table.
    config : StudyConfig

    Returns
    -------
    Prepared

    Raises
    ------
    InputError
        A property that is not in the table, a target that is a category or constant, or too few rows.
    """
    materials = with_atoms(materials, config.atoms)
    source = {name: _column_for(name, materials) for name in (*config.targets, *config.properties)}
    for target in config.targets:
        if materials.columns[source[target]].info.kind != "scalar":
            raise InputError(
                "a target must be a number, and this column holds categories",
                file=materials.source,
                column=source[target],
                hint="Remove it from the targets; it can still be an added property.",
            )
    chosen, left_out = _usable(materials, source, config)
    columns = {name: chosen.columns[column] for name, column in source.items()}
    splits = {seed: split_rows(chosen, config.split, config.fractions, seed) for seed in config.seeds}
    for target in config.targets:
        _refuse_constant(chosen, target, columns[target], splits)
        for name in config.properties if config.rows == "per-pair" else ():
            _refuse_few(chosen, columns[target], columns[name], splits)
    atoms = {name: chosen.atoms[name] for name in config.properties if name in config.atoms}
    notices = [*_notices(chosen, columns, config, splits), *atom_notices(list(atoms.values()))]
    if left_out:
        notices.insert(
            0,
            f"{len(left_out):,} of {len(materials):,} rows lack a target, an added property or a structure; "
            "all models use the same remaining rows, otherwise missingness would pass for information"
            if config.rows == "complete"
            else f"{len(left_out):,} of {len(materials):,} rows lack every target, or a structure; of the "
            "others each pair uses those that have its target and its added property, with a baseline on "
            "the same rows: pairs differ in their rows, so their gains do too",
        )
    # Rows chosen per pair may lack values, which a placebo would have to make up.
    whole = bool(atoms) and config.rows == "complete"
    return Prepared(
        materials=chosen,
        left_out=left_out,
        targets=config.targets,
        properties=config.properties,
        columns=columns,
        splits=splits,
        notices=tuple(notices),
        n_rows=len(materials),
        pair_rows=_pair_rows(materials, source, config),
        n_formulas=len(np.unique(materials.compositions.formulas)),
        one_to_one=one_to_one_share(materials)[0],
        atoms=atoms | ({ATOMS: shuffled(next(iter(atoms.values())), chosen)} if whole else {}),
    )


def base_graphs(materials: Materials, representation: str, config: StudyConfig) -> Graphs:
    """Graphs of a base representation, one a material."""
    if representation == "composition":
        return composition_graphs(materials, basis=config.basis)
    return crystal_graphs(
        materials.structures, neighbours=config.neighbours, radius=config.radius, ties=config.ties
    )


def base_table(
    materials: Materials, representation: str, graphs: Graphs | None, config: StudyConfig
) -> Table:
    """Descriptors of a base representation, one row a material; ``graphs`` are those of the structure.

    Raises
    ------
    InputError
        A table of the user's own names columns that are not there, hold categories, or hold a target.
    """
    if representation == "composition":
        return composition_descriptors(materials)
    if representation == "structure":
        return structure_descriptors(materials, graphs=graphs)
    targets = {_column_for(name, materials) for name in config.targets}
    names = own_columns(materials, config.tables[representation])
    if targets & set(names):
        raise InputError(
            f"this target is among the columns of the representation {representation!r}",
            file=materials.source,
            column=sorted(targets & set(names))[0],
            hint="Take it out of the targets or of the table: it would be told in advance.",
        )
    return column_descriptors(materials, names)


def own_columns(materials: Materials, patterns: Sequence[str]) -> list[str]:
    """Columns that the patterns of a table of one's own name, each once.

    Raises
    ------
    InputError
        A pattern names none.
    """
    names: dict[str, None] = {}
    for pattern in patterns:
        found = [name for name in materials.columns if fnmatchcase(name, pattern)]
        if not found:
            materials.column(pattern)  # says which names are near
        names |= dict.fromkeys(found)
    return list(names)


def _column_for(name: str, materials: Materials) -> str:
    try:
        return resolve(name, materials.columns)
    except InputError as error:
        raise InputError(
            error.problem, file=materials.source, column=name, value=error.value, hint=error.hint
        ) from None


def _usable(
    materials: Materials, source: Mapping[str, str], config: StudyConfig
) -> tuple[Materials, Quarantine]:
    """Rows that take part, sorted by id, and the first reason why each other row is left out."""
    first = np.full(len(materials), "", dtype=object)
    if "structure" in config.representations:
        first[~materials.structures.present] = "structure"
    if config.rows == "complete":
        for column in dict.fromkeys(source.values()):
            first[(first == "") & materials.columns[column].missing] = column
        why = "missing, and all models of a study use the same rows"
    else:
        targets = [source[name] for name in config.targets]
        none = np.all([materials.columns[column].missing for column in targets], axis=0)
        first[(first == "") & none] = targets[0]
        why = "missing, and no other target of the study is there" if targets[1:] else "missing"
    missing = first != ""
    lacking = {name: unknown_elements(materials.atoms[name], materials) for name in config.atoms}
    rows = tuple(
        QuarantinedRow(
            id=str(materials.ids[k]),
            file=materials.source,
            row=int(materials.rows[k]),
            stage="study",
            column=str(first[k]),
            value=lacking[first[k]][k] if first[k] in lacking else "",
            reason="missing" if first[k] == "structure" else why,
            hint="Fill the value, or leave this property out of the study.",
        )
        for k in np.flatnonzero(missing)
    )
    keep = np.flatnonzero(~missing)
    if len(keep) == 0:
        names, counts = np.unique(first[missing].astype(str), return_counts=True)
        worst = names[np.argmax(counts)] if len(names) else "formula"
        raise InputError(
            "no row has all targets, all added properties and all representations",
            file=materials.source,
            column=str(worst),
            hint=f"It is the first thing missing on {counts.max(initial=0)} rows: leave it out, or fill it.",
        )
    keep = keep[np.argsort(materials.ids[keep], kind="stable")]
    return materials.take(keep), Quarantine(rows)


def _pair_rows(
    materials: Materials, source: Mapping[str, str], config: StudyConfig
) -> dict[tuple[str, str], int]:
    known = {name: ~materials.columns[column].missing for name, column in source.items()}
    if "structure" in config.representations:
        known = {name: has & materials.structures.present for name, has in known.items()}
    return {
        (target, added): int((known[target] & known[added]).sum())
        for target in config.targets
        for added in config.properties
    }


def _refuse_constant(materials: Materials, target: str, column: Column, splits: Mapping[int, Split]) -> None:
    values = column.values
    known = values[~column.missing]
    if len(np.unique(known)) <= 1:
        raise InputError(
            f"this target has one value on all {len(known)} usable rows",
            file=materials.source,
            column=column.info.name,
            value=float(known[0]) if len(known) else "",
            hint="A constant cannot be learned: remove it from the targets.",
        )
    for seed, split in splits.items():
        training = values[split.train][~column.missing[split.train]]
        if len(np.unique(training)) <= 1:
            raise InputError(
                f"target {target!r} is constant on the training rows of seed {seed}",
                file=materials.source,
                column=column.info.name,
                value=float(training[0]) if len(training) else "",
                hint="Bring more rows, choose other seeds, or remove this target.",
            )


def _refuse_few(materials: Materials, target: Column, added: Column, splits: Mapping[int, Split]) -> None:
    """A pair needs as many rows as a study."""
    known = ~target.missing & ~added.missing
    for seed, split in splits.items():
        parts = {"training": (split.train, LEAST_TRAIN), "validation": (split.validation, LEAST_HELD)}
        for name, (rows, least) in (parts | {"test": (split.test, LEAST_HELD)}).items():
            if known[rows].sum() < least:
                raise InputError(
                    f"with {target.info.name!r} this property leaves {known[rows].sum()} {name} rows of "
                    f"seed {seed}; at least {least} are needed",
                    file=materials.source,
                    column=added.info.name,
                    hint="Leave this property out of the study, or bring more rows.",
                )


def _notices(
    materials: Materials, columns: Mapping[str, Column], config: StudyConfig, splits: Mapping[int, Split]
) -> list[str]:
    notices = []
    for name in config.properties:
        column = columns[name]
        if len(np.unique(column.values[~column.missing])) <= 1:
            notices.append(f"{column.info.label} has one value on all usable rows: it can add nothing")
        elif column.info.kind == "category":
            notices += _unseen(materials, column, splits)
    extensive = [columns[t].info.label for t in config.targets if columns[t].info.extensive]
    if extensive:
        notices.append(
            f"extensive targets ({', '.join(extensive)}) grow with the cell, which a network that averages "
            "over sites cannot count: properties that tell the size of the cell will seem informative"
        )
    return notices


def _unseen(materials: Materials, column: Column, splits: Mapping[int, Split]) -> list[str]:
    """Levels that validation or test rows have and training rows lack, in one sentence."""
    by_seed = {}
    for seed, split in splits.items():
        held = np.concatenate([split.validation, split.test])
        held = held[~column.missing[held]]
        unseen = held[~np.isin(column.values[held], column.values[split.train])]
        if len(unseen):
            by_seed[seed] = unseen
    if not by_seed:
        return []
    rows = next(iter(by_seed.values()))
    k = int(rows[0])
    counts = ", ".join(f"{len(rows)} (seed {seed})" for seed, rows in by_seed.items())
    return [
        f"{column.info.label}: validation and test rows with a level that no training row has, encoded as "
        f"unknown: {counts}; e.g. {materials.source}, row {materials.rows[k]} ({materials.ids[k]}), "
        f"column {column.info.name!r}, value {str(column.values[k])!r}"
    ]
