import math

import numpy as np
import pandas as pd
import pytest

from mattomo.information.controls import CONTROLS, calibration, planted_bits
from mattomo.information.gain import gains


def study(changes, seeds=5, learner="l"):
    """Errors with a baseline of 1 and the given relative changes, one number a seed or one for all."""
    rows = []
    for target in ("p", "q"):
        for seed in range(seeds):
            base = {"learner": learner, "representation": "r", "target": target, "seed": seed}
            rows.append(base | {"added": "", "mae": 1.0})
            rows += [
                base | {"added": a, "mae": 1 + np.broadcast_to(c, seeds)[seed]} for a, c in changes.items()
            ]
    return pd.DataFrame(rows)


def bits_of(errors):
    table = errors[errors["added"] != ""].copy()
    return table.assign(bits=-np.log2(table["mae"])).drop(columns="mae")


CHANGES = {
    "control:placebo": [0.01, 0.02, -0.01, 0.02, 0.01],
    "control:derived": 0.0,
    "control:planted": -0.5,
    "volume": -0.2,
}


def test_shares_means_and_expectations():
    errors = study(CHANGES)
    found = calibration(gains(errors), bits_of(errors), planted_snr=3.0).set_index("control")
    assert list(found.index) == list(CONTROLS)
    assert found["n"].tolist() == [2, 2, 2]
    assert found["mae_change"].tolist() == pytest.approx([0.01, 0, -0.5])
    assert found.loc["control:planted", "bits"] == pytest.approx(1)
    assert found["expected_bits"].tolist() == [0, 0, 1]
    assert found["paired_minmax"].tolist() == [0, 0, 1]
    assert found["separated"].tolist() == [0, 0, 1]
    assert found["paired_minmax_two_sided"].tolist() == [0, 0, 1]
    assert found["expected_share"].tolist()[:2] == pytest.approx([1 / 32, 1 / 32])
    assert math.isnan(found.loc["control:planted", "expected_share"])
    assert found["swap"].isna().all()


def test_readings():
    errors = study(CHANGES)
    swaps = gains(errors)[["learner", "representation", "target", "added"]].assign(
        p=lambda t: np.where(
            t["added"] == "control:planted", 0.001, np.where(t["added"] == "volume", np.nan, 0.7)
        )
    )
    found = calibration(gains(errors), bits_of(errors), swaps, planted_snr=3.0).set_index("control")
    assert found["swap"].tolist() == [0, 0, 1]
    assert found["n_swap"].tolist() == [2, 2, 2]
    assert found.loc["control:placebo", "reading"] == (
        "placebo: +1.0% of error and -0.014 bits on average; the error falls in every seed in 0% of 2 cells "
        "(chance: 3% to 11%); the swap test marks 0% of 2. As expected of no information."
    )
    assert found.loc["control:planted", "reading"] == (
        "planted: -50.0% of error and +1.000 bits on average (at most about 1.00 bits are there); the error "
        "falls in every seed in 100% of 2 cells; the swap test marks 100% of 2. Signals of this size are "
        "found."
    )


def test_controls_that_fail_say_so():
    errors = study({"control:placebo": -0.1, "control:derived": -0.1, "control:planted": 0.1})
    reading = calibration(gains(errors), bits_of(errors)).set_index("control")["reading"]
    assert reading["control:placebo"].endswith("More than chance: other marks are inflated too.")
    assert reading["control:derived"].endswith("gains may be convenience.")
    assert reading["control:planted"].endswith("Signals of this size are missed.")


def test_one_seed_and_undefined_cells():
    errors = study({"control:placebo": -0.1}, seeds=1)
    row = calibration(gains(errors), bits_of(errors)).iloc[0]
    assert row["paired_minmax"] == 0
    assert math.isnan(row["expected_share"])
    assert row["reading"].endswith("one seed marks nothing.")
    zero = errors.assign(mae=0.0)
    row = calibration(gains(zero), bits_of(errors).iloc[:0]).iloc[0]
    assert row["n"] == 0
    assert row["reading"] == "No placebo cell has a defined gain."
    assert math.isnan(row["mae_change"])


def test_by_learner_and_no_controls():
    errors = pd.concat([study(CHANGES), study(CHANGES, learner="m")])
    found = calibration(gains(errors), bits_of(errors), by=["learner"])
    assert found[["control", "learner"]].drop_duplicates().shape == (6, 2)
    plain = study({"volume": -0.2})
    assert calibration(gains(plain), bits_of(plain)).empty


def test_planted_bits_bound_what_normal_targets_give():
    """A = p + noise: log2(1 + snr) / 2, measured on a normal target; less where R already holds a part."""
    from mattomo.information.bits import density_bits

    r, e, noise = np.random.default_rng(0).standard_normal((3, 8000))
    p = (r + e) / math.sqrt(2)
    a = p + noise / math.sqrt(3)  # snr 3
    zero, alone = np.zeros(8000), 0.75 * a
    known = r / math.sqrt(2)
    share = 0.5 / (0.5 + 1 / 3)  # of what R leaves
    cells = ((zero, alone, planted_bits(3.0)), (known, known + share * (a - known), planted_bits(1.5)))
    for before, after, truth in cells:
        parts = [x[:4000] for x in (before, after, p)] + [x[4000:] for x in (before, after, p)]
        assert density_bits(*parts).mean == pytest.approx(truth, rel=0.1)
    with pytest.raises(ValueError, match="not negative"):
        planted_bits(-1.0)
