"""Figures for papers: one function each, drawn at a journal's width or into axes handed in."""

from mattomo.report.figures.cells import frequency, parity
from mattomo.report.figures.curves import identification, learning
from mattomo.report.figures.files import save_figures
from mattomo.report.figures.heatmaps import heatmap
from mattomo.report.figures.parts import decomposition, venn
from mattomo.report.figures.slope_charts import slopes
from mattomo.report.figures.strips import controls, symmetry
from mattomo.report.figures.style import figure, save

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
    "save_figures",
    "slopes",
    "symmetry",
    "venn",
]
