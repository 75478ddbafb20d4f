"""One cell material by material, and all cells counted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from mattomo.errors import InputError
from mattomo.materials.registry import nearest
from mattomo.report.figures.style import CLAIM, PALE, QUIET, dressed, legend, new_axes, signed
from mattomo.report.figures.tables import Names, Source, Studied, chosen, having, summary_of
from mattomo.report.numbers import quantity
from mattomo.report.summarize import summarize

_MANY = 5000


def parity(
    source: Studied | pd.DataFrame,
    target: str | None = None,
    added: str | None = None,
    *,
    representation: str | None = None,
    learner: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw predicted against true values of one cell's test rows, without the added property and with it.

    Parameters
    ----------
    source : Results or DataFrame
        `mattomo.Results`, which needs ``target`` and ``added``; or the table alone: `Results.predictions`.
    target, added, representation, learner : str, optional
        The cell: the first that fits. All seeds are drawn; the errors named are the means over the seeds.
    ax : matplotlib Axes, optional
        Drawn into if given; else a new figure of one column is made.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InputError
        No such cell, or the target or the added property is missing.
    """
    names = Names()
    if isinstance(source, pd.DataFrame):
        table = source
    elif target is None or added is None:
        raise InputError("name the target and the added property of the cell to draw")
    else:
        names = Names(summarize(source.outcome)["properties"])  # names alone need no analysis
        table = source.predictions(target, added, representation=representation, learner=learner)
    table = having(table, ["target", "added", "seed", "true", "predicted0", "predicted1"])
    table, which = chosen(table, target=target, added=added, representation=representation, learner=learner)
    ax = new_axes("single", 84) if ax is None else ax
    true = table["true"].to_numpy(dtype=float)
    sides = [table[name].to_numpy(dtype=float) for name in ("predicted0", "predicted1")]
    ends = _ends(np.concatenate([true, *sides]))
    ax.plot(ends, ends, color=PALE, linewidth=0.8, zorder=0)
    unit = names.unit(which["target"])
    base = which.get("representation", "without")
    labels = (base, f"{base} and {names.label(which['added'], 26)}")
    size = 7.0 if len(true) < 500 else 3.5
    for said, label, colour, marker in zip(sides, labels, (QUIET, CLAIM), ("o", "D"), strict=True):
        error = (pd.Series(np.abs(said - true)).groupby(table["seed"].to_numpy()).mean()).mean()
        named = f"{label}: MAE {quantity(float(error))} {unit}".rstrip()
        style: dict[str, Any] = {"marker": marker, "facecolor": colour, "alpha": 0.4, "linewidth": 0}
        # thousands of points as shapes would make an SVG of megabytes
        ax.scatter(true, said, s=size, label=named, rasterized=len(true) > _MANY, **style)
    ax.set(xlim=ends, ylim=ends)
    ax.set_aspect("equal")
    of = f" / {unit}" if unit else ""
    dressed(ax, names.label(which["target"], 40), f"true{of}", f"predicted{of}", above=20)
    signed(ax)
    legend(ax, loc="lower left", bbox_to_anchor=(-0.02, 1.0), handletextpad=0.2, labelspacing=0.3)
    return ax


def frequency(
    source: Source,
    *,
    criterion: str = "paired_minmax",
    learner: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw for how many targets each property helps composition but not structure (the paper's Table 1).

    Parameters
    ----------
    source : Results, dict or DataFrame
        `mattomo.Results`, or from `mattomo.report.summarize`; or the table alone: `Results.frequency`.
    criterion : {"paired_minmax", "separated", "swap"}
        When a property helps; a DataFrame has settled it.
    learner : str, optional
        The first one by default.
    ax : matplotlib Axes, optional
        Drawn into if given; else a new figure of one column is made.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InputError
        No such criterion or learner, or no property helps composition alone.
    """
    names, total = Names(), 0
    if isinstance(source, pd.DataFrame):
        table = source
    else:
        summary = summary_of(source)
        if criterion not in summary["table1"]:
            known = list(summary["table1"])
            raise InputError("no such criterion", value=criterion, hint=nearest(criterion, known))
        names, total = Names(summary["properties"]), len(summary["targets"])
        table = pd.DataFrame(summary["table1"][criterion]["frequency"])
    if not len(table):
        raise InputError("no property helps composition but not structure", value=criterion)
    table, which = chosen(having(table, ["added", "count"]), learner=learner)
    ax = new_axes("single", 16 + 4.6 * max(len(table), 3)) if ax is None else ax
    places = np.arange(len(table))
    ax.barh(places, table["count"], height=0.7, color=CLAIM)
    ax.set_yticks(places, [names.label(name) for name in table["added"]], parse_math=False)
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    of = f" of {total}" if total else ""
    by = f" ({which['learner']})" if "learner" in which else ""
    dressed(ax, f"Helps composition but not structure{by}", f"targets{of}")
    ax.tick_params(axis="y", length=0)
    return ax


def _ends(values: np.ndarray) -> tuple[float, float]:
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    pad = 0.04 * ((high - low) or 1.0)
    return low - pad, high + pad
