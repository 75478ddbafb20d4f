"""Is it the same network? mattomo's CGCNN against numbers of the original implementation, in float64.

    python benchmarks/parity.py cgcnn_parity.npz

For structure and composition, on the full and on the quotient graph, prints the largest absolute
difference in training-mode outputs, gradients of the mean squared error, losses of ten steps of gradient
descent (rate 0.01, momentum 0.9, whole batch), weights and running statistics after them, and
evaluation-mode outputs. ``tests/learners/test_parity.py`` holds the same cases to an extract of the file.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from mattomo.learners.cgcnn.batches import Shape, padded
from mattomo.learners.cgcnn.model import Params, State, forward
from mattomo.learners.cgcnn.steps import predict_step, stack, train_step
from mattomo.projections.graphs import Graphs
from mattomo.projections.quotient import quotient

Arrays = Mapping[str, NDArray[np.float64]]

CASES = tuple((rep, merged) for rep in ("structure", "composition") for merged in (False, True))
RATE, MOMENTUM, STEPS = 0.01, 0.9, 10
#: One room for all four cases: one compilation.
ROOM = Shape(crystals=14, nodes=200, edges=2560, lengths=2048)


class Numbers(NamedTuple):
    """What both implementations compute; tensors under the names of the original."""

    train_output: NDArray[np.float64]
    grads: Arrays
    losses: NDArray[np.float64]
    w1: Arrays
    eval_output: NDArray[np.float64]


def from_original(tensors: Arrays) -> tuple[Params, State]:
    """Parameters and running statistics from the original's tensors.

    Its ``fc_full`` maps (centre, neighbour, bond) to (gate, core); its matrices act from the left. It has
    no added input, whose one row is zero here.
    """
    t = tensors
    params: Params = {"embed": {"w": t["embedding.weight"].T, "b": t["embedding.bias"]}, "convs": {}}
    state: State = {}
    for k in range(3):
        prefix = f"convs.{k}."
        w = t[prefix + "fc_full.weight"].T
        params["convs"][f"conv{k}"] = {
            "centre": w[:64],
            "neighbour": w[64:128],
            "bond": w[128:],
            "bias": t[prefix + "fc_full.bias"],
            **{
                f"norm{i}": {"scale": t[f"{prefix}bn{i}.weight"], "shift": t[f"{prefix}bn{i}.bias"]}
                for i in (1, 2)
            },
        }
        state[f"conv{k}"] = {
            f"norm{i}": {
                "mean": t[f"{prefix}bn{i}.running_mean"],
                "variance": t[f"{prefix}bn{i}.running_var"],
            }
            for i in (1, 2)
        }
    params["dense"] = {"w": t["conv_to_fc.weight"].T, "b": t["conv_to_fc.bias"]}
    params["out"] = {"w": t["fc_out.weight"][0], "b": t["fc_out.bias"][0]}
    params["added"] = np.zeros((1, len(t["conv_to_fc.bias"])))
    return params, state


def to_original(params: Params, state: State | None = None) -> dict[str, NDArray[np.float64]]:
    """The inverse of `from_original`; of parameters alone (or their gradients) without ``state``."""
    t = {
        "embedding.weight": params["embed"]["w"].T,
        "embedding.bias": params["embed"]["b"],
        "conv_to_fc.weight": params["dense"]["w"].T,
        "conv_to_fc.bias": params["dense"]["b"],
        "fc_out.weight": params["out"]["w"][None],
        "fc_out.bias": params["out"]["b"][None],
    }
    for k in range(3):
        conv, prefix = params["convs"][f"conv{k}"], f"convs.{k}."
        w = [conv["centre"], conv["neighbour"], conv["bond"]]
        t[prefix + "fc_full.weight"] = np.concatenate(w).T
        t[prefix + "fc_full.bias"] = conv["bias"]
        for i in (1, 2):
            t[f"{prefix}bn{i}.weight"] = conv[f"norm{i}"]["scale"]
            t[f"{prefix}bn{i}.bias"] = conv[f"norm{i}"]["shift"]
            if state is not None:
                t[f"{prefix}bn{i}.running_mean"] = state[f"conv{k}"][f"norm{i}"]["mean"]
                t[f"{prefix}bn{i}.running_var"] = state[f"conv{k}"][f"norm{i}"]["variance"]
    return {name: np.asarray(tensor) for name, tensor in t.items()}


def under(reference: Arrays, prefix: str) -> dict[str, NDArray[np.float64]]:
    """The arrays whose names begin with ``prefix/``, without it."""
    return {name[len(prefix) + 1 :]: reference[name] for name in reference if name.startswith(prefix + "/")}


def full_graphs(reference: Arrays, representation: str) -> Graphs:
    """The graphs the original computed on: one node a site, one edge a neighbour."""
    Z = reference[f"{representation}/Z"]
    if representation == "structure":
        offsets = reference["structure/offsets"]
        crystal = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        local = reference["structure/neighbor_index_local"]
        centre = np.repeat(np.arange(len(Z)), local.shape[1])
        neighbour = (local + offsets[crystal][:, None]).ravel()
        length = reference["structure/distance"].ravel()
    else:
        n, k = Z.shape
        offsets = np.arange(n + 1) * k
        crystal = np.repeat(np.arange(n), k)
        pairs = np.argwhere(~np.eye(k, dtype=bool))
        centre, neighbour = (pairs + offsets[:-1, None, None]).reshape(-1, 2).T
        length = np.full(len(centre), float(reference["composition/distance"]))
    # Lengths are one if they differ by rounding alone, so that the comparison stays exact.
    key = np.round(length * 1e9).astype(np.int64) + crystal[centre] * 10**12
    _, first, edge_distance = np.unique(key, return_index=True, return_inverse=True)
    bounds = np.arange(len(offsets))
    return Graphs(
        node_offsets=offsets,
        Z=Z.ravel(),
        node_weight=np.ones(Z.size),
        edge_offsets=np.searchsorted(crystal[centre], bounds),
        centre=centre,
        neighbour=neighbour,
        edge_weight=np.ones(len(centre)),
        distance_offsets=np.searchsorted(crystal[centre][first], bounds),
        distance=length[first],
        edge_distance=edge_distance,
    )


def compute(reference: Arrays, representation: str, graphs: Graphs) -> Numbers:
    """mattomo's numbers from the reference's weights and targets on ``graphs`` (needs 64-bit JAX)."""
    n, extra = len(graphs), ROOM.crystals - len(graphs)
    batch = padded(graphs, np.arange(n), ROOM, np.float64)
    elements = np.zeros((104, 92))
    elements[: len(reference["element_table"])] = reference["element_table"]
    added = (jnp.zeros((1, ROOM.crystals, 1), jnp.int32), jnp.zeros((1, ROOM.crystals, 1)))
    target = jnp.asarray(np.pad(reference[f"{representation}/target"], (0, extra)))[None]

    start = from_original(under(reference, f"{representation}/w0"))
    output, _ = _outputs(*start, batch, elements, (added[0][0], added[1][0]))
    models = stack([start], np.float64)
    losses, grads = [], None
    for _ in range(STEPS):
        models, loss = train_step(models, batch, elements, target, added, RATE, MOMENTUM, chunk=None)
        losses.append(float(loss[0]))
        if grads is None:  # the velocity after the first step from rest
            grads = to_original(jax.tree.map(lambda v: np.array(v[0]), models.velocity))
    evaluated = predict_step(models.params, models.state, batch, elements, added, chunk=None)
    end = jax.tree.map(lambda leaf: np.array(leaf[0]), (models.params, models.state))
    return Numbers(
        np.array(output[:n]), grads or {}, np.array(losses), to_original(*end), np.array(evaluated[0, :n])
    )


_outputs = jax.jit(lambda *inputs: forward(*inputs, train=True))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("path", type=Path, help="the full reference file")
    with np.load(parser.parse_args().path) as file:
        reference = {name: file[name] for name in file.files}

    def worst(ours: Arrays, group: str) -> float:
        return max(float(abs(tensor - reference[f"{group}/{name}"]).max()) for name, tensor in ours.items())

    head = ("graph", "nodes", "edges", "outputs", "gradients", "losses", "weights", "statistics", "evaluated")
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for rep, merged in CASES:
        graphs = full_graphs(reference, rep)
        graphs = quotient(graphs) if merged else graphs
        with jax.enable_x64(True):
            ours = compute(reference, rep, graphs)
        statistics = {name: tensor for name, tensor in ours.w1.items() if "running" in name}
        weights = {name: tensor for name, tensor in ours.w1.items() if "running" not in name}
        errors = (
            abs(ours.train_output - reference[f"{rep}/train_output"]).max(),
            worst(ours.grads, f"{rep}/grads"),
            abs(ours.losses - reference[f"{rep}/losses"]).max(),
            worst(weights, f"{rep}/w1"),
            worst(statistics, f"{rep}/w1"),
            abs(ours.eval_output - reference[f"{rep}/eval_output_after_training"]).max(),
        )
        label = f"{rep}, {'quotient' if merged else 'full'}"
        cells = [label, str(len(graphs.Z)), str(len(graphs.centre)), *(f"{e:.0e}" for e in errors)]
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
