"""The answers of an analysed study: usable bits with their interval, the swap test, and what is not ranked.

The words are those of `mattomo.report.sentences`: a learner *uses* a property, so many usable bits; that no
gain was detected does not mean that there is nothing to find.
"""

from __future__ import annotations

from typing import Any

from mattomo.report.information import SWAP, SWAP_LEVEL, control_name, ranked, strength
from mattomo.report.numbers import bits, bits_range, listed, percent, plural, q_value
from mattomo.report.sentences import Cell, label

DETERMINISTIC = {
    "algebra": "the target is a function of the added property and of what the representation holds",
    "held": "the representation alone determines the target, so a gain is the learner’s shortfall",
    "derived": "the composition determines the added property, so a gain is convenience",
}
"""What a mark of a deterministic cell means."""


def evidence(cell: Cell) -> str:
    """Change, bits and test of a cell: ``−6.1 % (0.09 usable bits, 0.02 to 0.16, swap test q = 0.003)``."""
    change = "an undefined change" if cell["mean"] is None else f"{percent(cell['mean'])} %"
    return f"{change} ({usable(cell)})"


def usable(cell: Cell) -> str:
    """Bits with their interval and the swap test of a cell, with what limits them."""
    found = cell["information"]
    if found is None:
        return "not analysed"
    if found["bits"] is None:
        said = f"bits undefined: {found['reason'] or 'no rows'}"
    else:
        said = f"{bits(found['bits'])} usable bits, {bits_range(found['bits_low'], found['bits_high'])}"
    if found["swap_q"] is not None:
        said += f", swap test {q_value(found['swap_q'])}"
    if found["overstated"]:
        said += f", overstated: at most {bits(found['cap'])} can be its own"
    return said


def doubts(cell: Cell) -> list[str]:
    """Sentences on what speaks against reading a cell as information of the added property."""
    found, parts, said = cell["information"], cell["parts"], []
    if found is None:
        return []
    if found["deterministic"]:
        said.append(f"Deterministic, not ranked: {DETERMINISTIC[found['deterministic']]}.")
    if found["overstated"]:
        said.append(
            f"Overstated: {bits(found['bits'])} bits exceed the {bits(found['cap'])} that the property "
            "holds at most beyond the representation; the baseline underfits, or its error has an odd shape."
        )
    if cell[SWAP] and found["bits_low"] is not None and found["bits_low"] <= 0 <= found["bits_high"]:
        said.append("The model uses the property, but over the seeds the interval of its bits includes zero.")
    if parts and parts["undertrained"]:
        said.append(f"The baseline looks undertrained: {parts['undertrained']}.")
    return said


def headlines(summary: dict[str, Any]) -> list[str]:
    """What the swap test marks beside what it marks of the controls; empty without an analysis."""
    if not summary["analysed"]:
        return []
    said = []
    for learner in summary["learners"]:
        parts = []
        for representation in summary["representations"]:
            cells = [
                c
                for c in _judged(summary, learner)
                if c["representation"] == representation and c["information"]["swap_q"] is not None
            ]
            if cells:
                parts.append(f"{len(ranked(cells))} of {len(cells)} on {representation}")
        if not parts:
            continue
        lead = f"With {learner}, a" if len(summary["learners"]) > 1 else "A"
        text = (
            f"{lead} falling error and the swap test (q < {SWAP_LEVEL:g}) mark {listed(parts)}, "
            "deterministic pairs left out"
        )
        against = _of_controls(summary, learner)
        if against:
            text += f"; of the controls, the test (p < {SWAP_LEVEL:g}) marks {against}"
        said.append(text + ".")
    return said


def _of_controls(summary: dict[str, Any], learner: str) -> str:
    """How many controls of each kind the swap test marks, such as ``2 of 18 placebos``."""
    said = []
    for name, kind in (
        ("placebo", "placebos"),
        ("derived", "derived columns"),
        ("planted", "planted signals"),
    ):
        rows = [
            row
            for row in summary["analysis"]["controls"]
            if row["learner"] == learner and control_name(row["control"]) == name and row["n_swap"]
        ]
        if rows:
            hits = sum(round(row["swap"] * row["n_swap"]) for row in rows)
            said.append(f"{hits} of {sum(row['n_swap'] for row in rows)} {kind}")
    return listed(said)


def answers(summary: dict[str, Any]) -> list[str]:
    """One sentence a learner and target: what the representation tells, and the strongest added property."""
    said = []
    for learner in summary["learners"]:
        for target in summary["targets"]:
            cells = [c for c in _judged(summary, learner) if c["target"] == target]
            if cells:
                text = _answer(summary, target, cells)
                said.append(f"With {learner}, f{text[1:]}" if len(summary["learners"]) > 1 else text)
    return said


def _answer(summary: dict[str, Any], target: str, cells: list[Cell]) -> str:
    names = [name for name in summary["representations"] if any(c["representation"] == name for c in cells)]
    clauses: list[str] = []
    best: Cell | None = None
    for name in names:
        here = [c for c in cells if c["representation"] == name]
        top = next(iter(ranked(here)), None)
        again = next((c for c in here if best is not None and c["added"] == best["added"]), None)
        if best is not None and again is not None:
            clauses.append(_again(summary, name, again, top, _tells(here)))
        else:
            clauses.append(_first(summary, name, here, top))
            best = top
    return f"For {label(summary, target)}, {'; '.join(clauses)}."


def _tells(cells: list[Cell]) -> str:
    """What the representation tells of the target by itself."""
    parts = next((c["parts"] for c in cells if c["parts"] and c["parts"]["I_R"] is not None), None)
    return "" if parts is None else f"holds {bits(parts['I_R'])} usable bits"


def _first(summary: dict[str, Any], name: str, cells: list[Cell], top: Cell | None) -> str:
    holds = _tells(cells)
    lead = f"{name} {holds}" if holds else name
    if top is not None:
        joint = "; " if holds else ": "
        if strength(top) <= 0:
            # The test finds use of the property where the density sees no gain.
            name = label(summary, top["added"])
            return f"{lead}{joint}the learner uses {name}, which gains no usable bits: {evidence(top)}"
        return f"{lead}{joint}adding {label(summary, top['added'])} changes the error by {evidence(top)}"
    held = [c for c in cells if (c["information"] or {}).get("deterministic") == "held"]
    if len(held) == len(cells):
        return f"{name} alone determines it, so a gain on it is the learner’s shortfall"
    rest = [c for c in cells if not (c["information"] or {}).get("deterministic") and c["mean"] is not None]
    strongest = max(rest, key=strength, default=None)
    text = f"{lead}{', and' if holds else ':'} no usable gain detected beyond it"
    if strongest is None or strength(strongest) == float("-inf"):
        return text
    return f"{text} (the strongest is {label(summary, strongest['added'])} with {evidence(strongest)})"


def _again(summary: dict[str, Any], name: str, cell: Cell, top: Cell | None, holds: str) -> str:
    """The same property on a further representation, and that representation's own strongest."""
    lead = f"{name} {holds}, and there" if holds else f"on {name}"
    kind = (cell["information"] or {}).get("deterministic")
    if kind == "held":
        return f"{name} alone determines it, so a gain on it is the learner’s shortfall"
    if kind == "algebra":
        text = f"{lead} the same property settles it by algebra (not ranked)"
    elif cell[SWAP]:
        text = f"{lead} it changes the error by {evidence(cell)}"
    else:
        text = f"{lead} no usable gain is detected: {evidence(cell)}"
    if top is not None and top["added"] != cell["added"]:
        text += f", the strongest being {label(summary, top['added'])} with {evidence(top)}"
    return text


def cautions(summary: dict[str, Any]) -> list[str]:
    """What the analysis warns of."""
    if not summary["analysed"]:
        return []
    cells = [c for learner in summary["learners"] for c in _judged(summary, learner)]
    said = []
    for kind, meaning in DETERMINISTIC.items():
        found = [c for c in cells if c["information"]["deterministic"] == kind]
        if found:
            said.append(f"{plural(len(found), 'pair')} marked and not ranked, because {meaning}.")
    over = [c for c in cells if c["information"]["overstated"]]
    if over:
        said.append(
            f"In {plural(len(over), 'pair')} the bits are overstated: they exceed what the category "
            "holds beyond the representation."
        )
    untested = [c for c in cells if c["information"]["swap_q"] is None]
    if untested:
        reasons = sorted({c["information"]["swap_reason"] for c in untested} - {""})
        said.append(
            f"{plural(len(untested), 'pair')} without a swap test, which cannot be marked by it"
            + (f": {listed(reasons)}." if reasons else ".")
        )
    for row in summary["analysis"]["controls"]:
        odd = not row["reading"].rstrip(".").endswith(("of no information", "size are found"))
        if odd:
            said.append(f"Controls, {row['learner']} on {row['representation']}: {row['reading']}")
    return said


def _judged(summary: dict[str, Any], learner: str) -> list[Cell]:
    return [
        c
        for c in summary["cells"]
        if c["learner"] == learner and not c["diagonal"] and c["information"] is not None
    ]
