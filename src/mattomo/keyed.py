"""Random numbers that depend on words alone: the same in every process, whatever else is drawn."""

from __future__ import annotations

import hashlib

import numpy as np


def generator(*key: object) -> np.random.Generator:
    """Random numbers that depend only on ``key`` (hashed with SHA-256)."""
    return np.random.default_rng(np.frombuffer(_digest(key), dtype=np.uint32).tolist())


def seed_of(*key: object) -> int:
    """A seed below 2³¹ that depends only on ``key``."""
    return int.from_bytes(_digest(key)[:4], "little") >> 1


def _digest(key: tuple[object, ...]) -> bytes:
    return hashlib.sha256("\x1f".join(map(str, key)).encode()).digest()
