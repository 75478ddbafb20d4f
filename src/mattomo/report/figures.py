"""The paper's Figures 4 and 5 as matplotlib axes and as PNG and SVG files."""

from __future__ import annotations

import io
import os
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from mattomo.atomic import write_bytes
from mattomo.report.numbers import brief, percent, printable
from mattomo.report.summarize import DEFAULT_CRITERION, Summary, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# ColorBrewer's RdBu turned round (blue: the error falls), white at zero, safe for the colour-blind.
_COLOURS = LinearSegmentedColormap.from_list(
    "gain",
    ["#12446b", "#2f7fb8", "#8fc0de", "#d5e6f1", "#ffffff", "#fbe0d3", "#f2aa8b", "#d2604d", "#96172c"],
)
_MISSING_COLOUR = "#eeeeee"
_INK = "#1d2733"


def heatmap(
    source: Summary | pd.DataFrame,
    representation: str,
    *,
    learner: str | None = None,
    criterion: str = DEFAULT_CRITERION,
    ax: Axes | None = None,
) -> Axes:
    """Draw the change of the test error: added properties down, targets across, blue where the error falls.

    Parameters
    ----------
    source : dict or DataFrame
        From `summarize`, or the table of `mattomo.information.gains` (then names stand for labels).
    representation : str
    learner : str, optional
        The first one if not given.
    criterion : {"paired_minmax", "separated"}
        Cells that meet it are bold and framed. The diagonal, a positive control, is hatched.
    ax : matplotlib Axes, optional
        Drawn into if given; else a new figure is made, free of pyplot's global state.

    Returns
    -------
    matplotlib Axes
        Its figure is ``ax.figure``.

    Examples
    --------
    >>> from mattomo.information import gains
    >>> errors = pd.DataFrame({"learner": "cgcnn", "representation": "composition", "target": "band_gap",
    ...                        "added": ["", "density"], "seed": 0, "mae": [0.5, 0.4]})
    >>> ax = heatmap(gains(errors), "composition")
    >>> [text.get_text() for text in ax.get_xticklabels()]
    ['band_gap']
    """
    view = _view(source)
    learner = learner if learner is not None else next(iter(view["learners"]), "")
    targets, added = view["targets"], view["added"]
    cells = {
        (cell["added"], cell["target"]): cell
        for cell in view["cells"]
        if (cell["learner"], cell["representation"]) == (learner, representation)
    }
    if ax is None:
        ax = _new_axes(len(targets), len(added))
    limit = 100 * view["colour_limit"]
    values = np.full((len(added), len(targets)), np.nan)
    for (row, column), cell in _placed(cells, added, targets):
        values[row, column] = np.nan if cell["mean"] is None else 100 * cell["mean"]
    ax.set_facecolor(_MISSING_COLOUR)
    image = ax.imshow(
        np.ma.masked_invalid(values),
        cmap=_COLOURS,
        vmin=-limit,
        vmax=limit,
        aspect="auto",
        interpolation="none",
    )
    for (row, column), cell in _placed(cells, added, targets):
        _draw_cell(ax, row, column, cell, criterion, limit)
    _label_axes(ax, [view["labels"][name] for name in targets], [view["labels"][name] for name in added])
    ax.set_title(
        brief(
            printable(f"Change of MAE, added to {representation} ({learner})"),
            100,
        ),
        fontsize=11,
        color=_INK,
        loc="left",
        pad=12,
        parse_math=False,
    )
    if image.norm.vmin != image.norm.vmax and ax.figure is not None and values.size:
        bar = ax.figure.colorbar(image, ax=ax, extend="both", fraction=0.03, pad=0.02)
        bar.set_label("change of MAE / %", fontsize=9, color=_INK)
        bar.ax.tick_params(labelsize=8, color=_INK, labelcolor=_INK)
        bar.outline.set_visible(False)
    return ax


def save_figures(summary: Summary, folder: str | os.PathLike[str]) -> list[Path]:
    """Write each heatmap as PNG (200 dpi) and SVG (text stays text).

    Parameters
    ----------
    summary : dict
        From `summarize`.
    folder : path

    Returns
    -------
    list of Path
        ``heatmap_<learner>_<representation>.png`` and ``.svg``; empty if there is nothing to draw.
    """
    written = []
    for index, drawn in enumerate(summary["heatmaps"]):
        ax = heatmap(summary, drawn["representation"], learner=drawn["learner"])
        name = f"heatmap_{_slug(drawn['learner']) or index}_{_slug(drawn['representation']) or index}"
        for kind, options in (("png", {"dpi": 200}), ("svg", {"metadata": {"Date": None}})):
            written.append(write_bytes(Path(folder) / f"{name}.{kind}", _rendered(ax, kind, options)))
    return written


def _rendered(ax: Axes, kind: str, options: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "mattomo"}), warnings.catch_warnings():
        # A name in a script that the font lacks is drawn as boxes in the PNG and is whole in the SVG.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support .* natively")
        cast(Figure, ax.figure).savefig(buffer, format=kind, facecolor="white", **options)
    return buffer.getvalue()


def _new_axes(n_targets: int, n_added: int) -> Axes:
    # Room for the names comes first, so that the smallest study still has axes.
    size = (4.0 + 0.85 * max(n_targets, 3), 2.6 + 0.45 * max(n_added, 2))
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure.add_subplot()


def _view(source: Summary | pd.DataFrame) -> dict[str, Any]:
    if isinstance(source, dict):
        labels = {name: info["label"] for name, info in source["properties"].items()}
        return {key: source[key] for key in ("cells", "learners", "targets", "added", "colour_limit")} | {
            "labels": labels
        }
    orders = {key: list(dict.fromkeys(source[key])) for key in ("learner", "target", "added")}
    return {
        "cells": plain(source.to_dict("records")),
        "learners": orders["learner"],
        "targets": orders["target"],
        "added": orders["added"],
        "labels": {name: printable(name) for name in [*orders["target"], *orders["added"]]},
        "colour_limit": 0.4,
    }


def _placed(
    cells: dict[tuple[str, str], dict[str, Any]], added: list[str], targets: list[str]
) -> list[tuple[tuple[int, int], dict[str, Any]]]:
    return [
        ((row, column), cells[a, p])
        for row, a in enumerate(added)
        for column, p in enumerate(targets)
        if (a, p) in cells
    ]


def _draw_cell(ax: Axes, row: int, column: int, cell: dict[str, Any], criterion: str, limit: float) -> None:
    marked = cell[criterion] and not cell["diagonal"]
    deep = cell["mean"] is not None and abs(100 * cell["mean"]) > 0.72 * limit
    corner = (column - 0.5, row - 0.5)
    if cell["diagonal"]:
        ax.add_patch(Rectangle(corner, 1, 1, fill=False, hatch="////", edgecolor="#ffffff55", linewidth=0))
    if marked:
        inset = (column - 0.455, row - 0.44)
        ax.add_patch(
            Rectangle(inset, 0.91, 0.88, fill=False, edgecolor="white" if deep else _INK, linewidth=1.3)
        )
    if cell["mean"] is None:
        ax.text(column, row, "undefined", ha="center", va="center", fontsize=7, color="#666666")
        return
    # Plain text in three pieces, left out of the layout: mathtext takes seconds for hundreds of cells.
    style: dict[str, Any] = {
        "xy": (column, row),
        "textcoords": "offset points",
        "color": "white" if deep else _INK,
        "va": "center",
        "annotation_clip": False,
        "parse_math": False,
        "in_layout": False,
    }
    ranged = cell["n_seeds"] >= 2
    shift, align = (8, "right") if ranged else (0, "center")
    weight = "bold" if marked else "normal"
    ax.annotate(percent(cell["mean"]), xytext=(shift, 0), ha=align, fontsize=9.5, fontweight=weight, **style)
    if ranged:
        for end, height in (("max", 4.4), ("min", -4.4)):
            distance = percent(cell[end] - cell["mean"])
            ax.annotate(distance, xytext=(9.5, height), ha="left", fontsize=6.6, **style)


def _label_axes(ax: Axes, targets: list[str], added: list[str]) -> None:
    ax.set_xticks(range(len(targets)), [brief(name, 26) for name in targets], parse_math=False)
    ax.set_yticks(range(len(added)), [brief(name, 30) for name in added], parse_math=False)
    ax.tick_params(length=0, labelsize=9, labelcolor=_INK)
    for tick in ax.get_xticklabels():
        tick.set(rotation=35, ha="right", rotation_mode="anchor")
    ax.set_xlabel("target", fontsize=10, color=_INK)
    ax.set_ylabel("added property", fontsize=10, color=_INK)
    ax.set_xticks(np.arange(0.5, len(targets) - 1), minor=True)
    ax.set_yticks(np.arange(0.5, len(added) - 1), minor=True)
    ax.grid(which="minor", color="white", linewidth=1.5)
    ax.tick_params(which="minor", length=0)
    ax.spines[:].set_visible(False)


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "-", name).strip("-.")[:60]
