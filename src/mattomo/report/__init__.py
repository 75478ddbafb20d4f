"""One summary, several faces: HTML, figures, tables, terminal."""

from typing import TYPE_CHECKING, Any

from mattomo.report.exports import table1_markdown, write_report, write_tables
from mattomo.report.page import render_html, write_html
from mattomo.report.summarize import Summary, summarize
from mattomo.report.terminal import heatmap_table, render_terminal, summary_panel

if TYPE_CHECKING:
    from mattomo.report.figures import heatmap, save_figures

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


def __getattr__(name: str) -> Any:
    # Matplotlib takes a third of a second to import: only who draws should wait for it.
    if name in ("heatmap", "save_figures"):
        from mattomo.report import figures

        return getattr(figures, name)
    raise AttributeError(f"module 'mattomo.report' has no attribute {name!r}")
