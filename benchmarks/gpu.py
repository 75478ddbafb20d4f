"""Speed of the network on whatever JAX finds, and the time the paper's full study would take at that speed.

    python benchmarks/gpu.py                           # the 1,000 crystals that come with the package
    python benchmarks/gpu.py TABLE.parquet --rows 16000

The same code runs on a processor and on a graphics card (extra `cuda`); only the number of models computed
side by side differs. Beside the speed of a card, the most memory it held, and what was foreseen for one
model. A unit of one target is trained three times: once to compile, then for few and for many epochs, whose
difference has nothing in it but epochs. The full study of the paper is 126,325 crystals, 500 epochs and 630
models of each representation; a model passes over its training rows only, so the projection with the paper's
split counts that share of them. It goes by the crystals of the table given: larger ones take longer.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import jax
import numpy as np

import mattomo as mt
from mattomo.keyed import generator
from mattomo.learners.base import Unit
from mattomo.learners.cgcnn import CGCNN, kernel_status
from mattomo.learners.cgcnn.batches import Shape, shape_for, stratified
from mattomo.learners.cgcnn.memory import step_bytes
from mattomo.materials import Materials
from mattomo.projections.graphs import Graphs

CRYSTALS, EPOCHS, MODELS = 126_325, 500, 630


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path, nargs="?", help="by default the example of the package")
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--representations", default="composition,structure")
    parser.add_argument("--epochs", default="1,6", help="few and many")
    parser.add_argument("--chunk", type=int, default=None, help="models side by side")
    given = parser.parse_args()
    few, many = map(int, given.epochs.split(","))
    if not 0 < few < many:
        parser.error("--epochs must be two rising numbers")
    materials = drawn(given.table, given.rows)
    device = jax.devices()[0]
    print(f"{device.platform}: {device.device_kind}; jax {jax.__version__}; kernel: {kernel_status()}")
    for representation in given.representations.split(","):
        unit, learner = unit_of(materials, representation)
        seconds = []
        for epochs in (few, few, many):
            measured = CGCNN(epochs=epochs, batch_size=learner.batch_size, chunk=given.chunk)
            start = time.perf_counter()
            measured.train(unit)
            seconds.append(time.perf_counter() - start)
        work = len(unit.split.train) * len(unit.tasks) * (many - few)
        if seconds[2] <= seconds[1]:
            raise SystemExit(f"{representation}: too little work to time; ask for more --epochs or --rows")
        rate = work / (seconds[2] - seconds[1])
        share = training_share(unit)
        hours = CRYSTALS * EPOCHS * MODELS / rate / 3600
        print(
            f"{representation}: {len(unit.split.train):,} training rows, {len(unit.tasks)} models: "
            f"{rate:,.0f} crystal-model-epochs a second; its half of the full study takes {hours:,.0f} hours "
            f"if all rows were training rows, {hours * share:,.0f} with a training share of {share:.0%}",
            flush=True,
        )
        # The most since the process began: of one representation alone where that is all that is asked for.
        held = (device.memory_stats() or {}).get("peak_bytes_in_use")
        print(
            f"  foreseen for a step of one model: {foreseen(unit, learner) / 1e9:.3f} GB; most the device "
            + ("held: it does not tell" if held is None else f"held {held / 1e9:.3f} GB"),
            flush=True,
        )


def drawn(table: Path | None, rows: int) -> Materials:
    """Random rows of a table, or of the example of the package."""
    materials = mt.load("mp1000") if table is None else mt.read(table)[0]
    if rows >= len(materials):
        return materials
    kept = generator("gpu benchmark", rows).permutation(len(materials))[:rows]
    return materials.take(np.sort(kept))


def unit_of(materials: Materials, representation: str) -> tuple[Unit, CGCNN]:
    """A unit of the paper's study: the band gap, without and with every property."""
    planned = mt.Study(
        materials,
        protocol="ortega-ochoa-2025",
        targets=("band_gap",),
        representations=(representation,),
        learners=("cgcnn",),
        seeds=1,
        controls=(),
        swaps=0,
    ).plan()
    learner = planned.learners["cgcnn"]
    assert isinstance(learner, CGCNN)
    return planned.unit(planned.units[0]), learner


def room(unit: Unit, learner: CGCNN) -> Shape:
    """Room of a batch of the training rows."""
    graphs, train = unit.base, unit.split.train
    assert isinstance(graphs, Graphs)
    sizes = np.diff(graphs.edge_offsets)[train]
    batches = stratified(sizes, learner.batch_size, generator("gpu benchmark, batches"))
    return shape_for(graphs, (train[b] for b in batches))


def foreseen(unit: Unit, learner: CGCNN) -> float:
    """Bytes of a step by the formula that chooses how many models are computed side by side."""
    return step_bytes(room(unit, learner), **widths(learner))


def widths(learner: CGCNN) -> dict[str, int]:
    """Of the network, as the accounts of its step ask for them."""
    return {
        "features": learner.features,
        "hidden": learner.hidden,
        "convolutions": learner.convolutions,
    }


def training_share(unit: Unit) -> float:
    """Training rows among the rows of a split."""
    split = unit.split
    return len(split.train) / sum(map(len, (split.train, split.validation, split.test)))


if __name__ == "__main__":
    main()
