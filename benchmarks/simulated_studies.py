"""What each criterion of a study is worth: simulated studies whose truth is known, with trees.

    python benchmarks/simulated_studies.py
    python benchmarks/simulated_studies.py --studies 20 --rows 300 --workers 4 --json

A study is a table of six inputs (R) and twelve properties (A), five random 60-20-20 splits, baselines and
augmented models by `Trees`, what R tells of each A by `learners.conditional`, 20 conditional placebos, and
the analysis of `information`: the functions that a study of a user runs, without its files. Formulas repeat,
and inputs of one formula are alike.

The target is r0 + r1 r2 + sin(2 r3) + 0.5 e. Nine properties tell nothing of it beyond R, three do (then the
target has another term):

    placebo        independent of everything
    noisy copy     r0 and as much noise as the target has
    copy           r0 itself
    mean           of r0, r1, r2 and r3: R determines it, trees alone guess 94 % of its variance
    function       the length of (r4, r5): R determines it, the target does not depend on it
    spread         noise whose width depends on r0
    spiky          r0 and noise, zero where that is negative
    category       five levels, more or less likely by r0 and r1
    convenient     r1 r2: R determines it, and a learner is spared a product that it finds badly
    weak, strong   noise that is in the target with the coefficient 0.15, 0.3
    partner        a sign that is in the target times the sign of r4

Printed are, for each property, the shares of studies in which a criterion marks it, with the standard error
of a share, and means. A study takes about five seconds of processor time; each process uses one thread.
"""

from __future__ import annotations

import argparse
import json
import math
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import integrate, special

from mattomo.information.analysis import cells
from mattomo.information.gain import gains
from mattomo.information.inference import swap_test
from mattomo.information.scores import Scored, score_all
from mattomo.keyed import generator
from mattomo.learners.base import Split, Task, Unit, mean_absolute_error
from mattomo.learners.conditional import Conditional, Placebos, learn
from mattomo.learners.trees import Trees
from mattomo.materials.registry import PropertyInfo
from mattomo.materials.table import Column
from mattomo.projections.descriptors import Table
from mattomo.study.outcome import Held, Rows

Floats = NDArray[np.float64]

SEEDS, PLACEBOS = 5, 20
NOISE, WEAK, STRONG, PARTNER = 0.5, 0.15, 0.3, 0.5
#: Properties that tell nothing beyond R, of which a learner cannot make more than R holds in its form, ...
NULL = ("placebo", "noisy copy", "copy", "mean", "function", "spread", "spiky", "category")
#: ... the one that spares it work, and those that tell something.
CONVENIENT, TOLD = "convenient", ("weak", "strong", "partner")
WORLDS = (*NULL, CONVENIENT, *TOLD)
#: Shares in the table.
MARKS = (
    "paired_minmax", "separated", "two_sided", "interval", "clustered", "rise", "swap", "swap_and_paired",
)  # fmt: skip


def truth(world: str) -> float:
    """I(A; p | R) in bits."""
    if world in ("weak", "strong"):
        part = (WEAK if world == "weak" else STRONG) / NOISE
        return 0.5 * math.log2(1 + part**2)
    if world == "partner":
        # A fair sign of amplitude s seen through standard normal noise.
        s = PARTNER / NOISE

        def lost(z: float) -> float:
            return math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi) * float(special.softplus(-2 * s * (s + z)))

        return 1 - integrate.quad(lost, -12, 12)[0] / math.log(2)
    return 0.0


def draw(study: int, n: int) -> tuple[Table, dict[str, Column], Rows]:
    """A table of n materials: inputs, all properties and targets, and the rows for the analysis."""
    rng = generator("simulated study", study)
    formula = np.minimum(rng.integers(0, n, n), rng.integers(0, n, n))
    r = rng.normal(size=(n, 6)) + 0.5 * rng.normal(size=(n, 6))[formula]
    e, own, weak, strong = rng.normal(size=(4, n))
    sign = rng.choice([-1.0, 1.0], n)
    levels = np.column_stack([r[:, 0], -r[:, 0], r[:, 1], -r[:, 1], np.zeros(n)]) + rng.gumbel(size=(n, 5))
    p = r[:, 0] + r[:, 1] * r[:, 2] + np.sin(2 * r[:, 3]) + NOISE * e
    values: dict[str, NDArray[np.float64] | NDArray[np.str_]] = {
        "p": p,
        "p of weak": p + WEAK * weak,
        "p of strong": p + STRONG * strong,
        "p of partner": p + PARTNER * sign * np.sign(r[:, 4]),
        "placebo": own,
        "noisy copy": r[:, 0] + NOISE * own,
        "copy": r[:, 0],
        "mean": r[:, :4].mean(axis=1),
        "function": np.hypot(r[:, 4], r[:, 5]),
        "spread": (0.2 + np.abs(r[:, 0])) * own,
        "spiky": np.maximum(r[:, 0] + own, 0.0),
        "category": np.array(list("abcde"))[levels.argmax(axis=1)],
        "convenient": r[:, 1] * r[:, 2],
        "weak": weak,
        "strong": strong,
        "partner": sign,
    }
    columns = {
        name: Column(
            PropertyInfo(name, name, kind="category" if v.dtype.kind == "U" else "scalar"),
            v,
            np.zeros(n, bool),
        )
        for name, v in values.items()
    }
    table = Table(r, tuple(f"r{k}" for k in range(r.shape[1])))
    ids = np.array([f"m{k:05d}" for k in range(n)])
    return table, columns, Rows(ids, np.array([f"f{k}" for k in formula]), values)


def split_of(study: int, seed: int, n: int) -> Split:
    """Random 60-20-20 rows."""
    order = generator("simulated split", study, seed).permutation(n)
    train, validation, test = np.split(order, [round(0.6 * n), round(0.8 * n)])
    return Split(*map(np.sort, (train, validation, test)))


def units_of(
    table: Table,
    columns: Mapping[str, Column],
    found: Mapping[str, Conditional],
    split: Split,
    seed: int,
    worlds: tuple[str, ...] = WORLDS,
) -> list[Unit]:
    """One unit a target, as a study plans them."""
    nulls = tuple(name for name in worlds if name not in TOLD)
    groups = [("p", nulls)] if nulls else []
    groups += [(f"p of {name}", (name,)) for name in worlds if name in TOLD]
    return [
        Unit(
            representation="table",
            base=table,
            columns={name: columns[name] for name in (target, *added)},
            split=split,
            seed=seed,
            tasks=(Task(target), *(Task(target, (name,)) for name in added)),
            placebos={
                name: Placebos(columns[name].values[split.test], found[name], PLACEBOS, (name, "table", seed))
                for name in added
            },
        )
        for target, added in groups
    ]


def held_of(unit: Unit) -> Held:
    """Train a unit; what its models say of held-out rows."""
    trained = Trees().train(unit)
    target, split = unit.columns[unit.tasks[0].target].values.astype(np.float64), unit.split
    return Held(
        learner="trees",
        representation="table",
        target=unit.tasks[0].target,
        seed=unit.seed,
        pair="",
        fraction=1.0,
        n_train=len(split.train),
        added=tuple(task.name for task in unit.tasks if task.added),
        materials=split.test,
        true_validation=target[split.validation],
        true_test=target[split.test],
        validation=trained.validation,
        test=trained.test,
        swapped={name: predictions for (_, name), predictions in trained.swapped.items()},
    )


def simulate(study: int, n: int, worlds: tuple[str, ...] = WORLDS, seeds: int = SEEDS) -> list[Held]:
    """Train all models of one study."""
    table, columns, _ = draw(study, n)
    held = []
    for seed in range(seeds):
        split = split_of(study, seed, n)
        found = learn(table, "table", {name: columns[name] for name in worlds}, split, seed)
        held += [held_of(unit) for unit in units_of(table, columns, found, split, seed, worlds)]
    return held


def analysed(study: int, n: int, held: list[Held]) -> pd.DataFrame:
    """One row a property: marks (bool), mae_change (a fraction), bits, truth (bits), swap_p."""
    _, _, rows = draw(study, n)
    scored = score_all(held, rows)
    table = cells(scored, rows).set_index("added")
    errors = pd.DataFrame(
        {
            "learner": unit.learner,
            "representation": unit.representation,
            "target": unit.target,
            "added": added,
            "seed": unit.seed,
            "mae": mae,
        }
        for unit in held
        for added, mae in zip(("", *unit.added), mean_absolute_error(unit.test, unit.true_test), strict=True)
    )
    gain = gains(errors).set_index("added").loc[table.index]
    swap = table["swap_p"] < 0.05
    return (
        pd.DataFrame(
            {
                "study": study,
                "paired_minmax": gain["paired_minmax"],
                "separated": gain["separated"],
                "two_sided": gain["paired_minmax_two_sided"],
                "interval": table["bits_low"] > 0,
                "clustered": table["bits"] > special.ndtri(0.95) * table["bits_se"],
                "rise": [rise_p(scored, rows, name) < 0.05 for name in table.index],
                "swap": swap,
                "swap_and_paired": swap & gain["paired_minmax"],
                "mae_change": gain["mean"],
                "bits": table["bits"],
                "truth": [truth(name) for name in table.index],
                "swap_p": table["swap_p"],
            }
        )
        .rename_axis("world")
        .reset_index()
    )


def rise_p(scored: list[Scored], rows: Rows, added: str) -> float:
    """The plain swap test, of the rise of the augmented model's own error under placebos."""
    found = [(unit, unit.added.index(added)) for unit in scored if added in unit.added]
    materials = np.concatenate([unit.materials for unit, _ in found])
    return swap_test(
        np.concatenate([unit.swapped_loss[k] for unit, k in found]),
        np.concatenate([np.abs(unit.predicted[k + 1] - unit.true) for unit, k in found]),
        materials,
        rows.formulas[materials],
    ).p


def one(study: int, n: int) -> pd.DataFrame:
    """Draw, train and analyse one study."""
    return analysed(study, n, simulate(study, n))


def summary(found: pd.DataFrame) -> pd.DataFrame:
    """Shares of studies and means, by property."""
    means = found.groupby("world", sort=False)[[*MARKS, "mae_change", "bits", "truth"]].mean()
    return means.assign(studies=found.groupby("world", sort=False).size()).reset_index()


def markdown(found: pd.DataFrame) -> str:
    """The summary as a table: shares in percent with their standard error, means."""
    lines = [
        "| property | every seed | separated | either way | interval > 0 | clustered | rise | swap "
        "| swap and every seed | error | bits | truth |",
        "|---" * 12 + "|",
    ]
    for row in summary(found).to_dict("records"):
        n = row["studies"]
        shares = [
            f"{100 * row[mark]:.0f} ± {100 * math.sqrt(row[mark] * (1 - row[mark]) / n):.0f}"
            for mark in MARKS
        ]
        means = [f"{100 * row['mae_change']:+.1f} %", f"{row['bits']:+.3f}", f"{row['truth']:.3f}"]
        lines.append("| " + " | ".join([str(row["world"]), *shares, *means]) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--studies", type=int, default=100, metavar="N")
    parser.add_argument("--rows", type=int, default=600, metavar="N", help="materials of a study")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="processes")
    parser.add_argument("--json", action="store_true", help="one record a property instead of a table")
    asked = parser.parse_args()
    study: Callable[[int], pd.DataFrame] = partial(one, n=asked.rows)
    if asked.workers > 1:
        with ProcessPoolExecutor(asked.workers) as pool:
            parts = list(pool.map(study, range(asked.studies)))
    else:
        parts = [study(k) for k in range(asked.studies)]
    found = pd.concat(parts, ignore_index=True)
    if asked.json:
        print(json.dumps(summary(found).to_dict("records"), indent=1))
    else:
        print(f"{asked.studies} studies of {asked.rows} materials and {SEEDS} seeds; shares in percent\n")
        print(markdown(found))


if __name__ == "__main__":
    main()
