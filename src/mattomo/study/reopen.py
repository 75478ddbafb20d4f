"""A study folder opened again: its choices, its data, its rows, to train more of the same."""

from __future__ import annotations

import os
import typing
from typing import Any, NamedTuple

from mattomo.errors import InputError
from mattomo.learners.base import Learner
from mattomo.materials import Materials
from mattomo.materials.example import read_data
from mattomo.study import identity
from mattomo.study.config import LearnerName, StudyConfig, study_config
from mattomo.study.prepare import Prepared, prepare
from mattomo.study.store import Store

#: Learners that a study file can name.
NAMED_LEARNERS: tuple[str, ...] = typing.get_args(LearnerName)


class Reopened(NamedTuple):
    """What a study was made of."""

    config: StudyConfig
    materials: Materials
    prepared: Prepared


def reopen(
    folder: str | os.PathLike[str], materials: Materials | None = None, data: str | None = None
) -> Reopened:
    """Read the data of a study again and choose its rows and splits as it did.

    Parameters
    ----------
    folder : path
    materials : Materials, optional
        The study's whole table, if it has been read already.
    data : str, optional
        Where that table lies now; by default where the study found it.

    Returns
    -------
    Reopened

    Raises
    ------
    InputError
        There is no study in the folder, its data is gone or has changed.
    """
    description = Store(folder).description()
    choices = dict(description["config"])
    # Estimators of one's own have names that no study file knows.
    choices["learners"] = [name for name in choices["learners"] if name in NAMED_LEARNERS] or ["trees"]
    config = study_config(choices)
    if materials is None:
        columns = {"id": config.id, "formula": config.formula, "structure": config.structure}
        try:
            materials, _ = read_data(config.data if data is None else data, **columns)
        except InputError as error:
            if data is not None:
                raise
            raise InputError(
                f"the data of this study cannot be read ({error})",
                file=os.fspath(folder),
                hint="Say where it lies now with --data.",
            ) from None
    prepared = prepare(materials, config)
    if identity.fingerprint(prepared, config) != description["data"]["fingerprint"]:
        raise InputError(
            "the data of this study has changed since it was run",
            file=materials.source,
            hint="Run the study on the new data into a new folder.",
        )
    return Reopened(config, materials, prepared)


def named_learner(name: str, config: StudyConfig) -> Learner:
    """A learner by its name, with the settings of a study.

    Raises
    ------
    InputError
        No such learner.
    """
    if name not in NAMED_LEARNERS:
        raise InputError(
            "unknown learner", column="learner", value=name, hint=f"There are: {', '.join(NAMED_LEARNERS)}."
        )
    choices: dict[str, Any] = {**config.plain(), "learners": [name]}
    return study_config(choices).built_learners()[0]
