"""Figures for papers, one function each: ``mt.figures.heatmap(results)``.

Every function takes what it draws (a `mattomo.Results`, or the table it documents) and ``ax``, matplotlib
axes to draw into; without them it makes a figure of a journal's width. It returns the axes. Text is 6 and
7 points; `save` writes SVG, PDF and PNG.
"""

from mattomo.report.figures import (
    controls,
    decomposition,
    figure,
    frequency,
    heatmap,
    identification,
    learning,
    parity,
    save,
    slopes,
    symmetry,
    venn,
)

__all__ = [
    "controls",
    "decomposition",
    "figure",
    "frequency",
    "heatmap",
    "identification",
    "learning",
    "parity",
    "save",
    "slopes",
    "symmetry",
    "venn",
]
