"""Time and memory to read, check and turn into quotient graphs a table with structures.

    python benchmarks/ingest.py TABLE.parquet

One process, no pool: the three parts are timed one after the other, wall clock and processor time (of all
threads), with the peak of the resident memory up to the end of each. The last line compares the processor
time, which other programs on the machine disturb less, with what a full Materials Project table may take: 3
minutes and 6 GB.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable
from typing import TypeVar

import mattomo as mt
from mattomo.materials import Materials, Quarantine
from mattomo.materials.check import Checked, check_table
from mattomo.projections import Graphs, crystal_graphs

MOST_SECONDS, MOST_GB = 180.0, 6.0

T = TypeVar("T")


def peak_gb() -> float:
    """Peak resident memory of this process in GB (Linux counts in KiB, macOS in bytes)."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e9 if sys.platform == "darwin" else most * 1024 / 1e9


def timed(name: str, part: Callable[[], T], totals: list[tuple[float, float]]) -> T:
    wall, processor = time.perf_counter(), time.process_time()
    result = part()
    totals.append((time.perf_counter() - wall, time.process_time() - processor))
    print(f"| {name} | {totals[-1][0]:.1f} | {totals[-1][1]:.1f} | {peak_gb():.2f} |", flush=True)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path")
    path = parser.parse_args().path
    totals: list[tuple[float, float]] = []
    print("| part | wall, s | processor, s | peak memory, GB |\n|---|---|---|---|")

    def read() -> tuple[Materials, Quarantine]:
        return mt.read(path)

    materials, quarantine = timed("read", read, totals)

    def check() -> Checked:
        return check_table(materials, quarantine)

    timed("check", check, totals)

    def graphs() -> Graphs:
        return crystal_graphs(materials.structures)

    made = timed("quotient graphs", graphs, totals)
    wall, processor = map(sum, zip(*totals, strict=True))
    print(f"| all | {wall:.1f} | {processor:.1f} | {peak_gb():.2f} |\n")
    sites = int(made.sites.sum())
    print(
        f"{len(materials):,} materials ({int(materials.structures.present.sum()):,} with structure), "
        f"{len(quarantine.left_out):,} rows left out, {sites:,} sites in {len(made.Z):,} classes, "
        f"{len(made.centre):,} edges"
    )
    within = processor <= MOST_SECONDS and peak_gb() <= MOST_GB
    print(f"{'within' if within else 'BEYOND'} {MOST_SECONDS:.0f} s of processor time and {MOST_GB:.0f} GB")


if __name__ == "__main__":
    main()
