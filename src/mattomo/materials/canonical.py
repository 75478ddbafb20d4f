"""The canonical file: one Parquet table that reads back as the very same materials."""

from __future__ import annotations

import dataclasses
import io
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from mattomo.errors import InputError
from mattomo.materials.formula import SYMBOLS
from mattomo.materials.registry import PropertyInfo
from mattomo.materials.table import AtomColumn, Column, Materials

CANONICAL_COLUMNS = ("material_id", "formula", "lattice", "species", "frac_coords")
"""What a canonical table holds besides properties."""

_TAKEN = frozenset({*CANONICAL_COLUMNS, "structure", "cif", "poscar"})
_KEY = b"mattomo"
_SYMBOLS = np.array(("", *SYMBOLS))
_LARGEST_AMOUNT = 1e6


def to_arrow(materials: Materials) -> Any:
    """The canonical Arrow table of some materials.

    Columns ``material_id``, ``formula`` (reduced), ``lattice`` (9 numbers in Å, the vectors one after the
    other), ``species`` (symbols), ``frac_coords`` (3 numbers a site, flat), the last three null without a
    structure; then the properties, numbers or text, null where missing, and those of the sites as lists. The
    metadata of a property's field has its ``label`` and ``unit``, and under ``mattomo`` all that is known of
    it as JSON.

    Parameters
    ----------
    materials : Materials

    Returns
    -------
    pyarrow.Table

    Raises
    ------
    InputError
        A property has a name that the table needs for itself, such as ``formula``.

    Examples
    --------
    >>> from mattomo.materials import load
    >>> table = to_arrow(load("mp1000"))
    >>> table.column_names[:6]
    ['material_id', 'formula', 'lattice', 'species', 'frac_coords', 'nelements']
    >>> table.schema.field("band_gap").metadata[b"unit"]
    b'eV'
    """
    import pyarrow as pa

    for name in (*materials.columns, *materials.atoms):
        if name.lower() in _TAKEN:
            raise InputError(
                "a property cannot have this name in the canonical table",
                file=materials.source,
                column=name,
                hint="Rename the column.",
            )
    s = materials.structures
    absent = ~s.present
    sites = s.offsets
    nine = 9 * np.concatenate([[0], np.cumsum(s.present)])
    columns = {
        "material_id": pa.array(materials.ids.tolist(), pa.string()),
        "formula": pa.array(_formulas(materials), pa.string()),
        "lattice": _lists(nine, absent, s.lattice[s.present]),
        "species": _lists(sites, absent, _SYMBOLS[s.Z]),
        "frac_coords": _lists(sites * 3, absent, s.frac_coords),
    }
    fields = [pa.field(name, array.type) for name, array in columns.items()]
    for name, column in materials.columns.items():
        columns[name] = _property(column)
        fields.append(pa.field(name, columns[name].type, metadata=_metadata(column.info)))
    for name, of_sites in materials.atoms.items():
        if of_sites.info.atoms == "site":
            columns[name] = _site_lists(materials, of_sites)
            fields.append(pa.field(name, columns[name].type, metadata=_metadata(of_sites.info)))
    return pa.table(list(columns.values()), schema=pa.schema(fields))


def to_parquet(materials: Materials) -> bytes:
    """The canonical Parquet file of some materials; see :func:`to_arrow`.

    Reading it back gives materials with the same fingerprint.
    """
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(to_arrow(materials), buffer, compression="zstd")
    return buffer.getvalue()


def stated_info(field: Any) -> PropertyInfo | None:
    """What the metadata of an Arrow field state of a property, None if they are not ours.

    Parameters
    ----------
    field : pyarrow.Field
    """
    text = (field.metadata or {}).get(_KEY)
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=PropertyInfo)
    except msgspec.DecodeError:
        return None


def _metadata(info: PropertyInfo) -> dict[str, str]:
    return {
        "label": info.label,
        "unit": info.unit,
        _KEY.decode(): msgspec.json.encode(dataclasses.asdict(info)).decode(),
    }


def _property(column: Column) -> Any:
    import pyarrow as pa

    if column.info.kind == "scalar":
        return pa.array(column.values, pa.float64(), mask=column.missing)
    return pa.array(column.values.tolist(), pa.string(), mask=column.missing)


def _site_lists(materials: Materials, column: AtomColumn) -> Any:
    """A number for every site; null where there is no structure or no number at all."""
    import pyarrow as pa

    s = materials.structures
    known = np.concatenate([[0], np.cumsum(~np.isnan(column.values))])
    absent = known[s.offsets[1:]] == known[s.offsets[:-1]]
    kept = ~np.repeat(absent, s.sites)
    offsets = np.concatenate([[0], np.cumsum(np.where(absent, 0, s.sites))])
    flat = pa.array(column.values[kept], pa.float64(), from_pandas=True)
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32), mask=np.append(absent, False)), flat)


def _lists(offsets: NDArray[np.int64], absent: NDArray[np.bool_], values: NDArray[np.generic]) -> Any:
    """An Arrow column of lists, null where absent; an absent one has no values."""
    import pyarrow as pa

    flat = pa.array(values.ravel() if values.dtype.kind == "f" else values.tolist())
    if values.dtype.kind == "U":
        flat = flat.cast(pa.string())
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32), mask=np.append(absent, False)), flat)


def _formulas(materials: Materials) -> list[str]:
    """The reduced formulas, their amounts divided by 10,000 where the plain ones are too large to be read."""
    formulas: list[str] = materials.compositions.formulas.tolist()
    c = materials.compositions
    if not len(c.amounts) or c.amounts.max() <= _LARGEST_AMOUNT:
        return formulas
    for i, formula in enumerate(formulas):
        part = slice(c.offsets[i], c.offsets[i + 1])
        if c.amounts[part].max() > _LARGEST_AMOUNT:
            pairs = zip(c.Z[part].tolist(), c.amounts[part].tolist(), strict=True)
            formula = "".join(f"{SYMBOLS[Z - 1]}{amount / 1e4:.4f}" for Z, amount in pairs)
            formulas[i] = formula
    return formulas
