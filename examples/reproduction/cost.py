"""What the studies took, what was foreseen, and what the plain baseline would take."""

from __future__ import annotations

import json
from typing import Any

import mattomo as mt
from mattomo.report.numbers import count
from mattomo.study.machine import in_gigabytes
from mattomo.study.plan import plan
from mattomo.study.reopen import reopen


def seconds_of_a_step(text: str) -> dict[str, float]:
    """Two numbers, by representation."""
    composition, structure = map(float, text.split(","))
    return {"composition": composition, "structure": structure}


def cost(studies: dict[str, mt.Results], baseline: dict[str, float] | None) -> str:
    """The section of all studies, by the name of the learner."""
    lines = ["## What it cost"]
    for label, results in studies.items():
        done = records(results)
        hours, memory = results.outcome.wall_seconds / 3600, results.outcome.memory
        held = f", at most {in_gigabytes(memory)} in one of them" if memory else ""
        lines.append(
            f"- {label}: {count(sum(len(r['models']) for r in done))} models, controls included, in "
            f"{hours:.1f} h of single-threaded workers (by the clock, summed over the units, on two cores "
            f"that did other things besides){held}. {planned(results)}"
        )
        if "cgcnn" in results.outcome.config["learners"] and baseline:
            lines.append(f"    - {plainly(results, done, baseline)}")
    return "\n\n".join([lines[0], "\n".join(lines[1:])])


def plainly(results: mt.Results, done: list[dict[str, Any]], baseline: dict[str, float]) -> str:
    """The same trainings by the plain network."""
    epochs = results.outcome.config["epochs"]
    crystals = dict.fromkeys(baseline, 0)
    for r in done:
        crystals[r["representation"]] += len(r["models"]) * epochs * r["n_train"]
    alone = sum(crystals[each] / 256 * baseline[each] for each in baseline) / 3600
    return (
        f"The plain baseline of `benchmarks/engine.py` takes {baseline['composition']:.3g} s (composition) "
        f"and {baseline['structure']:.3g} s (structure) for one model's step of 256 crystals: the same "
        f"trainings would take it {count(round(alone))} hours, extrapolated from the time of a step."
    )


def records(results: mt.Results) -> list[dict[str, Any]]:
    """What the study folder says of each unit."""
    return [json.loads(path.read_text()) for path in sorted(results.folder.glob("units/*/record.json"))]


def planned(results: mt.Results) -> str:
    """What `mattomo plan` says of the same study; nothing where its table is not at hand."""
    try:
        opened = reopen(results.folder)
    except mt.InputError:
        return ""
    study = plan(opened.prepared, opened.config)
    return (
        f"`mattomo plan` foresees {study.seconds(1) / 3600:.1f} hours of one processor, what the swap test "
        f"learns beforehand included, and {in_gigabytes(study.memory())} for a worker."
    )
