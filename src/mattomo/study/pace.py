"""How much slower this machine trains than the processor of `mattomo.study.cost`: pieces of the work, timed.

Arithmetic of no particular kind does not tell: one processor did products and exponentials three times as
fast as the reference, and trained a third slower. So trees are grown, and edges convolved, for a moment.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from mattomo.learners.trees import Trees
from mattomo.study import cost
from mattomo.study.plan import Plan
from mattomo.study.workers import has_gpu
from mattomo.threads import one_thread

#: Size of the table of which trees are grown; of the graph that is convolved.
_ROWS, _COLUMNS, _TREES, _LEAVES = 2000, 40, 10, 31
_NODES, _EDGES, _LENGTHS = 1000, 20_480, 10_240
#: How often each is timed, the fastest counts: the others waited for something.
_TIMES = 5


def pace(planned: Plan) -> float:
    """How many times the processor time of the reference a study takes here, by a test of a second or two.

    Processor time, so that other programs hardly matter; their share of the processors is not foreseen. On a
    graphics card only the pace of trees is measured.
    """
    costs = planned.costs
    graphs = sum(costs[u.id] for u in planned.units if planned.learners[u.learner].reads == "graphs")
    if has_gpu():
        graphs = 0.0
    share = graphs / sum(costs.values())
    return (share * of_graphs() if share else 0.0) + ((1 - share) * of_tables() if share < 1 else 0.0)


def of_tables() -> float:
    """The pace of growing trees."""
    import lightgbm

    x = np.random.default_rng(0).random((_ROWS, _COLUMNS))
    y = x[:, 0] + np.sin(9 * x[:, 1]) * x[:, 2] + x[:, 3:].mean(axis=1)
    options = {"num_leaves": _LEAVES, "max_bin": Trees.bins, "num_threads": 1}
    options |= {"force_col_wise": True, "verbosity": -1}

    def grow() -> None:
        booster = lightgbm.Booster(options, lightgbm.Dataset(x, y, params=options))
        for _ in range(_TREES):
            booster.update()

    sizes = cost.TableSizes(_ROWS, _COLUMNS, Trees.bins * _COLUMNS, x.nbytes)
    return _fastest(grow) / cost.growing(sizes, _ROWS, _ROWS, _TREES, _LEAVES)


def of_graphs() -> float:
    """The pace of a convolution's edges, most of a step of the network; compiles it first."""
    import jax
    import jax.numpy as jnp

    from mattomo.learners.cgcnn.edge import Edges
    from mattomo.learners.cgcnn.model import GAUSSIAN_WIDTH, GAUSSIANS
    from mattomo.learners.cgcnn.native import FEATURES, normalised_messages

    rng = np.random.default_rng(0)
    one = jnp.ones(_EDGES, jnp.float32)
    edges = Edges(
        jnp.asarray(np.arange(_EDGES) * _NODES // _EDGES, jnp.int32),
        jnp.asarray(rng.integers(0, _NODES, _EDGES), jnp.int32),
        jnp.asarray(np.arange(_EDGES) * _LENGTHS // _EDGES, jnp.int32),
        *(one, one),
    )
    length = jnp.asarray(rng.uniform(1, 8, _LENGTHS), jnp.float32)

    def normal(*shape: int) -> jax.Array:
        return jnp.asarray(rng.normal(size=shape) / 8, jnp.float32)

    nodes, bonds = normal(2, FEATURES, 2 * FEATURES), normal(len(GAUSSIANS), 2 * FEATURES)
    weights = nodes[0], nodes[1], bonds
    scale, shift = jnp.ones(2 * FEATURES), jnp.zeros(2 * FEATURES)

    @jax.jit
    @jax.grad
    def gradient(x: jax.Array) -> jax.Array:
        message, _ = normalised_messages(edges, length, x, weights, scale, shift, GAUSSIANS, GAUSSIAN_WIDTH)
        return message.sum()

    x = normal(_NODES, FEATURES)
    gradient(x).block_until_ready()  # compiles
    return _fastest(lambda: gradient(x).block_until_ready()) / cost.convolving(_EDGES)


def _fastest(work: Callable[[], object]) -> float:
    """Processor seconds of this process."""
    found = []
    with one_thread():
        for _ in range(_TIMES):
            start = time.process_time()
            work()
            found.append(time.process_time() - start)
    return min(found)
