"""Identity of a large table: processor time and memory of I(R;M), identification, floors and relations.

python benchmarks/identity.py TABLE.parquet
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

import mattomo as mt
from mattomo.information.floor import polymorph_floors
from mattomo.information.identification import default_properties, identification
from mattomo.information.identity import representation_identity
from mattomo.information.relations import relations


@contextmanager
def timed(what: str) -> Iterator[None]:
    start, wall = time.process_time(), time.perf_counter()
    yield
    used, passed = time.process_time() - start, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{what}: {used:.1f} s of processor, {passed:.1f} s of wall, at most {peak:.2f} GB", flush=True)


def filled(materials: mt.Materials, names: tuple[str, ...]) -> mt.Materials:
    """Missing values replaced by values of other rows, so that all rows take part: a test of speed only."""
    rng = np.random.default_rng(0)
    columns = dict(materials.columns)
    for name in names:
        column = columns[name]
        values = column.values.copy()
        values[column.missing] = rng.choice(column.values[~column.missing], int(column.missing.sum()))
        columns[name] = replace(column, values=values, missing=np.zeros(len(values), dtype=bool))
    return replace(materials, columns=columns)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    arguments = parser.parse_args()
    with timed("reading"):
        materials, _ = mt.read(arguments.table)
    names = default_properties(materials)
    for tolerance in (0.001, 0.01, 0.1):
        with timed(f"I(R;M) of {len(materials):,} rows, tolerance {tolerance} Å"):
            found = representation_identity(materials, tolerance=tolerance)
        print({name: round(value.bits, 4) for name, value in found.items()})
    with timed("floors"):
        polymorph_floors(materials)
    with timed("relations"):
        print(f"{len(relations(materials))} relations")
    everyone = filled(materials, names)
    with timed(f"identification, {len(everyone):,} rows, {len(names)} properties"):
        identification(everyone, names)


if __name__ == "__main__":
    main()
