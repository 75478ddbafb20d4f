"""The Materials Project over its own client, mp-api (an extra: ``mattomo[mp]``)."""

from __future__ import annotations

import enum
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from mattomo.atomic import write_text
from mattomo.errors import InputError
from mattomo.materials.quarantine import Quarantine
from mattomo.materials.readers.records import records_table
from mattomo.materials.readers.table import materials_of
from mattomo.materials.table import Materials

KEY_VARIABLE = "MP_API_KEY"
FIELDS: tuple[str, ...] = (
    "material_id",
    "formula_pretty",
    "structure",
    "symmetry",
    "nsites",
    "nelements",
    "volume",
    "density",
    "energy_per_atom",
    "formation_energy_per_atom",
    "energy_above_hull",
    "is_stable",
    "band_gap",
    "cbm",
    "vbm",
    "efermi",
    "is_gap_direct",
    "is_metal",
    "is_magnetic",
    "ordering",
    "total_magnetization",
    "num_magnetic_sites",
)
"""Fields of a summary document that are asked for by default."""

_NEEDED = ("material_id", "formula_pretty")

Connect = Callable[[str], AbstractContextManager[Any]]


def fetch(
    api_key: str | None = None,
    *,
    fields: Sequence[str] = FIELDS,
    save: str | os.PathLike[str] | None = None,
    connect: Connect | None = None,
    **criteria: Any,
) -> tuple[Materials, Quarantine]:
    """Summary documents of the Materials Project as a table.

    Parameters
    ----------
    api_key : str, optional
        Personal key; by default that of the environment variable ``MP_API_KEY``.
    fields : sequence of str, optional
        Fields of the summary; identifier and formula are always among them.
    save : path, optional
        Also write the documents to this JSON file, which ``read`` and ``mattomo check`` take: the service
        changes, a file does not.
    connect : callable of str to context manager, optional
        Makes the client from a key; ``mp_api.client.MPRester`` by default.
    **criteria
        Passed to ``materials.summary.search``, such as ``elements=["Fe", "O"]``, ``band_gap=(0.5, 3)``.

    Returns
    -------
    materials : Materials
    quarantine : Quarantine

    Raises
    ------
    InputError
        No key, mp-api not installed, the service refuses, or no document fits.

    Notes
    -----
    Names become those of the registry as for a file of documents: ``energy_above_hull`` is read as
    ``e_above_hull``, ``symmetry.number`` as ``spacegroup_number``.
    """
    key = (api_key or os.environ.get(KEY_VARIABLE, "")).strip()
    if not key:
        raise InputError(
            "the Materials Project needs a key",
            hint=f"Get one at materialsproject.org/api and give api_key=, or set {KEY_VARIABLE}.",
        )
    wanted = list(dict.fromkeys((*_NEEDED, *fields)))
    make = connect or _client()
    try:
        with make(key) as client:
            found = client.materials.summary.search(fields=wanted, **criteria)
            documents = [_document(each, wanted) for each in found]
    except Exception as error:  # the client, its network library and its checks all raise their own
        reason = " ".join(str(error).replace(key, "…").split())[:300] or type(error).__name__
        raise InputError(
            f"the Materials Project gave no documents ({reason})",
            hint="Check the key, the names of the criteria and the network.",
        ) from None
    if not documents:
        raise InputError("no document of the Materials Project fits the criteria", hint="Ask for less.")
    if save is not None:
        write_text(save, json.dumps(documents))
    return materials_of(records_table(str(save or "Materials Project"), documents))


def _client() -> Connect:
    try:
        from mp_api.client import MPRester
    except ImportError:
        raise InputError(
            "fetching from the Materials Project needs the package mp-api",
            hint='Install it (pip install "mattomo[mp]"), or read downloaded documents (JSON).',
        ) from None
    connect: Connect = MPRester
    return connect


def _document(found: Any, wanted: Sequence[str]) -> dict[str, Any]:
    """A document of the client, a pydantic model or a mapping, as plain values."""
    if isinstance(found, Mapping):
        return {name: _plain(found[name]) for name in wanted if name in found}
    return {name: _plain(getattr(found, name, None)) for name in wanted}


def _plain(value: Any) -> Any:
    """A value as JSON has it: structures as their mapping, models by their members, the rest as text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, enum.Enum):
        return _plain(value.value)
    for kind in (int, float, str):  # NumPy's are subclasses
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(each) for each in value]
    for method in ("as_dict", "model_dump", "tolist"):
        if callable(convert := getattr(value, method, None)):
            return _plain(convert())
    return str(value)
