"""Partial information decomposition of (R, A; p): what two projections tell about a target together.

I_R, I_A and I_RA are what the representation R, the added property A and both together tell about the target
p, in usable bits: through the held-out predictions of a learner, not through R itself. The partial
information decomposition (Williams & Beer, arXiv:1004.2515) splits

    I_R = Red + U_R,    I_A = Red + U_A,    I_RA = Red + U_R + U_A + S

into redundant, unique and synergistic parts. Three numbers cannot fix four parts: only I_R, I_A and
U_A + S = I_RA - I_R (with its twin U_R + S) are identified. For the parts themselves there are bounds:

- Red <= min(I_R, I_A), the "minimum mutual information" (Barrett, Phys. Rev. E 91, 052802, 2015);
- Red >= that of the least synergistic joint distribution with the same pairs (p, R) and (p, A) (BROJA, see
  `mattomo.information.broja`), and >= I_R + I_A - I_RA, since no part is negative.

The lower end is the point given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mattomo.information import discrete
from mattomo.information.discrete import Codes, Floats
from mattomo.information.parts import LEAST_ROWS, Decomposition, decompose_joint, same_length, undefined

_BINS, _LEAST_BINS = 8, 3  # of the target and of a scalar
_CLASSES = 16  # of a category
_CELL_ROWS = 5  # fewest clusters for each cell of a table of two columns
_GROUP_ROWS, _LEAST_GROUPS, _MOST_GROUPS = 40, 4, 16  # of the predictions
_TIMID = 1.1  # slope of the target on its prediction above which a model looks undertrained
_STILL_FALLING = 0.1  # fall of the loss over a doubling of the training rows that means the same
_NO_ATOMS = np.empty(0)


def decompose(
    true: Floats,
    predicted_R: Floats,
    predicted_RA: Floats,
    A: NDArray[Any],
    clusters: NDArray[Any],
    *,
    atoms: Floats | None = None,
    losses: Mapping[int, float] | None = None,
    n_boot: int = 200,
    seed: int = 0,
) -> Decomposition:
    """Decompose what a representation R and an added property A tell about a target p.

    The rows are held-out rows of one seed or of several, then concatenated: a material that several seeds
    test is in several rows, and its cluster keeps them together.

    Levels, with c the number of clusters:

    - p has k = clip((c / 5)^(1/2), 3, 8) bins of equal mass, and one level for each of its k most frequent
      atoms (an atom is a value on at least 1 % of the rows and at least 10 of them, such as a band gap of
      zero);
    - R and (R, A) are the predictions in clip(c / 40, 4, 16) groups of equal mass: as many for both, since
      finer groups for (R, A) would read as a gain of a useless A;
    - a scalar A is cut like p; a categorical A keeps its classes of at least 10 rows, of these the 15 most
      frequent if there would be more than 16 levels, and the others are one level.

    Parameters
    ----------
    true : ndarray of float64, shape (n,)
        p.
    predicted_R, predicted_RA : ndarray of float64, shape (n,)
        Predictions of p by the model on R and by the model on R and A, for the same rows.
    A : ndarray, shape (n,)
        The added property: numbers are a scalar, str or bool a category.
    clusters : ndarray of str or int, shape (n,)
        Which rows belong together, usually the formula: the unit of resampling.
    atoms : ndarray of float64, optional
        Atoms of the target, most important first; ``None`` finds them.
    losses : mapping of int to float, optional
        Test loss of the model on R by number of training rows, two numbers at least: judges whether R is
        undertrained.
    n_boot : int
        Resamples; 0 for no intervals.
    seed : int
        Of the resampling.

    Returns
    -------
    Decomposition
        All NaN, with a reason, for fewer than 40 rows, a value that is missing or not finite, or a target or
        an added property with one value.

    Raises
    ------
    ValueError
        Arrays of different lengths.
    """
    p, by_R, by_RA = (np.asarray(v, dtype=np.float64) for v in (true, predicted_R, predicted_RA))
    added, owner = discrete.column(A), discrete.without_holes(clusters)
    same_length(p, by_R, by_RA, added, owner)
    predictions = {"prediction from R": by_R, "prediction from R and A": by_RA}
    reason = _why_not({"target": p, "added property": added}, predictions)
    if reason:
        return undefined(reason, owner)
    bins, groups = _resolution(owner)
    coded, pooled = _levels(added, bins)
    result = decompose_joint(
        discrete.equal_mass(p, bins, atoms),
        discrete.equal_mass(by_R, groups, _NO_ATOMS),
        coded,
        discrete.equal_mass(by_RA, groups, _NO_ATOMS),
        owner,
        n_boot=n_boot,
        seed=seed,
    )
    slope = calibration_slope(p, by_R)
    return replace(result, pooled=pooled, slope=slope, undertrained=_undertrained(slope, losses))


def decompose_nested(
    true: Floats,
    predicted_inner: Floats,
    predicted_outer: Floats,
    clusters: NDArray[Any],
    *,
    atoms: Floats | None = None,
    losses: Mapping[int, float] | None = None,
    n_boot: int = 200,
    seed: int = 0,
) -> Decomposition:
    """Decompose two representations of which one contains the other: R = composition, A = structure.

    There is no joint model of both, since structure contains composition: I_RA is I_A, or I_R if that is
    more. Then nothing is left open: S = 0, Red is the lesser of I_R and I_A, and the rest of the greater is
    its unique part. A ``unique_R`` above zero says that the learner on the outer representation does not
    reach what it reaches on the inner one.

    Parameters
    ----------
    true, clusters, atoms, n_boot, seed
        As for `decompose`.
    predicted_inner, predicted_outer : ndarray of float64, shape (n,)
        Predictions of p from the contained (composition) and from the containing representation (structure).
    losses : mapping of int to float, optional
        Of the model on the inner representation.

    Returns
    -------
    Decomposition

    Raises
    ------
    ValueError
        Arrays of different lengths.
    """
    p, inner, outer = (np.asarray(v, dtype=np.float64) for v in (true, predicted_inner, predicted_outer))
    owner = discrete.without_holes(clusters)
    same_length(p, inner, outer, owner)
    reason = _why_not({"target": p}, {"inner prediction": inner, "outer prediction": outer})
    if reason:
        return undefined(reason, owner)
    bins, groups = _resolution(owner)
    by_outer = discrete.equal_mass(outer, groups, _NO_ATOMS)
    result = decompose_joint(
        discrete.equal_mass(p, bins, atoms),
        discrete.equal_mass(inner, groups, _NO_ATOMS),
        by_outer,
        by_outer,
        owner,
        n_boot=n_boot,
        seed=seed,
    )
    slope = calibration_slope(p, inner)
    return replace(result, slope=slope, undertrained=_undertrained(slope, losses))


def decompose_columns(
    target: NDArray[Any],
    A: NDArray[Any],
    B: NDArray[Any],
    clusters: NDArray[Any],
    *,
    n_boot: int = 200,
    seed: int = 0,
) -> Decomposition:
    """Decompose what two columns A and B tell about a target column, without any model.

    A takes the place of R, B that of A. The joint is the table of all pairs of their levels, so there are
    fewer levels than in `decompose`: scalars have k = clip((c / 5)^(1/3), 3, 8) bins (atoms besides) and
    categories at most clip((c / 5k)^(1/2), 3, 16) classes, with c the number of clusters.

    Parameters
    ----------
    target : ndarray, shape (n,)
        Numbers are a scalar, str or bool a category.
    A, B : ndarray, shape (n,)
        Likewise.
    clusters, n_boot, seed
        As for `decompose`.

    Returns
    -------
    Decomposition
        Its ``pooled`` is that of B.

    Raises
    ------
    ValueError
        Arrays of different lengths.

    Examples
    --------
    >>> a, b = np.repeat([False, True], 200), np.tile([False, True], 200)
    >>> parts = decompose_columns(a != b, a, b, np.arange(400), n_boot=0)
    >>> round(parts.synergy.point, 2), round(parts.redundant.point, 2)
    (1.0, 0.0)
    """
    columns = [discrete.column(v) for v in (target, A, B)]
    owner = discrete.without_holes(clusters)
    same_length(*columns, owner)
    reason = _why_not(dict(zip(("target", "first column", "second column"), columns, strict=True)))
    if reason:
        return undefined(reason, owner)
    per_cell = (int(owner.max()) + 1) / _CELL_ROWS
    bins = int(np.clip(int(per_cell ** (1 / 3)), _LEAST_BINS, _BINS))
    most = int(np.clip(int((per_cell / bins) ** 0.5), _LEAST_BINS, _CLASSES))
    (p, _), (a, _), (b, pooled) = (_levels(column, bins, most) for column in columns)
    return replace(decompose_joint(p, a, b, None, owner, n_boot=n_boot, seed=seed), pooled=pooled)


def calibration_slope(true: Floats, predicted: Floats) -> float:
    """Least-squares slope of the target on its held-out prediction.

    The conditional mean has slope 1. A model that stopped too early predicts too timidly, with a slope above
    1; one that fits noise has a slope below 1. The 1 % lowest and the 1 % highest predictions are left out.

    Parameters
    ----------
    true, predicted : ndarray of float64, shape (n,)
        Finite.

    Returns
    -------
    float
        NaN for constant predictions.

    Examples
    --------
    >>> round(calibration_slope(np.arange(100.0), 50 + 0.25 * np.arange(100.0)), 6)
    4.0
    """
    low, high = np.quantile(predicted, [0.01, 0.99])
    kept = (predicted >= low) & (predicted <= high)
    x, y = predicted[kept], true[kept]
    spread = float(x.std()) if len(x) and x.min() < x.max() else 0.0
    if spread == 0:
        return float("nan")
    return float(((x - x.mean()) / spread * (y - y.mean())).mean() / spread)


def _undertrained(slope: float, losses: Mapping[int, float] | None) -> str:
    """Why the model on R looks undertrained, or ``""``."""
    if np.isnan(slope):
        return "its predictions are constant"
    if slope > _TIMID:
        return f"its predictions are too timid: the target changes {slope:.2f} times as much as they do"
    sizes = sorted(n for n, loss in (losses or {}).items() if n > 0 and loss > 0)
    if losses and len(sizes) > 1:
        before, after = sizes[-2:]
        fall = 1 - (losses[after] / losses[before]) ** float(1 / np.log2(after / before))
        if fall > _STILL_FALLING:
            return f"its error still falls by {100 * fall:.0f} % when the training rows double"
    return ""


def _resolution(owner: Codes) -> tuple[int, int]:
    """Bins of the target and of a scalar, and groups of the predictions, for clusters 0, 1, 2, ..."""
    c = int(owner.max()) + 1
    bins = int(np.clip(int((c / _CELL_ROWS) ** 0.5), _LEAST_BINS, _BINS))
    return bins, int(np.clip(c // _GROUP_ROWS, _LEAST_GROUPS, _MOST_GROUPS))


def _levels(column: NDArray[Any], bins: int, most: int = _CLASSES) -> tuple[Codes, float]:
    """Levels of a scalar or a category, and the share of its rows that are pooled."""
    if _is_category(column):
        return discrete.classes(column, most)
    return discrete.equal_mass(column.astype(np.float64), bins), 0.0


def _is_category(column: NDArray[Any]) -> bool:
    return column.dtype.kind not in "iuf"


def _why_not(varying: Mapping[str, NDArray[Any]], others: Mapping[str, NDArray[Any]] | None = None) -> str:
    """Why there is no decomposition, or ``""``."""
    n = len(next(iter(varying.values())))
    if n < LEAST_ROWS:
        return f"{n} rows, fewer than {LEAST_ROWS}"
    for name, column in {**varying, **(others or {})}.items():
        if _is_category(column):
            if column.dtype.kind == "U" and (column == "").any():
                return f"the {name} is missing in some rows"
        elif not np.isfinite(column).all():
            return f"the {name} is missing or not finite in some rows"
    for name, column in varying.items():
        if (column == column[0]).all():
            return f"the {name} takes one value"
    return ""
