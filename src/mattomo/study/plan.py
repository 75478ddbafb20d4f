"""The plan of a study: every unit with its identity, and what it will cost. It trains nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, cast

import numpy as np

from mattomo.errors import InputError
from mattomo.learners.base import Learner, Split, Task, Unit
from mattomo.learners.conditional import Conditional, Placebos
from mattomo.materials.table import Column
from mattomo.projections.atoms import atom_descriptors, mean_column
from mattomo.projections.descriptors import Table
from mattomo.projections.graphs import Graphs
from mattomo.study import controls, cost, identity
from mattomo.study.atoms import atom_graphs
from mattomo.study.config import StudyConfig
from mattomo.study.cost import Cost, GraphSizes, TableSizes
from mattomo.study.prepare import Prepared, base_graphs, base_table
from mattomo.study.units import PlannedConditional, PlannedUnit, rows_of, unit_tasks


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

    def every_atom_graphs(self) -> dict[tuple[str, tuple[str, ...]], Graphs]:
        """`atom_graphs` of all units, by representation and properties."""
        asked = {
            (unit.representation, names): None
            for unit in self.units
            if self.learners[unit.learner].reads == "graphs"
            for names in map(self._of_atoms, unit.tasks)
            if names
        }
        return {key: self.atom_graphs(*key) for key in asked}

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

    def cost(self, planned: PlannedUnit | PlannedConditional) -> Cost:
        """What a unit, or what it needs, takes of one worker; see `mattomo.study.cost`."""
        config, levels = self.config, self._levels
        if isinstance(planned, PlannedConditional):
            split = self.prepared.splits[planned.seed]
            each = [levels.get(name, 1) for name in planned.names]
            return cost.conditionals(self._tables[planned.representation], split, each)
        split = self.split(planned)
        if self.learners[planned.learner].reads == "table":
            table = self._tables[planned.representation]
            return cost.trees(table, split, planned.tasks, levels, swaps=config.swaps)
        by_graphs: dict[tuple[str, ...], list[Task]] = {}
        for task in planned.tasks:
            by_graphs.setdefault(self._of_atoms(task), []).append(task)
        each_graphs = [
            cost.network(
                self._sizes(planned.representation, names),
                split,
                tasks,
                levels,
                epochs=config.epochs,
                batch_size=config.batch_size,
                swaps=config.swaps,
            )
            for names, tasks in by_graphs.items()
        ]
        # Tasks that add the same properties of atoms have graphs of their own beside the base.
        inside = sum(self._sizes(planned.representation, names).bytes for names in by_graphs if names)
        used = sum(map(len, (split.train, split.validation, split.test)))
        n = len(self.prepared.materials)
        taken = inside * used / n if used < n else 0.0
        return Cost(
            start=each_graphs[0].start,
            seconds=sum(each.seconds for each in each_graphs),
            private=max(each.private for each in each_graphs) + taken,
            shared=self._graphs[planned.representation].bytes + inside,
        )

    def _sizes(self, representation: str, names: tuple[str, ...]) -> GraphSizes:
        """Those of the graphs whose nodes have the properties ``names`` of atoms."""
        if not names:
            return self._graphs[representation]
        key = (representation, names)
        if key not in self._atom_sizes:
            self._atom_sizes[key] = GraphSizes.of(self.atom_graphs(representation, names))
        return self._atom_sizes[key]

    @cached_property
    def _atom_sizes(self) -> dict[tuple[str, tuple[str, ...]], GraphSizes]:
        return {}

    @cached_property
    def _graphs(self) -> dict[str, GraphSizes]:
        return {name: GraphSizes.of(graphs) for name, graphs in self.graphs.items()}

    @cached_property
    def _tables(self) -> dict[str, TableSizes]:
        return {name: TableSizes.of(table) for name, table in self.tables.items()}

    @cached_property
    def _levels(self) -> dict[str, int]:
        """Of categories."""
        found = {}
        for name, column in self.prepared.columns.items():
            if column.info.kind == "category":
                found[name] = len(np.unique(column.values[~column.missing]))
        return found

    @cached_property
    def every_cost(self) -> dict[str, Cost]:
        """`cost` of everything planned, by id."""
        found = {planned.id: self.cost(planned) for planned in self.conditionals}
        return found | {unit.id: self.cost(unit) for unit in self.units}

    @cached_property
    def costs(self) -> dict[str, float]:
        """Processor seconds of everything planned, by id, without the start of workers."""
        return {name: each.seconds for name, each in self.every_cost.items()}

    def seconds(self, workers: int) -> float:
        """Processor seconds of all, over ``workers`` that each make units of every kind.

        At least those of the longest unit with what it needs, which one worker makes.
        """
        starts = {(unit.learner, unit.representation): self.every_cost[unit.id].start for unit in self.units}
        longest = 0.0
        for unit in self.units:
            needed = self.needs(unit)
            before = 0.0 if needed is None else self.costs[needed.id]
            longest = max(longest, before + self.costs[unit.id])
        return max(sum(self.costs.values()) / workers, longest) + sum(starts.values())

    def memory(self) -> float:
        """Bytes of one worker that makes units of every kind, base representations included."""
        return self._private + self._shared

    def workers_within(self, memory: float) -> int:
        """Workers that ``memory`` bytes have room for, at least one: they share base representations."""
        return max(1, int(min((memory - self._shared) / self._private, 1e6)))

    def bytes_needed(self, units: Sequence[PlannedUnit] | None = None) -> dict[str, float]:
        """What one worker needs for each unit, all by default, and for what they need, by id."""
        units = self.units if units is None else units
        ids = {unit.id for unit in units} | {c.id for unit in units if (c := self.needs(unit)) is not None}
        return {name: c.private + c.shared for name, c in self.every_cost.items() if name in ids}

    def within(self, memory: float) -> Plan:
        """The same plan, whose learners keep to ``memory`` bytes of a graphics card; same results."""
        learners = {
            name: cast(Any, learner).within(memory) if hasattr(learner, "within") else learner
            for name, learner in self.learners.items()
        }
        return dataclasses.replace(self, learners=learners)

    @cached_property
    def _private(self) -> float:
        return max(each.private for each in self.every_cost.values())

    @cached_property
    def _shared(self) -> float:
        graphs = sum(sizes.bytes for sizes in self._graphs.values())
        inside = sum(self._sizes(*key).bytes for key in self.every_atom_graphs())
        return graphs + inside + sum(sizes.bytes for sizes in self._tables.values())


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


def training_seconds(split: Split, data: Graphs | Table, epochs: int = 1, batch_size: int = 128) -> float:
    """Processor seconds of one model: of the network on graphs, of trees on a table."""
    alone = (Task(""),)
    if isinstance(data, Table):
        return cost.trees(TableSizes.of(data), split, alone, {}, swaps=0).seconds
    sizes = GraphSizes.of(data)
    found = cost.network(sizes, split, alone, {}, epochs=epochs, batch_size=batch_size, swaps=0)
    return found.seconds
