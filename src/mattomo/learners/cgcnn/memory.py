"""How many models a graphics card has room for side by side.

The bytes of a step are those XLA keeps for it when all edges are one tile, as on a card: what the forward
pass leaves for the backward one, and what that one makes. The tests compare them with XLA's own account of
the step compiled for a processor, the only one to be had without a card.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from mattomo.learners.cgcnn.batches import Shape
from mattomo.learners.cgcnn.edge import Edges
from mattomo.learners.cgcnn.initial import initial
from mattomo.learners.cgcnn.model import GAUSSIANS, Batch
from mattomo.learners.cgcnn.steps import Stack, stack, train_step
from mattomo.projections.elements import element_features

_FLOAT = 4
#: Arrays as wide as the features that a step keeps: for each edge (z and four like it, twice as wide, in
#: every convolution), each node and each bond length; and those of all convolutions together.
_EDGE, _NODE, _LENGTH = 10, 6, 2
_EDGE_ONCE, _NODE_ONCE = 2, 1
#: Share of the free memory that is given to steps: an allocator cannot use the last of it.
_USABLE = 0.8
#: Bytes of a device that does not tell how many it has.
UNKNOWN = 4e9


def step_bytes(shape: Shape, *, features: int, hidden: int, convolutions: int, slots: int = 1) -> float:
    """Bytes of one training step of one model beside those of the model itself.

    Parameters
    ----------
    shape : Shape
        Room of the batch.
    features, hidden, convolutions : int
        Of the network.
    slots : int
        Added inputs of a crystal.
    """
    edge = (_EDGE * convolutions + _EDGE_ONCE) * features
    node = (_NODE * convolutions + _NODE_ONCE) * features
    length = _LENGTH * convolutions * features + len(GAUSSIANS)
    crystal = 3 * features + (4 + slots) * hidden
    numbers = edge * shape.edges + node * shape.nodes + length * shape.lengths + crystal * shape.crystals
    return float(_FLOAT * numbers)


def lower_step(
    shape: Shape, models: int, *, chunk: int, features: int, hidden: int, convolutions: int
) -> jax.stages.Lowered:
    """The training step for arrays of a shape, to ask XLA what it keeps, moves and computes.

    Nothing is computed. Edges that are no multiple of `mattomo.learners.cgcnn.edge.TILE` are one tile, as on
    a card.

    Parameters
    ----------
    shape : Shape
        Room of the batch.
    models, chunk : int
        How many there are, and how many of them side by side.
    features, hidden, convolutions : int
        Of the network.
    """

    def weights() -> Stack:
        one = initial(("memory",), [("x", 1)], features=features, hidden=hidden, convolutions=convolutions)
        return stack([one] * models)

    def array(*of: int, dtype: Any = jnp.float32) -> Any:
        return jax.ShapeDtypeStruct(of, dtype)  # type: ignore[no-untyped-call]

    def index(n: int) -> Any:
        return array(n, dtype=jnp.int32)

    nodes, edges = shape.nodes, shape.edges
    batch = Batch(
        Z=index(nodes),
        node_weight=array(nodes),
        crystal=index(nodes),
        pool_weight=array(nodes),
        edges=Edges(index(edges), index(edges), index(edges), array(edges), array(edges)),
        length=array(shape.lengths),
        crystal_weight=array(shape.crystals),
    )
    added = (array(models, shape.crystals, 1, dtype=jnp.int32), array(models, shape.crystals, 1))
    targets, elements, scalar = array(models, shape.crystals), array(*element_features().shape), array()
    return train_step.lower(
        jax.eval_shape(weights), batch, elements, targets, added, scalar, scalar, chunk=chunk
    )


def side_by_side(models: int, each: float, free: float) -> int:
    """How many of ``models`` to compute at a time; 0 where not even one fits.

    As few rounds as ``free`` bytes allow for steps of ``each`` bytes, and these as even as can be: a last
    round of another size is compiled for itself, and leaves room unused.

    Examples
    --------
    >>> side_by_side(14, each=1.0, free=10.5), side_by_side(14, each=1.0, free=20.0)
    (7, 14)
    """
    room = min(models, int(free // each))
    if room < 1:
        return 0
    rounds = -(-models // room)
    return -(-models // rounds)


def usable(device: Any, most: float | None = None) -> float:
    """Bytes of a device that steps may take.

    Parameters
    ----------
    device : jax.Device
    most : float, optional
        What may be held there in all, however much the device has.
    """
    stats = device.memory_stats() or {}
    limit = float(stats.get("bytes_limit", UNKNOWN))
    if most is not None:
        limit = min(limit, most)
    return _USABLE * max(0.0, limit - float(stats.get("bytes_in_use", 0)))
