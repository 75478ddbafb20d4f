"""The quotient graph is exact: everything the network computes on it is what it computes on all sites."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from mattomo.learners.cgcnn.batches import shape_for
from mattomo.projections.quotient import quotient
from mattomo.projections.structure import crystal_graphs


@pytest.fixture(scope="module")
def graphs(mp1000):
    """Full and quotient graphs of the example set."""
    return tuple(crystal_graphs(mp1000.structures, quotient=q) for q in (False, True))


@pytest.fixture(scope="module")
def small(graphs):
    """The same of the 250 first crystals of at most 40 sites."""
    full, merged = graphs
    chosen = np.flatnonzero(full.sites <= 40)[:250]
    assert len(chosen) == 250
    return full.take(chosen), merged.take(chosen)


def test_evaluation_mode_outputs_are_equal(graphs, network):
    full, merged = graphs
    some = np.flatnonzero(full.sites <= 60)
    assert len(some) > 800
    one, other = (network.predict(g.take(some)) for g in (full, merged))
    assert one.std() > 0.1
    np.testing.assert_allclose(other, one, rtol=0, atol=1e-12)


def test_training_mode_outputs_statistics_and_gradients_are_equal(small, network, difference):
    full, merged = small
    room = shape_for(full, [np.arange(len(full))])  # one compilation for both
    one, state, gradients = network.learn(full, room)
    other, other_state, other_gradients = network.learn(merged, room)
    assert one.std() > 0.1
    np.testing.assert_allclose(other, one, rtol=0, atol=1e-12)
    assert difference(state, other_state) < 1e-10
    norm = max(float(abs(leaf).max()) for leaf in jax.tree.leaves(gradients))
    assert difference(gradients, other_gradients) < 1e-14 * norm


def test_merging_is_not_optional_for_the_weights(small, network):
    """The counterpart: a quotient graph whose weights are forgotten gives other outputs."""
    full, merged = (graphs.take(np.arange(100)) for graphs in small)
    forgetful = replace(merged, node_weight=np.ones_like(merged.node_weight))
    expected = network.predict(full)
    assert abs(network.predict(forgetful) - expected).max() > 1e-3
    forgetful = replace(merged, edge_weight=np.ones_like(merged.edge_weight))
    assert abs(network.predict(forgetful) - expected).max() > 1e-3


def test_size_of_the_quotient(graphs):
    """What the documentation promises of the example set: 2.2x fewer nodes, 2.7x fewer edges."""
    full, merged = graphs
    assert len(full.Z) / len(merged.Z) == pytest.approx(2.25, abs=0.05)
    assert len(full.centre) / len(merged.centre) == pytest.approx(2.73, abs=0.05)


def test_totals_are_kept(graphs):
    full, merged = graphs
    np.testing.assert_allclose(merged.sites, full.sites)

    def bonds(g):
        crystal = np.repeat(np.arange(len(g)), np.diff(g.edge_offsets))
        return np.bincount(crystal, g.edge_weight * g.node_weight[g.centre], minlength=len(g))

    def atoms(g):
        crystal = np.repeat(np.arange(len(g)), np.diff(g.node_offsets))
        return np.bincount(crystal * 104 + g.Z, g.node_weight, minlength=len(g) * 104)

    np.testing.assert_allclose(bonds(merged), bonds(full), rtol=1e-12)
    np.testing.assert_allclose(bonds(merged), 12 * full.sites, rtol=1e-12)
    np.testing.assert_array_equal(atoms(merged), atoms(full))


def test_a_merged_graph_merges_no_further(graphs):
    _, merged = graphs
    again = quotient(merged)
    for name, array in vars(merged).items():
        np.testing.assert_allclose(getattr(again, name), array, rtol=1e-12, err_msg=name)


def test_edges_of_a_quotient_are_distinct(graphs):
    _, merged = graphs
    keys = np.stack([merged.centre, merged.neighbour, merged.edge_distance])
    assert np.unique(keys, axis=1).shape == keys.shape


def chain(graphs_of, length):
    """A ring of ``length`` like atoms, one of them another element: sites differ by how far it is."""
    Z = np.full(length, 6)
    Z[0] = 7
    i = np.arange(length)
    centre, neighbour = np.repeat(i, 2), np.stack([(i - 1) % length, (i + 1) % length], 1).ravel()
    one = np.array([0, length])
    template = graphs_of.take(np.array([0]))
    return replace(
        template,
        node_offsets=one,
        Z=Z,
        node_weight=np.ones(length),
        edge_offsets=2 * one,
        centre=centre,
        neighbour=neighbour,
        edge_weight=np.ones(2 * length),
        distance_offsets=np.array([0, 1]),
        distance=np.array([1.5]),
        edge_distance=np.zeros(2 * length, dtype=np.int64),
    )


@pytest.mark.parametrize("rounds", [0, 1, 2, 3, 4])
def test_as_many_shells_are_told_apart_as_there_are_rounds(rounds, graphs):
    """Of a ring, the marked atom, its neighbours up to ``rounds`` away, and all the rest."""
    merged = quotient(chain(graphs[0], 20), rounds)
    assert sorted(merged.node_weight) == sorted([1.0, *[2.0] * rounds, 19.0 - 2 * rounds])


def test_two_rounds_are_too_few_for_three_convolutions(graphs, network):
    """And three are enough: the ring's output differs only with the former."""
    ring = chain(graphs[0], 20)
    expected = network.predict(ring, 1)
    assert abs(network.predict(quotient(ring, 3), 1) - expected).max() < 1e-12
    assert abs(network.predict(quotient(ring, 2), 1) - expected).max() > 1e-9


def test_crystals_are_never_merged_with_one_another(graphs):
    full, merged = graphs
    twice = quotient(full.take(np.array([3, 3, 3])))
    one = merged.take(np.array([3]))
    assert np.array_equal(twice.Z, np.tile(one.Z, 3))
    assert twice.sites.tolist() == [one.sites[0]] * 3


def test_elements_distances_and_shares_keep_sites_apart(graphs):
    """Sites differ as soon as one of element, bond length or bond weight does."""
    ring = chain(graphs[0], 6)
    ring = replace(ring, Z=np.full(6, 6))
    assert len(quotient(ring).Z) == 1
    assert len(quotient(replace(ring, Z=np.array([6, 7] * 3))).Z) == 2
    bonds = replace(
        ring,
        distance=np.array([1.5, 1.6]),
        distance_offsets=np.array([0, 2]),
        edge_distance=np.repeat([0, 1], 6),
    )
    assert len(quotient(bonds).Z) > 1
    assert len(quotient(replace(ring, edge_weight=np.repeat([1.0, 0.5], 6))).Z) > 1
