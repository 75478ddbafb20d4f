import math

import numpy as np
import pytest

from mattomo.information.losses import Rows, Scores, score_set
from mattomo.keyed import generator


def test_loss_is_the_mean_over_materials_and_knows_formulas():
    values = np.array([0.0, 2.0, 4.0, 6.0])
    nothing = np.zeros(4)
    seen = (np.array([0, 1, 2, 3]), np.array([0, 1, 2, 3]))

    def scored(first, second):
        return Scores((), (first, second), (first, second), (1.0, 1.0), ({}, {}))

    apart = Rows(seen, seen, np.arange(4), 8.0)
    paired = Rows(seen, seen, np.array([0, 0, 1, 2]), 8.0)
    alike = apart.loss(scored(nothing, nothing), scored(values, values))
    # Each material is tested twice: its mean counts once.
    assert alike.bits == pytest.approx(3)
    assert alike.se == pytest.approx(values.std(ddof=1) / 2)
    assert paired.loss(scored(nothing, nothing), scored(values, values)).se != pytest.approx(alike.se)
    # What all rows of a split share comes on top: two means 8 apart, variance 32 / 2 of their mean.
    loss = apart.loss(scored(nothing, nothing), scored(values, values + 8))
    row = np.concatenate([values, values + 8]).var() / 8
    assert loss.se == pytest.approx(math.sqrt(alike.se**2 + 16 - row))
    loss = apart.loss(scored(nothing, nothing), scored(values, values + 1))
    assert loss.bits == pytest.approx(3.5)
    both = apart.loss(scored(nothing, nothing), scored(values, values + 1), "validation", "test")
    assert both.bits == pytest.approx(3.5)


def test_scores_of_a_good_model_exceed_those_of_a_bad_one_by_the_known_bits():
    """Gaussian errors of deviation 1 and 1/2: one bit."""
    rng = generator("two models")
    truth = rng.normal(size=4000) * 3
    error = rng.normal(size=4000)
    scored = []
    for width in (1.0, 0.5):
        predicted = truth + width * error
        scored.append(
            score_set(
                (), predicted[:2000], truth[:2000], predicted[2000:], truth[2000:], np.arange(2000), {},
                atoms=[], key=("test",),
            )
        )  # fmt: skip
    for part in ("validation", "test"):
        bad, good = (np.mean(each.on(part)[0]) for each in scored)
        assert good - bad == pytest.approx(1, abs=0.06)
    assert scored[1].mae[0] == pytest.approx(0.5 * np.sqrt(2 / np.pi), rel=0.05)


def test_a_set_that_gives_the_target_away_is_refused():
    truth = np.arange(100.0)
    with pytest.raises(ValueError, match="unbounded"):
        score_set((), truth, truth, truth, truth, np.arange(100), {}, atoms=[], key=("test",))
