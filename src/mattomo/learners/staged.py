"""Boosted classifiers at several lengths, calibrated together on the validation rows.

How many trees, how sharp (temperature: Guo et al., ICML 2017) and how far drawn towards the shares of the
training rows is one choice for a group of classifiers: their summed cross-entropy on the validation rows. A
rare class has too few of these for a choice of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from mattomo.learners.base import Split
from mattomo.projections.descriptors import Table
from mattomo.projections.graphs import Floats, Ints

#: Numbers of trees (a class) that are compared; training stops when two steps in turn bring nothing.
STAGES = (5, 10, 20, 40, 80, 160, 320)
_TEMPERATURES = (0.7, 0.85, 1.0, 1.2, 1.4, 1.7, 2.0, 3.0)
_SHRINKAGES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
#: Leaves of a tree by training rows: few rows overfit all but stumps.
_FEWEST_LEAVES, _MOST_LEAVES, _ROWS_PER_LEAF = 4, 31, 128


@dataclass(frozen=True)
class Staged:
    """One classifier of L classes after several numbers of trees.

    Attributes
    ----------
    validation : tuple of ndarray of float64, shape (n_known, L)
        Scores (logarithms of probabilities but for a constant) at each of `STAGES`, on the validation rows
        whose class the training rows have; where a longer one is worse there, the best shorter one's.
    test : tuple of ndarray of float64, shape (n_test, L)
    at : ndarray of int64, shape (n_known,)
        True classes of those validation rows.
    prior : ndarray of float64, shape (L,)
        Shares of the training rows.
    """

    validation: tuple[Floats, ...]
    test: tuple[Floats, ...]
    at: Ints
    prior: Floats


def staged(table: Table, index: Ints, split: Split, at: Ints, known: NDArray[np.bool_], seed: int) -> Staged:
    """Train one classifier.

    Parameters
    ----------
    table : Table
        Inputs of n materials.
    index : ndarray of int64, shape (n_train,)
        Classes 0 ... L - 1 of the training rows, each present, L at least 2.
    split : Split
    at : ndarray of int64, shape (n_validation,)
        Classes of the validation rows, looked at where they are ``known``.
    known : ndarray of bool, shape (n_validation,)
    seed : int

    Returns
    -------
    Staged
    """
    import lightgbm

    counts = np.bincount(index)
    two = len(counts) == 2
    parameters: dict[str, Any] = {
        "objective": "binary" if two else "multiclass",
        "num_class": 1 if two else len(counts),
        "learning_rate": 0.1,
        "num_leaves": int(np.clip(len(index) // _ROWS_PER_LEAF, _FEWEST_LEAVES, _MOST_LEAVES)),
        "min_data_in_leaf": 20,
        "lambda_l2": 5.0,
        "bagging_fraction": 0.6,
        "bagging_freq": 1,
        "max_bin": 63,
        "seed": seed,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }
    inputs = table.values
    booster = lightgbm.Booster(parameters, lightgbm.Dataset(inputs[split.train], index, params=parameters))
    held = inputs[split.validation[known]]
    test = inputs[split.test]
    at = at[known]

    def scores(rows: Floats, trees: int) -> Floats:
        if not len(rows):
            return np.zeros((0, len(counts)))
        # predicting on all cores would also spread the trees that follow over them
        raw = np.asarray(
            booster.predict(rows, num_iteration=trees, raw_score=True, num_threads=1), dtype=np.float64
        )
        return np.stack([-raw / 2, raw / 2], axis=1) if two else raw

    found: list[tuple[float, Floats, Floats]] = []
    worse = grown = 0
    finished = False
    for trees in STAGES:
        if worse < 2 and not finished:
            while grown < trees and not finished:
                finished = bool(booster.update())
                grown += 1
            own = scores(held, trees)
            loss = float(-log_softmax(own, axis=1)[np.arange(len(at)), at].sum())
            if not found or loss < found[-1][0]:
                found.append((loss, own, scores(test, trees)))
                worse = 0
                continue
            worse += 1
        found.append(found[-1])
    return Staged(
        validation=tuple(each[1] for each in found),
        test=tuple(each[2] for each in found),
        at=at,
        prior=counts / len(index),
    )


def calibrated(group: Sequence[Staged]) -> list[Floats]:
    """Probabilities of the test rows by each classifier of a group, shapes (n_test, L).

    Number of trees, temperature and shrinkage are those of the least cross-entropy of the whole group on the
    validation rows; without any such row the shares of the training rows.
    """
    best = (np.inf, 0, 1.0, 1.0)
    for stage, temperature in product(range(len(STAGES)), _TEMPERATURES):
        own = [
            np.exp(
                log_softmax(each.validation[stage] / temperature, axis=1)[np.arange(len(each.at)), each.at]
            )
            for each in group
        ]
        for shrinkage in _SHRINKAGES:
            chance = np.concatenate(
                [(1 - shrinkage) * p + shrinkage * e.prior[e.at] for p, e in zip(own, group, strict=True)]
            )
            loss = float(-np.log(chance).sum()) if len(chance) else 0.0
            # of equals, as where nothing was learned, the shares
            best = min(best, (loss, stage, temperature, -shrinkage) if len(chance) else (0.0, 0, 1.0, -1.0))
    _, stage, temperature, negative = best
    shrinkage = -negative
    return [
        (1 - shrinkage) * np.exp(log_softmax(each.test[stage] / temperature, axis=1)) + shrinkage * each.prior
        for each in group
    ]
