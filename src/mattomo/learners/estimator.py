"""Any scikit-learn regressor as a learner: also the example of how a learner is added in one file."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mattomo.keyed import seed_of
from mattomo.learners.base import Reads, Task, Trained, Unit, mean_absolute_error
from mattomo.learners.tabular import base_table, target_of
from mattomo.projections.graphs import Floats, Ints
from mattomo.projections.property import Encoding, encode, standardiser

#: Parameters that change how an estimator runs, not what it predicts.
_MANNERS = ("n_jobs", "verbose")


@dataclass(frozen=True)
class Estimator:
    """A scikit-learn regressor that reads a `Table`; made by `sklearn`.

    Base columns and added scalars are standardised on the training rows, categories are one-hot over their
    levels, of a property of the atoms its statistics count as base columns, missing values become the mean of
    the training rows, the target is standardised.

    Parameters
    ----------
    estimator : scikit-learn regressor
        Never fitted itself: every task fits a clone.
    name : str
        Word for tables and folders.
    """

    estimator: Any
    name: str

    version = 1
    reads: ClassVar[Reads] = "table"

    def settings(self) -> dict[str, Any]:
        """Class and parameters of the estimator."""
        parameters = self.estimator.get_params()
        kept = {name: _plain(parameters[name]) for name in sorted(parameters) if not _ends(name, _MANNERS)}
        return {"estimator": _plain(type(self.estimator)), "parameters": kept}

    def train(self, unit: Unit, progress: Callable[[float], None] | None = None) -> Trained:
        """Fit a clone for each task of a unit.

        Parameters
        ----------
        unit : Unit
            K tasks over n materials, whose base representation is a `Table`.
        progress : callable, optional
            Told the share done after every task.

        Returns
        -------
        Trained
            With a single epoch. Validation rows are not used.
        """
        from sklearn.base import clone

        started = time.perf_counter()
        split = unit.split
        base = _standardised(base_table(unit).values, split.train)
        dense = {
            name: _standardised(unit.atom_tables[name].values, split.train)
            if name in unit.atoms
            else _dense(encode(unit.columns[name], split.train))
            for name in dict.fromkeys(name for task in unit.tasks for name in task.added)
        }
        validation, test, errors, losses = [], [], [], []
        swapped = {}
        for k, task in enumerate(unit.tasks):
            target = target_of(unit, task)
            added = [dense[name] for name in task.added]
            inputs = np.concatenate([base, *added], axis=1)
            model = clone(self.estimator)
            model.set_params(**_fixed(model.get_params(), unit, task))
            model.fit(inputs[split.train], target.scaled[split.train])
            train, held, out = (
                np.asarray(model.predict(inputs[rows]), dtype=np.float64).reshape(len(rows))
                for rows in (split.train, split.validation, split.test)
            )
            losses.append(float(np.mean((train - target.scaled[split.train]) ** 2)))
            errors.append(float(mean_absolute_error(held, target.scaled[split.validation])) * target.scale)
            validation.append(held * target.scale + target.mean)
            test.append(out * target.scale + target.mean)
            start = base.shape[1]
            for name in task.added:
                stop = start + dense[name].shape[1]
                if name in unit.placebos:
                    drawn = _dense(encode(unit.drawn(name), split.train))[len(base) :]
                    replaced = np.tile(inputs[split.test], (len(drawn) // len(split.test), 1))
                    replaced[:, start:stop] = drawn
                    scaled = np.asarray(model.predict(replaced), dtype=np.float64).reshape(
                        -1, len(split.test)
                    )
                    swapped[k, name] = (scaled * target.scale + target.mean).astype(np.float32)
                start = stop
            if progress is not None:
                progress((k + 1) / len(unit.tasks))
        return Trained(
            validation=np.stack(validation),
            test=np.stack(test),
            best_epoch=np.ones(len(unit.tasks), dtype=np.int64),
            validation_mae=np.array([errors]),
            train_loss=np.array([losses]),
            seconds=time.perf_counter() - started,
            swapped=swapped,
        )


def sklearn(estimator: Any, *, name: str | None = None) -> Estimator:
    """A scikit-learn regressor as a learner.

    Parameters
    ----------
    estimator : scikit-learn regressor
        Its ``random_state``, where it has one, must be a number or None: it is combined with the target,
        the representation and the seed of each unit.
    name : str, optional
        Word for tables and folders; the name of the class by default.

    Returns
    -------
    Estimator

    Raises
    ------
    TypeError
        This is no regressor, or its ``random_state`` is a generator.
    """
    from sklearn.base import is_regressor

    if isinstance(estimator, type) or not hasattr(estimator, "fit") or not is_regressor(estimator):
        raise TypeError(f"not a scikit-learn regressor: {estimator!r}")
    for parameter, value in estimator.get_params().items():
        if _ends(parameter, ("random_state",)) and not isinstance(value, int | np.integer | None):
            raise TypeError(f"{parameter} must be a number or None, got {value!r}")
    return Estimator(estimator, name or type(estimator).__name__)


def _fixed(parameters: dict[str, Any], unit: Unit, task: Task) -> dict[str, Any]:
    """What makes an estimator repeat itself bit for bit."""
    fixed: dict[str, Any] = {}
    for name, value in parameters.items():
        if _ends(name, ("random_state",)):
            # The same for baseline and augmentations; the user's own random_state makes it another one.
            fixed[name] = seed_of(name, value, task.target, unit.representation, unit.seed)
        elif _ends(name, ("n_jobs",)):
            # Threads sum in the order they finish; and there is a worker on every core already.
            fixed[name] = 1
    return fixed


def _dense(encoding: Encoding) -> Floats:
    """An encoding with its zeros, shape (n, width)."""
    columns = np.zeros((len(encoding.index), encoding.width))
    columns[np.arange(len(columns)), encoding.index] = encoding.value
    return columns


def _standardised(values: Floats, training: Ints) -> Floats:
    """Columns with mean 0 and deviation 1 on the training rows; NaN becomes 0, their mean."""
    out = np.zeros_like(values)
    for k, column in enumerate(values.T):
        known = column[training]
        known = known[~np.isnan(known)]
        if len(known):
            mean, scale = standardiser(known)
            out[:, k] = np.nan_to_num((column - mean) / scale)
    return out


def _ends(name: str, words: tuple[str, ...]) -> bool:
    return name.rpartition("__")[2] in words


def _plain(value: Any) -> Any:
    """A parameter as JSON holds it, the same in every process."""
    if isinstance(value, np.generic):
        return _plain(value.item())
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else repr(value)
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        array: NDArray[Any] = value
        return _plain(array.tolist())
    # Of an estimator within, the class: its own parameters are listed beside it.
    named = value if hasattr(value, "__qualname__") else type(value)
    return f"{named.__module__}.{named.__qualname__}"
