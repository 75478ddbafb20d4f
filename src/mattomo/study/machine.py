"""What this machine can do: its memory as far as this process may use it, and its pace."""

from __future__ import annotations

import contextlib
import os
import re
import time
from pathlib import Path

import numpy as np

from mattomo.threads import one_thread

#: Seconds that `_exercise` takes on the processor whose constants `mattomo.study.cost` has.
_REFERENCE = 0.044


def pace() -> float:
    """How many times slower than the processor of `mattomo.study.cost` this one is, by a test of 0.2 s.

    Processor time, so that other programs hardly matter; their share of the processor is not foreseen.
    """
    with one_thread():
        return min(_exercise() for _ in range(5)) / _REFERENCE


def _exercise() -> float:
    """Processor seconds of products, exponentials and lookups of the sizes that training works on."""
    x = np.linspace(-1, 1, 3000 * 64, dtype=np.float32).reshape(3000, 64)
    w = np.linspace(-1, 1, 64 * 256, dtype=np.float32).reshape(64, 256)
    index = (np.arange(30_000) * 7919) % 3000
    start = time.process_time()
    for _ in range(3):
        np.exp(x @ w)
        np.add.reduceat(x[index], np.arange(0, 30_000, 10), axis=0)
    return time.process_time() - start


def available_memory(root: Path = Path("/")) -> float:
    """Bytes this process and its children can still take: what is free, and what its cgroups leave.

    Parameters
    ----------
    root : path
        Where ``proc`` and ``sys`` are.

    Returns
    -------
    float
        Infinite where the system does not tell.
    """
    found = [_free(root), *_left_by_cgroups(root)]
    return min(found)


def _free(root: Path) -> float:
    try:
        text = (root / "proc/meminfo").read_text()
    except OSError:
        with contextlib.suppress(AttributeError, ValueError, OSError):
            return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
        return float("inf")
    found = re.search(r"^MemAvailable:\s+(\d+) kB", text, re.MULTILINE)
    return float(found[1]) * 1024 if found else float("inf")


def _left_by_cgroups(root: Path) -> list[float]:
    """What the control groups of this process, and those above them, leave (versions 1 and 2)."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    left = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            base, names = root / "sys/fs/cgroup", ("memory.max", "memory.current")
        elif "memory" in controllers.split(","):
            base = root / "sys/fs/cgroup/memory"
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes")
        else:
            continue
        group = base / path.lstrip("/")
        # A container sees its own group as the root of all.
        for folder in (group, *(p for p in group.parents if p == base or base in p.parents)):
            with contextlib.suppress(OSError, ValueError):  # "max", or not there
                limit = float((folder / names[0]).read_text())
                left.append(max(0.0, limit - float((folder / names[1]).read_text()) + _cached(folder)))
    return left


def _cached(folder: Path) -> float:
    """Pages of files that a group holds and can give back."""
    with contextlib.suppress(OSError):
        found = re.search(
            r"^(?:total_)?inactive_file (\d+)", (folder / "memory.stat").read_text(), re.MULTILINE
        )
        return float(found[1]) if found else 0.0
    return 0.0
