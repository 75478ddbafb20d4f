"""Decomposition: speed and proven error of the solver, bias and coverage of what is reported.

    python benchmarks/decomposition.py
    python benchmarks/decomposition.py --dit    # also against dit's solver

1. The solver on 300 random pairs of tables: processor time, iterations, proven error; against the alternating
   projection (Sinkhorn) that it replaces, and with ``--dit`` against dit, on tables of study size.
2. Whole cells (45,000 rows, 15,000 formulas): processor time.
3. A useless A with a perfect learner: mean gain, and how often its interval lies above zero, when predictions
   have as many groups for R and for (R, A) and when (R, A) has twice as many.
4. A useful A: how often the interval of the gain covers its value at 400,000 rows.

Everything runs on one thread.
"""

from __future__ import annotations

import argparse
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from mattomo.information import discrete
from mattomo.information.broja import least_information
from mattomo.information.decomposition import decompose
from mattomo.information.parts import decompose_joint

Floats = NDArray[np.float64]
NONE = np.empty(0)


def tables(k: int, nx: int, ny: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Counts of (t, x) and (t, y): binned noisy copies of t, or sparse ones without any order."""
    n = int(10 ** rng.uniform(1.7, 4))
    if rng.random() < 0.5:
        t = rng.normal(size=n)
        scale = 10 ** rng.uniform(-1.5, 0.7, size=2)
        coded = discrete.equal_mass(t, k, NONE)
        first, second = (
            discrete.counts(coded, discrete.equal_mass(t + s * rng.normal(size=n), m, NONE))
            for s, m in zip(scale, (nx, ny), strict=True)
        )
        return first, second
    joint = rng.multinomial(n, rng.dirichlet(np.full(k * nx * ny, 0.1))).reshape(k, nx, ny).astype(float)
    return joint.sum(2), joint.sum(1)


def alternating(first: Floats, second: Floats, sweeps: int) -> float:
    """Least information by alternating a mixture and its Sinkhorn projections."""
    a, b = first / first.sum(), second / second.sum()
    rows = a.sum(1) > 0
    a, b = a[rows], b[rows]
    weight = a.sum(1)
    x, y = a / weight[:, None], b / weight[:, None]
    q = x[:, :, None] * y[:, None]
    for _ in range(sweeps):
        q = np.broadcast_to((weight[:, None, None] * q).sum(0), q.shape) * (x[:, :, None] * y[:, None] > 0)
        for _ in range(50):
            s = q.sum(2)
            q = q * np.divide(x, s, out=np.zeros_like(x), where=s > 0)[:, :, None]
            s = q.sum(1)
            q = q * np.divide(y, s, out=np.zeros_like(y), where=s > 0)[:, None]
    return discrete.information((weight[:, None, None] * q).reshape(len(a), -1))


def solver(with_dit: bool) -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(300):
        first, second = tables(*rng.integers(2, [11, 17, 17]), rng)
        start = time.process_time()
        minimum = least_information(first, second)
        found.append((time.process_time() - start, minimum.iterations, minimum.gap))
    spent, iterations, gaps = (np.array(v) for v in zip(*found, strict=True))
    print("| 300 tables up to 10 x 16 x 16 | mean | 99 % | largest |\n|---|---|---|---|")
    for name, v in (("ms", 1e3 * spent), ("iterations", iterations), ("proven error, bits", gaps)):
        print(f"| {name} | {v.mean():.3g} | {np.quantile(v, 0.99):.3g} | {v.max():.3g} |")

    print("\n| table | bits | ms | alternating, 50 sweeps | ms | 500 sweeps | ms |\n" + "|---" * 7 + "|")
    for k, nx, ny in ((8, 8, 8), (9, 16, 8), (10, 16, 16)):
        t = rng.normal(size=5_000)
        x, y = t + 0.5 * rng.normal(size=5_000), t + rng.normal(size=5_000)
        coded = [discrete.equal_mass(v, m, NONE) for v, m in ((t, k), (x, nx), (y, ny))]
        pair = discrete.counts(coded[0], coded[1]), discrete.counts(coded[0], coded[2])
        cells = []
        for sweeps in (None, 50, 500):
            start = time.process_time()
            bits = least_information(*pair).bits if sweeps is None else alternating(*pair, sweeps)
            cells += [f"{bits:.8f}", f"{1e3 * (time.process_time() - start):.0f}"]
        print(f"| {k} x {nx} x {ny} | " + " | ".join(cells) + " |")
    if with_dit:
        against_dit()


def against_dit() -> None:
    """Small random tables: dit's time grows steeply."""
    import dit
    from dit.pid import PID_BROJA

    rng = np.random.default_rng(1)
    print("\n| table | least information | dit's | s of dit |\n|---|---|---|---|")
    for k, nx, ny in ((2, 2, 2), (2, 3, 2), (3, 3, 3)):
        joint = rng.dirichlet(np.ones(k * nx * ny)).reshape(k, nx, ny)
        words = [f"{x}{y}{t}" for t, x, y in np.ndindex(joint.shape)]
        start = time.process_time()
        pid = PID_BROJA(dit.Distribution(words, joint.ravel()))
        parts = [pid.get_pi(node) for node in (((0,), (1,)), ((0,),), ((1,),))]
        seconds = time.process_time() - start
        bits = least_information(joint.sum(2), joint.sum(1)).bits
        print(f"| {k} x {nx} x {ny} | {bits:.6f} | {sum(parts):.6f} | {seconds:.1f} |")


def cells() -> None:
    rng = np.random.default_rng(2)
    n, formulas = 45_000, np.char.add("formula ", (np.arange(45_000) % 15_000).astype(str))
    r, scalar = rng.normal(size=(2, n))
    target = np.maximum(r + 0.3 * scalar + 0.5 * rng.normal(size=n), 0)  # an atom at zero, like the band gap
    groups = np.minimum(rng.zipf(1.3, n), 230).astype(str)
    print("\n| cell of 45,000 rows | ms |\n|---|---|")
    for name, added in (("scalar A", scalar), ("A of 230 classes", groups)):
        start = time.process_time()
        for seed in range(5):
            decompose(target, r, r + 0.3 * scalar, added, formulas, seed=seed)
        print(f"| {name} | {1e3 * (time.process_time() - start) / 5:.0f} |")


def useless() -> None:
    print(
        "\n| rows | R² | groups for (R, A) | mean gain, bits | interval above zero |\n|---|---|---|---|---|"
    )
    for n, groups, bins, repeats in ((200, 5, 6, 100), (1_000, 16, 8, 100), (5_000, 16, 8, 40)):
        for determined in (0.3, 0.9, 0.99):
            for times in (1, 2):
                gains, above = [], 0
                for seed in range(repeats):
                    rng = np.random.default_rng(seed)
                    r, a, noise = rng.normal(size=(3, n))
                    p = np.sqrt(determined) * r + np.sqrt(1 - determined) * noise
                    # The two models are equally good and differ by the noise of training.
                    by_R, by_RA = r + 0.05 * rng.normal(size=(2, n))
                    parts = decompose_joint(
                        discrete.equal_mass(p, bins, NONE),
                        discrete.equal_mass(by_R, groups, NONE),
                        discrete.equal_mass(a, bins, NONE),
                        discrete.equal_mass(by_RA, times * groups, NONE),
                        np.arange(n),
                        seed=seed,
                    )
                    gains.append(parts.raw["gain"])
                    above += parts.gain.interval[0] > 0
                row = f"| {n} | {determined} | {times * groups} against {groups} | {np.mean(gains):.4f} "
                print(row + f"| {above / repeats:.2f} |")


def useful() -> None:
    def cell(n: int, seed: int) -> tuple[float, tuple[float, float]]:
        """As many rows of as many formulas, every formula in three rows with the same numbers."""
        rng = np.random.default_rng(seed)
        r, a, noise = np.repeat(rng.normal(size=(3, n // 3)), 3, axis=1)
        p = r + 0.5 * a + 0.7 * noise
        parts = decompose(p, r, r + 0.5 * a, a, np.repeat(np.arange(n // 3), 3), seed=seed)
        return parts.gain.point, parts.gain.interval

    truth = np.mean([cell(400_000, seed)[0] for seed in (1_000, 1_001, 1_002, 1_003)])
    print(f"\n| rows (gain {truth:.4f} bits at 400,000) | mean gain | covered |\n|---|---|---|")
    for n in (3_000, 15_000):
        found = [cell(n, seed) for seed in range(200)]
        covered = np.mean([low <= truth <= high for _, (low, high) in found])
        print(f"| {n:,} | {np.mean([gain for gain, _ in found]):.4f} | {covered:.2f} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dit", action="store_true")
    solver(parser.parse_args().dit)
    cells()
    useless()
    useful()
