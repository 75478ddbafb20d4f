"""The truth of the specification: a copy, an exclusive or, a function of the base, and noise."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


benchmark = load(ROOT / "benchmarks/selection.py")
#: Properties and the two controls.
CANDIDATES = benchmark.PROPERTIES + 2


@pytest.mark.parametrize(
    ("found", "right"),
    [
        ("a0 a1 a2 a3", True),
        ("a1 a2 a3 a4 a5", True),
        ("a0 a1 a2 a3 a4", False),
        ("a0 a1 a2", False),
        ("a1 a2 a3", False),
        ("a0 a1 a2 a3 a9", False),
        ("a0 a1 a2 a3 control:placebo", False),
    ],
)
def test_what_counts_as_right(found, right):
    assert benchmark.is_right(found.split()) == right


def test_the_world_is_what_it_claims():
    table = benchmark.world(4000, 0)
    correlation = table.drop(columns=["id", "formula"]).corr()
    assert correlation["a0"]["a4"] > 0.99
    assert 0.6 < correlation["a1"]["a6"] < 0.8
    # Neither sign tells anything by itself; together they tell most.
    assert abs(correlation["a2"]["target"]) < 0.06
    assert abs(correlation["a3"]["target"]) < 0.06
    assert (table["a2"] * table["a3"] > 0).astype(float).corr(table["target"]) > 0.3
    assert table["formula"].is_unique


@pytest.mark.slow
def test_backward_finds_the_set_and_forward_does_not():
    found = [benchmark.simulate(2000, repeat, 3) for repeat in range(4)]
    assert sum(each["right"] for each in found) >= 3
    for each in found:
        assert {"a2", "a3"} <= set(each["selected"])
        assert each["models"] - each["asked_again"] == CANDIDATES + 1
        assert not any(name.startswith("control:") for name in each["selected"])
        assert not {"a2", "a3"} & set(each["forward"])
        assert each["bits"] > each["forward_bits"]
        assert each["models"] < each["forward_models"]
