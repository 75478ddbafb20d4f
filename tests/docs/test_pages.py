"""The examples in docs/ run, and print what the pages say."""

import contextlib
import io
import re
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
FENCE = re.compile(r"^```(\w*)[^\n`]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)


class Example(NamedTuple):
    line: int
    code: str
    printed: str | None


def examples(text):
    """The ``python`` blocks of a page, each with the ``text`` block that follows it, if one does."""
    fences = list(FENCE.finditer(text))
    found = []
    for fence, after in zip_longest(fences, fences[1:]):
        if fence[1] == "python":
            followed = (
                after is not None and after[1] == "text" and not text[fence.end() : after.start()].strip()
            )
            line = text.count("\n", 0, fence.start()) + 2
            found.append(Example(line, fence[2], after[2] if followed else None))
    return found


PAGES = [path for path in sorted(DOCS.glob("*.md")) if examples(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_examples_run_and_print_what_the_page_says(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "__page__"}
    for example in examples(page.read_text(encoding="utf-8")):
        printed = io.StringIO()
        # Blank lines in front, so that a traceback shows the line of the page.
        code = compile("\n" * (example.line - 1) + example.code, str(page), "exec")
        with contextlib.redirect_stdout(printed):
            exec(code, names)
        if example.printed is not None:
            assert printed.getvalue() == example.printed, f"{page.name}:{example.line}"


def test_the_reader_of_pages_sees_blocks_and_outputs():
    text = (
        "a\n```python\nprint(1)\n```\n```text\n1\n```\n```python\nx = 2\n```\nand\n```text\nno output\n```\n"
    )
    assert examples(text) == [Example(3, "print(1)\n", "1\n"), Example(9, "x = 2\n", None)]
    assert any(example.printed for example in examples((DOCS / "reading.md").read_text(encoding="utf-8")))
