"""Descriptors and trees: speed, the choice of the library and of its loss, growth with rows.

    python benchmarks/trees.py                       # the 1,000 crystals that come with the package
    python benchmarks/trees.py --growth mp2019.parquet

1. Descriptors a second on one core, with and without the crystal graphs.
2. LightGBM against scikit-learn's HistGradientBoostingRegressor, squared against absolute loss, with the
   same learning rate, rounds, patience and fewest rows in a leaf; 3 seeds. Processor time a fit and mean
   absolute errors. Candidates are ranked by validation error: its geometric mean over targets and
   representations, relative to the default of `Trees`.
3. With ``--growth``: processor time a fit at 1k, 4k, 16k and 44k rows, and of a unit by number of properties.

Everything runs on one thread.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from large_table import consistent
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor

import mattomo as mt
from mattomo.learners.base import Split, Task, Unit
from mattomo.learners.trees import Trees
from mattomo.projections import crystal_graphs
from mattomo.projections.descriptors import Table, composition_descriptors
from mattomo.projections.geometry import structure_descriptors
from mattomo.study.config import study_config
from mattomo.study.prepare import Prepared, prepare

TARGETS = ("band_gap", "formation_energy_per_atom", "density", "volume", "e_above_hull")
GROWTH = (1_000, 4_000, 16_000, 44_000)
Floats = NDArray[np.float64]


def trees(**choices: Any) -> Callable[[Unit], tuple[Floats, Floats, int]]:
    """Predictions for validation and test rows, and rounds, of the baseline by `Trees`."""

    def fit(unit: Unit) -> tuple[Floats, Floats, int]:
        trained = Trees(**choices).train(unit)
        return trained.validation[0], trained.test[0], len(trained.validation_mae)

    return fit


def histogram(loss: str, **choices: Any) -> Callable[[Unit], tuple[Floats, Floats, int]]:
    """The same by scikit-learn."""

    def fit(unit: Unit) -> tuple[Floats, Floats, int]:
        inputs, split = unit.base.values, unit.split
        y = unit.columns[unit.tasks[0].target].values.astype(np.float64)
        mean, scale = y[split.train].mean(), y[split.train].std()
        z = (y - mean) / scale
        defaults = Trees()
        model = HistGradientBoostingRegressor(
            loss=loss,
            learning_rate=defaults.learning_rate,
            max_iter=defaults.rounds,
            n_iter_no_change=defaults.patience,
            min_samples_leaf=defaults.least_in_leaf,
            max_bins=defaults.bins,
            early_stopping=True,
            scoring="neg_mean_absolute_error",
            random_state=unit.seed,
            **choices,
        )
        model.fit(
            inputs[split.train], z[split.train], X_val=inputs[split.validation], y_val=z[split.validation]
        )
        held, out = (model.predict(inputs[rows]) * scale + mean for rows in (split.validation, split.test))
        return held, out, model.n_iter_

    return fit


CANDIDATES = {
    "LightGBM, squared": trees(),
    "LightGBM, absolute": trees(loss="absolute"),
    "LightGBM, squared, 15 leaves": trees(leaves=15),
    "LightGBM, squared, 255 bins": trees(bins=255),
    "LightGBM, squared, bagging 0.7": trees(bagging=0.7),
    "scikit-learn, squared": histogram("squared_error", max_leaf_nodes=8),
    "scikit-learn, absolute": histogram("absolute_error", max_leaf_nodes=8),
}


def processor_time(work: Callable[[], object]) -> float:
    """Seconds of this process."""
    start = time.process_time()
    work()
    return time.process_time() - start


def descriptors() -> None:
    """Print crystals a second."""
    materials = mt.load("mp1000")
    composition_descriptors(materials)
    print("| descriptors | materials/s a core |\n|---|---|")
    cases: dict[str, Callable[[], object]] = {
        "composition": lambda: composition_descriptors(materials),
        "structure, building the graphs included": lambda: structure_descriptors(materials),
    }
    for name, quotient in (("merged", True), ("full", False)):
        graphs = crystal_graphs(materials.structures, quotient=quotient)
        cases[f"structure, from {name} graphs"] = lambda graphs=graphs: structure_descriptors(
            materials, graphs=graphs
        )
    for name, work in cases.items():
        print(f"| {name} | {len(materials) / min(processor_time(work) for _ in range(3)):,.0f} |")


def tables(prepared: Prepared) -> dict[str, Table]:
    """Both base representations."""
    return {
        "composition": composition_descriptors(prepared.materials),
        "structure": structure_descriptors(prepared.materials),
    }


def compare() -> None:
    """Print the candidates."""
    config = study_config({"data": "mp1000", "protocol": "ortega-ochoa-2025", "seeds": 3})
    prepared = prepare(mt.load("mp1000"), config)
    units = [
        Unit(name, table, prepared.columns, split, seed, (Task(target),))
        for name, table in tables(prepared).items()
        for target in TARGETS
        for seed, split in prepared.splits.items()
    ]
    places = [f"{name[:4]} {target}" for name in ("composition", "structure") for target in TARGETS]
    print("\n| candidate | s/fit | rounds | validation | test | " + " | ".join(places) + " |")
    print("|" + "---|" * (5 + len(places)))
    reference = None
    for name, fit in CANDIDATES.items():
        start, errors, rounds = time.process_time(), [], []
        for unit in units:
            held, out, n = fit(unit)
            y = unit.columns[unit.tasks[0].target].values.astype(np.float64)
            split = unit.split
            errors.append([abs(held - y[split.validation]).mean(), abs(out - y[split.test]).mean()])
            rounds.append(n)
        seconds = (time.process_time() - start) / len(units)
        # By place, mean over the seeds: validation, test.
        mae = np.array(errors).reshape(len(places), -1, 2).mean(axis=1)
        reference = mae if reference is None else reference
        validation, test = np.exp(np.log(mae / reference).mean(axis=0))
        cells = [name, f"{seconds:.2f}", f"{np.mean(rounds):.0f}", f"{validation:.3f}", f"{test:.3f}"]
        print("| " + " | ".join([*cells, *(f"{v:.4g} / {t:.4g}" for v, t in mae)]) + " |")

    pairs = len(config.targets) * (len(config.properties) + 1) * 5 * 2
    tasks = (Task(TARGETS[0]), *(Task(TARGETS[0], (added,)) for added in config.properties))
    whole = [replace(units[k], tasks=tasks) for k in (0, 3 * len(TARGETS))]
    seconds = sum(processor_time(lambda u=u: Trees().train(u)) for u in whole) / 2 / len(tasks)  # type: ignore
    print(
        f"\nUnits of {len(tasks)} tasks: {seconds:.3f} s a fit; {pairs} fits of a grid with 5 seeds: ", end=""
    )
    print(f"{seconds * pairs:.0f} s of one core")


def growth(path: Path) -> None:
    """Print the time of a fit by rows."""
    config = study_config({"data": str(path), "protocol": "ortega-ochoa-2025", "seeds": 1})
    prepared = prepare(consistent(path), config)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(prepared.materials))
    print("\n| rows | representation | descriptors, s | s/fit, 2 tasks | band gap | formation energy |")
    print("|---|---|---|---|---|---|")
    for rows in GROWTH:
        chosen = np.sort(order[:rows])
        part = replace(
            prepared,
            materials=prepared.materials.take(chosen),
            columns={name: column.take(chosen) for name, column in prepared.columns.items()},
        )
        k = len(chosen)
        a, b = round(0.6 * k), round(0.8 * k)
        mixed = rng.permutation(k)
        split = Split(*(np.sort(x) for x in (mixed[:a], mixed[a:b], mixed[b:])))
        for name, describe in (
            ("composition", composition_descriptors),
            ("structure", structure_descriptors),
        ):
            start = time.process_time()
            table = describe(part.materials)
            described = time.process_time() - start
            errors, seconds = [], []
            for target in ("band_gap", "formation_energy_per_atom"):
                tasks = (Task(target), Task(target, ("density",)))
                unit = Unit(name, table, part.columns, split, 0, tasks)
                start = time.process_time()
                trained = Trees().train(unit)
                seconds.append((time.process_time() - start) / len(tasks))
                y = part.columns[target].values[split.test].astype(np.float64)
                errors.append(abs(trained.test[0] - y).mean())
            mae = " | ".join(f"{e:.3f} eV" for e in errors)
            print(f"| {k:,} | {name} | {described:.1f} | {np.mean(seconds):.2f} | {mae} |", flush=True)
    properties(prepared, np.sort(order[: GROWTH[0]]))


def properties(prepared: Prepared, chosen: NDArray[np.int64]) -> None:
    """Print the time of a unit by number of added properties."""
    table = composition_descriptors(prepared.materials.take(chosen))
    columns = {name: column.take(chosen) for name, column in prepared.columns.items()}
    mixed = np.random.default_rng(1).permutation(len(chosen))
    split = Split(*(np.sort(x) for x in np.split(mixed, [len(mixed) * 3 // 5, len(mixed) * 4 // 5])))
    print("\n| added properties | s/unit | s/model |")
    print("|---|---|---|")
    for n in (0, 1, 3, 6, 12):
        names = [name for name in prepared.properties if name != "band_gap"][:n]
        tasks = (Task("band_gap"), *(Task("band_gap", (name,)) for name in names))
        start = time.process_time()
        Trees().train(Unit("composition", table, columns, split, 0, tasks))
        seconds = time.process_time() - start
        print(f"| {n} | {seconds:.2f} | {seconds / len(tasks):.3f} |", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--growth", type=Path, help="a large table with the paper's 13 properties")
    path = parser.parse_args().growth
    if path is not None:
        growth(path)
        return
    descriptors()
    compare()


if __name__ == "__main__":
    main()
