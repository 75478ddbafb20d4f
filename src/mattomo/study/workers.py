"""What workers do: they learn conditionals and train units, one thread each, and report progress."""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from importlib import metadata
from typing import Any, cast

from mattomo.learners import conditional
from mattomo.learners.base import Learner, Split, Trained, Unit
from mattomo.learners.conditional import Conditional
from mattomo.learners.trees import Trees
from mattomo.materials.table import Column
from mattomo.projections.descriptors import Table
from mattomo.study.checkpoint import FileCheckpoint
from mattomo.study.machine import Circumstances, most_memory
from mattomo.study.pool import LocalWorkers
from mattomo.version import __version__

#: Environment of the workers. One thread each: several models at once beat several threads for one. XLA has
#: as many as there are processors, whatever its flags say, unless NPROC tells it otherwise, and adds in an
#: order of their number: the last digits would depend on the machine. Huge pages and a heap that is not given
#: back spare the page faults of every step's buffers.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "NPROC": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
}

#: In a worker: passes unit, share done and message on to the run.
_tell: Callable[[str, float, str], None] | None = None


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
def local_workers(n: int, tell: Callable[[str, float, str], None] = lambda *_: None) -> Iterator[Executor]:
    """``n`` worker processes as an executor.

    Leaving with an exception (Ctrl-C included) ends the workers at once: their unfinished units are lost,
    finished ones are not.

    Parameters
    ----------
    n : int
    tell : callable, optional
        Receives unit, share done and message, from several threads.
    """
    with _environment(ENVIRONMENT):
        pool = LocalWorkers(n, tell)
        try:
            yield pool
        except BaseException:
            pool.kill()
            raise
        pool.shutdown()


def train(learner: Learner, unit: Unit, name: str, checkpoint: str = "") -> tuple[Trained, Circumstances]:
    """What a worker does: train a unit, telling the share done under ``name``.

    ``checkpoint`` is a path, for learners that save their state while they train.
    """

    def tell(share: float) -> None:
        if _tell is not None:
            _tell(name, share, "")

    def say(message: str) -> None:
        if _tell is not None:
            _tell(name, 0.0, message)

    if checkpoint and "checkpoint" in inspect.signature(learner.train).parameters:
        saved = FileCheckpoint(checkpoint, tell=say)
        trained = cast(Any, learner).train(unit, tell, checkpoint=saved)
    else:
        trained = learner.train(unit, tell)
    return trained, Circumstances(environment(learner), most_memory())


def learn(
    table: Table, representation: str, columns: dict[str, Column], split: Split, seed: int
) -> tuple[dict[str, Conditional], Circumstances]:
    """What a worker does before the units of a split: conditionals of all properties."""
    return conditional.learn(table, representation, columns, split, seed), Circumstances(
        environment(Trees()), most_memory()
    )


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


def told_by(tell: Callable[[str, float, str], None]) -> None:
    """Where `train` sends its progress in this process."""
    global _tell
    _tell = tell
