"""The solver: gates with known answers, dit, an independent bound and a slow independent solver."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mattomo.information.broja import Minimum, broja, least_information, mmi
from mattomo.information.discrete import entropy, information

BITS = (0, 1)


def joint_of(rows, weights=None):
    """p(t, x, y) from rows (x, y, t) of equal or given weight."""
    t, x, y = (sorted({row[i] for row in rows}, key=str) for i in (2, 0, 1))
    joint = np.zeros((len(t), len(x), len(y)))
    for row, weight in zip(rows, weights or [1.0] * len(rows), strict=True):
        joint[t.index(row[2]), x.index(row[0]), y.index(row[1])] += weight
    return joint


PAIRS = [(i, j) for i in BITS for j in BITS]
NOISY = [(x, y, t) for t in BITS for x, y in PAIRS]
GATES = {
    "XOR": (joint_of([(i, j, i ^ j) for i, j in PAIRS]), (0, 0, 0, 1)),
    "AND": (joint_of([(i, j, i & j) for i, j in PAIRS]), (0.3113, 0, 0, 0.5)),
    "RDN": (joint_of([(i, i, i) for i in BITS]), (1, 0, 0, 0)),
    "T=A": (joint_of([(i, j, j) for i, j in PAIRS]), (0, 0, 1, 0)),
    "COPY": (joint_of([(i, j, (i, j)) for i, j in PAIRS]), (0, 1, 1, 0)),
    "SUM": (joint_of([(i, j, i + j) for i, j in PAIRS]), (0.5, 0, 0, 1)),
    "RDN+XOR": (joint_of([((c, i), (c, j), (c, i ^ j)) for c in BITS for i, j in PAIRS]), (1, 0, 0, 1)),
    "noisy RDN": (
        joint_of(NOISY, [(0.9 if x == t else 0.1) * (0.9 if y == t else 0.1) for x, y, t in NOISY]),
        (0.5310, 0, 0, 0.2111),
    ),
}


@pytest.mark.parametrize("gate", GATES)
def test_gates_have_their_known_parts(gate):
    joint, parts = GATES[gate]
    assert broja(joint) == pytest.approx(parts, abs=5e-5)


def test_largest_redundancy_of_the_copy_gate():
    joint = GATES["COPY"][0]
    told = (information(joint.sum(2)), information(joint.sum(1)), information(joint.reshape(4, -1)))
    assert mmi(*told) == pytest.approx((1, 0, 0, 1))


def gaussian(covariance):
    """I_R, I_A, I_RA in bits of (p, r, a) jointly Gaussian with this covariance."""
    det = np.linalg.det
    alone = [
        0.5 * np.log2(covariance[0, 0] * covariance[i, i] / det(covariance[np.ix_([0, i], [0, i])]))
        for i in (1, 2)
    ]
    return (*alone, 0.5 * np.log2(covariance[0, 0] * det(covariance[1:, 1:]) / det(covariance)))


@pytest.mark.parametrize(
    ("correlation", "coefficient", "parts"),
    [(0.0, 1.0, (0.2925, 0, 0, 0.5)), (0.5, 0.5, (0.3260, 0.2797, 0, 0.1240))],
)
def test_gaussian_parts_are_those_of_the_closed_form(correlation, coefficient, parts):
    sources = np.array([[1, correlation], [correlation, 1]])
    weights = np.array([1, coefficient])
    covariance = np.empty((3, 3))
    covariance[1:, 1:], covariance[0, 0] = sources, weights @ sources @ weights + 1
    covariance[0, 1:] = covariance[1:, 0] = weights @ sources
    assert mmi(*gaussian(covariance)) == pytest.approx(parts, abs=6e-5)


@pytest.mark.parametrize("gate", GATES)
def test_dit_finds_the_same_on_gates(gate):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dit = pytest.importorskip("dit")
        from dit.pid import PID_BROJA

        joint = GATES[gate][0] / GATES[gate][0].sum()
        held = np.argwhere(joint > 0)
        words = [f"{chr(97 + x)}{chr(97 + y)}{chr(97 + t)}" for t, x, y in held]
        pid = PID_BROJA(dit.Distribution(words, joint[joint > 0]))
        theirs = [pid.get_pi(node) for node in (((0,), (1,)), ((0,),), ((1,),), ((0, 1),))]
    # Its optimiser starts at random and stops up to 0.025 bits short; GATES holds the exact values.
    assert broja(joint) == pytest.approx(theirs, abs=5e-2)


def projected(joint, sweeps):
    """Alternating a mixture and its Sinkhorn projections: slow, but another way to the same minimum."""
    weight = joint.sum((1, 2))
    x, y = joint.sum(2) / weight[:, None], joint.sum(1) / weight[:, None]
    q = x[:, :, None] * y[:, None]
    for _ in range(sweeps):
        q = np.broadcast_to((weight[:, None, None] * q).sum(0), q.shape)
        for _ in range(60):
            q = q * (x / q.sum(2))[:, :, None]
            q = q * (y / q.sum(1))[:, None]
    return information((weight[:, None, None] * q).reshape(len(joint), -1))


@pytest.mark.parametrize("seed", range(3))
def test_alternating_projections_approach_it_from_above(seed):
    joint = np.random.default_rng(seed).dirichlet(np.ones(4 * 5 * 3)).reshape(4, 5, 3)
    found = least_information(joint.sum(2), joint.sum(1))
    assert found.gap < 1e-7
    assert found.bits - 1e-7 <= projected(joint, 1_000) <= found.bits + 2e-4


def table_of_study(seed):
    """Sparse counts of the size that a study has: p in up to 10 levels, R in 16, A in up to 16."""
    rng = np.random.default_rng(seed)
    k, nx, ny = rng.integers(2, [11, 17, 17])
    n = int(10 ** rng.uniform(1.5, 4))
    return rng.multinomial(n, rng.dirichlet(np.full(k * nx * ny, 0.1))).reshape(k, nx, ny)


@pytest.mark.parametrize("seed", range(60))
def test_the_error_is_proven_small_on_sparse_tables(seed):
    joint = table_of_study(seed)
    found = least_information(joint.sum(2), joint.sum(1))
    assert found.gap < 1e-6
    assert found.iterations <= 100
    assert found.bits <= information(joint.reshape(len(joint), -1)) + 1e-7


def test_the_lower_bound_is_a_bound():
    """Stopped early, bits - gap must lie below the minimum and bits above it."""
    for seed in range(10):
        joint = table_of_study(seed)
        pair = joint.sum(2), joint.sum(1)
        minimum = least_information(*pair)
        for iterations in (0, 1, 3, 6):
            early = least_information(*pair, max_iterations=iterations)
            assert early.bits >= minimum.bits - minimum.gap - 1e-9
            assert early.bits - early.gap <= minimum.bits + 1e-9


JOINTS = st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4)).flatmap(
    lambda shape: arrays(np.int64, shape, elements=st.integers(0, 6)).filter(lambda joint: joint.sum() > 0)
)


@settings(deadline=None, max_examples=60)
@given(JOINTS, st.randoms(use_true_random=False))
def test_invariants(joint, random):
    parts = broja(joint)
    told = (information(joint.sum(2)), information(joint.sum(1)), information(joint.reshape(len(joint), -1)))
    assert min(parts) >= 0
    assert parts.redundant + parts.unique_1 == pytest.approx(told[0], abs=1e-9)
    assert parts.redundant + parts.unique_2 == pytest.approx(told[1], abs=1e-9)
    assert sum(parts) == pytest.approx(told[2], abs=2e-6)
    assert parts.redundant <= mmi(*told).redundant + 1e-12
    swapped = broja(joint.transpose(0, 2, 1))
    assert swapped == pytest.approx((parts[0], parts[2], parts[1], parts[3]), abs=2e-6)
    order = [random.sample(range(m), m) for m in joint.shape]
    assert broja(joint[np.ix_(*order)]) == pytest.approx(parts, abs=2e-6)
    assert broja(joint / joint.sum()) == pytest.approx(parts, abs=2e-6)


def test_degenerate_tables():
    one = np.ones((1, 3, 3))
    assert broja(one) == (0, 0, 0, 0)
    assert broja(np.eye(3)[:, :, None]) == pytest.approx((0, np.log2(3), 0, 0))
    assert broja(np.eye(3)[:, None, :]) == pytest.approx((0, 0, np.log2(3), 0))
    padded = np.zeros((3, 4, 4))
    padded[:2, :2, :2] = GATES["AND"][0]
    assert broja(padded) == pytest.approx(broja(GATES["AND"][0]), abs=1e-6)
    assert least_information(np.ones((2, 1)), np.ones((2, 1))) == Minimum(0.0, 0.0, 0)
    tiny = GATES["AND"][0] + 1e-12
    assert broja(tiny) == pytest.approx(broja(GATES["AND"][0]), abs=1e-5)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (np.ones((2, 2, 2)), np.ones((2, 2)), "two axes"),
        (np.ones((2, 2)), np.zeros((2, 2)), "some positive"),
        (np.array([[1.0, -1.0], [1.0, 1.0]]), np.ones((2, 2)), "none negative"),
        (np.array([[1.0, np.nan], [1.0, 1.0]]), np.ones((2, 2)), "finite"),
        (np.ones((2, 2)), np.ones((3, 2)), r"same p\(t\)"),
        (np.ones((2, 2)), np.array([[1.0, 2.0], [1.0, 1.0]]), r"same p\(t\)"),
    ],
)
def test_unusable_tables_are_refused(first, second, message):
    with pytest.raises(ValueError, match=message):
        least_information(first, second)


def test_a_joint_has_three_axes():
    with pytest.raises(ValueError, match="three axes"):
        broja(np.ones((2, 2)))


def test_entropy_of_nothing_and_of_certainty():
    assert entropy(np.zeros(3)) == 0
    assert entropy(np.array([0, 5])) == 0
    assert entropy(np.ones(8)) == pytest.approx(3)
