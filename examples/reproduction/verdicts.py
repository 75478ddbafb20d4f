"""What a run decides of each cell, and where that is against the paper."""

from __future__ import annotations

import pandas as pd
from tables import FDR, REPRESENTATIONS, markdown, marked, pairs, published

import mattomo as mt
from mattomo.report.numbers import bits, percent

#: Bits below which a gain is called none.
NONE = 0.05


def verdicts(results: mt.Results, representation: str) -> dict[tuple[str, str], str]:
    """Of each cell: ``"none"`` (at most `NONE` bits), ``"told"`` (swap test and interval), or ``"open"``."""
    found = {}
    for _, c in pairs(results, representation).iterrows():
        told = c["bits_low"] > 0 and c["swap_q"] < FDR
        found[c["target"], c["added"]] = "none" if c["bits_high"] < NONE else "told" if told else "open"
    return found


def decided(studies: dict[str, mt.Results]) -> str:
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


def disagreements(studies: dict[str, mt.Results]) -> str:
    """Cells that all studies decide alike and against the paper, with what each found."""
    rows = []
    for name in REPRESENTATIONS:
        each = [verdicts(results, name) for results in studies.values()]
        found = [
            {(c["target"], c["added"]): c for _, c in pairs(results, name).iterrows()}
            for results in studies.values()
        ]
        for cell in each[0]:
            theirs = cell in published()[name]
            if {verdict.get(cell, "open") for verdict in each} != ({"none"} if theirs else {"told"}):
                continue
            row = [f"{cell[1]} for {cell[0]}".replace("_", " "), name, "helps" if theirs else "–"]
            for cells in found:
                c = cells[cell]
                interval = f"{bits(c['bits'])} ({bits(c['bits_low'])} to {bits(c['bits_high'])})"
                row.append(f"{percent(c['mae1'] / c['mae0'] - 1)} %, {interval}")
            rows.append(
                [*row, next((c[cell]["deterministic"] for c in found if c[cell]["deterministic"]), "")]
            )
    return markdown(["cell", "representation", "paper", *studies, "deterministic"], rows)


def papers_cells(studies: dict[str, mt.Results]) -> str:
    """What becomes of the cells of the paper's Table 1 here, by learner and representation."""
    rows = []
    for label, results in studies.items():
        per_cell = {p.name for p in results.outcome.properties if p.extensive}
        by_seed, separated = marked(results), marked(results, "separated")
        for name in REPRESENTATIONS:
            theirs = published()[name]
            part = pairs(results, name)
            key = list(zip(part["target"], part["added"], strict=True))
            swap = {c for c, q in zip(key, part["swap_q"], strict=True) if q < FDR}
            told = {c for c, low in zip(key, part["bits_low"], strict=True) if low > 0}
            algebra = {c for c, kind in zip(key, part["deterministic"], strict=True) if kind}
            rows.append(
                [label, name, *(str(len(theirs & found)) for found in (
                    theirs, by_seed[name], separated[name], swap, told, swap & told, algebra,
                    {c for c in theirs if per_cell.issuperset(c)},
                )), str(len((swap & told) - theirs - algebra))]
            )  # fmt: skip
    header = ["learner", "representation", "paper's cells", "every seed", "separated", "swap q < 0.05",
              "bits > 0", "swap and bits", "algebra", "both per cell",
              "swap and bits, not the paper's"]  # fmt: skip
    return markdown(header, rows)
