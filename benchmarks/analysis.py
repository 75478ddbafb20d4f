"""Time of the analysis of a finished study, part by part.

    mattomo run mp1000 --protocol ortega-ochoa-2025 --learners trees --out study   # the paper's grid, minutes
    python benchmarks/analysis.py study

Processor time on one thread: reading the predictions, scoring every test row of every model, cells,
decompositions with 200 resamples each, and the rest.
"""

from __future__ import annotations

import argparse
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from mattomo.front import Results
from mattomo.information.analysis import analyse, cells, decompositions
from mattomo.information.scores import score_all
from mattomo.study.collect import caps, held_out
from mattomo.study.store import Store


def main() -> None:
    """Time the analysis of the study given on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", help="folder of a finished study")
    folder = parser.parse_args().study
    started = last = time.process_time()

    def tell(what: str) -> None:
        nonlocal last
        now = time.process_time()
        print(f"| {what} | {now - last:.2f} |", flush=True)
        last = now

    print("| part | s |\n|---|---|")
    outcome = Results(folder).outcome
    rows = Store(folder).materials()
    units = list(held_out(folder))
    tell(f"reading {len(units)} units, {sum(len(u.added) + 1 for u in units):,} models")
    scored = score_all(units, rows)
    tell("densities and swapped losses of all test rows")
    table = cells(scored, rows, caps(folder))
    tell(f"{len(table):,} cells: intervals, swap tests, q")
    tell(f"{len(decompositions(scored, rows)):,} decompositions")
    analyse(outcome, scored, rows, caps(folder))
    tell("all of the last two again, controls, symmetry, floors")
    print(f"| in all | {last - started:.2f} |")


if __name__ == "__main__":
    main()
