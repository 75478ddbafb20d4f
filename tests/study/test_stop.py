"""Signals do not cut in two what is being written."""

import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from mattomo.study.stop import stop, undisturbed


class Asked(BaseException):
    pass


def test_a_request_is_raised_at_once_or_after_the_outermost_block():
    done = []
    with pytest.raises(Asked):
        stop(Asked())

    @undisturbed()
    def outer():
        inner()
        done.append("outer")

    @undisturbed()
    def inner():
        stop(Asked())
        done.append("inner")

    with pytest.raises(Asked):
        outer()
    assert done == ["inner", "outer"]
    with undisturbed():
        done.append("nothing waits any more")
    assert done[2:]


def test_an_error_of_the_block_is_the_context_of_the_request():
    @undisturbed()
    def fail(asked):
        if asked:
            stop(Asked())
        raise OSError("full")

    with pytest.raises(Asked) as caught:
        fail(True)
    assert isinstance(caught.value.__context__, OSError)
    with pytest.raises(OSError, match="full"):
        fail(False)


def test_blocks_of_other_threads_hold_nothing_up():
    inside, leave = threading.Event(), threading.Event()

    def work():
        with undisturbed():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=work)
    thread.start()
    assert inside.wait(10)
    with pytest.raises(Asked):
        stop(Asked())
    leave.set()
    thread.join()


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_claims_are_given_up_whenever_the_signal_comes(tmp_path, number):
    """In a process that does nothing but take and release claims, signals at whatever moments."""
    program = f"""
        import signal, sys
        from pathlib import Path
        from mattomo.study.locks import Claims
        from mattomo.cli.stop import Terminated, end_when_asked

        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        held, folder = 0, Path({str(tmp_path)!r})
        for turn in range(60):
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            end_when_asked()
            try:
                with Claims(folder) as claims:
                    # A clock of its own, so that the moments are spread over what the loop does.
                    signal.setitimer(signal.ITIMER_REAL, 0.002 + turn * 0.00013)
                    signal.signal(signal.SIGALRM, signal.getsignal({int(number)}))
                    while True:
                        claims.take("a")
                        claims.take("b")
                        claims.release("a")
                        claims.release("b")
            except (Terminated, KeyboardInterrupt):
                held += 1
            left = [path.name for path in folder.iterdir()]
            assert not left, (turn, left)
        print(held)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("60\n", "")
