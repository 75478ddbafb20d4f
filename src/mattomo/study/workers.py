"""Worker processes: spawned, single-threaded, one a core; they train units and report progress."""

from __future__ import annotations

import contextlib
import importlib.util
import multiprocessing
import os
import platform
import shutil
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from importlib import metadata
from typing import Any

from mattomo.learners import conditional
from mattomo.learners.base import Learner, Split, Trained, Unit
from mattomo.learners.conditional import Conditional
from mattomo.learners.trees import Trees
from mattomo.materials.table import Column
from mattomo.projections.descriptors import Table
from mattomo.version import __version__

#: Environment of the workers. One thread each: several models at once beat several threads for one. Huge
#: pages and a heap that is not given back spare the page faults of every step's buffers.
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
}

_progress: Any = None


def default_workers() -> int:
    """One worker a usable core, or one for a graphics card."""
    if has_gpu():
        return 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def has_gpu() -> bool:
    """Whether JAX was installed for NVIDIA and a card is present (asked without waking it)."""
    plugin = any(importlib.util.find_spec(f"jax_cuda{v}_plugin") for v in (12, 13))
    return plugin and shutil.which("nvidia-smi") is not None and os.environ.get("JAX_PLATFORMS") != "cpu"


@contextlib.contextmanager
def local_workers(n: int) -> Iterator[tuple[Executor, Any]]:
    """A pool of ``n`` worker processes and the queue their progress comes through.

    Leaving with an exception (Ctrl-C included) ends the workers at once: their unfinished units are lost,
    finished ones are not.
    """
    context = multiprocessing.get_context("spawn")
    queue = context.SimpleQueue()
    with _environment(_ENVIRONMENT):
        pool = ProcessPoolExecutor(n, mp_context=context, initializer=_start, initargs=(queue,))
        try:
            yield pool, queue
        except BaseException:
            for process in list((pool._processes or {}).values()):
                process.terminate()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        pool.shutdown()


@contextlib.contextmanager
def analysis_workers(n: int | None = None) -> Iterator[Executor]:
    """Spawned single-threaded processes for an analysis; one a core by default."""
    context = multiprocessing.get_context("spawn")
    with _environment(_ENVIRONMENT):
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        with ProcessPoolExecutor(n or cores, mp_context=context) as pool:
            yield pool


def train(learner: Learner, unit: Unit, name: str) -> tuple[Trained, dict[str, str]]:
    """What a worker does: train a unit, telling the share done under ``name``."""

    def tell(share: float) -> None:
        if _progress is not None:
            _progress.put((name, share))

    trained = learner.train(unit, tell)
    return trained, environment(learner)


def learn(
    table: Table, representation: str, columns: dict[str, Column], split: Split, seed: int
) -> tuple[dict[str, Conditional], dict[str, str]]:
    """What a worker does before the units of a split: conditionals of all properties."""
    return conditional.learn(table, representation, columns, split, seed), environment(Trees())


def environment(learner: Learner) -> dict[str, str]:
    """Versions and device, for the record of a unit."""
    import numpy

    found = {
        "mattomo": __version__,
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "machine": platform.machine(),
    }
    if learner.reads == "table":
        library = "lightgbm" if learner.name == "trees" else "scikit-learn"
        return {**found, library: metadata.version(library)}
    import jax

    from mattomo.learners.cgcnn import kernel_status

    device = jax.devices()[0]
    return {
        **found,
        "jax": jax.__version__,
        "device": f"{device.platform} ({device.device_kind})",
        "kernel": kernel_status(),
    }


def _start(queue: Any) -> None:
    global _progress
    _progress = queue
    # Ctrl-C goes to the whole group; the parent decides what happens to its workers.
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Variables for processes started meanwhile; the user's own settings win."""
    added = {key: value for key, value in values.items() if key not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for key in added:
            os.environ.pop(key, None)
