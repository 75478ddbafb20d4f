"""Initial weights. A model's trunk depends on its target, representation and seed alone, so that the
baseline and all its augmentations start from the same point; the added input has a stream of its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mattomo.keyed import generator
from mattomo.learners.cgcnn.model import GAUSSIANS, Params, State

ELEMENT_FEATURES = 92


def initial(
    key: Sequence[object],
    added: Sequence[tuple[str, int]],
    *,
    features: int = 64,
    hidden: int = 128,
    convolutions: int = 3,
    added_width: int = 1,
    atoms: Sequence[str] = (),
) -> tuple[Params, State]:
    """Weights and running statistics of one model.

    Uniform in ±1/sqrt(fan-in), as the layers of the reference implementation. The added input is drawn
    with the bound of the dense layer it enters.

    Parameters
    ----------
    key : sequence
        What the trunk depends on, e.g. ``(target, representation, seed)``.
    added : sequence of (name, width)
        Added properties and the number of columns of each.
    features, hidden, convolutions : int
        Width of the atoms' features, of the dense layer, and number of convolutions.
    added_width : int
        Rows of the table of added weights; rows beyond those of ``added`` are never used.
    atoms : sequence of str
        Properties added to the atoms' features; drawn with the bound of the embedding they enter.

    Returns
    -------
    params, state : dict of ndarray (float64)
    """
    rng = generator("cgcnn trunk", *key)

    def uniform(fan_in: int, *shape: int) -> NDArray[np.float64]:
        return rng.uniform(-(fan_in**-0.5), fan_in**-0.5, shape)

    n_in = 2 * features + len(GAUSSIANS)
    params: Params = {
        "embed": {
            "w": uniform(ELEMENT_FEATURES, ELEMENT_FEATURES, features),
            "b": uniform(ELEMENT_FEATURES, features),
        },
        "convs": {},
    }
    state: State = {}
    for k in range(convolutions):
        params["convs"][f"conv{k}"] = {
            "centre": uniform(n_in, features, 2 * features),
            "neighbour": uniform(n_in, features, 2 * features),
            "bond": uniform(n_in, len(GAUSSIANS), 2 * features),
            "bias": uniform(n_in, 2 * features),
            "norm1": {"scale": np.ones(2 * features), "shift": np.zeros(2 * features)},
            "norm2": {"scale": np.ones(features), "shift": np.zeros(features)},
        }
        state[f"conv{k}"] = {
            "norm1": {"mean": np.zeros(2 * features), "variance": np.ones(2 * features)},
            "norm2": {"mean": np.zeros(features), "variance": np.ones(features)},
        }
    params["dense"] = {"w": uniform(features, features, hidden), "b": uniform(features, hidden)}
    params["out"] = {"w": uniform(hidden, hidden), "b": uniform(hidden)}
    table = np.zeros((added_width, hidden))
    row = 0
    for name, width in added:
        bound = features**-0.5
        table[row : row + width] = generator("cgcnn added", name, *key).uniform(
            -bound, bound, (width, hidden)
        )
        row += width
    params["added"] = table
    if atoms:
        bound = ELEMENT_FEATURES**-0.5
        params["atoms"] = np.stack(
            [generator("cgcnn atoms", name, *key).uniform(-bound, bound, features) for name in atoms]
        )
    return params, state
