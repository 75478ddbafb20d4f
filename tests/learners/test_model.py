"""The network's parts: edge kernel against plain JAX, added input, initial weights."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mattomo as mt
from mattomo.learners.cgcnn.batches import padded, shape_for
from mattomo.learners.cgcnn.edge import EPSILON, TILE, Edges, messages, normalised_messages, softplus, spread
from mattomo.learners.cgcnn.initial import generator, initial
from mattomo.learners.cgcnn.model import GAUSSIAN_WIDTH, GAUSSIANS, forward
from mattomo.projections.elements import element_features
from mattomo.projections.structure import crystal_graphs

F = 6  # features of a node: any number will do
ARGUMENTS = ("a", "b", "c", "scale", "shift")


@pytest.fixture
def x64():
    with jax.enable_x64(True):
        yield


def random_problem(n_edges, padding, seed=0, nodes=30, lengths=20):
    """Edges with fractional weights, a few isolated nodes and ``padding`` edges, and random inputs."""
    rng = np.random.default_rng(seed)
    real = n_edges - padding
    isolated = [0, 7, 8]
    centre = np.sort(rng.choice(np.setdiff1d(np.arange(nodes - 1), isolated), real))
    weight = rng.choice([1.0, 2.0, 0.5, 10 / 12], real)
    sites = rng.integers(1, 5, nodes)

    def pad(array, rest):
        return np.concatenate([array, np.full(padding, rest, array.dtype)])

    edges = Edges(
        centre=pad(centre.astype(np.int32), nodes - 1),
        neighbour=pad(rng.integers(0, nodes - 1, real).astype(np.int32), nodes - 1),
        bond=pad(rng.integers(0, lengths - 1, real).astype(np.int32), lengths - 1),
        weight=pad(weight, 0),
        total_weight=pad(weight * sites[centre], 0),
    )

    def pair(*shape):
        return rng.normal(size=shape), rng.normal(size=shape)

    inputs = (pair(nodes, F), pair(nodes, F), pair(lengths, F), pair(F), pair(F))
    return jax.tree.map(jnp.asarray, (edges, inputs, rng.normal(size=(nodes, F))))


def gated(edges, z, nodes):
    """Gate times core of the normalised z (gate, core), summed into the centres."""
    message = jax.nn.sigmoid(z[0]) * jax.nn.softplus(z[1]) * edges.weight[:, None]
    return jax.ops.segment_sum(message, edges.centre, num_segments=nodes)


def plain(edges, a, b, c, scale, shift):
    """`normalised_messages` as one would write it from the paper."""
    normalised, means, variances = [], [], []
    w = edges.total_weight[:, None] / edges.total_weight.sum()
    for i in range(2):
        z = a[i][edges.centre] + b[i][edges.neighbour] + c[i][edges.bond]
        mean = (w * z).sum(0)
        variance = (w * (z - mean) ** 2).sum(0)
        normalised.append((z - mean) / jnp.sqrt(variance + EPSILON) * scale[i] + shift[i])
        means.append(mean)
        variances.append(variance)
    return gated(edges, normalised, len(a[0])), (tuple(means), tuple(variances))


SIZES = [
    pytest.param(TILE, 0, id="one tile"),
    pytest.param(TILE, 100, id="one tile, padding"),
    pytest.param(3 * TILE, TILE + 40, id="three tiles, one of them padding alone"),
    pytest.param(TILE + 1, 30, id="no multiple of the tile"),
    pytest.param(90, 0, id="less than a tile"),
]


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("n_edges", "padding"), SIZES)
def test_normalised_messages_are_those_of_the_plain_formula(n_edges, padding):
    edges, inputs, _ = random_problem(n_edges, padding)
    ours, theirs = normalised_messages(edges, *inputs), plain(edges, *inputs)
    assert abs(theirs[0]).max() > 1
    for one, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(ours[0][np.array([0, 7, 8, 29])], 0)  # isolated nodes and padding


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("n_edges", "padding"), SIZES)
def test_the_derivative_by_hand_is_that_of_autodiff(n_edges, padding):
    edges, inputs, cotangent = random_problem(n_edges, padding)

    def gradients(function):
        return jax.jit(jax.grad(lambda x: (function(edges, *x)[0] * cotangent).sum()))(inputs)

    ours, theirs = gradients(normalised_messages), gradients(plain)
    for name, one, other in zip(ARGUMENTS, ours, theirs, strict=True):
        for i in range(2):
            assert abs(other[i]).max() > 0.1
            np.testing.assert_allclose(one[i], other[i], rtol=1e-10, atol=1e-10, err_msg=f"{name} {i}")


@pytest.mark.usefixtures("x64")
def test_the_derivative_of_several_models_side_by_side():
    """Under vmap, as on a graphics card; edges are shared, inputs are not."""
    edges = random_problem(TILE, 100)[0]
    problems = [random_problem(TILE, 100, seed)[1:] for seed in range(3)]
    inputs, cotangent = jax.tree.map(lambda *x: jnp.stack(x), *problems)

    def gradients(function):
        def one(x, d):
            return jax.grad(lambda y: (function(edges, *y)[0] * d).sum())(x)

        return jax.jit(jax.vmap(one))(inputs, cotangent)

    for one, other in zip(
        jax.tree.leaves(gradients(normalised_messages)), jax.tree.leaves(gradients(plain)), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-10)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("n_edges", "padding"), SIZES)
def test_messages_are_those_of_the_plain_formula(n_edges, padding):
    edges, (a, b, c, slope, offset), _ = random_problem(n_edges, padding)
    z = [
        (a[i][edges.centre] + b[i][edges.neighbour] + c[i][edges.bond]) * slope[i] + offset[i] for i in (0, 1)
    ]
    ours = messages(edges, a, b, c, slope, offset)
    np.testing.assert_allclose(ours, gated(edges, z, len(a[0])), rtol=1e-12, atol=1e-12)


@pytest.mark.usefixtures("x64")
def test_an_integer_weight_is_that_many_edges():
    """Weights are multiplicities, in the sums and in the statistics."""
    edges, inputs, _ = random_problem(60, 0)
    times = np.random.default_rng(1).integers(1, 4, 60)
    weight = jnp.asarray(times, float)
    weighted = edges._replace(weight=weight, total_weight=weight)
    repeated = Edges(*(jnp.repeat(x, times) for x in edges[:3]), *2 * [jnp.ones(times.sum())])
    one, other = normalised_messages(weighted, *inputs), normalised_messages(repeated, *inputs)
    for x, y in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-12, atol=1e-12)


@pytest.mark.usefixtures("x64")
def test_padding_edges_alone_give_nothing():
    edges, inputs, cotangent = random_problem(TILE, TILE)

    def loss(x):
        message, _ = normalised_messages(edges, *x)
        return (message * cotangent).sum(), message

    gradient, message = jax.grad(loss, has_aux=True)(inputs)
    assert (message == 0).all()
    assert all((leaf == 0).all() for leaf in jax.tree.leaves(gradient))


@pytest.mark.parametrize("double", [False, True], ids=["float32", "float64"])
def test_softplus(double):
    with jax.enable_x64(double):
        dtype = np.float64 if double else np.float32
        x = np.array([-1e4, -100, -20, -1, -1e-3, 0, 1e-3, 1, 20, 100, 1e4], dtype=dtype)
        tolerance = 4 * np.finfo(dtype).eps
        expected = np.logaddexp(0, x.astype(np.float64))
        np.testing.assert_allclose(softplus(x), expected, rtol=tolerance, atol=tolerance)
        slope = jax.vmap(jax.grad(softplus))(x)
        np.testing.assert_allclose(slope, np.exp(-np.logaddexp(0, -x.astype(float))), rtol=1e-6, atol=1e-30)


def test_bond_lengths_are_spread_over_gaussians():
    spread_out = np.asarray(spread(jnp.array([0.0, 2.0, 2.13, 8.0]), GAUSSIANS, GAUSSIAN_WIDTH))
    assert spread_out.shape == (4, 41)
    assert spread_out.argmax(1).tolist() == [0, 10, 11, 40]
    assert spread_out[1, 10] == 1
    assert spread_out[1, 11] == pytest.approx(np.exp(-1), rel=1e-5)
    assert GAUSSIANS[0] == 0 and GAUSSIANS[-1] == 8 and GAUSSIANS[10] == 2  # noqa: PT018


# The whole network

N = 16


@pytest.fixture(scope="module")
def batch():
    materials = mt.load("mp1000").take(np.arange(N))
    graphs = crystal_graphs(materials.structures)
    index = np.arange(N)
    return padded(graphs, index, shape_for(graphs, [index]), np.float64)


def predict(params, state, batch, index, value, train=False):
    with jax.enable_x64(True):
        elements = jnp.asarray(element_features())
        run = jax.jit(lambda *inputs: forward(*inputs, train=train)[0])
        return np.asarray(
            run(params, state, batch, elements, (np.asarray(index, np.int32), np.asarray(value)))
        )


def test_added_value_enters_the_hidden_layer_through_its_row(batch):
    """Row r times value v is what adding v times the row to the bias does."""
    params, state = initial(("t",), [("gap", 1), ("system", 3)], added_width=4)
    bare = predict(params, state, batch, np.zeros((N, 2)), np.zeros((N, 2)))
    added = predict(params, state, batch, np.tile([0, 2], (N, 1)), np.tile([1.5, 1.0], (N, 1)))
    dense = params["dense"]
    moved = {**params, "dense": {**dense, "b": dense["b"] + 1.5 * params["added"][0] + params["added"][2]}}
    assert abs(added - bare).min() > 1e-3
    np.testing.assert_allclose(
        added, predict(moved, state, batch, np.zeros((N, 2)), np.zeros((N, 2))), rtol=0, atol=1e-12
    )


def test_each_crystal_has_its_own_added_value(batch):
    params, state = initial(("t",), [("gap", 1)])
    bare = predict(params, state, batch, np.zeros((N, 1)), np.zeros((N, 1)))
    value = np.zeros((N, 1))
    value[3] = 2
    changed = predict(params, state, batch, np.zeros((N, 1)), value) != bare
    assert np.flatnonzero(changed).tolist() == [3]


def test_a_baseline_is_its_augmentation_with_nothing_added(batch):
    """Same key, same trunk: with value zero, baseline and augmented models predict the same."""
    zeros = np.zeros((N, 1))
    one = predict(*initial(("t",), []), batch, zeros, zeros)
    other = predict(*initial(("t",), [("gap", 1)]), batch, zeros, zeros)
    np.testing.assert_array_equal(one, other)


# Initial weights

KEY = ("formation_energy", "structure", 0)


def assert_trees_equal(one, other):
    assert jax.tree.structure(one) == jax.tree.structure(other)
    assert all((x == y).all() for x, y in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True))


def trunk(params):
    return {name: part for name, part in params.items() if name != "added"}


def test_the_trunk_does_not_depend_on_what_is_added():
    base, base_state = initial(KEY, [])
    for added in ([("gap", 1)], [("system", 7)], [("gap", 1), ("system", 7)]):
        params, state = initial(KEY, added, added_width=8)
        assert_trees_equal(trunk(params), trunk(base))
        assert_trees_equal(state, base_state)


def test_added_rows_depend_on_the_property_and_the_key_alone():
    first, _ = initial(KEY, [("gap", 1), ("system", 7)], added_width=8)
    second, _ = initial(KEY, [("system", 7), ("density", 1)], added_width=10)
    np.testing.assert_array_equal(first["added"][1:8], second["added"][:7])
    alone, _ = initial(KEY, [("gap", 1)])
    np.testing.assert_array_equal(first["added"][:1], alone["added"])
    assert (second["added"][7] != first["added"][0]).all()
    assert (second["added"][8:] == 0).all()
    other, _ = initial((*KEY[:2], 1), [("gap", 1)])
    assert (other["added"] != alone["added"]).all()


@pytest.mark.parametrize(
    "other", [("gap", "structure", 0), ("formation_energy", "composition", 0), (*KEY[:2], 1)]
)
def test_target_representation_and_seed_each_change_the_trunk(other):
    one, two = initial(KEY, [])[0], initial(other, [])[0]
    for part in ("embed", "dense", "out"):
        assert all((np.asarray(one[part][leaf]) != two[part][leaf]).all() for leaf in one[part])


def test_the_same_key_gives_the_same_weights():
    assert_trees_equal(initial(KEY, [("gap", 1)]), initial(list(KEY), [("gap", 1)]))


def test_keys_are_not_run_together():
    assert generator("ab", "c").random() != generator("a", "bc").random()
    assert generator("a", 1).random() == generator("a", "1").random()


def test_weights_are_uniform_within_the_bound_of_their_layer():
    params, state = initial(KEY, [("gap", 1)])
    n_in = 64 + 64 + 41
    for layer, fan_in in (
        (params["embed"]["w"], 92),
        (params["dense"]["w"], 64),
        (params["out"]["w"], 128),
        (params["added"], 64),
        *((params["convs"]["conv1"][part], n_in) for part in ("centre", "neighbour", "bond", "bias")),
    ):
        assert 0.9 < abs(layer).max() * fan_in**0.5 <= 1
        assert abs(layer).mean() * fan_in**0.5 == pytest.approx(0.5, abs=0.15)
    for k in range(3):
        norms = params["convs"][f"conv{k}"], state[f"conv{k}"]
        for norm in ("norm1", "norm2"):
            assert (norms[0][norm]["scale"] == 1).all()
            assert (norms[0][norm]["shift"] == 0).all()
            assert (norms[1][norm]["mean"] == 0).all()
            assert (norms[1][norm]["variance"] == 1).all()


def test_widths_and_depth_are_free(batch):
    params, state = initial(KEY, [("a", 2)], features=8, hidden=5, convolutions=2, added_width=3)
    assert params["added"].shape == (3, 5)
    assert sorted(params["convs"]) == ["conv0", "conv1"]
    zeros = np.zeros((N, 1))
    for train in (False, True):
        assert np.isfinite(predict(params, state, batch, zeros, zeros, train)).all()
