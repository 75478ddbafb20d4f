"""The figures that go with every report."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mattomo.errors import InputError
from mattomo.report.figures.cells import frequency
from mattomo.report.figures.heatmaps import heatmap
from mattomo.report.figures.parts import decomposition
from mattomo.report.figures.slope_charts import slopes
from mattomo.report.figures.strips import controls, symmetry
from mattomo.report.figures.style import QUIET, SMALL, figure, save
from mattomo.report.summarize import Summary

_FORMATS = ("png", "svg")
_DPI = 200
_PANELS = 12  # targets with a slope chart each: a page holds no more


def save_figures(summary: Summary, folder: str | os.PathLike[str]) -> list[Path]:
    """Write what a summary has to draw, each figure as PNG (200 dpi) and SVG (text stays text).

    Parameters
    ----------
    summary : dict
        From `summarize`.
    folder : path

    Returns
    -------
    list of Path
        ``heatmap_<learner>_<representation>.png`` and ``.svg``, and alike ``bits``, ``controls`` and
        ``symmetry``; ``contrast_<learner>``, ``slopes_<learner>`` (of up to 12 targets),
        ``decomposition_<learner>`` and ``frequency_<learner>``. Without what there is nothing to draw of.
    """
    folder, written = Path(folder), []
    for name, draw in _planned(summary).items():
        with suppress(InputError):  # nothing to draw
            written += save(draw(), folder / f"{name}.{_FORMATS[0]}", formats=_FORMATS, dpi=_DPI)
    return written


def _planned(summary: Summary) -> dict[str, Callable[[], Axes | Figure]]:
    """What to draw by the name of its file."""
    planned: dict[str, Callable[[], Axes | Figure]] = {}
    for index, drawn in enumerate(summary["heatmaps"]):
        which = {"learner": drawn["learner"], "representation": drawn["representation"]}
        name = f"{_slug(which['learner']) or index}_{_slug(which['representation']) or index}"
        planned |= {
            f"heatmap_{name}": partial(heatmap, summary, **which),
            f"bits_{name}": partial(heatmap, summary, value="bits", **which),
            f"controls_{name}": partial(controls, summary, **which),
            f"symmetry_{name}": partial(symmetry, summary, **which),
        }
    for index, learner in enumerate(summary["learners"]):
        name = _slug(learner) or str(index)
        planned |= {
            f"contrast_{name}": partial(heatmap, summary, value="contrast", learner=learner),
            f"slopes_{name}": partial(_slopes, summary, learner),
            f"decomposition_{name}": partial(decomposition, summary, learner=learner),
            f"frequency_{name}": partial(frequency, summary, learner=learner),
        }
    return planned


def _slopes(summary: Summary, learner: str) -> Axes | Figure:
    """The slope chart of every target that has one on a page, or that of the baselines."""
    sides = [
        {c["target"] for c in summary["cells"] if (c["learner"], c["representation"]) == (learner, side)}
        for side in ("composition", "structure")
    ]
    targets = [name for name in summary["targets"] if name in sides[0] & sides[1]]
    if not 0 < len(targets) <= _PANELS:
        return slopes(summary, learner=learner)
    columns = min(len(targets), 3)
    rows = math.ceil(len(targets) / columns)
    whole = figure("double", 52 * rows + 6)
    panels = whole.subplots(rows, columns, squeeze=False).ravel()
    for ax, target in zip(panels, targets, strict=False):
        slopes(summary, target, learner=learner, names=3, key=False, ax=ax)
    for ax in panels[len(targets) :]:
        ax.remove()
    whole.suptitle(
        "blue: helps composition only; ochre: helps structure", fontsize=SMALL, color=QUIET, x=0.01, ha="left"
    )
    return whole


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "-", name).strip("-.")[:60]
