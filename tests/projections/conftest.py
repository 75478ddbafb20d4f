"""The example set, and a network with fixed weights to look at graphs through."""

import jax
import numpy as np
import pytest

import mattomo as mt
from mattomo.learners.cgcnn.batches import padded, shape_for
from mattomo.learners.cgcnn.initial import initial
from mattomo.learners.cgcnn.model import forward
from mattomo.projections.elements import element_features

ELEMENTS = element_features()


class Network:
    """CGCNN in float64 with random weights, and running statistics far from their initial values."""

    def __init__(self):
        rng = np.random.default_rng(0)

        def jitter(leaf):
            # About as far again as the typical weight; scales and variances stay positive.
            return leaf + rng.uniform(-0.3, 0.3, leaf.shape) * np.maximum(abs(leaf), 0.1)

        self.weights = jax.tree.map(jitter, initial(("projections",), []))
        self._predict = jax.jit(lambda *inputs: forward(*inputs, train=False)[0])
        self._differentiate = jax.jit(jax.value_and_grad(self._loss, has_aux=True))

    @staticmethod
    def _loss(params, state, batch, targets, added):
        outputs, state = forward(params, state, batch, ELEMENTS, added, train=True)
        return batch.crystal_weight @ (outputs - targets) ** 2, (outputs, state)

    @staticmethod
    def _nothing_added(n):
        return np.zeros((n, 1), np.int32), np.zeros((n, 1))

    def predict(self, graphs, batch_size=128):
        """Evaluation-mode output of every graph."""
        batches = np.array_split(np.arange(len(graphs)), -(-len(graphs) // batch_size))
        shape = shape_for(graphs, batches)
        added = self._nothing_added(shape.crystals)
        with jax.enable_x64(True):
            rooms = [padded(graphs, ids, shape, np.float64) for ids in batches]
            outputs = [self._predict(*self.weights, room, ELEMENTS, added) for room in rooms]
            return np.concatenate([out[: len(ids)] for out, ids in zip(outputs, batches, strict=True)])

    def learn(self, graphs, shape=None):
        """Training-mode outputs, running statistics and gradients, of all graphs as one batch.

        The loss is the squared error to alternating targets.
        """
        n = len(graphs)
        shape = shape or shape_for(graphs, [np.arange(n)])
        batch = padded(graphs, np.arange(n), shape, np.float64)
        targets = (-1.0) ** np.arange(shape.crystals)
        with jax.enable_x64(True):
            (_, (outputs, state)), gradients = jax.tree.map(
                np.asarray,
                self._differentiate(*self.weights, batch, targets, self._nothing_added(shape.crystals)),
            )
        return outputs[:n], state, gradients


def largest_difference(one, other):
    """Largest absolute difference between the leaves of two trees."""
    assert jax.tree.structure(one) == jax.tree.structure(other)
    differences = [
        np.max(abs(np.asarray(x) - np.asarray(y)), initial=0.0)
        for x, y in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    ]
    assert all(np.isfinite(differences))
    return max(differences)


@pytest.fixture(scope="session")
def mp1000():
    return mt.load("mp1000")


@pytest.fixture(scope="session")
def network():
    return Network()


@pytest.fixture(scope="session")
def difference():
    """Compares two trees of arrays, see `largest_difference`."""
    return largest_difference
