"""This machine: the memory that this process may use, and what a unit was made with."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path

from mattomo.errors import InputError


@dataclasses.dataclass(frozen=True)
class Circumstances:
    """What a unit was made with, for its record.

    Attributes
    ----------
    environment : dict of str to str
        Versions and device.
    memory : float
        The most bytes that the worker had held until the unit was finished; zero where that is not known.
    """

    environment: dict[str, str]
    memory: float


_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?|\.\d+)\s*([KMGT])?(I)?B?\s*", re.IGNORECASE)


def memory_of(size: float | str, name: str = "memory") -> float:
    """Bytes of a size of memory: a number of bytes, or a text such as ``8GB``, ``500M`` or ``8GiB``.

    Parameters
    ----------
    size : float or str
        K, M, G and T are powers of 1000, with an i (``GiB``) of 1024; the B may be left out.
    name : str
        What the user calls it, for the error.

    Raises
    ------
    InputError
        It is no size, or none at all.

    Examples
    --------
    >>> memory_of("8GB"), memory_of("0.5 GiB"), memory_of("500m")
    (8000000000.0, 536870912.0, 500000000.0)
    """
    hint = "Give a size such as 8GB, 500M or 8GiB."
    if isinstance(size, str):
        found = _SIZE.fullmatch(size)
        # A bare number could be anything; an i belongs to a unit.
        if found is None or found[2] is None:
            raise InputError("this is not a size of memory", column=name, value=size, hint=hint)
        power = " KMGT".index(found[2].upper())
        number = float(found[1]) * (1024.0 if found[3] else 1000.0) ** power
    else:
        number = float(size)
    if not 0 < number < float("inf"):
        raise InputError("this is not a size of memory", column=name, value=size, hint=hint)
    return number


def in_gigabytes(size: float) -> str:
    """Bytes for people.

    >>> in_gigabytes(8e9), in_gigabytes(2.345e8)
    ('8.0 GB', '0.23 GB')
    """
    return f"{size / 1e9:.{1 if size >= 1e9 else 2}f} GB"


def refuse_beyond(memory: float, needed: Mapping[str, float], held: float = 0.0) -> None:
    """Check that one worker at a time can make every unit.

    Parameters
    ----------
    memory : float
        Bytes that a run may use in all.
    needed : mapping of str to float
        Bytes a worker needs, by unit.
    held : float
        Bytes that the run holds besides.

    Raises
    ------
    InputError
        A unit needs more: which, and how much.
    """
    most = max(needed, key=lambda name: needed[name], default=None)
    if most is None or needed[most] + held <= memory:
        return
    enough = math.ceil((needed[most] + 1.05 * held) / 1e7) / 100
    raise InputError(
        f"one worker needs {in_gigabytes(needed[most])} for {most}, the run itself holds "
        f"{in_gigabytes(held)}, and both may use {in_gigabytes(memory)}",
        column="memory",
        hint=f"Give it {enough:.2f}GB or more.",
    )


def held_memory(root: Path = Path("/")) -> float:
    """Bytes this process holds now; zero where the system does not tell."""
    return _own(root, "VmRSS")


def most_memory(root: Path = Path("/")) -> float:
    """The most bytes this process has held until now; zero where the system does not tell."""
    return _own(root, "VmHWM")


def _own(root: Path, name: str) -> float:
    try:
        text = (root / "proc/self/status").read_text()
    except OSError:
        return 0.0
    found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    return float(found[1]) * 1024 if found else 0.0


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
