"""Figures: what is drawn, whose axes, which files."""

import math
import re
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Annotation, Text

import mattomo as mt
from mattomo.errors import InputError
from mattomo.information import contrasts, gains
from mattomo.information.decomposition import decompose_columns
from mattomo.information.identification import identification as identify
from mattomo.materials.registry import PropertyInfo
from mattomo.report import heatmap, save_figures, summarize
from mattomo.report.figures.parts import venn_radii
from mattomo.report.figures.style import DIVERGING, MISSING_COLOUR, spread

from .studied import CONTROLS

FIGURES = mt.figures


@pytest.fixture(scope="module")
def summary(outcome):
    return summarize(outcome)


class Known:
    """A stand-in for `Results`: an analysed study with three sizes of the training set."""

    def __init__(self, outcome, make_study):
        self.outcome, self.analysis, *_ = make_study(outcome, fractions=(0.25, 0.5, 1.0))
        self._summary = summarize(self.outcome, self.analysis)

    def summary(self):
        return self._summary

    def seed_bits(self):
        return self.analysis.seeds

    def predictions(self, target, added, *, representation=None, learner=None):
        rng = np.random.default_rng(1)
        true = np.tile(np.linspace(0, 3, 40), 2)
        return pd.DataFrame(
            {
                "learner": learner or "trees",
                "representation": representation or "composition",
                "target": target,
                "added": added,
                "seed": np.repeat([0, 1], 40),
                "true": true,
                "predicted0": true + np.repeat([0.5, 0.7], 40),
                "predicted1": true + 0.1 * rng.choice([-1, 1], 80),
            }
        )


@pytest.fixture(scope="module")
def known(outcome, make_study):
    return Known(outcome, make_study)


@pytest.fixture(scope="module")
def found():
    return identify(mt.load("mp1000"), ["density", "nsites", "crystal_system"], n_readings=300)


@pytest.fixture(scope="module")
def every(known, found):
    """Each function with what it draws."""
    return {
        "heatmap": (FIGURES.heatmap, (known,), {}),
        "bits": (FIGURES.heatmap, (known,), {"value": "bits"}),
        "contrast": (FIGURES.heatmap, (known,), {"value": "contrast"}),
        "slopes": (FIGURES.slopes, (known, "band_gap"), {}),
        "baselines": (FIGURES.slopes, (known,), {}),
        "decomposition": (FIGURES.decomposition, (known,), {}),
        "venn": (FIGURES.venn, (known, "band_gap", "e_above_hull"), {}),
        "controls": (FIGURES.controls, (known,), {}),
        "symmetry": (FIGURES.symmetry, (known,), {}),
        "learning": (FIGURES.learning, (known, "band_gap", ["density", "e_above_hull"]), {}),
        "parity": (FIGURES.parity, (known, "band_gap", "density"), {}),
        "identification": (FIGURES.identification, (found,), {}),
        "identification bits": (FIGURES.identification, (found,), {"value": "bits"}),
        "frequency": (FIGURES.frequency, (pd.DataFrame({"added": ["a", "b"], "count": [3, 1]}),), {}),
    }


NAMES = (
    "heatmap", "bits", "contrast", "slopes", "baselines", "decomposition", "venn", "controls", "symmetry",
    "learning", "parity", "identification", "identification bits", "frequency",
)  # fmt: skip


def drawn(every, name, **more):
    function, given, options = every[name]
    return function(*given, **options, **more)


def texts(ax):
    return [text.get_text() for text in ax.texts]


# What all figures have in common


@pytest.mark.parametrize("name", NAMES)
def test_it_draws_into_the_axes_handed_in_and_returns_them(every, name):
    figure = FIGURES.figure("double", 90)
    ax, other = figure.subplots(1, 2)
    assert drawn(every, name, ax=ax) is ax
    assert ax.has_data()
    assert not other.has_data()


@pytest.mark.parametrize("name", NAMES)
def test_its_own_figure_has_a_journal_width_and_readable_text_inside(every, name):
    ax = drawn(every, name)
    assert isinstance(ax, Axes)
    assert 25.4 * ax.figure.get_size_inches()[0] == pytest.approx(89) or (
        25.4 * ax.figure.get_size_inches()[0] == pytest.approx(183)
    )
    ax.figure.draw_without_rendering()
    whole = ax.figure.bbox
    shown = [t for t in ax.figure.findobj(Text) if t.get_visible() and t.get_text()]
    assert len(shown) > 3
    for text in shown:
        if text in [*ax.texts, ax.title, ax._left_title, ax.xaxis.label, ax.yaxis.label]:
            box = text.get_window_extent()
            assert whole.x0 - 1 <= box.x0 <= box.x1 <= whole.x1 + 1, text.get_text()
            assert whole.y0 - 1 <= box.y0 <= box.y1 <= whole.y1 + 1, text.get_text()
        assert text.get_fontsize() >= 6 or text.get_text() == "", text.get_text()
    for axis, (low, high) in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
        for place, label in zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True):
            if ax.axison and min(low, high) <= place <= max(low, high):
                box = label.get_window_extent()
                assert whole.x0 - 1 <= box.x0 <= box.x1 <= whole.x1 + 1, label.get_text()
                assert whole.y0 - 1 <= box.y0 <= box.y1 <= whole.y1 + 1, label.get_text()
    if ax.get_legend():
        box = ax.get_legend().get_window_extent()
        assert whole.x0 - 1 <= box.x0 <= box.x1 <= whole.x1 + 1


@pytest.mark.parametrize("name", NAMES)
def test_text_is_text_in_svg_and_two_writes_are_equal(every, name, tmp_path):
    written = [
        FIGURES.save(drawn(every, name), tmp_path / f"{k}.svg")[0].read_text(encoding="utf-8") for k in (0, 1)
    ]
    assert written[0] == written[1]
    assert "<dc:date>" not in written[0]
    root = ET.fromstring(written[0])
    said = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert len(said) > 3
    ax = drawn(every, name)
    named = [ax.get_title(loc="left"), ax.get_xlabel(), ax.get_ylabel(), *texts(ax)]
    named += [label.get_text() for label in ax.get_yticklabels()] if name == "decomposition" else []
    lines = {line for text in named for line in text.split("\n") if line}
    assert len(lines) >= 2
    assert lines <= set(said)


def test_pdf_has_true_type_text_and_no_date_and_png_the_asked_resolution(every, tmp_path):
    first, second = (FIGURES.save(drawn(every, "frequency"), tmp_path / name, dpi=100) for name in "ab")
    assert [path.name for path in first] == ["a.svg", "a.pdf", "a.png"]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
    pdf = first[1].read_bytes()
    assert b"/CIDFontType2" in pdf  # TrueType outlines, no Type 3
    assert b"/Type3" not in pdf
    assert b"CreationDate" not in pdf
    width = int.from_bytes(first[2].read_bytes()[16:20], "big")
    assert width == int(89 / 25.4 * 100)


def test_save_resizes_and_keeps_the_layout_of_the_figure(every, tmp_path):
    ax = drawn(every, "frequency")
    before = ax.figure.get_size_inches()
    engine = ax.figure.get_layout_engine()
    FIGURES.save(ax, tmp_path / "wide", formats=("svg", "png"), width="double")
    after = ax.figure.get_size_inches()
    assert 25.4 * after[0] == pytest.approx(183)
    assert after[1] / after[0] == pytest.approx(before[1] / before[0])
    assert ax.figure.get_layout_engine() is engine
    FIGURES.save(ax.figure, tmp_path / "tall.svg", width=100, height=40)
    assert 25.4 * ax.figure.get_size_inches() == pytest.approx([100, 40])


def test_axes_of_pyplot_are_drawn_into_and_saved(every, summary, tmp_path):
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 5))
    try:
        heatmap(summary, ax=left)
        drawn(every, "parity", ax=right)
        assert FIGURES.save(figure, tmp_path / "two.png")[0].stat().st_size > 10_000
    finally:
        plt.close(figure)


@pytest.mark.parametrize("given", [{"width": "triple"}, {"width": 1e6}, {"formats": ("gif",)}])
def test_save_refuses_what_cannot_be(every, given, tmp_path):
    with pytest.raises(InputError):
        FIGURES.save(Figure(), tmp_path / "x", **given)
    with pytest.raises(InputError, match="format"):
        FIGURES.save(Figure(), tmp_path / "x.tiff")
    assert list(tmp_path.iterdir()) == []


def lightness(colour):
    """L* of CIELAB of a colour in sRGB, D65."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
    y = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y


def test_the_colours_are_white_at_zero_and_darken_to_both_sides_alike():
    grey = [lightness(DIVERGING(x)) for x in np.linspace(0, 1, 101)]
    assert grey[50] == pytest.approx(100, abs=1.0)
    assert all(np.diff(grey[:50]) > 0)
    assert all(np.diff(grey[51:]) < 0)
    assert max(abs(a - b) for a, b in zip(grey[:50], grey[:50:-1], strict=True)) < 12
    # blue against red: told apart by who lacks red or green receptors, by blue above yellow
    low, high = DIVERGING(0.2), DIVERGING(0.8)
    assert low[2] - (low[0] + low[1]) / 2 > 0.1
    assert high[2] - (high[0] + high[1]) / 2 < -0.1


def test_labels_move_apart_in_order_and_stay_within_the_ends():
    wanted = [0.0, 0.1, 0.2, 5.0, 9.9, 10.0]
    places = spread(wanted, 1.0, 0.0, 10.0)
    assert min(np.diff(places)) >= 1.0 - 1e-9
    assert places[0] >= 0.0
    assert places[-1] <= 10.0
    assert places[3] == 5.0


# Heatmaps


def test_added_down_targets_across_and_kinds_together(summary):
    ax = heatmap(summary, "structure")
    columns = [label.get_text() for label in ax.get_xticklabels()]
    assert columns == [
        "Band gap", "Density", "Energy above hull", "Energy per atom", "Formation energy per atom",
        "Energy", "Number of sites", "Total magnetization", "Volume",
    ]  # fmt: skip
    assert len(ax.get_yticklabels()) == 13
    assert [t for t in texts(ax) if t in ("intensive", "per cell", "categories", "other")] == [
        "intensive", "per cell", "intensive", "per cell", "categories",
    ]  # fmt: skip
    values = ax.collections[0].get_array()
    assert values.shape == (13, 9)
    cells = {(c["target"], c["added"]): c for c in summary["cells"] if c["representation"] == "structure"}
    assert values[0, 0] == pytest.approx(100 * cells["band_gap", "band_gap"]["mean"])
    assert values[5, 0] == pytest.approx(100 * cells["band_gap", "energy"]["mean"])


def test_cell_shows_mean_and_distances():
    key = {"learner": "l", "representation": "composition", "target": "p"}
    rows = [key | {"added": a, "seed": s, "mae": m} for a, s, m in
            [("", 0, 1.0), ("", 1, 1.0), ("a", 0, 0.9), ("a", 1, 0.96)]]  # fmt: skip
    ax = heatmap(gains(pd.DataFrame(rows)), "composition")
    assert texts(ax)[:2] == ["−7.0", "+3.0\n−3.0"]
    assert ax.texts[0].get_fontweight() == "bold"
    assert sum(isinstance(p, Rectangle) and p.get_linewidth() > 0 for p in ax.patches) == 1


def test_marks_follow_the_rule(summary):
    for criterion in ("paired_minmax", "separated"):
        ax = heatmap(summary, "composition", criterion=criterion)
        frames = [p for p in ax.patches if isinstance(p, Rectangle) and p.get_linewidth() > 0]
        wanted = sum(
            cell[criterion] and not cell["diagonal"]
            for cell in summary["cells"]
            if cell["representation"] == "composition"
        )
        assert len(frames) == wanted > 0
    with pytest.raises(InputError, match="criterion"):
        heatmap(summary, criterion="seperated")


def test_draws_into_given_axes_without_numbers_where_they_do_not_fit(summary):
    ax = FIGURES.figure("single", 70).add_subplot()
    assert heatmap(summary, "composition", ax=ax) is ax
    assert not any(re.match(r"[−+]?\d", text) for text in texts(ax))
    assert ax.collections[0].get_array().count() == 9 * 13


def test_colour_is_white_at_zero_and_blue_where_a_property_helps(summary, known):
    for ax, sign in ((heatmap(summary, "composition"), 1), (heatmap(known, value="bits"), -1)):
        image = ax.collections[0]
        assert image.norm.vmin == -image.norm.vmax
        assert image.cmap(image.norm(0.0))[:3] == pytest.approx((1, 1, 1), abs=0.02)
        red, _, blue, _ = image.cmap(image.norm(sign * image.norm.vmin))
        assert blue > red


def test_heatmaps_of_a_study_share_their_colours_and_a_limit_can_be_given(summary):
    first, second = (heatmap(summary, side).collections[0].norm.vmax for side in ("composition", "structure"))
    assert first == second == 100 * summary["colour_limit"]
    assert heatmap(summary, limit=0.07).collections[0].norm.vmax == pytest.approx(7)


def test_missing_cells_are_grey_and_undefined_ones_have_a_dash(outcome):
    table = gains(outcome.errors)
    table = table[table["representation"] == "composition"].reset_index(drop=True)
    table.loc[3, ["mean", "min", "max"]] = math.nan
    ax = heatmap(table.drop(index=5))
    image = ax.collections[0]
    ax.figure.draw_without_rendering()
    colours = image.get_facecolor()
    missing = np.flatnonzero(np.ma.getmaskarray(image.get_array()).ravel())
    assert len(missing) == 2
    assert to_rgba(MISSING_COLOUR) != to_rgba("white")
    for cell in missing:
        assert tuple(colours[cell]) == pytest.approx(to_rgba(MISSING_COLOUR))
    assert to_rgba(ax.get_facecolor()) == to_rgba(MISSING_COLOUR)
    assert texts(ax).count("–") == 1


def test_bits_show_their_interval_and_contrasts_their_difference(known):
    table = FIGURES.heatmap(known, value="bits")
    cell = next(
        c for c in known.summary()["cells"] if (c["added"], c["target"]) == ("e_above_hull", "band_gap")
    )
    info = cell["information"]
    assert f"{info['bits']:.2f}" in texts(table)
    assert f"±{(info['bits_high'] - info['bits_low']) / 2:.2f}" in texts(table)
    own = FIGURES.heatmap(contrasts(known.outcome.errors), value="contrast").collections[0].get_array()
    of_study = FIGURES.heatmap(known, value="contrast").collections[0].get_array()
    assert own.shape == of_study.shape == (3, 2)
    assert own.sum() == pytest.approx(of_study.sum())


def test_bits_of_a_table_alone_are_marked_by_the_swap_test(known):
    bits = known.analysis.bits
    ax = FIGURES.heatmap(bits, "structure", value="bits")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["band_gap", "density", "e_above_hull"]
    frames = [p for p in ax.patches if isinstance(p, Rectangle) and p.get_linewidth() > 0]
    marked = bits[
        (bits["representation"] == "structure") & ~bits["diagonal"] & ~bits["control"]
        & (bits["swap_q"] < 0.05) & (bits["mae1"] < bits["mae0"])
    ]  # fmt: skip
    assert len(frames) == len(marked) == 2


# Slopes


def test_slopes_join_the_errors_of_both_representations(known):
    table = gains(known.outcome.errors)
    ax = FIGURES.slopes(known, "band_gap")
    lines = [tuple(line.get_ydata()) for line in ax.lines if len(line.get_xdata()) == 2]
    lines = [line for line in lines if line[0] not in (0, 1)]
    of = table[(table["target"] == "band_gap") & (table["added"] == "e_above_hull")].set_index(
        "representation"
    )
    wanted = [of.loc[side, "mae1_mean"] for side in ("composition", "structure")]
    assert any(line == pytest.approx(wanted) for line in lines)
    baseline = [of.loc[side, "mae0_mean"] for side in ("composition", "structure")]
    assert lines[-1] == pytest.approx(baseline)
    assert len(lines) == 3  # nothing, density, e_above_hull: the target itself is left out
    assert set(texts(ax)) >= {"nothing added", "Energy above hull"}


def test_slopes_without_a_target_compare_the_baselines(summary):
    ax = FIGURES.slopes(summary)
    lines = [line for line in ax.lines if list(line.get_xdata()) == [0, 1] and line.get_marker() == "o"]
    assert len(lines) == 9
    assert all(line.get_ydata()[0] == 100 for line in lines)


@pytest.mark.parametrize(
    ("given", "said"),
    [({"target": "bandgap"}, "target"), ({"learner": "x"}, "value"), ({"criterion": "x"}, "criterion")],
)
def test_slopes_refuse_what_is_not_there(known, given, said):
    with pytest.raises(InputError, match=said):
        FIGURES.slopes(known, **given)
    errors = known.outcome.errors
    one = gains(errors[errors["representation"] == "structure"])
    with pytest.raises(InputError, match="both"):
        FIGURES.slopes(one)


# Decomposition


def test_bars_are_as_long_as_their_parts(known):
    table = known.analysis.decomposition
    ax = FIGURES.decomposition(table, n=3)
    bars = [p for p in ax.patches if isinstance(p, Rectangle) and np.isfinite(p.get_width())]
    assert len(bars) == 3 * 4
    best = table.sort_values("gain", ascending=False, kind="stable").iloc[0]
    first = sorted((p for p in bars if abs(p.get_y() + p.get_height() / 2) < 1e-9), key=lambda p: p.get_x())
    assert sum(p.get_width() for p in first) == pytest.approx(best["I_RA"], abs=1e-9)
    wanted = [best[name] for name in ("unique_R", "redundant", "unique_A", "synergy")]
    assert sorted(p.get_width() for p in bars[:4]) == pytest.approx(sorted(wanted))
    assert ax.get_yticklabels()[0].get_text().startswith(best["added"])


def test_bars_of_a_study_are_the_cells_that_count_as_found(known):
    cells = [c for c in known.summary()["cells"] if c["swap"] and not c["diagonal"]]
    labels = [t.get_text() for t in FIGURES.decomposition(known).get_yticklabels()]
    assert Counter(label.split("\n")[0] for label in labels) == Counter(
        known.summary()["properties"][c["added"]]["label"] for c in cells
    )
    assert len(FIGURES.decomposition(known, target="band_gap", added="density").get_yticklabels()) == 2
    with pytest.raises(InputError, match="no such value"):
        FIGURES.decomposition(known, target="volume")


def circle_overlap(r, s, d):
    """Area that two circles share, by counting points of a fine grid."""
    x, y = np.meshgrid(np.linspace(-3, 3, 1201), np.linspace(-2, 2, 801))
    inside = (x**2 + y**2 <= r * r) & ((x - d) ** 2 + y**2 <= s * s)
    either = (x**2 + y**2 <= r * r) | ((x - d) ** 2 + y**2 <= s * s)
    return inside.mean() * 24, either.mean() * 24


@pytest.mark.parametrize(
    ("held", "own", "shared", "synergy"),
    [(1.0, 0.6, 0.2, 0.5), (0.5, 0.8, 0.5, 0.0), (0.7, 0.7, 0.0, 0.3), (1.0, 0.1, 0.05, 0.4)],
)
def test_areas_of_the_venn_diagram_are_bits(held, own, shared, synergy):
    r, s, distance, rim = venn_radii(held, own, shared, synergy)
    assert [math.pi * r * r, math.pi * s * s] == pytest.approx([held, own])
    assert circle_overlap(r, s, distance)[0] == pytest.approx(shared, abs=0.01)
    assert circle_overlap(r + rim, s + rim, distance)[1] == pytest.approx(
        held + own - shared + synergy, abs=0.01
    )


def test_venn_names_every_region_and_draws_a_decomposition_alone():
    r, a = np.repeat([0, 1], 200), np.tile([0, 1], 200)
    parts = decompose_columns(2 * r + a, r, a, np.arange(400))
    ax = FIGURES.venn(parts)
    said = texts(ax)
    assert sum("bits" in text for text in said) == 4
    assert any(text.startswith("only first\n1.00 bits") for text in said)
    assert any(text.startswith("either\n0.00 bits") for text in said)
    linked = [t.get_text().split("\n")[0] for t in ax.texts if isinstance(t, Annotation) and t.arrow_patch]
    assert linked == ["only first", "only second"]
    with pytest.raises(InputError, match="undefined"):
        FIGURES.venn(decompose_columns(r[:20], r[:20], a[:20], np.arange(20)))


# Controls and symmetry


def test_controls_stand_beside_the_claims(known):
    bits = known.analysis.bits
    ax = FIGURES.controls(bits, representation="composition")
    assert [t.get_text() for t in ax.get_yticklabels()] == ["properties", "placebo", "derived", "planted"]
    here = bits[(bits["representation"] == "composition") & ~bits["diagonal"]]
    assert sum(len(c.get_offsets()) for c in ax.collections) == here["bits"].notna().sum()
    planted = here[here["added"] == CONTROLS[2]]["bits"]
    drawn_planted = [x for c in ax.collections for x, y in c.get_offsets() if abs(y - 3) < 0.5]
    assert sorted(drawn_planted) == pytest.approx(sorted(planted.clip(upper=1.0)))


def test_bits_beyond_the_limit_are_triangles_at_the_end(known):
    ax = FIGURES.controls(known, limit=0.2)
    ends = [x for c in ax.collections for x, _ in c.get_offsets()]
    assert max(ends) == 0.2
    assert ax.get_xlim()[1] < 0.6


def test_symmetry_has_a_point_a_pair(known):
    table = known.analysis.symmetry
    ax = FIGURES.symmetry(table, representation="structure")
    here = table[table["representation"] == "structure"]
    places = np.concatenate([c.get_offsets() for c in ax.collections])
    assert places[:, 0].tolist() == pytest.approx(here["second_for_first"].tolist())
    assert places[:, 1].tolist() == pytest.approx(here["first_for_second"].tolist())
    assert ax.get_xlim() == ax.get_ylim()


def test_named_pairs_are_the_asymmetric_ones():
    table = pd.DataFrame(
        {
            "learner": "l", "representation": "r", "first": ["a", "c"], "second": ["b", "d"],
            "second_for_first": [0.5, 0.2], "first_for_second": [0.1, 0.2], "mean": [0.4, 0.0],
            "asymmetric": [True, False],
        }
    )  # fmt: skip
    assert texts(FIGURES.symmetry(table)) == ["A a, B b"]


# Curves and cells


def test_learning_has_means_over_seeds_at_each_size(known):
    seeds = known.seed_bits()
    ax = FIGURES.learning(known, "band_gap", ["density", "e_above_hull"], representation="composition")
    for container, added in zip(ax.containers, ("density", "e_above_hull"), strict=True):
        line = container.lines[0]
        rows = seeds[
            (seeds["target"] == "band_gap") & (seeds["added"] == added)
            & (seeds["representation"] == "composition")
        ]  # fmt: skip
        wanted = rows.groupby("fraction")["bits"].mean()
        assert line.get_ydata().tolist() == pytest.approx(wanted.tolist())
        assert line.get_xdata().tolist() == pytest.approx([22, 45, 90])
    assert [t.get_text() for t in ax.get_xticklabels()] == ["22", "45", "90"]
    whole = seeds[seeds["fraction"] == 1]
    with pytest.raises(InputError, match="single size"):
        FIGURES.learning(whole, "band_gap", "density")
    with pytest.raises(InputError, match="at most"):
        FIGURES.learning(known, "band_gap", list("abcde"))


def test_parity_draws_each_test_row_twice_and_names_the_errors(known):
    ax = FIGURES.parity(known, "band_gap", "density")
    assert [len(c.get_offsets()) for c in ax.collections] == [80, 80]
    assert [t.get_text() for t in ax.get_legend().get_texts()] == [
        "composition: MAE 0.600 eV", "composition and Density: MAE 0.100 eV",
    ]  # fmt: skip
    table = known.predictions("band_gap", "density")
    assert FIGURES.parity(table).get_xlabel() == "true"
    with pytest.raises(InputError, match="name the target"):
        FIGURES.parity(known)


def test_identification_counts_the_properties_in_turn(found):
    ax = FIGURES.identification(found)
    assert [t.get_text() for t in ax.get_xticklabels()] == [
        f"{k}  {name}" for k, name in enumerate(found.greedy.names, 1)
    ]
    best, unique = (line.get_ydata() for line in ax.lines)
    assert best.tolist() == pytest.approx((100 * found.greedy.top1).tolist())
    assert unique.tolist() == pytest.approx((100 * found.greedy.share_unique).tolist())
    bits = FIGURES.identification(found, value="bits")
    assert any(line.get_ydata()[0] == pytest.approx(math.log2(found.n)) for line in bits.lines)
    with pytest.raises(InputError, match="value"):
        FIGURES.identification(found, value="unique")


def test_frequency_is_that_of_table_1(summary):
    table = summary["table1"]["separated"]["frequency"]
    ax = FIGURES.frequency(summary, criterion="separated")
    assert [p.get_width() for p in ax.patches] == [row["count"] for row in table]
    labels = [summary["properties"][row["added"]]["label"] for row in table]
    assert [t.get_text() for t in ax.get_yticklabels()] == labels
    with pytest.raises(InputError, match="criterion"):
        FIGURES.frequency(summary, criterion="swap")


def test_tables_without_what_is_drawn_are_refused(known, summary):
    with pytest.raises(TypeError, match=r"a mattomo\.Results or a DataFrame"):
        FIGURES.heatmap(3)
    with pytest.raises(InputError, match="lacks a column"):
        FIGURES.decomposition(known.analysis.symmetry)
    for function in (FIGURES.decomposition, FIGURES.controls, FIGURES.symmetry):
        with pytest.raises(InputError, match="nothing to draw"):
            function(summary)  # not analysed


# Files of a report


def test_files_are_written(known, tmp_path):
    files = save_figures(known.summary(), tmp_path)
    names = [file.stem for file in files if file.suffix == ".svg"]
    sides = ("trees_composition", "trees_structure")
    # Nothing helps composition alone in this study: no frequency.
    assert set(names) == {
        *(f"{what}_{side}" for what in ("heatmap", "bits", "controls", "symmetry") for side in sides),
        "contrast_trees", "slopes_trees", "decomposition_trees",
    }  # fmt: skip
    assert len(files) == 2 * len(names)
    svg = ET.parse(tmp_path / "heatmap_trees_composition.svg").getroot()
    assert any("Energy above hull" in (node.text or "") for node in svg.iter())
    assert (tmp_path / "heatmap_trees_composition.png").read_bytes().startswith(b"\x89PNG")


def test_hostile_names_are_drawn_as_text(make_outcome, tmp_path):
    names = ("$\\frac{", "فجوة النطاق", "带隙", "<b>&", "x" * 500)
    made = make_outcome(tuple(PropertyInfo(n, n) for n in names), 5, (0, 1), ("composition",), "../l $")
    files = save_figures(summarize(made), tmp_path)
    assert {file.parent for file in files} == {tmp_path}
    for file in files:
        if file.suffix == ".svg":
            ET.parse(file)


def test_nothing_to_draw(outcome, tmp_path):
    assert save_figures(summarize(replace(outcome, errors=outcome.errors.iloc[:0])), tmp_path) == []
