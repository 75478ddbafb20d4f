"""Documents of the Materials Project, of the present interface and of the first one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mattomo.materials.readers.json_text import NotJson, opened
from mattomo.materials.readers.renaming import rename

NAMES = {
    "energy_above_hull": "e_above_hull",
    "ordering": "magnetic_ordering",
    "universal_anisotropy": "elastic_anisotropy",
    "homogeneous_poisson": "poisson_ratio",
    "e_total": "dielectric_total",
    "e_electronic": "dielectric_electronic",
    "n": "refractive_index",
}
"""Names of the Materials Project to those of the registry, where quantity and unit are the same."""

_SYMMETRY = {
    "crystal_system": "crystal_system",
    "symbol": "spacegroup_symbol",
    "number": "spacegroup_number",
    "point_group": "point_group",
}
MEMBERS: dict[str, dict[str, str]] = {
    "symmetry": _SYMMETRY,
    "spacegroup": _SYMMETRY,
    "bulk_modulus": {"vrh": "bulk_modulus_vrh"},
    "shear_modulus": {"vrh": "shear_modulus_vrh"},
    "elasticity": {
        "K_VRH": "bulk_modulus_vrh",
        "G_VRH": "shear_modulus_vrh",
        "poisson_ratio": "poisson_ratio",
        "elastic_anisotropy": "elastic_anisotropy",
    },
    "diel": {
        "poly_total": "dielectric_total",
        "poly_electronic": "dielectric_electronic",
        "n": "refractive_index",
    },
}
"""Members of nested mappings that become columns."""

_MARKS = frozenset({"formula_pretty", "pretty_formula", "symmetry", "spacegroup"})


def looks_like(record: Mapping[str, Any]) -> bool:
    """Whether a record is a document of the Materials Project."""
    named = "material_id" in record or "task_id" in record
    return named and not _MARKS.isdisjoint(record)


def flatten(record: dict[str, Any], renamed: dict[str, str]) -> dict[str, Any]:
    """The document by our names, nested members that are properties beside the others.

    A member whose name the document has already is left where it is.
    """
    members: dict[str, Any] = {}
    for key, names in MEMBERS.items():
        try:
            nested = opened(record.get(key))
        except NotJson:
            continue
        if nested is None:
            record.pop(key, None)
        if not isinstance(nested, dict):
            continue
        for member, name in names.items():
            if member in nested and name not in record and name not in members:
                members[name] = nested[member]
                renamed[f"{key}.{member}"] = name
        del record[key]
    if "task_id" in record and "material_id" not in record:
        record = rename(record, {"task_id": "material_id"}, renamed)
    return {**rename(record, NAMES, renamed), **members}
