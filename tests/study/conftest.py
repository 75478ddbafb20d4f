"""Small real studies that train in seconds, in this process."""

from concurrent.futures import Executor, Future

import numpy as np
import pytest

import mattomo as mt


class Inline(Executor):
    """Runs in this process, at once: no start-up, real training."""

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@pytest.fixture
def inline():
    return Inline()


@pytest.fixture(scope="session")
def small():
    """120 crystals of at most 12 sites."""
    materials = mt.load("mp1000")
    sites = np.diff(materials.structures.offsets)
    return materials.take(np.flatnonzero(sites <= 12)[:120])


CHOICES = {
    "targets": ("band_gap",),
    "properties": ("density", "crystal_system"),
    "seeds": 2,
    "epochs": 2,
    "batch_size": 32,
    "controls": (),
    "swaps": 0,
}


@pytest.fixture
def study(small):
    return mt.Study(small, **CHOICES)
