"""A small analysed study from made-up predictions: the real analysis, no training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from mattomo.information.analysis import Analysis, analyse
from mattomo.information.scores import score_all
from mattomo.materials.registry import PropertyInfo
from mattomo.study.outcome import Held, Outcome, Rows

CONTROLS = ("control:placebo", "control:derived", "control:planted")


def studied(
    made: Outcome,
    *,
    seeds: tuple[int, ...] = (0, 1, 2),
    representations: tuple[str, ...] = ("composition", "structure"),
    swaps: bool = True,
    controls: bool = True,
    fractions: tuple[float, ...] = (1.0,),
    properties: tuple[PropertyInfo, ...] | None = None,
    n_targets: int = 2,
    learners: tuple[str, ...] = ("trees",),
) -> tuple[Outcome, Analysis, Rows]:
    """Outcome, analysis and rows of predictions that see the first added column and ignore the others."""
    rng = np.random.default_rng(3)
    n = 150
    infos = properties or made.properties[:3]
    names = tuple(info.name for info in infos)
    targets = names[:n_targets]
    columns = {}
    for info in infos:
        values = rng.standard_normal(n)
        columns[info.name] = values if info.kind == "scalar" else np.where(values > 0, "a", "b")
    rows = Rows(np.array([f"m-{i}" for i in range(n)]), np.array([f"F{i % 140}" for i in range(n)]), columns)
    added = (*names, *(CONTROLS if controls else ()))
    units, errors = [], []
    for learner in learners:
        for representation in representations:
            for target in targets:
                for seed in seeds:
                    order = rng.permutation(n)
                    validation, test = order[:50], order[50:100]
                    true = columns[target]
                    for fraction in fractions:
                        noise = rng.standard_normal((len(added) + 1, n)) * 0.05
                        base = 0.4 * true
                        predicted = np.tile(base, (len(added) + 1, 1)) + noise
                        for k, name in enumerate(added):
                            if name == target:
                                predicted[k + 1] = 0.97 * true + noise[k + 1]
                            elif name in (names[-1], "control:planted"):
                                predicted[k + 1] = 0.75 * true + noise[k + 1]
                        swapped = {
                            name: (base + rng.standard_normal((4, n)) * 0.3)[:, test].astype(np.float32)
                            for name in added
                            if swaps
                        }
                        units.append(
                            Held(
                                learner, representation, target, seed, "", fraction,
                                int(90 * fraction), added, test, true[validation], true[test],
                                predicted[:, validation], predicted[:, test], swapped,
                            )
                        )  # fmt: skip
                        if fraction == 1:
                            mae = np.abs(predicted[:, test] - true[test]).mean(axis=1)
                            errors += [
                                (learner, representation, target, name, seed, value)
                                for name, value in zip(("", *added), mae, strict=True)
                            ]
    table = pd.DataFrame(errors, columns=["learner", "representation", "target", "added", "seed", "mae"])
    table = table.assign(pair="", val_mae=table["mae"], best_epoch=9, seconds=0.1, n_test=50)
    control = table["added"].isin(CONTROLS)
    outcome = replace(
        made,
        errors=table[~control].reset_index(drop=True),
        control_errors=table[control | (table["added"] == "")].reset_index(drop=True),
        properties=infos,
        targets=targets,
        added=names,
        seeds=seeds,
        representations=representations,
    )
    return outcome, analyse(outcome, score_all(units, rows), rows), rows
