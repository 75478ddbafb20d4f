"""Predicted against measured time and memory of whole units, at several sizes of a table.

    python benchmarks/planner.py TABLE.parquet --sizes 1000,4000,16000,44459

The table needs the paper's 13 properties; rows whose stored labels and structure disagree are left out where
it says so (columns cell_flag and label_residual), the others are drawn from those that are complete. Every
unit is trained in a worker process of its own: processor seconds of that process from its start to the
trained unit, and the most memory it held (VmHWM: pages of mapped files count). Planned seconds are times the
pace of the machine, measured before every unit. How many trees grow is decided by early stopping: for trees
ask for all targets (--targets 9), whose sum is what can be foreseen. Linux only.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from large_table import consistent, usage

import mattomo as mt
from mattomo.keyed import generator
from mattomo.materials import Materials
from mattomo.materials.registry import PAPER_PROPERTIES, resolve
from mattomo.study.locks import Claims
from mattomo.study.pace import of_graphs, of_tables
from mattomo.study.plan import Plan
from mattomo.study.shared import shared
from mattomo.study.units import PlannedConditional, PlannedUnit
from mattomo.study.workers import learn, local_workers, train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("--sizes", default="1000,4000,16000,44459")
    parser.add_argument("--representations", default="composition,structure")
    parser.add_argument("--kinds", default="cgcnn,trees,conditionals")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--target", default="band_gap")
    parser.add_argument("--targets", type=int, default=1, help="of trees: how many to add up")
    parser.add_argument("--swaps", type=int, default=20)
    given = parser.parse_args()
    materials = complete(given.table)
    print(f"{len(materials):,} complete rows; pace of graphs {of_graphs():.2f}, of tables {of_tables():.2f}")
    print(f"{'materials':>9} {'base':<11} {'unit':<12} {'models':>6} {'s':>8} {'plan':>8} {'':>6}", end="")
    print(f" {'MB':>6} {'plan':>6}")
    worst = {"seconds": 1.0, "bytes": 1.0}
    for size in map(int, given.sizes.split(",")):
        rows = np.sort(generator("planner", size).permutation(len(materials))[:size])
        for representation in given.representations.split(","):
            for kind in given.kinds.split(","):
                study = mt.Study(
                    materials.take(rows),
                    protocol="ortega-ochoa-2025",
                    representations=(representation,),
                    learners=("trees" if kind == "conditionals" else kind,),
                    seeds=1,
                    epochs=given.epochs,
                    swaps=given.swaps,
                )
                ratio = measure(study.plan(), kind, given)
                worst = {key: max(worst[key], ratio[key]) for key in worst}
    print(f"worst: time {worst['seconds']:.2f} times off, memory {worst['bytes']:.2f}")


def complete(path: Path) -> Materials:
    """The rows that have all properties of the paper and a structure."""
    materials = consistent(path)
    good = materials.structures.present
    for name in PAPER_PROPERTIES:
        good = good & ~materials.columns[resolve(name, materials.columns)].missing
    return materials.take(np.flatnonzero(good))


def measure(plan: Plan, kind: str, given: argparse.Namespace) -> dict[str, float]:
    """Train one unit (of trees: of several targets) in a fresh worker and print one line."""
    if kind == "conditionals":
        chosen: list[Any] = [plan.conditionals[0]]
    else:
        chosen = [unit for unit in plan.units if unit.target == given.target]
        if kind == "trees":
            chosen += [unit for unit in plan.units if unit.target != given.target][: given.targets - 1]
    costs = [plan.cost(unit) for unit in chosen]
    slower = of_graphs() if kind == "cgcnn" else of_tables()
    planned = (costs[0].start + sum(cost.seconds for cost in costs)) * slower
    held = max(cost.private for cost in costs) + costs[0].shared
    with (
        tempfile.TemporaryDirectory() as place,
        Claims(Path(place) / "running") as claims,
        shared(plan, Path(place) / "shared", claims) as mapped,
    ):
        seconds, peak = trained(mapped, chosen)
    first = chosen[0]
    models = len(first.names) if kind == "conditionals" else sum(len(unit.tasks) for unit in chosen)
    print(
        f"{len(plan.prepared.materials):>9,} {first.representation:<11} {kind:<12} {models:>6} "
        f"{seconds:>8.1f} {planned:>8.1f} {planned / seconds:>6.2f} "
        f"{peak / 1e6:>6.0f} {held / 1e6:>6.0f} {held / peak:>6.2f}",
        flush=True,
    )
    return {
        "seconds": max(planned / seconds, seconds / planned),
        "bytes": max(held / peak, peak / held),
    }


def trained(plan: Plan, chosen: list[PlannedUnit | PlannedConditional]) -> tuple[float, float]:
    """Processor seconds and peak memory of a worker that makes all of ``chosen``."""
    with local_workers(1, lambda *_: None) as pool:
        for planned in chosen:
            if isinstance(planned, PlannedConditional):
                pool.submit(learn, *plan.question(planned)).result()
                continue
            known = None
            if plan.config.swaps:
                known = stand_ins(plan, planned)
            unit, learner = plan.unit(planned, known), plan.learners[planned.learner]
            pool.submit(train, learner, unit, planned.id).result()
        return pool.submit(usage).result()


def stand_ins(plan: Plan, planned: PlannedUnit) -> Any:
    """Conditionals that cost nothing to learn: of all training rows alike."""
    from mattomo.learners.conditional import Conditional

    needed = plan.needs(planned)
    assert needed is not None
    _, _, columns, split, _ = plan.question(needed)
    found = {}
    for name, column in columns.items():
        if column.info.kind == "category":
            levels, counts = np.unique(column.values[split.train].astype(np.str_), return_counts=True)
            shares = np.tile((counts / counts.sum()).astype(np.float32), (len(split.test), 1))
            found[name] = Conditional(levels=levels, probabilities=shares)
        else:
            values = column.values[split.train].astype(np.float64)
            found[name] = Conditional(np.full(len(split.test), values.mean()), float(values.std()))
    return found


if __name__ == "__main__":
    main()
