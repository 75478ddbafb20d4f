"""Sites that are too near to each other, in cells of any size."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

_ALL_PAIRS = 200
_MOST_IMAGES = 3


def too_near(
    lattice: NDArray[np.float64], coords: NDArray[np.float64], closest: float
) -> tuple[int, int, float] | None:
    """Two sites nearer than ``closest`` and their distance in Å, None if there are none.

    All pairs of small cells are compared, larger ones go through a k-d tree: n log n instead of n².

    Parameters
    ----------
    lattice : ndarray, shape (3, 3)
        Lattice vectors as rows, in Å.
    coords : ndarray, shape (n, 3)
        Fractional coordinates.
    closest : float
        In Å; small against the cell.

    Examples
    --------
    >>> i, j, distance = too_near(4 * np.eye(3), np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0, 0, 0.99]]), 0.3)
    >>> i, j, round(distance, 6)
    (0, 2, 0.04)
    """
    found = _by_tree if len(coords) > _ALL_PAIRS else _by_pairs
    return found(lattice, coords, closest)


def _by_pairs(
    lattice: NDArray[np.float64], coords: NDArray[np.float64], closest: float
) -> tuple[int, int, float] | None:
    n = len(coords)
    if n < 2:
        return None
    apart = coords[:, None] - coords[None]
    apart -= np.rint(apart)
    vectors = apart.reshape(-1, 3) @ lattice
    squared = np.einsum("ij,ij->i", vectors, vectors)
    squared[:: n + 1] = np.inf
    nearest = int(squared.argmin())
    if squared[nearest] >= closest**2:
        return None
    i, j = divmod(nearest, n)
    return i, j, float(squared[nearest] ** 0.5)


def _by_tree(
    lattice: NDArray[np.float64], coords: NDArray[np.float64], closest: float
) -> tuple[int, int, float] | None:
    from scipy.spatial import cKDTree

    inside = coords - np.floor(coords)
    bins = np.floor(inside @ lattice / (closest / 2)).astype(np.int64)
    _, back, counts = np.unique(bins, axis=0, return_inverse=True, return_counts=True)
    if counts.max() > 1:  # any two sites of a bin are too near; a tree of many equal points is slow
        crowded = int(counts.argmax())
        i, j = np.nonzero(back.ravel() == crowded)[0][:2].tolist()
        return i, j, float(np.linalg.norm((inside[i] - inside[j]) @ lattice))
    margin = closest * np.linalg.norm(np.linalg.inv(lattice), axis=0)  # closest over the heights of the cell
    reach = np.minimum(np.ceil(margin), _MOST_IMAGES).astype(int).tolist()
    places, origin = [inside], [np.arange(len(inside))]
    for shift in product(*(range(-k, k + 1) for k in reach)):
        if any(shift):
            moved = inside + np.array(shift)
            near = ((moved > -margin) & (moved < 1 + margin)).all(1)
            places.append(moved[near])
            origin.append(np.nonzero(near)[0])
    tree = cKDTree(np.concatenate(places) @ lattice)
    distances, found = tree.query(inside @ lattice, k=2, distance_upper_bound=closest)
    i = int(distances[:, 1].argmin())
    if not distances[i, 1] < closest:
        return None
    # of two sites at one point the tree may name either first
    pair = [int(np.concatenate(origin)[each]) for each in found[i]]
    j = pair[1] if pair[0] == i else pair[0]
    return min(i, j), max(i, j), float(distances[i, 1])
