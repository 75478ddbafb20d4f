from itertools import pairwise

import numpy as np
import pytest

from mattomo.errors import InputError
from mattomo.projections.elements import (
    BLOCKS,
    FEATURES,
    N_ELEMENTS,
    element_features,
    element_table,
    raw_features,
    unknown,
)

ALL = range(1, N_ELEMENTS + 1)


def slices():
    ends = np.cumsum([0] + [f.columns for f in FEATURES])
    return {f.name: slice(a, b) for f, (a, b) in zip(FEATURES, pairwise(ends), strict=True)}


def bin_of(symbol, name):
    """Index of the 1 in a block, None where the block is empty."""
    Z = element_table().index[element_table().symbol == symbol][0]
    block = element_features()[Z, slices()[name]]
    return int(block.argmax()) if block.any() else None


def test_shapes():
    features = element_features()
    assert features.shape == (104, 92)
    assert features.dtype == np.float64
    assert not features[0].any()
    assert raw_features().shape == (104, 9)
    assert np.isnan(raw_features()[0]).all()
    assert [f.columns for f in FEATURES] == [18, 8, 10, 10, 12, 10, 10, 4, 10]
    assert all(len(f.edges) == f.columns + 1 for f in FEATURES)


def test_every_element_has_a_row():
    table = element_table()
    assert table.index.tolist() == list(ALL)
    assert table.symbol.is_unique
    assert table.symbol.loc[[1, 26, 57, 92, 103]].tolist() == ["H", "Fe", "La", "U", "Lr"]
    assert set(table.block) == set(BLOCKS)


@pytest.mark.parametrize("Z", ALL)
def test_blocks_are_one_hot_or_said_to_be_unknown(Z):
    features = element_features()[Z]
    for name, where in slices().items():
        expected = 0.0 if name in unknown(Z) else 1.0
        assert features[where].sum() == expected
        assert set(features[where]) <= {0.0, 1.0}


def test_colliding_elements_are_known():
    groups = {}
    for Z in ALL:
        groups.setdefault(element_features()[Z].tobytes(), []).append(element_table().symbol[Z])
    assert [g for g in groups.values() if len(g) > 1] == [["Ho", "Er"], ["Es", "Fm", "Md", "No"]]


@pytest.mark.parametrize(
    ("symbol", "group", "period", "block", "valence"),
    [
        ("Na", 1, 3, "s", 1),
        ("Fe", 8, 4, "d", 8),
        ("O", 16, 2, "p", 6),
        ("Xe", 18, 5, "p", 8),
        ("La", 3, 6, "d", 3),
    ],
)
def test_classes(symbol, group, period, block, valence):
    assert bin_of(symbol, "group") == group - 1
    assert bin_of(symbol, "period") == period - 1
    assert bin_of(symbol, "block") == BLOCKS.index(block)
    assert bin_of(symbol, "valence_electrons") == valence - 1


@pytest.mark.parametrize(
    ("symbol", "name", "expected"),
    [
        ("F", "electronegativity", 9),  # 3.98 of 0.5–4.0
        ("Cs", "electronegativity", 0),  # 0.79
        ("Fe", "covalent_radius", 5),  # 142 pm: (142 − 25) / 22.5 = 5.2
        ("Fr", "covalent_radius", 9),  # 260 pm, beyond the last edge
        ("H", "ln_first_ionisation_energy", 6),  # ln 13.598 = 2.610: (2.610 − 1.3) / 0.2 = 6.55
        ("Cl", "electron_affinity", 9),  # 3.61 eV: (3.61 + 3) / 0.67 = 9.87
        ("He", "electron_affinity", 0),  # below the first edge
        ("H", "ln_atomic_volume", 9),  # a gas, beyond the last edge
        ("Fe", "ln_atomic_volume", 1),  # ln 7.096 = 1.960: (1.960 − 1.5) / 0.28 = 1.64
        ("Lu", "valence_electrons", 11),  # 17, beyond the last edge
        ("Nd", "group", None),
        ("Ne", "electronegativity", None),
    ],
)
def test_bins(symbol, name, expected):
    assert bin_of(symbol, name) == expected


def test_unknown_says_what_is_unknown():
    assert unknown(26) == ()
    assert unknown(10) == ("electronegativity", "electron_affinity")
    assert unknown(103) == ("group", "electronegativity", "covalent_radius", "electron_affinity")
    for Z in (0, 104, -1):
        with pytest.raises(InputError, match="1 to 103"):
            unknown(Z)


def test_raw_values_have_physical_units():
    raw = {f.name: column for f, column in zip(FEATURES, raw_features().T, strict=True)}
    assert raw["covalent_radius"][6] == 73.0
    assert np.exp(raw["ln_first_ionisation_energy"][1]) == pytest.approx(13.598, abs=1e-3)
    assert np.exp(raw["ln_atomic_volume"][13]) == pytest.approx(9.99, abs=1e-2)  # Al, 2.70 g/cm³


def test_callers_cannot_change_the_table():
    element_features()[:] = 7.0
    raw_features()[:] = 7.0
    table = element_table()
    table.loc[:, "symbol"] = "X"
    assert element_features().max() == 1.0
    assert raw_features()[1, 1] == 1.0
    assert element_table().symbol[1] == "H"
