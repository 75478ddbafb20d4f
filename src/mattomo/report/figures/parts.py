"""What representation and added property tell about a target: apart, either, and only together."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Circle

from mattomo.errors import InputError
from mattomo.information.parts import Decomposition
from mattomo.report.figures.style import (
    CAUTION,
    INK,
    PART_COLOURS,
    PART_NAMES,
    QUIET,
    SMALL,
    dressed,
    legend,
    new_axes,
    points,
    signed,
)
from mattomo.report.figures.tables import Names, Source, chosen, opened
from mattomo.report.numbers import bits, bits_range, brief, printable

_KEY = ["representation", "target", "added"]
_TINY = 0.004  # bits that no drawing shows


def decomposition(
    source: Source,
    *,
    target: str | None = None,
    added: str | None = None,
    representation: str | None = None,
    learner: str | None = None,
    n: int = 12,
    ax: Axes | None = None,
) -> Axes:
    """Draw the strongest cells as bars: bits told by one, by either, only by both; with 95 % intervals.

    Parameters
    ----------
    source : Results, dict or DataFrame
        `mattomo.Results`, or from `mattomo.report.summarize`: the cells that the swap test marks and that
        algebra does not explain, by their usable bits; or the table alone, `Results.decomposition`: all
        cells by their ``gain``.
    target, added, representation, learner : str, optional
        Only cells of these; of a target or an added property all of them, marked or not.
    n : int
        Bars at most.
    ax : matplotlib Axes, optional
        Drawn into if given; else a new figure of two columns is made.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InputError
        No such cell, or none whose decomposition is defined.
    """
    parts = list(PART_COLOURS)
    table, names = opened(source, "decomposition", [*_KEY, "gain", *parts])
    wanted = {"target": target, "added": added, "representation": representation, "learner": learner}
    table, which = chosen(table, **{name: value for name, value in wanted.items() if value is not None})
    if target is None and added is None and "found" in table and table["found"].any():
        table = table[table["found"]]
    table = table.dropna(subset=["gain"])
    if not len(table):
        raise InputError("no decomposition of these cells is defined", value=", ".join(which.values()))
    if isinstance(source, pd.DataFrame):
        table = table.sort_values("gain", ascending=False, kind="stable")
    shown = table.head(n)
    ax = new_axes("double", 22 + 7.0 * max(len(shown), 2)) if ax is None else ax
    several = table["representation"].nunique() > 1
    labels = []
    for row, cell in enumerate(shown.to_dict("records")):
        where = f", {brief(printable(cell['representation']), 12)}" if several else ""
        labels.append(f"{names.label(cell['added'])}\nfor {names.label(cell['target'])}{where}")
        _draw_bar(ax, row, cell)
    for name in parts:
        ax.barh([np.nan], [np.nan], color=PART_COLOURS[name], label=PART_NAMES[name])
    ax.set_yticks(range(len(labels)), labels, parse_math=False)
    ax.set(ylim=(len(labels) - 0.4, -0.6), xlim=(0, None))
    dressed(ax, x="bits (lines: 95 % intervals)")
    ax.tick_params(axis="y", length=0)
    signed(ax, "x")
    legend(
        ax,
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=4 if points(ax)[0] > 400 else 2,
        columnspacing=1.2,
    )
    return ax


def venn(
    source: Source | Decomposition,
    target: str | None = None,
    added: str | None = None,
    *,
    representation: str | None = None,
    learner: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw one cell as a Venn diagram whose areas are bits.

    The left circle is what the representation tells, the right one what the added property tells, their
    overlap what either tells; the dashed rim around both is what only both together tell.

    Parameters
    ----------
    source : Results, dict, DataFrame or Decomposition
        As for `decomposition`; or what `Results.decompose` returned, which is drawn as it is.
    target, added, representation, learner : str, optional
        The cell: the first that fits.
    ax : matplotlib Axes, optional
        Drawn into if given; else a new figure of one column is made.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InputError
        No such cell, or its decomposition is undefined.
    """
    names = Names()
    if isinstance(source, Decomposition):
        cell: Mapping[Any, Any] = source.record()
    else:
        table, names = opened(source, "decomposition", [*_KEY, "I_R", "I_A", *PART_COLOURS])
        table, _ = chosen(table, target=target, added=added, representation=representation, learner=learner)
        cell = table.iloc[0].to_dict()
    if not all(math.isfinite(cell[name]) for name in ("I_R", "I_A", "redundant", "synergy")):
        raise InputError("the decomposition of this cell is undefined", value=cell.get("reason") or None)
    target, added, representation = (
        str(cell.get(name, other)) if value is None else value
        for name, other, value in (
            ("target", "the target", target),
            ("added", "second", added),
            ("representation", "first", representation),
        )
    )
    ax = new_axes("single", 62) if ax is None else ax
    r, s, distance, rim = venn_radii(cell["I_R"], cell["I_A"], cell["redundant"], cell["synergy"])
    left, right = (-r, 0.0), (distance - r, 0.0)
    if cell["synergy"] > _TINY:
        for centre, radius in ((left, r + rim), (right, s + rim)):
            ax.add_patch(Circle(centre, radius, fill=False, edgecolor=CAUTION, linestyle="--", linewidth=1))
        for centre, radius in ((left, r + rim), (right, s + rim)):
            ax.add_patch(Circle(centre, radius, facecolor="#f6ead2", edgecolor="none"))
    for centre, radius in ((left, r), (right, s)):
        ax.add_patch(Circle(centre, radius, facecolor="white", edgecolor="none"))
    for centre, radius, name in ((left, r, "unique_R"), (right, s, "unique_A")):
        colour = PART_COLOURS[name]
        ax.add_patch(Circle(centre, radius, facecolor=colour, alpha=0.45, edgecolor="none"))
        ax.add_patch(Circle(centre, radius, fill=False, edgecolor=colour, linewidth=0.9))
    places = {
        "unique_R": (min(left[0] - r, right[0] - s) + 0.25 * r, 0.0),
        "unique_A": (max(right[0] + s, left[0] + r) - 0.25 * s, 0.0),
        "redundant": ((max(left[0] - r, right[0] - s) + min(left[0] + r, right[0] + s)) / 2, 0.0),
        "synergy": (right[0], -s - rim / 2),
    }
    words = {
        "unique_R": f"only {names.label(representation, 20)}",
        "unique_A": f"only {names.label(added, 22)}",
        "redundant": "either",
        "synergy": "only both together",
    }
    for name, place in places.items():
        _name_region(ax, name, place, words[name], cell)
    dressed(ax, f"What tells about {names.label(target)}: {bits(cell['I_RA'])} bits")
    ax.set_axis_off()
    # Corners are for the words.
    low, high = min(left[0] - r, right[0] - s) - rim, max(left[0] + r, right[0] + s) + rim
    tall = max(r, s) + rim
    ax.set_xlim(low, high, auto=True)
    ax.set_ylim(-1.6 * tall, 1.6 * tall, auto=True)
    ax.set_aspect("equal", adjustable="datalim")
    return ax


def venn_radii(held: float, own: float, shared: float, synergy: float) -> tuple[float, float, float, float]:
    """Radii of two circles, distance of their centres and width of a rim, so that all areas are bits.

    Parameters
    ----------
    held, own, shared, synergy : float
        I_R, I_A, redundant and synergistic information (bits).

    Returns
    -------
    tuple of float

    Examples
    --------
    >>> r, s, distance, rim = venn_radii(1.0, 1.0, 0.0, 0.0)
    >>> round(distance / r, 6), rim
    (2.0, 0.0)
    """
    r, s = (math.sqrt(max(value, 1e-9) / math.pi) for value in (held, own))
    shared = min(max(shared, 0.0), held, own)
    # The overlap falls with the distance, the area of the rim grows with its width.
    distance = _root(lambda d: shared - _overlap(r, s, d), abs(r - s), r + s)
    if synergy <= 0:
        return r, s, distance, 0.0
    whole = held + own - shared + synergy

    def missing(rim: float) -> float:
        wide, other = r + rim, s + rim
        return math.pi * (wide**2 + other**2) - _overlap(wide, other, distance) - whole

    return r, s, distance, _root(missing, 0.0, math.sqrt(whole / math.pi))


def _root(rising: Callable[[float], float], low: float, high: float) -> float:
    """Zero of a function that does not fall, by bisection."""
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2


def _overlap(r: float, s: float, d: float) -> float:
    """Area that two circles share."""
    if d >= r + s:
        return 0.0
    if d <= abs(r - s):
        return math.pi * min(r, s) ** 2
    first = math.acos(min(max((d * d + r * r - s * s) / (2 * d * r), -1.0), 1.0))
    second = math.acos(min(max((d * d + s * s - r * r) / (2 * d * s), -1.0), 1.0))
    return r * r * (first - math.sin(2 * first) / 2) + s * s * (second - math.sin(2 * second) / 2)


def _draw_bar(ax: Axes, row: int, cell: Mapping[Any, Any]) -> None:
    left = 0.0
    for k, (name, colour) in enumerate(PART_COLOURS.items()):
        length = max(float(cell[name]), 0.0)
        ax.barh(row, length, left=left, height=0.78, color=colour, edgecolor="white", linewidth=0.4)
        low, high = float(cell.get(f"{name}_low", math.nan)), float(cell.get(f"{name}_high", math.nan))
        if high > _TINY:
            # Each interval in a lane of its own, since those of neighbours overlap.
            y = row - 0.27 + 0.18 * k
            ax.plot([left + low, left + high], [y, y], color=INK, linewidth=0.7, solid_capstyle="butt")
            for x in (left + low, left + high):
                ax.plot([x, x], [y - 0.06, y + 0.06], color=INK, linewidth=0.7)
        left += length


_CORNERS = {"unique_R": (0.0, 1.0), "unique_A": (1.0, 1.0), "redundant": (0.0, 0.0), "synergy": (1.0, 0.0)}


def _name_region(
    ax: Axes, name: str, place: tuple[float, float], words: str, cell: Mapping[Any, Any]
) -> None:
    """What a region is, and its bits, in a corner of the axes; a line leads to it if it is there."""
    x, y = _CORNERS[name]
    lines = [words, f"{bits(cell[name])} bits"]
    low, high = cell.get(f"{name}_low", math.nan), cell.get(f"{name}_high", math.nan)
    if low <= high:
        lines.append(f"({bits_range(low, high)})")
    there = cell[name] > _TINY
    line = {"arrowstyle": "-", "color": QUIET, "linewidth": 0.5, "relpos": (0.5, 1 - y), "shrinkB": 0}
    ax.annotate(
        "\n".join(lines),
        place,
        xytext=(x, y),
        textcoords="axes fraction",
        ha="right" if x else "left",
        va="top" if y else "bottom",
        multialignment="right" if x else "left",
        fontsize=SMALL,
        color=INK if there else QUIET,
        parse_math=False,
        annotation_clip=False,
        arrowprops=line if there else None,
    )
    if there:
        ax.plot(*place, marker="o", markersize=1.6, color=QUIET)
