"""Models of sets of properties: any set added to one base, stored one file a model.

select/<id>.parquet             predictions of one set's model, and how they suffer from placebos
select/conditionals-<id>.parquet   what the base tells of each property

A file appears whole or not at all, carries the checksums of its pages, and depends on the data, the choices
and the seed alone: a run that is killed loses the models it was training, and two runs at once cost twice
the work and never a number.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from mattomo.atomic import write_bytes
from mattomo.errors import InputError
from mattomo.learners.base import Trained
from mattomo.learners.conditional import Conditional
from mattomo.projections.graphs import Floats
from mattomo.study import frames
from mattomo.study.pool import WorkerDied
from mattomo.study.problem import Problem
from mattomo.study.workers import default_workers, learn, local_workers, train

#: Models that a network trains at once.
_AT_ONCE = 16

_RISE = "rise "
#: A fit that ends its worker this often has failed.
_DEATHS = 2


@dataclass(frozen=True)
class Fit:
    """The model of one set of properties on one split.

    Attributes
    ----------
    seed : int
    added : tuple of str
    validation, test : ndarray of float64, shapes (n_validation,) and (n_test,)
        Predictions in the target's unit.
    rises : mapping of str to ndarray of float64, shape (n_validation,)
        By added property: mean absolute error of each validation row over its conditional placebos, less
        that of the row itself (the target's unit).
    """

    seed: int
    added: tuple[str, ...]
    validation: Floats
    test: Floats
    rises: Mapping[str, Floats]


@dataclass
class Fits:
    """The fits of a problem: those stored are read, the others trained by worker processes and stored.

    A context manager, which ends the workers.

    Parameters
    ----------
    problem : Problem
    folder : path
        Of the study.
    workers : int, optional
        Local processes, started when first needed; one a core by default.
    executor : concurrent.futures.Executor, optional
        Where to train instead.
    tell : callable, optional
        Told the number of models known so far, from one thread.
    """

    problem: Problem
    folder: Path
    workers: int | None = None
    executor: Executor | None = None
    tell: Callable[[int], None] = lambda _: None
    trained: int = 0
    _known: dict[tuple[int, tuple[str, ...]], Fit] = field(default_factory=dict)
    _conditionals: dict[int, dict[str, Conditional]] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Fits:
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def __call__(self, wanted: Sequence[tuple[int, tuple[str, ...]]]) -> list[Fit]:
        """Fits of (seed, set), in order; sets in the order of the candidates."""
        missing = [key for key in dict.fromkeys(wanted) if key not in self._known and not self._read(*key)]
        if missing:
            self.conditionals(sorted({seed for seed, _ in missing}))
            self._train(missing)
        return [self._known[key] for key in wanted]

    def conditionals(self, seeds: Sequence[int]) -> dict[int, dict[str, Conditional]]:
        """By seed: what the base tells of each candidate on the held-out rows."""
        jobs = {}
        for seed in seeds:
            if seed not in self._conditionals:
                found = frames.read_sealed(self._path(self.problem.conditionals_id(seed)))
                if found is None:
                    jobs[seed] = self._learning(seed)
                else:
                    self._conditionals[seed] = frames.conditionals_of(found[0], found[1]["properties"])
        for seed, (result, circumstances) in self._gather(jobs).items():
            ids = self.problem.prepared.materials.ids[self.problem.split(seed).test]
            content, rest = frames.conditionals(ids, result)
            table = pq.read_table(io.BytesIO(content))
            self._write(
                self.problem.conditionals_id(seed), table, {"properties": rest, **circumstances.environment}
            )
            self._conditionals[seed] = result
        return {seed: self._conditionals[seed] for seed in seeds}

    def _learning(self, seed: int) -> tuple[Any, ...]:
        p = self.problem
        return learn, p.table, p.base, p.columns(seed), p.split(seed), seed

    def _train(self, missing: Sequence[tuple[int, tuple[str, ...]]]) -> None:
        """Trees and estimators one by one; a network shares the batches of several models."""
        size = _AT_ONCE if self.problem.learner.reads == "graphs" else 1
        jobs = {}
        for seed in dict.fromkeys(seed for seed, _ in missing):
            sets = [added for other, added in missing if other == seed]
            for first in range(0, len(sets), size):
                part = tuple(sets[first : first + size])
                unit = self.problem.unit(seed, part, self._conditionals[seed])
                jobs[seed, part] = (train, self.problem.learner, unit, "")
        # Each is stored as soon as it is there: a kill loses only those in training.
        self._gather(jobs, self._keep)

    def _keep(self, job: tuple[int, tuple[tuple[str, ...], ...]], result: Any) -> None:
        seed, sets = job
        trained, circumstances = result
        for k, added in enumerate(sets):
            fit = _fit(self.problem, seed, added, trained, k)
            if not (np.isfinite(fit.validation).all() and np.isfinite(fit.test).all()):
                raise InputError(
                    f"the model of seed {seed} with {' + '.join(added) or 'nothing'} gives no numbers",
                    hint="It diverged: a smaller learning rate may help.",
                )
            about = {
                "target": self.problem.target,
                "seed": seed,
                "added": list(added),
                **circumstances.environment,
            }
            self._write(self.problem.fit_id(seed, added), _table(self.problem, fit), about)
            self._known[seed, added] = fit
            self.trained += 1
        self.tell(len(self._known))

    def _gather(
        self, jobs: Mapping[Any, tuple[Any, ...]], keep: Callable[[Any, Any], None] | None = None
    ) -> dict[Any, Any]:
        """Results of jobs by key, each handed to ``keep`` when it is there."""
        if not jobs:
            return {}
        if self.executor is None:
            n = self.workers or default_workers()
            self.executor = self._stack.enter_context(local_workers(n))
        flying: dict[Future[Any], Any] = {self.executor.submit(*job): key for key, job in jobs.items()}
        deaths: dict[Any, int] = {}
        results = {}
        while flying:
            for future in wait(flying, return_when=FIRST_COMPLETED).done:
                key = flying.pop(future)
                try:
                    result = future.result()
                except WorkerDied as error:
                    deaths[key] = deaths.get(key, 0) + 1
                    if deaths[key] == _DEATHS:
                        hint = "What is finished is stored: the same command goes on."
                        raise InputError(f"a model cannot be trained: {error}", hint=hint) from None
                    flying[self.executor.submit(*jobs[key])] = key
                    continue
                if keep is None:
                    results[key] = result
                else:
                    keep(key, result)
        return results

    def _path(self, name: str) -> Path:
        return self.folder / "select" / f"{name}.parquet"

    def _write(self, name: str, table: pa.Table, about: Mapping[str, Any]) -> None:
        try:
            write_bytes(self._path(name), frames.sealed(table, about))
        except OSError as error:
            raise InputError(
                f"cannot write into the study folder: {error.strerror or error}",
                file=os.fspath(self.folder),
                hint="Choose a folder you may write to, on a disk with room.",
            ) from None

    def _read(self, seed: int, added: tuple[str, ...]) -> bool:
        """Whether a fit is stored and whole; then it is known."""
        found = frames.read_sealed(self._path(self.problem.fit_id(seed, added)))
        if found is None:
            return False
        frame = found[0].to_pandas()
        on = {part: frame[frame["part"] == part] for part in ("validation", "test")}
        self._known[seed, added] = Fit(
            seed=seed,
            added=added,
            validation=on["validation"]["predicted"].to_numpy(np.float64),
            test=on["test"]["predicted"].to_numpy(np.float64),
            rises={name: on["validation"][_RISE + name].to_numpy(np.float64) for name in added},
        )
        self.tell(len(self._known))
        return True


def _fit(problem: Problem, seed: int, added: tuple[str, ...], trained: Trained, k: int) -> Fit:
    rows = problem.prepared.splits[seed]
    first = len(rows.validation)
    true = problem.prepared.columns[problem.target].values[rows.validation].astype(np.float64)
    held = trained.test[k].astype(np.float64)
    own = np.abs(held[:first] - true)
    # A learner may make no predictions under placebos: then nothing guides the order.
    drawn = {name: trained.swapped.get((k, name)) for name in added}
    rises = {
        name: np.zeros(first)
        if swapped is None
        else np.abs(swapped[:, :first].astype(np.float64) - true).mean(axis=0) - own
        for name, swapped in drawn.items()
    }
    # In the precision in which they are stored: a selection that goes on sees the same numbers.
    single = {name: values.astype(np.float32).astype(np.float64) for name, values in rises.items()}
    return Fit(seed, added, held[:first], held[first:], single)


def _table(problem: Problem, fit: Fit) -> pa.Table:
    rows, n_test = problem.split(fit.seed).test, len(fit.test)
    nothing = np.full(n_test, np.nan, dtype=np.float32)
    frame = pd.DataFrame(
        {
            "id": problem.prepared.materials.ids[rows],
            "part": ["validation"] * len(fit.validation) + ["test"] * n_test,
            "true": problem.prepared.columns[problem.target].values[rows].astype(np.float64),
            "predicted": np.concatenate([fit.validation, fit.test]),
            **{
                _RISE + name: np.concatenate([values.astype(np.float32), nothing])
                for name, values in fit.rises.items()
            },
        }
    )
    return pa.Table.from_pandas(frame, preserve_index=False)
