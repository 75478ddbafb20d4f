"""A choice among the properties of a study: posed, announced, then answered and written beside the study."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from mattomo.errors import InputError
from mattomo.information.elimination import Rule
from mattomo.information.selection import Plan, Selection, plan, select
from mattomo.learners.base import Learner
from mattomo.materials import Materials
from mattomo.materials.registry import nearest
from mattomo.report.selected import words, write_selection
from mattomo.study.fits import Fits
from mattomo.study.problem import Problem, pose
from mattomo.study.store import Store


@dataclass(frozen=True)
class Choice:
    """A choice that may be announced before it is answered; made by `choose`.

    Attributes
    ----------
    folder : Path
        Of the study.
    problem : Problem
    rule : Rule
    alternatives, steadiness : bool
    costs : mapping of str to float
    """

    folder: Path
    problem: Problem
    rule: Rule
    alternatives: bool
    steadiness: bool
    costs: Mapping[str, float]

    @property
    def plan(self) -> Plan:
        """What it trains at most."""
        return plan(
            self.problem, alternatives=self.alternatives, steadiness=self.steadiness, costs=self.costs
        )

    @property
    def seeds(self) -> int:
        """Splits."""
        return len(self.problem.config.seeds)

    def run(
        self,
        workers: int | None = None,
        progress: Callable[[int], None] | None = None,
        executor: Executor | None = None,
    ) -> tuple[Selection, list[str], Path]:
        """Train what is missing and answer.

        Parameters
        ----------
        workers : int, optional
            Local processes; one a core by default. It does not change any number.
        progress : callable, optional
            Told the number of models known so far.
        executor : concurrent.futures.Executor, optional
            Where to train instead of local processes.

        Returns
        -------
        Selection, list of str, Path
            The numbers, the answer in words, and the folder with its tables.
        """
        with Fits(self.problem, self.folder, workers, executor, progress or (lambda _: None)) as fits:
            found = select(
                self.problem,
                fits,
                rule=self.rule,
                alternatives=self.alternatives,
                steadiness=self.steadiness,
                costs=self.costs,
            )
        names = (found.target, *found.properties)
        infos = {name: self.problem.prepared.columns[name].info for name in names}
        sentences = words(found, infos, Store(self.folder).relations())
        # Names of columns may be anything; the folder's name is for people, its content says all.
        name = re.sub(r"[^A-Za-z0-9_.+-]+", "_", f"{found.target}-{found.base}-{found.learner}")[:120]
        return found, sentences, write_selection(found, sentences, self.folder / "select" / name)


def choose(
    folder: str | os.PathLike[str],
    target: str,
    *,
    base: str | None = None,
    learner: str | Learner = "trees",
    properties: Sequence[str] | None = None,
    costs: Mapping[str, float] | None = None,
    tolerance: float = 0.01,
    alternatives: bool = True,
    steadiness: bool = True,
    materials: Materials | None = None,
    data: str | None = None,
) -> Choice:
    """Pose the choice among the properties of a study folder; see `mattomo.Results.select`."""
    if not (tolerance >= 0 and math.isfinite(tolerance)):
        raise InputError(
            "bits that may be lost are not negative",
            column="tolerance",
            value=tolerance,
            hint="0.01 is usual.",
        )
    problem = pose(
        folder, target, base=base, learner=learner, properties=properties, materials=materials, data=data
    )
    for name, cost in (costs or {}).items():
        if name not in problem.properties:
            hint = nearest(name, list(problem.properties))
            raise InputError(
                "no such property to choose from",
                file=os.fspath(folder),
                column="cost",
                value=name,
                hint=hint,
            )
        if not (cost >= 0 and math.isfinite(cost)):
            raise InputError(
                f"the cost of {name!r} is negative or no number",
                column="cost",
                value=cost,
                hint="0 means that the property is known already.",
            )
    return Choice(Path(folder), problem, Rule(tolerance), alternatives, steadiness, dict(costs or {}))
