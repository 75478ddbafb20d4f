"""Guided backward elimination against greedy forward selection where the minimal set is known, with trees.

    python benchmarks/selection.py
    python benchmarks/selection.py --rows 1500 --repeats 4 --splits 2 --workers 2 --json

A base of ten columns r0 ... r9 and thirteen properties; the target is

    sin(2 r0) + r1 + r2 r3 / 2 + 0.8 a0 + 0.72 |a1| + 0.9 sign(a2) sign(a3) + 0.4 e

a0, a1     tell something by themselves (a1 nothing of the sign that a linear model would see)
a2, a3     tell something only together: the exclusive or of their signs
a4         a copy of a0 with a little noise: one of the two is enough
a5         sin(2 r0) + r1: the base determines it; learners that find it badly in the base may keep it
a6, a7     correlated with a1 and a2, tell nothing beside them
a8 ... a12 noise

A set is right if it holds a0 or a4, not both, a1, a2 and a3, and no other property but perhaps a5, which is
convenience and no information. Printed are sets, models a split, and bits on test rows. Everything goes
through the functions that `mattomo select` runs.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

import mattomo as mt
from mattomo.information.elimination import eliminate, forward, together
from mattomo.information.selection import Judge
from mattomo.information.sufficiency import stability
from mattomo.keyed import generator
from mattomo.learners.trees import Trees
from mattomo.study.config import study_config
from mattomo.study.fits import Fits
from mattomo.study.prepare import prepare
from mattomo.study.problem import Problem, problem

BASE, PROPERTIES = 10, 13
ELEMENTS = ["Li", "Na", "K", "Rb", "Cs", "Be", "Mg", "Ca", "Sr", "Ba"]


def world(rows: int, repeat: int) -> pd.DataFrame:
    """A table of materials, each of its own formula."""
    rng = generator("selection world", repeat)
    r, a = rng.normal(size=(rows, BASE)), rng.normal(size=(rows, PROPERTIES))
    noise = rng.normal(size=(rows, 4))
    a[:, 4] = a[:, 0] + 0.05 * noise[:, 0]
    a[:, 5] = np.sin(2 * r[:, 0]) + r[:, 1]
    a[:, 6] = 0.7 * a[:, 1] + 0.7 * noise[:, 1]
    a[:, 7] = 0.7 * a[:, 2] + 0.7 * noise[:, 2]
    target = a[:, 5] + 0.5 * r[:, 2] * r[:, 3] + 0.8 * a[:, 0] + 0.72 * np.abs(a[:, 1])
    target += 0.9 * np.sign(a[:, 2]) * np.sign(a[:, 3]) + 0.4 * noise[:, 3]
    k = np.arange(rows)
    formulas = [f"{ELEMENTS[i % 10]}{i // 10 % 60 + 1}O{i // 600 + 1}" for i in k]
    columns = {f"r{i}": r[:, i] for i in range(BASE)} | {f"a{i}": a[:, i] for i in range(PROPERTIES)}
    return pd.DataFrame({"id": [f"m{i:06d}" for i in k], "formula": formulas, **columns, "target": target})


def posed(rows: int, repeat: int, splits: int, folder: Path) -> Problem:
    """The choice among the properties of a world."""
    path = folder / f"world{repeat}.parquet"
    world(rows, repeat).to_parquet(path)
    config = study_config(
        {
            "data": str(path),
            "targets": ["target"],
            "properties": [f"a{i}" for i in range(PROPERTIES)],
            "representations": ["base"],
            "tables": {"base": ["r*"]},
            "learners": ["trees"],
            "seeds": splits,
        }
    )
    prepared = prepare(mt.read(path)[0], config)
    return problem(prepared, config, Trees(), "target", "base", config.properties)


def is_right(found: Sequence[str]) -> bool:
    """Whether a set is minimal and sufficient, a5 apart."""
    return set(found) - {"a0", "a4", "a5"} == {"a1", "a2", "a3"} and ("a0" in found) != ("a4" in found)


def simulate(
    rows: int, repeat: int, splits: int, *, workers: int | None = None, with_forward: bool = True
) -> dict[str, Any]:
    """What both searches find in one world."""
    with tempfile.TemporaryDirectory() as name:
        posed_here = posed(rows, repeat, splits, Path(name))
        with Fits(posed_here, Path(name), workers) as fits:
            judge, every = Judge(posed_here, fits), list(range(splits))
            (path,) = together([(eliminate(posed_here.candidates, judge.rows), every)], judge.ask)
            judge.ask([(j, ()) for j in every])
            base, full, own = (judge.pooled(s) for s in ((), path.candidates, path.selected))
            result = {
                "repeat": repeat,
                "selected": list(path.selected),
                "right": is_right(path.selected),
                "models": len(path.steps) + 1,
                "asked_again": sum(step.again for step in path.steps),
                "bits": judge.rows.loss(base, own, "test").bits,
                "bits_of_all": judge.rows.loss(base, full, "test").bits,
            }
            if with_forward:
                before = judge.known
                (found,) = together([(forward(posed_here.candidates, judge.rows), every)], judge.ask)
                result |= {
                    "forward": list(found),
                    "forward_right": is_right(found),
                    "forward_models": (judge.known - before) // splits,
                    "forward_bits": judge.rows.loss(base, judge.pooled(found), "test").bits,
                }
        return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--json", action="store_true", help="one JSON document")
    given = parser.parse_args()
    found = []
    for repeat in range(given.repeats):
        found.append(simulate(given.rows, repeat, given.splits, workers=given.workers))
        if not given.json:
            each = found[-1]
            print(
                f"{repeat}: backward {' '.join(each['selected'])} "
                f"({'right' if each['right'] else 'wrong'}, {each['models']} models a split, "
                f"{each['bits']:.2f} bits of {each['bits_of_all']:.2f}); forward "
                f"{' '.join(each['forward'])} ({'right' if each['forward_right'] else 'wrong'}, "
                f"{each['forward_models']} more models, {each['forward_bits']:.2f} bits)",
                flush=True,
            )
    names = [f"a{i}" for i in range(PROPERTIES)]
    steady = {key: stability([each[key] for each in found], names) for key in ("selected", "forward")}
    if given.json:
        print(json.dumps({"rows": given.rows, "splits": given.splits, "repeats": found, "stability": steady}))
        return
    right = [sum(each[key] for each in found) for key in ("right", "forward_right")]
    print(f"right in {given.repeats}: backward {right[0]}, forward {right[1]}")
    print(f"stability over repeats: backward {steady['selected']:.2f}, forward {steady['forward']:.2f}")


if __name__ == "__main__":
    main()
