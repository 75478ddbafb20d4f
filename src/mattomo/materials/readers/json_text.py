"""JSON text taken apart piece by piece, so that one broken record does not spoil the others.

A piece is undecoded JSON text (bytes or ``msgspec.Raw``), or, where the text has what only the tolerant
parser knows (NaN, Infinity), a Python object.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from mattomo.materials.readers.raw import JsonText

_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_MAPPING = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ANY = msgspec.json.Decoder()
_FAILURES = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_LONGEST_INTEGER = 400
_ESCAPED_COLONS = (b"\\u003a", b"\\u003A")


class NotJson(ValueError):
    """A piece that is no JSON, or ambiguous; the text says why."""


class DoubledKey(NotJson):
    """A mapping in which a key is given twice: which of the two is meant?"""


class _Doubled(dict[str, Any]):
    """A mapping with a key given twice."""

    key: str = ""


def parts(piece: Any) -> Any:
    """The elements of a list or the members of a mapping as pieces; anything else as a Python object.

    Raises
    ------
    NotJson
        Malformed text, no UTF-8, too deep a nesting, or a key given twice in the mapping itself.
    """
    if isinstance(piece, msgspec.Raw | bytes | JsonText):
        text = piece.encode() if isinstance(piece, JsonText) else bytes(piece).strip()
        try:
            if text.startswith(b"["):
                return _LIST.decode(text)
            if not text.startswith(b"{"):
                return _ANY.decode(text)
            found = _MAPPING.decode(text)
            if _may_be_doubled(text, found):
                _refuse_doubled(_tolerant(text))
            return found
        except _FAILURES:
            piece = _tolerant(text)
    _refuse_doubled(piece)
    return piece


def cell(piece: Any) -> Any:
    """The value of a piece: None, a flag, a number, a text; a list or mapping as JSON text or as it is.

    A number that no float holds comes as its text.

    Raises
    ------
    NotJson
        The text has bytes that are no UTF-8, or characters that are no Unicode.
    """
    try:
        if isinstance(piece, msgspec.Raw | bytes):
            text = bytes(piece).strip()
            if text[:1] in (b"{", b"["):
                return JsonText(text, "utf-8")
            try:
                return _ANY.decode(text)
            except msgspec.ValidationError:
                return str(text, "utf-8")
        if type(piece) is str:
            piece.encode()  # lone surrogates
        return piece
    except (*_FAILURES, UnicodeEncodeError):
        raise NotJson("a text is no Unicode") from None


def opened(value: Any) -> Any:
    """A cell with its JSON text decoded.

    Raises
    ------
    NotJson
    """
    if not isinstance(value, JsonText):
        return value
    try:
        return _ANY.decode(str(value))
    except _FAILURES:
        return _tolerant(value.encode())


def _tolerant(text: bytes) -> Any:
    try:
        return json.loads(text.decode(), parse_int=_integer, object_pairs_hook=_mapping)
    except UnicodeDecodeError as error:
        raise NotJson(f"no UTF-8 text (byte {error.start})") from None
    except json.JSONDecodeError as error:
        raise NotJson(f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise NotJson("lists or mappings are nested too deeply") from None


def _integer(text: str) -> int | str:
    return int(text) if len(text) < _LONGEST_INTEGER else text


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    doubled, seen = _Doubled(found), set[str]()
    for key, _ in pairs:
        if key in seen:
            doubled.key = key
        seen.add(key)
    return doubled


def _refuse_doubled(value: Any) -> None:
    if isinstance(value, _Doubled):
        raise DoubledKey(f"the key {value.key!r} is given twice")


def _may_be_doubled(text: bytes, found: dict[str, msgspec.Raw]) -> bool:
    """Colons that are lost belong to a key given twice, unless one was written as an escape."""
    kept = len(found) + sum(bytes(piece).count(b":") for piece in found.values())
    return kept + sum(key.count(":") for key in found) != text.count(b":") or any(
        colon in text for colon in _ESCAPED_COLONS
    )
