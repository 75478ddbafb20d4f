"""The baseline for building graphs: neighbours through pymatgen, as the original CGCNN reader finds them.

python benchmarks/pymatgen_graphs.py src/mattomo/materials/data/mp1000.parquet
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np
import pandas as pd
from pymatgen.core import Lattice, Structure

NEIGHBORS = 12
RADIUS = 8.0  # Å


def graph(structure: Structure) -> tuple[np.ndarray, np.ndarray]:
    """Index and distance (Å) of the 12 nearest neighbours, padded beyond the radius, each (n, 12)."""
    index = np.zeros((len(structure), NEIGHBORS), dtype=np.int64)
    distance = np.full((len(structure), NEIGHBORS), RADIUS + 1.0)
    for i, found in enumerate(structure.get_all_neighbors(RADIUS)):
        nearest = sorted(found, key=lambda neighbor: neighbor.nn_distance)[:NEIGHBORS]
        index[i, : len(nearest)] = [neighbor.index for neighbor in nearest]
        distance[i, : len(nearest)] = [neighbor.nn_distance for neighbor in nearest]
    return index, distance


def graphs_per_second(structures: Sequence[Structure]) -> float:
    """Crystals per CPU second of the process."""
    start = time.process_time()
    for structure in structures:
        graph(structure)
    return len(structures) / (time.process_time() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed of pymatgen's neighbours on the example set.")
    parser.add_argument("parquet")
    parser.add_argument("--rows", type=int, nargs="+", default=[100, 300, 1000], help="sizes of the subsets")
    arguments = parser.parse_args()
    data = pd.read_parquet(arguments.parquet)
    structures = [
        Structure(Lattice(row.lattice.reshape(3, 3)), row.species, row.frac_coords.reshape(-1, 3))
        for row in data.itertuples()
    ]
    for rows in arguments.rows:
        print(f"first {rows}: {graphs_per_second(structures[:rows]):.1f} crystals/s")


if __name__ == "__main__":
    main()
