"""Seconds of each part of the check of a table, and the peak memory.

    python benchmarks/check.py TABLE.parquet

Seconds are those of one core (processor time), so that other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import mattomo as mt
from mattomo.materials.check import check_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    arguments = parser.parse_args()
    start = time.process_time()
    materials, quarantine = mt.read(arguments.table)
    print(f"{len(materials):,} materials with {len(materials.structures.Z):,} sites")
    _line("reading", time.process_time() - start)
    marks: list[tuple[str, float]] = []
    check_table(materials, quarantine, lambda part: marks.append((part, time.process_time())))
    end = time.process_time()
    for (part, began), (_, ended) in zip(marks, [*marks[1:], ("", end)], strict=True):
        _line(part, ended - began)
    _line("the check in all", end - marks[0][1])


def _line(part: str, seconds: float) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{part:>20}: {seconds:6.2f} s   (at most {peak:.2f} GB so far)", flush=True)


if __name__ == "__main__":
    main()
