"""The pages on the study file and the commands list what there is, no more and no less."""

import json
import re
import tomllib
import types
import typing
from pathlib import Path

import click
import msgspec
import pytest
import typer

from mattomo.cli.app import app
from mattomo.study.config import KEYS, PROTOCOLS, StudyConfig, study_config

ROOT = Path(__file__).resolve().parents[2]
STUDY_FILE = (ROOT / "docs" / "study-file.md").read_text(encoding="utf-8")
COMMANDS = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
EXAMPLE = (ROOT / "examples" / "study.toml").read_text(encoding="utf-8")
GROUP = typer.main.get_command(app)
WORDS = {str: ("string", "strings"), int: ("integer", "integers"), float: ("number", "numbers")}


def table_after(text, head):
    """Rows of the first table whose head line is ``head``, as lists of cells."""
    lines = text[text.index(head) :].splitlines()[2:]
    end = next((i for i, line in enumerate(lines) if not line.startswith("|")), len(lines))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[:end]]


def words(hint, plural=False):
    """A type as the page says it."""
    if isinstance(hint, types.UnionType):
        return words(next(part for part in typing.get_args(hint) if part is not type(None)))
    if isinstance(hint, typing.TypeAliasType if hasattr(typing, "TypeAliasType") else ()):
        hint = hint.__value__
    if typing.get_origin(hint) is typing.Literal:
        return ", ".join(f'`"{value}"`' for value in typing.get_args(hint))
    if typing.get_origin(hint) is dict:
        return f"table of {words(typing.get_args(hint)[1], plural=True)}"
    if typing.get_origin(hint) is tuple:
        inner = typing.get_args(hint)
        if inner[-1] is not Ellipsis:
            return {3: "three"}[len(inner)] + f" {words(inner[0], plural=True)}"
        return f"{'lists' if plural else 'list'} of {words(inner[0], plural=True)}"
    return WORDS[hint][plural]


def default(field):
    if field.required:
        return "required"
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    if value is None:
        return "none" if field.name in ("where", "protocol") else "found by name"
    return f"`{json.dumps(value)}`"


def test_every_key_with_its_type_and_default():
    hints = typing.get_type_hints(StudyConfig)
    expected = [
        [f"`{field.name}`", words(hints[field.name]), default(field)]
        for field in msgspec.structs.fields(StudyConfig)
    ]
    rows = table_after(STUDY_FILE, "| key | type |")
    assert [row[:3] for row in rows] == expected
    assert all(len(row) == 4 and row[3] for row in rows)


def test_protocols():
    rows = table_after(STUDY_FILE, "| key | `ortega-ochoa-2025` |")
    assert {row[0].strip("`") for row in rows} == set(PROTOCOLS["short"])
    for key, paper, short in rows:
        key = key.strip("`")
        for name, said in (("ortega-ochoa-2025", paper), ("short", short)):
            assert json.loads(said) == json.loads(json.dumps(PROTOCOLS[name][key])), (name, key)
    assert list(PROTOCOLS) == ["ortega-ochoa-2025", "short"]


def test_the_example_lists_every_key():
    said = re.findall(r"^(?:# )?\[?([a-z_]+)(?: = |\]$)", EXAMPLE, re.MULTILINE)
    assert set(said) - {"mace"} == set(KEYS)
    study_config(tomllib.loads(EXAMPLE))
    block = re.search(r'^```toml title="examples/study.toml"\n(.*?)^```$', STUDY_FILE, re.M | re.S)
    assert block is not None
    assert block[1] == EXAMPLE, "copy examples/study.toml into docs/study-file.md"


def test_its_commented_keys_are_valid_too():
    live = re.sub(r"^# (?=(?:\[?[a-z_]+\]?(?: = |$)))", "", EXAMPLE, flags=re.MULTILINE)
    config = study_config(tomllib.loads(live))
    assert config.tables == {"mace": ("mace_*",)}
    assert config.protocol == "ortega-ochoa-2025"


def options_of(command):
    """Long names of a command's options."""
    named = [p.opts for p in command.params if isinstance(p, click.Option) or p.param_type_name == "option"]
    return {next(name for name in names if name.startswith("--")) for names in named} - {"--help"}


STUDY_OPTIONS = {"--" + key.replace("_", "-") for key in KEYS} - {"--data"}


def test_every_command_has_a_section():
    assert set(re.findall(r"^## `mattomo (\w+)`$", COMMANDS, re.MULTILINE)) == set(GROUP.commands)


@pytest.mark.parametrize("name", sorted(GROUP.commands))
def test_every_option_of_a_command(name):
    section = COMMANDS.split(f"## `mattomo {name}`\n")[1].split("\n## ")[0]
    rows = table_after(section, "| option | meaning |")
    said = {row[0].strip("`") for row in rows}
    if "(#options-of-a-study)" in section:
        said |= STUDY_OPTIONS
    assert said == options_of(GROUP.commands[name])


def test_options_of_a_study():
    rows = table_after(COMMANDS.split("## Options of a study\n")[1], "| option | meaning |")
    assert {row[0].strip("`") for row in rows} == STUDY_OPTIONS
    assert all(row[1] for row in rows)
