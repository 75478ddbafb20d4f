"""The words of the report: what was found, and no more than may be claimed.

A study measures *usable* gain, for its learner and its amount of data. So the words are "usable gain" and "no
usable gain detected", never "information" that a property does or does not carry.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from mattomo.information import CRITERIA, chance_all_below
from mattomo.report.information import SWAP, SWAP_LEVEL
from mattomo.report.numbers import brief, count, listed, percent, plural, q_value, share

Cell = dict[str, Any]

RULE_NAMES = {"paired_minmax": "Every seed", "separated": "Separated", SWAP: "Swap test"}
"""Rules in words."""

# Splits of 60-20-20 share so many rows that the changes of two seeds correlate about this much at most.
_SEED_CORRELATION = 1 / 3


def label(summary: dict[str, Any], name: str, width: int = 60) -> str:
    """A property's name for people, cut to a width."""
    return brief(summary["properties"].get(name, {}).get("label", name), width)


def question(summary: dict[str, Any]) -> str:
    """What the study asks."""
    what = listed([f"its {name}" for name in summary["representations"]]) or "its representation"
    if len(summary["targets"]) == 1:
        return f"What helps to predict {label(summary, summary['targets'][0])}, beyond {what}?"
    return f"Which properties help to predict a material, beyond {what}?"


def models(summary: dict[str, Any]) -> list[str]:
    """How many models are trained, those of controls and of fewer training rows apart."""
    status = summary["status"]
    said = [plural(status["models"], "model")]
    if status["control_models"]:
        said.append(f"{count(status['control_models'])} of controls")
    if status["part_models"]:
        said.append(f"{count(status['part_models'])} on fewer training rows")
    return said


def change(cell: Cell) -> str:
    """Mean change with its range, such as ``−6.1 % (−8.0 to −4.2 over 3 seeds)``."""
    if cell["mean"] is None:
        return f"undefined ({cell['reason']})"
    if cell["n_seeds"] < 2:
        return f"{percent(cell['mean'])} % (one seed, no range)"
    low, high = percent(cell["min"]), percent(cell["max"])
    return f"{percent(cell['mean'])} % ({low} to {high} over {cell['n_seeds']} seeds)"


def verdict(cell: Cell, criterion: str) -> str:
    """One cell in words."""
    if cell["reason"]:
        return f"Undefined: {cell['reason']}."
    if cell["diagonal"]:
        return "Positive control: the target itself was added, so the error must fall."
    if criterion == SWAP:
        return _swap_verdict(cell)
    if cell["n_seeds"] < 2:
        return "One seed has no range: nothing can be claimed."
    if cell[criterion]:
        return "Usable gain: " + CRITERIA[criterion] + "."
    if cell["min"] > 0:
        return "The error rose in every seed: the property cost more than it gave."
    return "No usable gain detected."


def verdicts(summary: dict[str, Any], cell: Cell) -> list[str]:
    """What each rule says of a cell, once if they all say the same."""
    said = {name: verdict(cell, name) for name in summary["criteria"]}
    if len(set(said.values())) == 1:
        return list(said.values())[:1]
    return [f"{RULE_NAMES[name]}: {text[0].lower()}{text[1:]}" for name, text in said.items()]


def _swap_verdict(cell: Cell) -> str:
    found = cell["information"]
    if found is None or found["swap_q"] is None:
        return f"No swap test: {found['swap_reason'] or 'no q value' if found else 'not analysed'}."
    q = q_value(found["swap_q"])
    if cell[SWAP]:
        return (
            "Usable gain: the model uses it. In place of conditional placebos it moves the prediction "
            f"towards the truth where the baseline errs ({q})."
        )
    if found["swap_q"] < SWAP_LEVEL:
        return f"The model uses it ({q} in the swap test), but the error does not fall on average."
    return f"No usable gain detected: the swap test gives {q}."


def holding(contrast: dict[str, Any]) -> str:
    """How sure "structure holds it" is: it needs a paired difference in every seed, not two lists."""
    return "seems to" if contrast["max"] < 0 and contrast["n_seeds"] >= 2 else "may"


def headlines(summary: dict[str, Any]) -> list[str]:
    """The whole study in a few sentences, the state of the study first when it is not finished."""
    status, criterion = summary["status"], summary["criterion"]
    said = []
    if not status["complete"]:
        done, planned = status["units_done"], status["units_planned"]
        said.append(
            f"This study is not finished: {done:,} of {plural(planned, 'unit')} "
            f"({share(done / planned, 0)}) are done, and everything below rests on those alone."
        )
    judged = [cell for cell in summary["cells"] if not cell["diagonal"] and not cell["reason"]]
    if not judged:
        return [*said, "There is no pair of a baseline and an augmented model yet, so there is no answer."]
    for learner in summary["learners"]:
        lead = f"With {learner}: " if len(summary["learners"]) > 1 else ""
        parts = []
        for representation in summary["representations"]:
            cells = [c for c in judged if (c["learner"], c["representation"]) == (learner, representation)]
            if cells:
                hits = sum(cell[criterion] for cell in cells)
                parts.append(f"{hits} of {len(cells)} on {representation}")
        if parts:
            text = f"pairs of an added property and a target with a usable gain: {listed(parts)}."
            said.append(lead + (text if lead else text[0].upper() + text[1:]))
        often = [row for row in summary["table1"][criterion]["frequency"] if row["learner"] == learner]
        if often:
            top = [f"{label(summary, r['added'])} ({plural(r['count'], 'target')})" for r in often[:4]]
            said.append(
                f"{lead}{'most' if lead else 'Most'} often useful to composition while structure "
                f"shows no usable gain: {listed(top)}."
            )
    judged_twice = summary["agreement"][criterion]
    if judged_twice:
        parts = []
        for representation in summary["representations"]:
            pairs = [row for row in judged_twice if row["representation"] == representation]
            if pairs:
                robust = sum(row["robust"] for row in pairs)
                parts.append(f"{robust} of {len(pairs)} on {representation}")
        disputed = sum(row["disagree"] for row in judged_twice)
        said.append(
            f"Robust, that is marked by {listed(summary['learners'])} alike: {listed(parts)}; "
            f"the learners disagree on {plural(disputed, 'pair')}."
        )
    return said


def answers(summary: dict[str, Any]) -> list[str]:
    """One sentence a learner and target: its strongest added property, and what structure makes of it."""
    said = []
    for learner in summary["learners"]:
        for target in summary["targets"]:
            cells = [
                c
                for c in summary["cells"]
                if c["learner"] == learner and c["target"] == target and not c["diagonal"] and not c["reason"]
            ]
            if cells:
                text = _answer(summary, target, cells)
                several = len(summary["learners"]) > 1
                said.append(f"With {learner}, f{text[1:]}" if several else text)
    return said


def _answer(summary: dict[str, Any], target: str, cells: list[Cell]) -> str:
    criterion = summary["criterion"]
    order = [name for name in ("composition", "structure") if any(c["representation"] == name for c in cells)]
    first = order[0]
    best = min((c for c in cells if c["representation"] == first), key=lambda c: _rank(c, criterion))
    name = label(summary, best["added"])
    if best["n_seeds"] < 2:
        text = (
            f"For {label(summary, target)}, the largest fall on {first} comes with {name}: {change(best)}, "
            "which is no evidence yet"
        )
    elif best[criterion]:
        text = (
            f"For {label(summary, target)}, adding {name} to {first} changes the test error by {change(best)}"
        )
    else:
        text = (
            f"For {label(summary, target)}, no usable gain detected on {first}; "
            f"the strongest is {name} with {change(best)}"
        )
    if order[1:]:
        text += _structure_clause(summary, best, [c for c in cells if c["representation"] == "structure"])
    return text + "."


def _structure_clause(summary: dict[str, Any], best: Cell, structure: list[Cell]) -> str:
    criterion = summary["criterion"]
    same = next((c for c in structure if c["added"] == best["added"]), None)
    top = min(structure, key=lambda c: _rank(c, criterion))
    clause = ""
    if best[criterion] and same is not None and same["n_seeds"] >= 2:
        if same[criterion]:
            clause = f"; it also helps on structure, {change(same)}"
        else:
            contrast = next(
                c
                for c in summary["contrasts"]
                if (c["learner"], c["target"], c["added"]) == (best["learner"], best["target"], best["added"])
            )
            clause = (
                f"; no usable gain on structure, {change(same)}, which {holding(contrast)} hold it already"
            )
    if top[criterion] and top["added"] != best["added"]:
        clause += f". On structure the strongest is {label(summary, top['added'])}, {change(top)}"
    return clause


def _rank(cell: Cell, criterion: str) -> tuple[bool, float]:
    return (not cell[criterion], cell["mean"])


def cautions(summary: dict[str, Any]) -> list[str]:
    """What the numbers themselves warn of."""
    said = []
    cells = summary["cells"]
    judged = [cell for cell in cells if not cell["diagonal"] and not cell["reason"]]
    numbers = {cell["n_seeds"] for cell in judged}
    if numbers and max(numbers) == 1:
        said.append(
            "One seed only: there is no range, so no cell is marked. Run at least three, better five."
        )
    elif numbers and min(numbers) != max(numbers):
        said.append(
            f"Cells rest on different numbers of seeds ({min(numbers)} to {max(numbers)}); "
            "fewer seeds make a mark easier to get by chance."
        )
    several = [cell for cell in judged if cell["n_seeds"] >= 2]
    if several:
        by_seeds = Counter(cell["n_seeds"] for cell in several)
        low = sum(n * chance_all_below(seeds) for seeds, n in by_seeds.items())
        high = sum(n * chance_all_below(seeds, _SEED_CORRELATION) for seeds, n in by_seeds.items())
        hits = sum(cell["paired_minmax"] for cell in several)
        expected = f"{low:.0f}" if round(low) == round(high) else f"{low:.0f} to {high:.0f}"
        said.append(
            f"Chance alone would mark about {expected} of these {len(several)} pairs under the "
            f"rule “every seed falls” if no property were of any use; {hits} are marked. "
            "Read a single weak mark as a hint."
        )
    rose = sum(cell["min"] > 0 for cell in several)
    if rose:
        said.append(
            f"In {plural(rose, 'pair')} the error rose in every seed: more input can harm a learner, "
            "although information cannot."
        )
    weak = [c for c in cells if c["diagonal"] and not c["reason"] and c["mean"] > -0.5]
    if weak:
        who = {name: f" ({name})" if len(summary["learners"]) > 1 else "" for name in summary["learners"]}
        names = listed(
            [f"{label(summary, c['target'])} on {c['representation']}{who[c['learner']]}" for c in weak[:5]]
        )
        said.append(
            "Positive control is weak: given the target itself, the error should nearly vanish, but it falls "
            f"by less than half for {names}. Such models are undertrained, or the representation already "
            "gives the target; distrust “no usable gain” there."
        )
    undefined = [cell for cell in cells if cell["reason"]]
    if undefined:
        reasons = listed(sorted({cell["reason"] for cell in undefined}))
        said.append(f"{plural(len(undefined), 'cell')} left undefined: {reasons}.")
    return said
