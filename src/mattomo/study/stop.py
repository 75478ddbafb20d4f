"""Requests to stop wait while something is being made or removed in a study folder.

Python raises what a signal asks for between any two steps of a program: also after a lock was made and before
that was written down, or while half a unit is being cleared away. A kill at such a moment costs nothing but
the leavings, which the next run removes; a request can wait for the few milliseconds.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

#: In the main thread, the only one that signals reach: blocks that are open, and what waits for their end.
_open = 0
_waiting: BaseException | None = None


def stop(request: BaseException) -> None:
    """Raise ``request``, at once or where the `undisturbed` block that is under way ends.

    For handlers of signals.
    """
    global _waiting
    if not _open:
        raise request
    _waiting = request


@contextmanager
def undisturbed() -> Iterator[None]:
    """A block that requests to stop do not cut in two."""
    global _open, _waiting
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _open += 1
    try:
        yield
    finally:
        _open -= 1
        if not _open and _waiting is not None:
            request, _waiting = _waiting, None
            raise request
