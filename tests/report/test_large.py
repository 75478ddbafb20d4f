"""A study of 100 targets and 100 properties still has a page that can be opened and sent."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

from mattomo.report import render_html, summarize

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "report_page.py"


@pytest.fixture(scope="module")
def large(outcome, make_study):
    spec = importlib.util.spec_from_file_location("report_page", BENCHMARK)
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    made = make_study(outcome)
    return summarize(*benchmark.enlarged(made.outcome, made.analysis, 100))


def test_page_of_100_by_100_is_at_most_15_megabytes(large):
    page = render_html(large)
    assert len(large["cells"]) == 2 * 100 * 100
    assert len(page.encode()) <= 15e6
    # Every cell stays in its heatmap and can be chosen; what is left out is said.
    drawn = [int(index) for index in re.findall(r'<td class="[^"]*"[^>]* data-cell="(\d+)"', page)]
    assert sorted(drawn) == list(range(20_000))
    data = json.loads(re.search(r'id="embedded">(.*?)</script>', page, re.S)[1])
    assert len(data["cells"]) == 20_000
    assert all(cell["seeds"] for cell in data["cells"])
    assert "all 20,000 are in tables/gains.csv" in page
    assert "keeps learning curves, predictions, elements and materials out of" in page
    assert "400 of 4,950 pairs" in page
