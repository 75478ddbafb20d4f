"""Descriptors by hand and under the symmetries they must not see."""

import dataclasses

import numpy as np
import pytest

import mattomo as mt
from mattomo.errors import InputError
from mattomo.materials.table import Compositions, Materials, Structures
from mattomo.projections.descriptors import (
    Table,
    beside,
    column_descriptors,
    composition_descriptors,
    element_properties,
    statistics,
)
from mattomo.projections.geometry import structure_descriptors
from mattomo.projections.structure import crystal_graphs


def materials(*compositions, structures=None):
    """Of dictionaries {Z: amount}, with structures (lattice, Z, fractional coordinates) or without."""
    n = len(compositions)
    sizes = [len(c) for c in compositions]
    cells = structures or [(np.full((3, 3), np.nan), [], np.zeros((0, 3)))] * n
    return Materials(
        ids=np.array([f"m{k}" for k in range(n)]),
        rows=np.arange(n),
        source="test",
        compositions=Compositions(
            np.array([str(c) for c in compositions]),
            np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            np.array([z for c in compositions for z in sorted(c)], dtype=np.int64),
            np.array([float(c[z]) for c in compositions for z in sorted(c)]),
        ),
        structures=Structures(
            np.array([np.asarray(lattice, dtype=float) for lattice, _, _ in cells]),
            np.concatenate([[0], np.cumsum([len(Z) for _, Z, _ in cells])]).astype(np.int64),
            np.array([z for _, Z, _ in cells for z in Z], dtype=np.int64),
            np.concatenate([np.asarray(frac, dtype=float).reshape(-1, 3) for _, _, frac in cells]),
        ),
        columns={},
    )


def rows(table, k=0):
    return dict(zip(table.names, table.values[k], strict=True))


FCC = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
ROCK_SALT = (5.64 * np.eye(3), [11] * 4 + [17] * 4, np.concatenate([FCC, FCC + 0.5]))


def test_sodium_chloride():
    got = rows(composition_descriptors(materials({11: 1, 17: 1})))
    assert got["number of elements"] == 2
    assert got["2-norm of fractions"] == pytest.approx(0.5**0.5)
    assert got["10-norm of fractions"] == pytest.approx((2 * 0.5**10) ** 0.1)
    assert got["mean atomic number"] == 14
    assert got["deviation atomic number"] == 3
    assert got["minimum electronegativity"] == 0.93
    assert got["maximum electronegativity"] == 3.16
    assert got["range electronegativity"] == pytest.approx(2.23)
    # Equally abundant: sodium has the smaller atomic number.
    assert got["mode atomic number"] == 11
    assert got["mean atomic weight"] == pytest.approx((22.990 + 35.45) / 2, abs=1e-2)
    assert (got["s-block fraction"], got["p-block fraction"]) == (0.5, 0.5)
    assert (got["Na fraction"], got["Cl fraction"], got["O fraction"]) == (0.5, 0.5, 0.0)


def test_quartz_is_weighted_by_its_atoms():
    got = rows(composition_descriptors(materials({8: 2, 14: 1})))
    assert got["mean electronegativity"] == pytest.approx((1.90 + 2 * 3.44) / 3)
    mean = (14 + 2 * 8) / 3
    assert got["mean atomic number"] == pytest.approx(mean)
    assert got["deviation atomic number"] == pytest.approx((14 - mean + 2 * (mean - 8)) / 3)
    assert got["mode covalent radius"] == 66
    assert got["2-norm of fractions"] == pytest.approx(5**0.5 / 3)


def test_a_single_element_has_no_spread():
    table = composition_descriptors(materials({26: 4}))
    for name, value in rows(table).items():
        if name.startswith(("deviation", "range")):
            assert value == 0
        if name.endswith(("-norm of fractions", "Fe fraction", "d-block fraction")):
            assert value == 1
    assert rows(table)["mean group"] == 8


def test_unknown_values_do_not_count_and_all_unknown_is_nan():
    both, neon = (rows(t) for t in (composition_descriptors(materials(c)) for c in ({10: 5, 11: 1}, {10: 1})))
    assert both["mean electronegativity"] == both["mode electronegativity"] == 0.93
    assert both["deviation electronegativity"] == 0
    assert both["mode atomic number"] == 10
    unknown = {name for name, value in neon.items() if np.isnan(value)}
    assert {name.split(" ", 1)[1] for name in unknown} == {"electronegativity", "electron affinity"}


def test_a_supercell_has_the_same_composition(tmp_path):
    path = tmp_path / "three.csv"
    path.write_text("id,formula,x\na,SiO2,1\nb,Si8O16,2\nc,O4Si2,3\n")
    read, _ = mt.read(path)
    values = composition_descriptors(read).values
    np.testing.assert_array_equal(values[0], values[1])
    np.testing.assert_array_equal(values[0], values[2])


def test_places_read_the_table_group_by_group():
    values, names, _ = element_properties()
    place = values[:, names.index("place in the table")]
    assert sorted(place[1:]) == list(range(1, 104))
    assert place[1] == 1
    assert place[2] > place[17] > place[9] > place[22] > place[64] > place[57] > place[39] > place[88]


def test_rock_salt_by_hand():
    got = rows(structure_descriptors(materials({11: 1, 17: 1}, structures=[ROCK_SALT])))
    bond, radii = 5.64 / 2, 1.66 + 1.02
    second = bond * 2**0.5
    assert got["volume per atom"] == pytest.approx(5.64**3 / 8)
    assert got["volume per valence electron"] == pytest.approx(5.64**3 / 4 / 8)
    assert got["density"] == pytest.approx(2.163, abs=2e-3)
    spheres = 4 / 3 * np.pi * 4 * (1.66**3 + 1.02**3)
    assert got["packing fraction"] == pytest.approx(spheres / 5.64**3)
    assert got["mean nearest distance"] == pytest.approx(bond)
    assert got["range nearest distance"] == 0
    assert got["mean nearest distance over radii"] == pytest.approx(bond / radii)
    # Six neighbours, and six of the twelve in the next shell.
    assert got["mean shell distance"] == pytest.approx((bond + second) / 2)
    assert got["mean shell spread"] == pytest.approx((second - bond) / 2)
    near = np.exp(1 - np.array([1.0, 8.0]))
    mean = (near @ [bond, second]) / near.sum()
    weight = 6 * np.exp(1 - (np.array([bond, second]) / mean) ** 6)
    assert got["mean effective coordination"] == pytest.approx(weight.sum())
    assert got["mean bond length"] == pytest.approx(weight @ [bond, second] / weight.sum())
    assert got["share of bonds between equal elements"] == pytest.approx(weight[1] / weight.sum())
    assert got["mean electronegativity difference"] == pytest.approx(2.23 * weight[0] / weight.sum())
    assert got["mean effective coordination of metals"] == pytest.approx(weight.sum())
    # Each atom has six unlike neighbours at the bond length.
    at_three = 6 * np.exp(-((bond - 3) ** 2) / (2 * 0.25**2))
    assert got["metal-nonmetal neighbours at 3.0 Å"] == pytest.approx(at_three)


def test_an_isolated_atom_has_no_neighbours_but_a_volume():
    got = rows(structure_descriptors(materials({18: 1}, structures=[(20 * np.eye(3), [18], [[0, 0, 0]])])))
    assert got["volume per atom"] == pytest.approx(8000)
    assert got["mean effective coordination"] == 0
    assert np.isnan(got["mean nearest distance"])
    assert got["nonmetal-nonmetal neighbours at 3.0 Å"] == 0


def test_a_material_without_structure_keeps_its_composition():
    none = (np.full((3, 3), np.nan), [], np.zeros((0, 3)))
    some = materials({11: 1, 17: 1}, {8: 2, 14: 1}, {11: 1, 17: 1}, structures=[none, none, ROCK_SALT])
    table = structure_descriptors(some)
    d = composition_descriptors(some).values.shape[1]
    assert np.isnan(table.values[:2, d:]).all()
    assert table.column("mean atomic number")[0] == 14
    assert np.isfinite(table.column("density")[2])


@pytest.fixture(scope="module")
def small(mp1000):
    sites = np.diff(mp1000.structures.offsets)
    return mp1000.take(np.flatnonzero(sites <= 16)[::20])


def _permuted(lattice, Z, frac, rng):
    order = rng.permutation(len(Z))
    return lattice, Z[order], frac[order]


def _moved(lattice, Z, frac, rng):
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return lattice @ q.T, Z, frac + rng.uniform(-2, 2, 3)


def _enlarged(lattice, Z, frac, rng):
    size = rng.permutation([1, 2, 2])
    cells = np.stack(np.meshgrid(*map(np.arange, size), indexing="ij"), axis=-1).reshape(-1, 3)
    copies = (frac[None] + cells[:, None]).reshape(-1, 3) / size
    return lattice * size[:, None], np.tile(Z, len(cells)), copies


def _rechosen(lattice, Z, frac, rng):
    unimodular = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, 1, 0], [-1, 1, 1]])
    return unimodular @ lattice, Z, frac @ np.linalg.inv(unimodular)


@pytest.mark.parametrize("change", [_permuted, _moved, _enlarged, _rechosen])
def test_descriptors_do_not_see(change, small):
    rng = np.random.default_rng(1)
    s = small.structures
    cells = []
    for k, (start, stop) in enumerate(zip(s.offsets[:-1], s.offsets[1:], strict=True)):
        cells.append(change(s.lattice[k], s.Z[start:stop], s.frac_coords[start:stop], rng))
    changed = Structures(
        np.array([lattice for lattice, _, _ in cells]),
        np.concatenate([[0], np.cumsum([len(Z) for _, Z, _ in cells])]),
        np.concatenate([Z for _, Z, _ in cells]),
        np.concatenate([frac for _, _, frac in cells]),
    )
    before = structure_descriptors(small).values
    after = structure_descriptors(dataclasses.replace(small, structures=changed)).values
    np.testing.assert_allclose(after, before, rtol=1e-6, atol=1e-6)


def test_full_and_merged_graphs_give_the_same(small):
    merged = structure_descriptors(small).values
    for quotient in (True, False):
        graphs = crystal_graphs(small.structures, quotient=quotient)
        given = structure_descriptors(small, graphs=graphs).values
        np.testing.assert_allclose(given, merged, rtol=1e-6, atol=1e-9)
    with pytest.raises(ValueError, match="as many graphs"):
        structure_descriptors(small, graphs=graphs.take(np.arange(3)))


def test_order_of_materials_and_empty_tables(small):
    table = structure_descriptors(small)
    back = np.arange(len(small))[::-1]
    np.testing.assert_allclose(structure_descriptors(small.take(back)).values, table.take(back).values)
    assert structure_descriptors(small.take(np.arange(0))).values.shape == (0, len(table.names))


def test_density_agrees_with_the_label(mp1000):
    table = structure_descriptors(mp1000)
    np.testing.assert_allclose(table.column("density"), mp1000.column("density").values, rtol=1e-3)
    assert not np.isinf(table.values).any()
    assert dict(zip(table.names, table.units, strict=True))["density"] == "g/cm³"


def test_the_space_group_is_optional(small):
    table = structure_descriptors(small, space_group="spacegroup_number")
    assert table.names[:-1] == structure_descriptors(small).names
    np.testing.assert_array_equal(
        table.values[:, -1], small.column("spacegroup_number").values.astype(np.float64)
    )


def test_statistics_of_nothing_are_nan():
    got = statistics(np.array([[1.0], [np.nan], [3.0]]), np.array([1.0, 1.0, 3.0]), np.array([0, 0, 2, 2, 3]))
    assert np.isnan(got[[0, 2]]).all()
    np.testing.assert_array_equal(got[[1, 3]], [[1, 0, 1, 1, 0], [3, 0, 3, 3, 0]])


def test_tables_check_their_shape():
    table = Table(np.arange(6.0).reshape(3, 2), ("a", "b"))
    np.testing.assert_array_equal(table.take(np.array([2, 0])).column("b"), [5, 1])
    assert len(beside([table, Table(np.zeros((3, 1)), ("c",))]).names) == 3
    assert table.fingerprint() != table.take(np.array([0, 2, 1])).fingerprint()
    assert table.fingerprint() != Table(table.values, ("a", "c")).fingerprint()
    for values, names in ((np.zeros(3), ("a",)), (np.zeros((3, 2)), ("a",)), (np.zeros((3, 2)), ("a", "a"))):
        with pytest.raises(ValueError, match=r"shape|names"):
            Table(values, names)


def test_columns_of_the_users_table(mp1000):
    table = column_descriptors(mp1000, ["density", "efermi"])
    np.testing.assert_array_equal(table.column("efermi"), mp1000.column("efermi").values)
    with pytest.raises(InputError, match="categories"):
        column_descriptors(mp1000, ["crystal_system"])
