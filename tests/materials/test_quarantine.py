import csv
from pathlib import Path

import pytest

from mattomo.materials.quarantine import Quarantine, QuarantinedRow

ENTRY = QuarantinedRow("mp-1", "a.csv", 3, "property", "band_gap", "=1+1", "not a number", "Write a number.")
OTHER = QuarantinedRow("-2", "a.csv", 4, "formula", "formula", "-3.5", "no element", "")


def test_is_a_tuple_of_entries() -> None:
    both = Quarantine((ENTRY,)) + Quarantine((OTHER,))
    assert len(both) == 2
    assert list(both) == [ENTRY, OTHER]
    assert both.left_out == (OTHER,)
    assert list(both.to_frame().columns)[:3] == ["id", "file", "row"]
    assert both.to_frame().loc[1, "row"] == 4
    assert len(Quarantine().to_frame()) == 0
    assert str(ENTRY) == "a.csv, row 3, column 'band_gap', value =1+1: not a number. Write a number."


def test_csv_is_safe_in_a_spreadsheet(tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    Quarantine((ENTRY, OTHER)).write_csv(path)
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["value"] for row in rows] == ["'=1+1", "-3.5"]
    assert [row["id"] for row in rows] == ["mp-1", "-2"]
    assert [each.name for each in tmp_path.iterdir()] == ["q.csv"]


def test_csv_is_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        Quarantine((ENTRY,)).write_csv(tmp_path / "q.csv")
    assert list(tmp_path.iterdir()) == []
