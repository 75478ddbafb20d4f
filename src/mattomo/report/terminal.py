"""The report in a terminal: rich renderables, nothing is printed here."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from mattomo.report.numbers import brief, percent
from mattomo.report.summarize import DEFAULT_CRITERION, Summary

_CELL_WIDTH = 6


def render_terminal(summary: Summary, *, criterion: str = DEFAULT_CRITERION, width: int = 100) -> Group:
    """The main sentences and every heatmap.

    Parameters
    ----------
    summary : dict
        From `summarize`.
    criterion : {"paired_minmax", "separated"}
        Which cells get a star.
    width : int
        Columns of the terminal.

    Returns
    -------
    rich.console.Group
    """
    tables = [
        heatmap_table(
            summary, drawn["representation"], learner=drawn["learner"], criterion=criterion, width=width
        )
        for drawn in summary["heatmaps"]
    ]
    return Group(summary_panel(summary), *tables)


def summary_panel(summary: Summary) -> Panel:
    """Question, answers and warnings in a frame.

    Parameters
    ----------
    summary : dict
        From `summarize`.

    Returns
    -------
    rich.panel.Panel
    """
    lines = [Text(sentence, style="bold") for sentence in summary["headlines"]]
    lines += [Text(f"· {sentence}") for sentence in summary["answers"]]
    lines += [Text(f"! {notice}", style="yellow") for notice in summary["notices"]]
    return Panel(Group(*lines), title="What helps to predict what", title_align="left", padding=(1, 2))


def heatmap_table(
    summary: Summary,
    representation: str,
    *,
    learner: str | None = None,
    criterion: str = DEFAULT_CRITERION,
    width: int = 100,
) -> Group:
    """Mean changes in percent, a star where the criterion is met, the diagonal in brackets.

    Parameters
    ----------
    summary : dict
        From `summarize`.
    representation : str
    learner : str, optional
        The first one if not given.
    criterion : {"paired_minmax", "separated"}
    width : int
        Columns of the terminal; targets that do not fit go to further tables.

    Returns
    -------
    rich.console.Group
    """
    learner = learner if learner is not None else next(iter(summary["learners"]), "")
    labels = {name: info["label"] for name, info in summary["properties"].items()}
    cells = {
        (cell["added"], cell["target"]): cell
        for cell in summary["cells"]
        if (cell["learner"], cell["representation"]) == (learner, representation)
    }
    longest = max((len(labels[name]) for name in summary["added"]), default=5)
    spare = width - len(summary["targets"]) * (_CELL_WIDTH + 1) - 1
    name_width = min(longest, max(14, min(26, spare)))
    room = (width - name_width - 1) // max(1, len(summary["targets"])) - 1
    cell_width = max(_CELL_WIDTH, min(12, room))
    fitting = max(1, (width - name_width - 1) // (cell_width + 1))
    blocks = [summary["targets"][i : i + fitting] for i in range(0, len(summary["targets"]), fitting)]
    parts: list[RenderableType] = [
        Text(f"\nChange of the test error in %, property added to {representation} ({learner})", style="bold")
    ]
    for targets in blocks:
        table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
        table.add_column("added", width=name_width, no_wrap=True, overflow="ellipsis")
        for target in targets:
            heading = " ".join(brief(word, cell_width) for word in labels[target].split()[:4])
            table.add_column(Text(heading), width=cell_width, justify="right", overflow="fold")
        for added in summary["added"]:
            row = [
                _cell(cells.get((added, target)), criterion, summary["colour_limit"]) for target in targets
            ]
            table.add_row(Text(brief(labels[added], name_width)), *row)
        parts.append(table)
    parts.append(
        Text(f"* {summary['criteria'][criterion]}; (…) the target itself, a positive control", style="dim")
    )
    return Group(*parts)


def _cell(cell: dict[str, object] | None, criterion: str, limit: float) -> Text:
    if cell is None or not isinstance(cell["mean"], float):
        return Text("·" if cell is None else "undef.", style="dim")
    mean = cell["mean"]
    if cell["diagonal"]:
        return Text(f"({percent(mean, 0)})", style="dim")
    number = percent(mean, 1 if abs(mean) < 1 else 0)
    strength = "bold " if abs(mean) > limit / 2 else ""
    style = strength + ("blue" if mean < 0 else "red") if abs(mean) >= limit / 20 else "dim"
    return Text(number + ("*" if cell[criterion] else " "), style=style)
