"""Values inside the atoms: graphs stay exact when sites with different values are kept apart."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from mattomo.learners.cgcnn.batches import shape_for
from mattomo.materials import AtomColumn, PropertyInfo
from mattomo.materials.table import Structures
from mattomo.projections.atoms import (
    atom_descriptors,
    element_values,
    mean_column,
    site_values,
    standardised_nodes,
    unknown_elements,
    values_of,
)
from mattomo.projections.composition import composition_graphs
from mattomo.projections.descriptors import STATISTICS, composition_descriptors
from mattomo.projections.elements import element_table
from mattomo.projections.graphs import Graphs
from mattomo.projections.quotient import quotient
from mattomo.projections.structure import crystal_graphs


@pytest.fixture(scope="module")
def some(mp1000):
    """60 crystals of at most 30 sites, with polymorphs of many symmetries."""
    return mp1000.take(np.flatnonzero(mp1000.structures.sites <= 30)[:60])


@pytest.fixture(scope="module")
def spins(some):
    """Up or down on every site: some equivalent sites stay equivalent, others do not."""
    values = np.random.default_rng(3).choice([-1.0, 1.0], len(some.structures.Z))
    return AtomColumn(PropertyInfo("spin", "spin", atoms="site"), values)


@pytest.fixture(scope="module")
def radii():
    values = np.concatenate([[np.nan], element_table()["covalent_radius"].to_numpy(float)])
    return AtomColumn(PropertyInfo("radius", "covalent radius", "pm", atoms="element"), values)


@pytest.fixture(scope="module")
def told(network):
    """The network, with weights for two further values of each node."""
    net = type(network)()
    net.weights[0]["atoms"] = np.random.default_rng(7).normal(size=(2, 64))
    return net


def both(spins, radii, some, **kind):
    return values_of([spins, radii], some, **kind)


def complete_graphs(some, Z, offsets, values):
    """Every site bonded to every other at 1 Å, as the paper blinds CGCNN: nothing merged."""
    n = np.diff(offsets)
    centre, neighbour, edges = [], [], [0]
    for start, count in zip(offsets[:-1], n, strict=True):
        i, j = np.nonzero(~np.eye(count, dtype=bool))
        centre.append(i + start)
        neighbour.append(j + start)
        edges.append(edges[-1] + len(i))
    crystal = np.repeat(np.arange(len(n)), np.diff(edges))
    return Graphs(
        node_offsets=offsets,
        Z=Z,
        node_weight=np.ones(len(Z)),
        edge_offsets=np.array(edges),
        centre=np.concatenate(centre).astype(np.int64),
        neighbour=np.concatenate(neighbour).astype(np.int64),
        edge_weight=np.ones(edges[-1]),
        distance_offsets=np.arange(len(n) + 1),
        distance=np.ones(len(n)),
        edge_distance=crystal,
        values=values,
    )


def structures_as(some, spins, radii, quotient):
    values = both(spins, radii, some, sites=True) / [1, 100]
    return crystal_graphs(some.structures, quotient=quotient, values=values)


def test_merging_equal_sites_is_exact_and_sites_of_different_values_are_apart(some, spins, radii, told):
    full, merged = (structures_as(some, spins, radii, q) for q in (False, True))
    expected = told.predict(full)
    assert expected.std() > 0.1
    np.testing.assert_allclose(told.predict(merged), expected, rtol=0, atol=1e-12)
    blind = crystal_graphs(some.structures)
    assert len(blind.Z) < len(merged.Z) < len(full.Z)


def test_training_is_exact_too(some, spins, radii, told, difference):
    full, merged = (structures_as(some, spins, radii, q) for q in (False, True))
    room = shape_for(full, [np.arange(len(full))])
    one, state, gradients = told.learn(full, room)
    other, other_state, other_gradients = told.learn(merged, room)
    np.testing.assert_allclose(other, one, rtol=0, atol=1e-12)
    assert difference(state, other_state) < 1e-10
    norm = max(float(abs(leaf).max()) for leaf in jax.tree.leaves(gradients))
    assert abs(gradients["atoms"]).min() > 0
    assert difference(gradients, other_gradients) < 1e-13 * norm


def test_a_quotient_that_forgets_the_values_is_wrong(some, spins, radii, told):
    """The counterpart: sites merged by element and bonds alone have one value for several."""
    full = structures_as(some, spins, radii, False)
    forgetful = quotient(replace(full, values=np.zeros((len(full.Z), 0))))
    first = {}
    for k, key in enumerate(zip(np.repeat(np.arange(60), np.diff(full.node_offsets)), full.Z, strict=True)):
        first.setdefault(key, full.values[k])
    crystal = np.repeat(np.arange(60), np.diff(forgetful.node_offsets))
    values = np.array([first[key] for key in zip(crystal, forgetful.Z, strict=True)])
    wrong = told.predict(replace(forgetful, values=values))
    assert abs(wrong - told.predict(full)).max() > 1e-3


def test_values_by_element_split_nothing(some, radii):
    blind = crystal_graphs(some.structures)
    again = crystal_graphs(some.structures, values=values_of([radii], some, sites=True))
    assert len(again.Z) == len(blind.Z)
    np.testing.assert_array_equal(again.values[:, 0], radii.values[blind.Z])
    # a table of zeros of either sign is a constant
    zeros = np.where(np.arange(len(some.structures.Z)) % 2, 0.0, -0.0)[:, None]
    assert len(crystal_graphs(some.structures, values=zeros).Z) == len(blind.Z)


@pytest.mark.parametrize("basis", ["reduced", "cell"])
def test_the_composition_is_the_complete_graph_with_means(basis, some, spins, radii, told):
    """Elements with the mean over their sites are the complete graph in which every site has that mean."""
    merged = replace(
        composition_graphs(some, basis=basis), values=both(spins, radii, some, sites=False) / [1, 100]
    )
    c = some.compositions
    atoms = merged.node_weight.astype(np.int64)
    owner = np.repeat(np.arange(len(some)), np.diff(c.offsets))
    offsets = np.concatenate([[0], np.cumsum(np.bincount(owner, atoms).astype(np.int64))])
    full = complete_graphs(some, np.repeat(c.Z, atoms), offsets, np.repeat(merged.values, atoms, axis=0))
    expected = told.predict(full)
    assert expected.std() > 0.05
    np.testing.assert_allclose(told.predict(merged), expected, rtol=0, atol=1e-11)


def test_the_complete_graph_of_all_sites_with_their_own_values_merges_exactly(some, spins, radii, told):
    s = some.structures
    values = both(spins, radii, some, sites=True) / [1, 100]
    full = complete_graphs(some, s.Z, s.offsets, values)
    merged = quotient(full)
    kinds = {
        (k, *row)
        for k, row in zip(
            np.repeat(np.arange(len(some)), s.sites).tolist(),
            np.column_stack([s.Z, values]).tolist(),
            strict=True,
        )
    }
    assert len(merged.Z) == len({(k, *rest) for k, *rest in kinds})
    np.testing.assert_allclose(told.predict(merged), told.predict(full), rtol=0, atol=1e-11)


def test_a_supercell_has_the_same_graphs_values_and_statistics(some, spins):
    """Twice the cell along a, with the moments of its copy."""
    k = 5
    one = some.take(np.array([k]))
    sites = slice(*some.structures.offsets[k : k + 2])
    s = one.structures
    twice = Structures(
        s.lattice * np.array([2.0, 1, 1])[:, None],
        2 * s.offsets,
        np.tile(s.Z, 2),
        np.concatenate([s.frac_coords * [0.5, 1, 1], s.frac_coords * [0.5, 1, 1] + [0.5, 0, 0]]),
    )
    values = spins.values[sites]
    small, large = AtomColumn(spins.info, values), AtomColumn(spins.info, np.tile(values, 2))
    double = replace(one, structures=twice)
    a = crystal_graphs(s, values=values[:, None])
    b = crystal_graphs(twice, values=large.values[:, None])
    assert len(a.Z) == len(b.Z)
    assert sorted(zip(a.Z, a.values[:, 0], 2 * a.node_weight, strict=True)) == sorted(
        zip(b.Z, b.values[:, 0], b.node_weight, strict=True)
    )
    np.testing.assert_allclose(element_values(large, double), element_values(small, one), rtol=1e-14)
    for representation in ("composition", "structure"):
        np.testing.assert_allclose(
            atom_descriptors(large, double, representation).values,
            atom_descriptors(small, one, representation).values,
            rtol=1e-13,
        )


def test_means_over_sites_elements_and_materials(some, spins, radii):
    c, s = some.compositions, some.structures
    by_site, by_element = element_values(spins, some), mean_column(radii, some)
    mean = mean_column(spins, some)
    for k in range(len(some)):
        Z, own = (a[slice(*s.offsets[k : k + 2])] for a in (s.Z, spins.values))
        for entry in range(*c.offsets[k : k + 2]):
            assert by_site[entry] == pytest.approx(own[c.Z[entry] == Z].mean(), abs=1e-15)
        assert mean.values[k] == pytest.approx(own.mean(), abs=1e-14)
        assert by_element.values[k] == pytest.approx(radii.values[Z].mean(), rel=1e-13)
    np.testing.assert_array_equal(site_values(radii, some), radii.values[s.Z])
    assert not mean.missing.any()


def test_an_unknown_value_is_missing_for_the_whole_material_and_named(some, spins, radii):
    oxygen = AtomColumn(radii.info, np.where(np.arange(104) == 8, np.nan, radii.values))
    holds = np.array(["O" in e for e in unknown_elements(oxygen, some)])
    expected = np.bincount(
        np.repeat(np.arange(len(some)), np.diff(some.compositions.offsets)), some.compositions.Z == 8
    )
    np.testing.assert_array_equal(holds, expected > 0)
    np.testing.assert_array_equal(mean_column(oxygen, some).missing, holds)
    holey = spins.values.copy()
    holey[some.structures.offsets[7]] = np.nan
    column = AtomColumn(spins.info, holey)
    assert np.flatnonzero(mean_column(column, some).missing).tolist() == [7]
    assert [k for k, text in enumerate(unknown_elements(column, some)) if text] == [7]


def test_without_a_structure_values_of_sites_are_missing(some, spins, radii):
    keep = slice(*some.structures.offsets[[0, 1]])
    s = some.structures
    offsets = np.concatenate([[0], np.full(len(some), s.offsets[1])])
    bare = replace(some, structures=Structures(s.lattice, offsets, s.Z[keep], s.frac_coords[keep]))
    column = AtomColumn(spins.info, spins.values[keep])
    assert mean_column(column, bare).missing.tolist() == [False, *[True] * 59]
    assert not mean_column(radii, bare).missing.any()


def test_statistics_are_those_of_the_sites_or_of_the_elements(some, spins):
    s, c = some.structures, some.compositions
    sites = atom_descriptors(spins, some, "structure")
    elements = atom_descriptors(spins, some, "composition")
    assert sites.names[0] == "mean spin of the atoms"
    for k in range(len(some)):
        own = spins.values[slice(*s.offsets[k : k + 2])]
        expected = [own.mean(), abs(own - own.mean()).mean(), own.min(), own.max(), np.ptp(own)]
        np.testing.assert_allclose(sites.values[k], expected, atol=1e-14)
        part = slice(*c.offsets[k : k + 2])
        means, weight = element_values(spins, some)[part], c.amounts[part] / c.amounts[part].sum()
        mean = weight @ means
        expected = [mean, weight @ abs(means - mean), means.min(), means.max(), np.ptp(means)]
        np.testing.assert_allclose(elements.values[k], expected, atol=1e-14)


def test_values_are_standardised_over_the_atoms_of_the_training_rows(some, spins, radii):
    training = np.arange(0, 60, 2)
    full, merged = (standardised_nodes(structures_as(some, spins, radii, q), training) for q in (False, True))
    for graphs in (full, merged):
        share = graphs.node_weight / np.repeat(graphs.sites, np.diff(graphs.node_offsets))
        rows = np.isin(np.repeat(np.arange(60), np.diff(graphs.node_offsets)), training)
        weight = share[rows] / share[rows].sum()
        np.testing.assert_allclose(weight @ graphs.values[rows], 0, atol=1e-12)
        np.testing.assert_allclose(weight @ graphs.values[rows] ** 2, 1, rtol=1e-12)
    key = np.argsort(full.values[:, 1], kind="stable")
    assert np.ptp(full.values[key, 1]) == pytest.approx(np.ptp(merged.values[:, 1]), rel=1e-12)
    constant = replace(merged, values=np.full((len(merged.Z), 1), 7.0))
    np.testing.assert_allclose(standardised_nodes(constant, training).values, 0, atol=1e-12)


def test_values_go_along_when_graphs_are_taken_and_joined(some, spins, radii):
    merged = structures_as(some, spins, radii, True)
    part = merged.take(np.array([9, 2]))
    expected = [merged.values[slice(*merged.node_offsets[k : k + 2])] for k in (9, 2)]
    np.testing.assert_array_equal(part.values, np.concatenate(expected))
    with pytest.raises(ValueError, match=r"values must have shape \(\d+, v\)"):
        replace(merged, values=np.zeros((3, 1)))


def test_statistics_that_descriptors_hold_already_are_the_same_to_the_last_bit(mp1000, radii):
    table = composition_descriptors(mp1000)
    for representation in ("composition", "structure"):
        found = atom_descriptors(radii, mp1000, representation)
        for k, statistic in enumerate(STATISTICS):
            np.testing.assert_array_equal(found.values[:, k], table.column(f"{statistic} covalent radius"))
