"""Figures: what is drawn, whose axes, which files."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import pandas as pd
import pytest
from matplotlib.figure import Figure

from mattomo.information import gains
from mattomo.materials.registry import PropertyInfo
from mattomo.report import heatmap, save_figures, summarize


def test_added_down_targets_across(outcome):
    ax = heatmap(summarize(outcome), "structure")
    assert [label.get_text() for label in ax.get_xticklabels()][:2] == ["Band gap", "Density"]
    assert len(ax.get_yticklabels()) == 13
    assert len(ax.texts) == 3 * 13 * 9


def test_cell_shows_mean_and_distances():
    key = {"learner": "l", "representation": "composition", "target": "p"}
    rows = [key | {"added": a, "seed": s, "mae": m} for a, s, m in
            [("", 0, 1.0), ("", 1, 1.0), ("a", 0, 0.9), ("a", 1, 0.96)]]  # fmt: skip
    table = gains(pd.DataFrame(rows))
    ax = heatmap(table, "composition")
    assert [text.get_text() for text in ax.texts] == ["−7.0", "+3.0", "−3.0"]
    assert ax.texts[0].get_fontweight() == "bold"


def test_draws_into_given_axes(outcome):
    ax = Figure().add_subplot()
    assert heatmap(gains(outcome.errors), "composition", ax=ax) is ax


def test_colour_is_white_at_zero_and_blue_below(outcome):
    image = heatmap(summarize(outcome), "composition").images[0]
    assert image.norm.vmin == -image.norm.vmax
    assert image.cmap(image.norm(0.0))[:3] == pytest.approx((1, 1, 1), abs=0.02)
    red, _, blue, _ = image.cmap(image.norm(image.norm.vmin))
    assert blue > red


def test_files_are_written(outcome, tmp_path):
    files = save_figures(summarize(outcome), tmp_path)
    assert [file.name for file in files] == [
        "heatmap_cgcnn_composition.png", "heatmap_cgcnn_composition.svg",
        "heatmap_cgcnn_structure.png", "heatmap_cgcnn_structure.svg",
    ]  # fmt: skip
    svg = ET.parse(files[1]).getroot()
    assert any("Formation energy per atom" in (node.text or "") for node in svg.iter())
    assert files[0].read_bytes().startswith(b"\x89PNG")


def test_hostile_names_are_drawn_as_text(make_outcome, tmp_path):
    names = ("$\\frac{", "فجوة النطاق", "带隙", "<b>&", "x" * 500)
    made = make_outcome(tuple(PropertyInfo(n, n) for n in names), 5, (0, 1), ("composition",), "../l $")
    files = save_figures(summarize(made), tmp_path)
    assert [file.parent for file in files] == [tmp_path, tmp_path]
    ET.parse(files[1])


def test_nothing_to_draw(outcome, tmp_path):
    assert save_figures(summarize(replace(outcome, errors=outcome.errors.iloc[:0])), tmp_path) == []
