"""``mattomo demo``: the paper's study in small, on the embedded real data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mattomo.cli.options import Workers
from mattomo.cli.run import train_and_report
from mattomo.cli.terminal import output
from mattomo.front import Study
from mattomo.study.config import PROTOCOLS

#: Three targets, three seeds: minutes. `--full` is the paper's grid.
DEMO = {
    "protocol": "short",
    "targets": ("band_gap", "formation_energy_per_atom", "density"),
    "properties": (
        "band_gap",
        "formation_energy_per_atom",
        "density",
        "e_above_hull",
        "crystal_system",
        "spacegroup_number",
    ),
    "learners": ("cgcnn", "trees"),
    "seeds": 3,
}
FULL = {**PROTOCOLS["ortega-ochoa-2025"], **PROTOCOLS["short"], "learners": ("cgcnn", "trees")}


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Study folder.")] = Path("mattomo-demo"),
    full: Annotated[
        bool, typer.Option("--full", help="The paper's whole grid: 9 targets x 13 properties x 5 seeds.")
    ] = False,
    workers: Workers = None,
) -> None:
    """Run a small augmentation study on 1,000 real materials and write its report."""
    study = Study("mp1000", **(FULL if full else DEMO))
    planned = study.plan()
    c = study.config
    output.print(
        f"[bold]mattomo demo[/]: {len(planned.prepared.materials):,} materials of the Materials Project. "
        f"For each of {len(c.targets)} targets, does adding one of {len(c.properties)} properties help "
        "a model that knows the composition, or the structure? Two learners (a graph network of "
        f"{c.epochs} epochs, gradient-boosted trees), {len(c.seeds)} seeds, {planned.trainings} models."
    )
    train_and_report(study, out / "full" if full else out, workers)
