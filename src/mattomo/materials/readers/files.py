"""Files of a folder that may have come from anywhere: what is there, and their text, read with care."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from mattomo.errors import InputError
from mattomo.materials.readers.source import GZIP, gunzip

MAX_BYTES = 64_000_000
"""A structure file larger than this is refused."""

_DEEPEST = 8


class FileProblem(ValueError):
    """Why a file is not read; the text says it."""


def list_files(folder: Path) -> tuple[list[str], list[tuple[str, str]]]:
    """The regular files below a folder, and what is left aside.

    Hidden files are passed over. Links to folders are not followed, links to files only within the folder.

    Parameters
    ----------
    folder : path

    Returns
    -------
    files : list of str
        Paths from the folder, with ``/``, sorted.
    refused : list of (str, str)
        Path and reason of what is no regular file of the folder.

    Raises
    ------
    InputError
        The folder cannot be read.
    """
    root = os.path.realpath(folder)
    files: list[str] = []
    refused: list[tuple[str, str]] = []
    for name, entry in _walk(folder, "", 0, refused):
        try:
            if entry.is_symlink():
                target = os.path.realpath(entry.path)
                if not os.path.isfile(target):
                    refused.append((name, "a link to what is no file"))
                elif os.path.commonpath([root, target]) != root:
                    refused.append((name, "a link out of the folder"))
                else:
                    files.append(name)
            elif entry.is_file(follow_symlinks=False):
                files.append(name)
            else:
                refused.append((name, "no regular file"))
        except (OSError, ValueError) as error:
            refused.append((name, f"cannot be read ({error})"))
    return sorted(files), sorted(refused)


def _walk(
    folder: str | Path, prefix: str, depth: int, refused: list[tuple[str, str]]
) -> Iterator[tuple[str, os.DirEntry[str]]]:
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        if not prefix:
            raise InputError(f"the folder cannot be read ({error.strerror})", file=str(folder)) from None
        refused.append((prefix.rstrip("/"), f"cannot be read ({error.strerror})"))
        return
    for entry in entries:
        if entry.name.startswith((".", "__MACOSX")):
            continue
        name = prefix + entry.name
        if not entry.is_dir(follow_symlinks=False):
            yield name, entry
        elif depth == _DEEPEST:
            refused.append((name, "a folder too deep"))
        else:
            yield from _walk(entry.path, name + "/", depth + 1, refused)


def read_bytes(path: Path, most: int = MAX_BYTES) -> bytes:
    """The content of a regular file; gzip is taken off.

    Raises
    ------
    FileProblem
        It cannot be read, is no regular file (a pipe would never end), is too large, or is broken gzip.
    """
    content = read_head(path, most + 1)
    if len(content) > most:
        raise FileProblem(f"the file is larger than {most / 1e6:,.0f} MB")
    if content.startswith(GZIP):
        try:
            return gunzip(content, str(path), most)
        except InputError as error:
            raise FileProblem(error.problem) from None
    return content


def read_head(path: Path, most: int) -> bytes:
    """The first bytes of a regular file, as they are.

    Raises
    ------
    FileProblem
        It cannot be read, or is no regular file.
    """
    try:
        # without O_NONBLOCK opening a pipe waits for its other end
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise FileProblem("no regular file")
            return file.read(most)
    except FileProblem:
        raise
    except (OSError, ValueError) as error:
        raise FileProblem(f"the file cannot be read ({getattr(error, 'strerror', None) or error})") from None


def read_text(path: Path) -> str:
    """The text of a file, see :func:`read_bytes` and :func:`decoded`."""
    return decoded(read_bytes(path))


def decoded(content: bytes) -> str:
    """Text in UTF-8, or UTF-16 with its mark; anything else is taken for Latin-1, as older programs wrote.

    >>> decoded(b"caf\\xe9") == decoded("caf\\u00e9".encode())
    True
    """
    try:
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            return content.decode("utf-16")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def plain_name(name: str) -> str:
    """A file name as text that any file can hold: bytes that are no UTF-8 become question marks."""
    return name.encode("utf-8", errors="replace").decode().replace("\0", "")
