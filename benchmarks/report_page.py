"""Size of the report's page, and the time to write and to open it, for studies of growing size.

    python benchmarks/report_page.py --sizes 10 30 100

A small study is trained on the packaged table; its numbers are then copied over grids of n targets and n
properties, two representations and five seeds, with bits, tests and decompositions. Printed are bytes of the
page, processor time of `summarize` and of the page (one thread), and the wall time in which Chromium opens it
from disk until it answers a script, if Selenium, Chromium and its driver are installed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

import mattomo as mt
from mattomo.information.analysis import Analysis
from mattomo.information.gain import CELL
from mattomo.materials.registry import PropertyInfo
from mattomo.report import summarize, write_html
from mattomo.study.outcome import Outcome

KEY = list(CELL)


def enlarged(outcome: Outcome, analysis: Analysis, n: int, seeds: int = 5) -> tuple[Outcome, Analysis]:
    """A study of n targets and the same n properties, with numbers drawn from those of a small one.

    Parameters
    ----------
    outcome : Outcome
    analysis : Analysis
    n, seeds : int

    Returns
    -------
    Outcome, Analysis
        Of every cell, with its seeds, bits and decomposition; and of all pairs of targets.
    """
    rng = np.random.default_rng(n)
    names = [f"property_{i:03d}" for i in range(n)]
    infos = tuple(PropertyInfo(name, f"Made-up property {name[-3:]}", "eV") for name in names)
    cells = pd.MultiIndex.from_product(
        [list(outcome.errors["learner"].unique()[:1]), outcome.representations, names, names], names=KEY
    ).to_frame(index=False)

    def drawn(table: pd.DataFrame, keys: pd.DataFrame) -> pd.DataFrame:
        rest = table.drop(columns=[name for name in keys if name in table])
        rows = rest.iloc[rng.integers(0, len(rest), len(keys))].reset_index(drop=True)
        return pd.concat([keys.reset_index(drop=True), rows], axis=1)[list(table.columns)]

    def repeated(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.loc[frame.index.repeat(seeds)].assign(seed=np.tile(np.arange(seeds), len(frame)))

    baselines = repeated(cells[KEY[:3]].drop_duplicates(ignore_index=True).assign(added=""))
    baselines["mae"] = 1 + 0.05 * rng.random(len(baselines))
    models = repeated(cells).merge(baselines.drop(columns="added"), on=[*KEY[:3], "seed"])
    effect = np.repeat(0.04 - 0.1 * rng.random(len(cells)), seeds)
    models["mae"] *= 1 + effect + 0.02 * rng.standard_normal(len(models))
    errors = pd.concat([baselines, models], ignore_index=True)
    errors = errors.assign(pair="", val_mae=errors["mae"], best_epoch=9, seconds=1.0, n_test=200)
    diagonal = cells["target"] == cells["added"]
    bits = analysis.bits[~analysis.bits["control"] & ~analysis.bits["diagonal"]]
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    symmetry = pd.DataFrame(
        [
            (*where, *pair)
            for where in cells[KEY[:2]].drop_duplicates().itertuples(index=False)
            for pair in pairs
        ],
        columns=[*KEY[:2], "first", "second"],
    )
    large = replace(
        outcome,
        errors=errors,
        control_errors=errors.iloc[:0],
        learning=errors.iloc[:0],
        properties=infos,
        targets=tuple(names),
        added=tuple(names),
        seeds=tuple(range(seeds)),
    )
    return large, replace(
        analysis,
        bits=drawn(bits, cells.assign(diagonal=diagonal, control=False)),
        decomposition=drawn(analysis.decomposition, cells),
        symmetry=drawn(analysis.symmetry, symmetry),
        nested=analysis.nested.iloc[:0],
        floor=analysis.floor.iloc[:0],
        learning=analysis.learning.iloc[:0],
    )


def opening(path: Path) -> float | None:
    """Seconds until Chromium has opened the page, drawn it, and answered a script; None without Chromium."""
    try:
        from selenium import webdriver
        from selenium.common.exceptions import WebDriverException
        from selenium.webdriver.chrome.service import Service
    except ImportError:
        return None
    options = webdriver.ChromeOptions()
    for option in ("--headless=new", "--no-sandbox", "--window-size=1600,1000"):
        options.add_argument(option)
    program = shutil.which("chromedriver")
    if program is None:
        return None
    try:
        driver = webdriver.Chrome(options=options, service=Service(program))
    except WebDriverException:
        return None
    try:
        driver.get("about:blank")
        started = time.perf_counter()
        driver.get(path.as_uri())
        driver.execute_async_script("requestAnimationFrame(() => setTimeout(arguments[0]))")
        return time.perf_counter() - started
    finally:
        driver.quit()


def main() -> None:
    """Measure the sizes given on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 30, 100], help="targets, and properties")
    sizes = parser.parse_args().sizes
    with tempfile.TemporaryDirectory() as folder:
        small = mt.Study(
            "mp1000", targets=["band_gap", "density"], properties=["band_gap", "density", "volume"],
            learners=["trees"], seeds=2,
        ).run(Path(folder) / "study", workers=1)  # fmt: skip
        print("| targets x properties | cells | page / MB | summarize / s | page / s | open / s |")
        print("|---|---|---|---|---|---|")
        for n in sizes:
            outcome, analysis = enlarged(small.outcome, small.analysis, n)
            started = time.process_time()
            summary = summarize(outcome, analysis)
            summarized = time.process_time()
            page = write_html(summary, Path(folder) / f"report-{n}.html")
            written = time.process_time()
            waited = opening(page)
            print(
                f"| {n} x {n} | {len(summary['cells']):,} | {page.stat().st_size / 1e6:.1f} | "
                f"{summarized - started:.1f} | {written - summarized:.1f} | "
                f"{'not measured' if waited is None else f'{waited:.1f}'} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
