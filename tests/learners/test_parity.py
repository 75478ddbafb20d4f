"""The network is the original CGCNN: outputs, gradients and training of an extract of its own numbers.

``data/parity.npz`` is made by ``scripts/extract_parity.py`` from what the original implementation computed
in float64; ``benchmarks/parity.py`` computes ours and prints the same comparison in full.
"""

import importlib.util
from pathlib import Path

import jax
import numpy as np
import pytest

from mattomo.projections.quotient import quotient

ROOT = Path(__file__).resolve().parents[2]


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


parity = load(ROOT / "benchmarks/parity.py")
digest = load(ROOT / "scripts/extract_parity.py").digest


@pytest.fixture(scope="module")
def reference():
    with np.load(Path(__file__).parent / "data/parity.npz") as file:
        return {name: file[name] for name in file.files}


@pytest.fixture(scope="module")
def computed(reference):
    """Our numbers for every case, computed once."""
    numbers = {}
    for representation, merged in parity.CASES:
        graphs = parity.full_graphs(reference, representation)
        graphs = quotient(graphs) if merged else graphs
        with jax.enable_x64(True):
            numbers[representation, merged] = parity.compute(reference, representation, graphs)
    return numbers


@pytest.fixture(params=parity.CASES, ids=lambda c: f"{c[0]}-{'quotient' if c[1] else 'full'}")
def case(request, computed, reference):
    """Our numbers of one case, and a look-up of the original's."""
    return computed[request.param], lambda name: reference[f"{request.param[0]}/{name}"]


def same_tensors(ours, theirs, group, tolerance):
    for name, tensor in ours.items():
        expected = theirs(f"{group}/{name}")
        found = digest(tensor)
        # The sum adds up to 2e4 rounding errors, and the scale of a statistic may be large.
        np.testing.assert_allclose(found[2:], expected[2:], rtol=tolerance, atol=tolerance, err_msg=name)
        np.testing.assert_allclose(found[:2], expected[:2], rtol=1e-10, atol=1e-10, err_msg=name)


def names(reference, group):
    return {name.removeprefix(group + "/") for name in reference if name.startswith(group + "/")}


def test_training_mode_outputs(case):
    ours, theirs = case
    np.testing.assert_allclose(ours.train_output, theirs("train_output"), rtol=0, atol=1e-13)


def test_gradients_of_every_tensor(case):
    ours, theirs = case
    same_tensors(ours.grads, theirs, "grads", 1e-13)


def test_losses_of_ten_steps(case):
    ours, theirs = case
    np.testing.assert_allclose(ours.losses, theirs("losses"), rtol=0, atol=1e-12)


def test_final_weights_and_running_statistics(case):
    ours, theirs = case
    same_tensors(ours.w1, theirs, "w1", 1e-12)


def test_evaluation_mode_outputs_after_training(case):
    ours, theirs = case
    np.testing.assert_allclose(ours.eval_output, theirs("eval_output_after_training"), rtol=0, atol=1e-12)


@pytest.mark.parametrize("representation", ["structure", "composition"])
def test_no_tensor_is_left_out(computed, reference, representation):
    ours = computed[representation, True]
    assert ours.grads.keys() == names(reference, f"{representation}/grads")
    assert ours.w1.keys() == names(reference, f"{representation}/w1")


@pytest.mark.parametrize("representation", ["structure", "composition"])
def test_training_moved_every_tensor(computed, reference, representation):
    """Otherwise the comparison of final weights would say nothing."""
    for name, tensor in computed[representation, False].w1.items():
        if name.endswith("fc_full.bias"):
            continue  # batch normalisation takes a constant away: its gradient is zero
        assert abs(tensor - reference[f"{representation}/w0/{name}"]).max() > 1e-4, name


def test_names_map_both_ways(reference):
    tensors = parity.under(reference, "structure/w0")
    back = parity.to_original(*parity.from_original(tensors))
    assert back.keys() == tensors.keys()
    assert all((back[name] == tensors[name]).all() for name in tensors)


def test_the_quotient_graphs_are_smaller(reference):
    """98 of 187 nodes: the quotient cases above do test merged sites."""
    full = parity.full_graphs(reference, "structure")
    assert (len(full.Z), len(quotient(full).Z)) == (187, 98)
    full = parity.full_graphs(reference, "composition")
    assert (len(full.Z), len(quotient(full).Z)) == (24, 12)


def test_the_comparison_notices_swapped_halves(case):
    """A digest tells tensors apart: the comparison can fail."""
    ours, theirs = case
    name = "convs.0.fc_full.weight"
    swapped = ours.w1[name].reshape(2, 64, -1)[::-1].reshape(128, -1)  # core before gate
    with pytest.raises(AssertionError):
        same_tensors({name: swapped}, theirs, "w1", 1e-12)
