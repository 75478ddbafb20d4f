"""The choice among properties: one target, one base, one learner, and any set of properties added."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import msgspec
import numpy as np
from numpy.typing import NDArray

from mattomo.errors import InputError
from mattomo.learners.base import Learner, Split, Task, Unit
from mattomo.learners.conditional import Conditional, Placebos
from mattomo.materials.registry import nearest
from mattomo.materials.table import Column, Materials
from mattomo.projections.descriptors import Table
from mattomo.projections.graphs import Graphs, Ints
from mattomo.study import controls, identity
from mattomo.study.config import StudyConfig
from mattomo.study.plan import training_seconds
from mattomo.study.prepare import Prepared, base_graphs, base_table, prepare
from mattomo.study.reopen import named_learner, reopen
from mattomo.study.units import PlannedConditional

#: The base that holds nothing: models of properties alone.
NOTHING = "none"
#: Conditional placebos of each property: they only order the properties.
DRAWS = 5
#: Processor seconds that a network takes for a set besides its epochs: each width is compiled anew.
_SECONDS_TO_COMPILE = 2.0


@dataclass(frozen=True)
class Problem:
    """One target, one base, and the properties whose sets may be added.

    Attributes
    ----------
    config : StudyConfig
        With one representation, the base (``"none"`` for nothing).
    prepared : Prepared
        Rows with the target and all candidates, and their splits.
    fingerprint : str
    learner : Learner
    base, target : str
    properties, controls : tuple of str
        Candidates; controls with their prefix.
    graphs : Graphs or None
        What a learner of graphs reads.
    table : Table
        What others read, and conditionals.
    """

    config: StudyConfig
    prepared: Prepared
    fingerprint: str
    learner: Learner
    base: str
    target: str
    properties: tuple[str, ...]
    controls: tuple[str, ...]
    graphs: Graphs | None
    table: Table

    @property
    def candidates(self) -> tuple[str, ...]:
        """Properties, then controls."""
        return (*self.properties, *self.controls)

    def split(self, seed: int) -> Split:
        """Rows of a seed, its test part being all held-out rows: placebos are wanted on both parts."""
        rows = self.prepared.splits[seed]
        return Split(rows.train, rows.validation, np.concatenate([rows.validation, rows.test]))

    def ordered(self, added: Sequence[str]) -> tuple[str, ...]:
        """A set in the order of the candidates: equal sets are one model."""
        return tuple(name for name in self.candidates if name in added)

    def columns(self, seed: int) -> dict[str, Column]:
        """Candidates by name; placebos differ from seed to seed."""
        columns = {name: self.prepared.columns[name] for name in self.properties}
        for name in self.controls:
            if name == controls.PREFIX + "placebo":
                columns[name] = controls.placebo(self.prepared.columns, self.config.properties, seed)
            else:
                columns[name] = controls.derived(self.table)
        return columns

    def unit(
        self, seed: int, sets: Sequence[tuple[str, ...]], conditionals: Mapping[str, Conditional]
    ) -> Unit:
        """What the learner gets for some sets of a seed."""
        split, columns = self.split(seed), self.columns(seed)
        used = {name: columns[name] for name in self.candidates if any(name in added for added in sets)}
        placebos = {
            name: Placebos(column.values[split.test], conditionals[name], DRAWS, (self.base, name, seed))
            for name, column in used.items()
        }
        return Unit(
            representation=self.base,
            base=self.table if self.graphs is None else self.graphs,
            columns={**used, self.target: self.prepared.columns[self.target]},
            split=split,
            seed=seed,
            tasks=tuple(Task(self.target, added) for added in sets),
            placebos=placebos,
        )

    @cached_property
    def _identity(self) -> identity.Identity:
        return identity.Identity(self.fingerprint, self.prepared, self.config)

    def fit_id(self, seed: int, added: tuple[str, ...]) -> str:
        """Name of a fit's file."""
        task, split = Task(self.target, added), self.split(seed)
        return self._identity.fit(self.learner, self.base, task, seed, split, DRAWS)

    def conditionals_id(self, seed: int) -> str:
        """Name of the file of a seed's conditionals."""
        planned = PlannedConditional("", self.base, seed, self.candidates)
        return "conditionals-" + self._identity.conditional(planned)

    def seconds(self, models: int, conditionals: bool = True) -> float:
        """Rough processor time of so many models of a seed, and of the conditionals of all seeds."""
        split = self.prepared.splits[self.config.seeds[0]]
        data = self.table if self.graphs is None else self.graphs
        each = training_seconds(split, data, self.config.epochs, self.config.batch_size)
        each += _SECONDS_TO_COMPILE if self.graphs is not None else 0.0
        seeds = len(self.config.seeds)
        beforehand = (
            len(self.candidates) * seeds * training_seconds(split, self.table) if conditionals else 0.0
        )
        return models * each + beforehand


def problem(
    prepared: Prepared,
    config: StudyConfig,
    learner: Learner,
    target: str,
    base: str,
    properties: Sequence[str],
    control_names: Sequence[str] = ("placebo", "derived"),
) -> Problem:
    """Set up the choice among properties of a study.

    Parameters
    ----------
    prepared : Prepared
        Rows that all have the target and the properties.
    config : StudyConfig
    learner : Learner
    target : str
    base : str
        A representation of the study, or ``"none"``.
    properties : sequence of str
        Added properties of the study, the target not among them.
    control_names : sequence of str
        Of ``"placebo"`` and ``"derived"``; the latter needs a base.

    Raises
    ------
    InputError
        The learner does not read this base.
    """
    graphs: Graphs | None = None
    if base == NOTHING:
        if learner.reads == "graphs":
            raise InputError(
                "this learner reads graphs of atoms: it cannot read properties alone",
                column="base",
                value=base,
                hint="Choose trees, or a base.",
            )
        # A column without information: any learner of tables then reads the properties alone.
        table = Table(np.zeros((len(prepared.materials), 1)), ("nothing",))
        control_names = [name for name in control_names if name != "derived"]
    else:
        if learner.reads == "graphs" and base in config.tables:
            raise InputError(
                "this learner reads no table of numbers", column="base", value=base, hint="Choose trees."
            )
        if learner.reads == "graphs" or base == "structure":
            graphs = base_graphs(prepared.materials, base, config)
        table = base_table(prepared.materials, base, graphs if base == "structure" else None, config)
    return Problem(
        config=config,
        prepared=prepared,
        fingerprint=identity.fingerprint(prepared, config),
        learner=learner,
        base=base,
        target=target,
        properties=tuple(properties),
        controls=tuple(controls.PREFIX + name for name in control_names),
        graphs=graphs if learner.reads == "graphs" else None,
        table=table,
    )


def held_rows(problem: Problem) -> tuple[tuple[Ints, ...], tuple[Ints, ...], NDArray[np.int64]]:
    """Validation rows and test rows of each seed, and the formula's number of every row."""
    splits = [problem.prepared.splits[seed] for seed in problem.config.seeds]
    formulas = problem.prepared.materials.compositions.formulas
    owners = np.unique(formulas, return_inverse=True)[1].astype(np.int64)
    return tuple(s.validation for s in splits), tuple(s.test for s in splits), owners


def pose(
    folder: str | os.PathLike[str],
    target: str,
    *,
    base: str | None = None,
    learner: str | Learner = "trees",
    properties: Sequence[str] | None = None,
    materials: Materials | None = None,
    data: str | None = None,
) -> Problem:
    """The choice among the properties of a study folder.

    Parameters
    ----------
    folder : path
    target : str
        Of the study.
    base : str, optional
        A representation of the study, or ``"none"``; composition by default, where the study has it.
    learner : str or Learner
    properties : sequence of str, optional
        Some of the study's; all by default. The target is left out.
    materials, data : optional
        See `mattomo.study.reopen.reopen`.

    Raises
    ------
    InputError
        Something the study does not have, or no property left.
    """
    config, materials, prepared = reopen(folder, materials, data)
    place = os.fspath(folder)
    _known("target", target, config.targets, place)
    bases = (*config.representations, NOTHING)
    if base is None:
        base = "composition" if "composition" in bases else bases[0]
    _known("base", base, bases, place)
    for name in properties or ():
        _known("property", name, config.properties, place)
    chosen = [n for n in config.properties if n != target and (properties is None or n in properties)]
    if len(chosen) < 2:
        raise InputError(
            "a choice needs two properties besides the target",
            file=place,
            column="properties",
            hint="Run a study with more properties, or name more of them.",
        )
    if config.rows == "per-pair":
        # Sets are compared on the rows that have everything.
        own = {"rows": "complete", "targets": (target,), "properties": tuple(chosen)}
        config = msgspec.structs.replace(config, **own)
        prepared = prepare(materials, config)
    built = named_learner(learner, config) if isinstance(learner, str) else learner
    return problem(
        prepared, msgspec.structs.replace(config, representations=(base,)), built, target, base, chosen
    )


def _known(what: str, name: str, known: Sequence[str], folder: str) -> None:
    if name not in known:
        hint = nearest(name, list(known))
        raise InputError(f"the study has no such {what}", file=folder, column=what, value=name, hint=hint)
