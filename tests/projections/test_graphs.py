"""Taking and joining graphs."""

from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest

from mattomo.projections.graphs import Graphs, concatenate
from mattomo.projections.structure import crystal_graphs


@pytest.fixture(scope="module", params=[True, False], ids=["quotient", "full"])
def graphs(request, mp1000):
    return crystal_graphs(mp1000.take(np.arange(120)).structures, quotient=request.param)


def same(one, other):
    for field in fields(Graphs):
        x, y = getattr(one, field.name), getattr(other, field.name)
        assert x.dtype == y.dtype, field.name
        np.testing.assert_array_equal(x, y, err_msg=field.name)


def described(graphs, k):
    """Graph k as plain lists that hold no global index."""
    nodes = slice(*graphs.node_offsets[k : k + 2])
    edges = slice(*graphs.edge_offsets[k : k + 2])
    return (
        graphs.Z[nodes].tolist(),
        graphs.node_weight[nodes].tolist(),
        (graphs.centre[edges] - graphs.node_offsets[k]).tolist(),
        (graphs.neighbour[edges] - graphs.node_offsets[k]).tolist(),
        graphs.edge_weight[edges].tolist(),
        graphs.distance[graphs.edge_distance[edges]].tolist(),
        graphs.distance[slice(*graphs.distance_offsets[k : k + 2])].tolist(),
    )


def test_take_gives_the_graphs_asked_for_in_that_order(graphs):
    index = np.array([7, 0, 119, 7, 55])
    taken = graphs.take(index)
    assert len(taken) == 5
    for position, k in enumerate(index):
        assert described(taken, position) == described(graphs, k)


def test_take_everything_is_the_same(graphs):
    same(graphs.take(np.arange(len(graphs))), graphs)


def test_take_twice_is_take_once(graphs):
    first, second = np.array([5, 80, 3, 44, 44]), np.array([4, 1, 1])
    same(graphs.take(first).take(second), graphs.take(first[second]))


def test_take_a_list_and_nothing(graphs):
    same(graphs.take([2, 1]), graphs.take(np.array([2, 1])))
    nothing = graphs.take([])
    assert (len(nothing), len(nothing.Z), len(nothing.centre), len(nothing.distance)) == (0, 0, 0, 0)
    same(concatenate([nothing, graphs, nothing]), graphs)


@pytest.mark.parametrize("cuts", [[60], [1, 2, 100], [0, 120]])
def test_concatenate_undoes_take(graphs, cuts):
    parts = [graphs.take(index) for index in np.split(np.arange(len(graphs)), cuts)]
    same(concatenate(parts), graphs)


def test_concatenate_different_graphs(graphs):
    joined = concatenate([graphs.take([3, 4]), graphs.take([110]), graphs.take([3])])
    assert len(joined) == 4
    for position, k in enumerate([3, 4, 110, 3]):
        assert described(joined, position) == described(graphs, k)


def test_empty_graphs_in_between(graphs):
    empty = Graphs(
        *(np.array([0, 0]) if "offsets" in f.name else np.zeros(0, graphs.__dict__[f.name].dtype)
          for f in fields(Graphs))
    )  # fmt: skip
    joined = concatenate([graphs.take([0]), empty, graphs.take([1])])
    assert joined.sites.tolist() == [graphs.sites[0], 0, graphs.sites[1]]
    assert described(joined, 2) == described(graphs, 1)
    same(joined.take([0, 2]), graphs.take([0, 1]))
    same(joined.take([1]), empty)


def test_sites_are_those_of_the_stored_cells(graphs, mp1000):
    np.testing.assert_allclose(graphs.sites, np.diff(mp1000.structures.offsets)[:120], rtol=1e-12)


def test_graphs_are_frozen(graphs):
    with pytest.raises(FrozenInstanceError):
        graphs.Z = np.zeros(0)
