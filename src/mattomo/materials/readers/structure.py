"""Any form of a structure to a crystal: the form is told from the content."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mattomo.materials.crystal import Crystal, StructureError, decoded, from_json, from_mapping
from mattomo.materials.readers import jarvis, optimade
from mattomo.materials.readers.cif import from_cif
from mattomo.materials.readers.poscar import from_poscar, is_number, poscar_lines

_CIF = re.compile(r"^[ \t]*(data_|loop_|_cell_)", re.MULTILINE | re.IGNORECASE)
_JARVIS = ("lattice_mat",)
_OPTIMADE = ("species_at_sites", "cartesian_site_positions")


def read_structure(value: str | Mapping[str, Any]) -> Crystal:
    """A crystal from JSON, CIF or POSCAR text, or from a mapping.

    Mappings, as JSON or as they are, may be plain, of pymatgen, of JARVIS atoms or of OPTIMADE attributes.

    Parameters
    ----------
    value : str or mapping

    Returns
    -------
    Crystal

    Raises
    ------
    StructureError
        The text is none of these, or no usable structure.
    """
    if not isinstance(value, str):
        return _from_mapping(value)
    value = str(value).lstrip("\ufeff")  # decoders want no subclass
    if value.lstrip()[:1] in ("{", "["):
        foreign = any(f'"{mark}"' in value for mark in (*_JARVIS, *_OPTIMADE))
        return _from_mapping(decoded(value)) if foreign else from_json(value)
    if is_cif(value):
        return from_cif(value)
    lines = poscar_lines(value)
    if len(lines) > 2 and is_number(lines[1]):
        return from_poscar(value)
    raise StructureError(
        "neither JSON nor CIF nor POSCAR", "The cell holds the text of the structure itself, not a file name."
    )


def is_cif(text: str) -> bool:
    """Whether a text is meant as a CIF."""
    return text.lstrip("\ufeff \r\n\t")[:1] not in ("{", "[") and _CIF.search(text) is not None


def _from_mapping(value: Any) -> Crystal:
    if isinstance(value, Mapping):
        if any(mark in value for mark in _JARVIS):
            return jarvis.from_atoms(value)
        if any(mark in value for mark in _OPTIMADE):
            return optimade.from_attributes(value)
    return from_mapping(value)
