"""The study file: every choice of a study, typed, with defaults; unknown keys are errors."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from mattomo.errors import InputError
from mattomo.learners.base import Learner
from mattomo.learners.trees import Trees
from mattomo.materials.registry import PAPER_PROPERTIES, PAPER_TARGETS
from mattomo.study.controls import CONTROLS, PREFIX, Control

#: Representations that every table of materials has; a study may name tables of its own besides.
REPRESENTATIONS = ("composition", "structure")
LearnerName = Literal["cgcnn", "trees"]


class StudyConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All choices of a study. Every field is a key of the study file and an option of the command line.

    Attributes
    ----------
    data : str
        Path of a table of materials, or the name of an embedded one (``mp1000``).
    id, formula, structure : str, optional
        Columns that hold them; found by name when not given.
    protocol : str, optional
        Named defaults for what the file leaves open, see `PROTOCOLS`.
    targets : tuple of str
        Properties to predict; must be scalars.
    properties : tuple of str
        Properties to add, one at a time.
    representations : tuple of str
        ``"composition"``, ``"structure"``, or names of ``tables``.
    tables : mapping of str to tuple of str
        Base representations of your own: name to the columns that make it up, patterns allowed
        (``{"mace": ["mace_*"]}``). Read by learners of tables only.
    atoms : mapping of str to str
        Properties of the atoms and where they come from (see `mattomo.study.atoms.with_atoms`); named among
        ``properties``, they enter the features of the atoms.
    rows : {"complete", "per-pair"}
        Rows that have all targets and properties, or for each pair those that have the two, with a baseline
        of its own.
    learners : tuple of {"cgcnn", "trees"}
        The network, and gradient-boosted trees on descriptors: two readings of the same projections.
    seeds : tuple of int
        One split and one set of initial weights each.
    split : str
        ``"random"``, ``"formula"`` (materials of one formula stay together) or ``"column:NAME"`` (the
        user's own split: train, validation, test).
    fractions : tuple of three floats
        Shares of training, validation and test rows.
    train_fractions : tuple of float
        Shares of the training rows to train on, for the learning curve of the gain; 1 is always among them.
    controls : tuple of {"placebo", "derived", "planted"}
        Columns of known worth, added like properties (see `mattomo.study.controls`).
    swaps : int
        Conditional placebos of each added property that the trained models are asked about; 0 for none.
    basis : {"reduced", "cell"}
        Atoms a composition is read from (see `mattomo.projections.composition_graphs`).
    neighbours, radius, ties
        Of the crystal graphs (see `mattomo.projections.crystal_graphs`).
    epochs, batch_size, learning_rate, momentum, milestones, decay
        Of the training of the network (see `mattomo.learners.CGCNN`).
    """

    data: str
    id: str | None = None
    formula: str | None = None
    structure: str | None = None
    protocol: str | None = None
    targets: tuple[str, ...]
    properties: tuple[str, ...]
    representations: tuple[str, ...] = REPRESENTATIONS
    tables: dict[str, tuple[str, ...]] = {}
    atoms: dict[str, str] = {}
    rows: Literal["complete", "per-pair"] = "complete"
    learners: tuple[LearnerName, ...] = ("cgcnn",)
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    split: str = "random"
    fractions: tuple[float, float, float] = (0.6, 0.2, 0.2)
    train_fractions: tuple[float, ...] = (1.0,)
    controls: tuple[Control, ...] = CONTROLS
    swaps: int = 20
    basis: Literal["reduced", "cell"] = "reduced"
    neighbours: int = 12
    radius: float = 8.0
    ties: Literal["shared", "first"] = "shared"
    epochs: int = 100
    batch_size: int = 256
    learning_rate: float = 0.01
    momentum: float = 0.9
    milestones: tuple[int, ...] = (100,)
    decay: float = 0.1

    def built_learners(self) -> tuple[Learner, ...]:
        """The learners these choices describe."""
        return tuple(Trees() if name == "trees" else self._network() for name in self.learners)

    def _network(self) -> Learner:
        from mattomo.learners.cgcnn import CGCNN

        return CGCNN(
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            momentum=self.momentum,
            milestones=self.milestones,
            decay=self.decay,
        )

    def plain(self) -> dict[str, Any]:
        """The choices as JSON holds them."""
        plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        return plain


KEYS: tuple[str, ...] = StudyConfig.__struct_fields__

#: Named sets of choices. A key given explicitly wins over its protocol.
PROTOCOLS: dict[str, dict[str, Any]] = {
    # arXiv 2501.18163, section 2.2; hyperparameters of the original CGCNN.
    "ortega-ochoa-2025": {
        "targets": PAPER_TARGETS,
        "properties": PAPER_PROPERTIES,
        "representations": ("composition", "structure"),
        "seeds": (0, 1, 2, 3, 4),
        "fractions": (0.6, 0.2, 0.2),
        "epochs": 500,
        "batch_size": 256,
        "learning_rate": 0.01,
        "momentum": 0.9,
        "milestones": (100,),
    },
    # A thousand materials in minutes: smaller batches and steps need fewer epochs.
    "short": {
        "epochs": 16,
        "batch_size": 32,
        "learning_rate": 0.005,
        "milestones": (12,),
    },
}


def study_config(choices: Mapping[str, Any], *, file: str | None = None) -> StudyConfig:
    """Check choices and fill in the protocol's and the defaults.

    Parameters
    ----------
    choices : mapping
        Keys of `StudyConfig`; values of ``None`` count as not given. ``seeds`` may be a number of seeds.
    file : str, optional
        Where they come from, for messages.

    Returns
    -------
    StudyConfig

    Raises
    ------
    InputError
        Unknown key or protocol, missing key, wrong type, or a value out of range.

    Examples
    --------
    >>> study_config({"data": "mp1000", "protocol": "ortega-ochoa-2025"}).epochs
    500
    """
    given = {key: value for key, value in choices.items() if value is not None}
    for key in given:
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Keys are: {', '.join(KEYS)}."
            raise InputError("unknown key in the study file", file=file, column=key, hint=hint)
    protocol = given.get("protocol")
    if protocol is not None and protocol not in PROTOCOLS:
        raise InputError(
            "unknown protocol",
            file=file,
            column="protocol",
            value=protocol,
            hint=f"Protocols are: {', '.join(PROTOCOLS)}.",
        )
    merged = {**PROTOCOLS.get(protocol or "", {}), **given}
    for key in ("data", "targets", "properties"):
        if key not in merged:
            raise InputError("a study needs this key", file=file, column=key, hint=_missing_hint(key))
    seeds = merged.get("seeds")
    if isinstance(seeds, int) and not isinstance(seeds, bool):
        merged["seeds"] = tuple(range(seeds))
    try:
        config = msgspec.convert(merged, StudyConfig, strict=True)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$.")
        name = place.rstrip("`").split("[")[0] or None
        raise InputError(
            message[0].lower() + message[1:], file=file, column=name, value=merged.get(name or "")
        ) from None
    if config.train_fractions and 1.0 not in config.train_fractions:
        config = msgspec.structs.replace(config, train_fractions=(*config.train_fractions, 1.0))
    _check_ranges(config, file)
    _check_names(config, file)
    return config


def read_config(path: str | Path, overrides: Mapping[str, Any] | None = None) -> StudyConfig:
    """Read a TOML study file; ``overrides`` (options of the command line) win.

    A relative path (``data``, a table of ``atoms``) is taken from the folder of the study file.

    Raises
    ------
    InputError
        The file is missing, is not TOML, or `study_config` refuses its content.
    """
    path = Path(path)
    try:
        choices = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("no such study file", file=str(path), hint="Check the path.") from None
    except IsADirectoryError:
        raise InputError("this is a folder, not a study file", file=str(path)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"this is not TOML: {error}", file=str(path)) from None
    data = choices.get("data")
    if isinstance(data, str) and not Path(data).is_absolute() and (path.parent / data).exists():
        choices["data"] = str(path.parent / data)
    atoms = choices.get("atoms")
    if isinstance(atoms, dict):
        for name, source in atoms.items():
            if (
                isinstance(source, str)
                and not Path(source).is_absolute()
                and (path.parent / source).is_file()
            ):
                atoms[name] = str(path.parent / source)
    given = {key: value for key, value in (overrides or {}).items() if value is not None}
    return study_config({**choices, **given}, file=str(path))


def _missing_hint(key: str) -> str:
    if key == "data":
        return 'Give the path of a table, or data = "mp1000" for the embedded one.'
    return f'List property names, e.g. {key} = ["band_gap"], or choose a protocol.'


def _check_ranges(config: StudyConfig, file: str | None) -> None:
    def refuse(key: str, problem: str, hint: str) -> None:
        raise InputError(problem, file=file, column=key, value=getattr(config, key), hint=hint)

    for key in ("targets", "representations", "learners", "seeds", "train_fractions"):
        if not getattr(config, key):
            refuse(key, "this list is empty", "Give at least one.")
    once = ("targets", "properties", "representations", "learners", "seeds", "train_fractions", "controls")
    for key in once:
        values = getattr(config, key)
        if len(set(values)) < len(values):
            refuse(key, "this list names something twice", "Give each once.")
    if min(config.fractions) <= 0 or abs(sum(config.fractions) - 1) > 1e-9:
        refuse("fractions", "shares of a split must be positive and sum to 1", "E.g. [0.6, 0.2, 0.2].")
    if min(config.train_fractions) <= 0 or max(config.train_fractions) > 1:
        refuse(
            "train_fractions", "a share of the training rows is above 0 and at most 1", "E.g. [0.25, 0.5]."
        )
    if config.swaps < 0:
        refuse("swaps", "must not be negative", "20 is usual; 0 leaves the swap test out.")
    for key in ("epochs", "batch_size", "neighbours", "radius", "learning_rate"):
        if getattr(config, key) <= 0:
            refuse(key, "must be positive", "Give a larger number.")
    if config.batch_size < 2:
        refuse("batch_size", "batch normalisation needs at least two crystals", "Give 2 or more.")
    if not 0 <= config.momentum < 1:
        refuse("momentum", "must be at least 0 and below 1", "0.9 is usual.")
    if config.split not in ("random", "formula") and not config.split.startswith("column:"):
        refuse("split", "unknown split", 'Use "random", "formula" or "column:NAME".')


def _check_names(config: StudyConfig, file: str | None) -> None:
    """Representations are known, tables have names of their own, and no property claims to be a control."""
    for name, patterns in config.tables.items():
        if name in REPRESENTATIONS or not re.fullmatch(r"[A-Za-z0-9_-]+", name):
            raise InputError(
                "a table of your own needs another name",
                file=file,
                column="tables",
                value=name,
                hint="Letters, digits, - and _; composition and structure are taken.",
            )
        if not patterns:
            raise InputError(
                "this table names no columns", file=file, column="tables", value=name, hint='E.g. ["mace_*"].'
            )
    known = [*REPRESENTATIONS, *config.tables]
    for name in config.representations:
        if name not in known:
            raise InputError(
                "unknown representation",
                file=file,
                column="representations",
                value=name,
                hint=f"There are: {', '.join(known)}; name tables of your own under `tables`.",
            )
    for name in config.atoms:
        if name in config.targets or name not in config.properties:
            raise InputError(
                "a property of the atoms cannot be a target: it has many values on a material"
                if name in config.targets
                else "a property of the atoms is named among the properties, too",
                file=file,
                column="atoms",
                value=name,
                hint="Targets are properties of materials." if name in config.targets else "Add it there.",
            )
    for key in ("targets", "properties"):
        for name in getattr(config, key):
            if name.startswith(PREFIX):
                raise InputError(
                    f"names that start with {PREFIX!r} are kept for controls",
                    file=file,
                    column=key,
                    value=name,
                    hint="Rename the column, or choose controls under `controls`.",
                )
