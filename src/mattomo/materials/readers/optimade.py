"""Entries of OPTIMADE services (version 1.2 of the specification), and their structures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mattomo.materials.crystal import Crystal, StructureError, atomic_number, cartesian_crystal, disordered
from mattomo.materials.quarantine import shown
from mattomo.materials.readers.json_text import NotJson, opened

PARTS = ("lattice_vectors", "cartesian_site_positions", "species", "species_at_sites")
_FURTHER = ("dimension_types", "nperiodic_dimensions", "structure_features", "assemblies")
FORMULAS = ("chemical_formula_reduced", "chemical_formula_descriptive", "chemical_formula_hill")

_HINT = "A structure of OPTIMADE has lattice_vectors, cartesian_site_positions, species and species_at_sites."


def looks_like(record: Mapping[str, Any]) -> bool:
    """Whether a record is an entry of OPTIMADE."""
    return "attributes" in record and "type" in record and "id" in record


def flatten(record: dict[str, Any], renamed: dict[str, str]) -> dict[str, Any]:
    """Identifier, formula, structure and the other attributes as one record.

    Raises
    ------
    NotJson
        The entry is no structure, or its attributes are no mapping.
    """
    if record["type"] != "structures":
        raise NotJson(f"an entry of type {shown(record['type'])!r}, not of structures")
    attributes = opened(record["attributes"])
    if not isinstance(attributes, dict):
        raise NotJson("the attributes of the entry are no object")
    flat: dict[str, Any] = {"id": record["id"]}
    formula = next((name for name in FORMULAS if attributes.get(name) is not None), None)
    if formula and "formula" not in attributes:
        flat["formula"] = attributes[formula]
        renamed[formula] = "formula"
    structure = {name: attributes.get(name) for name in (*PARTS, *_FURTHER)}
    if any(structure[name] is not None for name in PARTS):
        flat["structure"] = structure
    taken = {*structure, formula, "id"}
    return flat | {name: value for name, value in attributes.items() if name not in taken}


def from_attributes(attributes: Mapping[str, Any]) -> Crystal:
    """A crystal from the attributes of an OPTIMADE structure.

    Raises
    ------
    StructureError
        Parts are missing or disagree; not periodic in three directions; sites that are vacant, mixed or
        partly occupied, alternatives (assemblies) or atoms attached to sites without positions of their own.
    """
    sites, kinds = attributes.get("species_at_sites"), attributes.get("species")
    if not isinstance(sites, Sequence) or isinstance(sites, str):
        raise StructureError("the structure has no list species_at_sites", _HINT)
    if not isinstance(kinds, Sequence) or isinstance(kinds, str):
        raise StructureError("the structure has no list species", _HINT)
    periodic = attributes.get("dimension_types")
    if periodic is not None and (not isinstance(periodic, list) or periodic != [1, 1, 1]):
        raise StructureError(
            "the structure is not periodic in three directions",
            "Only its formula is used.",
        )
    occupants = {}
    for kind in kinds:
        name, found = _species(kind)
        occupants[name] = (found, kind)
    symbols: list[str] = []
    amounts: dict[int, float] = {}
    partial = ""
    for number, site in enumerate(sites, start=1):
        if not isinstance(site, str) or site not in occupants:
            raise StructureError(
                f"site {number} is of species {shown(site)!r}, which is not described", _HINT
            )
        found, kind = occupants[site]
        if kind.get("attached"):
            raise StructureError(
                f"site {number} has atoms attached to it that have no positions", "Only the formula is used."
            )
        for symbol, share in found:
            if symbol != "vacancy":
                Z = atomic_number(symbol)
                amounts[Z] = amounts.get(Z, 0.0) + share
        if len(found) != 1 or found[0][0] == "vacancy" or abs(found[0][1] - 1) > 1e-3:
            shares = ", ".join(f"{symbol} {share:g}" for symbol, share in found)
            partial = partial or f"site {number} is {shares}"
        symbols.append(found[0][0])
    if partial:
        raise disordered({Z: amount for Z, amount in amounts.items() if amount > 0}, partial)
    features = attributes.get("structure_features")
    if attributes.get("assemblies") or (isinstance(features, list) and "assemblies" in features):
        raise StructureError("disordered: groups of its sites are alternatives", "Only the formula is used.")
    return cartesian_crystal(
        attributes.get("lattice_vectors"), symbols, attributes.get("cartesian_site_positions")
    )


def _species(kind: Any) -> tuple[str, list[tuple[str, float]]]:
    """Name of a species, and its occupants with their shares."""
    try:
        name, symbols, shares = kind["name"], kind["chemical_symbols"], kind["concentration"]
        found = [(symbol, float(share)) for symbol, share in zip(symbols, shares, strict=True)]
    except (KeyError, TypeError, ValueError, OverflowError):
        found, name = [], None
    if not isinstance(name, str) or not found or not all(isinstance(symbol, str) for symbol, _ in found):
        raise StructureError("a species has no name, chemical_symbols and concentration", _HINT)
    for symbol, share in found:
        if not 0 <= share <= 1 + 1e-3:
            raise StructureError(f"{symbol!r} has concentration {share:g}"[:200], "It is 0 to 1.")
    return name, found
