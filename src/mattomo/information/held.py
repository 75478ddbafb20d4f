"""What a base holds of the properties that may be added to it, from the conditionals of a problem."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mattomo.information.sufficiency import shared_bits
from mattomo.learners.conditional import Conditional
from mattomo.materials.registry import PropertyInfo
from mattomo.materials.table import Column
from mattomo.study.controls import PREFIX
from mattomo.study.problem import NOTHING, Problem


def shared(
    problem: Problem, conditionals: Mapping[int, Mapping[str, Conditional]], names: set[str]
) -> dict[frozenset[str], float]:
    """What the properties share in pairs and with the base, on the held-out rows of the first seed."""
    seed = problem.config.seeds[0]
    rows = problem.split(seed).test
    ordered = [name for name in problem.properties if name in names]
    columns = {name: problem.prepared.columns[name].take(rows) for name in ordered}
    if problem.base == NOTHING:
        return shared_bits(columns)
    return shared_bits(columns, {name: _guess(conditionals[seed][name], name) for name in ordered})


def _guess(conditional: Conditional, name: str) -> Column:
    """What the base tells of a property: its prediction, or the likeliest level."""
    if conditional.probabilities is None:
        assert conditional.predicted is not None
        values: Any = conditional.predicted
    else:
        assert conditional.levels is not None
        values = conditional.levels[conditional.probabilities.argmax(axis=1)]
    kind = "scalar" if conditional.probabilities is None else "category"
    info = PropertyInfo(f"{PREFIX}{name}", name, kind=kind)  # type: ignore[arg-type]
    return Column(info, values, np.zeros(len(values), dtype=bool))


def determined(problem: Problem, name: str, conditionals: Mapping[int, Mapping[str, Conditional]]) -> float:
    """Share of a property that the base tells, mean over the seeds."""
    shares = []
    for seed, found in conditionals.items():
        values = problem.prepared.columns[name].values[problem.split(seed).test]
        conditional = found[name]
        if conditional.predicted is not None:
            variance = float(values.astype(np.float64).var())
            left = float(((values.astype(np.float64) - conditional.predicted) ** 2).mean())
        else:
            counts = np.unique(values, return_counts=True)[1] / len(values)
            variance, left = float(-(counts * np.log2(counts)).sum()), conditional.cross_entropy
        shares.append(1 - left / variance if variance > 0 else 1.0)
    return max(0.0, float(np.mean(shares)))
