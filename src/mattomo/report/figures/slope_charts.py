"""Composition against structure: what each knows of a target, and what an added property changes."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from mattomo.errors import InputError
from mattomo.materials.registry import nearest
from mattomo.report.figures.style import (
    CAUTION,
    CLAIM,
    INK,
    PALE,
    QUIET,
    SMALL,
    dressed,
    new_axes,
    points,
    signed,
    spread,
)
from mattomo.report.figures.tables import Names, Source, chosen, opened, require_rule, with_rules
from mattomo.report.numbers import share

_SIDES = ("composition", "structure")


def slopes(
    source: Source,
    target: str | None = None,
    *,
    learner: str | None = None,
    criterion: str = "paired_minmax",
    names: int = 5,
    key: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw errors on composition (left) and on structure (right), joined by lines.

    Parameters
    ----------
    source : Results, dict or DataFrame
        `mattomo.Results`, or from `mattomo.report.summarize`; or the table alone: `Results.gains`.
    target : str, optional
        Its test MAE: of the baselines (bold), and with each added property, in blue where the property helps
        composition only, in ochre where it helps structure (too), else pale. Without a target: the
        baselines of all targets, as shares of the error on composition; as many are named as have room.
    learner : str, optional
        The first one by default.
    criterion : {"paired_minmax", "separated", "swap"}
        Says where a property helps.
    names : int
        Properties named beside their lines: at most so many, those that lower an error most.
    key : bool
        Say what the colours mean, above the lines of a target.
    ax : matplotlib Axes, optional
        Drawn into if given; else a new figure of one column is made.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InputError
        Nothing was measured on both representations, or no such target, learner or criterion.
    """
    table, named = opened(source, "cells", ["representation", "target", "added", "mae0_mean", "mae1_mean"])
    table, which = chosen(with_rules(table), learner=learner)
    table = table[table["representation"].isin(_SIDES)]
    targets = [str(name) for name in dict.fromkeys(table["target"])]
    if target is not None:
        if target not in targets:
            raise InputError("the table has no such target", value=target, hint=nearest(target, targets))
        table = table[table["target"] == target]
    require_rule(table, criterion)
    baselines = table.pivot_table(index="target", columns="representation", values="mae0_mean", sort=False)
    baselines = baselines.reindex(columns=_SIDES).dropna()
    if not len(baselines):
        hint = "This figure needs a study of composition and structure."
        raise InputError("nothing was measured on both representations", column="representation", hint=hint)
    ax = new_axes("single", 70) if ax is None else ax
    ax.set(xlim=(-0.08, 1.08))
    by = f" ({which['learner']})" if "learner" in which else ""
    if target is None:
        _draw_baselines(ax, 100 * baselines.div(baselines["composition"], axis=0), named)
        dressed(ax, f"Error without any added property{by}", y="MAE / % of that on composition")
    else:
        _draw_target(ax, table[~table["diagonal"]], baselines.iloc[0], criterion, names, named)
        unit = named.unit(target)
        note = "blue: helps composition only; ochre: helps structure" if key else ""
        dressed(ax, f"{named.label(target)}{by}", y=f"MAE / {unit}" if unit else "MAE", note=note)
    ax.set_xticks([0, 1], list(_SIDES))
    ax.tick_params(axis="x", length=0)
    ax.spines["bottom"].set_visible(False)
    for x in (0, 1):
        ax.axvline(x, color=PALE, linewidth=0.5, zorder=0)
    signed(ax, "y")
    return ax


def _draw_baselines(ax: Axes, shares: pd.DataFrame, named: Names) -> None:
    ends = []
    for target, composition, structure in shares.sort_values("structure").itertuples():
        ax.plot([0, 1], [composition, structure], color=CLAIM, linewidth=0.9, marker="o", markersize=2.5)
        ends.append((structure, f"{named.label(target, 26)}  {share(structure / 100, 0)}", INK))
    ax.axhline(100, color=PALE, linewidth=0.5, zorder=0)
    _name_ends(ax, ends)


def _draw_target(
    ax: Axes, table: pd.DataFrame, baseline: pd.Series, criterion: str, names: int, named: Names
) -> None:
    errors = table.pivot_table(index="added", columns="representation", values="mae1_mean", sort=False)
    errors = errors.reindex(columns=_SIDES).dropna()
    marks = table.assign(mark=table[criterion].astype(float)).pivot_table(
        index="added", columns="representation", values="mark", sort=False
    )
    helped = errors.div(baseline, axis=1).min(axis=1).sort_values(kind="stable")
    helping = [name for name in helped.index if marks.loc[name, list(_SIDES)].any()]
    ends = [(float(baseline["structure"]), "nothing added", INK)]
    for name in reversed(helped.index):
        structural = bool(marks.loc[name, "structure"])
        colour = (CAUTION if structural else CLAIM) if name in helping else PALE
        y = errors.loc[name, list(_SIDES)]
        ax.plot(
            [0, 1],
            y,
            color=colour,
            linewidth=0.9,
            marker="o",
            markersize=2,
            zorder=3 if name in helping else 1,
        )
        if name in helping[:names]:
            ends.append((float(y["structure"]), named.label(name, 24), colour))
    ax.plot([0, 1], baseline[list(_SIDES)], color=INK, linewidth=1.8, marker="o", markersize=3, zorder=4)
    _name_ends(ax, ends)


def _name_ends(ax: Axes, ends: list[tuple[float, str, str]]) -> None:
    """Names right of the lines, the first that have room, moved apart, each with a thin line to its own."""
    low, high = ax.get_ylim()
    ax.set_ylim(low, high)
    height = ax.get_position().height * points(ax)[1]
    gap = (high - low) * 1.25 * SMALL / max(height * 0.85, 1)
    ends = ends[: int((high - low) / gap) + 1]
    for (y, text, colour), at in zip(ends, spread([y for y, _, _ in ends], gap, low, high), strict=True):
        ax.annotate(
            text,
            (1.0, y),
            xytext=(1.1, at),
            textcoords=("data", "data"),
            va="center",
            fontsize=SMALL,
            fontweight="bold" if text == "nothing added" else "normal",
            color=QUIET if colour == PALE else colour,
            parse_math=False,
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": colour,
                "linewidth": 0.4,
                "shrinkA": 0,
                "shrinkB": 2,
                "relpos": (0, 0.5),
            },
        )
