import pandas as pd
import pytest

from mattomo.information import agreement


def table(marks, **changes):
    rows = [
        {
            "learner": learner, "representation": "composition", "target": "p", "added": added,
            "diagonal": added == "p", "reason": "", "mean": mean, "paired_minmax": mark, "separated": False,
        }
        for learner, added, mean, mark in marks
    ]  # fmt: skip
    return pd.DataFrame(rows).assign(**changes)


def test_robust_only_if_every_learner_marks():
    found = agreement(
        table(
            [
                ("cgcnn", "both", -0.1, True), ("trees", "both", -0.3, True),
                ("cgcnn", "one", -0.1, True), ("trees", "one", 0.1, False),
                ("cgcnn", "none", 0.1, False), ("trees", "none", 0.2, False),
            ]
        )
    ).set_index("added")  # fmt: skip
    assert found["robust"].to_dict() == {"both": True, "one": False, "none": False}
    assert found["disagree"].to_dict() == {"both": False, "one": True, "none": False}
    assert found.loc["one", "marked"] == ["cgcnn"]
    assert found.loc["one", "unmarked"] == ["trees"]
    assert (found.loc["both", "low"], found.loc["both", "high"]) == (-0.3, -0.1)


def test_one_learner_the_diagonal_and_undefined_cells_say_nothing():
    assert agreement(table([("cgcnn", "a", -0.1, True)])).empty
    assert agreement(table([("cgcnn", "p", -0.9, True), ("trees", "p", -0.9, True)])).empty
    two = table([("cgcnn", "a", -0.1, True), ("trees", "a", -0.1, True)])
    assert agreement(two.assign(reason=["", "baseline MAE is zero"])).empty


def test_the_criterion_matters_and_is_checked():
    two = table([("cgcnn", "a", -0.1, True), ("trees", "a", -0.1, True)])
    assert agreement(two, "paired_minmax")["robust"].all()
    assert not agreement(two, "separated")["robust"].any()
    with pytest.raises(ValueError, match="criterion"):
        agreement(two, "loud")
