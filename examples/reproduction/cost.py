"""What the studies took, what was foreseen, and what the plain baseline would take."""

from __future__ import annotations

from typing import Any

from kept import Kept

from mattomo.report.numbers import count
from mattomo.study.machine import in_gigabytes


def seconds_of_a_step(text: str) -> dict[str, float]:
    """Two numbers, by representation."""
    composition, structure = map(float, text.split(","))
    return {"composition": composition, "structure": structure}


def cost(studies: dict[str, Kept], baseline: dict[str, float] | None) -> str:
    """The section of all studies, by the name of the learner."""
    lines = ["## What it cost"]
    for label, study in studies.items():
        hours, memory = study.outcome.wall_seconds / 3600, study.outcome.memory
        held = f", at most {in_gigabytes(memory)} in one of them" if memory else ""
        lines.append(
            f"- {label}: {count(study.cost['models'])} models, controls included, in {hours:.1f} h of "
            "single-threaded workers (by the clock, summed over the units, on two cores that did other "
            f"things besides){held}. {planned(study.cost)}"
        )
        if any(study.cost["crystals"].values()) and baseline:
            lines.append(f"    - {plainly(study.cost['crystals'], baseline)}")
    return "\n\n".join([lines[0], "\n".join(lines[1:])])


def plainly(crystals: dict[str, int], baseline: dict[str, float]) -> str:
    """The same trainings by the plain network."""
    alone = sum(n / 256 * baseline[each] for each, n in crystals.items()) / 3600
    return (
        f"The plain baseline of `benchmarks/engine.py` takes {baseline['composition']:.3g} s (composition) "
        f"and {baseline['structure']:.3g} s (structure) for one model's step of 256 crystals: the same "
        f"trainings would take it {count(round(alone))} hours, extrapolated from the time of a step."
    )


def planned(known: dict[str, Any]) -> str:
    """What `mattomo plan` says of the same study; nothing where its table was not at hand."""
    if known["planned_seconds"] is None:
        return ""
    return (
        f"`mattomo plan` foresees {known['planned_seconds'] / 3600:.1f} hours of one processor, what the "
        f"swap test learns beforehand included, and {in_gigabytes(known['planned_memory'])} for a worker."
    )
