"""Structures that are Python objects already: pymatgen's, ASE's, mappings, texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mattomo.errors import InputError
from mattomo.materials.crystal import Crystal, StructureError, crystal, disordered, not_bulk
from mattomo.materials.formula import FormulaError, element
from mattomo.materials.quarantine import Quarantine
from mattomo.materials.readers.python_values import raw_column
from mattomo.materials.readers.raw import RawColumn, RawTable
from mattomo.materials.readers.roles import ID_NAMES
from mattomo.materials.readers.structure import read_structure
from mattomo.materials.readers.table import materials_of
from mattomo.materials.table import Materials

if TYPE_CHECKING:
    import pandas as pd

_STRUCTURE = "structure object"


def from_structures(
    structures: Sequence[Any],
    properties: pd.DataFrame | Mapping[str, Sequence[Any]] | None = None,
    ids: Sequence[Any] | None = None,
    *,
    formula: str | None = None,
    categories: Sequence[str] = (),
    scalars: Sequence[str] = (),
) -> tuple[Materials, Quarantine]:
    """Materials from structures in memory.

    Parameters
    ----------
    structures : sequence, length n
        Each a pymatgen Structure, an ASE Atoms object, a mapping (as pymatgen's ``as_dict`` gives it, or
        ``lattice``, ``species`` and ``frac_coords``), the text of a CIF or POSCAR, a `Crystal`, or None.
    properties : DataFrame or mapping of str to sequence, optional
        n values of each property, in the order of the structures.
    ids : sequence, length n, optional
        By default the index of the frame if it is one of texts, else a column ``material_id`` or ``id``,
        else ``row-1``, ``row-2``, …
    formula : str, optional
        The property that holds formulas, for structures that are None.
    categories, scalars : sequence of str, optional
        As in :func:`read_table`.

    Returns
    -------
    materials : Materials
    quarantine : Quarantine
        Disordered structures, molecules and slabs keep their composition only.

    Raises
    ------
    InputError
        Lengths that differ, or no usable structure.

    Examples
    --------
    >>> cell = {"lattice": [[3, 0, 0], [0, 3, 0], [0, 0, 3]], "species": ["Po"], "frac_coords": [[0, 0, 0]]}
    >>> materials, _ = from_structures([cell], {"density": [9.2]}, ids=["polonium"])
    >>> materials.compositions.formulas.tolist(), materials.column("density").values.tolist()
    (['Po'], [9.2])
    """
    if isinstance(structures, str | Mapping) or not hasattr(structures, "__iter__"):
        raise InputError("structures are given as a list", hint="Write from_structures([structure]).")
    found = [_structure(each) for each in structures]
    n = len(found)
    if not n:
        raise InputError("there is no structure in the list")
    columns: dict[str, RawColumn] = {}
    for key, values in _columns(properties).items():
        columns[str(key)] = raw_column(_same_length(values, n, f"property {str(key)!r}"))
    name: str | None = None
    if ids is None:
        ids = _index(properties)
    if ids is not None:
        name = next(each for each in (*ID_NAMES, *(f"id {i}" for i in range(9))) if each not in columns)
        columns[name] = RawColumn("text", [str(each) for each in _same_length(ids, n, "ids")])
    columns[_STRUCTURE] = RawColumn("nested", found)
    raw = RawTable("structures", columns, np.arange(1, n + 1, dtype=np.int64))
    return materials_of(
        raw, formula=formula, id=name, structure=_STRUCTURE, categories=categories, scalars=scalars
    )


def to_crystal(value: Any) -> Crystal:
    """The crystal of an object of another library, known by what it can do.

    Parameters
    ----------
    value : object
        See :func:`from_structures`.

    Raises
    ------
    StructureError
        Disorder, a molecule, a slab, or an object that is none of the known ones.
    """
    if isinstance(value, Crystal):
        return value
    if isinstance(value, str | Mapping):
        return read_structure(value)
    if hasattr(value, "get_chemical_symbols") and hasattr(value, "get_scaled_positions"):
        return _from_atoms(value)
    if hasattr(value, "sites"):
        return _from_sites(value)
    raise StructureError(
        f"a structure cannot be a {type(value).__name__}",
        "Give pymatgen Structures, ASE Atoms, mappings, or CIF or POSCAR text.",
    )


def _columns(properties: Any) -> dict[str, Sequence[Any]]:
    if properties is None:
        return {}
    if hasattr(properties, "columns"):
        names = list(properties.columns)
        if len({str(name) for name in names}) < len(names):
            raise InputError("the frame has a column name twice", hint="Rename one of each.")
        return {str(name): properties[name].tolist() for name in names}
    if isinstance(properties, Mapping):
        return dict(properties)
    raise InputError("properties are a DataFrame, or a mapping of names to values", value=properties)


def _index(properties: Any) -> Sequence[Any] | None:
    index = getattr(properties, "index", None)
    if index is None or not hasattr(properties, "columns"):
        return None
    texts = len(index) > 0 and all(isinstance(each, str) for each in index)
    return list(index) if texts else None


def _same_length(values: Any, n: int, what: str) -> list[Any]:
    if isinstance(values, str | bytes) or not hasattr(values, "__iter__"):
        raise InputError(f"{what} is no sequence", value=values)
    cells = list(values)
    if len(cells) != n:
        raise InputError(f"{what} has {len(cells):,} values for {n:,} structures")
    return cells


def _structure(value: Any) -> Crystal | StructureError | None:
    if value is None:
        return None
    try:
        return to_crystal(value)
    except StructureError as error:
        return error
    except (TypeError, ValueError, AttributeError, KeyError, IndexError, ArithmeticError) as error:
        # an object of another library that does not keep its promises
        return StructureError(f"a {type(value).__name__} cannot be read ({str(error)[:100]})")


def _from_sites(value: Any) -> Crystal:
    """pymatgen: sites that know their species with occupancies, and a lattice unless it is a molecule."""
    names: list[str] = []
    amounts: dict[int, float] = {}
    partial = ""
    for number, site in enumerate(value.sites, start=1):
        occupants = [(str(getattr(each, "symbol", each)), float(x)) for each, x in site.species.items()]
        for name, occupancy in occupants:
            Z = _number(name)
            amounts[Z] = amounts.get(Z, 0.0) + occupancy
        if len(occupants) != 1 or abs(occupants[0][1] - 1) > 1e-3:
            shown = ", ".join(f"{name} {occupancy:g}" for name, occupancy in occupants) or "empty"
            partial = partial or f"site {number} is {shown}"
        names.append(occupants[0][0] if occupants else "")
    lattice = getattr(value, "lattice", None)
    if lattice is None:
        raise not_bulk(0, amounts)
    if not all(getattr(lattice, "pbc", (True, True, True))):
        raise not_bulk(sum(map(bool, lattice.pbc)), amounts)
    if partial:
        raise disordered(amounts, partial)
    return crystal(np.array(lattice.matrix), names, np.array([site.frac_coords for site in value.sites]))


def _from_atoms(value: Any) -> Crystal:
    """ASE: symbols, a cell, periodicity; disorder lies in ``info["occupancy"]``."""
    symbols = [str(symbol) for symbol in value.get_chemical_symbols()]
    amounts: dict[int, float] = {}
    for symbol in symbols:
        amounts[_number(symbol)] = amounts.get(_number(symbol), 0.0) + 1
    if not all(value.pbc):
        raise not_bulk(sum(map(bool, value.pbc)), amounts)
    partial = _ase_occupancies(value)
    if partial:
        raise disordered(partial, "its occupancies are not all 1")
    return crystal(np.array(value.cell), symbols, np.array(value.get_scaled_positions(wrap=False)))


def _ase_occupancies(value: Any) -> dict[int, float] | None:
    """The amounts of a disordered structure that ASE read from a CIF, None for ordered ones."""
    occupancies = getattr(value, "info", {}).get("occupancy")
    kinds = getattr(value, "arrays", {}).get("spacegroup_kinds")
    if not occupancies or kinds is None:
        return None
    of_kind = {str(kind): dict(held) for kind, held in occupancies.items()}
    if all(len(held) == 1 and abs(sum(held.values()) - 1) < 1e-3 for held in of_kind.values()):
        return None
    amounts: dict[int, float] = {}
    for kind in kinds:
        for symbol, occupancy in of_kind[str(kind)].items():
            amounts[_number(symbol)] = amounts.get(_number(symbol), 0.0) + float(occupancy)
    return amounts


def _number(symbol: str) -> int:
    try:
        return element(symbol)
    except FormulaError as error:
        raise StructureError(error.reason, error.hint) from None
