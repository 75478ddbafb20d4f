"""What stands in a cell of a heatmap: frame, hatch and numbers."""

from __future__ import annotations

import math
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from mattomo.report.figures.style import INK, QUIET, SMALL, TEXT
from mattomo.report.numbers import MISSING, bits, percent


def frame_cell(ax: Axes, place: tuple[int, int], marked: bool, deep: bool, hatched: bool) -> None:
    """Frame of a cell that a rule marks, hatch of one that needs no learner; ``deep``: on a dark colour."""
    column, row = place
    if hatched:
        colour = "#ffffff66" if deep else "#1d272333"
        style: dict[str, Any] = {"fill": False, "hatch": "/////", "linewidth": 0, "hatch_linewidth": 0.5}
        ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, edgecolor=colour, **style))
    if marked:
        style = {"fill": False, "edgecolor": "white" if deep else INK, "linewidth": 0.9, "zorder": 3}
        ax.add_patch(Rectangle((column - 0.46, row - 0.43), 0.92, 0.86, **style))


def write_cell(
    ax: Axes,
    place: tuple[int, int],
    numbers: tuple[float, float, float],
    in_bits: bool,
    ranged: bool,
    weight: str,
    deep: bool,
) -> None:
    """The number and, if ``ranged``, how far its ends are: plain text, since mathtext takes seconds."""
    middle, low, high = numbers
    style: dict[str, Any] = {
        "xy": place,
        "textcoords": "offset points",
        "color": "white" if deep else INK,
        "va": "center",
        "annotation_clip": False,
        "parse_math": False,
        "in_layout": False,
    }
    if not math.isfinite(middle):
        ax.annotate(MISSING, xytext=(0, 0), ha="center", fontsize=TEXT, **(style | {"color": QUIET}))
        return
    main: dict[str, Any] = {"fontsize": TEXT, "fontweight": weight, **style}
    if not (ranged and low < high):
        text = bits(middle) if in_bits else short(middle)
        ax.annotate(text, xytext=(0, 0), ha="center", **main)
    elif in_bits:
        # The interval over the seeds is as long on either side.
        ax.annotate(bits(middle), xytext=(0, 3.2), ha="center", **main)
        half = f"±{bits((high - low) / 2)}"
        ax.annotate(half, xytext=(0, -4.2), ha="center", fontsize=SMALL, **style)
    else:
        ax.annotate(short(middle), xytext=(2, 0), ha="right", **main)
        ends = f"{short(high - middle)}\n{short(low - middle)}"
        ax.annotate(ends, xytext=(3, 0), ha="left", fontsize=SMALL, linespacing=0.95, **style)


def short(change: float) -> str:
    """Percent to one decimal, from ten upwards to none: what a cell has room for.

    >>> short(-0.0612), short(-0.1449), short(-0.09996)
    ('−6.1', '−14', '−10')
    """
    return percent(change, 1 if abs(round(100 * change, 1)) < 10 else 0)
