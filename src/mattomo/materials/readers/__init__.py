"""Readers: one file a format; each gives (Materials, Quarantine)."""

from mattomo.materials.readers.structure import read_structure
from mattomo.materials.readers.table import read_table

read = read_table

__all__ = ["read", "read_structure", "read_table"]
