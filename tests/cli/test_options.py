"""Options that stand for tables of the study file."""

import pytest

from mattomo.cli.options import _parse
from mattomo.errors import InputError


def test_properties_of_the_atoms():
    text = "radius=element:covalent_radius, magmom = site,hardness=a/b.csv"
    expected = {"radius": "element:covalent_radius", "magmom": "site", "hardness": "a/b.csv"}
    assert _parse("atoms", text) == expected


@pytest.mark.parametrize("text", ["magmom", "=site", "magmom=", "a=site,"])
def test_properties_of_the_atoms_without_a_source(text):
    with pytest.raises(InputError, match="NAME=SOURCE"):
        _parse("atoms", text)
