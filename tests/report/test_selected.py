"""The words and tables of a selection, from numbers made up for each case."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from mattomo.information.elimination import Path, Rule, Step, Swap
from mattomo.information.losses import Loss
from mattomo.information.selection import Plan, Selection
from mattomo.information.sufficiency import Purchase, Sufficient
from mattomo.materials.registry import PropertyInfo
from mattomo.report.selected import announcement, interval, words, write_selection

NAN = float("nan")
NONE = Loss(0.002, 0.01, -0.02, 0.03)
LARGE = Loss(0.5, 0.02, 0.4, 0.6)
SWAP = Swap("a", "b", ("b",), NONE, NONE, NONE, True)
FOUND = Selection(
    target="p", base="composition", learner="trees", properties=("a", "b", "c"),
    controls=("control:placebo", "control:derived"), seeds=(0, 1, 2), n_materials=300, n_train=180,
    rule=Rule(), path=Path(("a", "b", "c"), ("a",), (Step("b", True, ("a", "c"), 0.1, NONE, NONE),)),
    selected=("a",), kept_controls=(), gain_all=LARGE, gain=LARGE, loss=NONE, mae_base=2.0, mae_all=1.0,
    mae=1.01, determined={"a": 0.2, "b": 0.3, "c": 0.95}, swaps=(SWAP,), split_sets=(("a",), ("b",), ("a",)),
    stability=0.25, sets=(Sufficient(("b",), 0.5, 0.1, 1), Sufficient(("a",), 0.5, 0.2, 1)), costs={},
    purchases=(), frontier=(), trained=3, known=9,
)  # fmt: skip
INFOS = {"p": PropertyInfo("p", "the target", "eV")} | {n: PropertyInfo(n, f"property {n}") for n in "abc"}


def said(found=FOUND, relations=()):
    return words(found, INFOS, relations)


def test_the_answer_comes_first():
    assert said()[0] == (
        "composition + property a hold all that the 3 properties hold about the target, within 0.01 bits."
    )


def test_a_loss_is_called_one():
    lost = replace(FOUND, loss=Loss(0.1, 0.02, 0.05, 0.15))
    assert said(lost)[0] == (
        "composition + property a hold all but 0.10 of the 0.50 bits that the 3 properties hold about the "
        "target beyond composition."
    )


def test_what_could_not_be_seen_is_said():
    lost = replace(FOUND, loss=Loss(0.1, 0.02, 0.05, 0.15))
    assert "A loss below 0.02 bits could not be told from none" in said(lost)[1]
    assert "could not be told" not in said()[1]


def test_a_gain_by_leaving_out_is_told():
    better = replace(FOUND, loss=Loss(-0.1, 0.02, -0.15, -0.05))
    assert "without the others trees even makes 0.10 bits more of them" in said(better)[0]


def test_nothing_is_needed():
    empty = replace(FOUND, selected=(), gain_all=NONE, swaps=())
    assert said(empty)[0] == (
        "composition alone suffices for the target: all 3 properties together add 0.002 bits (95 % −0.020 to "
        "0.030) to it."
    )
    alone = replace(empty, base="none", controls=("control:placebo",))
    assert said(alone)[0].startswith("None of the 3 properties is seen to tell the target")


def test_what_the_rows_cannot_exclude_is_said():
    text = said()[1]
    assert "0.002 bits (95 % −0.020 to 0.030)" in text
    assert "1.01 eV with them, 1.00 with all, 2.00 with none" in text
    assert "do not exclude a loss of 0.03 bits" in text
    assert "all the same" not in text
    assert "The error is +20.0 % all the same" in said(replace(FOUND, mae=1.2))[1]


def test_few_splits_are_quoted_by_the_materials():
    assert interval(Loss(0.1, 0.02, -3, 3), 3) == (-3, 3)
    assert interval(Loss(0.1, 0.02, -3, 3), 2) == pytest.approx((0.06, 0.14))
    assert interval(Loss(0.1, 0.02, NAN, NAN), 1) == pytest.approx((0.06, 0.14))


def test_controls_and_swaps():
    text = " ".join(said())
    assert "placebo and derived were dropped, as a column without information must be" in text
    assert "Equally good as far as these rows can tell: property b for property a." in text
    kept = " ".join(said(replace(FOUND, kept_controls=("control:placebo",))))
    assert "placebo was kept though without information" in kept
    assert "dropped, as" not in kept
    easy = " ".join(said(replace(FOUND, kept_controls=("control:derived",))))
    assert "trees has not learned all that composition holds" in easy
    none = " ".join(said(replace(FOUND, swaps=(replace(SWAP, equal=False),))))
    assert "No selected property can be given" in none


def test_convenience_and_identities_are_named():
    assert "convenience" not in " ".join(said())
    easy = " ".join(said(replace(FOUND, selected=("a", "c"))))
    assert "Composition tells most of property c (95%) already" in easy
    relation = {"target": "p", "sources": ["a", "b"], "sentence": "p = a × b"}
    assert "Beware of an identity: p = a × b." in said(FOUND, [relation])
    assert said(FOUND, [relation | {"target": "a"}]) == said()
    assert said(FOUND, [relation | {"sources": ["mean_atomic_mass"]}]) == said()


def test_stability_and_the_second_sense():
    text = " ".join(said())
    assert "selects property a (2 of 3) and property b (1 of 3); stability 0.25" in text
    assert "property b repeats itself least: 0.50 bits about the target for 0.10 redundant ones" in text


def test_purchases():
    buy = Purchase("b", 0.2, 0.01, 0.1, 0.3, 4.0)
    shop = replace(
        FOUND, costs={"b": 4.0, "a": 0.0}, purchases=(buy,), frontier=(Sufficient(("b",), 0.2, NAN, 4),)
    )
    text = " ".join(said(shop))
    assert "Known already, and not put to the test: property a." in text
    assert (
        "Measure property b next: it adds 0.20 bits (± 0.02) for 4 beside composition and property a" in text
    )
    assert "0.050 bits for a unit of cost." in text
    assert "Best sets met, by cost: property b (0.20 bits for 4)." in text
    unseen = replace(shop, purchases=(replace(buy, se=0.2),))
    assert "No single property is seen to tell anything" in " ".join(said(unseen))


def test_tables_are_written_and_those_of_an_earlier_answer_removed(tmp_path):
    write_selection(FOUND, said(), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "selection.json", "steps.csv", "swaps.csv", "splits.csv", "sets.csv",
    }  # fmt: skip
    assert pd.read_csv(tmp_path / "swaps.csv")["test_bits"].tolist() == [0.002]
    document = json.loads((tmp_path / "selection.json").read_text())
    assert document["words"] == said()
    assert document["sets"][0]["per_redundant_bit"] == pytest.approx(5)
    write_selection(replace(FOUND, swaps=(), loss=Loss(0.0, 0.0, NAN, NAN)), ["x"], tmp_path)
    assert not (tmp_path / "swaps.csv").exists()
    assert json.loads((tmp_path / "selection.json").read_text())["loss"]["low"] is None


def test_announcement_adds_up():
    text = announcement(Plan(30, 10, 20, 0, 15, 60.0), 5, 2, "30 s")
    assert text.startswith("at most 60 models: 30 for the elimination (6 a split)")
    assert "15 fits of trees" in text
    assert "alone" not in text
