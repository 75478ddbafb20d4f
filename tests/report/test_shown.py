"""Every table of the page shows the numbers of its CSV file, to the shown digit."""

from html.parser import HTMLParser

import pandas as pd
import pytest

from mattomo.report import render_html, summarize, write_tables
from mattomo.report.numbers import bits, bits_range, percent, probability, quantity, share


class Tables(HTMLParser):
    """Texts of the cells of the tables of each section, row by row; SVG and hidden text left out."""

    def __init__(self, page):
        super().__init__()
        self.found, self.section, self.row, self.cell, self.drawing = {}, "", None, None, 0
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag == "section":
            self.section = dict(attrs)["id"]
        elif tag == "tr":
            self.row = []
        elif tag in ("td", "th"):
            self.cell = []
        elif tag == "svg":
            self.drawing += 1

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.row.append(" ".join("".join(self.cell).replace("\N{NO-BREAK SPACE}", " ").split()))
            self.cell = None
        elif tag == "tr":
            self.found.setdefault(self.section, []).append(self.row)
        elif tag == "svg":
            self.drawing -= 1

    def handle_data(self, data):
        if self.cell is not None and not self.drawing:
            self.cell.append(data)


@pytest.fixture(scope="module")
def shown(outcome, make_study, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shown")
    made = make_study(outcome, fractions=(0.5, 1.0), seeds=(0, 1, 2), properties=outcome.properties[:4])
    summary = summarize(made.outcome, made.analysis, close=made.close)
    write_tables(summary, folder)
    labels = {name: info["label"] for name, info in summary["properties"].items()}

    def table(name):
        read = pd.read_csv(folder / f"{name}.csv", keep_default_na=True)
        names = [column for column in ("target", "added", "first", "second", "name") if column in read]
        return read.assign(
            **{column: read[column].map(lambda text: labels.get(text, text)) for column in names}
        )

    return Tables(render_html(summary)).found, table, summary


def test_all_cells(shown):
    tables, csv, _ = shown
    gains, found, errors = csv("gains"), csv("bits"), csv("errors")
    key = ["learner", "representation", "target", "added"]
    seeds = errors.groupby(key, sort=False)["change"].apply(lambda each: ", ".join(map(percent, each)))
    rows = gains.merge(
        found[[*key, "bits", "bits_low", "bits_high", "laplace_bits", "swap_p", "swap_q"]], on=key
    )
    expected = [
        [
            r.representation, r.target, r.added, percent(r.mean), f"{percent(r.min)} to {percent(r.max)}",
            f"{quantity(r.mae0_mean)} → {quantity(r.mae1_mean)} {r.unit}",
            seeds[tuple(getattr(r, k) for k in key)],
            bits(r.bits), bits_range(r.bits_low, r.bits_high), bits(r.laplace_bits), probability(r.swap_p),
            probability(r.swap_q),
        ]
        for r in rows.itertuples(index=False)
    ]  # fmt: skip
    assert [row[:-1] for row in tables["cells"][1:]] == expected
    assert len(expected) == 16


def test_strongest_cells(shown):
    tables, csv, summary = shown
    found, gains = csv("bits"), csv("gains")
    mean = gains.set_index(["representation", "target", "added"])["mean"]
    marked = found[(found["swap_q"] < 0.05) & ~found["control"] & ~found["diagonal"]]
    marked = marked[[mean[r.representation, r.target, r.added] < 0 for r in marked.itertuples()]]
    marked = marked[marked["deterministic"].isna()].sort_values("bits", ascending=False, kind="stable")
    expected = [
        [r.target, r.added, r.representation, bits(r.bits) + (" overstated" if r.overstated is True else ""),
         bits_range(r.bits_low, r.bits_high), percent(mean[r.representation, r.target, r.added]),
         probability(r.swap_q)]
        for r in marked.itertuples(index=False)
    ]  # fmt: skip
    assert expected
    assert [row[:7] for row in tables["bits"][1 : 1 + len(expected)]] == expected
    nested = csv("nested")
    assert tables["bits"][-len(nested) :] == [
        [r.target, bits(r.I_R), bits(r.I_A), f"{bits(r.gain)} ({bits_range(r.gain_low, r.gain_high)})"]
        for r in nested.itertuples(index=False)
    ]
    assert len(tables["bits"]) == 2 + len(expected) + len(nested)
    assert summary["analysed"]


def test_baselines(shown):
    tables, csv, _ = shown
    mae = csv("mae")
    for row in tables["mae"][1:]:
        own = mae[mae["target"] == row[0]].set_index("representation")
        for place, representation in ((2, "composition"), (4, "structure")):
            r = own.loc[representation]
            assert row[1] == r["unit"]
            assert row[place] == f"{quantity(r['mean'])} ({quantity(r['min'])}–{quantity(r['max'])})"
            assert row[place + 1] == str(r["n_test_min"])
        assert row[6] == f"{percent(own.loc['structure', 'mean'] / own.loc['composition', 'mean'] - 1)} %"
    assert len(tables["mae"]) == 3


def test_controls(shown):
    tables, csv, _ = shown
    rows = [row for row in tables["controls"] if row[0] != "Control"]
    expected = [
        [
            r.control.removeprefix("control:"), percent(r.mae_change),
            bits(r.bits) + (f" of at most {bits(r.expected_bits)}" if "planted" in r.control else ""),
            share(r.paired_minmax, 0), share(r.separated, 0), f"{share(r.swap, 0)} of {r.n_swap}",
        ]
        for r in csv("controls").itertuples(index=False)
    ]  # fmt: skip
    assert sorted(rows) == sorted(expected)


def test_symmetry_floor_and_learning(shown):
    tables, csv, _ = shown
    rows = [row for row in tables["symmetry"] if row[0] != "First"]
    assert sorted(rows) == sorted(
        [r.first, r.second, bits(r.second_for_first), bits(r.first_for_second),
         f"{bits(r.mean)} ({bits_range(r.low, r.high)})"]
        for r in csv("symmetry").itertuples(index=False)
    )  # fmt: skip
    assert rows
    assert len(tables["learning"]) > 9
    floors = [[r.name, r.unit, quantity(r.spread)] for r in csv("floor").itertuples(index=False)]
    assert [[row[0], row[1], row[5]] for row in tables["floor"][1:]] == floors
    assert [row[:6] for row in tables["learning"][1:]] == [
        [
            r.target, r.added, r.representation, f"{bits(r.bits_smallest)} ({quantity(r.smallest)})",
            f"{bits(r.bits_largest)} ({quantity(r.largest)})",
            f"{bits(r.slope)} ({bits_range(r.slope_low, r.slope_high)})",
        ]
        for r in csv("learning").itertuples(index=False)
    ]  # fmt: skip


def test_table_1(shown):
    tables, csv, summary = shown
    labels = {name: info["label"] for name, info in summary["properties"].items()}
    expected = [
        [r.target, *(
            ", ".join(labels[name] for name in each.split("; ")) if isinstance(each, str) else "none"
            for each in (r.structure, r.composition, r.structure_only)
        )]
        for r in csv("table1").itertuples(index=False)
    ]  # fmt: skip
    rows = [row for row in tables["table1"] if len(row) == 4 and row[0] != "Target"]
    assert rows == expected
