"""What a representation tells of a property, and stand-ins of the property drawn from that alone.

A *conditional placebo* of a property A has A's distribution given the representation R, and nothing else of
the material. A model that gets worse when A is replaced by such placebos has used what A tells beyond R:
the conditional randomisation test (Candès et al., J. R. Stat. Soc. B 80, 551 (2018)), here with the model
held fixed (Tansey et al., J. Comput. Graph. Stat. 31, 151 (2022)).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from mattomo.keyed import generator, seed_of
from mattomo.learners.base import Split, Task, Unit
from mattomo.learners.linear import discriminant, ridge
from mattomo.learners.trees import Trees
from mattomo.materials.table import Column
from mattomo.projections.descriptors import Table
from mattomo.projections.graphs import Floats, Ints

#: Raised whenever conditionals or the placebos drawn from them change.
VERSION = 2
#: Residuals, or donors, are exchanged within this many groups of rows with similar predictions,
_GROUPS = 10
#: of at least this many rows.
_LEAST_IN_GROUP = 5
#: A scalar is spiky if this share of its values lies within a window of this many standard deviations.
_SPIKE_SHARE, _SPIKE_WIDTH = 0.05, 0.01
#: Trees of a classifier, over all its levels: space groups get few rounds, flags many.
_MOST_TREES, _FEWEST_ROUNDS, _MOST_ROUNDS = 4000, 15, 200

#: Shares of the linear discriminants in the log-odds of a category that are tried.
_LINEAR_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Conditional:
    """What a representation tells of one property on the test rows of a split.

    Attributes
    ----------
    predicted : ndarray of float64, shape (n_test,), or None
        Of a scalar: its prediction.
    scale : float
        Of a scalar: root mean squared error on the validation rows.
    levels : ndarray of str, shape (L,), or None
        Of a category: the levels of the training rows, sorted.
    probabilities : ndarray of float32, shape (n_test, L), or None
        Of a category: calibrated on the validation rows.
    cross_entropy : float
        Of a category: bits a test row, over the rows whose level the training rows have. An upper bound of
        the entropy of the property given the representation.
    """

    predicted: Floats | None = None
    scale: float = float("nan")
    levels: NDArray[np.str_] | None = None
    probabilities: NDArray[np.float32] | None = None
    cross_entropy: float = float("nan")

    def take(self, index: Ints) -> Conditional:
        """Of the test rows at positions ``index`` alone."""
        return replace(
            self,
            predicted=None if self.predicted is None else self.predicted[index],
            probabilities=None if self.probabilities is None else self.probabilities[index],
        )


def learn(
    table: Table, representation: str, columns: Mapping[str, Column], split: Split, seed: int
) -> dict[str, Conditional]:
    """Conditionals of several properties, each on the rows that have it.

    Test rows that lack a scalar get a prediction all the same; see `conditional` for the parameters.
    """
    found = {}
    for name, column in columns.items():
        known = ~column.missing
        rows = Split(split.train[known[split.train]], split.validation[known[split.validation]], split.test)
        found[name] = conditional(table, representation, column, rows, seed)
    return found


def conditional(table: Table, representation: str, column: Column, split: Split, seed: int) -> Conditional:
    """Predict a property of the test rows from a representation.

    A scalar by ridge regression and gradient-boosted trees of what it leaves: trees alone miss sums of many
    descriptors, and a property that the representation determines would look as if it told more. A category
    by linear discriminants and gradient-boosted trees, mixed and calibrated on the validation rows.

    Parameters
    ----------
    table : Table
        Descriptors of n materials.
    representation : str
        With ``seed`` and the name of the property it determines the trees' random numbers.
    column : Column
        Property of the same n materials.
    split : Split
    seed : int

    Returns
    -------
    Conditional
    """
    name = column.info.name
    if column.info.kind == "category":
        return _of_category(table, column, split, seed_of("conditional", name, representation, seed))
    values = column.values.astype(np.float64)
    linear = ridge(table.values, values, split)
    left = {name: replace(column, values=values - linear)}
    trained = Trees().train(Unit(representation, table, left, split, seed, (Task(name),)))
    error = trained.validation[0] - left[name].values[split.validation]
    return Conditional(linear[split.test] + trained.test[0], float(np.sqrt(np.mean(error**2))))


@dataclass(frozen=True)
class Placebos:
    """Conditional placebos of one property on n_test rows.

    Attributes
    ----------
    values : ndarray, shape (n_test,)
        The property itself: float64 for scalars, str for categories.
    conditional : Conditional
    n : int
        Number of draws.
    key : tuple
        Words that determine the random numbers.
    """

    values: NDArray[np.float64] | NDArray[np.str_]
    conditional: Conditional
    n: int
    key: tuple[object, ...]

    def draws(self) -> NDArray[np.float64] | NDArray[np.str_]:
        """All draws, shape (n, n_test).

        A scalar is its prediction plus the residual of another row with a similar prediction; a spiky one
        (many zeros, whole numbers) is the value of such a row; a category is drawn from its probabilities.
        """
        rng = generator("conditional placebo", *self.key)
        c = self.conditional
        if c.probabilities is not None:
            assert c.levels is not None
            edges = np.cumsum(c.probabilities.astype(np.float64), axis=1)
            edges /= edges[:, -1:]
            at = [
                np.minimum((rng.random((len(edges), 1)) > edges).sum(axis=1), len(c.levels) - 1)
                for _ in range(self.n)
            ]
            return np.asarray(c.levels[np.stack(at)])
        assert c.predicted is not None
        values = self.values.astype(np.float64)
        donors = [_donors(c.predicted, rng) for _ in range(self.n)]
        if is_spiky(values):
            return np.stack([values[j] for j in donors])
        residual = values - c.predicted
        return np.stack([c.predicted + residual[j] for j in donors])


def is_spiky(values: Floats) -> bool:
    """Whether many values are (nearly) one: zeros with numerical noise, whole numbers.

    Examples
    --------
    >>> import numpy as np
    >>> normal = np.random.default_rng(0).normal(size=1000)
    >>> is_spiky(normal), is_spiky(np.maximum(normal, 0)), is_spiky(np.round(normal))
    (False, True, True)
    """
    deviation = float(values.std())
    if len(values) < 2 or deviation == 0:
        return True
    inside = np.searchsorted(np.sort(values), np.sort(values) + _SPIKE_WIDTH * deviation, side="right")
    most = int((inside - np.arange(len(values))).max())
    return most > max(_SPIKE_SHARE * len(values), 3)


def _donors(predicted: Floats, rng: np.random.Generator) -> Ints:
    """A permutation within groups of similar predictions, shape (n,)."""
    n = len(predicted)
    # Ties in random order: equal predictions must not pair rows by their place in the table.
    order = np.lexsort((rng.random(n), predicted))
    donors = np.empty(n, dtype=np.int64)
    for group in np.array_split(order, max(1, min(_GROUPS, n // _LEAST_IN_GROUP))):
        donors[group] = rng.permutation(group)
    return donors


def _of_category(table: Table, column: Column, split: Split, seed: int) -> Conditional:
    levels, index = np.unique(column.values[split.train].astype(np.str_), return_inverse=True)
    prior = np.bincount(index) / len(index)
    n_levels = len(levels)
    held = {}
    for part, rows in (("validation", split.validation), ("test", split.test)):
        at = np.minimum(np.searchsorted(levels, column.values[rows]), n_levels - 1)
        held[part] = (rows, at, levels[at] == column.values[rows])
    if n_levels == 1:
        return Conditional(
            levels=levels, probabilities=np.ones((len(split.test), 1), np.float32), cross_entropy=0.0
        )
    trees = _classifier_scores(table.values, index, n_levels, split, held["validation"], seed)
    rows, at, known = held["validation"]
    linear = discriminant(table.values, index, n_levels, split, (rows[known], at[known]))
    mixed = [
        (weight * linear[rows[known]] + (1 - weight) * trees["validation"][known], weight)
        for weight in _LINEAR_SHARES
    ]
    # The mixture that makes the validation rows likeliest, once calibrated.
    fits = [(*_calibration(scores, at[known], prior), weight) for scores, weight in mixed]
    _, temperature, shrinkage, weight = min(fits)
    scores = weight * linear[split.test] + (1 - weight) * trees["test"]
    probabilities = _calibrated(scores, prior, temperature, shrinkage)
    rows, at, known = held["test"]
    chosen = probabilities[np.arange(len(rows)), at][known]
    return Conditional(
        levels=levels,
        probabilities=probabilities.astype(np.float32),
        cross_entropy=float(-np.log2(chosen).mean()) if len(chosen) else float("nan"),
    )


def most_rounds(n_levels: int) -> int:
    """Rounds of a classifier at most; each grows a tree a level."""
    return int(np.clip(_MOST_TREES // n_levels, _FEWEST_ROUNDS, _MOST_ROUNDS))


def _classifier_scores(
    inputs: Floats, index: Ints, n_levels: int, split: Split, validation: tuple[Ints, Ints, Any], seed: int
) -> dict[str, Floats]:
    """Log-probabilities of the levels on validation and test rows, shapes (n, L)."""
    import lightgbm

    parameters = {
        "objective": "multiclass",
        "num_class": n_levels,
        "metric": "multi_logloss",
        "learning_rate": 0.1 if n_levels < 20 else 0.2,
        "num_leaves": 15,
        "min_data_in_leaf": 3,
        "max_bin": 63,
        "seed": seed,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }
    rows, at, known = validation
    training = lightgbm.Dataset(inputs[split.train], index, params=parameters)
    booster = lightgbm.Booster(parameters, training)
    watched = bool(known.any())
    if watched:
        held = training.create_valid(inputs[rows[known]], at[known], params=parameters)
        booster.add_valid(held, "validation")
    rounds = most_rounds(n_levels)
    best, lowest = 1, np.inf
    for number in range(1, rounds + 1):
        finished = booster.update()
        error = booster.eval_valid()[0][2] if watched else -float(number)
        if error < lowest:
            best, lowest = number, error
        if finished or number >= best + 20:
            break
    return {
        part: np.log(np.maximum(np.asarray(booster.predict(inputs[r], num_iteration=best)), 1e-15))
        for part, r in (("validation", split.validation), ("test", split.test))
    }


def _calibrated(scores: Floats, prior: Floats, temperature: float, shrinkage: float) -> Floats:
    """Probabilities of sharpened or flattened scores, drawn towards the shares of the training rows."""
    return (1 - shrinkage) * _tempered(scores, temperature) + shrinkage * prior


def _tempered(scores: Floats, temperature: float) -> Floats:
    """Shares of the levels by sharpened or flattened scores, shape (n, L)."""
    shares: Floats = softmax(scores / temperature, axis=1)
    return shares


def _calibration(scores: Floats, at: Ints, prior: Floats) -> tuple[float, float, float]:
    """Lowest cross-entropy on the validation rows, and the temperature and shrinkage that reach it."""
    if not len(at):
        return 0.0, 1.0, 1.0
    best = (np.inf, 1.0, 1.0)
    for temperature in (0.7, 1.0, 1.4, 2.0, 3.0):
        own = _tempered(scores, temperature)[np.arange(len(at)), at]
        for shrinkage in (0.01, 0.03, 0.1, 0.3, 1.0):
            chosen = (1 - shrinkage) * own + shrinkage * prior[at]
            best = min(best, (float(-np.log(chosen).mean()), temperature, shrinkage))
    return best
