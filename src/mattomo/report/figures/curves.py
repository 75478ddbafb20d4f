"""Against a number: the gain against the training rows, the materials told apart against the properties."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mattomo.errors import InputError
from mattomo.information.identification import Identification
from mattomo.information.inference import nadeau_bengio
from mattomo.report.figures.style import (
    CAUTION,
    CLAIM,
    INK,
    PALE,
    QUIET,
    dressed,
    legend,
    new_axes,
    signed,
)
from mattomo.report.figures.tables import Names, Studied, chosen, having
from mattomo.report.numbers import brief, count, printable

_LINES = ((CLAIM, "o", "-"), (CAUTION, "s", "--"), (QUIET, "^", "-."), (INK, "D", ":"))


def learning(
    source: Studied | pd.DataFrame,
    target: str | None = None,
    added: str | Sequence[str] | None = None,
    *,
    representation: str | None = None,
    learner: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw usable bits against the training rows: a gain that falls is convenience, one that stays is not.

    Points are seeds, lines their means, whiskers 95 % intervals corrected for overlapping splits.

    Parameters
    ----------
    source : Results or DataFrame
        `mattomo.Results` of a study with ``train_fractions`` below 1; or the table alone:
        `Results.seed_bits`.
    target : str, optional
        The first one by default.
    added : str or sequence of up to 4 str, optional
        The first one by default.
    representation, learner : str, optional
        The first one by default.
    ax : matplotlib Axes, optional
        Drawn into if given; else a new figure of one column is made.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InputError
        No such cell, more than 4 properties, or a single size of the training set.
    """
    names = Names()
    if isinstance(source, pd.DataFrame):
        table = source
    else:
        names, table = Names(source.summary()["properties"]), source.seed_bits()
    table = having(table, ["target", "added", "fraction", "n_train", "n_test", "bits"])
    table, which = chosen(table, learner=learner, representation=representation, target=target)
    table = table.dropna(subset=["bits"])
    wanted = [added] if isinstance(added, str) else list(added or chosen(table, added=None)[1].values())
    if len(wanted) > len(_LINES):
        raise InputError(f"at most {len(_LINES)} properties share a figure", value=len(wanted))
    ax = new_axes("single", 60) if ax is None else ax
    ax.axhline(0, color=PALE, linewidth=0.6, zorder=0)
    for name, (colour, marker, line) in zip(wanted, _LINES, strict=False):
        cell, _ = chosen(table, added=name)
        sizes = cell.groupby("fraction")["n_train"].mean()
        if len(sizes) < 2:
            hint = "Learning curves need a study with train_fractions below 1."
            raise InputError("a single size of the training set has no curve", column="fraction", hint=hint)
        ends = [
            nadeau_bengio(part["bits"], part["n_train"].mean(), part["n_test"].mean())
            for _, part in cell.groupby("fraction")
        ]
        ax.scatter(cell["n_train"], cell["bits"], s=5, color=colour, alpha=0.35, linewidth=0)
        mean = np.array([each.mean for each in ends])
        half = np.array([each.high - each.mean for each in ends])
        ax.errorbar(
            sizes,
            mean,
            np.where(np.isfinite(half), half, 0),
            color=colour,
            marker=marker,
            markersize=3,
            linestyle=line,
            linewidth=1,
            elinewidth=0.7,
            capsize=2,
            capthick=0.7,
            label=names.label(name),
        )
        ax.set_xscale("log", base=2)
    ticks = sorted({round(size) for size in sizes})
    ax.set_xticks(ticks, [count(size) for size in ticks])
    ax.minorticks_off()
    where = ", ".join(which[name] for name in ("representation", "learner") if name in which)
    of = f" ({where})" if where else ""
    dressed(ax, f"{names.label(which['target'])}{of}", "training rows", "usable bits")
    signed(ax, "y")
    legend(ax, loc="best")
    return ax


def identification(
    found: Identification | pd.DataFrame,
    *,
    value: Literal["share_unique", "bits"] = "share_unique",
    ax: Axes | None = None,
) -> Axes:
    """Draw how many properties, read at finite resolution, single out one material of a table.

    Parameters
    ----------
    found : Identification or DataFrame
        From `mattomo.information.identification.identification`; or a table with the columns added,
        share_unique and top1 (or bits), one row a property in turn.
    value : {"share_unique", "bits"}
        Share of readings that only the material itself matches, with the chance that the best guess is right;
        or bits, with the band of random orders and the bits of the table.
    ax : matplotlib Axes, optional
        Drawn into if given; else a new figure of one column is made.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InputError
        No such value, or no rows.

    Examples
    --------
    >>> import mattomo as mt
    >>> from mattomo.information.identification import identification as identify
    >>> ax = identification(identify(mt.load("mp1000"), ["density", "nsites"], n_readings=100))
    >>> [text.get_text() for text in ax.get_xticklabels()]
    ['1  density', '2  nsites']
    """
    if value not in ("share_unique", "bits"):
        raise InputError("no such value of this figure", value=value, hint="Known are share_unique and bits.")
    table = _curve(found) if isinstance(found, Identification) else found
    table = having(table, ["added", "bits"] if value == "bits" else ["added", "share_unique", "top1"])
    ax = new_axes("single", 70) if ax is None else ax
    turns = np.arange(1, len(table) + 1)
    style: dict[str, Any] = {"linewidth": 1, "markersize": 3}
    if value == "bits":
        if isinstance(found, Identification):
            low, high = found.random_bits.min(0), found.random_bits.max(0)
            ax.fill_between(turns, low, high, color=PALE, alpha=0.5, linewidth=0, label="random orders")
            ax.axhline(
                np.log2(found.n), color=QUIET, linewidth=0.7, linestyle="--", label=f"all of {found.n:,}"
            )
        ax.plot(turns, table["bits"], color=CLAIM, marker="o", label="best next property", **style)
        dressed(ax, x="properties known, in turn", y="bits")
    else:
        ax.plot(
            turns, 100 * table["top1"], color=QUIET, marker="s", ls="--", label="best guess is right", **style
        )
        ax.plot(turns, 100 * table["share_unique"], color=CLAIM, marker="o", label="singled out", **style)
        dressed(ax, x="properties known, in turn", y="share of readings / %")
        ax.set_ylim(-3, 103)
    labels = [
        f"{k}  {brief(printable(str(name)), 20)}" for k, name in zip(turns, table["added"], strict=True)
    ]
    ax.set_xticks(turns, labels, rotation=40, ha="right", rotation_mode="anchor", parse_math=False)
    if isinstance(found, Identification):
        dressed(ax, f"Which of {found.n:,} materials is it?")
    legend(ax, loc="lower right")
    return ax


def _curve(found: Identification) -> pd.DataFrame:
    curve = found.greedy
    return pd.DataFrame(
        {"added": curve.names, "bits": curve.bits, "share_unique": curve.share_unique, "top1": curve.top1}
    )
