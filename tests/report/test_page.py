"""The HTML page: self-contained, safe, and the same numbers as the tables."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
import pytest

from mattomo.materials.registry import PropertyInfo
from mattomo.report import render_html, summarize, write_html, write_tables
from mattomo.report.numbers import bits, percent, quantity

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "\"quoted\" 'name' & more",
    "\u202eevil\u0000\nname",
    "فجوة النطاق",
    "x" * 500,
    "$\\alpha_{",
    "{{ 7 * 7 }}",
    "a|b,c;d",
)


class Reader(HTMLParser):
    """Collects tags, text, and the text of each cell of a heatmap."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags, self.text, self.cells, self.stack = [], [], {}, []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.stack.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        while self.stack and self.stack.pop()[0] != tag:
            pass

    def handle_data(self, data):
        self.text.append(data)
        inside = [attrs for tag, attrs in self.stack if tag == "td" and "data-cell" in attrs]
        if inside and self.stack[-1][1].get("class") == "mean":
            self.cells[int(inside[0]["data-cell"])] = data


@pytest.fixture(scope="module")
def hostile(make_outcome):
    properties = tuple(PropertyInfo(name, name, unit="<b>eV</b>") for name in HOSTILE)
    made = make_outcome(properties=properties, n_targets=len(HOSTILE), seeds=(0, 1), learner="<i>net</i>")
    return replace(
        made,
        notices=("<script>alert(2)</script>",),
        environment={"<u>": "</dd><script>"},
        config={"a": "</pre><script>alert(3)</script>"},
        data={"source": "</dl><script>alert(4)</script>"},
    )


def test_hostile_names_stay_text(hostile):
    reader = Reader(render_html(summarize(hostile)))
    tags = [tag for tag, _ in reader.tags]
    assert tags.count("script") == 2  # one of data, one of code
    assert not {"img", "u"} & set(tags)
    assert all(attrs.get("class", "").startswith("cell") for tag, attrs in reader.tags if tag == "i")
    assert not any(name.startswith("on") for _, attrs in reader.tags for name in attrs)
    text = " ".join(reader.text)
    assert "<script>alert(1)</script>" in text
    assert "{{ 7 * 7 }}" in text
    assert "\u202e" not in text
    assert "\x00" not in text


def test_embedded_json_is_whole(hostile):
    page = render_html(summarize(hostile))
    data = json.loads(
        re.search('<script type="application/json" id="embedded">(.*?)</script>', page, re.S).group(1)
    )
    assert len(data["cells"]) == len(summarize(hostile)["cells"])
    assert data["texts"][data["cells"][0]["added"]] == "<script>alert(1)</script>"


def test_page_needs_no_network(outcome):
    page = render_html(summarize(outcome))
    for tag, attrs in Reader(page).tags:
        assert tag not in ("link", "img", "iframe", "object")
        assert not attrs.get("src")
        assert attrs.get("href", "#").startswith("#")
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src 'none'" in page


def test_shown_numbers_are_those_of_the_csv(outcome, tmp_path):
    summary = summarize(outcome)
    reader = Reader(write_html(summary, tmp_path / "report.html").read_text(encoding="utf-8"))
    write_tables(summary, tmp_path)
    table = pd.read_csv(tmp_path / "gains.csv")
    assert reader.cells == {index: percent(mean) for index, mean in enumerate(table["mean"])}
    text = " ".join(reader.text)
    for row in pd.read_csv(tmp_path / "mae.csv").itertuples():
        assert f"{quantity(row.mean)}   ({quantity(row.min)}–{quantity(row.max)})" in text


def test_links_within_the_page_lead_somewhere(outcome):
    tags = Reader(render_html(summarize(outcome))).tags
    ids = {attrs["id"] for _, attrs in tags if "id" in attrs}
    assert {attrs["href"][1:] for tag, attrs in tags if tag == "a"} <= ids


def test_data_attribution_only_for_its_source(outcome):
    assert "CC BY 4.0" in render_html(summarize(outcome))
    assert "CC BY 4.0" not in render_html(summarize(replace(outcome, data={"source": "mine.csv"})))


def test_failed_write_leaves_the_old_page(make_outcome, tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("old")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_html(summarize(make_outcome(n_targets=1)), path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_two_learners_stand_side_by_side(make_outcome):
    one, two = make_outcome(), make_outcome(learner="trees")
    both = replace(one, errors=pd.concat([one.errors, two.errors], ignore_index=True))
    summary = summarize(both)
    assert any("Robust, that is marked by cgcnn and trees alike" in text for text in summary["headlines"])
    page = Reader(render_html(summary))
    assert any(attrs.get("id") == "agreement" for _, attrs in page.tags)
    robust = sum(row["robust"] for row in summary["agreement"]["paired_minmax"])
    hits = sum(c["paired_minmax"] for c in summary["cells"] if c["learner"] == "cgcnn" and not c["diagonal"])
    assert 0 < robust == hits
    assert not any(attrs.get("id") == "agreement" for _, attrs in Reader(render_html(summarize(one))).tags)


@pytest.fixture(scope="module")
def analysed(outcome, make_study):
    return make_study(outcome, fractions=(0.5, 1.0), learners=("trees", "cgcnn"))


def test_an_analysed_study_has_all_its_sections(analysed):
    summary = summarize(analysed[0], analysed[1])
    reader = Reader(render_html(summary))
    ids = {attrs["id"] for _, attrs in reader.tags if "id" in attrs}
    assert {"bits", "controls", "symmetry", "floor", "learning", "cell", "comparison"} <= ids
    assert {attrs["href"][1:] for tag, attrs in reader.tags if tag == "a"} <= ids
    assert {"measure-bits", "rule-swap", "learner-1", "order-name"} <= ids


def test_shown_bits_are_those_of_the_csv(analysed, tmp_path):
    summary = summarize(analysed[0], analysed[1])
    page = render_html(summary)
    write_tables(summary, tmp_path)
    table = pd.read_csv(tmp_path / "bits.csv")
    own = table[~table["control"]]
    shown = re.findall(r'data-cell="(\d+)".*?class="as-bits">([^<]*)<', page, re.S)
    assert {int(index): text for index, text in shown} == {
        index: bits(value) for index, value in enumerate(own["bits"])
    }


def test_hostile_names_stay_text_beside_bits(outcome, make_study):
    properties = tuple(PropertyInfo(name, name, unit="<b>eV</b>") for name in HOSTILE)
    made, analysis, _, close, _ = make_study(
        outcome,
        properties=properties,
        n_targets=2,
        seeds=(0, 1),
        learners=("<i>net</i>",),
        naming=lambda i: (f"{HOSTILE[i % len(HOSTILE)]}{i}", HOSTILE[-1 - i % len(HOSTILE)]),
    )
    relation = {"kind": "linear", "target": HOSTILE[0], "sources": [HOSTILE[1]], "form": "<u>", "score": 0.0,
                "support": 1.0, "sentence": "<u>relation</u>"}  # fmt: skip
    page = render_html(summarize(made, analysis, [relation], close=close))
    reader = Reader(page)
    tags = [tag for tag, _ in reader.tags]
    assert tags.count("script") == 2  # one of data, one of code
    assert not {"img", "u", "b-"} & set(tags)
    assert not any(name.startswith("on") for _, attrs in reader.tags for name in attrs)
    assert "<u>relation</u>" in " ".join(reader.text)


@pytest.mark.parametrize(
    "choice",
    [
        {"seeds": (0,)},
        {"representations": ("composition",)},
        {"representations": ("structure",)},
        {"representations": ("my table",)},
        {"controls": False},
        {"swaps": False},
        {"n_targets": 1},
    ],
)
def test_odd_studies_have_a_page(outcome, make_study, choice):
    made, analysis, *_ = make_study(outcome, **{"seeds": (0, 1)} | choice)
    page = render_html(summarize(made, analysis))
    assert not re.search(r"\bnan\b|\bNone\b", page)
    assert 'id="bits"' in page
