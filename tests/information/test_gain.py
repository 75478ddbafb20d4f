"""Gains: exact values, undefined cells, and the paper's Table 1."""

import json
from itertools import product

import numpy as np
import pandas as pd
import pytest

from mattomo.information import (
    chance_all_below,
    contrasts,
    frequency,
    gains,
    mae_changes,
    structure_already_holds,
)

# Table 1 of arXiv:2501.18163: properties by index, hits of each target on structure and on composition.
TABLE1 = json.loads("""
{"properties": ["band_gap", "density", "e_above_hull", "energy", "energy_per_atom",
  "formation_energy_per_atom", "nsites", "total_magnetization", "volume", "is_hubbard", "oxide_type",
  "crystal_system", "spacegroup_number"],
 "structure": [[], [], [4, 5], [6, 7, 8, 11, 12], [2, 5, 7], [2, 4], [3, 8, 11, 12], [2, 3], [3, 6, 12]],
 "composition": [[2, 4, 5], [2, 4, 5, 8, 11, 12], [1, 4, 5, 7, 8, 11, 12], [6, 8, 11, 12],
  [0, 1, 2, 5, 7, 8, 11, 12], [1, 2, 4, 7, 8, 11, 12], [3, 8, 11, 12], [], [1, 2, 3, 4, 5, 6, 7, 11, 12]],
 "third": [[2, 4, 5], [2, 4, 5, 8, 11, 12], [1, 7, 8, 11, 12], [], [0, 1, 8, 11, 12], [1, 7, 8, 11, 12], [],
  [], [1, 2, 4, 5, 7, 11]]}
""")
TARGETS = tuple(TABLE1["properties"][:9])


def errors_of(baseline: dict[int, float], augmented: dict[int, float], **constant: str) -> pd.DataFrame:
    key = {"learner": "l", "representation": "composition", "target": "p"} | constant
    rows = [key | {"added": "", "seed": seed, "mae": mae} for seed, mae in baseline.items()]
    rows += [key | {"added": "a", "seed": seed, "mae": mae} for seed, mae in augmented.items()]
    return pd.DataFrame(rows)


def test_gain_is_paired_within_a_seed():
    cell = gains(errors_of({0: 2.0, 1: 1.0}, {0: 1.5, 1: 0.9})).iloc[0]
    assert (cell["mean"], cell["min"], cell["max"]) == pytest.approx((-0.175, -0.25, -0.1))
    assert (cell["mae0_mean"], cell["mae1_mean"], cell["n_seeds"]) == (1.5, 1.2, 2)
    assert cell["paired_minmax"]
    assert not cell["separated"]  # 1.5, the worst with a, is above 1.0, the best without
    assert not cell["diagonal"]
    assert cell["reason"] == ""


def test_separated_needs_worst_below_best():
    assert gains(errors_of({0: 2.0, 1: 1.9}, {0: 1.5, 1: 1.8}))["separated"].item()
    assert not gains(errors_of({0: 2.0, 1: 1.8}, {0: 1.5, 1: 1.8}))["separated"].item()


def test_only_common_seeds_are_paired():
    table = mae_changes(errors_of({0: 2.0, 1: 1.0}, {1: 0.5, 2: 9.0}))
    assert table[["seed", "change"]].to_numpy().tolist() == [[1, -0.5]]


@pytest.mark.parametrize(
    ("baseline", "augmented", "reason"),
    [
        ({0: 0.0, 1: 1.0}, {0: 0.0, 1: 0.5}, "baseline MAE is zero"),
        ({0: 1.0}, {1: 0.5}, "no common seed"),
        ({}, {0: 0.5, 1: 0.5}, "no common seed"),
        ({0: 1.0, 1: 1.0}, {0: np.nan, 1: 0.5}, "a model's MAE is not finite"),
        ({0: 1.0, 1: 1.0}, {0: np.inf, 1: 0.5}, "a model's MAE is not finite"),
    ],
)
def test_undefined_cells_say_why(baseline, augmented, reason):
    cell = gains(errors_of(baseline, augmented)).iloc[0]
    assert cell["reason"] == reason
    assert cell[["mean", "min", "max"]].isna().all()
    assert not cell["paired_minmax"]
    assert not cell["separated"]


def test_one_seed_has_no_range_and_no_mark():
    cell = gains(errors_of({0: 1.0}, {0: 0.5})).iloc[0]
    assert cell["mean"] == -0.5
    assert not cell["paired_minmax"]
    assert not cell["separated"]


def test_a_model_given_twice_is_an_error():
    errors = errors_of({0: 1.0}, {0: 0.5})
    with pytest.raises(ValueError, match=r"same model twice: learner='l'.*seed="):
        mae_changes(pd.concat([errors, errors]))


def test_empty_errors_give_empty_tables():
    errors = errors_of({0: 1.0}, {0: 0.5}).iloc[:0]
    assert gains(errors).empty
    assert contrasts(errors).empty
    assert frequency(structure_already_holds(gains(errors))).empty


def test_contrast_is_paired_between_representations():
    errors = pd.concat(
        [
            errors_of({0: 1.0, 1: 1.0}, {0: 0.7, 1: 0.9}),
            errors_of({0: 1.0, 1: 1.0}, {0: 0.9, 1: 0.9}, representation="structure"),
        ]
    )
    row = contrasts(errors).iloc[0]
    assert (row["mean"], row["min"], row["max"]) == pytest.approx((-0.1, -0.2, 0.0))
    assert (row["composition"], row["structure"]) == pytest.approx((-0.2, -0.1))


def paper_gains() -> pd.DataFrame:
    names = TABLE1["properties"]
    rows = [
        {
            "learner": "cgcnn", "representation": representation, "target": target, "added": name,
            "diagonal": name == target, "reason": "", "separated": False,
            # The paper's lists leave the target out although its own column is a hit by construction.
            "paired_minmax": index in TABLE1[representation][TARGETS.index(target)] or name == target,
        }
        for representation, target, (index, name) in product(
            ("structure", "composition"), TARGETS, enumerate(names)
        )
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_table1_of_the_paper():
    table = structure_already_holds(paper_gains())
    names = TABLE1["properties"]
    assert table["target"].tolist() == list(TARGETS)
    assert table["structure_only"].tolist() == [[names[i] for i in row] for row in TABLE1["third"]]
    assert (table["structure"].map(len).sum(), table["composition"].map(len).sum()) == (21, 48)


def test_frequency_of_the_paper():
    """Its order "crystal system, then space-group number, density and volume": the last three tie at four."""
    counted = frequency(structure_already_holds(paper_gains()))
    assert counted["added"].tolist()[:4] == ["crystal_system", "density", "spacegroup_number", "volume"]
    assert counted["count"].tolist() == [5, 4, 4, 4, 3, 3, 3, 3, 1]


def test_structure_holds_only_what_was_measured_there():
    table = paper_gains()
    table = table[~((table["representation"] == "structure") & (table["added"] == "e_above_hull"))]
    first = structure_already_holds(table).iloc[0]
    assert first["composition"] == ["e_above_hull", "energy_per_atom", "formation_energy_per_atom"]
    assert first["structure_only"] == ["energy_per_atom", "formation_energy_per_atom"]


def test_unknown_criterion():
    with pytest.raises(ValueError, match="criterion must be one of paired_minmax, separated, got 'p'"):
        structure_already_holds(paper_gains(), "p")


def test_chance_against_simulation():
    rng = np.random.default_rng(0)
    common, own = rng.standard_normal((200_000, 1)), rng.standard_normal((200_000, 4))
    simulated = ((0.5 * common + np.sqrt(0.75) * own) < 0).all(axis=1).mean()
    assert chance_all_below(4, 0.25) == pytest.approx(simulated, abs=0.003)


def test_a_rise_in_every_seed_is_a_change_but_no_gain():
    rise = gains(errors_of({0: 1.0, 1: 1.0}, {0: 1.1, 1: 1.2})).iloc[0]
    fall = gains(errors_of({0: 1.0, 1: 1.0}, {0: 0.9, 1: 0.8})).iloc[0]
    mixed = gains(errors_of({0: 1.0, 1: 1.0}, {0: 0.9, 1: 1.2})).iloc[0]
    single = gains(errors_of({0: 1.0}, {0: 1.2})).iloc[0]
    assert [c["paired_minmax_two_sided"] for c in (rise, fall, mixed, single)] == [True, True, False, False]
    assert [c["paired_minmax"] for c in (rise, fall, mixed, single)] == [False, True, False, False]
