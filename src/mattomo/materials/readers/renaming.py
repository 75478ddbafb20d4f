"""Names of other sources to the names of the registry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def rename(record: dict[str, Any], names: Mapping[str, str], renamed: dict[str, str]) -> dict[str, Any]:
    """The record with the keys of ``names`` renamed; a key of the new name that is there already stays.

    Parameters
    ----------
    record : dict
    names : mapping of str to str
    renamed : dict of str to str
        Is told what was renamed.
    """
    found: dict[str, Any] = {}
    for key, value in record.items():
        name = names.get(key, key)
        if name != key and name in record:
            name = key
        if name != key:
            renamed[key] = name
        found[name] = value
    return found
