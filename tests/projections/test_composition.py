"""The composition's collapsed graph is the complete graph over all atoms of the formula."""

from dataclasses import replace

import jax
import numpy as np
import pytest

import mattomo as mt
from mattomo.learners.cgcnn.batches import shape_for
from mattomo.materials.table import Compositions, Materials, Structures
from mattomo.projections.composition import BOND, composition_graphs
from mattomo.projections.graphs import Graphs


def table(*formulas, sites=None):
    """Materials of formulas given as {Z: amount}; ``sites``: sites of each stored cell (zero: none)."""
    n = len(formulas)
    sites = np.zeros(n, dtype=np.int64) if sites is None else np.asarray(sites)
    offsets = np.concatenate([[0], np.cumsum(sites)])
    return Materials(
        ids=np.arange(n).astype(str),
        rows=np.arange(1, n + 1),
        source="a test",
        compositions=Compositions(
            formulas=np.array([str(f) for f in formulas]),
            offsets=np.concatenate([[0], np.cumsum([len(f) for f in formulas])]).astype(np.int64),
            Z=np.array([z for f in formulas for z in sorted(f)], dtype=np.int64),
            amounts=np.array([f[z] for f in formulas for z in sorted(f)], dtype=np.float64),
        ),
        structures=Structures(
            np.full((n, 3, 3), np.nan),
            offsets,
            np.ones(offsets[-1], dtype=np.int64),
            np.zeros((offsets[-1], 3)),
        ),
        columns={},
    )


FORMULAS = [
    {8: 3, 22: 1, 38: 1},  # SrTiO3
    {11: 1, 17: 1},
    {26: 1},
    {1: 2, 8: 1},
    {8: 12, 13: 5, 39: 3},
    {6: 1, 7: 1, 8: 1, 9: 1, 16: 2},
    {8: 7, 28: 3},
]


def explicit(formulas):
    """The complete graph over the N atoms of each formula, as the paper's network sees it."""
    Z, centre, neighbour, offsets, edge_offsets = [], [], [], [0], [0]
    for f in formulas:
        atoms = [z for z in sorted(f) for _ in range(int(f[z]))]
        start = len(Z)
        Z += atoms
        pairs = [(i, j) for i in range(len(atoms)) for j in range(len(atoms)) if i != j]
        centre += [start + i for i, _ in pairs]
        neighbour += [start + j for _, j in pairs]
        offsets.append(len(Z))
        edge_offsets.append(len(centre))
    crystal = np.repeat(np.arange(len(formulas)), np.diff(edge_offsets))
    return Graphs(
        node_offsets=np.array(offsets),
        Z=np.array(Z),
        node_weight=np.ones(len(Z)),
        edge_offsets=np.array(edge_offsets),
        centre=np.array(centre),
        neighbour=np.array(neighbour),
        edge_weight=np.ones(len(centre)),
        distance_offsets=np.arange(len(formulas) + 1),
        distance=np.full(len(formulas), BOND),
        edge_distance=crystal,
    )


def assert_equal(one, other):
    for name, array in vars(one).items():
        assert array.dtype == getattr(other, name).dtype, name
        np.testing.assert_array_equal(array, getattr(other, name), err_msg=name)


def edges(graphs, k):
    """{(Z, Z of the neighbour): weight} of graph k."""
    e = slice(graphs.edge_offsets[k], graphs.edge_offsets[k + 1])
    pairs = zip(graphs.Z[graphs.centre[e]], graphs.Z[graphs.neighbour[e]], graphs.edge_weight[e], strict=True)
    return {(int(a), int(b)): float(w) for a, b, w in pairs}


def test_weights_are_the_other_atoms_of_each_element():
    graphs = composition_graphs(table(*FORMULAS))
    assert edges(graphs, 0) == {
        (8, 8): 2, (8, 22): 1, (8, 38): 1,
        (22, 8): 3, (22, 38): 1,
        (38, 8): 3, (38, 22): 1,
    }  # fmt: skip
    assert edges(graphs, 1) == {(11, 17): 1, (17, 11): 1}
    assert edges(graphs, 3) == {(1, 1): 1, (1, 8): 1, (8, 1): 2}
    assert graphs.node_weight[:3].tolist() == [3, 1, 1]
    assert set(graphs.distance) == {BOND}


def test_every_atom_is_bonded_to_all_others(mp1000):
    graphs = composition_graphs(mp1000)
    crystal = np.repeat(np.arange(len(graphs)), np.diff(graphs.node_offsets))
    totals = np.bincount(graphs.centre, graphs.edge_weight, minlength=len(graphs.Z))
    np.testing.assert_allclose(totals, graphs.sites[crystal] - 1)
    assert (np.diff(graphs.centre) >= 0).all()
    assert (crystal[graphs.centre] == crystal[graphs.neighbour]).all()
    assert (graphs.edge_distance == crystal[graphs.centre]).all()


def test_the_collapsed_graph_is_the_complete_graph(network, difference):
    """Outputs of both modes, running statistics and gradients."""
    full, merged = explicit(FORMULAS), composition_graphs(table(*FORMULAS))
    assert (len(full.Z), len(merged.Z)) == (5 + 2 + 1 + 3 + 20 + 6 + 10, 3 + 2 + 1 + 2 + 3 + 5 + 2)
    np.testing.assert_allclose(network.predict(merged), network.predict(full), rtol=0, atol=1e-12)
    room = shape_for(full, [np.arange(len(full))])
    one, state, gradients = network.learn(full, room)
    other, other_state, other_gradients = network.learn(merged, room)
    assert one.std() > 0.1
    np.testing.assert_allclose(other, one, rtol=0, atol=1e-12)
    assert difference(state, other_state) < 1e-11
    norm = max(float(abs(leaf).max()) for leaf in jax.tree.leaves(gradients))
    assert difference(gradients, other_gradients) < 1e-13 * norm


def test_a_single_atom_has_no_edges_and_flows_through(network):
    graphs = composition_graphs(table({26: 1}, {10: 1}))
    assert len(graphs.centre) == 0
    outputs = network.predict(graphs)
    assert np.isfinite(outputs).all()
    assert outputs[0] != outputs[1]
    outputs, state, gradients = network.learn(graphs)
    assert np.isfinite(outputs).all()
    assert all(np.isfinite(np.asarray(leaf)).all() for leaf in jax.tree.leaves((state, gradients)))


def test_a_supercell_is_the_same_composition(tmp_path):
    """From the user's file on: a cell and its supercell, sites in another order."""
    import pandas as pd

    path = tmp_path / "cells.csv"
    pd.DataFrame({"id": ["a", "b", "c"], "formula": ["TiO2", "Ti8O16", "O2Ti"], "gap": [1.0, 2, 3]}).to_csv(
        path, index=False
    )
    materials, _ = mt.read(path)
    graphs = composition_graphs(materials)
    parts = [graphs.take(np.array([k])) for k in range(3)]
    assert_equal(parts[0], parts[1])
    assert_equal(parts[0], parts[2])


def test_the_structure_does_not_enter(mp1000):
    bare = replace(
        mp1000,
        structures=Structures(
            np.full((len(mp1000), 3, 3), np.nan),
            np.zeros(len(mp1000) + 1, dtype=np.int64),
            np.zeros(0, dtype=np.int64),
            np.zeros((0, 3)),
        ),
    )
    assert_equal(composition_graphs(mp1000), composition_graphs(bare))


def test_basis_cell_counts_all_sites_of_the_stored_cell():
    materials = table({11: 1, 17: 1}, {8: 2, 22: 1}, {8: 2, 22: 1}, sites=[4, 6, 0])
    reduced, cell = composition_graphs(materials), composition_graphs(materials, basis="cell")
    assert reduced.node_weight.tolist() == [1, 1, 2, 1, 2, 1]
    assert cell.node_weight.tolist() == [2, 2, 4, 2, 2, 1]  # without a structure: the reduced formula
    assert edges(cell, 0) == {(11, 11): 1, (11, 17): 2, (17, 11): 2, (17, 17): 1}
    assert edges(cell, 1) == {(8, 8): 3, (8, 22): 2, (22, 8): 4, (22, 22): 1}
    assert edges(cell, 2) == edges(reduced, 2)


def test_basis_cell_leaks_the_size_of_the_cell(mp1000, network):
    """The reason why the reduced formula is the default."""
    materials = table({11: 1, 17: 1}, {11: 1, 17: 1}, sites=[2, 8])
    assert np.ptp(network.predict(composition_graphs(materials))) == 0
    assert np.ptp(network.predict(composition_graphs(materials, basis="cell"))) > 1e-4
    cell = composition_graphs(mp1000, basis="cell")
    np.testing.assert_allclose(cell.sites, np.diff(mp1000.structures.offsets))


def test_an_unknown_basis_is_an_error(mp1000):
    with pytest.raises(ValueError, match="'reduced' or 'cell', not 'primitive'"):
        composition_graphs(mp1000, basis="primitive")


@pytest.mark.parametrize("basis", ["reduced", "cell"])
def test_no_materials(basis, mp1000):
    graphs = composition_graphs(mp1000.take(np.array([], dtype=int)), basis=basis)
    assert (len(graphs), len(graphs.Z), len(graphs.centre)) == (0, 0, 0)
