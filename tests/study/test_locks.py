import errno
import json
import os
import subprocess
import sys
import threading
import time

import pytest

from mattomo.study.locks import Claims, Holder, holders


def write(folder, name, **changes):
    """A lock as another process would have made it."""
    holder = Holder(**{**vars(Claims(folder).me), "token": "other", **changes})
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.lock").write_text(json.dumps(vars(holder)))
    return holder


def test_one_run_at_a_time_holds_a_claim(tmp_path):
    with Claims(tmp_path) as one, Claims(tmp_path) as two:
        assert one.take("a")
        assert not two.take("a")
        assert two.state("a") == "live"
        assert two.holder("a") == one.me
        assert two.take("b")
        two.release("a")
        assert not two.take("a")
        one.release("a")
        assert two.take("a")
    assert list(tmp_path.iterdir()) == []


def test_many_at_once_and_one_wins(tmp_path):
    runs = [Claims(tmp_path) for _ in range(8)]
    won = []
    gate = threading.Barrier(8)

    def take(run):
        gate.wait()
        won.extend(name for name in map(str, range(20)) if run.take(name))

    threads = [threading.Thread(target=take, args=(run,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == sorted(map(str, range(20)))


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="start times of processes are Linux's")
def test_claims_of_ended_processes_are_taken_over_at_once(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()
    write(tmp_path, "ended", pid=child.pid)
    write(tmp_path, "number came again", pid=os.getpid(), started="1")
    with Claims(tmp_path) as claims:
        for name in ("ended", "number came again"):
            assert claims.state(name) == "dead"
            assert claims.take(name)
            assert claims.holder(name) == claims.me


def test_elsewhere_a_claim_lives_while_it_is_touched(tmp_path):
    write(tmp_path, "a", scope="another machine")
    lock = tmp_path / "a.lock"
    claims = Claims(tmp_path, stale=0.2)
    assert claims.state("a") == "silent"
    # A clock that goes backwards is a touch like any other.
    for moment in (5_000, 1_000, 9_000):
        os.utime(lock, (moment, moment))
        assert claims.state("a") == "live"
        assert not claims.take("a")
    time.sleep(0.25)
    assert claims.state("a") == "dead"
    assert claims.take("a")


def test_a_lock_that_cannot_be_read_is_taken_over_in_time(tmp_path):
    (tmp_path / "a.lock").write_bytes(b"")
    claims = Claims(tmp_path, stale=0.1)
    assert not claims.take("a")
    time.sleep(0.15)
    assert claims.take("a")


def test_open_claims_are_touched(tmp_path):
    with Claims(tmp_path, beat=0.05) as claims:
        claims.take("a")
        os.utime(tmp_path / "a.lock", (1, 1))
        deadline = time.monotonic() + 10
        while (tmp_path / "a.lock").stat().st_mtime == 1 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert (tmp_path / "a.lock").stat().st_mtime > 1
        assert [(name, holder) for name, holder, _ in holders(tmp_path)] == [("a", claims.me)]


def test_a_claim_taken_over_stays_with_its_new_holder(tmp_path):
    claims = Claims(tmp_path)
    assert claims.take("a")
    other = write(tmp_path, "a", scope="another machine")
    claims.release("a")
    assert claims.holder("a") == other


def test_file_systems_without_hard_links(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    one, two = Claims(tmp_path), Claims(tmp_path)
    assert one.take("a")
    assert not two.take("a")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.lock"]


def test_a_lost_answer_of_the_server_is_no_lost_claim(tmp_path, monkeypatch):
    link = os.link

    def lose(*args):
        link(*args)
        raise OSError(errno.EIO, "answer lost")

    monkeypatch.setattr(os, "link", lose)
    assert Claims(tmp_path).take("a")


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(OSError):  # noqa: PT011
        Claims(tmp_path / "missing").take("a")
