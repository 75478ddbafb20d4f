"""A part of a table of materials: rows that meet a condition, or a stratified subset for two cores to train.

    python subset.py all.parquet --where "cell_flag != 'mismatch' and not label_residual > 0.02" \\
        --out mp2019.parquet
    python subset.py mp2019.parquet --rows 2500 --out mp2019-2500.parquet

The condition is one of `pandas.DataFrame.query`; this one leaves out materials whose labels and structure,
joined from different sources, disagree. With ``--rows``, the rows that have all 13 properties of the paper
are sorted by number of sites and formation energy in turn (ten groups of the first, within each by the
second) and taken at even steps: the subset has the sizes and the energies of the whole, and is the same
every time.
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
    parser.add_argument("--where", metavar="CONDITION", help="rows to take")
    parser.add_argument(
        "--rows", type=int, help="how many to take of those that are complete; all rows if not given"
    )
    parser.add_argument("--out", required=True)
    asked = parser.parse_args(arguments)
    table = pd.read_parquet(asked.table)
    if asked.where:
        table = table.query(asked.where)
    if asked.rows is None:
        table.to_parquet(asked.out, index=False)
        print(f"{len(table):,} rows -> {asked.out}")
        return
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
