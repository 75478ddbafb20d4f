"""Gradient-boosted trees on tables of descriptors, by LightGBM (Ke et al., NeurIPS 2017)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mattomo.keyed import seed_of
from mattomo.learners.base import Reads, Task, Trained, Unit
from mattomo.learners.tabular import base_table, target_of
from mattomo.materials.table import Column
from mattomo.projections.graphs import Floats, Ints
from mattomo.projections.property import encode

#: Leaves of a tree by training rows: few rows overfit large trees, many rows leave small ones behind.
_FEWEST_LEAVES, _MOST_LEAVES, _ROWS_PER_LEAF = 8, 31, 64


@dataclass(frozen=True)
class Trees:
    """Gradient-boosted regression trees.

    The defaults were chosen by validation error and speed on the embedded example set
    (``benchmarks/trees.py``). There, squared loss has the lower mean absolute error for formation energy and
    density, absolute loss for targets with many zeros (band gap, energy above hull, by 2 to 7 %) and takes
    a quarter more time.

    Parameters
    ----------
    rounds : int
        Most trees of a model.
    patience : int
        Rounds without a better validation error after which a model stops.
    learning_rate : float
    leaves : int or None
        Leaves of a tree. ``None`` means one for 64 training rows, at least 8 and at most 31.
    least_in_leaf : int
        Fewest training rows of a leaf.
    least_in_level : int
        Fewest training rows of a level of a category that can matter. Fewer let a category without any
        information cost accuracy: 10 rows 1 %, 3 rows 7 to 9 % on the example set.
    bins : int
        Most bins of a column.
    bagging : float
        Share of the training rows that each tree sees; baseline and augmented models see the same ones.
    loss : {"squared", "absolute"}
    """

    rounds: int = 500
    patience: int = 50
    learning_rate: float = 0.1
    leaves: int | None = None
    least_in_leaf: int = 3
    least_in_level: int = 10
    bins: int = 127
    bagging: float = 1.0
    loss: str = "squared"

    name = "trees"
    version = 1
    reads: ClassVar[Reads] = "table"

    def __post_init__(self) -> None:
        if self.loss not in _OBJECTIVES:
            raise ValueError(f"loss must be 'squared' or 'absolute', not {self.loss!r}")

    def settings(self) -> dict[str, Any]:
        """Everything that determines the result besides the unit."""
        return asdict(self)

    def train(self, unit: Unit, progress: Callable[[float], None] | None = None) -> Trained:
        """Train all tasks of a unit, one after the other.

        Parameters
        ----------
        unit : Unit
            K tasks over n materials, whose base representation is a `Table`.
        progress : callable, optional
            Told the share done after every task.

        Returns
        -------
        Trained
            An epoch is a tree; curves of models that stopped earlier end in NaN.
        """
        started = time.perf_counter()
        base = base_table(unit).values
        fits = []
        for k, task in enumerate(unit.tasks):
            fits.append(self._fit(unit, task, base))
            if progress is not None:
                progress((k + 1) / len(unit.tasks))
        return Trained(
            validation=np.stack([fit.validation for fit in fits]),
            test=np.stack([fit.test for fit in fits]),
            best_epoch=np.array([fit.best for fit in fits], dtype=np.int64),
            validation_mae=_padded([fit.validation_mae for fit in fits]),
            train_loss=_padded([fit.train_loss for fit in fits]),
            seconds=time.perf_counter() - started,
            swapped={(k, name): drawn for k, fit in enumerate(fits) for name, drawn in fit.swapped.items()},
        )

    def _fit(self, unit: Unit, task: Task, base: Floats) -> _Fit:
        import lightgbm

        split = unit.split
        inputs, categorical, places = _inputs(unit, task, base)
        target = target_of(unit, task)
        parameters = self._parameters(unit, task)
        training = lightgbm.Dataset(
            inputs[split.train],
            target.scaled[split.train],
            categorical_feature=categorical,
            params=parameters,
        )
        held = training.create_valid(
            inputs[split.validation], target.scaled[split.validation], params=parameters
        )
        booster = lightgbm.Booster(parameters, training)
        booster.add_valid(held, "validation")
        errors: list[float] = []
        losses: list[float] = []
        best = 0
        while len(errors) < min(self.rounds, best + self.patience):
            # The first tree may find nothing to split and still be the model: the mean.
            finished = booster.update()
            errors.append(_metric(booster.eval_valid(), "l1"))
            losses.append(_metric(booster.eval_train(), "l2"))
            if best == 0 or errors[-1] < errors[best - 1]:
                best = len(errors)
            if finished:
                break

        def predict(rows: Floats) -> Floats:
            scaled = np.asarray(booster.predict(rows, num_iteration=best), dtype=np.float64)
            return scaled * target.scale + target.mean

        test = inputs[split.test]
        swapped = {}
        for name, position in places.items():
            if name in unit.placebos:
                drawn = _numbers(unit.drawn(name), split.train)[len(inputs) :].reshape(-1, len(test))
                replaced = test.copy()
                predictions = np.empty(drawn.shape, dtype=np.float32)
                for d, values in enumerate(drawn):
                    replaced[:, position] = values
                    predictions[d] = predict(replaced)
                swapped[name] = predictions
        return _Fit(
            predict(inputs[split.validation]),
            predict(test),
            best,
            np.array(errors) * target.scale,
            np.array(losses),
            swapped,
        )

    def _parameters(self, unit: Unit, task: Task) -> dict[str, Any]:
        return {
            "objective": _OBJECTIVES[self.loss],
            "metric": ["l1", "l2"],
            "learning_rate": self.learning_rate,
            "num_leaves": leaves_for(len(unit.split.train)) if self.leaves is None else self.leaves,
            "min_data_in_leaf": self.least_in_leaf,
            "max_bin": self.bins,
            # Few rows: even a single one may be told from its neighbours.
            "min_data_in_bin": 1,
            "bagging_fraction": self.bagging,
            "bagging_freq": int(self.bagging < 1),
            # The default of 100 rows in a group would silence every category of a small set.
            "min_data_per_group": self.least_in_level,
            "cat_smooth": self.least_in_level,
            "seed": seed_of("trees", task.target, unit.representation, unit.seed),
            # The result may depend on the rows alone, not on threads or on a measurement of speed.
            "deterministic": True,
            "force_col_wise": True,
            "num_threads": 1,
            "verbosity": -1,
        }


def leaves_for(n_train: int) -> int:
    """Most leaves of a tree by the training rows, where nothing else is asked for."""
    return min(max(n_train // _ROWS_PER_LEAF, _FEWEST_LEAVES), _MOST_LEAVES)


class _Fit(NamedTuple):
    validation: Floats
    test: Floats
    best: int
    validation_mae: Floats
    train_loss: Floats
    swapped: dict[str, NDArray[np.float32]]


_OBJECTIVES = {"squared": "regression", "absolute": "regression_l1"}


def _inputs(unit: Unit, task: Task, base: Floats) -> tuple[Floats, list[int], dict[str, int]]:
    """Base and added columns, shape (n, d + added), the positions of the categories, and where each starts.

    A property of the atoms is as many columns as it has statistics.
    """
    columns, categorical, places = [base], list[int](), dict[str, int]()
    width = base.shape[1]
    for name in task.added:
        places[name] = width
        column = unit.columns[name]
        if name in unit.atoms:
            columns.append(unit.atom_tables[name].values)
        else:
            columns.append(_numbers(column, unit.split.train)[:, None])
            categorical += [width] if column.info.kind == "category" else []
        width += columns[-1].shape[1]
    return np.concatenate(columns, axis=1), categorical, places


def _numbers(column: Column, training: Ints) -> Floats:
    """A scalar as it is; a category as the number of its level among those of the training rows, else NaN."""
    if column.info.kind == "scalar":
        return column.values.astype(np.float64)
    levels = encode(column, training)
    return np.where(levels.unseen, np.nan, levels.index)


def _metric(evaluated: list[Any], name: str) -> float:
    return next(float(value) for _, metric, value, _ in evaluated if metric == name)


def _padded(curves: list[Floats]) -> Floats:
    """Curves side by side, shape (longest, K)."""
    out = np.full((max(map(len, curves)), len(curves)), np.nan)
    for k, curve in enumerate(curves):
        out[: len(curve), k] = curve
    return out
