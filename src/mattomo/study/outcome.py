"""What a finished or half-finished study holds: the one input of every analysis and report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from mattomo.materials.registry import PropertyInfo


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
    curves : DataFrame
        learner, representation, target, added, seed, epoch, val_mae; may be empty.
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
    """

    errors: pd.DataFrame
    control_errors: pd.DataFrame
    learning: pd.DataFrame
    rows: pd.DataFrame
    curves: pd.DataFrame
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
