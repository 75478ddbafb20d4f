"""The quarantine by reason."""

from mattomo.materials import Quarantine, QuarantinedRow
from mattomo.materials.check.rows import refusals


def row(i, stage, column, value, reason, id="m"):
    return QuarantinedRow(f"{id}{i}" if id else "", "t.csv", i, stage, column, value, reason, "Do this.")


def test_reasons_that_differ_in_names_and_numbers_are_one():
    rows = [
        row(1, "structure", "file", "", "no structure file for 'a-1'"),
        row(2, "property", "gap", "one", "not a number"),
        row(3, "structure", "file", "", "no structure file for 'b'"),
        row(4, "property", "gap", "two", "not a number"),
        row(5, "property", "density", "two", "not a number"),
        row(6, "structure", "file", "", "the structure is Fe2O3 (Fe4O6), the formula 'FeO' is FeO"),
        row(7, "structure", "file", "", "the structure is NaCl (Na4Cl4), the formula 'NaCl2' is Cl2Na"),
        row(8, "id", "id", "", "the identifier is that of row 3 too", id=""),
    ]
    found = refusals(Quarantine(tuple(rows)))
    assert [(r.stage, r.column, r.count, r.alike) for r in found] == [
        ("structure", "file", 2, False),
        ("property", "gap", 2, True),
        ("structure", "file", 2, False),
        ("property", "density", 1, True),
        ("id", "id", 1, True),
    ]
    assert found[1].values == ("one", "two")
    assert found[1].examples == ("m2 [row 2]", "m4 [row 4]")
    assert found[4].examples == ("[row 8]",)
    assert sum(r.count for r in found) == len(rows)


def test_an_empty_quarantine():
    assert refusals(Quarantine()) == ()
