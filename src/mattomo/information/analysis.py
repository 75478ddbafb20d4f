"""From the held-out predictions of a study to bits, intervals and tests of every cell.

Two steps. `score` reads one unit: the density of its baseline and of each augmented model on every test row,
and the losses under conditional placebos. `cells` puts the seeds together. No model is trained again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mattomo.information.bits import Cap, density_score, difference, laplace_bits
from mattomo.information.density import find_atoms
from mattomo.information.inference import benjamini_hochberg, clustered, nadeau_bengio, swap_test
from mattomo.study.controls import PREFIX
from mattomo.study.outcome import Held, Rows

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

_CELL = ["learner", "representation", "target", "added"]
_COLUMNS = [
    *_CELL, "control", "diagonal", "n_seeds", "n_materials", "mae0", "mae1", "laplace_bits", "bits",
    "bits_low", "bits_high", "bits_se", "cap", "overstated", "swap_rise", "swap_p", "swap_q", "reason",
    "swap_reason",
]  # fmt: skip


@dataclass(frozen=True)
class Scored:
    """One unit, row by row; K added properties, n test rows.

    Attributes
    ----------
    learner, representation, target, pair : str
    seed : int
    fraction : float
    n_train : int
    added : tuple of K str
    materials : ndarray of int64, shape (n,)
        Position of each test row in the study's table.
    true : ndarray of float64, shape (n,)
    predicted : ndarray of float64, shape (K + 1, n)
        The baseline's first.
    bits : ndarray of float32, shape (K, n)
        log2 q1 - log2 q0 of each row; NaN where undefined.
    swapped_loss : ndarray of float64, shape (K, n)
        Mean absolute error of the row over the placebos of the added property; NaN without any.
    reasons : tuple of K str
        Why the bits are undefined, else "".
    """

    learner: str
    representation: str
    target: str
    pair: str
    seed: int
    fraction: float
    n_train: int
    added: tuple[str, ...]
    materials: NDArray[np.int64]
    true: Floats
    predicted: Floats
    bits: Singles
    swapped_loss: Floats
    reasons: tuple[str, ...]


def score(held: Held, atoms: Floats) -> Scored:
    """Score the models of one unit.

    Parameters
    ----------
    held : Held
    atoms : ndarray of float64
        Values of the target that have a probability of their own (`find_atoms`), the same for all units.

    Returns
    -------
    Scored
    """
    densities = [
        density_score(validation, held.true_validation, test, held.true_test, atoms=atoms, key=(held.target,))
        for validation, test in zip(held.validation, held.test, strict=True)
    ]
    differences = [difference(densities[0], density) for density in densities[1:]]
    swapped = np.full((len(held.added), len(held.true_test)), np.nan)
    for k, name in enumerate(held.added):
        if name in held.swapped:
            swapped[k] = np.abs(held.swapped[name] - held.true_test).mean(axis=0)
    return Scored(
        learner=held.learner,
        representation=held.representation,
        target=held.target,
        pair=held.pair,
        seed=held.seed,
        fraction=held.fraction,
        n_train=held.n_train,
        added=held.added,
        materials=held.materials,
        true=held.true_test,
        predicted=held.test,
        bits=np.array([d.rows for d in differences], dtype=np.float32).reshape(swapped.shape),
        swapped_loss=swapped,
        reasons=tuple(d.reason for d in differences),
    )


def score_all(units: Iterable[Held], rows: Rows, executor: Executor | None = None) -> list[Scored]:
    """`score` of every unit, in order; side by side if there is an executor."""
    atoms: dict[str, Floats] = {}

    def of_target(name: str) -> Floats:
        if name not in atoms:
            values = np.asarray(rows.columns[name], dtype=np.float64)
            atoms[name] = find_atoms(values[np.isfinite(values)])
        return atoms[name]

    if executor is None:
        return [score(held, of_target(held.target)) for held in units]
    waiting = [executor.submit(partial(score, held, of_target(held.target))) for held in units]
    return [future.result() for future in waiting]


def seed_bits(scored: Sequence[Scored]) -> pd.DataFrame:
    """Bits of every cell, seed and share of the training rows.

    Returns
    -------
    DataFrame
        learner, representation, target, added, seed, fraction, n_train, n_test, mae0 and mae1 (the target's
        unit), laplace_bits, bits (density bits, the mean over test rows), reason (why bits is NaN).
    """
    records = []
    for unit in scored:
        error = np.abs(unit.predicted - unit.true).mean(axis=1) if len(unit.true) else np.full(1, np.nan)
        for k, added in enumerate(unit.added):
            laplace, _ = laplace_bits(error[0], error[k + 1])
            records.append(
                {
                    "learner": unit.learner,
                    "representation": unit.representation,
                    "target": unit.target,
                    "added": added,
                    "seed": unit.seed,
                    "fraction": unit.fraction,
                    "n_train": unit.n_train,
                    "n_test": len(unit.true),
                    "mae0": error[0],
                    "mae1": error[k + 1],
                    "laplace_bits": float(laplace),
                    "bits": math.nan if unit.reasons[k] else float(unit.bits[k].mean(dtype=np.float64)),
                    "reason": unit.reasons[k],
                }
            )
    columns = [
        *_CELL, "seed", "fraction", "n_train", "n_test", "mae0", "mae1", "laplace_bits", "bits", "reason",
    ]  # fmt: skip
    return pd.DataFrame(records, columns=columns)


def cells(
    scored: Sequence[Scored], rows: Rows, caps: Mapping[tuple[str, str], float] | None = None
) -> pd.DataFrame:
    """Bits, interval, cap and swap test of every cell, over the seeds.

    Parameters
    ----------
    scored : sequence of Scored
        Units trained on smaller shares of the training rows are left out.
    rows : Rows
    caps : mapping of (representation, added) to float, optional
        Bits that the added property holds at most beyond the representation (its conditional entropy).

    Returns
    -------
    DataFrame
        One row for each (learner, representation, target, added):

        - control, diagonal: a control was added, or the target itself;
        - n_seeds, n_materials: seeds, and different materials tested;
        - mae0, mae1: mean test errors (the target's unit);
        - laplace_bits: mean of log2(mae0 / mae1) (bits);
        - bits: density bits, the mean over seeds; bits_low, bits_high: 95 % interval over the seeds,
          corrected for overlapping splits (Nadeau & Bengio); bits_se: standard error over materials,
          clustered by formula (bits);
        - cap, overstated: what A holds at most beyond R (bits; categories only), and whether bits exceed it;
        - swap_rise: mean rise of the absolute error when A is replaced by its conditional placebos (the
          target's unit); swap_p: one-sided p, clustered by formula; swap_q: Benjamini-Hochberg over all cells
          that are neither controls nor on the diagonal;
        - reason, swap_reason: why bits, or the test, are undefined, else "".
    """
    by_cell: dict[tuple[str, ...], list[tuple[Scored, int]]] = {}
    for unit in scored:
        if unit.fraction == 1:
            for k, added in enumerate(unit.added):
                key = (unit.learner, unit.representation, unit.target, added)
                by_cell.setdefault(key, []).append((unit, k))
    records = [
        dict(zip(_CELL, key, strict=True)) | _cell(key, found, rows, caps or {})
        for key, found in by_cell.items()
    ]
    table = pd.DataFrame(records, columns=_COLUMNS)
    judged = (~table["control"].astype(bool) & ~table["diagonal"].astype(bool)).to_numpy()
    q = np.full(len(table), np.nan)
    q[judged] = benjamini_hochberg(table.loc[judged, "swap_p"].to_numpy(dtype=float))
    table["swap_q"] = q
    return table


def _cell(
    key: tuple[str, ...],
    found: list[tuple[Scored, int]],
    rows: Rows,
    caps: Mapping[tuple[str, str], float],
) -> dict[str, Any]:
    _, representation, target, added = key
    errors = np.array([np.abs(unit.predicted[[0, k + 1]] - unit.true).mean(axis=1) for unit, k in found])
    laplace, _ = laplace_bits(errors[:, 0], errors[:, 1])
    reason = next((unit.reasons[k] for unit, k in found if unit.reasons[k]), "")
    per_seed = [float(unit.bits[k].mean(dtype=np.float64)) for unit, k in found if not unit.reasons[k]]
    n_train = float(np.mean([unit.n_train for unit, _ in found]))
    n_test = float(np.mean([len(unit.true) for unit, _ in found]))
    materials = np.concatenate([unit.materials for unit, _ in found])
    formulas = rows.formulas[materials]
    interval = nadeau_bengio(per_seed, n_train, n_test)
    bits_se = math.nan
    if not reason:
        row_bits = np.concatenate([unit.bits[k] for unit, k in found]).astype(np.float64)
        mean_bits, first = _by_material(row_bits, materials)
        bits_se = clustered(mean_bits, formulas[first]).se
    cap = Cap(caps.get((representation, added), math.nan))
    bits = float(np.mean(per_seed)) if per_seed and not reason else math.nan
    swap = swap_test(
        np.concatenate([unit.swapped_loss[k] for unit, k in found]),
        np.concatenate([np.abs(unit.predicted[k + 1] - unit.true) for unit, k in found]),
        materials,
        formulas,
    )
    return {
        "control": added.startswith(PREFIX),
        "diagonal": added == target,
        "n_seeds": len(found),
        "n_materials": len(np.unique(materials)),
        "mae0": float(errors[:, 0].mean()),
        "mae1": float(errors[:, 1].mean()),
        "laplace_bits": float(np.mean(laplace)),
        "bits": bits,
        "bits_low": interval.low if not reason else math.nan,
        "bits_high": interval.high if not reason else math.nan,
        "bits_se": bits_se,
        "cap": cap.bits,
        "overstated": cap.overstated(bits),
        "swap_rise": swap.mean,
        "swap_p": swap.p,
        "reason": reason or (interval.reason if not per_seed else ""),
        "swap_reason": swap.reason,
    }


def _by_material(values: Floats, materials: NDArray[np.int64]) -> tuple[Floats, NDArray[np.int64]]:
    """Mean over the rows of each material, and the first row of each."""
    _, first, member = np.unique(materials, return_index=True, return_inverse=True)
    return np.bincount(member, weights=values) / np.bincount(member), first
