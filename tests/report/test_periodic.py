"""Places of the elements."""

from mattomo.materials.formula import SYMBOLS
from mattomo.report.periodic import place


def test_every_element_has_a_place_of_its_own():
    places = [place(symbol) for symbol in SYMBOLS]
    assert len(set(places)) == 118
    assert {line for _, line in places} == {0, 1, 2, 3, 4, 5, 6, 8, 9}
    assert max(column for column, _ in places) == 17


def test_groups_stand_in_columns():
    columns = {
        0: "H Li Na K Rb Cs Fr",
        1: "Be Mg Ca Sr Ba Ra",
        2: "Sc Y",
        3: "Ti Zr Hf Rf",
        10: "Cu Ag Au Rg",
        12: "B Al Ga In Tl Nh",
        15: "O S Se Te Po Lv",
        16: "F Cl Br I At Ts",
        17: "He Ne Ar Kr Xe Rn Og",
    }
    for column, symbols in columns.items():
        assert {place(symbol)[0] for symbol in symbols.split()} == {column}, symbols
    lanthanides = ["La", "Ce", "Pr", "Nd", "Pm", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er", "Tm", "Yb", "Lu"]
    actinides = ["Ac", "Th", "Pa", "U", "Np", "Pu", "Am", "Cm", "Bk", "Cf", "Es", "Fm", "Md", "No", "Lr"]
    assert [place(symbol) for symbol in lanthanides] == [(2 + i, 8) for i in range(15)]
    assert [place(symbol) for symbol in actinides] == [(2 + i, 9) for i in range(15)]
