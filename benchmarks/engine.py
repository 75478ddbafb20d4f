"""The engine against plain baselines, in one run, on the 1,000 real crystals that come with the package.

    python benchmarks/engine.py                # needs the extra `bench` (torch, pymatgen)

1. A model-step: one model trained on one batch of 256 crystals, on one thread, in processor time. Baseline:
   the plain PyTorch CGCNN of torch_cgcnn.py, its loading and collating included, with PyTorch's default
   arithmetic and with subnormal numbers flushed to zero (which JAX always does). mattomo trains a unit of
   14 models (a baseline and 13 augmentations) on shared batches, their padding included.
2. Graphs: crystals a second on one core. Baseline: pymatgen's reader, as the original implementation uses it.

Rounds are interleaved, medians are compared: the ratios are what counts.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import jax
import jax.numpy as jnp
import numpy as np
import torch
import torch_cgcnn

import mattomo as mt
from mattomo.learners.cgcnn import kernel_status
from mattomo.learners.cgcnn.batches import padded, shape_for, stratified
from mattomo.learners.cgcnn.initial import initial
from mattomo.learners.cgcnn.steps import stack, train_step
from mattomo.projections import composition_graphs, crystal_graphs, element_features
from mattomo.projections.graphs import Graphs

BATCH, MODELS = 256, 14


class Engine:
    """A unit of models over all graphs; every call is one step of all of them."""

    def __init__(self, graphs: Graphs, target: np.ndarray) -> None:
        self.graphs, self.target = graphs, target
        sizes = np.diff(graphs.edge_offsets)
        rng = np.random.default_rng(0)
        # 1,000 crystals make four batches of 250: the room and the cost are those of 250 crystals.
        self.batches = [b for _ in range(3) for b in stratified(sizes, BATCH, rng)]
        self.room = shape_for(graphs, self.batches)
        self.models = stack([initial(("benchmark", k), []) for k in range(MODELS)])
        self.elements = jnp.asarray(element_features(), jnp.float32)
        self.turn = 0
        self.step()

    def step(self) -> float:
        """Processor seconds of a model-step, scaled to a batch of 256 crystals."""
        crystals = self.batches[self.turn % len(self.batches)]
        self.turn += 1
        start = time.process_time()
        room = self.room.crystals
        targets = np.zeros((MODELS, room), dtype=np.float32)
        targets[:, : len(crystals)] = self.target[crystals]
        none = np.zeros((MODELS, room, 1), dtype=np.int32), np.zeros((MODELS, room, 1), dtype=np.float32)
        batch = padded(self.graphs, crystals, self.room)
        self.models, loss = train_step(
            self.models, batch, self.elements, targets, none, jnp.float32(0.01), jnp.float32(0.9), chunk=None
        )
        jax.block_until_ready(loss)
        return (time.process_time() - start) / MODELS * BATCH / len(crystals)


def steps(rounds: int) -> None:
    materials = mt.load("mp1000")
    crystals, target = torch_cgcnn.example_crystals()
    entries = 12 * len(materials.structures.Z) / len(materials)
    print(f"kernel: {kernel_status()}; jax {jax.__version__}, torch {torch.__version__}")
    for name, graphs, dense in (
        (
            "structure",
            crystal_graphs(materials.structures),
            [torch_cgcnn.structure_graph(*crystal) for crystal in crystals],
        ),
        (
            "composition",
            composition_graphs(materials),
            [torch_cgcnn.composition_graph(Z) for _, Z, _ in crystals],
        ),
    ):
        engine = Engine(graphs, target)
        times: dict[str, list[float]] = {"mattomo": [], "torch": [], "torch, subnormals flushed": []}
        for _ in range(rounds):
            times["mattomo"] += [engine.step() for _ in range(6)]
            for flush in (False, True):
                torch.set_flush_denormal(flush)
                key = "torch, subnormals flushed" if flush else "torch"
                times[key] += torch_cgcnn.step_seconds(dense, target, 2, batch_size=BATCH)
            torch.set_flush_denormal(False)
        ours = statistics.median(times["mattomo"])
        edges = len(graphs.centre) / len(graphs)
        real = sum(np.diff(graphs.edge_offsets)[b].sum() for b in engine.batches) / len(engine.batches)
        print(
            f"\n{name}: {len(graphs.Z) / len(graphs):.1f} nodes, {edges:.0f} edges a crystal after merging "
            f"({entries:.0f} neighbour entries before: {entries / edges:.1f}x), "
            f"padding {engine.room.edges / real - 1:.0%} of edges"
        )
        for key, values in times.items():
            middle = statistics.median(values)
            print(
                f"  {key:26s} {1000 * middle:8.1f} ms a model-step "
                f"({1000 * min(values):.1f} to {1000 * max(values):.1f}), ratio {middle / ours:6.1f}"
            )


def graphs(rounds: int) -> None:
    from pymatgen.core import Lattice, Structure
    from pymatgen_graphs import graphs_per_second

    materials = mt.load("mp1000")
    sites = np.diff(materials.structures.offsets)
    small = np.flatnonzero(
        sites
        <= np.sort(sites)[np.searchsorted(np.cumsum(np.sort(sites)) / np.arange(1, len(sites) + 1), 19.0) - 1]
    )
    crystals, _ = torch_cgcnn.example_crystals()
    print()
    for name, rows in (("all", np.arange(len(sites))), ("small ones", small)):
        table = materials.take(rows)
        ours, theirs = [], []
        for _ in range(rounds):
            start = time.process_time()
            crystal_graphs(table.structures)
            ours.append(len(rows) / (time.process_time() - start))
            sample = [
                Structure(Lattice(crystals[i][0]), crystals[i][1], crystals[i][2])
                for i in rows[:: max(1, len(rows) // 60)]
            ]
            theirs.append(graphs_per_second(sample))
        a, b = statistics.median(ours), statistics.median(theirs)
        print(
            f"graphs, {name} ({len(rows)} crystals, {sites[rows].mean():.0f} sites each): mattomo {a:,.0f} "
            f"crystals/s with merging, pymatgen {b:.0f} crystals/s, ratio {a / b:.0f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=("steps", "graphs"))
    arguments = parser.parse_args()
    if arguments.only != "graphs":
        steps(arguments.rounds)
    if arguments.only != "steps":
        graphs(arguments.rounds)


if __name__ == "__main__":
    main()
