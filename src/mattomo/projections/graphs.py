"""Weighted graphs of many crystals as flat arrays: the one input format of the graph network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mattomo.materials.table import ranges

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Graphs:
    """Graphs of n crystals, concatenated; indices are global.

    A full crystal graph has unit node weights; a quotient graph has one node per class of equivalent
    sites, weighted by the size of the class. Edges are directed and sorted by their centre.

    Attributes
    ----------
    node_offsets : ndarray of int64, shape (n + 1,)
    Z : ndarray of int64, shape (C,)
        Atomic number of each node.
    node_weight : ndarray of float64, shape (C,)
        Number of sites a node stands for.
    edge_offsets : ndarray of int64, shape (n + 1,)
    centre, neighbour : ndarray of int64, shape (E,)
        Nodes of each edge; messages flow from ``neighbour`` to ``centre``.
    edge_weight : ndarray of float64, shape (E,)
        Number of bonds of *one* centre site that the edge stands for; fractional at shared ties.
    distance_offsets : ndarray of int64, shape (n + 1,)
    distance : ndarray of float64, shape (U,)
        Distinct bond lengths of each crystal, in Å.
    edge_distance : ndarray of int64, shape (E,)
        Index into ``distance`` of each edge.
    values : ndarray of float64, shape (C, v)
        Further values of each node, added to what its element tells; v is 0 by default.
    """

    node_offsets: Ints
    Z: Ints
    node_weight: Floats
    edge_offsets: Ints
    centre: Ints
    neighbour: Ints
    edge_weight: Floats
    distance_offsets: Ints
    distance: Floats
    edge_distance: Ints
    values: Floats = field(default_factory=lambda: np.zeros((0, 0)))

    def __post_init__(self) -> None:
        if self.values.size == 0:
            width = self.values.shape[1] if self.values.ndim == 2 else 0
            object.__setattr__(self, "values", np.zeros((len(self.Z), width)))
        elif self.values.shape[0] != len(self.Z) or self.values.ndim != 2:
            raise ValueError(f"values must have shape ({len(self.Z)}, v), got {self.values.shape}")

    def __len__(self) -> int:
        return len(self.node_offsets) - 1

    @property
    def sites(self) -> Floats:
        """Number of sites of each crystal, shape (n,)."""
        totals = np.concatenate([[0.0], np.cumsum(self.node_weight)])
        sites: Floats = totals[self.node_offsets[1:]] - totals[self.node_offsets[:-1]]
        return sites

    def take(self, index: Ints) -> Graphs:
        """The graphs at positions ``index`` (shape (k,)), in that order."""
        index = np.asarray(index, dtype=np.int64)
        nodes, node_offsets = _ragged(self.node_offsets, index)
        edges, edge_offsets = _ragged(self.edge_offsets, index)
        bonds, distance_offsets = _ragged(self.distance_offsets, index)
        n_edges = np.diff(edge_offsets)
        node_shift = np.repeat(node_offsets[:-1] - self.node_offsets[index], n_edges)
        bond_shift = np.repeat(distance_offsets[:-1] - self.distance_offsets[index], n_edges)
        return Graphs(
            node_offsets=node_offsets,
            Z=self.Z[nodes],
            node_weight=self.node_weight[nodes],
            edge_offsets=edge_offsets,
            centre=self.centre[edges] + node_shift,
            neighbour=self.neighbour[edges] + node_shift,
            edge_weight=self.edge_weight[edges],
            distance_offsets=distance_offsets,
            distance=self.distance[bonds],
            edge_distance=self.edge_distance[edges] + bond_shift,
            values=self.values[nodes],
        )


def concatenate(parts: Sequence[Graphs]) -> Graphs:
    """The graphs of all ``parts``, one after the other."""

    def offsets(name: str) -> Ints:
        lengths = [np.diff(getattr(part, name)) for part in parts]
        return np.concatenate([[0], np.cumsum(np.concatenate(lengths))]).astype(np.int64)

    def joined(name: str, shift_by: str | None = None) -> NDArray[Any]:
        arrays, shift = [], 0
        for part in parts:
            arrays.append(getattr(part, name) + shift if shift_by else getattr(part, name))
            shift += len(getattr(part, shift_by)) if shift_by else 0
        return np.concatenate(arrays)

    return Graphs(
        node_offsets=offsets("node_offsets"),
        Z=joined("Z"),
        node_weight=joined("node_weight"),
        edge_offsets=offsets("edge_offsets"),
        centre=joined("centre", "Z"),
        neighbour=joined("neighbour", "Z"),
        edge_weight=joined("edge_weight"),
        distance_offsets=offsets("distance_offsets"),
        distance=joined("distance"),
        edge_distance=joined("edge_distance", "distance"),
        values=joined("values"),
    )


def _ragged(offsets: Ints, index: Ints) -> tuple[Ints, Ints]:
    lengths = offsets[index + 1] - offsets[index]
    return ranges(offsets[index], lengths), np.concatenate([[0], np.cumsum(lengths)])
