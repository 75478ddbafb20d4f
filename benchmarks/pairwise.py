"""Mutual information of all pairs of columns: time, agreement with ennemi, and the null on a subset.

    python benchmarks/pairwise.py                     # the 1,000 crystals that come with the package
    python benchmarks/pairwise.py TABLE.parquet       # any table with the paper's 13 properties

1. Processor time of the whole matrix, and its largest and smallest entries.
2. Kraskov's and Ross's estimators against ennemi's on the same scores: values and processor time.
3. The standard deviation of the null on a subset, scaled by sqrt(m / n), against that on all rows.

Rows that lack one of the 13 properties are left out, and rows whose stored labels and structure disagree
where the table says so (columns cell_flag and label_residual). Everything runs on one thread.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import ennemi
import numpy as np
import pyarrow.parquet as pq

from mattomo.information import discrete
from mattomo.information.pairwise import _kraskov, _ross, mutual_information_matrix
from mattomo.materials.example import load
from mattomo.materials.registry import REGISTRY
from mattomo.materials.table import Column

PROPERTIES = (
    "band_gap", "density", "e_above_hull", "energy", "energy_per_atom", "formation_energy_per_atom", "nsites",
    "total_magnetization", "volume", "is_hubbard", "oxide_type", "crystal_system", "spacegroup_number",
)  # fmt: skip


def read(path: Path | None) -> dict[str, Column]:
    """The 13 properties of the rows that have all of them."""
    if path is None:
        materials = load("mp1000")
        columns = {name: materials.column(name) for name in PROPERTIES if name in materials.columns}
        keep = ~np.any([column.missing for column in columns.values()], axis=0)
        return {n: Column(c.info, c.values[keep], c.missing[keep]) for n, c in columns.items()}
    names = pq.read_schema(path).names
    flags = [name for name in ("cell_flag", "label_residual") if name in names]
    table = pq.read_table(path, columns=[*PROPERTIES, *flags]).to_pandas()
    keep = table[list(PROPERTIES)].notna().all(axis=1)
    if len(flags) == 2:
        keep &= (table["cell_flag"] != "mismatch") & ~(table["label_residual"] > 0.02)
    table = table[keep]
    columns = {}
    for name in PROPERTIES:
        info = REGISTRY[name]
        values = table[name].to_numpy()
        typed = values.astype(np.float64) if info.kind == "scalar" else values.astype(str)
        columns[name] = Column(info, typed, np.zeros(len(table), dtype=bool))
    return columns


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path, nargs="?")
    columns = read(parser.parse_args().table)
    n = len(next(iter(columns.values())).values)
    start = time.process_time()
    matrix = mutual_information_matrix(columns)
    spent = time.process_time() - start
    print(f"{len(columns)} columns, {n:,} rows, {len(matrix)} pairs: {spent:.1f} s of one core")
    ordered = matrix.sort_values("bits", ascending=False)
    print(ordered.head(8).round(4).to_string(index=False))
    print(ordered.tail(4).round(4).to_string(index=False))

    rng = np.random.default_rng(0)
    a, noise = rng.normal(size=(2, n))
    b = 0.75 * a + np.sqrt(1 - 0.75**2) * noise
    classes = discrete.equal_mass(a, 200, np.empty(0))
    print("\n| estimator | here | ennemi | s here | s ennemi |\n|---|---|---|---|---|")
    for name, ours, theirs in (
        (
            "Kraskov",
            lambda: _kraskov(a, b, 3),
            lambda: ennemi.estimate_mi(b, a, preprocess=False, max_threads=1),
        ),
        (
            "Ross, 200 classes",
            lambda: _ross(classes, b, 3),
            lambda: ennemi.estimate_mi(classes, b, preprocess=False, discrete_y=True, max_threads=1),
        ),
    ):
        start = time.process_time()
        here = ours()
        between = time.process_time()
        there = float(theirs()[0, 0]) / np.log(2)
        end = time.process_time()
        print(f"| {name} | {here:.6f} | {there:.6f} | {between - start:.3f} | {end - between:.3f} |")

    m, independent = min(n // 4, 10_000), rng.normal(size=n)
    whole = [_kraskov(a, rng.permutation(independent), 3) for _ in range(20)]
    subset = [_kraskov(a[:m], rng.permutation(independent)[:m], 3) for _ in range(100)]
    print(
        f"\nindependent: mean {np.mean(whole):.5f}, sd {np.std(whole, ddof=1):.5f} on {n:,} rows; mean "
        f"{np.mean(subset):.5f}, scaled sd {np.std(subset, ddof=1) * np.sqrt(m / n):.5f} from {m:,}"
    )


if __name__ == "__main__":
    main()
