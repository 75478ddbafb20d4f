"""What happens to a run when its workers, its disk or its files fail."""

import dataclasses
import errno
import json
import os
import shutil
import signal
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest

import mattomo as mt
from mattomo.learners.trees import Trees
from mattomo.study.collect import collect
from mattomo.study.description import FORMAT
from mattomo.study.identity import digest
from mattomo.study.journal import Journal
from mattomo.study.locks import Claims
from mattomo.study.pool import LocalWorkers, PoolLost, WorkerDied
from mattomo.study.run import run
from mattomo.study.shards import Shard, read_shard
from mattomo.study.status import status
from mattomo.study.store import Store

from .conftest import Inline

TREES = {
    "targets": ("band_gap", "density"),
    "properties": ("volume", "crystal_system"),
    "representations": ("composition",),
    "learners": ("trees",),
    "seeds": 2,
    "controls": (),
    "swaps": 2,
}


@pytest.fixture(scope="module")
def plan():
    return mt.Study(mt.load("mp1000").take(np.arange(60)), **TREES).plan()


@pytest.fixture(scope="module")
def finished(plan, tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished") / "study"
    assert run(plan, folder, executor=Inline()).complete
    return folder


@pytest.fixture
def copy(finished, tmp_path):
    return Path(shutil.copytree(finished, tmp_path / "study"))


def tables(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.glob("*/*/*.parquet")}


def drop(folder, number):
    for path in sorted(folder.glob("units/*"))[:number]:
        shutil.rmtree(path)


@dataclasses.dataclass(frozen=True)
class Deadly(Trees):
    """Ends its process while it trains one target: every time, or while a file is there."""

    target: str = "density"
    once: str = ""

    def settings(self):
        return {}

    def train(self, unit, progress=None):
        if unit.tasks[0].target == self.target and (not self.once or os.path.exists(self.once)):
            if self.once:
                os.unlink(self.once)
            os.kill(os.getpid(), signal.SIGKILL)
        return super().train(unit, progress)


def test_shards_are_a_partition_with_equal_parts_of_each_kind(plan):
    units = mt.Study("mp1000", protocol="ortega-ochoa-2025").plan().units
    for of in (1, 2, 7, 8):
        shares = [Shard(k, of).units(units) for k in range(1, of + 1)]
        assert sorted(u.id for share in shares for u in share) == sorted(u.id for u in units)
        assert max(map(len, shares)) - min(map(len, shares)) <= 1
        for share in shares:
            structure = sum(u.representation == "structure" for u in share)
            assert abs(structure - len(share) / 2) <= 1
        assert shares[0] == Shard(1, of).units(units[::-1])


@pytest.mark.parametrize("text", ["", "2", "0/3", "4/3", "a/b", "1/0", "-1/2", "1/2/3", "²/3"])
def test_what_is_no_shard(text):
    with pytest.raises(mt.InputError, match=r"not a shard.*2/8"):
        read_shard(text)


def test_shards_in_any_order_give_what_one_run_gives(plan, finished, tmp_path):
    folder = tmp_path / "study"
    for k, left in ((3, True), (1, True), (2, False)):
        report = run(plan, folder, executor=Inline(), shard=Shard(k, 3))
        assert report.trained == len(Shard(k, 3).units(plan.units))
        assert report.complete is not left
    assert tables(folder) == tables(finished)


def test_a_run_leaves_alone_what_another_is_training(plan, finished, tmp_path):
    folder = tmp_path / "study"
    second = []

    class Meanwhile(Inline):
        def submit(self, fn, *args):
            if not second and fn.__name__ == "train":
                second.append(None)
                second[0] = run(plan, folder, executor=Inline())
            return super().submit(fn, *args)

    first = run(plan, folder, executor=Meanwhile(), slots=lambda: 1)
    (other,) = second
    assert (first.trained, other.trained) == (1, 3)
    assert list(other.elsewhere.values()) == [f"process {os.getpid()} on {os.uname().nodename}"]
    assert first.complete
    assert not other.complete
    assert tables(folder) == tables(finished)
    assert not list(folder.glob("running/*"))


def test_a_unit_that_kills_its_worker_twice_fails_and_the_others_finish(plan, tmp_path):
    deadly = dataclasses.replace(plan, learners={"trees": Deadly()})
    heard = []
    report = run(deadly, tmp_path / "study", workers=2, tell=heard.append)
    assert (report.trained, len(report.failed)) == (2, 2)
    for unit, reason in report.failed.items():
        assert "-density-" in unit
        assert reason == (
            "its worker process was killed (SIGKILL: by the system when memory runs out, or by hand), "
            "for the second time"
        )
        assert "trying again" in Path(report.logs[unit]).read_text()
    assert sum("trying again" in p.message for p in heard) == 2
    assert set(status(tmp_path / "study").failed) == set(report.failed)
    again = run(plan, tmp_path / "study", executor=Inline())
    assert (again.trained, again.complete) == (2, True)
    assert status(tmp_path / "study").failed == {}


def test_a_worker_killed_once_costs_nothing(plan, finished, tmp_path):
    (tmp_path / "once").touch()
    deadly = dataclasses.replace(plan, learners={"trees": Deadly(once=str(tmp_path / "once"))})
    report = run(deadly, tmp_path / "study", workers=1)
    assert (report.trained, report.failed) == (4, {})
    assert tables(tmp_path / "study") == tables(finished)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, 4])
def test_any_number_of_workers_gives_the_same_bytes(plan, finished, tmp_path, workers):
    assert run(plan, tmp_path / "study", workers=workers).complete
    assert tables(tmp_path / "study") == tables(finished)


def test_workers_say_how_they_ended():
    pool = LocalWorkers(1, lambda *_: None)
    with pytest.raises(WorkerDied, match=r"ended \(exit code 7\)"):
        pool.submit(os._exit, 7).result(timeout=60)
    with pytest.raises(ZeroDivisionError) as caught:
        pool.submit(divmod, 1, 0).result(timeout=60)
    assert "Traceback" in str(caught.value.__cause__)
    with pytest.raises((TypeError, AttributeError), match="pickle"):
        pool.submit(lambda: None).result(timeout=60)
    assert pool.submit(divmod, 7, 2).result(timeout=60) == (3, 1)
    pool.shutdown()
    with pytest.raises(RuntimeError, match="shut down"):
        pool.submit(divmod, 7, 2)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("file", ["predictions.parquet", "record.json", "conditionals.parquet"])
def test_a_unit_that_cannot_be_stored_fails_and_leaves_nothing(
    plan, finished, tmp_path, monkeypatch, number, file
):
    folder, write, failing = tmp_path / "study", Path.write_bytes, []

    def fail(path, content):
        if path.name == file and not failing and path.parent.parent.name in ("units", "conditionals"):
            failing.append(path.parent.name[1:].rsplit(".", 2)[0])
            write(path, content[: len(content) // 2])
            raise OSError(number, os.strerror(number))
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", fail)
    report = run(plan, folder, executor=Inline())
    needing = [u.id for u in plan.units if failing[0] in (u.id, plan.needs(u).id)]
    assert set(report.failed) == set(needing)
    assert all(f"cannot be stored: {os.strerror(number)}" in reason for reason in report.failed.values())
    assert report.done == len(plan.units) - len(needing)
    assert not list(folder.glob("*/.*"))
    assert not (folder / "units" / failing[0]).exists()
    assert run(plan, folder, executor=Inline()).trained == len(needing)
    assert tables(folder) == tables(finished)


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a place nobody can write to")
def test_a_place_that_cannot_be_written_is_one_message_before_training(plan):
    class Never(Inline):
        def submit(self, *args):
            raise AssertionError("trained")

    with pytest.raises(mt.InputError, match=r"cannot write the study folder.*on a disk with room"):
        run(plan, "/proc/study", executor=Never())


@pytest.mark.parametrize("name", ["study.json", "materials.parquet", "quarantine.csv"])
@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
def test_damaged_files_of_a_study_are_written_again(plan, finished, copy, name, damage):
    content = bytearray((copy / name).read_bytes())
    if damage == "remove":
        (copy / name).unlink()
    else:
        content[len(content) // 2] ^= 1
        (copy / name).write_bytes(content if damage == "flip" else content[: len(content) // 2])
    if damage != "remove" and name != "quarantine.csv":
        with pytest.raises(mt.InputError, match=r"damaged|cannot be read"):
            Store(copy).materials()
    heard = []
    report = run(plan, copy, executor=Inline(), tell=heard.append)
    assert (report.trained, report.complete) == (0, True)
    assert (copy / name).read_bytes() == (finished / name).read_bytes()
    said = [p.message for p in heard if p.message]
    assert said == ([] if damage == "remove" else [f"{name} was damaged or out of date: written again"])


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
def test_damaged_conditionals_are_learned_again(plan, finished, copy, damage):
    drop(copy, 1)
    path = next(copy.glob("conditionals/composition-seed0*/conditionals.parquet"))
    content = bytearray(path.read_bytes())
    if damage == "remove":
        path.unlink()
    else:
        content[len(content) // 2] ^= 1
        path.write_bytes(content if damage == "flip" else content[: len(content) // 2])
    heard = []
    run(plan, copy, executor=Inline(), tell=heard.append)
    assert [p.unit for p in heard if "damaged" in p.message] == [path.parent.name]
    assert tables(copy) == tables(finished)


def records(folder, kind="units"):
    return sorted(folder.glob(f"{kind}/*/record.json"))


@pytest.mark.parametrize("kind", ["units", "conditionals"])
@pytest.mark.parametrize("bit", [0, 3])
def test_a_flipped_bit_in_a_record_is_found(plan, finished, copy, kind, bit):
    path = records(copy, kind)[0]
    content = bytearray(path.read_bytes())
    content[content.index(b'"seed": ') + 8] ^= 1 << bit  # still a number
    path.write_bytes(content)
    if kind == "conditionals":
        drop(copy, 1)
    heard = []
    report = run(plan, copy, executor=Inline(), tell=heard.append)
    assert [p.unit for p in heard if "damaged (checksum)" in p.message] == [path.parent.name]
    assert report.trained == 1
    assert json.loads(path.read_text())["seed"] == 0
    assert tables(copy) == tables(finished)


def test_records_of_earlier_versions_have_no_checksum_and_are_whole(plan, copy):
    for path in records(copy):
        record = json.loads(path.read_text())
        del record["checksum"]
        path.write_text(json.dumps(record))
    assert run(plan, copy, executor=Inline()).trained == 0


@pytest.mark.parametrize("place", ["study.json", "units/*/record.json", "conditionals/*/record.json"])
def test_what_a_newer_version_wrote_is_left_alone(plan, copy, place):
    drop(copy, 1)
    path = sorted(copy.glob(place))[0]
    found = json.loads(path.read_text())
    del found["checksum"]
    found["format"] = FORMAT + 1
    path.write_text(json.dumps(found | {"checksum": digest(found)}))

    def snapshot():
        files = [p for p in copy.rglob("*") if p.is_file()]
        return {str(p): (p.read_bytes(), p.stat().st_mtime_ns) for p in files}

    before = snapshot()
    for read in (lambda: run(plan, copy, executor=Inline()), lambda: collect(copy)):
        with pytest.raises(mt.InputError, match="written by a newer mattomo"):
            read()
    assert snapshot() == before


def test_status_reads_past_damage(copy):
    records(copy)[0].write_bytes(b"{")
    shutil.rmtree(records(copy)[1].parent)
    found = status(copy)
    assert (found.planned, found.done) == (4, 3)
    assert found.seconds_left > 0


def test_a_unit_that_cannot_be_read_at_first_is_looked_at_again(plan, finished, copy, monkeypatch):
    read, failing = Path.read_bytes, []

    def fail(path):
        if path.name == "predictions.parquet" and not failing:
            failing.append(path)
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", fail)
    report = run(plan, copy, executor=Inline())
    assert failing
    assert (report.trained, report.complete) == (0, True)


@pytest.mark.parametrize("name", ["study.json", "materials.parquet", "quarantine.csv"])
def test_a_folder_whose_own_files_cannot_be_written_is_one_message(plan, tmp_path, monkeypatch, name):
    def fail(path, content):
        if path.name == name:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return path.write_bytes(content)

    class Never(Inline):
        def submit(self, *args):
            raise AssertionError("trained")

    monkeypatch.setattr("mattomo.study.store.write_bytes", fail)
    with pytest.raises(mt.InputError, match=r"cannot write the study folder: Input/output error"):
        run(plan, tmp_path / "study", executor=Never())
    assert not list((tmp_path / "study").glob("running/*"))


def test_what_killed_runs_left_in_a_complete_study_goes(plan, finished, copy):
    (copy / "units" / f".{plan.units[0].id}.0a1b2c3d.part").mkdir()
    left = copy / "shared" / "shared-dead" / "table composition"
    left.mkdir(parents=True)
    (left / "values.npy").write_bytes(b"large")
    dead = vars(Claims(copy / "running").me) | {"started": "1"}
    (copy / "running").mkdir(exist_ok=True)
    for name in ("shared-dead", "study", plan.units[0].id):
        (copy / "running" / f"{name}.lock").write_text(json.dumps(dead))
    with Claims(copy / "running") as living:
        living.take("other")
        assert run(plan, copy, executor=Inline()).trained == 0
        assert [path.name for path in copy.glob("running/*")] == ["other.lock"]
    assert not (copy / "shared").exists()
    assert not list(copy.glob("units/.*"))
    assert tables(copy) == tables(finished)


@pytest.mark.parametrize("how", ["cancelled", "lost", "refused"])
def test_an_executor_that_gives_units_back_ends_the_run(plan, tmp_path, how):
    """As a cluster does whose scheduler is gone."""

    class Leaving(Inline):
        def submit(self, fn, *args):
            if fn.__name__ != "train" or not list(tmp_path.glob("study/units/*")):
                return super().submit(fn, *args)
            if how == "refused":
                raise PoolLost("gone")
            future = Future()
            if how == "cancelled":
                future.cancel()
                future.set_running_or_notify_cancel()
            else:
                future.set_exception(PoolLost("gone"))
            return future

    with pytest.raises(PoolLost):
        run(plan, tmp_path / "study", executor=Leaving(), slots=lambda: 1)
    stored = list(tmp_path.glob("study/units/[!.]*"))
    assert len(stored) == 1
    assert not list(tmp_path.glob("study/running/*"))
    assert status(tmp_path / "study").failed == {}
    assert run(plan, tmp_path / "study", executor=Inline()).trained == 3


def test_a_run_killed_while_it_made_the_folder_can_go_on(plan, tmp_path):
    folder = tmp_path / "study"
    (folder / "units").mkdir(parents=True)
    (folder / ".materials.parquet.x1y2").write_bytes(b"half")
    assert run(plan, folder, executor=Inline()).complete
    assert not list(folder.glob(".*"))


def test_half_written_units_of_the_dead_go_and_those_of_the_living_stay(plan, copy):
    dead, living = (copy / "units" / f".{unit.id}.0a1b2c3d.part" for unit in plan.units[:2])
    drop(copy, 4)
    dead.mkdir()
    living.mkdir()
    with Claims(copy / "running") as other:
        assert other.take(plan.units[1].id)
        report = run(plan, copy, executor=Inline())
        assert living.exists()
        assert list(report.elsewhere) == [plan.units[1].id]
    assert not dead.exists()


def test_status_from_outside(plan, copy):
    whole = status(copy)
    assert (whole.planned, whole.done, whole.waiting, whole.seconds_left) == (4, 4, 0, 0)
    drop(copy, 3)
    names = sorted(unit.id for unit in plan.units)[:3]
    Journal(copy / "logs").failed(names[0], "no luck", ValueError("no luck"))
    with Claims(copy / "running", workers=3) as claims:
        claims.take(names[1])
        found = status(copy)
    assert (found.done, found.waiting, found.workers) == (1, 1, 3)
    assert [r.unit for r in found.running] == [names[1]]
    assert found.failed == {names[0]: "no luck"}
    assert "ValueError: no luck" in Path(found.logs[names[0]]).read_text()
    record = json.loads(next(copy.glob("units/*/record.json")).read_text())
    assert found.seconds_left == pytest.approx(3 * record["seconds"], rel=0.5)
    assert status(copy).workers == 0


def test_a_failure_is_written_with_its_traceback(plan, tmp_path):
    class Faulty(Inline):
        def submit(self, fn, *args):
            return super().submit(fn if fn.__name__ == "learn" else divmod, *args)

    report = run(plan, tmp_path / "study", executor=Faulty())
    assert len(report.failed) == 4
    for unit, log in report.logs.items():
        assert report.failed[unit].startswith("TypeError")
        assert "Traceback" in Path(log).read_text()
