"""``mattomo bits``: the cells of a study, most informative first."""

from __future__ import annotations

import math
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from mattomo.cli.terminal import output, print_json
from mattomo.report.information import SWAP, ranked
from mattomo.report.numbers import bits as in_bits
from mattomo.report.numbers import bits_range, brief, percent, probability
from mattomo.results import Results


class Sort(StrEnum):
    """What the rows are ordered by."""

    bits = "bits"
    q = "q"
    change = "change"
    target = "target"


def bits(
    study: Annotated[Path, typer.Argument(help="A study folder.")],
    sort: Annotated[Sort, typer.Option(help="Order of the rows.")] = Sort.bits,
    all: Annotated[
        bool, typer.Option("--all", help="Also cells that are not marked, and deterministic ones.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """List how many usable bits each added property gains, most informative first. Trains nothing.

    Without --all: the cells where the error falls and the swap test gives q < 0.05, deterministic ones left
    out.
    """
    results = Results(study)
    _ = results.analysis  # says why there is none
    summary = results.summary()
    cells = [cell for cell in summary["cells"] if cell["information"] and not cell["diagonal"]]
    chosen = cells if all else ranked(cells)
    order = {name: place for place, name in enumerate(summary["targets"])}
    keys = {
        Sort.bits: lambda cell: -_number(cell["information"]["bits"], -math.inf),
        Sort.q: lambda cell: _number(cell["information"]["swap_q"], math.inf),
        Sort.change: lambda cell: _number(cell["mean"], math.inf),
        Sort.target: lambda cell: order[cell["target"]],
    }
    chosen = sorted(sorted(chosen, key=keys[Sort.bits]), key=keys[sort])
    if json:
        print_json([_plain(cell) for cell in chosen])
        return
    labels = {name: info["label"] for name, info in summary["properties"].items()}
    several = len(summary["learners"]) > 1
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for name in ("target", "added", *(("by",) if several else ()), "to"):
        table.add_column(name, overflow="ellipsis", no_wrap=True)
    for name in ("bits", "95 %", "error", "q", ""):
        table.add_column(name, justify="right", no_wrap=True)
    width = 13 if several else 16
    for cell in chosen:
        found = cell["information"]
        mark = "=" if found["deterministic"] else "*" if cell[SWAP] else ""
        table.add_row(
            Text(brief(labels[cell["target"]], width)),
            Text(brief(labels[cell["added"]], width)),
            *((Text(brief(cell["learner"], 6)),) if several else ()),
            Text(brief(cell["representation"], 11)),
            in_bits(found["bits"]),
            bits_range(found["bits_low"], found["bits_high"]).replace(" to ", "…"),
            percent(cell["mean"]),
            probability(found["swap_q"]).replace("< ", "<"),
            mark + ("!" if found["overstated"] else ""),
        )
    output.print(table)
    output.print(
        Text(
            f"{len(chosen)} of {len(cells)} pairs; error: change in %. * marked by the swap test and a "
            "falling error, = deterministic (not ranked), ! overstated"
        )
    )


def _number(value: float | None, missing: float) -> float:
    return missing if value is None else value


def _plain(cell: dict[str, Any]) -> dict[str, Any]:
    kept = ("learner", "representation", "target", "added", "n_seeds", "mean", "min", "max", SWAP)
    information: dict[str, Any] = cell["information"]
    return {name: cell[name] for name in kept} | information
