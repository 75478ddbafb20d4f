import numpy as np
import pandas as pd
import pytest

from mattomo.information.convenience import gain_curves

SIZES = (500, 2000, 8000, 20_000)


def curve(values, sizes=SIZES, noise=(0.0,), name="a"):
    rows = [
        {"learner": "l", "representation": "r", "target": "p", "added": name, "fraction": n / max(sizes),
         "seed": seed, "n_train": n, "bits": value + shift}
        for seed, shift in enumerate(noise) for n, value in zip(sizes, values, strict=True)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def word(values, *rest, **more):
    return gain_curves(curve(values, *rest, **more))["word"].item()


@pytest.mark.parametrize("noise", [(0.0,), (-0.03, 0.0, 0.03), (0.02, -0.01, 0.01, -0.02, 0.0)])
def test_reference_curves(noise):
    """Measured where the answer is known: A = f(R), and an A that R does not hold."""
    assert word([0.80, 0.51, 0.27, 0.13], noise=noise) == "convenience"
    assert word([0.36, 0.57, 0.78, 0.85], noise=noise) == "information"


def test_slope_is_per_doubling():
    row = gain_curves(curve([0.5, 0.4, 0.3], (100, 200, 400), noise=(-0.1, 0.1))).iloc[0]
    assert row["slope"] == pytest.approx(-0.1)
    assert (row["slope_low"], row["slope_high"]) == pytest.approx((-0.1, -0.1))
    assert (row["smallest"], row["largest"], row["n_seeds"]) == (100, 400, 2)
    assert (row["bits_smallest"], row["bits_largest"]) == pytest.approx((0.5, 0.3))
    assert row["sentence"] == (
        "Convenience: the gain shrinks as training rows are added: 0.50 bits with 100 rows, 0.30 with 400; "
        "-0.100 bits per doubling (95% interval -0.100 to -0.100)."
    )


def test_a_gain_that_stays_is_information_and_none_is_undecided():
    three = (250, 500, 1000)
    assert word([0.5, 0.5, 0.5], three, noise=(-0.01, 0.0, 0.01)) == "information"
    assert word([0.50, 0.49, 0.48], three, noise=(-0.01, 0.0, 0.01)) == "information"  # falls, but hardly
    assert word([0.0, 0.0, 0.0], three, noise=(-0.01, 0.0, 0.01)) == "undecided"
    assert word([-0.1, -0.1, -0.2], three, noise=(-0.01, 0.0, 0.01)) == "undecided"


def test_noisy_slopes_are_undecided():
    rng = np.random.default_rng(0)
    rows = curve([0.5, 0.4, 0.35], (250, 500, 1000), noise=(0.0,) * 3)
    assert (
        gain_curves(rows.assign(bits=rows["bits"] + 0.3 * rng.standard_normal(9)))["word"].item()
        == "undecided"
    )


def test_seeds_that_lack_a_size_are_left_out():
    rows = curve([0.8, 0.5, 0.3], (250, 500, 1000), noise=(0.0, 0.01, 0.02))
    rows.loc[(rows["seed"] == 2) & (rows["n_train"] == 500), "bits"] = np.nan
    assert gain_curves(rows)["n_seeds"].item() == 2


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (curve([0.5], (100,), noise=(0.0, 0.1)), "a single training size"),
        (curve([0.5, np.nan], (100, 200)), "no seed has a gain at every size"),
        (curve([0.5, 0.2], (100, 200)), "one seed and two sizes have no interval"),
    ],
)
def test_what_cannot_be_decided_says_why(rows, text):
    row = gain_curves(rows).iloc[0]
    assert row["word"] == "undecided"
    assert text in row["sentence"]


def test_one_row_a_curve_in_the_order_given():
    table = pd.concat([curve([0.8, 0.5], (1, 2), name=name, noise=(0, 1)) for name in "ba"])
    assert gain_curves(table)["added"].tolist() == ["b", "a"]
    assert gain_curves(table.iloc[:0]).empty
    with pytest.raises(ValueError, match="duplicate"):
        gain_curves(pd.concat([table, table]))
