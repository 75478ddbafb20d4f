"""The costly part of CGCNN, edge by edge, with its derivative written by hand.

z = a[centre] + b[neighbour] + c[bond], batch normalisation, gate times core, weighted sum over the edges
of a centre. Edge-sized arrays do not fit a processor's cache, and reading them again and again is what
costs; so the edges are walked in tiles that fit, forward twice (statistics, then messages) and backward
twice. A graphics card takes all edges as one tile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

#: Added to variances, as in the reference implementation.
EPSILON = 1e-5
#: Edges of one tile on a processor: 512 x 2 x 64 numbers are 256 kB.
TILE = 512


#: Gate and core. XLA vectorises two arrays of f columns where it fails on slices of one with 2f.
Pair = tuple[Array, Array]


class Edges(NamedTuple):
    """Edges of a batch; E is a multiple of `TILE`. Padding edges have zero weights."""

    centre: Array  #: (E,) int32, sorted
    neighbour: Array  #: (E,) int32
    bond: Array  #: (E,) int32
    weight: Array  #: (E,) bonds of one centre site that the edge stands for
    total_weight: Array  #: (E,) the same, times the number of sites its centre stands for


@jax.custom_jvp
def softplus(x: Array) -> Array:
    """log(1 + exp(x)), safe for large x of either sign."""
    # log1p is not vectorised by XLA on processors (about 20x slower); what it would add is below the
    # last digit of softplus(x) + 1.
    return jnp.maximum(x, 0) + jnp.log(1 + jnp.exp(-jnp.abs(x)))


@softplus.defjvp
def _softplus_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,), (dx,) = primals, tangents
    return softplus(x), jax.nn.sigmoid(x) * dx


def take(table: Array, index: Array) -> Array:
    """Rows ``index`` (shape (m,)) of ``table``; indices are known to be in bounds."""
    return table.at[index].get(mode="promise_in_bounds")


def add_rows(onto: Array, index: Array, rows: Array, *, is_sorted: bool = False) -> Array:
    """``onto`` with ``rows`` (shape (m, f)) added at rows ``index`` (shape (m,))."""
    return onto.at[index].add(rows, mode="promise_in_bounds", indices_are_sorted=is_sorted)


def spread(length: Array, centres: tuple[float, ...], width: float) -> Array:
    """Gaussian expansion of bond lengths, shape (U,) -> (U, g)."""
    return jnp.exp(-((length[:, None] - jnp.asarray(centres, length.dtype)) ** 2) / width**2)


def moments(z: Array, weight: Array) -> tuple[Array, Array]:
    """Weighted sums of z and of z² over rows, shapes (f,)."""
    weighted = weight[:, None] * z
    return weighted.sum(0), (weighted * z).sum(0)


def mean_and_variance(sums: tuple[Array, Array], total: Array) -> tuple[Array, Array]:
    """Mean and biased variance from `moments` and the sum of the weights."""
    mean = sums[0] / total
    return mean, jnp.maximum(sums[1] / total - mean * mean, 0)


def _tiles(edges: Edges) -> Edges:
    """Edges with a leading dimension of tiles."""
    n_edges = len(edges.centre)
    size = TILE if jax.default_backend() == "cpu" and n_edges % TILE == 0 else n_edges
    return Edges(*(x.reshape(-1, size) for x in edges))


def _edge_sums(edges: Edges, a: Pair, b: Pair, c: Pair) -> tuple[Pair, tuple[Pair, Pair]]:
    """z = a[centre] + b[neighbour] + c[bond], shapes (tiles, tile, f), and its `moments`."""

    def add(_: None, e: Edges) -> tuple[None, Any]:
        gate, core = (
            take(x, e.centre) + take(y, e.neighbour) + take(z, e.bond)
            for x, y, z in zip(a, b, c, strict=True)
        )
        return None, ((gate, core), (moments(gate, e.total_weight), moments(core, e.total_weight)))

    _, (z, sums) = jax.lax.scan(add, None, _tiles(edges))
    return z, jax.tree.map(lambda s: s.sum(0), sums)


def _add_up(edges: Edges, z: Pair, slope: Pair, offset: Pair, nodes: int) -> Array:
    """Gated messages of the normalised edges, summed into their centres, shape (nodes, f)."""

    def add(total: Array, tile: tuple[Edges, Array, Array]) -> tuple[Array, None]:
        e, gate, core = tile
        opened = jax.nn.sigmoid(gate * slope[0] + offset[0])
        message = opened * softplus(core * slope[1] + offset[1]) * e.weight[:, None]
        return add_rows(total, e.centre, message, is_sorted=True), None

    start = jnp.zeros((nodes, z[0].shape[-1]), z[0].dtype)
    return jax.lax.scan(add, start, (_tiles(edges), *z))[0]


def messages(edges: Edges, a: Pair, b: Pair, c: Pair, slope: Pair, offset: Pair) -> Array:
    """Sum of gated messages into every node, given the affine map of an evaluation-mode normalisation.

    Parameters
    ----------
    edges : Edges
    a, b, c : pair of Arrays, shapes (C, f), (C, f), (U, f)
        Parts of z from the centre, the neighbour and the bond, for the gate and the core.
    slope, offset : pair of Arrays, shape (f,)

    Returns
    -------
    Array, shape (C, f)
    """
    z, _ = _edge_sums(edges, a, b, c)
    return _add_up(edges, z, slope, offset, len(a[0]))


@jax.custom_vjp
def normalised_messages(
    edges: Edges, a: Pair, b: Pair, c: Pair, scale: Pair, shift: Pair
) -> tuple[Array, tuple[Pair, Pair]]:
    """Sum of gated messages into every node in training mode (Xie & Grossman 2018, eq. 5).

    Parameters
    ----------
    edges : Edges
    a, b, c : pair of Arrays, shapes (C, f), (C, f), (U, f)
        As in `messages`.
    scale, shift : pair of Arrays, shape (f,)
        Of the batch normalisation over all bonds of the batch.

    Returns
    -------
    message : Array, shape (C, f)
    statistics : two pairs of Arrays, shape (f,)
        Means and variances of z; no derivative flows through them.
    """
    return _forward(edges, a, b, c, scale, shift)[0]


def _forward(
    edges: Edges, a: Pair, b: Pair, c: Pair, scale: Pair, shift: Pair
) -> tuple[tuple[Array, tuple[Pair, Pair]], tuple[Any, ...]]:
    z, sums = _edge_sums(edges, a, b, c)
    total = jnp.maximum(edges.total_weight.sum(), 1)
    gate, core = (mean_and_variance(s, total) for s in sums)
    mean, variance = (gate[0], core[0]), (gate[1], core[1])
    r = _pair(lambda v: jax.lax.rsqrt(v + EPSILON), variance)
    slope = _pair(jnp.multiply, scale, r)
    offset = _pair(lambda s, m, k: s - m * k, shift, mean, slope)
    message = _add_up(edges, z, slope, offset, len(a[0]))
    return (message, (mean, variance)), (edges, z, mean, r, slope, offset, total, (len(a[0]), len(c[0])))


def _backward(residual: tuple[Any, ...], cotangents: tuple[Array, Any]) -> tuple[Any, ...]:
    edges, z, mean, r, slope, offset, total, (nodes, lengths) = residual
    d_message = cotangents[0]
    f = d_message.shape[1]
    tiles = _tiles(edges)

    def through_gate(_: None, tile: tuple[Edges, Array, Array]) -> tuple[None, Any]:
        e, gate, core = tile
        d = take(d_message, e.centre) * e.weight[:, None]
        n_gate, n_core = gate * slope[0] + offset[0], core * slope[1] + offset[1]
        opened = jax.nn.sigmoid(n_gate)
        d_gate = d * softplus(n_core) * opened * (1 - opened)
        d_core = d * opened * jax.nn.sigmoid(n_core)
        sums = ((d_gate.sum(0), d_core.sum(0)), ((d_gate * gate).sum(0), (d_core * core).sum(0)))
        return None, ((d_gate, d_core), sums)

    _, (d_n, sums) = jax.lax.scan(through_gate, None, (tiles, *z))
    d_shift, d_product = jax.tree.map(lambda s: s.sum(0), sums)
    d_scale = _pair(lambda q, m, s, k: k * (q - m * s), d_product, mean, d_shift, r)
    # dz = slope (dn - weight / total (d_shift + z_hat d_scale)) with z_hat = (z - mean) r is
    # slope dn - weight (k z + c).
    k = _pair(lambda t, q, d: t * q * d / total, slope, r, d_scale)
    c = _pair(lambda t, s, m, k: t * s / total - m * k, slope, d_shift, mean, k)

    def through_sum(
        totals: tuple[Pair, Pair, Pair], tile: tuple[Edges, Array, Array, Array, Array]
    ) -> tuple[tuple[Pair, Pair, Pair], None]:
        e, gate, core, d_gate_n, d_core_n = tile
        d_gate, d_core = (
            slope[i] * d_n - e.total_weight[:, None] * (k[i] * z + c[i])
            for i, (z, d_n) in enumerate(((gate, d_gate_n), (core, d_core_n)))
        )

        def added(total: Pair, index: Array, is_sorted: bool) -> Pair:
            return (
                add_rows(total[0], index, d_gate, is_sorted=is_sorted),
                add_rows(total[1], index, d_core, is_sorted=is_sorted),
            )

        d_a, d_b, d_c = totals
        return (added(d_a, e.centre, True), added(d_b, e.neighbour, False), added(d_c, e.bond, False)), None

    def zeros(rows: int) -> Pair:
        return jnp.zeros((rows, f), d_message.dtype), jnp.zeros((rows, f), d_message.dtype)

    start = (zeros(nodes), zeros(nodes), zeros(lengths))
    (d_a, d_b, d_c), _ = jax.lax.scan(through_sum, start, (tiles, *z, *d_n))
    return None, d_a, d_b, d_c, d_scale, d_shift


normalised_messages.defvjp(_forward, _backward)


def _pair(function: Callable[..., Array], *pairs: Pair) -> Pair:
    return function(*(p[0] for p in pairs)), function(*(p[1] for p in pairs))
