"""The check written out: complete, escaped, and valid as a part of the page."""

from html.parser import HTMLParser

import numpy as np
import pytest
from jinja2 import Environment, PackageLoader, StrictUndefined

from mattomo.materials import Column, Materials, PropertyInfo, Quarantine, QuarantinedRow, load
from mattomo.materials.check import check_table
from mattomo.report.checked import report_section

NAME = "<script>alert(1)</script>\x1b[31m"


def render(section) -> str:
    environment = Environment(
        loader=PackageLoader("mattomo.report", "html"), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=StrictUndefined,
    )  # fmt: skip
    return environment.get_template("check.html.j2").render(check=section)


@pytest.fixture(scope="module")
def example():
    materials = load("mp1000")
    values = np.zeros(len(materials))
    columns = {
        **materials.columns,
        NAME: Column(PropertyInfo(NAME, NAME), values, np.zeros(len(values), bool)),
    }
    odd = Materials(
        materials.ids, materials.rows, NAME, materials.compositions, materials.structures, columns, (NAME,)
    )
    rows = [
        QuarantinedRow(NAME, "t.csv", i, "property", NAME, NAME, "not a number", "Write a number.")
        for i in range(9)
    ]
    rows += [QuarantinedRow("twice", "t.csv", 10, "id", "id", "twice", "the identifier is that of row 1 too")]
    return check_table(odd, Quarantine(tuple(rows)))


class Balance(HTMLParser):
    """Every tag is closed in order, and headings do not skip a level."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.headings = [], set(), []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.add(tag)
        if tag in ("h2", "h3", "h4"):
            self.headings.append(int(tag[1]))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_page_is_well_formed_and_escaped(example):
    text = render(report_section(example, ["density = <mass> / volume"]))
    page = Balance()
    page.feed(text)
    assert page.open == []
    assert "script" not in page.seen
    assert "\x1b" not in text
    assert "density = &lt;mass&gt; / volume" in text
    assert page.headings[0] == 2
    assert all(b - a <= 1 for a, b in zip(page.headings, page.headings[1:], strict=False))
    assert text.count("<table") == text.count('role="region"') == 3


def test_nothing_is_lost(example):
    section = report_section(example)
    for level, found in (("warnings", example.warnings), ("notes", example.notes)):
        assert sum(len(group["items"]) for group in section[level]) == len(found)
    assert [group["title"] for group in section["refused"]] == [
        "identifiers twice",
        "values that cannot be used (the row stays, the value is missing)",
    ]
    values = section["refused"][1]["items"][0]
    assert (values["count"], len(values["examples"]) + values["more"]) == ("9", 9)
    assert len(section["properties"]) == len(example.properties)
    assert "1,001 rows read, 1,000 used, 1 left out (1 because" in section["lead"][0]
    assert "98.10 %" in section["lead"][1]


def test_a_clean_table():
    section = report_section(check_table(load("mp1000").take(np.arange(0)), Quarantine()))
    assert section["refused"] == []
    assert ">None.<" in render(section | {"warnings": []})


def test_groups_are_named_together():
    few = load("mp1000").take(np.arange(3))
    again = few.take(np.array([0, 1, 2, 1]))
    twice = Materials(
        np.array(["a", "b", "c", "d"]), again.rows, "t", again.compositions, again.structures, {}
    )
    section = report_section(check_table(twice, Quarantine()))
    (group,) = section["warnings"]
    assert group["items"][0]["examples"] == ["b = d"]
