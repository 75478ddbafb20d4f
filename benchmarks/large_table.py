"""A large table of the user's, and what a process has used, for the benchmarks that need them."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

import mattomo as mt
from mattomo.study.machine import most_memory


def consistent(path: Path) -> mt.Materials:
    """The rows but those whose stored labels and structure disagree, where the table says so."""
    materials, _ = mt.read(path)
    good = np.ones(len(materials), dtype=bool)
    if "cell_flag" in materials.columns:
        good &= materials.columns["cell_flag"].values != "mismatch"
    if "label_residual" in materials.columns:
        residual = np.asarray(materials.columns["label_residual"].values, dtype=np.float64)
        good &= ~(residual > 0.02)
    return materials.take(np.flatnonzero(good))


def usage() -> tuple[float, float]:
    """Processor seconds of this process, and the most bytes it held (VmHWM). Linux only."""
    return time.process_time(), most_memory()
