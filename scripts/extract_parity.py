"""Cut the original CGCNN's reference numbers down to the fixture ``tests/learners/data/parity.npz``.

    python scripts/extract_parity.py cgcnn_parity.npz

The full file holds what the original implementation (PyTorch, float64) computed on 12 real crystals and on
six complete graphs. Inputs, initial weights, outputs and losses are kept whole; of each gradient and each
final tensor the `digest`. The same numbers in full: ``benchmarks/parity.py``.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

TARGET = Path(__file__).resolve().parents[1] / "tests/learners/data/parity.npz"
STRIDE = 13
DIGESTED = ("grads", "w1")
LEFT_OUT = ("structure/lattice", "structure/frac_coords", "gaussian_centers")


def digest(tensor: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum, norm and every 13th element of a tensor: a wrong element, sign or order shows in one of them."""
    flat = np.asarray(tensor, dtype=np.float64).ravel()
    return np.concatenate([[flat.sum(), np.linalg.norm(flat)], flat[::STRIDE]])


def extract(full: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """The arrays of the fixture, under the names of the full file."""
    kept = {}
    for name, array in full.items():
        group = name.split("/")[1] if "/" in name else ""
        if name not in LEFT_OUT:
            kept[name] = digest(array) if group in DIGESTED else array
    return kept


def main() -> None:
    """Write the fixture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("path", type=Path, help="the full reference file")
    with np.load(parser.parse_args().path) as full:
        np.savez_compressed(TARGET, **extract(full))
    print(f"{TARGET}: {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
