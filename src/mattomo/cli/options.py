"""Every key of the study file is also an option."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from mattomo.errors import InputError
from mattomo.front import Study
from mattomo.study.config import PROTOCOLS, StudyConfig

_HELP = {
    "id": "Column with the identifiers.",
    "formula": "Column with the formulas.",
    "structure": "Column with the structures (JSON, CIF or POSCAR text).",
    "where": "Condition that the materials meet, e.g. 'elements has O and band_gap > 0'.",
    "protocol": f"Named defaults: {', '.join(PROTOCOLS)}.",
    "targets": "Properties to predict, comma-separated.",
    "properties": "Properties to add, one at a time, comma-separated.",
    "representations": "composition, structure, names of your own tables (comma-separated).",
    "tables": "Base representations of your own: NAME=COLUMNS, e.g. mace=mace_*; several with commas.",
    "atoms": "Properties of the atoms: NAME=SOURCE, e.g. radius=element:covalent_radius,magmom=site.",
    "rows": "complete: rows that have everything; per-pair: for each pair the rows that have the two.",
    "learners": "cgcnn, trees, or both (comma-separated).",
    "seeds": "Number of seeds, or a comma-separated list of them.",
    "split": "random, formula, or column:NAME.",
    "fractions": "Shares of training, validation and test rows, e.g. 0.6,0.2,0.2.",
    "train_fractions": "Shares of the training rows to train on, e.g. 0.25,0.5,1.",
    "controls": "placebo, derived, planted: added columns of known worth; none for none.",
    "swaps": "Conditional placebos of each added property (swap test); 0 for none.",
    "basis": "Composition from the reduced formula, or from all sites of the cell.",
    "neighbours": "Nearest neighbours of a site.",
    "radius": "Longest bond, in Å.",
    "ties": "Neighbours tied at the last distance: shared, or first ones.",
    "epochs": "Passes over the training rows.",
    "batch_size": "Crystals in a batch.",
    "learning_rate": "Of gradient descent.",
    "momentum": "Of gradient descent.",
    "milestones": "Epochs after which the learning rate falls, comma-separated.",
    "decay": "Factor of that fall.",
}


def _at_least_one(workers: int | None) -> int | None:
    if workers is not None and workers < 1:
        raise InputError("at least one worker is needed", column="--workers", value=workers)
    return workers


#: Option of every command that trains or computes in worker processes.
Workers = Annotated[
    int | None,
    typer.Option(help="Worker processes; one a core by default.", show_default=False, callback=_at_least_one),
]


def study_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the argument STUDY and one option for each key of `StudyConfig`.

    The command receives the `Study` they make, then its own parameters by keyword.
    """

    def wrapped(**given: Any) -> None:
        target = given.pop("study")
        choices = {key: given.pop(key) for key in _HELP}
        parsed = {key: _parse(key, value) for key, value in choices.items() if value is not None}
        command(open_study(target, parsed), **given)

    parameters = [
        inspect.Parameter(
            "study",
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            annotation=Annotated[
                str,
                typer.Argument(
                    metavar="STUDY.toml|DATA",
                    help="A study file, a table of materials in any known format, or mp1000.",
                ),
            ],
        )
    ]
    parameters += [
        inspect.Parameter(
            key,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[
                str | None,
                typer.Option("--" + key.replace("_", "-"), help=text, rich_help_panel="Study"),
            ],
        )
        for key, text in _HELP.items()
    ]
    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    parameters += [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
    wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapped.__name__ = command.__name__
    wrapped.__doc__ = command.__doc__
    return wrapped


def open_study(target: str, choices: dict[str, Any]) -> Study:
    """The study of a TOML file, or of a table with the given choices."""
    if Path(target).suffix.lower() == ".toml":
        return Study.from_file(target, **choices)
    return Study(target, **choices)


def _parse(key: str, text: str) -> Any:
    """The value an option's text stands for, by the type of the key."""
    if key == "tables":
        return _tables(text)
    if key == "atoms":
        return dict(map(_source, text.split(",")))
    if key == "controls" and text.strip().lower() == "none":
        return []
    hint = typing.get_type_hints(StudyConfig)[key]
    if isinstance(hint, types.UnionType):
        hint = next(part for part in typing.get_args(hint) if part is not type(None))
    parts = [part.strip() for part in text.split(",") if part.strip()]
    kind = typing.get_args(hint)[0] if typing.get_origin(hint) is tuple else hint
    number = kind if kind in (int, float) else None
    try:
        if typing.get_origin(hint) is not tuple:
            return number(text) if number else text
        values = [number(part) if number else part for part in parts]
    except ValueError:
        raise InputError(
            f"this is not {'a whole number' if number is int else 'a number'}",
            column="--" + key.replace("_", "-"),
            value=text,
        ) from None
    # `--seeds 3` means three seeds, `--seeds 3,4` those two.
    return values[0] if key == "seeds" and "," not in text and values else values


def _source(text: str) -> tuple[str, str]:
    """``radius=element:covalent_radius`` as a name and its source."""
    name, equals, source = (piece.strip() for piece in text.partition("="))
    if not (name and equals and source):
        raise InputError("this is not NAME=SOURCE", column="--atoms", value=text, hint="E.g. magmom=site")
    return name, source


def _tables(text: str) -> dict[str, list[str]]:
    """``mace=mace_*,mace=extra`` as names and their columns."""
    tables: dict[str, list[str]] = {}
    for part in text.split(","):
        name, equals, pattern = (piece.strip() for piece in part.partition("="))
        if not (name and equals and pattern):
            raise InputError(
                "this is not NAME=COLUMNS", column="--tables", value=part, hint="E.g. mace=mace_*"
            )
        tables.setdefault(name, []).append(pattern)
    return tables
