"""How many models a graphics card has room for side by side.

The bytes of a step are those XLA keeps for it when all edges are one tile, as on a card: what the forward
pass leaves for the backward one, and what that one makes. The tests compare them with XLA's own account of
the step compiled for a processor, the only one to be had without a card.
"""

from __future__ import annotations

from typing import Any

from mattomo.learners.cgcnn.batches import Shape
from mattomo.learners.cgcnn.model import GAUSSIANS

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
