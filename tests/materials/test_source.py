import gzip
import os
from pathlib import Path

import pytest

from mattomo.errors import InputError
from mattomo.materials import read
from mattomo.materials.readers import source
from mattomo.materials.readers.source import open_source

TABLE = b"id,formula,x\na,FeO,1\nb,NiO,2\n"


def write(folder: Path, data: bytes, name: str = "t.csv.gz") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_gzip_is_told_from_the_content(tmp_path: Path) -> None:
    for name in ("t.csv.gz", "t.csv", "t"):
        found = open_source(write(tmp_path, gzip.compress(TABLE), name))
        assert found.compressed
        assert found.head == found.content() == TABLE
        assert found.suffix == (".csv" if "csv" in name else "")
    plain = open_source(write(tmp_path, TABLE, "t.gz"))
    assert not plain.compressed
    assert plain.content() == TABLE


def test_members_of_gzip_follow_each_other_and_may_be_padded(tmp_path: Path) -> None:
    packed = gzip.compress(TABLE[:10]) + gzip.compress(TABLE[10:]) + b"\0" * 100
    materials, _ = read(write(tmp_path, packed))
    assert materials.ids.tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (gzip.compress(TABLE)[:-9], "breaks off"),
        (gzip.compress(TABLE)[:20], "breaks off"),
        (b"\x1f\x8bnonsense", "the gzip data is broken"),
        (gzip.compress(TABLE)[:-8] + b"\0" * 8, "the gzip data is broken"),
        (gzip.compress(TABLE) + b"more", "the gzip data is broken"),
        (gzip.compress(b""), "the file is empty"),
        (gzip.compress(gzip.compress(TABLE)), "compressed by gzip twice"),
    ],
)
def test_broken_gzip(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as caught:
        read(write(tmp_path, data))
    assert caught.value.hint


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = write(tmp_path, gzip.compress(b"[" + b" " * 40_000_000 + b"]"), "t.json.gz")
    monkeypatch.setattr(source, "FREE", 2**20)
    with pytest.raises(InputError, match=r"unpacked, the file is larger than 7 MiB.*gunzip"):
        read(bomb)
    monkeypatch.setattr(source, "RATIO", 2000)
    with pytest.raises(InputError, match="has no rows"):
        read(bomb)
    monkeypatch.setattr(source, "LARGEST", 3 * 2**20)
    with pytest.raises(InputError, match="larger than 3 MiB"):
        read(bomb)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipes_are_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "t.csv")
    with pytest.raises(InputError, match="no regular file"):
        read(tmp_path / "t.csv")


def test_names_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file name"):
        read("a\0b")
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "absent.json")
