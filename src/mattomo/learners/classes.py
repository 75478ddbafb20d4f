"""Calibrated distributions over classes, with a place for classes that few or no training rows have.

Cross-entropy asks for a probability of whatever comes. Classes of few training rows are one class to the
trees; what falls to them is divided by their counts, each raised by one half (Krichevsky & Trofimov, IEEE
Trans. Inf. Theory 27, 199 (1981)), the classes that no training row has included. So every code length is
finite, and the mean of -log2 of the probability is an upper bound of the conditional entropy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mattomo.keyed import seed_of
from mattomo.learners.base import Split
from mattomo.learners.staged import Staged, calibrated, staged
from mattomo.projections.descriptors import Table
from mattomo.projections.graphs import Floats

#: Fewer training rows of a class are too few to learn it, and of an element's presence or absence.
LEAST_OF_CLASS, LEAST_OF_ELEMENT = 5, 10
_RARE = "\x7frare"
#: Elements about as common that share rounds, temperature and shrinkage, at least.
_CALIBRATED_TOGETHER = 12


@dataclass(frozen=True)
class Distribution:
    """Probabilities of the classes of n test rows.

    Attributes
    ----------
    levels : ndarray of str, shape (L,)
        Classes of the training rows, sorted.
    probabilities : ndarray of float64, shape (n, L)
    unseen : ndarray of float64, shape (n,)
        Probability of all other classes together.
    n_unseen : int
        How many others there can be.
    """

    levels: NDArray[np.str_]
    probabilities: Floats
    unseen: Floats
    n_unseen: int

    def of(self, values: NDArray[np.str_]) -> Floats:
        """Probability of the class ``values[i]`` of each test row i, shape (n,)."""
        at = np.minimum(np.searchsorted(self.levels, values), len(self.levels) - 1)
        own: Floats = self.probabilities[np.arange(len(values)), at]
        return np.where(self.levels[at] == values, own, self.unseen / max(self.n_unseen, 1))


def class_distribution(
    table: Table | None, name: str, values: NDArray[np.str_], possible: int, split: Split, seed: int
) -> Distribution:
    """Distribution over classes on the test rows, by boosted trees and the shares of the training rows.

    Parameters
    ----------
    table : Table or None
        What is known of the n materials; ``None`` gives the shares of the training rows to every test row.
    name : str
        With ``seed`` it determines the trees' random numbers.
    values : ndarray of str, shape (n,)
        Classes; those of the test rows are not looked at.
    possible : int
        Classes there can be: at least those of the training rows.
    split : Split
    seed : int
    """
    levels, counts = np.unique(values[split.train], return_counts=True)
    common = levels[counts >= LEAST_OF_CLASS]
    rare, rare_counts = levels[counts < LEAST_OF_CLASS], counts[counts < LEAST_OF_CLASS]
    pooled = np.where(np.isin(values, common), values, _RARE)
    shares = pooled_distribution(table, name, pooled, split, seed)
    n_test = len(split.test)
    given = dict(zip(shares.levels.tolist(), shares.probabilities.T, strict=True))
    slots = possible - len(common)
    of_rare = given.get(_RARE, np.zeros(n_test))
    if slots > 0 and not len(rare):
        # no training row speaks of the others: half a row
        of_rare = np.full(n_test, 0.5 / (len(split.train) + 1))
        given = {level: p * (1 - of_rare) for level, p in given.items()}
    total = float(rare_counts.sum()) + 0.5 * slots
    divided = {
        level: of_rare * (count + 0.5) / total
        for level, count in zip(rare.tolist(), rare_counts.tolist(), strict=True)
    }
    n_unseen = max(slots - len(rare), 0)
    return Distribution(
        levels=levels,
        probabilities=np.stack([(given | divided)[level] for level in levels.tolist()], axis=1),
        unseen=of_rare * (0.5 * n_unseen / total) if n_unseen else np.zeros(n_test),
        n_unseen=n_unseen,
    )


def pooled_distribution(
    table: Table | None, name: str, values: NDArray[np.str_], split: Split, seed: int
) -> Distribution:
    """`class_distribution` where nothing is pooled, and classes without training rows have no probability."""
    levels, index = np.unique(values[split.train], return_inverse=True)
    prior = np.bincount(index, minlength=len(levels)) / len(index)
    n_test = len(split.test)
    probabilities = np.tile(prior, (n_test, 1))
    if table is not None and len(levels) > 1:
        at = np.minimum(np.searchsorted(levels, values[split.validation]), len(levels) - 1)
        known = levels[at] == values[split.validation]
        boosted = staged(table, index, split, at, known, seed_of("inverse", name, seed))
        probabilities = calibrated([boosted])[0]
    return Distribution(levels, probabilities, np.zeros(n_test), 0)


def presence_probabilities(
    table: Table | None,
    names: Sequence[str],
    present: NDArray[np.bool_],
    split: Split,
    seed: int,
) -> Floats:
    """Probability that each test row has each of E things, one classifier each; shape (n_test, E).

    Those that too few training rows have (or lack) get their share in the training rows, a half row added to
    either side. The others are calibrated together with those about as common: a few rows alone would be
    fitted rather than calibrated. Parameters are those of `class_distribution`; ``present`` has shape (n, E).
    """
    n_train = len(split.train)
    counts = present[split.train].sum(axis=0)
    found = np.tile((counts + 0.5) / (n_train + 1), (len(split.test), 1))
    if table is None:
        return found
    rarer = np.minimum(counts, n_train - counts)
    order = np.argsort(-rarer, kind="stable")
    learned = order[rarer[order] >= LEAST_OF_ELEMENT]
    everything = np.ones(len(split.validation), dtype=bool)
    for group in np.array_split(learned, max(1, len(learned) // _CALIBRATED_TOGETHER)):
        boosted: list[Staged] = [
            staged(
                table,
                present[split.train, k].astype(np.int64),
                split,
                present[split.validation, k].astype(np.int64),
                everything,
                seed_of("inverse", names[k], seed),
            )
            for k in group.tolist()
        ]
        for k, probabilities in zip(group.tolist(), calibrated(boosted), strict=True):
            found[:, k] = probabilities[:, 1]
    return found
