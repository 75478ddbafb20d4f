"""The front door from Python: `Study` plans and runs; `mattomo.results.Results` reads a folder back."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import asdict, replace
from html import escape
from pathlib import Path
from typing import Any

from mattomo.information.relations import Relation, relations
from mattomo.learners.base import Learner
from mattomo.materials import Materials, Quarantine
from mattomo.materials.example import read_data as read_data
from mattomo.results import Results
from mattomo.study.config import StudyConfig, read_config, study_config
from mattomo.study.plan import Plan, plan
from mattomo.study.prepare import Prepared, prepare
from mattomo.study.run import Progress, run
from mattomo.study.shards import Shard
from mattomo.study.store import Store


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
        self.materials = materials
        self._plan: Plan | None = None

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
            return plan(prepare(self.materials, self.config), self.config, learners)
        if self._plan is None:
            self._plan = plan(prepare(self.materials, self.config), self.config)
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
