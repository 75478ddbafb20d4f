"""Models trained together are the models trained alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mattomo as mt
from mattomo.learners.cgcnn.batches import padded, shape_for
from mattomo.learners.cgcnn.initial import initial
from mattomo.learners.cgcnn.steps import keep_better, predict_step, stack, train_step
from mattomo.projections.composition import composition_graphs
from mattomo.projections.elements import element_features

N = 24
ELEMENTS = element_features().astype(np.float32)
RATE, MOMENTUM = np.float32(0.01), np.float32(0.9)


@pytest.fixture(scope="module")
def batch():
    graphs = composition_graphs(mt.load("mp1000").take(np.arange(N)))
    index = np.arange(N)
    shape = shape_for(graphs, [index])
    assert shape.crystals == N
    return padded(graphs, index, shape)


def model(k):
    """Model k and its targets and added input; they differ in everything."""
    rng = np.random.default_rng(k)
    weights = initial(("steps", k), [("x", 2)] if k % 2 else [], added_width=2, convolutions=2)
    y = rng.normal(size=N).astype(np.float32)
    added = rng.integers(0, 2, (N, 1)).astype(np.int32), rng.normal(size=(N, 1)).astype(np.float32)
    return weights, y, added


def train(models, batch, chunk, steps=4):
    """Trained models, their losses (steps, K) and predictions (K, N)."""
    weights, y, added = zip(*(model(k) for k in models), strict=True)
    stacked = stack(list(weights))
    y, added = np.stack(y), jax.tree.map(lambda *x: np.stack(x), *added)
    losses = []
    for _ in range(steps):
        stacked, loss = train_step(stacked, batch, ELEMENTS, y, added, RATE, MOMENTUM, chunk=chunk)
        losses.append(np.asarray(loss))
    predictions = predict_step(stacked.params, stacked.state, batch, ELEMENTS, added, chunk=chunk)
    return jax.tree.map(np.asarray, (stacked, np.stack(losses), predictions))


@pytest.fixture(scope="module")
def alone(batch):
    return [train([k], batch, None) for k in range(3)]


def test_one_after_the_other_is_each_alone_bit_for_bit(batch, alone):
    together, losses, predictions = train(range(3), batch, None)
    for k, (single, loss, prediction) in enumerate(alone):
        np.testing.assert_array_equal(losses[:, k], loss[:, 0])
        np.testing.assert_array_equal(predictions[k], prediction[0])
        for one, other in zip(jax.tree.leaves(together), jax.tree.leaves(single), strict=True):
            np.testing.assert_array_equal(one[k], other[0])


def test_side_by_side_is_each_alone_but_for_rounding(batch, alone):
    """Three models in chunks of two: one chunk is not full."""
    together, losses, predictions = train(range(3), batch, 2)
    for k, (single, loss, prediction) in enumerate(alone):
        np.testing.assert_allclose(losses[:, k], loss[:, 0], rtol=0, atol=1e-5)
        np.testing.assert_allclose(predictions[k], prediction[0], rtol=0, atol=1e-5)
        for one, other in zip(jax.tree.leaves(together), jax.tree.leaves(single), strict=True):
            np.testing.assert_allclose(one[k], other[0], rtol=1e-5, atol=1e-5)


def test_the_order_of_models_does_not_matter(batch, alone):
    together, _, predictions = train([2, 0, 1], batch, None)
    for position, k in enumerate([2, 0, 1]):
        np.testing.assert_array_equal(predictions[position], alone[k][2][0])
    assert together.params["embed"]["w"].shape == (3, 92, 64)


def test_models_differ(alone):
    """Otherwise the comparisons above say little."""
    assert abs(alone[0][2] - alone[1][2]).max() > 1e-2
    assert abs(alone[1][2] - alone[2][2]).max() > 1e-2


def test_an_easy_target_is_learned(batch):
    """The mean atomic number of a composition."""
    mass = np.bincount(batch.crystal, batch.Z * batch.pool_weight, minlength=N)
    y = ((mass - mass.mean()) / mass.std()).astype(np.float32)[None]
    models = stack([initial(("easy",), [], added_width=2, convolutions=2)])
    added = np.zeros((1, N, 1), np.int32), np.zeros((1, N, 1), np.float32)
    losses = []
    for _ in range(300):
        models, loss = train_step(models, batch, ELEMENTS, y, added, RATE, MOMENTUM, chunk=None)
        losses.append(float(loss[0]))
    assert losses[0] > 0.9
    assert np.mean(losses[-5:]) < 0.2 * losses[0]
    predicted = predict_step(models.params, models.state, batch, ELEMENTS, added, chunk=None)[0]
    assert np.mean((predicted - y[0]) ** 2) < 0.4  # with running statistics, too


def test_the_loss_is_the_mean_over_crystals_without_padding(batch):
    """Padding crystals have no say, whatever their targets."""
    weights, y, added = model(1)
    fewer = batch._replace(crystal_weight=np.where(np.arange(N) < 20, 1, 0).astype(np.float32))
    losses = []
    for rest in (0, 1e3):
        targets = np.where(np.arange(N) < 20, y, np.float32(rest))[None]
        extra = jax.tree.map(lambda x: x[None], added)
        _, loss = train_step(stack([weights]), fewer, ELEMENTS, targets, extra, RATE, MOMENTUM, chunk=None)
        losses.append(float(loss[0]))
    assert losses[0] == losses[1]


def test_unused_added_rows_stay_as_they_were(batch, alone):
    """A baseline's spare rows receive no gradient when their values are zero."""
    weights, y, _ = model(1)
    nothing = np.zeros((1, N, 1), np.int32), np.zeros((1, N, 1), np.float32)
    before = weights[0]["added"].astype(np.float32)
    after, _ = train_step(stack([weights]), batch, ELEMENTS, y[None], nothing, RATE, MOMENTUM, chunk=None)
    np.testing.assert_array_equal(after.params["added"][0], before)
    assert (alone[1][0].params["added"][0] != before).all()  # and with values they move


def test_a_stack_starts_at_rest():
    models = stack([model(0)[0], model(1)[0]])
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(models))
    assert not any(leaf.any() for leaf in jax.tree.leaves(models.velocity))
    np.testing.assert_array_equal(models.params["out"]["w"][1], model(1)[0][0]["out"]["w"].astype(np.float32))


def test_keep_better_chooses_model_by_model():
    best = {"w": jnp.zeros((3, 2)), "b": jnp.zeros(3)}, {"m": jnp.zeros((3, 2, 2))}
    now = jax.tree.map(lambda leaf: leaf + 1, best)
    kept = keep_better(best, now, jnp.array([True, False, True]))
    for leaf in jax.tree.leaves(kept):
        np.testing.assert_array_equal(leaf.reshape(3, -1)[:, 0], [1, 0, 1])
        assert np.ptp(leaf.reshape(3, -1), axis=1).max() == 0
