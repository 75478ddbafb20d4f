"""Projections of materials: pure encoders of composition, structure and properties."""

from mattomo.projections.composition import composition_graphs
from mattomo.projections.descriptors import Table, column_descriptors, composition_descriptors
from mattomo.projections.elements import element_features
from mattomo.projections.geometry import structure_descriptors
from mattomo.projections.graphs import Graphs
from mattomo.projections.property import Encoding, encode
from mattomo.projections.quotient import quotient
from mattomo.projections.structure import crystal_graphs

__all__ = [
    "Encoding",
    "Graphs",
    "Table",
    "column_descriptors",
    "composition_descriptors",
    "composition_graphs",
    "crystal_graphs",
    "element_features",
    "encode",
    "quotient",
    "structure_descriptors",
]
