"""Crystal graphs against a brute-force search, and what they must not depend on."""

from dataclasses import fields

import numpy as np
import pytest

from mattomo.materials.table import Structures
from mattomo.projections import structure
from mattomo.projections.structure import crystal_graphs

FCC = np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2
BCC = np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]]) / 2
FCC_SITES = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2


def table(crystals):
    """Structures of a list of (lattice, Z, fractional coordinates)."""
    lattices, numbers, points = zip(*crystals, strict=True)
    return Structures(
        lattice=np.array([np.asarray(x, dtype=float) for x in lattices]).reshape(-1, 3, 3),
        offsets=np.concatenate([[0], np.cumsum([len(z) for z in numbers])]),
        Z=np.concatenate(numbers).astype(np.int64),
        frac_coords=np.concatenate([np.asarray(x, dtype=float).reshape(-1, 3) for x in points]),
    )


def crystal(structures, k):
    """The inverse of `table` for one crystal."""
    sites = slice(structures.offsets[k], structures.offsets[k + 1])
    return structures.lattice[k], structures.Z[sites], structures.frac_coords[sites]


def conventional(cell_edge, basis):
    """A face-centred cubic cell of 4 sites for each (Z, position) of ``basis``."""
    Z = np.repeat([z for z, _ in basis], 4)
    return np.eye(3) * cell_edge, Z, np.concatenate([FCC_SITES + position for _, position in basis])


def primitive(cell_edge, basis):
    """The primitive cell of the same crystal."""
    points = np.array([np.broadcast_to(position, 3) for _, position in basis])
    return FCC * cell_edge, np.array([z for z, _ in basis]), points @ np.linalg.inv(FCC)


CUBIC = {  # edge of the conventional face-centred cell in Å, and basis
    "Cu": (3.61, [(29, 0.0)]),
    "Si": (5.43, [(14, 0.0), (14, 0.25)]),
    "NaCl": (5.64, [(11, 0.0), (17, 0.5)]),
    "ZnS": (5.41, [(30, 0.0), (16, 0.25)]),
    "CaF2": (5.46, [(20, 0.0), (9, 0.25), (9, 0.75)]),
}
SIMPLE = {  # not face-centred
    "Fe": (BCC * 2.87, [26], [[0, 0, 0]]),
    "CsCl": (np.eye(3) * 4.12, [55, 17], [[0, 0, 0], [0.5, 0.5, 0.5]]),
    "Po": (np.eye(3) * 3.35, [84], [[0, 0, 0]]),
    "SrTiO3": (
        np.eye(3) * 3.9,
        [38, 22, 8, 8, 8],
        [[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]],
    ),
    "Mg": (
        np.array([[3.21, 0, 0], [-1.605, 1.605 * 3**0.5, 0], [0, 0, 5.21]]),
        [12, 12],
        [[0, 0, 0], [1 / 3, 2 / 3, 0.5]],
    ),
}
PROTOTYPES = [conventional(*c) for c in CUBIC.values()] + list(SIMPLE.values())


# Changes of description that leave the crystal as it is. Each takes and returns (lattice, Z, points).


def supercell(c, repeats):
    lattice, Z, points = c
    cells = np.stack(np.meshgrid(*map(np.arange, repeats), indexing="ij"), -1).reshape(-1, 1, 3)
    return (
        lattice * np.array(repeats)[:, None],
        np.tile(Z, len(cells)),
        ((points + cells) / repeats).reshape(-1, 3),
    )


def permuted(c, rng):
    order = rng.permutation(len(c[1]))
    return c[0], np.asarray(c[1])[order], np.asarray(c[2])[order]


def rotated(c, rng):
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    return c[0] @ (q * np.sign(np.diag(r))), c[1], c[2]


def translated(c, rng):
    return c[0], c[1], c[2] + rng.uniform(-2, 2, 3)


def shifted_by_cells(c, rng):
    return c[0], c[1], c[2] + rng.integers(-3, 4, (len(c[1]), 3))


def rechosen(c, rng):
    """Other lattice vectors for the same lattice: a random integer matrix of determinant ±1."""
    change = np.eye(3, dtype=int)[rng.permutation(3)]
    for _ in range(2):
        i, j = rng.permutation(3)[:2]
        change[i] += rng.choice([-1, 1]) * change[j]
    assert round(abs(np.linalg.det(change))) == 1
    return change @ c[0], c[1], c[2] @ np.linalg.inv(change)


CHANGES = {
    "supercell 2x1x1": lambda c, rng: supercell(c, (2, 1, 1)),
    "supercell 2x2x2": lambda c, rng: supercell(c, (2, 2, 2)),
    "permutation": permuted,
    "rotation": rotated,
    "translation": translated,
    "cell shifts": shifted_by_cells,
    "lattice choice": rechosen,
    "all at once": lambda c, rng: permuted(
        rotated(translated(shifted_by_cells(rechosen(supercell(c, (1, 2, 1)), rng), rng), rng), rng), rng
    ),
}


def ties_at_the_last_place(structures):
    """Which crystals have a site whose neighbours share a place."""
    graphs = crystal_graphs(structures, quotient=False)
    shared = abs(graphs.edge_weight - 1) > 1e-6
    crystals = np.searchsorted(graphs.edge_offsets, np.flatnonzero(shared), side="right") - 1
    return np.isin(np.arange(len(graphs)), crystals)


@pytest.fixture(scope="module")
def real(mp1000):
    """40 small crystals of the example set, 30 of them with ties at the 12th neighbour."""
    tied = ties_at_the_last_place(mp1000.structures)
    small = np.diff(mp1000.structures.offsets) <= 8
    chosen = [*np.flatnonzero(tied & small)[:30], *np.flatnonzero(~tied & small)[:10]]
    assert len(chosen) == 40
    return [crystal(mp1000.structures, k) for k in chosen]


@pytest.fixture(scope="module")
def crystals(real):
    return PROTOTYPES + real


@pytest.fixture(scope="module")
def expected(crystals, network):
    outputs = network.predict(crystal_graphs(table(crystals)))
    # The network tells the crystals apart by far more than the tolerances below.
    assert np.diff(np.sort(outputs)).mean() > 1e-3
    return outputs


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("quotient", [True, False], ids=["quotient", "full"])
def test_output_does_not_depend_on_the_description(change, quotient, crystals, expected, network):
    rng = np.random.default_rng(1)
    other = table([CHANGES[change](c, rng) for c in crystals])
    outputs = network.predict(crystal_graphs(other, quotient=quotient))
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=1e-10)


def test_the_network_sees_a_changed_structure(crystals, expected, network):
    """The counterpart of the invariances: strain of 1 %, one element for its neighbour in the table."""
    strained = table([(lattice * 1.01, Z, x) for lattice, Z, x in crystals])
    assert np.median(abs(network.predict(crystal_graphs(strained)) - expected)) > 1e-3
    replaced = table([(lattice, [*Z[:-1], Z[-1] + 1], x) for lattice, Z, x in crystals])
    assert np.median(abs(network.predict(crystal_graphs(replaced)) - expected)) > 1e-3


def test_primitive_and_conventional_cells(network):
    one = network.predict(crystal_graphs(table([conventional(*c) for c in CUBIC.values()])))
    other = network.predict(crystal_graphs(table([primitive(*c) for c in CUBIC.values()])))
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-10)
    cube = (np.eye(3) * 2.87, [26, 26], [[0, 0, 0], [0.5, 0.5, 0.5]])
    one, other = network.predict(crystal_graphs(table([cube, SIMPLE["Fe"]])))
    assert abs(one - other) < 1e-10


@pytest.mark.parametrize("name", CUBIC)
def test_primitive_and_conventional_cells_have_one_quotient(name):
    """Not only the output: node for node and edge for edge, but for the number of sites."""
    one, other = (crystal_graphs(table([cell(*CUBIC[name])])) for cell in (conventional, primitive))
    assert sorted(one.Z) == sorted(other.Z)
    np.testing.assert_allclose(np.sort(one.node_weight), 4 * np.sort(other.node_weight))
    np.testing.assert_allclose(one.distance, other.distance, rtol=1e-12)
    np.testing.assert_allclose(np.sort(one.edge_weight), np.sort(other.edge_weight))


def bonds(graphs, k=0):
    """{(Z, Z of the neighbour, distance rounded to 0.001 Å): weight of such bonds of one centre}."""
    found = {}
    for e in range(graphs.edge_offsets[k], graphs.edge_offsets[k + 1]):
        i, j = graphs.centre[e], graphs.neighbour[e]
        key = (int(graphs.Z[i]), int(graphs.Z[j]), round(float(graphs.distance[graphs.edge_distance[e]]), 3))
        found[key] = found.get(key, 0.0) + graphs.edge_weight[e]
    return found


def test_tied_neighbours_share_the_remaining_places():
    """Rock salt has 6 + 12 neighbours, body-centred cubic 8 + 6, strontium titanate's oxygen 2 + 12."""
    half = 3.9 / 2
    cases = {
        "NaCl": {
            (11, 17, 2.82): 6,
            (11, 11, 3.988): 6,
            (17, 11, 2.82): 6,
            (17, 17, 3.988): 6,
        },
        "Fe": {(26, 26, 2.485): 8, (26, 26, 2.87): 4},
        "CsCl": {(55, 17, 3.568): 8, (55, 55, 4.12): 4, (17, 55, 3.568): 8, (17, 17, 4.12): 4},
        "SrTiO3": {
            (38, 8, round(half * 2**0.5, 3)): 12,
            (22, 8, round(half, 3)): 6,
            (22, 38, round(half * 3**0.5, 3)): 6,
            (8, 22, round(half, 3)): 2,
            (8, 38, round(half * 2**0.5, 3)): 4 * 10 / 12,
            (8, 8, round(half * 2**0.5, 3)): 8 * 10 / 12,
        },
    }
    for name, expected in cases.items():
        cell = primitive(*CUBIC[name]) if name in CUBIC else SIMPLE[name]
        assert bonds(crystal_graphs(table([cell]))) == pytest.approx(expected), name


def test_shared_ties_of_the_full_graph_have_equal_weights():
    graphs = crystal_graphs(table([SIMPLE["Fe"]]), quotient=False)
    assert len(graphs.centre) == 14
    assert sorted(graphs.edge_weight) == pytest.approx([4 / 6] * 6 + [1.0] * 8)


def site_totals(graphs):
    return np.bincount(graphs.centre, graphs.edge_weight, minlength=len(graphs.Z))


@pytest.mark.parametrize("ties", ["shared", "first"])
@pytest.mark.parametrize("quotient", [True, False])
def test_every_site_has_twelve_neighbours(ties, quotient, mp1000):
    graphs = crystal_graphs(mp1000.structures, ties=ties, quotient=quotient)
    np.testing.assert_allclose(site_totals(graphs), 12, rtol=1e-12)


def test_first_keeps_whole_neighbours(crystals):
    graphs = crystal_graphs(table(crystals), ties="first", quotient=False)
    assert set(graphs.edge_weight) == {1.0}


def test_first_depends_on_the_order_of_sites_where_tied_neighbours_differ(network):
    """Oxygen in strontium titanate drops 2 of 4 Sr and 8 O at one distance: which ones is chance.

    This is why ``"shared"`` is the default. Where the tied neighbours are equivalent, both agree.
    """
    rng = np.random.default_rng(0)

    def spread_of_outputs(cell, ties):
        cells = table([permuted(rotated(supercell(cell, (2, 2, 1)), rng), rng) for _ in range(8)])
        return np.ptp(network.predict(crystal_graphs(cells, ties=ties)))

    assert spread_of_outputs(SIMPLE["SrTiO3"], "first") > 1e-5
    assert spread_of_outputs(SIMPLE["SrTiO3"], "shared") < 1e-10
    assert spread_of_outputs(SIMPLE["Fe"], "first") < 1e-10
    equivalent = table([SIMPLE["Fe"], SIMPLE["CsCl"], primitive(*CUBIC["NaCl"])])
    np.testing.assert_allclose(
        network.predict(crystal_graphs(equivalent, ties="first")),
        network.predict(crystal_graphs(equivalent, ties="shared")),
        rtol=0,
        atol=1e-10,
    )


# Against an explicit search over images


def brute_force(c, neighbours=12, radius=8.0):
    """For every site a list of (neighbour, distance, weight), from all images of every site."""
    lattice, Z, points = np.asarray(c[0]), c[1], np.asarray(c[2])
    points = points % 1
    heights = 1 / np.linalg.norm(np.linalg.inv(lattice), axis=0)
    reach = np.ceil(radius / heights).astype(int) + 1
    images = np.stack(np.meshgrid(*(np.arange(-r, r + 1) for r in reach), indexing="ij"), -1).reshape(-1, 3)
    found = []
    for i in range(len(Z)):
        pairs = []
        for j in range(len(Z)):
            d = np.linalg.norm((points[j] + images - points[i]) @ lattice, axis=1)
            pairs += [(j, float(x)) for x in d[(d > 1e-8) & (d <= radius)]]
        pairs.sort(key=lambda pair: pair[1])
        if len(pairs) > neighbours:
            last = pairs[neighbours - 1][1]
            inside = [p for p in pairs if p[1] < last - 1e-5]
            tied = [p for p in pairs if abs(p[1] - last) <= 1e-5]
            share = (neighbours - len(inside)) / len(tied)
            found.append([(*p, 1.0) for p in inside] + [(*p, share) for p in tied])
        else:
            found.append([(*p, 1.0) for p in pairs])
    return found


def as_lists(graphs):
    """The same of a full graph of one crystal."""
    found = [[] for _ in graphs.Z]
    for i, j, d, w in zip(
        graphs.centre,
        graphs.neighbour,
        graphs.distance[graphs.edge_distance],
        graphs.edge_weight,
        strict=True,
    ):
        found[i].append((int(j), float(d), float(w)))
    return found


def random_cell(rng, sites, volume):
    """A triclinic cell of random shape: angles from 45 to 135 degrees or so."""
    while True:
        lattice = rng.normal(size=(3, 3))
        lattice /= np.linalg.norm(lattice, axis=1)[:, None]
        if abs(np.linalg.det(lattice)) > 0.35:
            break
    lattice *= rng.uniform(0.5, 2, 3)[:, None]
    lattice *= (volume * sites / abs(np.linalg.det(lattice))) ** (1 / 3)
    return lattice, rng.integers(1, 90, sites), rng.uniform(-1, 2, (sites, 3))


@pytest.mark.parametrize(
    ("volume", "neighbours", "radius"),
    [(8.0, 12, 8.0), (20.0, 12, 8.0), (60.0, 12, 8.0), (150.0, 12, 8.0), (20.0, 5, 3.0), (20.0, 30, 10.0)],
    ids=["dense", "usual", "sparse", "fewer than twelve", "five within 3", "thirty within 10"],
)
def test_the_graph_is_that_of_a_brute_force_search(volume, neighbours, radius):
    rng = np.random.default_rng(int(volume) + neighbours)
    cells = [random_cell(rng, sites, volume) for sites in (1, 1, 2, 3, 5)]
    graphs = crystal_graphs(table(cells), neighbours=neighbours, radius=radius, quotient=False)
    for k, cell in enumerate(cells):
        ours = as_lists(graphs.take(np.array([k])))
        for mine, theirs in zip(ours, brute_force(cell, neighbours, radius), strict=True):
            mine, theirs = (sorted(x, key=lambda e: (e[0], round(e[1], 6), e[2])) for x in (mine, theirs))
            assert [e[0] for e in mine] == [e[0] for e in theirs]
            np.testing.assert_allclose([e[1] for e in mine], [e[1] for e in theirs], rtol=0, atol=5e-4)
            np.testing.assert_allclose([e[2] for e in mine], [e[2] for e in theirs])


def quantiles(edges):
    """Lengths at 24 places of the 12 nearest: the k-th is that of weight (k + 1/2) / 2 in order."""
    lengths, weights = np.array(sorted((d, w) for _, d, w in edges)).T
    assert weights.sum() == pytest.approx(12)
    return lengths[np.searchsorted(np.cumsum(weights), (np.arange(24) + 0.5) / 2)]


def test_real_crystals_against_a_brute_force_search(crystals):
    """Ties of stored coordinates are ties within the width of a class of distances, here 0.001 Å."""
    graphs = crystal_graphs(table(crystals), quotient=False)
    for k, cell in enumerate(crystals):
        for mine, theirs in zip(as_lists(graphs.take(np.array([k]))), brute_force(cell), strict=True):
            last = max(d for _, d, _ in theirs)
            # Tied or not, the weighted lengths are those of the twelve nearest neighbours.
            np.testing.assert_allclose(quantiles(mine), quantiles(theirs), rtol=0, atol=2e-3)
            # Nearer than the last shell, every neighbour counts once.
            assert sorted(j for j, d, _ in mine if d < last - 3e-3) == sorted(
                j for j, d, _ in theirs if d < last - 3e-3
            )
            assert all(w == 1 for _, d, w in mine if d < last - 3e-3)


def test_fewer_neighbours_than_asked_are_all_kept():
    """Simple cubic at 7 Å: six within 8 Å."""
    graphs = crystal_graphs(table([(np.eye(3) * 7.0, [84], [[0, 0, 0]])]), quotient=False)
    assert graphs.edge_weight.tolist() == [1.0] * 6
    assert graphs.distance.tolist() == pytest.approx([7.0])


def test_nothing_beyond_the_radius(mp1000):
    cells = [(np.eye(3) * edge, [10], [[0, 0, 0]]) for edge in (7.9, 7.99999, 8.00001, 8.1)]
    graphs = crystal_graphs(table(cells), quotient=False)
    assert np.diff(graphs.edge_offsets)[[0, 1, 3]].tolist() == [6, 6, 0]
    assert crystal_graphs(mp1000.structures).distance.max() <= 8.0
    assert crystal_graphs(mp1000.structures, radius=4.0).distance.max() <= 4.0 + structure.SAME_DISTANCE


def test_a_shell_across_the_first_search_radius_is_found_whole():
    """Twelve neighbours in one class of lengths around 4 Å, where the first search ends, share six places."""
    edges = np.array([1, 1 + 2e-5, 1 + 4e-5])
    for shift in (-1e-4, 0, 4e-5, 8e-5):
        cell = (np.diag(edges) * (4 + shift) / 2**0.5, [84], [[0, 0, 0]])
        graphs = crystal_graphs(table([cell]), quotient=False)
        assert sorted(graphs.edge_weight) == pytest.approx([0.5] * 12 + [1.0] * 6)


def test_a_radius_beyond_sixteen():
    """Two close atoms in a large cell, each with neighbours up to 19 Å."""
    cell = (np.eye(3) * 18.5, [1, 1], [[0, 0, 0], [0.08, 0, 0]])
    graphs = crystal_graphs(table([cell]), radius=20.0, quotient=False)
    assert (np.diff(graphs.centre) >= 0).all()
    for mine, theirs in zip(as_lists(graphs), brute_force(cell, radius=20.0), strict=True):
        assert sorted(round(e[1], 6) for e in mine) == sorted(round(e[1], 6) for e in theirs)


def test_an_isolated_atom_has_no_edges_and_flows_through(network):
    alone = (np.eye(3) * 20.0, [2], [[0, 0, 0]])
    graphs = crystal_graphs(table([alone, SIMPLE["Fe"], alone]))
    assert np.diff(graphs.edge_offsets).tolist() == [0, 2, 0]
    assert np.diff(graphs.node_offsets).tolist() == [1, 1, 1]
    outputs = network.predict(graphs)
    assert np.isfinite(outputs).all()
    assert outputs[0] == outputs[2] != outputs[1]
    outputs, state, gradients = network.learn(graphs)
    assert np.isfinite(outputs).all()
    assert all(np.isfinite(np.asarray(leaf)).all() for tree in (state, gradients) for leaf in leaves(tree))


def test_isolated_atoms_alone_flow_through(network):
    """A batch without a single bond."""
    graphs = crystal_graphs(table([(np.eye(3) * 20.0, [z], [[0, 0, 0]]) for z in (2, 10)]))
    assert len(graphs.distance) == 0
    assert np.isfinite(network.predict(graphs)).all()
    outputs, state, gradients = network.learn(graphs)
    assert np.isfinite(outputs).all()
    assert all(np.isfinite(np.asarray(leaf)).all() for tree in (state, gradients) for leaf in leaves(tree))


def leaves(tree):
    return [leaf for value in tree.values() for leaf in leaves(value)] if isinstance(tree, dict) else [tree]


# Independence of the rest of the table


def canonical(graphs):
    """The arrays of a graph, the edges in an order of their own."""
    order = np.lexsort((graphs.edge_weight, graphs.edge_distance, graphs.neighbour, graphs.centre))
    edges = {"centre", "neighbour", "edge_weight", "edge_distance"}
    return {
        f.name: getattr(graphs, f.name)[order] if f.name in edges else getattr(graphs, f.name)
        for f in fields(graphs)
    }


def assert_same(one, other):
    one, other = canonical(one), canonical(other)
    for name in one:
        assert one[name].shape == other[name].shape, name
        assert one[name].dtype == other[name].dtype, name
        np.testing.assert_allclose(one[name], other[name], rtol=1e-12, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("quotient", [True, False], ids=["quotient", "full"])
@pytest.mark.parametrize("ties", ["shared", "first"])
def test_a_graph_does_not_depend_on_the_rest_of_the_table(ties, quotient, mp1000):
    graphs = crystal_graphs(mp1000.structures, ties=ties, quotient=quotient)
    # Every seventh, and those around the chunks' border.
    for k in [*range(4, 1000, 7), *range(structure._CHUNK - 2, structure._CHUNK + 2)]:
        alone = crystal_graphs(mp1000.take(np.array([k])).structures, ties=ties, quotient=quotient)
        assert_same(alone, graphs.take(np.array([k])))


def test_chunks_do_not_matter(mp1000, monkeypatch):
    some = mp1000.take(np.arange(100)).structures
    whole = crystal_graphs(some)
    monkeypatch.setattr(structure, "_CHUNK", 7)
    assert_same(whole, crystal_graphs(some))


def test_progress_counts_every_crystal(mp1000, monkeypatch):
    monkeypatch.setattr(structure, "_CHUNK", 8)
    calls = []
    crystal_graphs(mp1000.take(np.arange(20)).structures, progress=calls.append)
    assert calls == [8, 8, 4]


def test_a_material_without_structure_has_an_empty_graph(network):
    nothing = (np.full((3, 3), np.nan), [], np.zeros((0, 3)))
    graphs = crystal_graphs(table([nothing, SIMPLE["Fe"], nothing]))
    assert np.diff(graphs.node_offsets).tolist() == [0, 1, 0]
    assert np.diff(graphs.edge_offsets).tolist() == [0, 2, 0]
    assert graphs.sites.tolist() == [0, 1, 0]
    assert_same(graphs.take(np.array([1])), crystal_graphs(table([SIMPLE["Fe"]])))


def test_only_empty_graphs_and_no_graphs_at_all(mp1000):
    nothing = (np.full((3, 3), np.nan), [], np.zeros((0, 3)))
    for quotient in (True, False):
        graphs = crystal_graphs(table([nothing, nothing]), quotient=quotient)
        assert (len(graphs), len(graphs.Z), len(graphs.centre)) == (2, 0, 0)
        graphs = crystal_graphs(mp1000.take(np.array([], dtype=int)).structures, quotient=quotient)
        assert (len(graphs), len(graphs.Z), len(graphs.centre)) == (0, 0, 0)


def test_edges_are_sorted_and_within_their_crystal(mp1000):
    for quotient in (True, False):
        graphs = crystal_graphs(mp1000.structures, quotient=quotient)
        assert (np.diff(graphs.centre) >= 0).all()
        of_node = np.repeat(np.arange(len(graphs)), np.diff(graphs.node_offsets))
        of_edge = np.repeat(np.arange(len(graphs)), np.diff(graphs.edge_offsets))
        of_distance = np.repeat(np.arange(len(graphs)), np.diff(graphs.distance_offsets))
        assert (of_node[graphs.centre] == of_edge).all()
        assert (of_node[graphs.neighbour] == of_edge).all()
        assert (of_distance[graphs.edge_distance] == of_edge).all()
        assert np.array_equal(np.unique(graphs.edge_distance), np.arange(len(graphs.distance)))
        np.testing.assert_allclose(graphs.sites, np.diff(mp1000.structures.offsets))


def test_an_unknown_way_with_ties_is_an_error():
    with pytest.raises(ValueError, match="'shared' or 'first', not 'all'"):
        crystal_graphs(table([SIMPLE["Fe"]]), ties="all")


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_invariance_of_every_small_crystal(change, mp1000, network):
    """All crystals of the example set with at most 20 sites."""
    structures = mp1000.structures
    cells = [crystal(structures, k) for k in np.flatnonzero(np.diff(structures.offsets) <= 20)]
    assert len(cells) == 520
    rng = np.random.default_rng(2)
    one = network.predict(crystal_graphs(table(cells)))
    other = network.predict(crystal_graphs(table([CHANGES[change](c, rng) for c in cells])))
    np.testing.assert_allclose(other, one, rtol=0, atol=1e-8)
