"""Compiled steps over a stack of models that share every batch."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from mattomo.learners.cgcnn.model import Batch, Params, State, forward, head, trunk


class Stack(NamedTuple):
    """K models; every leaf has a leading dimension K."""

    params: Params
    state: State
    velocity: Params


def stack(models: list[tuple[Params, State]], dtype: Any = jnp.float32) -> Stack:
    """Stack the weights and running statistics of K models, at rest."""
    params, state = jax.tree.map(lambda *leaves: jnp.asarray(jnp.stack(leaves), dtype), *models)
    return Stack(params, state, jax.tree.map(jnp.zeros_like, params))


@partial(jax.jit, static_argnames="chunk", donate_argnames="models")
def train_step(
    models: Stack,
    batch: Batch,
    elements: Array,
    targets: Array,
    added: tuple[Array, Array],
    rate: Array,
    momentum: Array,
    *,
    chunk: int | None,
) -> tuple[Stack, Array]:
    """One step of stochastic gradient descent of every model on one batch.

    Parameters
    ----------
    models : Stack
    batch : Batch
    elements : Array, shape (104, 92)
    targets : Array, shape (K, B)
        Standardised targets.
    added : tuple of Arrays, shape (K, B, m)
        Rows of the added weights, and values.
    rate, momentum : Array, shape ()
    chunk : int or None
        Models computed side by side; ``None`` runs them one after the other (faster on a CPU, whose
        caches hold one model).

    Returns
    -------
    models : Stack
    loss : Array, shape (K,)
        Mean squared error of the batch before the step.
    """
    weight = batch.crystal_weight / batch.crystal_weight.sum()

    def one(item: tuple[Stack, Array, tuple[Array, Array]]) -> tuple[Stack, Array]:
        model, y, extra = item

        def loss(params: Params) -> tuple[Array, State]:
            predicted, state = forward(params, model.state, batch, elements, extra, train=True)
            return weight @ (predicted - y) ** 2, state

        (error, state), gradient = jax.value_and_grad(loss, has_aux=True)(model.params)
        velocity = jax.tree.map(lambda v, g: momentum * v + g, model.velocity, gradient)
        params = jax.tree.map(lambda p, v: p - rate * v, model.params, velocity)
        return Stack(params, state, velocity), error

    stepped: tuple[Stack, Array] = jax.lax.map(one, (models, targets, added), batch_size=chunk)
    return stepped


@partial(jax.jit, static_argnames="chunk")
def predict_step(
    params: Params,
    state: State,
    batch: Batch,
    elements: Array,
    added: tuple[Array, Array],
    *,
    chunk: int | None,
) -> Array:
    """Predictions of every model for one batch with the running statistics, shape (K, B)."""

    def one(item: tuple[Params, State, tuple[Array, Array]]) -> Array:
        return forward(item[0], item[1], batch, elements, item[2], train=False)[0]

    predictions: Array = jax.lax.map(one, (params, state, added), batch_size=chunk)
    return predictions


@partial(jax.jit, static_argnames="chunk")
def swap_step(
    params: Params,
    state: State,
    batch: Batch,
    elements: Array,
    drawn: tuple[Array, Array],
    *,
    chunk: int | None,
) -> Array:
    """Predictions of every model for one batch under n added inputs each, shape (K, n, B).

    ``drawn`` are their rows and values, shapes (K, n, B, m). The graph is read once.
    """

    def one(item: tuple[Params, State, tuple[Array, Array]]) -> Array:
        pooled, _ = trunk(item[0], item[1], batch, elements, train=False)
        swapped: Array = jax.lax.map(lambda added: head(item[0], pooled, added), item[2])
        return swapped

    predictions: Array = jax.lax.map(one, (params, state, drawn), batch_size=chunk)
    return predictions


@jax.jit
def keep_better(
    best: tuple[Params, State], models: tuple[Params, State], better: Array
) -> tuple[Params, State]:
    """``models`` where ``better`` (shape (K,)), else ``best``."""

    def choose(old: Array, new: Array) -> Array:
        return jnp.where(better.reshape((-1,) + (1,) * (old.ndim - 1)), new, old)

    kept: tuple[Params, State] = jax.tree.map(choose, best, models)
    return kept
