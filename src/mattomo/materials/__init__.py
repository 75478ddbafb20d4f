"""The table of materials: reading, checking, and what is known of its properties."""

from mattomo.materials.crystal import Crystal, StructureError
from mattomo.materials.example import example_path, load
from mattomo.materials.formula import SYMBOLS, FormulaError, reduced_formula
from mattomo.materials.polymorphs import one_to_one_share
from mattomo.materials.quarantine import Quarantine, QuarantinedRow
from mattomo.materials.readers import read, read_structure, read_table
from mattomo.materials.registry import (
    ALIASES,
    PAPER_PROPERTIES,
    PAPER_TARGETS,
    REGISTRY,
    PropertyInfo,
    describe,
    resolve,
)
from mattomo.materials.table import AtomColumn, Column, Compositions, Materials, Structures

__all__ = [
    "ALIASES",
    "PAPER_PROPERTIES",
    "PAPER_TARGETS",
    "REGISTRY",
    "SYMBOLS",
    "AtomColumn",
    "Column",
    "Compositions",
    "Crystal",
    "FormulaError",
    "Materials",
    "PropertyInfo",
    "Quarantine",
    "QuarantinedRow",
    "StructureError",
    "Structures",
    "describe",
    "example_path",
    "load",
    "one_to_one_share",
    "read",
    "read_structure",
    "read_table",
    "reduced_formula",
    "resolve",
]
