"""What the page of the reproduction shows, as tables of a study's results beside the paper's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from kept import Kept

from mattomo.materials.registry import PAPER_PROPERTIES
from mattomo.report.numbers import bits, percent, probability, share

PAPER: dict[str, Any] = json.loads((Path(__file__).parent / "paper.json").read_text())
REPRESENTATIONS = ("structure", "composition")
#: The paper's indexes of the properties.
NUMBER = {name: k for k, name in enumerate(PAPER_PROPERTIES)}
#: A share of false finds that the text calls significant.
FDR = 0.05


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def overlap(ours: set[Any], theirs: set[Any]) -> float:
    """Jaccard: what both have among what either has; 1 if neither has anything."""
    return len(ours & theirs) / len(ours | theirs) if ours | theirs else 1.0


def marked(results: Kept, criterion: str = "paired_minmax") -> dict[str, set[tuple[str, str]]]:
    """Cells (target, added) off the diagonal that a criterion marks, by representation."""
    return hits(results.gains(), criterion)


def hits(gains: pd.DataFrame, criterion: str = "paired_minmax") -> dict[str, set[tuple[str, str]]]:
    """The same of `mattomo.Results.gains`."""
    cells = gains[gains[criterion].fillna(False).astype(bool) & ~gains["diagonal"]]
    return {
        name: set(zip(part["target"], part["added"], strict=True))
        for name in REPRESENTATIONS
        for part in [cells[cells["representation"] == name]]
    }


def pairs(results: Kept, representation: str) -> pd.DataFrame:
    """`mattomo.Results.bits` of a representation, off the diagonal and without controls."""
    cells = results.bits()
    return cells[~cells["diagonal"] & ~cells["control"] & (cells["representation"] == representation)]


def per_cell(results: Kept) -> set[str]:
    """Properties that count per cell, and so tell how large it is."""
    return {p.name for p in results.outcome.properties if p.extensive}


def published() -> dict[str, set[tuple[str, str]]]:
    """The same of the paper's Table 1."""
    return {
        name: {(target, added) for target, row in PAPER[name].items() for added in row}
        for name in REPRESENTATIONS
    }


def expected_overlap(ours: set[Any], theirs: set[Any], cells: int) -> float:
    """Mean Jaccard of two independent random sets of these sizes among so many cells."""
    both = len(ours) * len(theirs) / cells
    either = len(ours) + len(theirs) - both
    return both / either if either else 1.0


def table1(results: Kept, criterion: str = "paired_minmax") -> str:
    """Table 1 beside the paper's: indexes of the properties, and the overlap of each row."""
    ours, theirs = marked(results, criterion), published()
    outcome = results.outcome
    rows = []
    for target in outcome.targets:
        row = [target.replace("_", " ")]
        for name in REPRESENTATIONS:
            own = {c for c in ours[name] if c[0] == target}
            paper = {c for c in theirs[name] if c[0] == target}
            row += [listed(own, target), listed(paper, target), f"{overlap(own, paper):.2f}"]
        rows.append(row)
    total = ["all"]
    cells = len(outcome.targets) * (len(outcome.added) - 1)
    for name in REPRESENTATIONS:
        jaccard = overlap(ours[name], theirs[name])
        chance = expected_overlap(ours[name], theirs[name], cells)
        total += [
            f"{len(ours[name])} cells",
            f"{len(theirs[name])} cells",
            f"{jaccard:.2f} (chance {chance:.2f})",
        ]
    rows.append(total)
    header = ["target"]
    for name in REPRESENTATIONS:
        header += [f"{name}: here", "paper", "overlap"]
    return markdown(header, rows)


def third_column(results: Kept, criterion: str = "paired_minmax") -> str:
    """Table 1's last column beside the paper's: what helps the composition but not the structure."""
    ours, theirs = (
        cells["composition"] - cells["structure"] for cells in (marked(results, criterion), published())
    )
    rows = [
        [target.replace("_", " "), listed(ours, target), listed(theirs, target)]
        for target in results.outcome.targets
    ]
    rows.append(["all", f"{len(ours)} cells", f"{len(theirs)} cells"])
    return markdown(["target", "here", "paper"], rows)


def listed(cells: set[tuple[str, str]], target: str) -> str:
    """Indexes of the properties of a target's cells."""
    return ", ".join(map(str, sorted(NUMBER[a] for t, a in cells if t == target))) or "–"


def helped_more(results: Kept) -> tuple[int, int, float, float, float]:
    """Cells whose error falls more on composition than on structure, cells, the mean changes of both, and
    the mean change on the diagonal."""
    gains = results.gains()
    change = gains.pivot_table(index=["target", "added", "diagonal"], columns="representation", values="mean")
    diagonal = change.index.get_level_values("diagonal").to_numpy(bool)
    off = change[~diagonal].dropna()
    return (
        int((off["composition"] < off["structure"]).sum()),
        len(off),
        float(off["composition"].mean()),
        float(off["structure"].mean()),
        float(change[diagonal].mean().mean()),
    )


def only_structure(cells: dict[str, set[tuple[str, str]]]) -> pd.Series:
    """For how many targets each property helps composition but not structure, most first."""
    found = pd.Series(sorted(a for _, a in cells["composition"] - cells["structure"]), dtype=object)
    return found.value_counts()


def cell_change(results: Kept, representation: str, target: str, added: str) -> tuple[float, float, float]:
    """Mean, smallest and largest change of the error over the seeds; NaN where the cell was not trained."""
    gains = results.gains()
    found = gains[
        (gains["representation"] == representation) & (gains["target"] == target) & (gains["added"] == added)
    ].dropna(subset="mean")
    if found.empty:
        return np.nan, np.nan, np.nan
    return tuple(found.iloc[0][["mean", "min", "max"]].astype(float))


def frequency(results: Kept) -> str:
    """How often each property helps composition but not structure, here and in the paper."""
    own, paper = only_structure(marked(results)), only_structure(published())
    order = sorted(results.outcome.added, key=lambda a: (-own.get(a, 0), -paper.get(a, 0)))
    rows = [
        [name.replace("_", " "), str(own.get(name, 0)), str(paper.get(name, 0))]
        for name in order
        if own.get(name, 0) or paper.get(name, 0)
    ]
    return markdown(["property", "here", "paper"], rows)


def quoted(studies: dict[str, Kept]) -> str:
    """The three cells that the paper quotes in numbers."""
    rows = []
    for cell in PAPER["quoted"]:
        row = [
            f"{cell['property']} for {cell['target']}".replace("_", " "),
            cell["representation"],
            f"{percent(cell['mean'] / 100)} (+{cell['plus']}, −{cell['minus']})",
        ]
        for results in studies.values():
            mean, low, high = cell_change(results, cell["representation"], cell["target"], cell["property"])
            row.append("–" if np.isnan(mean) else f"{percent(mean)} ({percent(low)} to {percent(high)})")
        rows.append(row)
    return markdown(["cell", "representation", "paper", *studies], rows)


def harmed(results: Kept) -> tuple[int, int, float]:
    """Cells whose mean change is positive, those of them in which the error rises in every seed, and the
    median of their mean changes."""
    gains = results.gains()
    red = gains[(gains["mean"] > 0) & ~gains["diagonal"]]
    return len(red), int((red["min"] > 0).sum()), float(red["mean"].median())


def asymmetry(results: Kept, representation: str) -> str:
    """The pairs of targets whose changes of the error differ most, beside the residual in bits."""
    rows = []
    found = results.asymmetry()
    for _, pair in found[found["representation"] == representation].iterrows():
        first, second = pair["first"].replace("_", " "), pair["second"].replace("_", " ")
        interval = f"{bits(pair['mean'])} ({bits(pair['low'])} to {bits(pair['high'])})"
        rows.append(
            [f"{second} for {first}", percent(pair["second_for_first"]), percent(pair["first_for_second"]),
             interval]
        )  # fmt: skip
    return markdown(["pair", "change, %", "reverse, %", "residual, bits (95 %)"], rows)


def survivors(results: Kept) -> str:
    """Of the paper's criterion: what the swap test keeps and adds, and what is deterministic."""
    rows = []
    for name in REPRESENTATIONS:
        part = pairs(results, name).merge(
            results.gains()[["representation", "target", "added", "learner", "paired_minmax", "separated"]],
            on=["representation", "target", "added", "learner"],
        )
        paired = part["paired_minmax"].astype(bool)
        swap = part["swap_q"] < FDR
        told = part["bits_low"] > 0
        fixed = part["deterministic"] != ""
        rows.append(
            [name, str(len(part)), str(int(paired.sum())), str(int(part["separated"].sum())),
             str(int(swap.sum())), str(int((paired & swap).sum())), str(int((paired & ~swap).sum())),
             str(int((~paired & swap).sum())), str(int((paired & swap & told).sum())),
             str(int((paired & fixed).sum()))]
        )  # fmt: skip
    header = ["representation", "cells", "every seed", "separated", "swap q < 0.05", "both",
              "every seed alone", "swap alone", "both, bits > 0",
              "every seed, but deterministic"]  # fmt: skip
    return markdown(header, rows)


def controls(results: Kept) -> str:
    """What the criteria say of columns whose worth is known."""
    rows = [
        [r["control"].removeprefix("control:"), r["representation"], percent(r["mae_change"]),
         bits(r["bits"]), bits(r["expected_bits"]), share(r["paired_minmax"], 0), share(r["swap"], 0)]
        for _, r in results.controls().iterrows()
    ]  # fmt: skip
    header = [
        "control",
        "representation",
        "error, %",
        "bits",
        "expected at most",
        "every seed",
        "swap p < 0.05",
    ]
    return markdown(header, rows)


def strongest(results: Kept, representation: str, rows: int = 10) -> str:
    """The cells off the diagonal that gain most bits, what is deterministic named as such."""
    out = []
    for _, c in pairs(results, representation).sort_values("bits", ascending=False).head(rows).iterrows():
        out.append(
            [f"{c['added']} for {c['target']}".replace("_", " "), percent(c["mae1"] / c["mae0"] - 1),
             f"{bits(c['bits'])} ({bits(c['bits_low'])} to {bits(c['bits_high'])})",
             probability(c["swap_q"]), c["deterministic"]]
        )  # fmt: skip
    return markdown(["cell", "error, %", "bits (95 %)", "q", "deterministic"], out)


def bare_errors(results: Kept) -> pd.Series:
    """Test MAE without any added property, mean of the seeds, by representation and target."""
    return results.gains().groupby(["representation", "target"])["mae0_mean"].first()


def change_beside(found: pd.DataFrame) -> pd.Series:
    """Change of the error without any added property, in each row of `keeping.beside`."""
    return found["mae_other"] / found["mae_random"] - 1


def baselines(studies: dict[str, Kept]) -> str:
    """Test MAE without any added property, mean of the seeds."""
    rows = []
    first = next(iter(studies.values()))
    info = {p.name: p for p in first.outcome.properties}
    for target in first.outcome.targets:
        row = [info[target].label, info[target].unit]
        for results in studies.values():
            base = bare_errors(results)
            known = [base.get((name, target), np.nan) for name in ("composition", "structure")]
            row += ["–" if np.isnan(error) else f"{error:.4g}" for error in known]
        rows.append(row)
    header = ["target", "unit"]
    for label in studies:
        header += [f"{label}: composition", "structure"]
    return markdown(header, rows)


def splits(found: pd.DataFrame) -> str:
    """Baseline errors and marks under random and formula-grouped splits; see `keeping.beside`."""
    rows = [
        [r["target"].replace("_", " "), r["representation"], f"{r['mae_random']:.4g}",
         f"{r['mae_other']:.4g}", percent(change),
         *(str(r[f"marks_{which}"]) for which in ("random", "other", "both"))]
        for (_, r), change in zip(found.iterrows(), change_beside(found), strict=True)
    ]  # fmt: skip
    header = ["target", "representation", "random", "by formula", "change, %"]
    return markdown([*header, "marks, random", "by formula", "both"], rows)


def cell_errors(found: pd.DataFrame) -> str:
    """Baseline errors on the composition of the formula and of all sites; see `keeping.beside`."""
    rows = [
        [r["target"].replace("_", " "), f"{r['mae_random']:.4g}", f"{r['mae_other']:.4g}", percent(change)]
        for (_, r), change in zip(found.iterrows(), change_beside(found), strict=True)
    ]  # fmt: skip
    return markdown(["target", "reduced formula", "all sites", "change, %"], rows)


def cell_changes(found: pd.DataFrame) -> str:
    """Changes of the error by properties that count per cell; see `keeping.sizes_beside`."""
    rows = [
        [f"{r['added']} for {r['target']}".replace("_", " "), percent(r["random"]), percent(r["other"])]
        for _, r in found.iterrows()
    ]
    return markdown(["cell", "reduced formula", "all sites"], rows)
