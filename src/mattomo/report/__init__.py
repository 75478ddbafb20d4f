"""One summary, several faces: HTML, figures, tables, terminal."""

from mattomo.report.exports import table1_markdown, write_report, write_tables
from mattomo.report.figures import heatmap, save_figures
from mattomo.report.page import render_html, write_html
from mattomo.report.summarize import Summary, summarize
from mattomo.report.terminal import heatmap_table, render_terminal, summary_panel

__all__ = [
    "Summary",
    "heatmap",
    "heatmap_table",
    "render_html",
    "render_terminal",
    "save_figures",
    "summarize",
    "summary_panel",
    "table1_markdown",
    "write_html",
    "write_report",
    "write_tables",
]
