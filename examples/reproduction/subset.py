"""A stratified subset of a table of materials, for a study that two cores can train.

    python subset.py mp2019.parquet --rows 4000 --out mp2019-4000.parquet

Rows that have all 13 properties of the paper are sorted by number of sites and formation energy in turn (ten
groups of the first, within each by the second) and taken at even steps: the subset has the sizes and the
energies of the whole, and is the same every time.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

from mattomo.materials.registry import PAPER_PROPERTIES

GROUPS = 10


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("table", help="Parquet file")
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--out", required=True)
    asked = parser.parse_args(arguments)
    table = pd.read_parquet(asked.table)
    whole = table.dropna(subset=list(PAPER_PROPERTIES))
    if len(whole) < asked.rows:
        parser.error(f"{asked.table} has {len(whole):,} complete rows, fewer than {asked.rows:,}")
    group = whole["nsites"].rank(method="first") * GROUPS // (len(whole) + 1)
    order = np.lexsort((whole["formation_energy_per_atom"], group))
    steps = np.floor((np.arange(asked.rows) + 0.5) * len(whole) / asked.rows).astype(int)
    chosen = whole.iloc[np.sort(order[steps])]
    chosen.to_parquet(asked.out, index=False)
    print(f"{len(chosen):,} of {len(whole):,} complete rows of {len(table):,} -> {asked.out}")


if __name__ == "__main__":
    main()
