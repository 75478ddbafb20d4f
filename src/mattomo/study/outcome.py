"""What a finished or half-finished study holds: the one input of every analysis and report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mattomo.materials.registry import PropertyInfo


@dataclass(frozen=True)
class Rows:
    """The n materials of a study.

    Attributes
    ----------
    ids, formulas : ndarray of str, shape (n,)
    columns : mapping of str to ndarray, shape (n,)
        Targets and added properties by planned name: float64 (NaN when missing) or str ("" when missing).
    """

    ids: NDArray[np.str_]
    formulas: NDArray[np.str_]
    columns: Mapping[str, NDArray[np.float64] | NDArray[np.str_]]

    @cached_property
    def owners(self) -> NDArray[np.int64]:
        """Number of each row's formula, in alphabetical order: the clusters of rows that belong together."""
        return np.unique(self.formulas, return_inverse=True)[1].astype(np.int64)


@dataclass(frozen=True)
class Held:
    """What the models of one unit said of rows they were not trained on; K added properties.

    Attributes
    ----------
    learner, representation, target : str
    seed : int
    pair : str
        See `mattomo.study.units.PlannedUnit`.
    fraction : float
        Share of the training rows.
    n_train : int
    added : tuple of K str
        Added properties and controls.
    materials : ndarray of int64, shape (n_test,)
        Position of each test row in the study's table of materials.
    true_validation, true_test : ndarray of float64, shapes (n_validation,) and (n_test,)
    validation, test : ndarray of float64, shapes (K + 1, n_validation) and (K + 1, n_test)
        Predictions, the baseline's first.
    swapped : mapping of str to ndarray of float32, shape (n, n_test)
        By added property: predictions under its placebos.
    """

    learner: str
    representation: str
    target: str
    seed: int
    pair: str
    fraction: float
    n_train: int
    added: tuple[str, ...]
    materials: NDArray[np.int64]
    true_validation: NDArray[np.float64]
    true_test: NDArray[np.float64]
    validation: NDArray[np.float64]
    test: NDArray[np.float64]
    swapped: Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Outcome:
    """What a study folder holds, read back: enough for every analysis, no retraining.

    Attributes
    ----------
    errors : DataFrame
        One row a model trained on all training rows, controls left out: learner, representation
        (``"composition"``, ``"structure"`` or a table's name), target, added (``""`` for the baseline, else
        the property's name), seed (int), pair (the property whose rows a baseline and its augmentation
        share, ``""`` where all share theirs), mae (test MAE in the target's unit), val_mae, best_epoch,
        seconds, n_test.
    control_errors : DataFrame
        The same columns: baselines and models with a control added (``"control:placebo"``, ...).
    learning : DataFrame
        The same columns and fraction, n_train: all models of all shares of the training rows; empty
        without a learning curve.
    rows : DataFrame
        One row for each (representation, seed), of the units with most test rows: n_train, n_val, n_test.
    properties : tuple of PropertyInfo
        All targets and added properties.
    targets, added, representations : tuple of str
        What was planned, in the order of the study file.
    seeds : tuple of int
    config : dict
        The study file.
    data : dict
        source, n_rows, n_used, n_quarantined, n_formulas, one_to_one, one_to_one_share, fingerprint.
    notices : tuple of str
        Sentences to show (unseen categories, extensive targets, rows left out ...).
    environment : dict of str
        python, numpy, jax and mattomo versions, device, n_workers.
    units_planned, units_done : int
    wall_seconds : float
        By the clock, summed over the units.
    memory : float
        The most bytes that a worker held; zero where no record tells.
    """

    errors: pd.DataFrame
    control_errors: pd.DataFrame
    learning: pd.DataFrame
    rows: pd.DataFrame
    properties: tuple[PropertyInfo, ...]
    targets: tuple[str, ...]
    added: tuple[str, ...]
    seeds: tuple[int, ...]
    representations: tuple[str, ...]
    config: dict[str, Any]
    data: dict[str, Any]
    notices: tuple[str, ...]
    environment: dict[str, str]
    units_planned: int
    units_done: int
    wall_seconds: float
    memory: float
