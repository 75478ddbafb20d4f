"""The front door from Python: `Study` plans and runs; `mattomo.results.Results` reads a folder back."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import nullcontext, suppress
from dataclasses import asdict, replace
from html import escape
from pathlib import Path
from typing import Any

from msgspec import structs

from mattomo.information.inverse import inverse
from mattomo.information.prediction import predict
from mattomo.information.question import MOST_ROWS, question
from mattomo.information.relations import Relation, relations
from mattomo.learners.base import Learner
from mattomo.materials import Materials, Quarantine
from mattomo.materials.example import read_data as read_data
from mattomo.materials.subset import subset
from mattomo.report.inverted import Inverted
from mattomo.results import Results
from mattomo.study.config import StudyConfig, read_config, study_config
from mattomo.study.plan import Plan, plan
from mattomo.study.prepare import Prepared, prepare
from mattomo.study.run import Progress, run
from mattomo.study.shards import Shard
from mattomo.study.store import Store
from mattomo.study.workers import default_workers, local_workers

#: Rows times fits of an inversion above which it is spread over processes.
_LARGE = 200_000


class Study:
    """An augmentation study: which added property tells what about which target?

    Parameters
    ----------
    data : str, path or Materials
        A table of materials in any known format, the name of an embedded one, or one already read.
    **choices
        Keys of `mattomo.study.config.StudyConfig`, e.g. ``targets``, ``properties``, ``protocol``,
        ``seeds``, ``epochs``.

    Raises
    ------
    InputError
        An unknown choice, or data that cannot be used.

    Examples
    --------
    >>> import mattomo as mt
    >>> study = mt.Study("mp1000", targets=["band_gap"], properties=["density"], seeds=1, controls=[])
    >>> study.plan().trainings
    4
    """

    def __init__(self, data: str | os.PathLike[str] | Materials, **choices: Any) -> None:
        source = data.source if isinstance(data, Materials) else os.fspath(data)
        self._open(study_config({"data": source, **choices}), data if isinstance(data, Materials) else None)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], **choices: Any) -> Study:
        """A study from a TOML file; ``choices`` win over the file's."""
        study = cls.__new__(cls)
        study._open(read_config(Path(path), choices), None)
        return study

    def _open(self, config: StudyConfig, materials: Materials | None) -> None:
        self.config = config
        self.quarantine = Quarantine()
        if materials is None:
            columns = {"id": config.id, "formula": config.formula, "structure": config.structure}
            materials, self.quarantine = read_data(config.data, **columns)
        # A condition is read on the whole table: a part may lack the very class that it names.
        self.whole = materials
        self.materials = materials if config.where is None else subset(materials, config.where)
        self._plan: Plan | None = None

    def restricted(self, condition: str) -> Study:
        """The same study on the materials that also meet a condition (see `mattomo.materials.subset`)."""
        both = condition if self.config.where is None else f"({self.config.where}) and ({condition})"
        study = Study.__new__(Study)
        study._open(structs.replace(self.config, where=both), self.whole)
        study.quarantine = self.quarantine
        return study

    def plan(self, learners: Sequence[Learner] | None = None) -> Plan:
        """The units, rows and rough cost of the study. Trains nothing.

        Parameters
        ----------
        learners : sequence of Learner, optional
            Your own, instead of those the study names.

        Raises
        ------
        InputError
            A property that is not in the table, a constant or categorical target, too few rows.
        """
        if learners is not None:
            return plan(prepare(self.whole, self.config), self.config, learners)
        if self._plan is None:
            self._plan = plan(prepare(self.whole, self.config), self.config)
        return self._plan

    def run(
        self,
        folder: str | os.PathLike[str],
        *,
        learners: Sequence[Learner] | None = None,
        workers: int | None = None,
        executor: Executor | None = None,
        slots: Callable[[], int] | None = None,
        shard: Shard | None = None,
        memory: float | str | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Results:
        """Train what is missing in ``folder`` and read the results.

        Parameters
        ----------
        folder : path
            New, or holding this very study (which is then completed).
        learners : sequence of Learner, optional
            Your own, instead of those the study names.
        workers : int, optional
            Local processes; one a core by default.
        executor : concurrent.futures.Executor, optional
            Where to train instead.
        slots, shard : optional
            See `mattomo.study.run.run`.
        memory : float or str, optional
            What this run may use in all, in bytes or as ``8GB``; it limits the workers.
        progress : callable, optional
            Receives `mattomo.study.run.Progress`.

        Returns
        -------
        Results
        """
        planned = self.plan(learners)
        report = run(
            planned,
            folder,
            quarantine=self.quarantine,
            workers=workers,
            executor=executor,
            slots=slots,
            shard=shard,
            memory=memory,
            tell=progress,
        )
        store = Store(folder)
        if not (store.folder / "relations.json").exists():
            # Marks in a report: a disk too full for them costs no results.
            with suppress(OSError):
                store.write_relations(_relations(planned.prepared))
        return Results(folder, report, (self.materials, self.quarantine))

    def __repr__(self) -> str:
        c = self.config
        return (
            f"Study({c.data}: {len(c.targets)} targets x {len(c.properties)} properties x "
            f"{len(c.seeds)} seeds, {' and '.join(c.representations)})"
        )

    def _repr_html_(self) -> str:
        """The choices of the study, for notebooks."""
        c = self.config
        choices = {
            "targets": c.targets,
            "added properties": c.properties,
            "representations": c.representations,
            "learners": c.learners,
            "seeds": c.seeds,
            "controls": c.controls or ("none",),
            "split": (c.split,),
        }
        rows = "".join(
            f"<tr><th>{name}</th><td>{escape(', '.join(map(str, values)))}</td></tr>"
            for name, values in choices.items()
        )
        return f"<table><caption>{escape(repr(self))}</caption>{rows}</table>"


def _relations(prepared: Prepared) -> list[dict[str, Any]]:
    """Relations between the columns a study uses, as plain values."""
    table = replace(prepared.materials, columns=dict(prepared.columns))
    by_element = [
        Relation("elements", name, ("formula",), f"{name} is given by element", 0.0, 1.0)
        for name in prepared.properties
        if name in prepared.atoms and prepared.atoms[name].info.atoms == "element"
    ]
    found = (*by_element, *relations(table))
    return [{**asdict(relation), "sentence": relation.sentence} for relation in found]


def invert(
    data: str | os.PathLike[str] | Materials,
    *,
    to: str,
    names: Sequence[str] | None = None,
    where: str | None = None,
    given: Mapping[str, float | str] | None = None,
    order: str = "greedy",
    n_random: int = 2,
    seeds: int | Sequence[int] = 5,
    rows: int = MOST_ROWS,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Inverted:
    """From properties back to the material: what k of them leave open of a high-information projection.

    Parameters
    ----------
    data : str, path or Materials
    to : str
        ``"crystal_system"``, ``"spacegroup"``, ``"elements"``, ``"composition"``, or a column of classes.
    names : sequence of str, optional
        Properties to tell it from: those of ``given``, else the paper's numbers that two thirds of the rows
        have.
    where : str, optional
        Condition that the materials meet, e.g. ``"elements has O"``.
    given : mapping of str to float or str, optional
        Values of a material: the distribution over what it may be is predicted from these.
    order : {"greedy", "given"}
        Order in which properties are added.
    n_random : int
        Random orders beside it.
    seeds : int or sequence of int
        Splits: their number, or their seeds.
    rows : int
        Most rows to use, drawn at random.
    workers : int, optional
        Processes; one a core by default, none for small tables. The numbers do not depend on it.
    progress : callable, optional
        Is told fits done and in all.

    Returns
    -------
    Inverted

    Raises
    ------
    InputError
        See `mattomo.information.question.question` and `mattomo.information.prediction.predict`.

    Examples
    --------
    >>> import mattomo as mt
    >>> found = mt.invert("mp1000", to="crystal_system", names=["nsites", "density"], seeds=1, n_random=0)
    >>> found.curve["added"].tolist()[-1]
    'placebo'
    """
    materials = data if isinstance(data, Materials) else read_data(os.fspath(data))[0]
    if where is not None:
        materials = subset(materials, where)
    chosen = tuple(range(seeds)) if isinstance(seeds, int) else tuple(seeds)
    if names is None and given:
        names = tuple(given)
    asked = question(materials, to, names, seeds=chosen, rows=rows)
    told = None if given is None else predict(materials, to, given, seeds=chosen, rows=rows)
    if workers is None and len(asked.materials) * len(asked.names) * len(chosen) < _LARGE:
        workers = 1
    n = default_workers() if workers is None else workers
    with nullcontext() if n == 1 else local_workers(n) as executor:
        found = inverse(asked, order=order, n_random=n_random, executor=executor, tell=progress)
    units = {name: materials.columns[name].info.unit for name in {*asked.names, *(given or {})}}
    return Inverted(found, told, units, materials.source)
