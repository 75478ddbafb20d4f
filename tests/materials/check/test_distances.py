"""The fingerprint of a crystal against lattices whose distances are known."""

import numpy as np
import pytest

from mattomo.materials.check.distances import COUNT, neighbour_distances
from mattomo.materials.crystal import crystal

FCC = [[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]


def of(make, *crystals, reach=8.0):
    materials = make(crystals=list(crystals))
    elements = np.unique(materials.structures.Z)
    return neighbour_distances(materials.structures, np.arange(len(crystals)), elements, reach)


def test_shells_of_face_centred_cubic(make):
    edge = 4.0
    found = of(make, crystal((np.array(FCC) * edge).tolist(), ["Cu"], [[0, 0, 0]]))[0, 0, 0]
    # 12 neighbours at a/√2, 6 at a, 24 at a√(3/2)
    expected = edge * np.repeat([np.sqrt(0.5), 1.0, np.sqrt(1.5)], [12, 6, COUNT - 18])
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_rocksalt_by_pairs(make, rocksalt):
    found = of(make, rocksalt(5.6))[0]
    same = 5.6 * np.repeat([np.sqrt(0.5), 1.0, np.sqrt(1.5)], [12, 6, COUNT - 18])
    np.testing.assert_allclose(found[0, 0], np.minimum(same, 8), atol=1e-6)
    np.testing.assert_allclose(found[1, 1], np.minimum(same, 8), atol=1e-6)
    # unlike: 6 at a/2, 8 at a√3/2, 24 at a√5/2
    unlike = 5.6 * np.repeat([0.5, np.sqrt(0.75), np.sqrt(1.25)], [6, 8, COUNT - 14])
    np.testing.assert_allclose(found[0, 1], np.minimum(unlike, 8), atol=1e-6)


def test_the_cell_does_not_matter(make):
    rng = np.random.default_rng(1)
    lattice = np.array([[3.1, 0.2, 0], [0.3, 3.9, 0.1], [0, 0.4, 4.6]])
    frac = np.array([[0.1, 0.2, 0.3], [0.55, 0.6, 0.8]])
    one = crystal(lattice.tolist(), ["Ga", "As"], frac.tolist())
    double = np.concatenate([frac / [2, 1, 1], frac / [2, 1, 1] + [0.5, 0, 0]])
    rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    two = crystal((np.diag([2, 1, 1]) @ lattice @ rotation).tolist(), ["Ga", "As"] * 2, double.tolist())
    found = of(make, one, two)
    np.testing.assert_allclose(found[0], found[1], atol=1e-6)


def test_stackings_differ(make):
    """Face-centred cubic and hexagonal close packing have the same first and second shells."""
    d = 3.0
    fcc = crystal((np.array(FCC) * d * np.sqrt(2)).tolist(), ["Mg"], [[0, 0, 0]])
    hcp = crystal(
        [[d, 0, 0], [-d / 2, d * np.sqrt(0.75), 0], [0, 0, d * np.sqrt(8 / 3)]],
        ["Mg", "Mg"],
        [[1 / 3, 2 / 3, 0.25], [2 / 3, 1 / 3, 0.75]],
    )
    found = of(make, fcc, hcp, reach=6.0)[:, 0, 0]
    np.testing.assert_allclose(found[0, :18], found[1, :18], atol=1e-6)
    # 2 neighbours at d√(8/3) that fcc lacks
    assert found[1, 18] == pytest.approx(d * np.sqrt(8 / 3))
    assert found[0, 18] == pytest.approx(d * np.sqrt(3))


def test_orderings_of_one_lattice_differ(make, cubic):
    """CsCl and NaTl order are the same body-centred lattice."""
    corner = np.array([[x, y, z] for x in (0, 0.5) for y in (0, 0.5) for z in (0, 0.5)])
    sites = np.concatenate([corner, corner + 0.25])
    cscl = cubic(6.4, ["Na"] * 8 + ["Tl"] * 8, sites.tolist())
    diamond = (np.rint(sites * 4).sum(1) % 4 == 0) | (np.rint(sites * 4).sum(1) % 4 == 3)
    natl = cubic(6.4, ["Na" if d else "Tl" for d in diamond], sites.tolist())
    found = of(make, cscl, natl)
    np.testing.assert_allclose(np.sort(found[0, :, :, 0].ravel())[0], 6.4 * np.sqrt(3) / 4, atol=1e-6)
    assert np.abs(found[0] - found[1]).max() > 0.3


def test_missing_neighbours_count_as_the_reach(make, cubic):
    assert (of(make, cubic(20.0, ["Xe"], [[0, 0, 0]]), reach=7.0) == 7.0).all()
