"""Training on one part of a table to predict another: does what was learned there hold here?

All parts share one split by formula a seed: a part trains on its share of the training rows, and every part
is tested on its share of the test rows, so that overlapping parts tell each other nothing of their test rows.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, as_completed
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from mattomo.atomic import write_bytes
from mattomo.errors import InputError
from mattomo.learners.base import Split, Task, Trained, Unit
from mattomo.learners.trees import Trees
from mattomo.study import frames
from mattomo.study.identity import digest
from mattomo.study.plan import Plan
from mattomo.study.splits import LEAST_HELD, LEAST_TRAIN, split_rows
from mattomo.study.workers import train

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclasses.dataclass(frozen=True)
class Sent:
    """What models trained on one part say of the test rows of all parts; K added properties.

    Attributes
    ----------
    part, representation, target : str
    seed : int
    added : tuple of K str
    split : Split
        Training and validation rows of the part, test rows of the whole table.
    validation, test : ndarray of float64, shapes (K + 1, n_validation) and (K + 1, n_test)
        Predictions, the baseline's first.
    """

    part: str
    representation: str
    target: str
    seed: int
    added: tuple[str, ...]
    split: Split
    validation: Floats
    test: Floats


def part_splits(plan: Plan, parts: Mapping[str, Flags]) -> dict[tuple[str, int], Split]:
    """Rows of each part and seed.

    Parameters
    ----------
    plan : Plan
        Of the whole table, n materials.
    parts : mapping of str to ndarray of bool, shape (n,)

    Raises
    ------
    InputError
        A part has too few training, validation or test rows.
    """
    materials, fractions = plan.prepared.materials, plan.config.fractions
    found = {}
    for seed in plan.config.seeds:
        whole = split_rows(materials, "formula", fractions, seed)
        for name, inside in parts.items():
            own = {
                "training": (whole.train[inside[whole.train]], LEAST_TRAIN),
                "validation": (whole.validation[inside[whole.validation]], LEAST_HELD),
                "test": (whole.test[inside[whole.test]], LEAST_HELD),
            }
            for word, (rows, least) in own.items():
                if len(rows) < least:
                    raise InputError(
                        f"this subset has {len(rows)} {word} rows of seed {seed}; {least} are needed",
                        file=materials.source,
                        value=name,
                        hint="Widen its condition, or bring more rows.",
                    )
            found[name, seed] = Split(own["training"][0], own["validation"][0], whole.test)
    return found


def transfers(
    plan: Plan,
    parts: Mapping[str, Flags],
    folder: Path,
    *,
    executor: Executor | None = None,
    tell: Callable[[int, int], None] | None = None,
) -> Iterator[Sent]:
    """Train trees on every part and predict the test rows of all; what the folder holds is not trained again.

    Parameters
    ----------
    plan : Plan
        Of the whole table, with trees.
    parts : mapping of str to ndarray of bool, shape (n,)
    folder : path
        Where predictions are kept, one file a part, representation, target and seed.
    executor : concurrent.futures.Executor, optional
        Where to train.
    tell : callable, optional
        Is told units done and in all.
    """
    splits = part_splits(plan, parts)
    config, columns = plan.config, plan.prepared.columns
    learner = Trees()
    names = tuple(name for name in config.properties)
    jobs = []
    for part, representation, target, seed in product(
        parts, config.representations, config.targets, config.seeds
    ):
        added = tuple(name for name in names if name != target)
        split, table = splits[part, seed], plan.tables[representation]
        identity = digest(
            {
                "table": table.fingerprint(),
                "columns": {name: _hash(columns[name].values) for name in (target, *added)},
                "rows": [_hash(rows) for rows in (split.train, split.validation, split.test)],
                "learner": [learner.name, learner.version, learner.settings()],
                "seed": seed,
                "representation": representation,
                "added": added,
            }
        )
        words = f"{_plain(part)}-{_plain(representation)}-{_plain(target)}-seed{seed}"
        path = folder / f"{words}-{identity[:12]}.parquet"
        jobs.append((Sent(part, representation, target, seed, added, split, *_nothing()), path))

    def unit(sent: Sent) -> Unit:
        tasks = (Task(sent.target), *(Task(sent.target, (name,)) for name in sent.added))
        used = {name: columns[name] for name in (sent.target, *sent.added)}
        return Unit(sent.representation, plan.tables[sent.representation], used, sent.split, sent.seed, tasks)

    kept = {path: found for sent, path in jobs if (found := _read(path, sent)) is not None}
    missing = {path: sent for sent, path in jobs if path not in kept}

    def made() -> Iterator[tuple[Path, Trained]]:
        if executor is None:
            yield from ((path, learner.train(unit(sent))) for path, sent in missing.items())
            return
        flying = {executor.submit(train, learner, unit(s), path.stem): path for path, s in missing.items()}
        yield from ((flying[future], future.result()[0]) for future in as_completed(flying))

    if tell is not None and kept:
        tell(len(kept), len(jobs))
    # Written as they come, in whatever order: what is finished when a run ends early is not made again.
    for path, trained in made():
        kept[path] = (trained.validation, trained.test)
        write_bytes(path, _bytes(*kept[path]))
        if tell is not None:
            tell(len(kept), len(jobs))
    for sent, path in jobs:
        yield dataclasses.replace(sent, validation=kept[path][0], test=kept[path][1])


def _nothing() -> tuple[Floats, Floats]:
    return np.zeros((0, 0)), np.zeros((0, 0))


def _hash(values: NDArray[Any]) -> str:
    if values.dtype.kind == "U":
        return hashlib.sha256("\x1f".join(values.tolist()).encode()).hexdigest()
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


def _plain(words: str) -> str:
    return "".join(c if c.isalnum() or c in "._+" else "_" for c in words)[:40]


def _bytes(validation: Floats, test: Floats) -> bytes:
    both = np.concatenate([validation, test], axis=1)
    frame = pd.DataFrame({str(k): row for k, row in enumerate(both)})
    frame["test"] = np.arange(both.shape[1]) >= validation.shape[1]
    return frames.sealed(pa.Table.from_pandas(frame, preserve_index=False), {})


def _read(path: Path, sent: Sent) -> tuple[Floats, Floats] | None:
    """Predictions kept in a file; a damaged one is made again."""
    found = frames.read_sealed(path)
    if found is None or "test" not in found[0].column_names:
        return None
    frame = found[0].to_pandas()
    test = frame.pop("test").to_numpy(dtype=bool)
    values = frame.to_numpy(dtype=np.float64).T
    expected = (len(sent.added) + 1, len(sent.split.validation), len(sent.split.test))
    if (len(values), int((~test).sum()), int(test.sum())) != expected:
        return None
    return values[:, ~test], values[:, test]
