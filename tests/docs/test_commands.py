"""Every ``mattomo ...`` in the pages, the README and the examples is a command that the program takes."""

import re
import shlex
from pathlib import Path

import click
import pytest
import typer

from mattomo.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = [p for p in (ROOT / "examples").rglob("*") if p.suffix in {".md", ".toml", ".ipynb", ".py", ".sh"}]
FILES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted(EXAMPLES)]
GROUP = typer.main.get_command(app)
SHELL = re.compile(r"^```(?:sh|console|bash)?[ \t]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(mattomo [^`\n]+)`")
#: Words that stand for something of the reader's.
OPEN = re.compile(r"[…\[\]]|\b(?:COMMAND|STUDY\.toml\|DATA)\b")


def commands(text):
    """The lines of a text that call mattomo, in code blocks and inside sentences."""
    found = list(INLINE.findall(text))
    for block in SHELL.findall(text):
        for line in block.splitlines():
            called = re.search(r"(?:^|[\s/&$])(mattomo [^&|]+)", line)
            if called and not line.lstrip().startswith("#"):
                found.append(called[1])
    return [re.split(r"\s#", line)[0].strip() for line in found]


def problem(line):
    """Why the program would refuse a line, if it would; files are not looked for."""
    words = shlex.split(line)[1:]
    if not words or words[0] in ("--help", "--version", "COMMAND"):
        return None
    if words[0] not in GROUP.commands:
        return f"no command {words[0]!r}"
    command, rest = GROUP.commands[words[0]], words[1:]
    known = {name: p for p in command.params for name in p.opts if name.startswith("-")}
    if len(words) > 1 and OPEN.search(line):
        unknown = [word for word in rest if word.startswith("--") and word not in {*known, "--help"}]
        return f"no option {unknown}" if unknown else None
    alone = not rest or rest == ["--help"]
    if alone:
        return None  # the command is only named
    try:
        command.make_context(words[0], list(rest), parent=click.Context(GROUP), resilient_parsing=False)
    except click.exceptions.MissingParameter as error:
        # A sentence may name one option alone.
        return None if rest[0].startswith("-") or "out" in str(error.param) else str(error)
    except click.exceptions.Exit:
        return None
    except (click.exceptions.UsageError, typer.Exit) as error:
        return str(error)
    except Exception as error:  # typer may carry its own copy of click
        return f"{type(error).__name__}: {error}"
    return None


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_commands_are_known(path):
    problems = {line: problem(line) for line in commands(path.read_text(encoding="utf-8"))}
    assert not {line: why for line, why in problems.items() if why}


def test_the_pages_name_commands():
    assert sum(len(commands(path.read_text(encoding="utf-8"))) for path in FILES) > 30


@pytest.mark.parametrize(
    "line",
    [
        "mattomo fly mp1000",
        "mattomo check mp1000 --swift",
        "mattomo run a.csv --targets x --epoch 3 --out s",
        "mattomo check a b",
        "mattomo run DATA … --swift",
    ],
)
def test_wrong_commands_are_seen(line):
    assert problem(line)


def test_commands_are_found_in_text():
    text = "Say `mattomo check a`.\n```sh\n.venv/bin/mattomo plan x.csv --json  # c\n$ mattomo demo\n```\n"
    assert commands(text) == ["mattomo check a", "mattomo plan x.csv --json", "mattomo demo"]
