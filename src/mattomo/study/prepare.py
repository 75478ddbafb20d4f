"""From a table to what a study trains on: usable rows, base representations, splits, notices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mattomo.errors import InputError
from mattomo.learners.base import Split
from mattomo.materials.polymorphs import one_to_one_share
from mattomo.materials.quarantine import Quarantine, QuarantinedRow
from mattomo.materials.registry import resolve
from mattomo.materials.table import Column, Materials
from mattomo.projections.composition import composition_graphs
from mattomo.projections.descriptors import Table, composition_descriptors
from mattomo.projections.geometry import structure_descriptors
from mattomo.projections.graphs import Graphs
from mattomo.projections.property import encode
from mattomo.projections.structure import crystal_graphs
from mattomo.study.config import StudyConfig
from mattomo.study.splits import split_rows


@dataclass(frozen=True)
class Prepared:
    """Everything a study trains on. All its models use the same n rows.

    Attributes
    ----------
    materials : Materials
        The rows that have all targets, all added properties and every representation, sorted by id.
    left_out : Quarantine
        The others, with the first thing each one lacks.
    targets, properties : tuple of str
        Names as planned.
    columns : mapping of str to Column
        By planned name (a table may call ``is_hubbard`` ``is_hubbard_derived``).
    splits : mapping of int to Split
        By seed.
    notices : tuple of str
        What a reader of the results should know.
    n_rows : int
        Rows of the whole table.
    n_formulas, one_to_one : int
        Distinct formulas of the whole table, and entries whose formula is theirs alone.
    """

    materials: Materials
    left_out: Quarantine
    targets: tuple[str, ...]
    properties: tuple[str, ...]
    columns: Mapping[str, Column]
    splits: Mapping[int, Split]
    notices: tuple[str, ...]
    n_rows: int
    n_formulas: int
    one_to_one: int


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
    notices = _notices(chosen, columns, config, splits)
    if left_out:
        notices.insert(
            0,
            f"{len(left_out):,} of {len(materials):,} rows lack a target, an added property or a structure; "
            "all models use the same remaining rows, otherwise missingness would pass for information",
        )
    return Prepared(
        materials=chosen,
        left_out=left_out,
        targets=config.targets,
        properties=config.properties,
        columns=columns,
        splits=splits,
        notices=tuple(notices),
        n_rows=len(materials),
        n_formulas=len(np.unique(materials.compositions.formulas)),
        one_to_one=one_to_one_share(materials)[0],
    )


def base_graphs(materials: Materials, representation: str, config: StudyConfig) -> Graphs:
    """Graphs of a base representation, one a material."""
    if representation == "composition":
        return composition_graphs(materials, basis=config.basis)
    return crystal_graphs(
        materials.structures, neighbours=config.neighbours, radius=config.radius, ties=config.ties
    )


def base_table(materials: Materials, representation: str, graphs: Graphs | None) -> Table:
    """Descriptors of a base representation, one row a material; ``graphs`` are those of the structure."""
    if representation == "composition":
        return composition_descriptors(materials)
    return structure_descriptors(materials, graphs=graphs)


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
    """Complete rows, sorted by id, and the first reason why each other row is left out."""
    first = np.full(len(materials), "", dtype=object)
    if "structure" in config.representations:
        first[~materials.structures.present] = "structure"
    for column in dict.fromkeys(source.values()):
        first[(first == "") & materials.columns[column].missing] = column
    missing = first != ""
    rows = tuple(
        QuarantinedRow(
            id=str(materials.ids[k]),
            file=materials.source,
            row=int(materials.rows[k]),
            stage="study",
            column=str(first[k]),
            value="",
            reason="missing, and all models of a study use the same rows",
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


def _refuse_constant(materials: Materials, target: str, column: Column, splits: Mapping[int, Split]) -> None:
    values = column.values
    if len(np.unique(values)) == 1:
        raise InputError(
            f"this target has one value on all {len(values)} usable rows",
            file=materials.source,
            column=column.info.name,
            value=float(values[0]),
            hint="A constant cannot be learned: remove it from the targets.",
        )
    for seed, split in splits.items():
        if len(np.unique(values[split.train])) == 1:
            raise InputError(
                f"target {target!r} is constant on the training rows of seed {seed}",
                file=materials.source,
                column=column.info.name,
                value=float(values[split.train[0]]),
                hint="Bring more rows, choose other seeds, or remove this target.",
            )


def _notices(
    materials: Materials, columns: Mapping[str, Column], config: StudyConfig, splits: Mapping[int, Split]
) -> list[str]:
    notices = []
    for name in config.properties:
        column = columns[name]
        if len(np.unique(column.values)) == 1:
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
        unseen = held[encode(column, split.train).unseen[held]]
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
