"""A small analysed study from made-up predictions: the real analysis, no training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from mattomo.information.analysis import Analysis, analyse
from mattomo.information.scores import Scored, score_all
from mattomo.materials.registry import PropertyInfo
from mattomo.report.closeup import Closeups, closeups, with_curves
from mattomo.study.outcome import Held, Outcome, Rows

CONTROLS = ("control:placebo", "control:derived", "control:planted")
SYSTEMS = ("cubic", "hexagonal", "triclinic", "")


class Studied(NamedTuple):
    """What a made-up study gives."""

    outcome: Outcome
    analysis: Analysis
    rows: Rows
    close: Closeups
    scored: list[Scored]


def material(i: int) -> tuple[str, str]:
    """Id and formula of a made-up material; ten of 150 formulas have two."""
    k = i % 140
    metal, other = ("Na", "Fe", "Si", "Ti", "Ba", "K", "La", "U")[k % 8], ("O", "Cl", "S", "F")[k // 8 % 4]
    return f"m-{i}", f"{metal}{other}{k // 32 + 1}"


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
    pairs: bool = False,
    done: float = 1.0,
    naming: Callable[[int], tuple[str, str]] = material,
) -> Studied:
    """Outcome and analysis of predictions that see the last added column and ignore the others.

    ``pairs`` gives each added property a baseline and rows of its own; ``done`` is the share of the units
    that are finished.
    """
    rng = np.random.default_rng(3)
    n = 150
    infos = properties or made.properties[:3]
    names = tuple(info.name for info in infos)
    targets = names[:n_targets]
    columns = {}
    for info in infos:
        values = rng.standard_normal(n)
        columns[info.name] = values if info.kind == "scalar" else np.where(values > 0, "a", "b")
    ids, formulas = zip(*map(naming, range(n)), strict=True)
    rows = Rows(np.array(ids), np.array(formulas), columns)
    own = CONTROLS if controls else ()
    planned = [("", own), *((name, (name,)) for name in names)] if pairs else [("", (*names, *own))]
    units, errors, curves = [], [], []
    for learner in learners:
        for representation in representations:
            for target in targets:
                for seed in seeds:
                    order = rng.permutation(n)
                    for pair, added in planned:
                        validation, test = order[:50], order[50 : 100 - len(pair) % 5]
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
                                    learner, representation, target, seed, pair, fraction,
                                    int(90 * fraction), added, test, true[validation], true[test],
                                    predicted[:, validation], predicted[:, test], swapped,
                                )
                            )  # fmt: skip
                            where = (learner, representation, target, seed, pair)
                            mae = np.abs(predicted[:, test] - true[test]).mean(axis=1)
                            for name, value in zip(("", *added), mae, strict=True):
                                errors.append((*where, name, value, fraction))
                                if fraction == 1:
                                    curves += [(*where, name, e, value * (1 + 1 / e)) for e in range(1, 41)]
    n_done = round(done * len(units))
    kept = {(u.learner, u.representation, u.target, u.seed, u.pair) for u in units[:n_done]}
    key = ["learner", "representation", "target", "seed", "pair"]
    table = pd.DataFrame(
        [row for row in errors if row[:5] in kept], columns=[*key, "added", "mae", "fraction"]
    )
    table = table.assign(val_mae=table["mae"], best_epoch=40, seconds=0.1, n_test=50)
    control = table["added"].isin(CONTROLS)
    whole = table["fraction"] == 1
    outcome = replace(
        made,
        errors=table[whole & ~control].drop(columns="fraction").reset_index(drop=True),
        control_errors=table[whole & (control | ((table["added"] == "") & (table["pair"] == "")))]
        .drop(columns="fraction")
        .reset_index(drop=True),
        learning=table if len(fractions) > 1 else table.iloc[:0],
        properties=infos,
        targets=targets,
        added=names,
        seeds=seeds,
        representations=representations,
        units_done=n_done,
        units_planned=len(units),
    )
    scored = score_all(units[:n_done], rows)
    systems = np.array([SYSTEMS[i % 4] for i in range(n)])
    lines = pd.DataFrame(
        [row for row in curves if row[:5] in kept], columns=[*key, "added", "epoch", "val_mae"]
    )
    close = with_curves(closeups(scored, rows, systems), lines)
    return Studied(outcome, analyse(outcome, scored, rows), rows, close, scored)
