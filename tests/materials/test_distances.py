import time

import numpy as np
import pytest

from mattomo.materials.distances import too_near


def grid(n):
    return np.indices((n, n, n)).reshape(3, -1).T / n


@pytest.mark.parametrize("n", [3, 8])  # all pairs, and the tree
@pytest.mark.parametrize("shift", [0.0, 0.4999, -3.2])
def test_a_pair_is_found_wherever_it_lies(n, shift):
    lattice = np.array([[3.0 * n, 0, 0], [0.5 * n, 3.0 * n, 0], [0, -0.7 * n, 3.0 * n]])
    coords = grid(n) + shift
    assert too_near(lattice, coords, 0.3) is None
    for place in (coords[0], coords[-1], coords[n // 2]):
        for step in ([0.2, 0, 0], [0, -0.25, 0.1], [-0.1, -0.1, -0.1]):
            beside = place + np.array(step) @ np.linalg.inv(lattice) + [1, 0, -2]
            i, j, distance = too_near(lattice, np.vstack([coords, beside]), 0.3)
            assert j == n**3
            np.testing.assert_allclose(coords[i], place)
            assert distance == pytest.approx(np.linalg.norm(step))


def test_both_ways_agree_on_random_sites():
    generator = np.random.default_rng(5)
    for _ in range(30):
        lattice = np.diag(generator.uniform(8, 20, 3)) + generator.uniform(-3, 3, (3, 3))
        coords = generator.random((201, 3))
        apart = coords[:, None] - coords[None]
        apart -= np.rint(apart)
        distance = np.linalg.norm(apart @ lattice, axis=-1) + 9 * np.eye(201)
        found = too_near(lattice, coords, 0.3)
        assert (found is not None) == (distance.min() < 0.3)
        if found is not None:
            assert found[2] == pytest.approx(distance[found[0], found[1]])


def test_many_sites_at_one_place_take_no_time():
    start = time.process_time()
    assert too_near(100 * np.eye(3), np.zeros((100_000, 3)), 0.3) == (0, 1, 0.0)
    assert too_near(140 * np.eye(3), grid(46), 0.3) is None
    assert time.process_time() - start < 5


def test_one_site():
    assert too_near(np.eye(3), np.zeros((1, 3)), 0.3) is None
