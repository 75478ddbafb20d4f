import numpy as np
import pytest

from mattomo.errors import InputError
from mattomo.materials.registry import ALIASES, PAPER_PROPERTIES, PAPER_TARGETS, REGISTRY, describe, resolve


def test_paper_names_are_registered() -> None:
    assert len(PAPER_TARGETS) == 9
    assert len(PAPER_PROPERTIES) == 13
    assert all(REGISTRY[name].kind == "scalar" and REGISTRY[name].unit for name in PAPER_TARGETS)
    assert all(REGISTRY[name].kind == "category" for name in PAPER_PROPERTIES[9:])
    extensive = {name for name in PAPER_PROPERTIES if REGISTRY[name].extensive}
    assert extensive == {"energy", "nsites", "total_magnetization", "volume"}


def test_names_are_keys_and_aliases_are_known() -> None:
    assert all(name == info.name for name, info in REGISTRY.items())
    assert all(alias in REGISTRY for aliases in ALIASES.values() for alias in aliases)
    assert {name for name, info in REGISTRY.items() if info.none_is_class} == {
        "oxide_type",
        "oxide_type_derived",
    }


def test_resolve() -> None:
    assert resolve("is_hubbard", ["is_hubbard", "is_hubbard_derived"]) == "is_hubbard"
    assert resolve("is_hubbard", ["is_hubbard_derived"]) == "is_hubbard_derived"
    assert resolve("mine", ["mine"]) == "mine"
    with pytest.raises(InputError, match=r"'band_gpa': no such property. Did you mean: band_gap"):
        resolve("band_gpa", ["band_gap", "density"])
    with pytest.raises(InputError, match="There are: density"):
        resolve("qqq", ["density"])


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1.0], "scalar"),
        ([None, 3], "scalar"),
        (["a"], "category"),
        ([True], "category"),
        (np.array([True]), "category"),
        (np.array([1, 2]), "scalar"),
        ([], "scalar"),
    ],
)
def test_describe_guesses(values: list[object], kind: str) -> None:
    info = describe("my_thing", values)
    assert (info.kind, info.label, info.extensive) == (kind, "my thing", None)


def test_describe_knows_the_registry() -> None:
    assert describe("spacegroup_number", [225]) is REGISTRY["spacegroup_number"]
