"""Bits of a cell: time of the conditional density, and its error against a plain loop in double precision.

    python benchmarks/information_bits.py

Fits of `fit_density` to 200 and 2,000 validation rows and its evaluation on as many test rows (and 25,000),
against a loop over the same grid of 6 x 14 kernel widths that computes each kernel anew in double precision.
With a spike of the target and without. One thread, processor time, medians of interleaved rounds. Further:
the spread of the bits over samples, for 40 to 2,000 validation rows, where the truth is known.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from mattomo.information.bits import density_bits
from mattomo.information.density import ConditionalDensity, find_atoms, fit_density

Floats = NDArray[np.float64]

RANK_WIDTHS = (math.inf, 0.5, 0.25, 0.125, 0.0625, 0.03125)
RESIDUAL_WIDTHS = tuple(0.9 / 2 ** (k / 2) for k in range(14))  # in robust standard deviations


def sample(n: int, seed: int, floor: float) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    predicted = rng.standard_normal(n)
    return predicted, np.maximum(predicted + (0.3 + 0.2 * np.abs(predicted)) * rng.standard_normal(n), floor)


def plain(predicted: Floats, true: Floats) -> dict[tuple[int, int], float]:
    """Leave-one-out likelihood (bits a row) at every pair of widths, one pair after the other."""
    n, atoms = len(true), find_atoms(true)
    place = (np.argsort(np.argsort(predicted)) + 0.5) / n
    label = np.where(np.isin(true, atoms), np.searchsorted(atoms, true) + 1, 0)
    smooth = label == 0
    residual = (true - predicted)[smooth]
    low, high = np.quantile(residual, [0.25, 0.75])
    scale, weight = (high - low) / 1.349, 2 / (len(residual) + 20)
    distance = np.abs(residual)
    tail_scale = max(np.minimum(distance, np.quantile(distance, 0.99)).mean(), scale)
    tail = (2 + (residual / tail_scale) ** 2) ** -1.5 / tail_scale
    prior = (np.bincount(label, minlength=len(atoms) + 1) + 0.5) / (n + 0.5 * (len(atoms) + 1))
    found = {}
    for i, h in enumerate(RANK_WIDTHS):
        for j, factor in enumerate(RESIDUAL_WIDTHS):
            b = factor * scale
            weights = np.exp(-0.5 * ((place[:, None] - place) / h) ** 2) + (0 if math.isinf(h) else 1e-6)
            np.fill_diagonal(weights, 0)
            total = 0.0
            if len(atoms):
                own = (weights * (label[:, None] == label)).sum(axis=1) + prior[label]
                total += np.log2(own / (weights.sum(axis=1) + 1)).sum()
            weights = weights[np.ix_(smooth, smooth)]
            kernel = np.exp(-0.5 * ((residual[:, None] - residual) / b) ** 2) / (b * math.sqrt(2 * math.pi))
            density = (weights * kernel).sum(axis=1) / weights.sum(axis=1)
            found[i, j] = (total + np.log2((1 - weight) * density + weight * tail).sum()) / n
    return found


def evaluate(fitted: ConditionalDensity, predicted: Floats, true: Floats) -> Floats:
    """log2 q of continuous rows in double precision, one row after the other."""
    n, smooth = len(fitted.place), fitted.label == 0
    out = np.empty(len(true))
    for k, (guess, value) in enumerate(zip(predicted, true, strict=True)):
        place = np.searchsorted(fitted.predicted, guess) / n
        if math.isinf(fitted.rank_width):
            weights = np.ones(n)
        else:
            weights = np.exp(-0.5 * ((place - fitted.place) / fitted.rank_width) ** 2) + 1e-6
        label = int(np.searchsorted(fitted.atoms, value)) + 1 if value in fitted.atoms else 0
        chance = (weights[fitted.label == label].sum() + fitted.prior[label]) / (weights.sum() + 1)
        r, b = value - guess, fitted.residual_width
        kernel = np.exp(-0.5 * ((r - fitted.residual[smooth]) / b) ** 2) / (b * math.sqrt(2 * math.pi))
        density = (weights[smooth] * kernel).sum() / weights[smooth].sum()
        tail = (2 + (r / fitted.tail_scale) ** 2) ** -1.5 / fitted.tail_scale
        density = (1 - fitted.tail_weight) * density + fitted.tail_weight * tail
        out[k] = (math.log2(chance) if len(fitted.atoms) else 0) + (math.log2(density) if label == 0 else 0)
    return out


def spent(call: Callable[[], object], times: int = 1) -> float:
    """Processor seconds of a call."""
    start = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - start) / times


def speed() -> None:
    print(
        "rows | spike | fit, ms | loop, ms | ratio | evaluate, ms | 25,000 rows, ms | error: fit, rows (bits)"
    )
    for n, rounds, times in ((200, 5, 20), (2000, 2, 1)):
        for floor in (-math.inf, 0.0):
            validation, test = sample(n, 0, floor), sample(n, 1, floor)
            large = sample(25_000, 2, floor)
            fitted = fit_density(*validation)
            mine, loops, evaluations, many = [], [], [], []
            for _ in range(rounds):
                mine.append(spent(lambda v=validation: fit_density(*v), times))
                start = time.process_time()
                best = max(plain(*validation).values())
                loops.append(time.process_time() - start)
                evaluations.append(spent(lambda f=fitted, t=test: f.log2(*t), times))
                many.append(spent(lambda f=fitted, t=large: f.log2(*t)))
            fit, loop, one, most = (1e3 * statistics.median(x) for x in (mine, loops, evaluations, many))
            likelihood = abs(best - fitted.leave_one_out)
            rows = np.abs(evaluate(fitted, *test) - fitted.log2(*test)).max()
            spike = "yes" if len(fitted.atoms) else "no"
            print(
                f"{n:,} | {spike} | {fit:.1f} | {loop:.0f} | {loop / fit:.0f} | {one:.1f} | {most:.0f} | "
                f"{likelihood:.0e}, {rows:.0e}"
            )


def spread() -> None:
    print("\nvalidation rows = test rows | truth, bits | mean | standard deviation over 40 samples")
    for correlation in (0.5, 0.75):
        truth = -0.5 * math.log2(1 - correlation**2)
        for n in (40, 200, 500, 2000):
            found = []
            for seed in range(40):
                r, a, e = np.random.default_rng(seed).standard_normal((3, 2 * n))
                augmented = r + correlation * a
                p = augmented + math.sqrt(1 - correlation**2) * e
                found.append(density_bits(r[:n], augmented[:n], p[:n], r[n:], augmented[n:], p[n:]).mean)
            print(f"{n:,} | {truth:.4f} | {np.mean(found):.4f} | {np.std(found, ddof=1):.4f}")


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter).parse_args()
    speed()
    spread()
