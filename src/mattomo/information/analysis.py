"""From the held-out predictions of a study to bits, intervals and tests of every cell.

`mattomo.information.scores` reads the units one by one; here the seeds come together. No model is trained
again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mattomo.information.bits import Cap, laplace_bits
from mattomo.information.controls import calibration
from mattomo.information.convenience import gain_curves
from mattomo.information.decomposition import decompose, decompose_nested
from mattomo.information.floor import floor
from mattomo.information.gain import CELL, gains
from mattomo.information.inference import (
    benjamini_hochberg,
    material_test,
    nadeau_bengio,
    swap_test,
)
from mattomo.information.scores import Scored
from mattomo.information.symmetry import symmetry_residuals
from mattomo.study.atoms import NO_SWAP
from mattomo.study.controls import ATOMS, PLANTED_SNR, PREFIX
from mattomo.study.outcome import Outcome, Rows

Floats = NDArray[np.float64]

_COLUMNS = [
    *CELL, "control", "diagonal", "n_seeds", "n_materials", "mae0", "mae1", "laplace_bits", "bits",
    "bits_low", "bits_high", "bits_se", "cap", "overstated", "swap_rise", "swap_p", "swap_q", "reason",
    "swap_reason",
]  # fmt: skip


@dataclass(frozen=True)
class Analysis:
    """Everything that is computed from the held-out predictions of a study.

    Attributes
    ----------
    bits : DataFrame
        One row a cell, see `cells`.
    seeds : DataFrame
        One row a cell, seed and share of the training rows, see `seed_bits`.
    decomposition, nested : DataFrame
        See `decompositions` and `nested_decompositions`.
    controls : DataFrame
        What the criteria say of controls, one row a control, learner and representation, see `calibration`.
    symmetry : DataFrame
        See `symmetry_residuals`.
    floor : DataFrame
        Polymorph floor of each target: the fields of `mattomo.information.floor.Floor`, enough and sentence.
    learning : DataFrame
        Learning curve of each gain, see `gain_curves`; empty without smaller shares of the training rows.
    """

    bits: pd.DataFrame
    seeds: pd.DataFrame
    decomposition: pd.DataFrame
    nested: pd.DataFrame
    controls: pd.DataFrame
    symmetry: pd.DataFrame
    floor: pd.DataFrame
    learning: pd.DataFrame


def analyse(
    outcome: Outcome,
    scored: Sequence[Scored],
    rows: Rows,
    caps: Mapping[tuple[str, str], float] | None = None,
) -> Analysis:
    """Bits, tests, decompositions, controls, symmetry, floors and learning curves of a study.

    Parameters
    ----------
    outcome : Outcome
    scored : sequence of Scored
        Of all finished units.
    rows : Rows
    caps : mapping of (representation, added) to float, optional
        As for `cells`.

    Returns
    -------
    Analysis
    """
    untested = {info.name: NO_SWAP[info.atoms] for info in outcome.properties if info.atoms}
    untested[ATOMS] = NO_SWAP["control"]
    table, seeds = cells(scored, rows, caps, untested), seed_bits(scored)
    whole = seeds[seeds["fraction"] == 1]
    n_train, n_test = (
        float(whole[name].mean()) if len(whole) else math.nan for name in ("n_train", "n_test")
    )
    own = whole[~whole["added"].str.startswith(PREFIX).to_numpy(dtype=bool)]
    tested = table.rename(columns={"swap_p": "p"})
    units = {info.name: info.unit for info in outcome.properties}
    floors = []
    for name in outcome.targets:
        values = rows.columns[name].astype(np.float64)
        known = np.isfinite(values)
        floors.append(floor(values[known], rows.formulas[known], name=name, unit=units.get(name, "")))
    several = seeds["fraction"].nunique() > 1
    return Analysis(
        bits=table,
        seeds=seeds,
        decomposition=decompositions(scored, rows),
        nested=nested_decompositions(scored, rows),
        controls=calibration(
            gains(outcome.control_errors),
            whole,
            tested,
            planted_snr=PLANTED_SNR,
            by=("learner", "representation"),
        ),
        symmetry=symmetry_residuals(own, n_train=n_train, n_test=n_test),
        floor=pd.DataFrame(
            [{**asdict(each), "enough": each.enough, "sentence": each.sentence} for each in floors]
        ),
        learning=gain_curves(seeds, test_share=n_test / n_train) if several else pd.DataFrame(),
    )


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
        error = unit.errors
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
        *CELL, "seed", "fraction", "n_train", "n_test", "mae0", "mae1", "laplace_bits", "bits", "reason",
    ]  # fmt: skip
    return pd.DataFrame(records, columns=columns)


def cells(
    scored: Sequence[Scored],
    rows: Rows,
    caps: Mapping[tuple[str, str], float] | None = None,
    untested: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Bits, interval, cap and swap test of every cell, over the seeds.

    Parameters
    ----------
    scored : sequence of Scored
        Units trained on smaller shares of the training rows are left out.
    rows : Rows
    caps : mapping of (representation, added) to float, optional
        Bits that the added property holds at most beyond the representation (its conditional entropy).
    untested : mapping of added to str, optional
        Why some properties have no swap test.

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
          target's unit); swap_p: one-sided p of the movement towards the truth (`swap_scores`), clustered by
          formula; swap_q: Benjamini-Hochberg over all cells that are neither controls nor on the diagonal;
        - reason, swap_reason: why bits, or the test, are undefined, else "".
    """
    records = [
        dict(zip(CELL, key, strict=True)) | _cell(key, found, rows, caps or {})
        for key, found in _by_cell(scored).items()
    ]
    table = pd.DataFrame(records, columns=_COLUMNS)
    for name, why in (untested or {}).items():
        table.loc[(table["added"] == name) & table["swap_p"].isna(), "swap_reason"] = why
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
    errors = np.array([unit.errors[[0, k + 1]] for unit, k in found])
    laplace, _ = laplace_bits(errors[:, 0], errors[:, 1])
    reason = next((unit.reasons[k] for unit, k in found if unit.reasons[k]), "")
    per_seed = [float(unit.bits[k].mean(dtype=np.float64)) for unit, k in found if not unit.reasons[k]]
    n_train = float(np.mean([unit.n_train for unit, _ in found]))
    n_test = float(np.mean([len(unit.true) for unit, _ in found]))
    materials = np.concatenate([unit.materials for unit, _ in found])
    owners = rows.owners[materials]
    interval = nadeau_bengio(per_seed, n_train, n_test)
    bits_se = math.nan
    if not reason:
        row_bits = np.concatenate([unit.bits[k] for unit, k in found]).astype(np.float64)
        bits_se = material_test(row_bits, materials, owners).se
    cap = Cap(caps.get((representation, added), math.nan))
    bits = float(np.mean(per_seed)) if per_seed and not reason else math.nan
    rise = swap_test(
        np.concatenate([unit.swapped_loss[k] for unit, k in found]),
        np.concatenate([np.abs(unit.predicted[k + 1] - unit.true) for unit, k in found]),
        materials,
        owners,
    )
    swap = material_test(np.concatenate([unit.swap_scores[k] for unit, k in found]), materials, owners)
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
        "swap_rise": rise.mean,
        "swap_p": swap.p,
        "reason": reason or (interval.reason if not per_seed else ""),
        "swap_reason": swap.reason,
    }


def decompositions(scored: Sequence[Scored], rows: Rows, n_boot: int = 200) -> pd.DataFrame:
    """What representation and added property tell about the target, apart and together, in every cell.

    The test rows of all seeds are pooled; a formula is a cluster. Controls and cells with a target added to
    itself are left out, and so are units trained on smaller shares of the training rows.

    Returns
    -------
    DataFrame
        learner, representation, target, added, and the columns of `Decomposition.record` (bits).
    """
    losses = _losses(scored)
    records = []
    for key, found in _by_cell(scored).items():
        learner, representation, target, added = key
        if added.startswith(PREFIX) or added == target:
            continue
        materials = np.concatenate([unit.materials for unit, _ in found])
        parts = decompose(
            np.concatenate([unit.true for unit, _ in found]),
            np.concatenate([unit.predicted[0] for unit, _ in found]),
            np.concatenate([unit.predicted[k + 1] for unit, k in found]),
            rows.columns[added][materials],
            rows.owners[materials],
            losses=losses.get((learner, representation, target)),
            n_boot=n_boot,
        )
        records.append({**dict(zip(CELL, key, strict=True)), **parts.record()})
    return pd.DataFrame(records, columns=None if records else CELL)


def nested_decompositions(scored: Sequence[Scored], rows: Rows, n_boot: int = 200) -> pd.DataFrame:
    """What the structure tells about each target beyond the composition it contains.

    Returns
    -------
    DataFrame
        learner, target, and the columns of `Decomposition.record` (bits): R is the composition, A the
        structure; structure contains composition, so nothing is unique to the composition but by the learner.
    """
    base: dict[tuple[str, str, str, int], Scored] = {
        (unit.learner, unit.representation, unit.target, unit.seed): unit
        for unit in scored
        if unit.fraction == 1 and unit.pair == ""
    }
    records = []
    for learner, target in dict.fromkeys((key[0], key[2]) for key in base):
        pairs = [
            (unit, base[learner, "structure", target, unit.seed])
            for key, unit in base.items()
            if key[:3] == (learner, "composition", target)
            and (learner, "structure", target, unit.seed) in base
        ]
        if not pairs:
            continue
        parts = decompose_nested(
            np.concatenate([inner.true for inner, _ in pairs]),
            np.concatenate([inner.predicted[0] for inner, _ in pairs]),
            np.concatenate([outer.predicted[0] for _, outer in pairs]),
            rows.owners[np.concatenate([inner.materials for inner, _ in pairs])],
            n_boot=n_boot,
        )
        records.append({"learner": learner, "target": target, **parts.record()})
    return pd.DataFrame(records)


def _losses(scored: Sequence[Scored]) -> dict[tuple[str, str, str], dict[int, float]]:
    """Mean test error of the baselines by number of training rows, where there are several."""
    found: dict[tuple[str, str, str], dict[int, list[float]]] = {}
    for unit in scored:
        if unit.pair == "":
            key = (unit.learner, unit.representation, unit.target)
            sizes = found.setdefault(key, {})
            sizes.setdefault(unit.n_train, []).append(float(unit.errors[0]))
    return {
        key: {n: float(np.mean(errors)) for n, errors in sizes.items()}
        for key, sizes in found.items()
        if len(sizes) > 1
    }


def _by_cell(scored: Sequence[Scored]) -> dict[tuple[str, ...], list[tuple[Scored, int]]]:
    """Units and positions of the added property, by (learner, representation, target, added)."""
    found: dict[tuple[str, ...], list[tuple[Scored, int]]] = {}
    for unit in scored:
        if unit.fraction == 1:
            for k, added in enumerate(unit.added):
                key = (unit.learner, unit.representation, unit.target, added)
                found.setdefault(key, []).append((unit, k))
    return found
