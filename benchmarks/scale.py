"""A large table end to end: read, build graphs, train one epoch of all models of one seed; time and memory.

    python benchmarks/scale.py TABLE.parquet --workers 2

The table needs the paper's 13 properties. Rows whose stored labels and structure disagree are left out where
the table says so (columns cell_flag and label_residual).
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import mattomo as mt


@contextmanager
def timed(what: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{what}: {time.perf_counter() - start:.1f} s (this process at most {peak:.2f} GB)", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--representations", default="composition,structure")
    arguments = parser.parse_args()
    with timed("reading"):
        materials, quarantine = mt.read(arguments.table)
    good = np.ones(len(materials), dtype=bool)
    if "cell_flag" in materials.columns:
        good &= materials.columns["cell_flag"].values != "mismatch"
    if "label_residual" in materials.columns:
        good &= ~(materials.columns["label_residual"].values > 0.02)
    alone, share = mt.one_to_one_share(materials)
    print(f"{len(materials):,} rows, {len(quarantine):,} quarantined, {alone:,} one-to-one ({share:.2%})")
    materials = materials.take(np.flatnonzero(good))
    for representation in arguments.representations.split(","):
        study = mt.Study(
            materials,
            protocol="ortega-ochoa-2025",
            representations=(representation,),
            seeds=1,
            epochs=arguments.epochs,
        )
        with timed(f"{representation}: rows, splits, graphs"):
            plan = study.plan()
        graphs = plan.graphs[representation]
        print(
            f"{len(graphs):,} materials, {len(graphs.Z) / len(graphs):.1f} nodes and "
            f"{len(graphs.centre) / len(graphs):.1f} edges each; {plan.trainings} models"
        )
        with tempfile.TemporaryDirectory() as folder, timed(f"{representation}: {arguments.epochs} epochs"):
            results = study.run(Path(folder) / "study", workers=arguments.workers)
        assert results.run is not None
        if results.run.failed:
            raise SystemExit(f"failed: {results.run.failed}")
        seconds = results.errors["seconds"].sum()
        print(f"{representation}: {seconds:.0f} s over all models, {seconds / plan.trainings:.2f} s each")
        children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
        print(f"{representation}: largest worker {children:.2f} GB")


if __name__ == "__main__":
    main()
