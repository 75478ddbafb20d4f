"""What is to be told of a material, and how many bits a calibrated guess of it leaves open.

The code length of a test row, -log2 of the probability given to what it is, has a mean that no calibration
can bring below the conditional entropy: it is an upper bound of what the properties leave open.

- a *class* (crystal system, space group): one classifier;
- the *elements*: one classifier each, and the sum of their code lengths. Elements go together, so the sum is
  above the entropy of the set;
- the *composition*: the elements; then the formula class (ABC3) among those of so many elements; then which
  element has which amount, every assignment alike. That is a complete code of the reduced formula.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mattomo.learners.base import Split
from mattomo.learners.classes import (
    LEAST_OF_CLASS,
    class_distribution,
    pooled_distribution,
    presence_probabilities,
)
from mattomo.materials.formula import SYMBOLS
from mattomo.materials.table import Materials
from mattomo.projections.descriptors import Table
from mattomo.projections.elements import N_ELEMENTS
from mattomo.projections.labels import (
    Labels,
    amount_bits,
    assignment_bits,
    class_labels,
    elements_present,
    formula_classes,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: Bounds of the predicted probabilities that are compared with what comes true.
EDGES = (0.0, 0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
#: Stands for the classes that no training row has.
ANY_OTHER = "(any other)"
_SYMBOLS = SYMBOLS[:N_ELEMENTS]


@dataclass(frozen=True)
class Fitted:
    """How well one set of properties tells the hidden projection of n test rows.

    Attributes
    ----------
    bits : ndarray of float64, shape (n,)
        Code length of each row.
    found : ndarray of float64, shape (n,)
        Whether the likeliest class is the true one; of elements the share of the k present that are among
        the k likeliest.
    parts : mapping of str to float
        Mean bits of the parts of the code.
    calibration : ndarray of float64, shape (4, len(EDGES) - 1)
        By bin of the predicted probability: predictions, their sum, how many came true, and the variance of
        that number were the predictions right and independent.
    """

    bits: Floats
    found: Floats
    parts: dict[str, float]
    calibration: Floats


@dataclass(frozen=True)
class Hidden:
    """The projection to be told, of n materials.

    Attributes
    ----------
    to : str
        ``"crystal_system"``, ``"spacegroup"``, ``"elements"``, ``"composition"``, or a category.
    labels : Labels or None
        Classes, where it is one.
    present : ndarray of bool, shape (n, 103)
        Elements of each material.
    formula_class : ndarray of str, shape (n,)
    amount_bits, assignment_bits : ndarray of float64, shape (n,)
    """

    to: str
    labels: Labels | None
    present: Flags
    formula_class: NDArray[np.str_]
    amount_bits: Floats
    assignment_bits: Floats

    @property
    def missing(self) -> Flags:
        """Materials of which it is not known, shape (n,)."""
        if self.labels is None:
            return np.zeros(len(self.present), dtype=bool)
        return np.asarray(self.labels.values == "", dtype=bool)

    @property
    def n_values(self) -> int:
        """Different values among the materials."""
        if self.labels is not None:
            return len(np.unique(self.labels.values))
        return len(np.unique(self.present, axis=0))

    def take(self, index: Ints) -> Hidden:
        """Of the materials at positions ``index``; -1 stands for one of which nothing is known."""
        known = index >= 0
        labels = self.labels
        if labels is not None:
            labels = Labels(labels.name, np.where(known, labels.values[index], ""), labels.possible)
        return Hidden(
            self.to,
            labels,
            self.present[index] & known[:, None],
            np.where(known, self.formula_class[index], ""),
            self.amount_bits[index],
            self.assignment_bits[index],
        )

    def commonest(self, rows: Ints, n: int) -> Hidden:
        """With the n commonest elements of these rows alone; the composition becomes the elements."""
        if self.labels is not None:
            return self
        order = np.argsort(-self.present[rows].sum(axis=0), kind="stable")
        present = self.present.copy()
        present[:, order[n:]] = False
        return Hidden("elements", None, present, self.formula_class, self.amount_bits, self.assignment_bits)

    def score(self, table: Table | None, split: Split, seed: int) -> Fitted:
        """Learn from the training rows, calibrate on the validation rows, and code the test rows.

        Parameters
        ----------
        table : Table or None
            What is known of the n materials; None: nothing.
        split : Split
        seed : int
        """
        if self.labels is not None:
            return self._score_class(self.labels, table, split, seed)
        present = self.present[split.test]
        chance = presence_probabilities(table, _SYMBOLS, self.present, split, seed)
        own = np.where(present, chance, 1 - chance)
        of_elements: Floats = -np.log2(own).sum(axis=1)
        found = _share_found(chance, present)
        calibration = binned(chance, present)
        if self.to == "elements":
            return Fitted(of_elements, found, {"elements": float(of_elements.mean())}, calibration)
        of_class = self._class_bits(table, split, seed)
        of_assignment = self.assignment_bits[split.test]
        parts = {"elements": of_elements, "formula class": of_class, "assignment": of_assignment}
        means = {name: float(bits.mean()) for name, bits in parts.items()}
        return Fitted(of_elements + of_class + of_assignment, found, means, calibration)

    def chances(self, table: Table | None, split: Split, seed: int) -> dict[str, dict[str, float]]:
        """Probabilities for the first test row, by part (one, but for the composition) and value."""
        if self.labels is not None:
            labels = self.labels
            told = class_distribution(table, self.to, labels.values, labels.possible, split, seed)
            chance = dict(zip(told.levels.tolist(), told.probabilities[0].tolist(), strict=True))
            return {self.to: chance | ({ANY_OTHER: float(told.unseen[0])} if told.n_unseen else {})}
        present = presence_probabilities(table, _SYMBOLS, self.present, split, seed)
        elements = dict(zip(_SYMBOLS, present[0].tolist(), strict=True))
        if self.to == "elements":
            return {"elements": elements}
        pooled, _ = self._pooled(split)
        told = pooled_distribution(table, "formula class", pooled, split, seed)
        names = [
            f"(another of {_letters(level)} elements)" if level.startswith("rare ") else level
            for level in told.levels.tolist()
        ]
        return {
            "elements": elements,
            "formula class": dict(zip(names, told.probabilities[0].tolist(), strict=True)),
        }

    def _pooled(self, split: Split) -> tuple[NDArray[np.str_], Flags]:
        """Formula classes, those of few training rows as one for each number of elements; which are not."""
        levels, counts = np.unique(self.formula_class[split.train], return_counts=True)
        common = np.isin(self.formula_class, levels[counts >= LEAST_OF_CLASS])
        rare = np.char.add("rare ", self.present.sum(axis=1).astype(np.str_))
        return np.where(common, self.formula_class, rare), common

    def _score_class(self, labels: Labels, table: Table | None, split: Split, seed: int) -> Fitted:
        told = class_distribution(table, self.to, labels.values, labels.possible, split, seed)
        true = labels.values[split.test]
        bits: Floats = -np.log2(told.of(true))
        likeliest = told.levels[told.probabilities.argmax(axis=1)]
        calibration = binned(told.probabilities, told.levels[None, :] == true[:, None])
        found = (likeliest == true).astype(np.float64)
        return Fitted(bits, found, {self.to: float(bits.mean())}, calibration)

    def _class_bits(self, table: Table | None, split: Split, seed: int) -> Floats:
        """Code length of the formula class, the number of elements known."""
        size = self.present.sum(axis=1)
        pooled, common = self._pooled(split)
        told = pooled_distribution(table, "formula class", pooled, split, seed)
        sizes = np.array([_letters(level) for level in told.levels.tolist()])
        test = split.test
        same = sizes[None, :] == size[test][:, None]
        among: Floats = (told.probabilities * same).sum(axis=1)
        own = np.where(np.isin(pooled[test], told.levels), told.of(pooled[test]), 0.0)
        # a rare class of a size of which the training rows have no rare class
        of_size = np.bincount(size[split.train], minlength=int(size.max(initial=0)) + 1)
        rare_known = np.isin(np.char.add("rare ", size[test].astype(np.str_)), told.levels)
        escape = np.where(rare_known, 0.0, 0.5 / (of_size[size[test]] + 1))
        escape = np.where(among > 0, escape, 1.0)
        chance = np.where(own > 0, (1 - escape) * own / np.where(among > 0, among, 1.0), escape)
        return np.where(common[test], 0.0, self.amount_bits[test]) - np.log2(chance)


def hidden(materials: Materials, to: str) -> Hidden:
    """The projection called ``to`` of n materials.

    Raises
    ------
    InputError
        There is no such projection, or it is a column of numbers.
    """
    c = materials.compositions
    return Hidden(
        to=to,
        labels=None if to in ("elements", "composition") else class_labels(materials, to),
        present=elements_present(c),
        formula_class=formula_classes(c),
        amount_bits=amount_bits(c),
        assignment_bits=assignment_bits(c),
    )


def binned(chance: Floats, true: Flags) -> Floats:
    """Predicted probabilities and what came true, by bin, shape (4, len(EDGES) - 1); see `Fitted`."""
    p, came = chance.ravel(), true.ravel().astype(np.float64)
    at = np.clip(np.searchsorted(EDGES, p, side="right") - 1, 0, len(EDGES) - 2)
    weights: Sequence[Floats] = (np.ones(len(p)), p, came, p * (1 - p))
    return np.array([np.bincount(at, w, minlength=len(EDGES) - 1) for w in weights])


def _share_found(chance: Floats, present: Flags) -> Floats:
    """Share of the k elements of a material that are among its k likeliest, shape (n,)."""
    rank = np.argsort(np.argsort(-chance, axis=1, kind="stable"), axis=1)
    size = present.sum(axis=1)
    hits = (present & (rank < size[:, None])).sum(axis=1)
    return np.asarray(hits / np.maximum(size, 1), dtype=np.float64)


def _letters(level: str) -> int:
    """Number of elements of a formula class."""
    if level.startswith("rare "):
        return int(level.removeprefix("rare "))
    return sum(character.isalpha() for character in level)
