"""What a run decides of each cell, and where that is against the paper."""

from __future__ import annotations

import pandas as pd
from kept import Kept
from tables import FDR, REPRESENTATIONS, markdown, marked, pairs, per_cell, published

from mattomo.report.numbers import bits, percent

#: Bits below which a gain is called none.
NONE = 0.05


def verdicts(results: Kept, representation: str) -> dict[tuple[str, str], str]:
    """Of each cell: ``"none"`` (at most `NONE` bits), ``"told"`` (swap test and interval), or ``"open"``."""
    found = {}
    for _, c in pairs(results, representation).iterrows():
        told = c["bits_low"] > 0 and c["swap_q"] < FDR
        found[c["target"], c["added"]] = "none" if c["bits_high"] < NONE else "told" if told else "open"
    return found


def decided(studies: dict[str, Kept]) -> str:
    """How many cells each study decides, and how many it is too small for."""
    rows = []
    for label, results in studies.items():
        for name in REPRESENTATIONS:
            own = pairs(results, name)
            counts = pd.Series(verdicts(results, name), dtype=object).value_counts()
            half = float((own["bits_high"] - own["bits_low"]).median() / 2)
            rows.append(
                [label, name, *(str(counts.get(each, 0)) for each in ("told", "none", "open")), bits(half)]
            )
    header = ["learner", "representation", "tells something", f"at most {NONE} bits", "too small to say"]
    return markdown([*header, "median half-width, bits"], rows)


def against(studies: dict[str, Kept], representation: str) -> list[tuple[str, str]]:
    """Cells (target, added) that all studies decide alike and against the paper.

    It lists them, and no study marks them in every seed or finds more than `NONE` bits; or it does not, and
    all find that the property tells something.
    """
    each = [verdicts(results, representation) for results in studies.values()]
    by_seed = set().union(*(marked(results)[representation] for results in studies.values()))
    theirs = published()[representation]
    return [
        cell
        for cell in each[0]
        if {verdict.get(cell, "open") for verdict in each} == ({"none"} if cell in theirs else {"told"})
        and not (cell in theirs and cell in by_seed)
    ]


def kind_of(cell: pd.Series, large: set[str]) -> str:
    """What stands behind a cell of `mattomo.Results.bits`, if anything does."""
    return cell["deterministic"] or (
        "both per cell" if large.issuperset((cell["target"], cell["added"])) else ""
    )


def kinds(studies: dict[str, Kept]) -> str:
    """What stands behind the cells that a study marks in every seed."""
    rows = []
    for label, results in studies.items():
        large = per_cell(results)
        for name in REPRESENTATIONS:
            by_seed = marked(results)[name]
            found: dict[str, dict[str, list[str]]] = {}
            for _, c in pairs(results, name).iterrows():
                cell = (c["target"], c["added"])
                kind = kind_of(c, large)
                if cell in by_seed and kind:
                    found.setdefault(kind, {}).setdefault(c["target"], []).append(c["added"])
            for kind, cells in sorted(found.items()):
                listed = "; ".join(f"{target} from {', '.join(added)}" for target, added in cells.items())
                rows.append([label, name, kind, str(sum(map(len, cells.values()))), listed.replace("_", " ")])
    return markdown(["learner", "representation", "kind", "cells", "which"], rows)


def disagreements(studies: dict[str, Kept]) -> str:
    """The cells of `against`, with what each study found."""
    rows = []
    large = per_cell(next(iter(studies.values())))
    for name in REPRESENTATIONS:
        found = [
            {(c["target"], c["added"]): c for _, c in pairs(results, name).iterrows()}
            for results in studies.values()
        ]
        for cell in against(studies, name):
            theirs = cell in published()[name]
            row = [f"{cell[1]} for {cell[0]}".replace("_", " "), name, "helps" if theirs else "–"]
            for cells in found:
                c = cells[cell]
                interval = f"{bits(c['bits'])} ({bits(c['bits_low'])} to {bits(c['bits_high'])})"
                row.append(f"{percent(c['mae1'] / c['mae0'] - 1)} %, {interval}")
            rows.append([*row, next(filter(None, (kind_of(c[cell], large) for c in found)), "")])
    return markdown(["cell", "representation", "paper", *studies, "kind"], rows)


def papers_cells(studies: dict[str, Kept]) -> str:
    """What becomes of the cells of the paper's Table 1 here, by learner and representation."""
    rows = []
    for label, results in studies.items():
        large = per_cell(results)
        by_seed, separated = marked(results), marked(results, "separated")
        for name in REPRESENTATIONS:
            theirs = published()[name]
            part = pairs(results, name)
            key = list(zip(part["target"], part["added"], strict=True))
            swap = {c for c, q in zip(key, part["swap_q"], strict=True) if q < FDR}
            told = {c for c, low in zip(key, part["bits_low"], strict=True) if low > 0}
            fixed = {c for c, kind in zip(key, part["deterministic"], strict=True) if kind}
            rows.append(
                [label, name, *(str(len(theirs & found)) for found in (
                    theirs, by_seed[name], separated[name], swap, told, swap & told, fixed,
                    {c for c in theirs if large.issuperset(c)},
                )), str(len((swap & told) - theirs - fixed))]
            )  # fmt: skip
    header = ["learner", "representation", "paper's cells", "every seed", "separated", "swap q < 0.05",
              "bits > 0", "swap and bits", "deterministic", "both per cell",
              "swap and bits, not the paper's"]  # fmt: skip
    return markdown(header, rows)
