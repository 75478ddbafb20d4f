"""Batches cover every crystal once, and neither padding nor batch mates change a prediction."""

import jax
import numpy as np
import pytest

import mattomo as mt
from mattomo.learners.cgcnn.batches import Shape, padded, roomy, shape_for, shapes_for, stratified
from mattomo.learners.cgcnn.edge import TILE
from mattomo.learners.cgcnn.initial import initial
from mattomo.learners.cgcnn.model import forward
from mattomo.materials.table import Structures
from mattomo.projections.composition import composition_graphs
from mattomo.projections.elements import element_features
from mattomo.projections.structure import crystal_graphs


@pytest.fixture(scope="module")
def graphs():
    return crystal_graphs(mt.load("mp1000").take(np.arange(60)).structures)


network = jax.jit(forward, static_argnames="train")


def run(batch, train):
    """Outputs and new running statistics, in float64."""
    n = len(batch.crystal_weight)
    params, state = initial(("batches",), [], convolutions=2)
    state = jax.tree.map(lambda leaf: leaf + 0.3, state)
    added = np.zeros((n, 1), np.int32), np.zeros((n, 1))
    with jax.enable_x64(True):
        return jax.tree.map(np.asarray, network(params, state, batch, element_features(), added, train=train))


SIZES = [(1000, 256), (256, 256), (257, 256), (10, 256), (1, 1), (103, 10), (100, 10)]


@pytest.mark.parametrize(("n", "batch_size"), SIZES)
def test_every_crystal_comes_once_in_batches_of_nearly_one_size(n, batch_size):
    sizes = np.random.default_rng(0).integers(1, 500, n)
    batches = stratified(sizes, batch_size, np.random.default_rng(1))
    assert sorted(np.concatenate(batches)) == list(range(n))
    lengths = [len(b) for b in batches]
    assert len(batches) == -(-n // batch_size)
    assert max(lengths) <= batch_size
    assert max(lengths) - min(lengths) <= 1


def test_batches_are_determined_by_the_seed():
    sizes = np.random.default_rng(0).integers(1, 20, 300)  # many of equal size
    one, again, other = (stratified(sizes, 64, np.random.default_rng(s)) for s in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert not any(np.array_equal(np.sort(a), np.sort(b)) for a, b in zip(one, other, strict=True))


def test_batches_change_from_epoch_to_epoch():
    sizes, rng = np.arange(300), np.random.default_rng(0)
    one, other = stratified(sizes, 64, rng), stratified(sizes, 64, rng)
    assert not np.array_equal(np.sort(one[0]), np.sort(other[0]))


def test_each_batch_takes_one_crystal_of_every_stratum():
    sizes = np.random.default_rng(0).permutation(1000)
    batches = stratified(sizes, 250, np.random.default_rng(1))
    for batch in batches:
        assert np.array_equal(np.sort(sizes[batch]) // 4, np.arange(250))


def test_stratified_batches_need_little_padding():
    """The reason for strata: every batch costs nearly the same."""
    sizes = np.diff(crystal_graphs(mt.load("mp1000").structures).edge_offsets)
    totals = [sizes[b].sum() for b in stratified(sizes, 256, np.random.default_rng(0))]
    assert max(totals) / np.mean(totals) < 1.03
    shuffled = np.random.default_rng(0).permutation(1000).reshape(4, 250)
    assert max(sizes[b].sum() for b in shuffled) / sizes[shuffled].sum(1).mean() > 1.05


def test_room_is_round_and_not_too_large():
    for n in (0, 1, 7, 8, 9, 100, 1000, 12345, 10**6):
        for multiple in (8, TILE):
            room = roomy(n, multiple)
            assert room >= n
            assert room % multiple == 0
            assert room - n < max(multiple, n * 0.0625)
    assert len({roomy(n) for n in range(10_000, 11_000)}) < 10


def test_a_room_holds_all_its_batches(graphs):
    batches = stratified(np.diff(graphs.edge_offsets), 16, np.random.default_rng(0))
    shape = shape_for(graphs, batches)
    assert shape.crystals >= max(map(len, batches))
    assert shape.edges % TILE == 0
    for crystals in batches:
        batch = padded(graphs, crystals, shape)
        assert batch.node_weight[-1] == 0  # a padding node for padding edges
        assert batch.edges.total_weight[-1] == 0


def room_of_all_batches_held(graphs, batches):
    """The room as one would reckon it with every batch of every epoch at hand."""
    used = len(np.unique(np.concatenate(batches)))
    crystals = max(map(len, batches))
    room = []
    for offsets in (graphs.node_offsets, graphs.edge_offsets, graphs.distance_offsets):
        lengths = np.diff(offsets)
        spread = lengths.std() * np.sqrt((1 - used / len(graphs)) / used)
        mean = crystals * (lengths.mean() + 2.5 * spread) + np.ptp(lengths) / 2
        room.append(max(max(int(lengths[b].sum()) for b in batches), int(mean)))
    return Shape(crystals, roomy(room[0] + 1), roomy(room[1] + 1, TILE), roomy(max(1, room[2])))


@pytest.mark.parametrize(("n", "batch_size", "epochs"), [(60, 16, 1), (45, 16, 20), (37, 3, 50), (5, 256, 3)])
def test_a_room_of_batches_that_pass_by_is_that_of_batches_held(graphs, n, batch_size, epochs):
    rng = np.random.default_rng(n)
    rows = rng.permutation(60)[:n]
    sizes = np.diff(graphs.edge_offsets)[rows]
    batches = [rows[b] for _ in range(epochs) for b in stratified(sizes, batch_size, rng)]
    other = composition_graphs(mt.load("mp1000").take(np.arange(60)))
    expected = [room_of_all_batches_held(g, batches) for g in (graphs, other)]
    assert shapes_for([graphs, other], iter(batches)) == expected
    assert shape_for(graphs, iter(batches)) == expected[0]


def test_a_room_needs_batches(graphs):
    with pytest.raises(ValueError, match="no batches"):
        shape_for(graphs, [])


def test_content_of_a_padded_batch(graphs):
    index = np.array([5, 2, 40])
    g = graphs.take(index)
    shape = Shape(crystals=5, nodes=len(g.Z) + 6, edges=TILE, lengths=len(g.distance) + 2)
    batch = padded(graphs, index, shape, np.float64)
    nodes, edges, lengths = len(g.Z), len(g.centre), len(g.distance)
    assert edges < TILE
    np.testing.assert_array_equal(batch.Z[:nodes], g.Z)
    np.testing.assert_array_equal(batch.node_weight[:nodes], g.node_weight)
    np.testing.assert_array_equal(batch.crystal[:nodes], np.repeat(np.arange(3), np.diff(g.node_offsets)))
    np.testing.assert_allclose(np.bincount(batch.crystal, batch.pool_weight), [1, 1, 1, 0, 0])
    for name, ours in (("centre", g.centre), ("neighbour", g.neighbour), ("bond", g.edge_distance)):
        np.testing.assert_array_equal(getattr(batch.edges, name)[:edges], ours)
    np.testing.assert_array_equal(batch.edges.weight[:edges], g.edge_weight)
    np.testing.assert_array_equal(batch.edges.total_weight[:edges], g.edge_weight * g.node_weight[g.centre])
    np.testing.assert_array_equal(batch.length[:lengths], g.distance)
    np.testing.assert_array_equal(batch.crystal_weight, [1, 1, 1, 0, 0])
    # Padding weighs nothing, stays in bounds and keeps the order.
    assert not batch.node_weight[nodes:].any()
    assert not batch.pool_weight[nodes:].any()
    assert not batch.edges.weight[edges:].any()
    assert not batch.edges.total_weight[edges:].any()
    assert (np.diff(batch.crystal) >= 0).all()
    assert (np.diff(batch.edges.centre) >= 0).all()
    assert (batch.edges.centre[edges:] == shape.nodes - 1).all()
    assert max(batch.edges.centre.max(), batch.edges.neighbour.max()) < shape.nodes
    assert batch.edges.bond.max() < shape.lengths


def test_types_of_a_padded_batch(graphs):
    index = np.arange(3)
    shape = shape_for(graphs, [index])
    for dtype in (np.float32, np.float64):
        batch = padded(graphs, index, shape, dtype)
        assert {leaf.dtype.name for leaf in jax.tree.leaves(batch)} == {"int32", np.dtype(dtype).name}


@pytest.mark.parametrize("field", ["crystals", "nodes", "edges", "lengths"])
def test_too_small_a_room_is_an_error(field, graphs):
    index = np.arange(8)
    g = graphs.take(index)
    enough = {"crystals": 8, "nodes": len(g.Z), "edges": len(g.centre), "lengths": len(g.distance)}
    padded(graphs, index, Shape(**enough))
    with pytest.raises(ValueError, match=f"{enough[field]} does not fit in a room of {enough[field] - 1}"):
        padded(graphs, index, Shape(**{**enough, field: enough[field] - 1}))


@pytest.mark.parametrize("train", [True, False], ids=["training", "evaluation"])
def test_padding_changes_nothing(train, graphs):
    index = np.arange(12)
    g = graphs.take(index)
    tight = Shape(12, len(g.Z), len(g.centre), len(g.distance))
    outputs, state = run(padded(graphs, index, tight, np.float64), train)
    assert outputs.std() > 0.02
    for shape in (
        shape_for(graphs, [index]),
        Shape(20, len(g.Z) + 100, (len(g.centre) // TILE + 3) * TILE, len(g.distance) + 50),
    ):
        more, more_state = run(padded(graphs, index, shape, np.float64), train)
        np.testing.assert_allclose(more[:12], outputs, rtol=0, atol=1e-12)
        for one, other in zip(jax.tree.leaves(state), jax.tree.leaves(more_state), strict=True):
            np.testing.assert_allclose(other, one, rtol=1e-12, atol=1e-12)


def test_evaluation_does_not_depend_on_batch_mates(graphs):
    """But training does: its statistics are the batch's."""
    batches = [np.array([9, 1, 2, 3]), np.array([50, 9, 30]), np.array([9])]
    shape = shape_for(graphs, batches)
    for train in (False, True):
        outputs = [run(padded(graphs, b, shape, np.float64), train)[0][list(b).index(9)] for b in batches]
        if train:
            assert np.ptp(outputs) > 1e-3
        else:
            assert np.ptp(outputs) < 1e-12


@pytest.mark.parametrize("train", [True, False], ids=["training", "evaluation"])
def test_a_batch_without_any_bond(train):
    """Isolated atoms only, in the room that `shape_for` makes for them."""
    structures = Structures(
        np.tile(np.eye(3) * 20.0, (2, 1, 1)), np.array([0, 1, 2]), np.array([2, 10]), np.zeros((2, 3))
    )
    isolated = crystal_graphs(structures)
    index = np.arange(2)
    outputs, state = run(padded(isolated, index, shape_for(isolated, [index]), np.float64), train)
    assert np.isfinite(outputs).all()
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state))
