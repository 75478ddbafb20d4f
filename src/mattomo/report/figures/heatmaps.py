"""The paper's Figures 4 and 5: every added property against every target."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mattomo.errors import InputError
from mattomo.materials.registry import nearest
from mattomo.report.figures.grid import frame_cell, write_cell
from mattomo.report.figures.style import (
    DIVERGING,
    INK,
    MISSING_COLOUR,
    QUIET,
    SMALL,
    TEXT,
    WIDTHS,
    Width,
    dressed,
    new_axes,
    points,
    signed,
)
from mattomo.report.figures.tables import (
    RULES,
    Names,
    Source,
    chosen,
    opened,
    require_rule,
    summary_of,
    with_rules,
)
from mattomo.report.information import SWAP

Value = Literal["change", "bits", "contrast"]

# What is drawn, its lowest and its highest, and how strong the colours may become.
_COLUMNS = {
    "change": ("mean", "min", "max"),
    "bits": ("bits", "bits_low", "bits_high"),
    "contrast": ("mean", "min", "max"),
}
_LIMITS = {
    "change": (0.05, 0.1, 0.2, 0.3, 0.4),
    "bits": (0.1, 0.2, 0.5, 1.0, 2.0),
    "contrast": (0.05, 0.1, 0.2, 0.3, 0.4),
}
_TABLES = {"change": "cells", "bits": "cells", "contrast": "contrasts"}
_BAR = {
    "change": "change of MAE / %",
    "bits": "usable bits",
    "contrast": "difference of changes / %",
}
# Room in points that a cell needs for its number, and for the range beside it.
_NUMBER, _RANGED = (19.0, 8.0), (35.0, 14.0)
_MM = 72 / 25.4


def heatmap(
    source: Source,
    representation: str | None = None,
    *,
    value: Value = "change",
    learner: str | None = None,
    criterion: str | None = None,
    limit: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw added properties down and targets across: blue where a property helps, white at zero.

    Properties of one kind stand together where their kinds are known. Grey cells were not measured. Hatched
    are the diagonal (the target itself was added), and cells whose target is a function of what is known.

    Parameters
    ----------
    source : Results, dict or DataFrame
        `mattomo.Results`, or from `mattomo.report.summarize`; or the table alone: `Results.gains`,
        `Results.bits` or `mattomo.information.contrasts`. Then names stand for labels, and kinds are unknown.
    representation : str, optional
        The first one by default. Contrasts have none.
    value : {"change", "bits", "contrast"}
        Relative change of the test error (mean over the seeds, and the distances to its extremes); usable
        bits (and their 95 % interval over the seeds); or the change on composition less that on structure.
    learner : str, optional
        The first one by default.
    criterion : {"paired_minmax", "separated", "paired_minmax_two_sided", "swap"}, optional
        Cells that meet it are bold and framed. By default ``"swap"`` for bits, else ``"paired_minmax"``:
        for contrasts, a difference below zero in every seed.
    limit : float, optional
        Value at which the colours are deepest, as a fraction (0.1: 10 %) or in bits. By default one that
        suits nearly all cells off the diagonal: changes and bits of `mattomo.Results` have one for
        the whole study, so that heatmaps compare.
    ax : matplotlib Axes, optional
        Drawn into if given; else a new figure of 89 or 183 mm is made, free of pyplot's global state. Numbers
        are left out where a cell has no room for them.

    Returns
    -------
    matplotlib Axes
        Its figure is ``ax.figure``.

    Raises
    ------
    InputError
        No such learner, representation or criterion, or nothing to draw.

    Examples
    --------
    >>> from mattomo.information import gains
    >>> errors = pd.DataFrame({"learner": "cgcnn", "representation": "composition", "target": "band_gap",
    ...                        "added": ["", "density"], "seed": 0, "mae": [0.5, 0.4]})
    >>> ax = heatmap(gains(errors), "composition")
    >>> [text.get_text() for text in ax.get_xticklabels()]
    ['band_gap']
    """
    if value not in _COLUMNS:
        raise InputError("no such value of a heatmap", value=value, hint=nearest(value, list(_COLUMNS)))
    middle, low, high = _COLUMNS[value]
    needed = ["target", "added", middle, *(["max", "n_seeds"] if value == "contrast" else [])]
    table, names = opened(source, _TABLES[value], needed)
    if "control" in table:
        table = table[~table["control"].astype(bool)]
    table, which = chosen(table, learner=learner, representation=representation)
    table = with_rules(table)
    if value == "contrast":
        table["paired_minmax"] = (table["n_seeds"] >= 2) & (table["max"] < 0)
    criterion = criterion or (SWAP if value == "bits" else "paired_minmax")
    require_rule(table, criterion)
    order = _order(source, table, names)
    labels = _MM * (20 + 1.16 * max(len(names.label(name)) for name in order[1]))
    ax = _sized(value, labels, *map(len, order)) if ax is None else ax
    if limit is None:
        if isinstance(source, pd.DataFrame) or value == "contrast":
            limit = _limit(table, middle, value)
        else:
            limit = float(summary_of(source)["bits_limit" if value == "bits" else "colour_limit"])
    _draw_colours(ax, table, value, limit, order)
    room = _room(ax, labels, *map(len, order))
    column, row = ({name: k for k, name in enumerate(names)} for names in order)
    for cell in table.to_dict("records"):
        place = (column[cell["target"]], row[cell["added"]])
        marked = bool(cell[criterion]) and not cell["diagonal"]
        deep = abs(cell[middle]) > 0.72 * limit
        hatched = bool(cell["diagonal"] or cell.get("deterministic"))
        frame_cell(ax, place, marked, deep, hatched)
        if room[0] >= _NUMBER[0] and room[1] >= _NUMBER[1]:
            ranged = room[0] >= _RANGED[0] and room[1] >= _RANGED[1]
            numbers = (cell[middle], cell.get(low, math.nan), cell.get(high, math.nan))
            write_cell(ax, place, numbers, value == "bits", ranged, "bold" if marked else "normal", deep)
    rule = "composition gains more in every seed" if value == "contrast" else RULES[criterion]
    algebra = ", or a function of what is known" if "deterministic" in table else ""
    note = f"framed: {rule}; hatched: the target itself{algebra}"
    grouped = _label(ax, order, names)
    wide = room[0] * len(order[0])
    dressed(ax, _title(value, which), "target", "added property", note=note, above=8 * grouped, room=wide)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax


def _order(source: Source, table: pd.DataFrame, names: Names) -> tuple[list[str], list[str]]:
    """Targets and added properties, those of a kind together."""
    if isinstance(source, pd.DataFrame):
        return list(dict.fromkeys(table["target"])), list(dict.fromkeys(table["added"]))
    planned = list(names.properties)
    rank = {name: k for k, name in enumerate(planned)}
    found = []
    for column in ("target", "added"):
        there = sorted(dict.fromkeys(table[column]), key=lambda name: rank.get(name, len(rank)))
        found.append(names.grouped(there))
    return found[0], found[1]


def _limit(table: pd.DataFrame, middle: str, value: Value) -> float:
    """Value at which the colour saturates, deaf to the diagonal, to algebra and to outliers."""
    plain = ~table["diagonal"].to_numpy(bool)
    if "deterministic" in table:
        plain &= (table["deterministic"] == "").to_numpy(bool)
    sizes = table.loc[plain, middle].abs().dropna()
    wanted = float(sizes.quantile(0.97)) if len(sizes) else math.inf
    return next((limit for limit in _LIMITS[value] if wanted <= limit), _LIMITS[value][-1])


def _draw_colours(
    ax: Axes, table: pd.DataFrame, value: Value, limit: float, order: tuple[list[str], list[str]]
) -> None:
    targets, added = order
    factor = 1.0 if value == "bits" else 100.0
    grid = table.pivot(index="added", columns="target", values=_COLUMNS[value][0])
    image = ax.pcolormesh(
        np.arange(len(targets) + 1) - 0.5,
        np.arange(len(added) + 1) - 0.5,
        np.ma.masked_invalid(factor * grid.reindex(index=added, columns=targets).to_numpy(dtype=float)),
        cmap=DIVERGING.reversed() if value == "bits" else DIVERGING,
        vmin=-factor * limit,
        vmax=factor * limit,
        edgecolors="white",
        linewidth=0.6,
    )
    ax.set(xlim=(-0.5, len(targets) - 0.5), ylim=(len(added) - 0.5, -0.5), facecolor=MISSING_COLOUR)
    style: dict[str, Any] = {"extend": "both", "aspect": 30, "fraction": 0.025, "pad": 0.015}
    # Not on a grid: its place would break a layout that `save` gives to a figure without one.
    bar = ax.figure.colorbar(image, ax=ax, use_gridspec=False, **style)
    bar.set_label(_BAR[value], fontsize=TEXT, color=INK)
    bar.ax.tick_params(labelsize=SMALL, labelcolor=INK, color=QUIET, width=0.5, length=2)
    signed(bar.ax, "y")
    bar.outline.set_visible(False)


def _sized(value: Value, labels: float, n_targets: int, n_added: int) -> Axes:
    """One column of a journal where all numbers have room there beside the labels (points), else two."""
    needed = labels / _MM + 13.5 * n_targets
    ranged = needed <= WIDTHS["double"]
    width: Width = "single" if needed <= WIDTHS["single"] else "double"
    tall = 4.0 if not ranged else 6.4 if value == "bits" else 5.6
    return new_axes(width, 38 + tall * max(n_added, 2))


def _room(ax: Axes, labels: float, n_targets: int, n_added: int) -> tuple[float, float]:
    """Width and height of a cell in points, once labels and colour bar have taken their share."""
    box, size = ax.get_position(), points(ax)
    alone = len(ax.figure.axes) <= 2  # with the colour bar
    across = size[0] - labels if alone else box.width * size[0] * 0.8
    down = size[1] - 34 * _MM if alone else box.height * size[1] * 0.8
    return across / n_targets, down / n_added


def _label(ax: Axes, order: tuple[list[str], list[str]], names: Names) -> bool:
    """Names of rows and columns, and of their kinds; whether kinds stand above the columns."""
    targets, added = order
    ax.set_xticks(range(len(targets)), [names.label(name, 26) for name in targets], parse_math=False)
    ax.set_yticks(range(len(added)), [names.label(name) for name in added], parse_math=False)
    for tick in ax.get_xticklabels():
        tick.set(rotation=35, ha="right", rotation_mode="anchor")
    for axis, ordered in (("x", targets), ("y", added)):
        groups = [names.group(name) for name in ordered]
        ends = [k for k in range(1, len(groups)) if groups[k] != groups[k - 1]]
        for end in ends:
            line = ax.axvline if axis == "x" else ax.axhline
            line(end - 0.5, color="white", linewidth=3)
        if not ends:
            continue
        for start, end in zip([0, *ends], [*ends, len(groups)], strict=True):
            centre = (start + end - 1) / 2
            place, turn = ((centre, 1.0), 0) if axis == "x" else ((1.0, centre), 270)
            ax.annotate(
                groups[start],
                place,
                xytext=(0, 2) if axis == "x" else (2, 0),
                xycoords=("data", "axes fraction") if axis == "x" else ("axes fraction", "data"),
                textcoords="offset points",
                ha="center" if axis == "x" else "left",
                va="bottom" if axis == "x" else "center",
                rotation=turn,
                fontsize=SMALL,
                color=QUIET,
            )
    return len({names.group(name) for name in targets}) > 1


def _title(value: Value, which: dict[str, str]) -> str:
    learner = f" ({which['learner']})" if "learner" in which else ""
    if value == "contrast":
        return f"Change of MAE on composition less that on structure{learner}"
    what = "Usable bits of a property" if value == "bits" else "Change of MAE by a property"
    added = f" added to {which['representation']}" if "representation" in which else ""
    return f"{what}{added}{learner}"
