"""Linear algebra on one thread: the same numbers in any process, and no waiting for busy cores."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController


def one_thread() -> AbstractContextManager[object]:
    """While it is open, linear algebra runs on one thread.

    Sums are otherwise rounded as the number of threads has it. And small matrices are slow when spread over
    the cores of a busy machine: a Cholesky factor of 140 rows took 90 ms instead of 0.05 ms (measured).
    """
    limited: AbstractContextManager[object] = _libraries().limit(limits=1, user_api="blas")
    return limited


@cache
def _libraries() -> ThreadpoolController:
    import scipy.linalg  # noqa: F401  (what is loaded later would not be found)

    return ThreadpoolController()  # looking for the libraries takes milliseconds, so once
