"""Sizes of memory as people write them, and what a machine and a run have of it."""

import pytest

from mattomo.errors import InputError
from mattomo.study.machine import (
    available_memory,
    held_memory,
    in_gigabytes,
    memory_of,
    most_memory,
    refuse_beyond,
)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("8GB", 8e9), ("8gb", 8e9), ("8 GB", 8e9), (" 8G ", 8e9), ("8GiB", 2**33), ("8gi", 2**33),
        ("500M", 5e8), ("500MB", 5e8), ("512MiB", 2**29), ("1.5T", 1.5e12), (".5GB", 5e8),
        ("64000K", 6.4e7), (8e9, 8e9), (10**9, 1e9),
    ],
)  # fmt: skip
def test_sizes(text, size):
    assert memory_of(text) == size


UNITS = ["GB", "8iB", "8GBs", "8PB", "8B"]
NUMBERS = ["", "8", "8 G B", "-8GB", "1e3GB", "8,5GB", "lots", "0GB", "inf", "nan"]


@pytest.mark.parametrize("size", [*UNITS, *NUMBERS, 0, -1.0, float("nan"), float("inf")])
def test_nonsense_is_one_clear_error(size):
    with pytest.raises(InputError, match=r"'--memory'.*not a size of memory.*8GB, 500M or 8GiB"):
        memory_of(size, "--memory")


def test_a_unit_that_fits_is_not_refused():
    refuse_beyond(3e9, {"a": 1e9, "b": 2e9}, held=1e9)
    refuse_beyond(1e9, {})


def test_the_largest_unit_is_named_with_what_it_needs():
    with pytest.raises(InputError, match=r"needs 2.0 GB for b, .* holds 1.0 GB, .* use 2.9 GB") as caught:
        refuse_beyond(2.9e9, {"a": 1e9, "b": 2e9}, held=1e9)
    assert caught.value.hint == "Give it 3.05GB or more."


def test_gigabytes_for_people():
    assert [in_gigabytes(x) for x in (0, 5e7, 9.99e8, 1e9, 123.45e9)] == [
        "0.00 GB", "0.05 GB", "1.00 GB", "1.0 GB", "123.5 GB",
    ]  # fmt: skip


def test_what_this_process_holds(tmp_path):
    (tmp_path / "proc/self").mkdir(parents=True)
    assert held_memory(tmp_path) == 0
    (tmp_path / "proc/self/status").write_text("VmPeak:\t 900 kB\nVmRSS:\t  700 kB\nThreads:\t1\n")
    assert held_memory(tmp_path) == 700 * 1024
    before = held_memory()
    taken = bytearray(200_000_000)
    assert 0.9 * len(taken) < held_memory() - before < 1.2 * len(taken)


def test_the_most_this_process_has_held(tmp_path):
    (tmp_path / "proc/self").mkdir(parents=True)
    assert most_memory(tmp_path) == 0
    (tmp_path / "proc/self/status").write_text("VmHWM:\t 900 kB\nVmRSS:\t  700 kB\n")
    assert most_memory(tmp_path) == 900 * 1024
    taken = bytearray(200_000_000)
    with_it = held_memory()
    del taken
    assert most_memory() > 0.99 * with_it  # the system counts both by a few pages too little or too much
    assert with_it - held_memory() > 0.9 * 200_000_000


def test_the_narrowest_group_limits_the_memory(tmp_path):
    for folder in ("proc/self", "sys/fs/cgroup/job/step"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text("MemTotal: 9000 kB\nMemAvailable:    8000 kB\n")
    assert available_memory(tmp_path) == 8000 * 1024
    (tmp_path / "proc/self/cgroup").write_text("0::/job/step\n")
    job = tmp_path / "sys/fs/cgroup/job"
    (job / "step/memory.max").write_text("max\n")
    (job / "memory.max").write_text("5000\n")
    (job / "memory.current").write_text("3000\n")
    (job / "memory.stat").write_text("inactive_file 500\n")
    assert available_memory(tmp_path) == 2500
