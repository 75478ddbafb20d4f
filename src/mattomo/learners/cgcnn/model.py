"""CGCNN (Xie & Grossman, PRL 120, 145301, 2018) on weighted graphs, as pure functions of plain dicts."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from mattomo.learners.cgcnn import native
from mattomo.learners.cgcnn.edge import (
    EPSILON,
    Edges,
    add_rows,
    mean_and_variance,
    moments,
    softplus,
    take,
)

Params = dict[str, Any]
State = dict[str, Any]

#: Centres (Å) and width (Å) of the Gaussians a bond length is spread over.
GAUSSIANS = tuple(round(0.2 * k, 1) for k in range(41))
GAUSSIAN_WIDTH = 0.2
#: Weight of the newest batch in the running statistics.
RUNNING = 0.1


class Batch(NamedTuple):
    """A padded batch of B crystals with C nodes, E edges and U distinct bond lengths.

    Padding nodes and edges have zero weight; padding edges attach to the last node.
    """

    Z: Array  #: (C,) int32, atomic numbers
    node_weight: Array  #: (C,)
    crystal: Array  #: (C,) int32, sorted
    pool_weight: Array  #: (C,) node weight over the number of sites of its crystal
    edges: Edges
    length: Array  #: (U,) bond lengths in Å
    crystal_weight: Array  #: (B,) 1 for crystals, 0 for padding
    values: Array | None = None  #: (C, v) further values of the nodes


def forward(
    params: Params,
    state: State,
    batch: Batch,
    elements: Array,
    added: tuple[Array, Array],
    *,
    train: bool,
) -> tuple[Array, State]:
    """Predictions of a batch.

    Parameters
    ----------
    params, state : dict
        Weights and running statistics (see `mattomo.learners.cgcnn.initial`).
    batch : Batch
    elements : Array, shape (104, 92)
        Features of each element by atomic number.
    added : tuple of Arrays, shapes (B, m) int32 and (B, m)
        Added input of each crystal: rows of ``params["added"]`` and their values. What is added inside the
        atoms is in ``batch.values``, and its weights are ``params["atoms"]``.
    train : bool
        Normalise by the batch (and update ``state``) or by the running statistics.

    Returns
    -------
    predictions : Array, shape (B,)
    state : dict
    """
    pooled, new_state = trunk(params, state, batch, elements, train=train)
    return head(params, pooled, added), new_state


def trunk(params: Params, state: State, batch: Batch, elements: Array, *, train: bool) -> tuple[Array, State]:
    """The pooled features of each crystal, shape (B, features), and the running statistics."""
    table = elements @ params["embed"]["w"] + params["embed"]["b"]
    x = take(table, batch.Z)
    # At first every atom of an element is the same, unless it has values of its own.
    origin: tuple[Array, Array] | None = (table, batch.Z)
    if "atoms" in params:
        x, origin = x + batch.values @ params["atoms"], None
    new_state: State = {}
    for name in sorted(params["convs"]):
        x, new_state[name] = _convolve(params["convs"][name], state[name], x, origin, batch, train)
        origin = None
    empty = jnp.zeros((len(batch.crystal_weight), x.shape[1]), x.dtype)
    return add_rows(empty, batch.crystal, x * batch.pool_weight[:, None], is_sorted=True), new_state


def head(params: Params, pooled: Array, added: tuple[Array, Array]) -> Array:
    """Predictions from pooled features and the added input, shape (B,)."""
    hidden = softplus(pooled) @ params["dense"]["w"] + params["dense"]["b"]
    index, value = added
    hidden = hidden + (take(params["added"], index) * value[..., None]).sum(1)
    predictions: Array = softplus(hidden) @ params["out"]["w"] + params["out"]["b"]
    return predictions


def _convolve(
    p: Params, state: State, x: Array, origin: tuple[Array, Array] | None, batch: Batch, train: bool
) -> tuple[Array, State]:
    """One convolution. W [a_i, a_j, g(d)] is split so that each part is computed once a node or length."""
    weights = (p["centre"], p["neighbour"], p["bond"])
    arguments = (batch.edges, batch.length, x, weights)
    gaussians = (GAUSSIANS, GAUSSIAN_WIDTH)
    scale, shift = p["norm1"]["scale"], p["norm1"]["shift"]
    if train:
        message, (mean, variance) = native.normalised_messages(
            *arguments, scale, shift, *gaussians, origin=origin
        )
        # Batch normalisation cancels the bias, which only moves the mean.
        norm1 = _running(state["norm1"], mean + p["bias"], variance, batch.edges.total_weight.sum())
        total = batch.node_weight.sum()
        node_mean, node_variance = mean_and_variance(moments(message, batch.node_weight), total)
        norm2 = _running(state["norm2"], node_mean, node_variance, total)
    else:
        norm1, norm2 = state["norm1"], state["norm2"]
        slope = scale * jax.lax.rsqrt(norm1["variance"] + EPSILON)
        offset = shift + (p["bias"] - norm1["mean"]) * slope
        message = native.messages(*arguments, slope, offset, *gaussians, origin=origin)
        node_mean, node_variance = norm2["mean"], norm2["variance"]
    slope = p["norm2"]["scale"] * jax.lax.rsqrt(node_variance + EPSILON)
    x = softplus(x + message * slope + (p["norm2"]["shift"] - node_mean * slope))
    return x, {"norm1": norm1, "norm2": norm2}


def _running(old: State, mean: Array, variance: Array, total: Array) -> State:
    """Running statistics; the variance is unbiased over all sites or bonds, merged or not.

    A batch without any bond (isolated atoms only) leaves them as they were.
    """
    mean, variance = jax.lax.stop_gradient((mean, variance))
    unbiased = variance * total / jnp.maximum(total - 1, 1)
    rate = jnp.where(total > 0, RUNNING, 0.0).astype(mean.dtype)
    return {
        "mean": old["mean"] + rate * (mean - old["mean"]),
        "variance": old["variance"] + rate * (unbiased - old["variance"]),
    }
