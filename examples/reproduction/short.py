"""The page of the reproduction in a few sentences, each made from the studies' numbers."""

from __future__ import annotations

import pandas as pd
import tables
from kept import Kept
from tables import (
    FDR,
    PAPER,
    REPRESENTATIONS,
    bare_errors,
    change_beside,
    expected_overlap,
    marked,
    overlap,
    pairs,
    per_cell,
    published,
)
from verdicts import NONE, against, verdicts

from mattomo.report.numbers import bits, count, percent, share


def in_short(
    studies: dict[str, Kept],
    formula: pd.DataFrame | None = None,
    cell: tuple[pd.DataFrame, pd.DataFrame] | None = None,
) -> str:
    """What the page shows, before its tables.

    Parameters
    ----------
    studies : dict of str to Kept
        By the name of the learner.
    formula : DataFrame, optional
        The first of the studies beside the same with splits grouped by formula; see `keeping.beside`.
    cell : tuple of two DataFrame, optional
        The network beside the same with all sites of the cell as composition; see `all_sites`.
    """
    lines = []
    for label, results in studies.items():
        lines += [
            f"- **{label}.**",
            *(f"    - {each}" for each in (
                table1(results), only_structure(results), quoted(results), red(results),
                asymmetry(results), survivors(results), controls(results), undecided(results),
            )),
        ]  # fmt: skip
    agreed = {name: len(against(studies, name)) for name in REPRESENTATIONS}
    who = "Both learners agree" if len(studies) > 1 else "The learner here decides"
    lines.append(
        f"- {who} against the paper in {sum(agreed.values())} of {2 * cells_of(studies)} cells "
        f"({agreed['structure']} on structure, {agreed['composition']} on composition)."
    )
    if len(studies) > 1:
        lines.append(f"- {compared(studies)}")
    if formula is not None:
        lines.append(f"- {grouped(formula)}")
    if cell is not None:
        lines.append(f"- {all_sites(*cell)}")
    return "## In short\n\n" + "\n".join(lines)


def cells_of(studies: dict[str, Kept]) -> int:
    """Cells off the diagonal of one heatmap."""
    return len(pairs(next(iter(studies.values())), "structure"))


def table1(results: Kept) -> str:
    ours, theirs = marked(results), published()
    total = len(pairs(results, "structure"))
    said = []
    for name in REPRESENTATIONS:
        a, b = ours[name], theirs[name]
        said.append(
            f"{name} {len(a & b)} of its {len(b)} cells are marked here, too, with {len(a - b)} others "
            f"(overlap {overlap(a, b):.2f}, by chance {expected_overlap(a, b, total):.2f})"
        )
    return f"Table 1: of {' and of '.join(said)}."


def only_structure(results: Kept) -> str:
    more, cells, composition, structure, _ = tables.helped_more(results)
    verdict = "as the paper says" if composition < structure and 2 * more > cells else "against the paper"
    ours = tables.only_structure(marked(results))
    # Ties share the last place.
    most = ours[ours >= ours.nlargest(4).min()] if len(ours) else ours
    named = ", ".join(f"{name.replace('_', ' ')} ({n})" for name, n in most.items()) or "none"
    return (
        f"Properties lower the error of the composition more than that of the structure in {more} of {cells} "
        f"cells ({percent(composition)} % against {percent(structure)} % on average), {verdict}. What only "
        f"structure holds, by the number of targets: {named}; the paper's order is "
        f"{', '.join(name.replace('_', ' ') for name in PAPER['most_frequent'])}."
    )


def quoted(results: Kept) -> str:
    found = [
        (cell, *tables.cell_change(results, cell["representation"], cell["target"], cell["property"]))
        for cell in PAPER["quoted"]
    ]
    known = [each for each in found if pd.notna(each[1])]
    if not known:
        return "None of the paper's quoted cells was trained here."
    same = sum((high < 0) == (cell["mean"] + cell["plus"] < 0) for cell, _, _, high in known)
    said = ", ".join(
        f"{percent(mean)} % where the paper has {percent(cell['mean'] / 100)} %" for cell, mean, _, _ in known
    )
    return f"The quoted cells: {said}; {same} of {len(known)} agree on whether every seed gains."


def red(results: Kept) -> str:
    mean, seeds, typical = tables.harmed(results)
    useless = results.controls()
    useless = useless[useless["control"] == "control:placebo"] if len(useless) else useless
    placebo = f"; placebos change it by {percent(useless['mae_change'].mean())} %" if len(useless) else ""
    return (
        f"The error rises on average in {mean} cells, by {percent(typical)} % in the median one, and in "
        f"{seeds} of them in every seed (in the paper in none of them){placebo}. A column costs a learner "
        "something even where it tells nothing: information is not lost."
    )


def asymmetry(results: Kept) -> str:
    found = results.residuals
    if not found["pairs"]:
        return "Asymmetry: too few seeds for an interval."
    first, second = (found[each].replace("_", " ") for each in ("first", "second"))
    return (
        f"Asymmetry in bits: the interval of the residual excludes zero for {found['beyond']} of "
        f"{found['pairs']} pairs that are not deterministic; the largest is {bits(found['mean'])} "
        f"({first} and {second}, {found['representation']}). It measures the learner and the rows, not "
        "information, which is symmetric."
    )


def survivors(results: Kept) -> str:
    marks, kept, fixed, sizes = 0, 0, 0, 0
    large = per_cell(results)
    for name in REPRESENTATIONS:
        by_seed = marked(results)[name]
        for _, c in pairs(results, name).iterrows():
            cell = (c["target"], c["added"])
            if cell not in by_seed:
                continue
            marks += 1
            fixed += bool(c["deterministic"])
            kept += bool(c["swap_q"] < FDR and c["bits_low"] > 0 and not c["deterministic"])
            sizes += large.issuperset(cell)
    return (
        f"Of {marks} cells marked by the paper's criterion, {kept} pass the swap test with false finds held "
        f"at {share(FDR, 0)}, tell more than nothing in bits and are not deterministic; {fixed} are "
        f"deterministic, {sizes} pair two quantities that count per cell."
    )


def controls(results: Kept) -> str:
    found = results.controls()
    if found.empty:
        return "Controls were not trained."
    said = []
    for name, part in found.groupby("control", sort=False):
        weight = part["n"] / part["n"].sum()
        by_seed, swap = ((part[rule] * weight).sum() for rule in ("paired_minmax", "swap"))
        said.append(f"{str(name).removeprefix('control:')} {share(by_seed, 0)} and {share(swap, 0)}")
    return f"Controls marked in every seed and by the swap test (p < 0.05): {'; '.join(said)}."


def compared(studies: dict[str, Kept]) -> str:
    """How well the last learner does beside the first, which saw more."""
    (first, a), *_, (last, b) = studies.items()
    ratio = (bare_errors(b) / bare_errors(a)).groupby("representation").median()
    return (
        f"{last} learned from {count(b.outcome.data['n_used'])} materials, {first.lower()} from "
        f"{count(a.outcome.data['n_used'])}: in the median target its error without added property is "
        f"{ratio['structure']:.1f} times theirs on structure and {ratio['composition']:.1f} times on "
        "composition. Where it marks less, it may have seen too little."
    )


def undecided(results: Kept) -> str:
    found = [verdict for name in REPRESENTATIONS for verdict in verdicts(results, name).values()]
    return (
        f"The run is too small to say in {found.count('open')} of {len(found)} cells: the interval of the "
        f"bits neither lies above zero, with a swap test that marks the cell, nor ends below {NONE} bits."
    )


def all_sites(errors: pd.DataFrame, changes: pd.DataFrame) -> str:
    """What the graph of all sites knows; see `keeping.beside` and `keeping.sizes_beside`."""
    change = change_beside(errors).set_axis(errors["target"])
    said = ", ".join(
        f"{percent(value)} % for {name.replace('_', ' ')}" for name, value in change.nsmallest(3).items()
    )
    text = (
        "The composition graph of all sites, the paper's, tells the size of the cell: it changes the "
        f"network's error without added property by {said}."
    )
    if changes.empty:
        return text
    before, after = (percent(changes[which].median()) for which in ("random", "other"))
    return (
        f"{text} A quantity that counts per cell, added for another, then changes the error by {after} % in "
        f"the median, on the graph of the reduced formula by {before} %."
    )


def grouped(found: pd.DataFrame) -> str:
    change = change_beside(found)
    return (
        "With all materials of a formula on one side of the split the errors without added property change "
        f"by {percent(change.min())} to {percent(change.max())} %; {found['marks_both'].sum()} of "
        f"{found['marks_random'].sum()} marks remain ({found['n_seeds'].max()} seeds)."
    )
