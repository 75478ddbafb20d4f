"""Readers: one file a format; each gives a raw table, which becomes (Materials, Quarantine) in one place."""

from mattomo.materials.readers.structure import read_structure
from mattomo.materials.readers.table import materials_of, read_table

read = read_table

__all__ = ["materials_of", "read", "read_structure", "read_table"]
