"""The least time a graphics card needs for a study with the network: no card is needed to know it.

    python benchmarks/roofline.py TABLE.parquet --rows 44459
    python benchmarks/roofline.py TABLE.parquet --study 126325,500,630 --card 3.35,66.9

XLA compiles a training step for batches of the table's crystals, all edges in one tile as on a card, and says
what it computes, what it keeps and what it moves. A card moves at least what the step keeps, once there and
once back, and at most about what XLA moves when it fuses for a processor; it does neither faster than its
makers say (by default an A100: 1.555 TB/s, 19.5 TFLOP/s in float32). Validation, and the waiting between
steps, come on top. What a card takes is measured by benchmarks/gpu.py.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
from pathlib import Path

os.environ["MATTOMO_KERNEL"] = "jax"  # the kernel for processors; read when mattomo is imported

from gpu import drawn, room, training_share, unit_of, widths

from mattomo.learners.cgcnn.edge import TILE
from mattomo.learners.cgcnn.memory import lower_step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path, nargs="?", help="by default the example of the package")
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--representations", default="composition,structure")
    parser.add_argument(
        "--study", default="44459,500,765", help="crystals, epochs, models of a representation"
    )
    parser.add_argument("--card", default="1.555,19.5", help="TB/s, TFLOP/s")
    given = parser.parse_args()
    crystals, epochs, models = map(int, given.study.split(","))
    bandwidth, speed = (1e12 * float(each) for each in given.card.split(","))
    materials = drawn(given.table, given.rows)
    for representation in given.representations.split(","):
        unit, learner = unit_of(materials, representation)
        shape = room(unit, learner)
        # No multiple of a tile: one tile of that size.
        shape = dataclasses.replace(shape, edges=shape.edges - shape.edges % TILE + 8)
        compiled = lower_step(shape, 2, chunk=1, **widths(learner)).compile()
        account, kept = compiled.cost_analysis(), compiled.memory_analysis().temp_size_in_bytes
        steps = epochs * models * -(-round(crystals * training_share(unit)) // learner.batch_size)
        least, most = (
            steps * max(moved / bandwidth, account["flops"] / speed) / 3600
            for moved in (2 * kept, account["bytes accessed"])
        )
        print(
            f"{representation}: a step of {learner.batch_size} crystals ({shape.edges:,} edges) computes "
            f"{account['flops'] / 1e9:.2f} GFLOP, keeps {kept / 1e9:.3f} GB, moves "
            f"{account['bytes accessed'] / 1e9:.2f} GB; {steps:,} of them: {least:.1f} to {most:.1f} hours",
            flush=True,
        )


if __name__ == "__main__":
    main()
