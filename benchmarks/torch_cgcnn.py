"""The baseline: a plain PyTorch CGCNN as a normal user would write it from the paper.

Equations of Xie & Grossman, Phys. Rev. Lett. 120, 145301 (2018), in a dense layout: every site has exactly
12 neighbours, and the weights act on the concatenation of centre, neighbour and bond.

    python benchmarks/torch_cgcnn.py                  # CPU time of a training step on the example set
    python benchmarks/torch_cgcnn.py --parity FILE    # is it the same model as the original's numbers?

The tails of the Gaussians are subnormal in float32, which PyTorch computes slowly on a CPU unless told to
flush them to zero (JAX always flushes there): both timings are printed.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from mattomo.projections.elements import element_features, element_table

NEIGHBORS = 12
RADIUS = 8.0  # Å
CENTERS, WIDTH = np.arange(0.0, RADIUS + 0.1, 0.2), 0.2  # Å, of the Gaussians

Graph = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Atomic numbers (n,), index of the neighbours (n, 12), distances (n, 12) in Å."""


class Convolution(nn.Module):
    """softplus(a_i + BN(sum_j sigmoid(gate) softplus(core))), (gate, core) = BN(W [a_i, a_j, g] + b)."""

    def __init__(self, width: int, n_bond: int) -> None:
        super().__init__()
        self.fc_full = nn.Linear(2 * width + n_bond, 2 * width)
        self.bn1 = nn.BatchNorm1d(2 * width)
        self.bn2 = nn.BatchNorm1d(width)

    def forward(self, a: Tensor, bond: Tensor, neighbor: Tensor) -> Tensor:
        n, m = neighbor.shape
        centre = a.unsqueeze(1).expand(n, m, a.shape[1])
        z = self.fc_full(torch.cat([centre, a[neighbor], bond], dim=2))
        z = self.bn1(z.view(n * m, -1)).view(n, m, -1)
        gate, core = z.chunk(2, dim=2)
        message = (torch.sigmoid(gate) * nn.functional.softplus(core)).sum(dim=1)
        return nn.functional.softplus(a + self.bn2(message))


class CGCNN(nn.Module):
    """Crystal graph network with one scalar output; the names of the weights are the original's."""

    def __init__(self, n_element: int = 92, n_bond: int = len(CENTERS), width: int = 64) -> None:
        super().__init__()
        self.embedding = nn.Linear(n_element, width)
        self.convs = nn.ModuleList(Convolution(width, n_bond) for _ in range(3))
        self.conv_to_fc = nn.Linear(width, 128)
        self.fc_out = nn.Linear(128, 1)

    def forward(self, element: Tensor, bond: Tensor, neighbor: Tensor, sites: list[int]) -> Tensor:
        """Sites of all crystals one after the other; ``sites`` counts those of each crystal."""
        a = self.embedding(element)
        for convolution in self.convs:
            a = convolution(a, bond, neighbor)
        pooled = torch.stack([crystal.mean(dim=0) for crystal in a.split(sites)])
        hidden = nn.functional.softplus(self.conv_to_fc(nn.functional.softplus(pooled)))
        return self.fc_out(hidden).squeeze(1)


def gaussians(distance: np.ndarray) -> np.ndarray:
    return np.exp(-(((distance[..., None] - CENTERS) / WIDTH) ** 2))


class Crystals(Dataset):
    """Graphs with their features computed once, at the start."""

    def __init__(self, graphs: Sequence[Graph], targets: np.ndarray, table: np.ndarray) -> None:
        def tensor(values: np.ndarray) -> Tensor:
            return torch.tensor(values, dtype=torch.get_default_dtype())

        self.items = [
            (tensor(table[Z]), tensor(gaussians(distance)), torch.tensor(neighbor), tensor(target))
            for (Z, neighbor, distance), target in zip(graphs, targets, strict=True)
        ]

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        return self.items[index]


def collate(items: list[tuple[Tensor, ...]]) -> tuple[Tensor, Tensor, Tensor, list[int], Tensor]:
    """Concatenate crystals into one batch, shifting the neighbour indices."""
    elements, bonds, neighbors, targets = zip(*items, strict=True)
    sites = [len(element) for element in elements]
    starts = np.cumsum([0, *sites[:-1]]).tolist()
    shifted = [neighbor + start for neighbor, start in zip(neighbors, starts, strict=True)]
    return torch.cat(elements), torch.cat(bonds), torch.cat(shifted), sites, torch.stack(targets)


def make_loader(
    graphs: Sequence[Graph],
    targets: np.ndarray,
    batch_size: int,
    *,
    table: np.ndarray | None = None,
    shuffle: bool = True,
    drop_last: bool = False,
) -> DataLoader:
    """A loader of shuffled batches; ``table`` holds the element features (default: mattomo's)."""
    crystals = Crystals(graphs, targets, element_features() if table is None else table)
    return DataLoader(crystals, batch_size, shuffle=shuffle, collate_fn=collate, drop_last=drop_last)


def make_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)


def step(model: nn.Module, optimizer: torch.optim.Optimizer, batch: tuple) -> float:
    """One step of gradient descent on the mean squared error; returns the loss before it."""
    *inputs, target = batch
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(*inputs), target)
    loss.backward()
    optimizer.step()
    return loss.item()


def step_seconds(
    graphs: Sequence[Graph], targets: np.ndarray, steps: int, threads: int = 1, *, batch_size: int = 256
) -> list[float]:
    """CPU seconds of the process for each training step with its loading, after a warm-up of two steps."""
    torch.set_num_threads(threads)
    model = CGCNN()
    optimizer = make_optimizer(model)
    loader = make_loader(graphs, targets, batch_size, drop_last=len(graphs) >= batch_size)
    seconds, batches = [], iter(loader)
    while len(seconds) < steps + 2:
        start = time.process_time()
        batch = next(batches, None)
        if batch is None:
            batches = iter(loader)
            batch = next(batches)
        step(model, optimizer, batch)
        seconds.append(time.process_time() - start)
    return seconds[2:]


def structure_graph(lattice: np.ndarray, Z: np.ndarray, frac_coords: np.ndarray) -> Graph:
    """The 12 nearest neighbours within 8 Å of every site."""
    from vesin import NeighborList

    neighbors = NeighborList(cutoff=RADIUS, full_list=True)
    i, j, distance = neighbors.compute(
        points=frac_coords @ lattice, box=lattice, periodic=True, quantities="ijd"
    )
    order = np.lexsort((distance, i))
    count = np.bincount(i.astype(np.int64), minlength=len(Z))
    assert count.min() >= NEIGHBORS, "a site has too few neighbours for the dense layout"
    keep = order[(np.cumsum(count) - count)[:, None] + np.arange(NEIGHBORS)]
    return Z, j[keep].astype(np.int64), distance[keep]


def composition_graph(Z: np.ndarray) -> Graph:
    """Every site bonded to each other at equal distance, under the reader's limit of 12 neighbours a site.

    So the paper omits the structure: it "fools" the bond perception, on the sites of the cell. Site i sees
    the 12 sites after it, but not itself; a small cell repeats its sites, so the layout stays dense.
    """
    n = len(Z)
    others = 1 + np.arange(NEIGHBORS) % max(n - 1, 1)
    return Z, (np.arange(n)[:, None] + others) % n, np.ones((n, NEIGHBORS))


def example_crystals() -> tuple[list[tuple[np.ndarray, np.ndarray, np.ndarray]], np.ndarray]:
    """(lattice, Z, fractional coordinates) of the packaged 1,000 crystals, and a standardised target."""
    with (files("mattomo.materials") / "data" / "mp1000.parquet").open("rb") as file:
        data = pd.read_parquet(file)
    number = {symbol: Z for Z, symbol in element_table()["symbol"].items()}
    crystals = [
        (lattice.reshape(3, 3), np.array([number[s] for s in species]), frac_coords.reshape(-1, 3))
        for lattice, species, frac_coords in zip(data.lattice, data.species, data.frac_coords, strict=True)
    ]
    target = data["formation_energy_per_atom"].to_numpy()
    return crystals, (target - target.mean()) / target.std()


def parity(path: str) -> dict[str, float]:
    """Largest absolute differences, in float64, from the original's stored numbers."""
    torch.set_default_dtype(torch.float64)
    stored = np.load(path)
    original = {key.removeprefix("structure/"): stored[key] for key in stored if key.startswith("structure/")}
    graphs = [
        tuple(original[key][a:b] for key in ("Z", "neighbor_index_local", "distance"))
        for a, b in pairwise(original["offsets"])
    ]
    np.testing.assert_allclose(CENTERS, stored["gaussian_centers"], atol=1e-12)
    loader = make_loader(
        graphs, original["target"], len(graphs), table=stored["element_table"], shuffle=False
    )
    (batch,) = loader
    model = CGCNN()
    names = [name for name in model.state_dict() if not name.endswith("num_batches_tracked")]
    model.load_state_dict({name: torch.tensor(original[f"w0/{name}"]) for name in names}, strict=False)
    optimizer = make_optimizer(model)
    output = model(*batch[:-1]).detach().numpy()
    losses = [step(model, optimizer, batch)]
    gradients = {f"grads/{name}": p.grad.numpy().copy() for name, p in model.named_parameters()}
    losses += [step(model, optimizer, batch) for _ in original["losses"][1:]]
    return {
        "output": np.abs(output - original["train_output"]).max(),
        "gradients": max(np.abs(value - original[key]).max() for key, value in gradients.items()),
        "losses of 10 steps": np.abs(np.array(losses) - original["losses"]).max(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="The plain PyTorch CGCNN that mattomo is compared with.")
    parser.add_argument("--parity", metavar="FILE", help="compare with the numbers of the original (npz)")
    parser.add_argument("--steps", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.parity:
        for what, difference in parity(arguments.parity).items():
            print(f"{what}: {difference:.1e}")
        return
    crystals, target = example_crystals()
    graphs = {
        "structure": [structure_graph(*crystal) for crystal in crystals],
        "composition": [composition_graph(Z) for _, Z, _ in crystals],
    }
    for flush in (False, True):
        torch.set_flush_denormal(flush)
        for name, members in graphs.items():
            seconds = step_seconds(members, target, arguments.steps, arguments.threads)
            note = ", subnormals flushed" if flush else ""
            print(f"{name}{note}: {1000 * statistics.median(seconds):.0f} ms CPU per step of 256 crystals")


if __name__ == "__main__":
    main()
