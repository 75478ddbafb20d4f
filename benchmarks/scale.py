"""A large table: all models of one seed end to end, and the cost of an epoch against the size of the graphs.

    python benchmarks/scale.py TABLE.parquet --epochs 20 --representations composition
    python benchmarks/scale.py TABLE.parquet --sizes 1000,4000,16000,44459,95815

The first trains all models of one seed, 9 targets with 13 properties each, on the complete rows: time of
every step, and the most memory of the program and its workers together (pages they share count once). The
table needs the paper's 13 properties. The second trains three models of one target on random parts of the
table, each size in a process of its own, for few and for more epochs: their difference is the processor time
of an epoch, which should grow like the number of edges. It needs a target and two properties that all rows
have. Rows whose stored labels and structure disagree are left out where the table says so (columns cell_flag
and label_residual). Linux only.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import resource
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from large_table import consistent, usage

import mattomo as mt
from mattomo.keyed import generator
from mattomo.learners.cgcnn import CGCNN


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--representations", default="composition,structure")
    parser.add_argument("--learner", default="cgcnn", choices=["cgcnn", "trees"])
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--sizes", help="numbers of crystals: the cost of an epoch of three models at each")
    parser.add_argument("--target", default="density")
    parser.add_argument("--properties", default="formation_energy_per_atom,crystal_system")
    given = parser.parse_args()
    if given.sizes:
        sizes(given)
    else:
        full(given)


def full(given: argparse.Namespace) -> None:
    """All models of one seed."""
    with timed("reading"):
        materials = consistent(given.table)
    for representation in given.representations.split(","):
        study = mt.Study(
            materials,
            protocol="ortega-ochoa-2025",
            representations=(representation,),
            learners=(given.learner,),
            seeds=1,
            epochs=given.epochs,
            controls=(),
            swaps=0,
        )
        with timed(f"{representation}: rows, split, inputs"):
            plan = study.plan()
            rows = len(plan.prepared.materials)
        with tempfile.TemporaryDirectory() as folder, timed(f"{representation}: {plan.trainings} models"):
            results = study.run(Path(folder) / "study", workers=given.workers)
        assert results.run is not None
        if results.run.failed:
            raise SystemExit(f"failed: {results.run.failed}")
        epochs = f", {given.epochs} epochs" if given.learner == "cgcnn" else ""
        print(f"{representation}: {rows:,} materials, {given.learner}{epochs}", flush=True)


def sizes(given: argparse.Namespace) -> None:
    """Processor time of an epoch at every size."""
    print(f"{'crystals':>8} {'base':<11} {'edges':>10} {'s an epoch':>10} {'ns/edge/model':>13} {'MB':>6}")
    for representation in given.representations.split(","):
        for size in map(int, given.sizes.split(",")):
            spawned = multiprocessing.get_context("spawn")
            receiver, sender = spawned.Pipe(duplex=False)
            question = (given.table, size, representation, given.target, given.properties)
            process = spawned.Process(target=one_size, args=(sender, *question))
            process.start()
            sender.close()
            crystals, edges, seconds, models, peak = receiver.recv()
            process.join()
            each = seconds / edges / models * 1e9
            counts = f"{crystals:>8,} {representation:<11} {edges:>10,}"
            print(f"{counts} {seconds:>10.2f} {each:>13.0f} {peak:>6.0f}", flush=True)


def one_size(answer: object, path: Path, size: int, representation: str, target: str, names: str) -> None:
    """Crystals, their edges, processor seconds of an epoch, models, and MB at most."""
    materials = consistent(path)
    if size < len(materials):
        materials = materials.take(np.sort(generator("scale", size).permutation(len(materials))[:size]))
    plan = mt.Study(
        materials,
        targets=(target,),
        properties=tuple(names.split(",")),
        representations=(representation,),
        learners=("cgcnn",),
        seeds=1,
        controls=(),
        swaps=0,
    ).plan()
    unit = plan.unit(plan.units[0])
    used = np.concatenate([unit.split.train, unit.split.validation, unit.split.test])
    trained = unit.split.train
    edges = int(np.diff(plan.graphs[representation].edge_offsets)[trained].sum())
    few, more = 1, 1 + max(2, 40_000 // size)
    took = []
    for epochs in (few, few, more):  # the first compiles
        start = time.process_time()
        CGCNN(epochs=epochs).train(unit)
        took.append(time.process_time() - start)
    each = (took[2] - took[1]) / (more - few)
    answer.send((len(used), edges, each, len(unit.tasks), usage()[1] / 1e6))  # type: ignore[attr-defined]


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print the time by the clock, and of all processors, and the most memory this program and its children
    held meanwhile."""
    start, before, most, done = time.perf_counter(), processor_seconds(), [0.0], threading.Event()

    def watch() -> None:
        while True:
            most[0] = max(most[0], held())
            if done.wait(1.0):
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
        clock, used = time.perf_counter() - start, processor_seconds() - before
        print(f"{what}: {clock:.1f} s, processors {used:.1f} s, at most {most[0] / 1e9:.2f} GB", flush=True)


def processor_seconds() -> float:
    """Of this process and its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def held() -> float:
    """Bytes of this process and its descendants; shared pages once (proportional set size)."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    family, grown = {os.getpid()}, True
    while grown:
        found = {pid for pid, parent in parents.items() if parent in family} - family
        family, grown = family | found, bool(found)
    total = 0.0
    for pid in family:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += float(line.split()[1]) * 1024
    return total


if __name__ == "__main__":
    main()
