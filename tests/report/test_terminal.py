"""The report in a terminal."""

import pytest
from rich.console import Console

from mattomo.materials.registry import PropertyInfo
from mattomo.report import heatmap_table, render_terminal, summarize


def shown(renderable, width):
    console = Console(width=width, force_terminal=False, color_system=None)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get().splitlines()


@pytest.mark.parametrize("width", [80, 100])
def test_fits_the_terminal(outcome, width):
    lines = shown(render_terminal(summarize(outcome), width=width), width)
    assert max(map(len, lines)) <= width
    assert any(line.startswith("Crystal system") for line in lines)


def test_star_marks_the_criterion(outcome):
    summary = summarize(outcome)
    hits = sum(
        c["separated"] and not c["diagonal"] and c["representation"] == "composition"
        for c in summary["cells"]
    )
    lines = shown(heatmap_table(summary, "composition", criterion="separated", width=100), 100)
    body = [line for line in lines if not line.startswith("*")]
    assert "\n".join(body).count("*") == hits > 0


def test_markup_in_names_is_text(make_outcome):
    made = make_outcome((PropertyInfo("[red]x[/red]", "[red]x[/red]"),), 1, (0, 1))
    assert any("[red]x[/red]" in line for line in shown(render_terminal(summarize(made)), 100))
