"""Yardsticks beside the claims: controls whose worth is known, and the symmetry of information."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mattomo.errors import InputError
from mattomo.information.controls import CONTROLS, planted_bits
from mattomo.report.figures.style import (
    CAUTION,
    CLAIM,
    INK,
    PALE,
    QUIET,
    SMALL,
    dressed,
    legend,
    new_axes,
    signed,
)
from mattomo.report.figures.tables import Names, Source, chosen, opened, with_rules
from mattomo.report.information import SWAP, SWAP_LEVEL, control_name
from mattomo.study.controls import PLANTED_SNR

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_LANES = ("properties", *map(control_name, CONTROLS))


def controls(
    source: Source,
    *,
    representation: str | None = None,
    learner: str | None = None,
    limit: float = 1.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw the usable bits of all cells beside those of the controls, one lane each.

    Filled are cells that the swap test marks (q < 0.05; of controls p < 0.05).
    A placebo tells nothing, a derived column nothing beyond the representation: claims as weak as theirs are
    none. What planted columns tell is known: of a representation that knew nothing, the dashed line.
    Cells on the diagonal, and those whose target is a function of what is known, are left out.

    Parameters
    ----------
    source : Results, dict or DataFrame
        `mattomo.Results`, or from `mattomo.report.summarize`; or the table alone: `Results.bits`.
    representation, learner : str, optional
        The first by default.
    limit : float
        Bits beyond which a cell is a triangle at the end of the axis.
    ax : matplotlib Axes, optional
        Drawn into if given; else a new figure of one column is made.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InputError
        No such representation or learner, or no bits.
    """
    table, _ = opened(source, "bits", ["added", "control", "bits"])
    table, which = chosen(table, representation=representation, learner=learner)
    table = with_rules(table)
    kept = table["bits"].notna() & ~table["diagonal"].astype(bool)
    if "deterministic" in table:
        kept &= (table["deterministic"] == "") | table["control"].astype(bool)
    table = table[kept]
    if not len(table):
        raise InputError("no cell has bits", column="bits", hint="Some targets have none: see `reason`.")
    lane = np.where(
        table["control"].astype(bool), table["added"].map(lambda name: control_name(str(name))), _LANES[0]
    )
    marked = np.zeros(len(table), dtype=bool)
    tested = SWAP in table and "swap_p" in table and bool(table["swap_p"].notna().any())
    if tested:
        found = table[SWAP].where(~table["control"].astype(bool), table["swap_p"] < SWAP_LEVEL)
        marked = found.to_numpy(bool)
    shown = [name for name in _LANES if name in set(lane)]
    ax = new_axes("single", 24 + 9 * max(len(shown), 2)) if ax is None else ax
    ax.axvline(0, color=PALE, linewidth=0.6, zorder=0)
    if "planted" in shown:
        ax.axvline(planted_bits(PLANTED_SNR), color=CAUTION, linewidth=0.7, linestyle="--", zorder=0)
    bits = table["bits"].to_numpy(dtype=float)
    for row, name in enumerate(shown):
        here = lane == name
        colour = {_LANES[0]: CLAIM, "planted": CAUTION}.get(name, QUIET)
        _draw_lane(ax, row, bits[here], marked[here], colour, limit)
    ax.set_yticks(range(len(shown)), shown)
    ax.set_ylim(len(shown) - 0.5, -0.5)
    where = ", ".join(which[name] for name in ("representation", "learner") if name in which)
    dressed(
        ax,
        f"Properties beside controls ({where})" if where else "Properties beside controls",
        x="usable bits",
        note="filled: found by the swap test; bar: median" if tested else "bar: median",
    )
    ax.tick_params(axis="y", length=0)
    signed(ax, "x")
    return ax


def symmetry(
    source: Source,
    *,
    representation: str | None = None,
    learner: str | None = None,
    names: int = 6,
    ax: Axes | None = None,
) -> Axes:
    """Draw bits of A for B against bits of B for A: information is symmetric, learners are not.

    Parameters
    ----------
    source : Results, dict or DataFrame
        `mattomo.Results`, or from `mattomo.report.summarize`; or the table alone: `Results.symmetry`.
    representation, learner : str, optional
        The first by default.
    names : int
        Pairs named, the most asymmetric first, of those whose interval excludes zero.
    ax : matplotlib Axes, optional
        Drawn into if given; else a new figure of one column is made.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InputError
        No such representation or learner, or no pair was measured in both directions.
    """
    needed = ["first", "second", "second_for_first", "first_for_second", "mean", "asymmetric"]
    table, named = opened(source, "symmetry", needed)
    table, which = chosen(table, representation=representation, learner=learner)
    table = table.dropna(subset=["second_for_first", "first_for_second"])
    if not len(table):
        raise InputError("no pair of targets has bits in both directions", column="mean")
    ax = new_axes("single", 80) if ax is None else ax
    x, y = (table[name].to_numpy(dtype=float) for name in ("second_for_first", "first_for_second"))
    odd = table["asymmetric"].to_numpy(bool)
    low, high = min(x.min(), y.min(), -0.05), max(x.max(), y.max(), 0.1)
    pad = 0.06 * (high - low)
    ends = (low - pad, high + pad)
    ax.axhline(0, color=PALE, linewidth=0.5, zorder=0)
    ax.axvline(0, color=PALE, linewidth=0.5, zorder=0)
    ax.plot(ends, ends, color=PALE, linewidth=0.8, zorder=0)
    for group, colour, face, said in (
        (~odd, QUIET, "none", "equal within the interval"),
        (odd, CAUTION, CAUTION, "interval excludes zero"),
    ):
        style: dict[str, Any] = {"s": 14, "facecolor": face, "edgecolor": colour, "linewidth": 0.7}
        ax.scatter(x[group], y[group], label=f"{said} ({group.sum()})", **style)
    ranked = table.assign(size=table["mean"].abs())[odd].sort_values("size", ascending=False, kind="stable")
    _name_pairs(ax, ranked.head(names), named, ends)
    ax.set(xlim=ends, ylim=ends)
    ax.set_aspect("equal")
    where = ", ".join(which[name] for name in ("representation", "learner") if name in which)
    dressed(
        ax, f"Both directions ({where})" if where else "Both directions", "bits of B for A", "bits of A for B"
    )
    signed(ax)
    legend(ax, loc="upper left" if np.median(y) < np.median(ends) else "lower right")
    return ax


def _name_pairs(ax: Axes, pairs: pd.DataFrame, named: Names, ends: tuple[float, float]) -> None:
    middle = sum(ends) / 2
    for pair in pairs.to_dict("records"):
        place = (pair["second_for_first"], pair["first_for_second"])
        right = place[0] < middle
        ax.annotate(
            f"A {named.label(pair['first'], 24)}, B {named.label(pair['second'], 24)}",
            place,
            xytext=(5 if right else -5, 0),
            textcoords="offset points",
            ha="left" if right else "right",
            va="center",
            fontsize=SMALL,
            color=INK,
            parse_math=False,
        )


def _draw_lane(ax: Axes, row: int, values: Floats, marked: Bools, colour: str, limit: float) -> None:
    y = row + _apart(values)
    ends = np.clip(values, -limit, limit)
    for marker, where in (("o", ends == values), (">", values > limit), ("<", values < -limit)):
        for group, face in ((where & ~marked, "none"), (where & marked, colour)):
            if group.any():
                style: dict[str, Any] = {"s": 9, "facecolor": face, "edgecolor": colour, "linewidth": 0.6}
                ax.scatter(ends[group], y[group], marker=marker, **style)
    ax.plot([np.median(ends)] * 2, [row - 0.36, row + 0.36], color=INK, linewidth=1.1, zorder=3)


def _apart(values: Floats) -> Floats:
    """Heights within a lane that keep near points apart, the same in every run: ranks, spread evenly."""
    order = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return np.asarray(0.28 * (2 * ((order * 0.6180339887) % 1.0) - 1), dtype=np.float64)
