"""Rows a second of a matbench-like file: the crystals of mp1000, five times, as dictionaries of pymatgen.

    python benchmarks/read_json.py

Everything is counted: gzip, JSON, the checks of every structure, the table. Processor time of one thread; for
comparison that of ``json.loads`` alone on the unpacked text.
"""

from __future__ import annotations

import gzip
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mattomo.materials import SYMBOLS, Structures, load, read

COPIES, ROUNDS = 5, 5


def pymatgen_dict(structures: Structures, i: int) -> dict[str, Any]:
    part = slice(structures.offsets[i], structures.offsets[i + 1])
    lattice, coords = structures.lattice[i], structures.frac_coords[part]
    sites = [
        {
            "species": [{"element": SYMBOLS[Z - 1], "occu": 1.0}],
            "abc": abc,
            "xyz": xyz,
            "label": SYMBOLS[Z - 1],
            "properties": {},
        }
        for Z, abc, xyz in zip(
            structures.Z[part].tolist(), coords.tolist(), (coords @ lattice).tolist(), strict=True
        )
    ]
    return {
        "@module": "pymatgen.core.structure",
        "@class": "Structure",
        "charge": 0.0,
        "lattice": {"matrix": lattice.tolist(), "pbc": [True] * 3, "a": 1.0, "volume": 1.0},
        "sites": sites,
        "properties": {},
    }


def seconds(work: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return statistics.median(times)


def main() -> None:
    structures = load("mp1000").structures
    rows = [[pymatgen_dict(structures, i), float(i)] for i in range(len(structures.lattice))] * COPIES
    text = json.dumps({"index": list(range(len(rows))), "columns": ["structure", "e_form"], "data": rows})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "matbench.json.gz"
        path.write_bytes(gzip.compress(text.encode(), 6))
        ours, plain = seconds(lambda: read(path)), seconds(lambda: json.loads(text))
    print(f"{len(rows):,} rows, {len(structures.Z) * COPIES:,} sites, {len(text) / 1e6:.1f} MB of JSON")
    print(f"read: {ours:.2f} s, {len(rows) / ours:,.0f} rows/s; json.loads alone: {plain:.2f} s")


if __name__ == "__main__":
    main()
