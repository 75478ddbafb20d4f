import numpy as np
import pandas as pd
import pytest

from mattomo.information.inference import nadeau_bengio
from mattomo.information.symmetry import symmetry_residuals


def table(cells):
    rows = [
        {"learner": "l", "representation": "r", "target": t, "added": a, "seed": s, "bits": b}
        for (t, a), values in cells.items()
        for s, b in values.items()
    ]
    return pd.DataFrame(rows, columns=["learner", "representation", "target", "added", "seed", "bits"])


def test_one_row_a_pair_of_targets_paired_by_seed():
    bits = table(
        {
            ("p", "A"): {0: 0.30, 1: 0.34, 2: 0.32},
            ("A", "p"): {0: 0.05, 1: 0.06, 2: 0.04, 3: 9.0},
            ("p", "p"): {0: 5.0},
            ("p", "other"): {0: 1.0},
        }
    )
    found = symmetry_residuals(bits, n_train=600, n_test=200)
    assert len(found) == 1
    row = found.iloc[0]
    assert (row["first"], row["second"], row["n_seeds"], row["reason"]) == ("p", "A", 3, "")
    assert (row["second_for_first"], row["first_for_second"]) == pytest.approx((0.32, 0.05))
    expected = nadeau_bengio([0.25, 0.28, 0.28], 600, 200)
    assert (row["mean"], row["low"], row["high"]) == pytest.approx(expected[:3])
    assert row["asymmetric"]


def test_no_asymmetry_without_evidence():
    both = table({("p", "A"): {0: 0.1, 1: 0.3}, ("A", "p"): {0: 0.3, 1: 0.1}})
    assert not symmetry_residuals(both, n_train=3, n_test=1)["asymmetric"].item()
    one = table({("p", "A"): {0: 0.3, 1: np.nan}, ("A", "p"): {0: 0.1, 1: 0.1}})
    row = symmetry_residuals(one, n_train=3, n_test=1).iloc[0]
    assert row["mean"] == pytest.approx(0.2)
    assert row["reason"] == "a single seed has no interval"
    assert not row["asymmetric"]


def test_learners_and_representations_stay_apart():
    one = table({("p", "A"): {0: 0.1, 1: 0.3}, ("A", "p"): {0: 0.3, 1: 0.1}})
    found = symmetry_residuals(
        pd.concat([one, one.assign(learner="m"), one.assign(representation="s")]), n_train=3, n_test=1
    )
    assert len(found) == 3


def test_nothing_to_compare_and_the_same_twice():
    assert symmetry_residuals(table({}), n_train=3, n_test=1).empty
    lone = table({("p", "A"): {0: 0.1}})
    assert symmetry_residuals(lone, n_train=3, n_test=1).empty
    with pytest.raises(ValueError, match="twice"):
        symmetry_residuals(pd.concat([lone, lone]), n_train=3, n_test=1)


def test_information_of_a_normal_pair_is_symmetric():
    """Density bits in both directions, each with its own exact baseline: the same number."""
    from mattomo.information.bits import density_bits

    def bits(own, other, n):
        half = n // 2
        zero, guess = np.zeros(n), 0.75 * other
        return density_bits(zero[:half], guess[:half], own[:half], zero[half:], guess[half:], own[half:]).mean

    cells = {("p", "A"): {}, ("A", "p"): {}}
    for seed in range(4):
        a, e = np.random.default_rng(seed).standard_normal((2, 2000))
        p = 0.75 * a + np.sqrt(1 - 0.75**2) * e
        cells["p", "A"][seed], cells["A", "p"][seed] = bits(p, a, 2000), bits(a, p, 2000)
    row = symmetry_residuals(table(cells), n_train=3, n_test=1).iloc[0]
    assert abs(row["mean"]) < 0.05
    assert not row["asymmetric"]
