"""One structure in many cells is one; different structures are not."""

import numpy as np
import pytest

from mattomo.information.isometry import NEIGHBOURS, TOLERANCE, average_distances, structure_groups

A = 4.0
FCC = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
GOLD, COPPER = 79, 29


def cubic(Z, frac, a=A):
    return a * np.eye(3), Z, np.asarray(frac, dtype=float)


def supercell(crystal, times):
    lattice, Z, frac = crystal
    shifts = np.array([[i, j, k] for i in range(times[0]) for j in range(times[1]) for k in range(times[2])])
    points = (frac[None] + shifts[:, None]).reshape(-1, 3) / np.array(times)
    return lattice * np.array(times)[:, None], np.tile(Z, len(shifts)), points


def same(make, formula, *crystals, **options):
    return len(set(structure_groups(make([formula] * len(crystals), None, list(crystals)), **options))) == 1


def test_cells_of_one_structure_are_one(make):
    rng = np.random.default_rng(0)
    lattice = np.array([[4.1, 0.2, -0.1], [0.4, 5.0, 0.3], [-0.6, 0.1, 6.2]])
    one = lattice, np.array([22, 8, 8]), rng.random((3, 3))
    order = [2, 0, 1]
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    shear = np.array([[1, 1, 0], [0, 1, -1], [0, 0, 1]])
    others = [
        supercell(one, (2, 1, 1)),
        supercell(one, (1, 2, 2)),
        (one[0], one[1][order], one[2][order] + [0.3, 0.1, 1.7]),
        (one[0] @ q, one[1], one[2]),
        (shear @ one[0], one[1], one[2] @ np.linalg.inv(shear)),
        (one[0], one[1], one[2] + rng.uniform(-2e-4, 2e-4, (3, 3))),
    ]
    for other in others:
        assert same(make, "TiO2", one, other)
        found = average_distances(make(["TiO2"] * 2, None, [one, other]).structures)
        assert np.nanmax(abs(found[0] - found[1])) < TOLERANCE / 2


def test_primitive_and_conventional_cell_are_one(make):
    primitive = A / 2 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]), [GOLD], np.zeros((1, 3))
    assert same(make, "Au", cubic([GOLD] * 4, FCC), primitive)


def test_orderings_on_one_lattice_differ(make):
    # CuAu: layers along z, along y, and layers along z that change sides in the next cell
    along_z = cubic([GOLD, GOLD, COPPER, COPPER], FCC)
    along_y = cubic([GOLD, COPPER, GOLD, COPPER], FCC)
    lattice, Z, frac = supercell(along_z, (2, 1, 1))
    changing = lattice, [*Z[:4], *Z[[2, 3, 0, 1]]], frac
    assert same(make, "AuCu", along_z, along_y)
    assert not same(make, "AuCu", along_z, changing)


def test_structures_of_one_formula_and_volume_differ(make):
    a = 2 ** (1 / 3)
    fcc = cubic([GOLD] * 4, FCC, A)
    bcc = cubic([GOLD] * 2, [[0, 0, 0], [0.5, 0.5, 0.5]], A / a)
    assert not same(make, "Au", fcc, bcc)


def test_layers_stacked_in_other_orders_differ(make):
    # close-packed layers: ABC, AB, ABAC
    def stacked(word):
        d = A / np.sqrt(2)
        place = {"A": (0, 0), "B": (1 / 3, 2 / 3), "C": (2 / 3, 1 / 3)}
        lattice = np.array(
            [[d, 0, 0], [-d / 2, d * np.sqrt(3) / 2, 0], [0, 0, len(word) * d * np.sqrt(2 / 3)]]
        )
        frac = np.array([[*place[c], k / len(word)] for k, c in enumerate(word)])
        return lattice, [GOLD] * len(word), frac

    words = ("ABC", "AB", "ABAC", "ABCACB")
    labels = structure_groups(make(["Au"] * 4, None, [stacked(w) for w in words]))
    assert len(set(labels.tolist())) == 4
    assert same(make, "Au", stacked("ABC"), cubic([GOLD] * 4, FCC))


def test_the_tolerance_is_a_length(make):
    one = cubic([GOLD, COPPER], [[0, 0, 0], [0.5, 0.5, 0.5]])
    for moved, tolerance, equal in ((0.004, 0.01, True), (0.004, 0.001, False), (0.08, 0.01, False)):
        other = cubic([GOLD, COPPER], [[0, 0, 0], [0.5, 0.5, 0.5 + moved / A]])
        assert same(make, "AuCu", one, other, tolerance=tolerance) == equal
    with pytest.raises(ValueError, match="tolerance"):
        same(make, "AuCu", one, one, tolerance=0.0)


def test_moving_atoms_by_t_changes_no_distance_by_more_than_2_t(make):
    rng = np.random.default_rng(1)
    Z, frac = [22] * 4 + [8] * 8, rng.random((12, 3))
    t = 0.05
    step = rng.normal(size=(12, 3))
    step *= t / np.linalg.norm(step, axis=1, keepdims=True)
    lattice = 7 * np.eye(3)
    table = make(["TiO2"] * 2, None, [(lattice, Z, frac), (lattice, Z, frac + step @ np.linalg.inv(lattice))])
    one, other = average_distances(table.structures)
    assert np.nanmax(abs(one - other)) <= 2 * t + 1e-6
    assert np.nanmax(abs(one - other)) > 0


def test_average_distances_of_rock_salt(make):
    salt = cubic([11] * 4 + [17] * 4, np.r_[FCC, FCC + np.array([0.5, 0, 0])])
    found = average_distances(make(["NaCl"], None, [salt]).structures)[0].reshape(2, 2, 2, NEIGHBOURS)
    third = A * np.sqrt(3) / 2
    for element in range(2):
        own, other = found[element, element], found[element, 1 - element]
        # 6 of the other kind, 12 of its own, then 8 of the other, of which 6 have room among 24
        for mean in other:
            np.testing.assert_allclose(mean[:6], A / 2)
            np.testing.assert_allclose(mean[6:], third)
        for mean in own:
            np.testing.assert_allclose(mean[:12], A / np.sqrt(2))
            np.testing.assert_allclose(mean[12:], third)


def test_equal_cells_of_other_formulas_and_absent_structures_are_apart(make):
    one = cubic([GOLD], np.zeros((1, 3)))
    table = make(["Au", "Au", "Cu", "Au"], None, [one, one, cubic([COPPER], np.zeros((1, 3))), None])
    labels = structure_groups(table).tolist()
    assert labels[0] == labels[1]
    assert len(set(labels)) == 3


def test_isolated_atoms_have_a_structure_too(make):
    far = cubic([GOLD], np.zeros((1, 3)), 20.0)
    assert same(make, "Au", far, far)
    assert not same(make, "Au", far, cubic([GOLD], np.zeros((1, 3)), 20.1))
