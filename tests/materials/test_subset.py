import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mattomo.errors import InputError
from mattomo.materials import load, read
from mattomo.materials.subset import rows_where, subset

MP = load("mp1000")
FORMULAS = ["BaTiO3", "TiO2", "NaCl", "CsPbI3", "Fe2O3", "CO2", "BN", "Sr2Ti2O6", "K2NiF4"]


def world():
    frame = pd.DataFrame(
        {
            "id": [f"m{i}" for i in range(9)],
            "formula": FORMULAS,
            "gap": [3.0, 3.2, 8.5, 1.7, 2.2, 9.0, 6.0, None, None],
            "system": ["cubic", "tetragonal", "cubic", "cubic", "trigonal", "-", "hexagonal", "cubic", "-"],
            "group": [221, 136, 225, 221, 167, None, 194, 221, None],
            "my gap": np.arange(9.0),
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "world.csv"
        frame.to_csv(path, index=False)
        return read(path, categories=["group"])[0]


WORLD = world()


def chosen(condition):
    return [FORMULAS[i] for i in np.flatnonzero(rows_where(WORLD, condition))]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("elements has O", ["BaTiO3", "TiO2", "Fe2O3", "CO2", "Sr2Ti2O6"]),
        ("elements has O and n_elements == 2", ["TiO2", "Fe2O3", "CO2"]),
        ("elements within (Ba, Ti, O, Na, Cl)", ["BaTiO3", "TiO2", "NaCl"]),
        # C and B are placeholders, other single letters that are elements are not
        ("formula like ABX3", ["BaTiO3", "CsPbI3", "Sr2Ti2O6"]),
        ('formula like "ABO3"', ["BaTiO3", "Sr2Ti2O6"]),
        ("formula like A2B2X6", ["BaTiO3", "CsPbI3", "Sr2Ti2O6"]),
        ("formula like AO2", ["TiO2", "CO2"]),
        ("formula like AB", ["NaCl", "BN"]),
        ("formula like A2MX4", ["K2NiF4"]),
        ("formula like TiX2", ["TiO2"]),
        ("formula == O2Ti", ["TiO2"]),
        ("formula in (Ti2O4, ClNa)", ["TiO2", "NaCl"]),
        ("formula != TiO2 and elements has Ti", ["BaTiO3", "Sr2Ti2O6"]),
        ("gap > 3", ["TiO2", "NaCl", "CO2", "BN"]),
        ("gap=3.0", ["BaTiO3"]),
        ("2 < gap <= 3.2", ["BaTiO3", "TiO2", "Fe2O3"]),
        ("gap is missing", ["Sr2Ti2O6", "K2NiF4"]),
        ("gap is not missing and gap < 2", ["CsPbI3"]),
        ("system == CUBIC", ["BaTiO3", "NaCl", "CsPbI3", "Sr2Ti2O6"]),
        ("system in ('trigonal', hexagonal)", ["Fe2O3", "BN"]),
        ("system != cubic", ["TiO2", "Fe2O3", "BN"]),
        ("group == 221 and group < 225", ["BaTiO3", "CsPbI3", "Sr2Ti2O6"]),
        ("group >= 194", ["BaTiO3", "NaCl", "CsPbI3", "BN", "Sr2Ti2O6"]),
        ("`my gap` < 2", ["BaTiO3", "TiO2"]),
        ("id in (m1, 'm3')", ["TiO2", "CsPbI3"]),
        # missing is neither true nor false, and or may still decide
        ("not gap > 3", ["BaTiO3", "CsPbI3", "Fe2O3"]),
        ("not (gap > 3 and elements has O)", ["BaTiO3", "NaCl", "CsPbI3", "Fe2O3", "BN", "K2NiF4"]),
        ("gap > 8 or elements has K", ["NaCl", "CO2", "K2NiF4"]),
        # and binds more tightly than or
        ("elements has K or elements has O and gap < 3", ["Fe2O3", "K2NiF4"]),
        ("(elements has K or elements has O) and gap < 3", ["Fe2O3"]),
        ("not not elements has N", ["BN"]),
        ("gap < -1e3", []),
    ],
)
def test_conditions(condition, expected):
    assert chosen(condition) == expected


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("", "a property is missing at the end"),
        ("gap >", "a value is missing at the end"),
        ("gap > wide", "holds numbers, and this is none at character 7"),
        ("gop > 1", r"no such property at character 1 \('gop'\).*gap"),
        ("system == qubic", "no such class at character 11.*cubic"),
        ("system > cubic", "no order at character 10"),
        ("elements has Xx", "no element at character 14"),
        ("elements contain O", "has or within"),
        ("gap > 1 elements has O", "goes on unexpectedly at character 9"),
        ("(gap > 1", r"'\)' is missing at the end"),
        ("gap ~ 1", "cannot be read at character 5"),
        ("formula like ab3", "no pattern"),
        ("formula like AB0", "zero"),
        ("formula like Xx2", "no element"),
        ("formula == Q7", "not a formula"),
        ("gap in 3", r"'\(' is missing"),
        ("gap is 3", "'missing' is missing"),
        ("3 4", "compared with nothing"),
        ("__import__('os')", "no such property at character 1"),
        ("gap('os')", "compared with nothing at character 4"),
        ("and gap > 1", "a property is missing at character 1"),
    ],
)
def test_mistakes_say_where(condition, words):
    with pytest.raises(InputError, match=words) as caught:
        rows_where(WORLD, condition)
    assert caught.value.column == "where"


def test_a_subset_says_what_it_is():
    oxides = subset(MP, "elements has O")
    assert all("O" in formula for formula in oxides.compositions.formulas)
    assert f"{len(oxides):,} of 1,000" in oxides.notices[-1]
    with pytest.raises(InputError, match="no material meets"):
        subset(MP, "band_gap < 0")


def test_conditions_split_the_table():
    for condition in ("band_gap > 1", "crystal_system == Cubic", "bulk_modulus_vrh > 100"):
        yes, no = rows_where(MP, condition), rows_where(MP, f"not ({condition})")
        name = condition.split()[0]
        assert np.array_equal(yes | no, ~MP.columns[name].missing)
        assert not (yes & no).any()


@given(st.text(alphabet="gap<>=!()andornot elementshasO0123.,'`\"", max_size=30))
def test_any_text_is_a_condition_or_a_mistake(text):
    try:
        found = rows_where(WORLD, text)
    except InputError as error:
        mistaken = error
    else:
        assert found.shape == (len(FORMULAS),)
        return
    assert mistaken.column == "where"
