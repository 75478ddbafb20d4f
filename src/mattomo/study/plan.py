"""The plan of a study: every unit with its identity, and what it will cost. It trains nothing."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

from mattomo.errors import InputError
from mattomo.learners.base import Learner, Split, Task, Unit
from mattomo.learners.conditional import Conditional, Placebos
from mattomo.materials.table import Column
from mattomo.projections.atoms import atom_descriptors, mean_column
from mattomo.projections.descriptors import Table
from mattomo.projections.graphs import Graphs
from mattomo.study import controls, identity
from mattomo.study.atoms import atom_graphs
from mattomo.study.config import StudyConfig
from mattomo.study.prepare import Prepared, base_graphs, base_table
from mattomo.study.units import PlannedConditional, PlannedUnit, rows_of, unit_tasks

#: Processor seconds of one model for one pass over one merged edge, forward and backward, and for one node.
#: Rough, for the native kernel of the network (pure JAX takes three times as long); `plan` says so.
_SECONDS_PER_EDGE = 1.2e-6
_SECONDS_PER_NODE = 5.0e-6
#: Of one fit of trees on 500 rows, by benchmarks/trees.py.
_SECONDS_PER_FIT = 0.18
#: Bytes a worker holds for each edge of a batch, and at rest.
_BYTES_PER_EDGE = 2400
_BYTES_AT_REST = 450e6


@dataclass(frozen=True)
class Plan:
    """All units of a study and their cost.

    Attributes
    ----------
    config : StudyConfig
    prepared : Prepared
    graphs : mapping of str to Graphs
        By representation.
    tables : mapping of str to Table
        By representation, for learners that read tables and for conditionals.
    learners : mapping of str to Learner
        By name.
    fingerprint : str
        SHA-256 of the rows and columns the study uses.
    units : tuple of PlannedUnit
    conditionals : tuple of PlannedConditional
        Those the units need: one a representation and seed.
    """

    config: StudyConfig
    prepared: Prepared
    graphs: Mapping[str, Graphs]
    tables: Mapping[str, Table]
    learners: Mapping[str, Learner]
    fingerprint: str
    units: tuple[PlannedUnit, ...]
    conditionals: tuple[PlannedConditional, ...]
    _in_atoms: dict[tuple[str, tuple[str, ...]], Graphs] = dataclasses.field(
        default_factory=dict, repr=False, compare=False
    )

    @property
    def trainings(self) -> int:
        """Models to train, controls and learning curves included."""
        return sum(len(unit.tasks) for unit in self.units)

    @property
    def trainings_as_counted_in_the_paper(self) -> int:
        """The paper has no controls, and counts the baseline once for every added property."""
        whole = [unit for unit in self.units if unit.fraction == 1]
        added = [name for unit in whole for task in unit.tasks for name in task.added]
        return 2 * sum(not name.startswith(controls.PREFIX) for name in added)

    def split(self, planned: PlannedUnit) -> Split:
        """Rows of a unit: those of its seed that have its target and its pair's property."""
        return rows_of(planned, self.prepared)

    def needs(self, planned: PlannedUnit) -> PlannedConditional | None:
        """The conditional that must be learned before a unit."""
        return self._conditionals.get((planned.representation, planned.seed))

    @cached_property
    def _conditionals(self) -> dict[tuple[str, int], PlannedConditional]:
        return {(c.representation, c.seed): c for c in self.conditionals}

    def question(self, planned: PlannedConditional) -> tuple[Table, str, dict[str, Column], Split, int]:
        """What `conditional.learn` gets: table, representation, properties, split, seed."""
        table = self.tables[planned.representation]
        columns = {
            name: self._control(name, planned.representation, planned.seed)
            if name.startswith(controls.PREFIX)
            else self.prepared.columns[name]
            for name in planned.names
        }
        split = self.prepared.splits[planned.seed]
        return table, planned.representation, columns, split, planned.seed

    def _control(self, name: str, representation: str, seed: int) -> Column:
        if name == controls.PREFIX + "placebo":
            names = self.config.properties or self.config.targets
            return controls.placebo(self.prepared.columns, names, seed)
        if name == controls.ATOMS:
            return mean_column(self.prepared.atoms[name], self.prepared.materials)
        return controls.derived(self.tables[representation])

    def atom_graphs(self, representation: str, names: tuple[str, ...]) -> Graphs:
        """Graphs of a representation whose nodes have the values of properties of the atoms; made once."""
        key = (representation, names)
        if key not in self._in_atoms:
            columns = [self.prepared.atoms[name] for name in names]
            arguments = (representation, self.graphs[representation], columns, self.config)
            self._in_atoms[key] = atom_graphs(self.prepared.materials, *arguments)
        return self._in_atoms[key]

    def _of_atoms(self, task: Task) -> tuple[str, ...]:
        return tuple(name for name in task.added if name in self.prepared.atoms)

    def unit(self, planned: PlannedUnit, conditionals: Mapping[str, Conditional] | None = None) -> Unit:
        """What the learner gets for a unit.

        Parameters
        ----------
        planned : PlannedUnit
        conditionals : mapping of str to Conditional, optional
            What `needs` gave, by property.
        """
        reads = self.learners[planned.learner].reads
        bases: Mapping[str, Graphs | Table] = self.graphs if reads == "graphs" else self.tables
        base = bases[planned.representation]
        split = self.split(planned)
        held = np.flatnonzero(np.isin(self.prepared.splits[planned.seed].test, split.test))
        found = dict(conditionals or {})
        columns: dict[str, Column] = {planned.target: self.prepared.columns[planned.target]}
        placebos: dict[str, Placebos] = {}
        for name in sorted({name for task in planned.tasks for name in task.added}):
            if name == controls.PREFIX + "planted":
                of_target = found[planned.target]
                arguments = (columns[planned.target], of_target, planned.representation, planned.seed)
                columns[name] = controls.planted(*arguments)
                found[name] = of_target
            elif name.startswith(controls.PREFIX):
                columns[name] = self._control(name, planned.representation, planned.seed)
            else:
                columns[name] = self.prepared.columns[name]
            if self.config.swaps and name in found:
                placebos[name] = Placebos(
                    values=columns[name].values[split.test],
                    conditional=found[name].take(held),
                    n=self.config.swaps,
                    key=(name, planned.representation, planned.seed),
                )
        atoms = dict.fromkeys(name for task in planned.tasks for name in self._of_atoms(task))
        graphs: dict[tuple[str, ...], Graphs] = {}
        tables: dict[str, Table] = {}
        if reads == "graphs":
            inside = dict.fromkeys(filter(None, map(self._of_atoms, planned.tasks)))
            graphs = {names: self.atom_graphs(planned.representation, names) for names in inside}
        else:
            for name in atoms:
                column, materials = self.prepared.atoms[name], self.prepared.materials
                tables[name] = atom_descriptors(column, materials, planned.representation)
        used = np.unique(np.concatenate([split.train, split.validation, split.test]))
        if len(used) < len(base):
            base = base.take(used)
            columns = {name: c.take(used) for name, c in columns.items()}
            graphs = {names: g.take(used) for names, g in graphs.items()}
            tables = {name: table.take(used) for name, table in tables.items()}
            parts = (split.train, split.validation, split.test)
            split = Split(*(np.searchsorted(used, rows) for rows in parts))
        return Unit(
            representation=planned.representation,
            base=base,
            columns=columns,
            split=split,
            seed=planned.seed,
            tasks=planned.tasks,
            placebos=placebos,
            atoms=tuple(atoms),
            atom_graphs=graphs,
            atom_tables=tables,
        )

    def seconds(self, planned: PlannedUnit | PlannedConditional) -> float:
        """Rough processor time of a unit, or of what it needs."""
        if isinstance(planned, PlannedConditional):
            split = self.prepared.splits[planned.seed]
            return len(planned.names) * training_seconds(split)
        split = self.split(planned)
        if self.learners[planned.learner].reads == "table":
            return len(planned.tasks) * training_seconds(split)
        total = 0.0
        for names, n_tasks in Counter(map(self._of_atoms, planned.tasks)).items():
            graphs = self.graphs[planned.representation]
            if names:
                graphs = self.atom_graphs(planned.representation, names)
            total += n_tasks * training_seconds(split, graphs, self.config.epochs)
        return total

    @cached_property
    def costs(self) -> dict[str, float]:
        """`seconds` of everything planned, by id."""
        learned = {planned.id: self.seconds(planned) for planned in self.conditionals}
        return learned | {unit.id: self.seconds(unit) for unit in self.units}

    def memory(self) -> float:
        """Rough bytes of one worker."""
        graphs = [*self.graphs.values(), *self._in_atoms.values()]
        edges = max((np.diff(g.edge_offsets).mean() for g in graphs), default=0.0)
        held = sum(a.nbytes for g in graphs for a in vars(g).values())
        held += sum(table.values.nbytes for table in self.tables.values())
        return float(_BYTES_AT_REST + edges * self.config.batch_size * _BYTES_PER_EDGE + held)


def plan(prepared: Prepared, config: StudyConfig, learners: Sequence[Learner] | None = None) -> Plan:
    """Plan all units of a study.

    Parameters
    ----------
    prepared : Prepared
    config : StudyConfig
    learners : sequence of Learner, optional
        Those of the configuration by default.

    Returns
    -------
    Plan

    Raises
    ------
    InputError
        No learner reads one of the representations.
    """
    learners = config.built_learners() if learners is None else learners
    fingerprint = identity.fingerprint(prepared, config)
    reads = {learner.reads for learner in learners}
    conditional_too = bool(config.swaps or "planted" in config.controls or "derived" in config.controls)
    graphs: dict[str, Graphs] = {}
    tables: dict[str, Table] = {}
    for name in config.representations:
        if name in config.tables and "table" not in reads:
            raise InputError(
                "no learner of this study reads a table of numbers",
                column="representations",
                value=name,
                hint="Add trees to the learners.",
            )
        needs_graphs = "graphs" in reads or name == "structure"
        if name not in config.tables and needs_graphs:
            graphs[name] = base_graphs(prepared.materials, name, config)
        if "table" in reads or conditional_too:
            tables[name] = base_table(prepared.materials, name, graphs.get("structure"), config)
    identify = identity.Identity(fingerprint, prepared, config)
    units = []
    for learner, representation in product(learners, config.representations):
        if learner.reads == "graphs" and representation in config.tables:
            continue
        for seed, target in product(config.seeds, config.targets):
            shares = sorted(config.train_fractions)
            for (pair, tasks), fraction in product(unit_tasks(target, config), shares):
                unit = PlannedUnit("", learner.name, representation, target, seed, tasks, pair, fraction)
                units.append(dataclasses.replace(unit, id=identify.unit(unit, learner)))
    named = {learner.name: learner for learner in learners}
    learned = []
    if config.swaps or "planted" in config.controls:
        names = dict.fromkeys(name for name in config.properties if name not in config.atoms)
        if "planted" in config.controls:
            names |= dict.fromkeys(config.targets)
        own = [controls.PREFIX + name for name in config.controls if name != "planted"]
        for representation, seed in product(config.representations, config.seeds):
            c = PlannedConditional("", representation, seed, (*names, *own))
            learned.append(dataclasses.replace(c, id=identify.conditional(c)))
    return Plan(config, prepared, graphs, tables, named, fingerprint, tuple(units), tuple(learned))


def training_seconds(split: Split, graphs: Graphs | None = None, epochs: int = 1) -> float:
    """Rough processor time of one model: of trees, or of the network on ``graphs``."""
    if graphs is None:
        return _SECONDS_PER_FIT * float((len(split.train) / 500) ** 0.85)
    cost = np.diff(graphs.edge_offsets) * _SECONDS_PER_EDGE
    cost = cost + np.diff(graphs.node_offsets) * _SECONDS_PER_NODE
    # Validation is forward only, about a third of a training pass.
    once = cost[split.train].sum() + cost[split.validation].sum() / 3
    return float(once * epochs)
