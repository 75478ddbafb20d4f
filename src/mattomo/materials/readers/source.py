"""A file as it comes: its first bytes, and its content with gzip taken off."""

from __future__ import annotations

import io
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from mattomo.errors import InputError

GZIP = b"\x1f\x8b"
LARGEST = 8 * 2**30
"""Bytes to which a compressed file may grow at most."""

FREE, RATIO = 64 * 2**20, 200
"""A compressed file may grow to FREE bytes, a larger one to RATIO times its size."""

_HEAD = 64 * 1024
_CHUNK = 2**20


@dataclass(frozen=True)
class Source:
    """A file or folder to read.

    Attributes
    ----------
    path : Path
    head : bytes
        The first 64 KiB of the content, b"" for a folder.
    compressed : bool
        The content is in gzip; it is taken off in ``head`` and by the methods.
    """

    path: Path
    head: bytes
    compressed: bool = False

    @property
    def file(self) -> str:
        """Name for messages."""
        return str(self.path)

    @property
    def suffix(self) -> str:
        """Ending of the name in small letters, that of gzip taken off."""
        inner = Path(self.path.stem) if self.compressed and self.path.suffix.lower() == ".gz" else self.path
        return inner.suffix.lower()

    def content(self) -> bytes:
        """The whole content.

        Raises
        ------
        InputError
            The file cannot be read, its gzip is broken, or it grows beyond all measure.
        """
        try:
            data = self.path.read_bytes()
        except OSError as error:
            raise _unreadable(self.path, error) from None
        return gunzip(data, self.file, largest(len(data))) if self.compressed else data

    def text(self) -> TextIO:
        """The content as UTF-8 text to read line by line, line ends kept, without byte order mark."""
        if self.compressed:
            return io.TextIOWrapper(io.BytesIO(self.content()), encoding="utf-8-sig", newline="")
        try:
            return open(self.path, encoding="utf-8-sig", newline="")
        except OSError as error:
            raise _unreadable(self.path, error) from None

    def binary(self) -> Path | io.BytesIO:
        """What a library for binary files opens."""
        return io.BytesIO(self.content()) if self.compressed else self.path


def open_source(path: str | os.PathLike[str]) -> Source:
    """Look at the first bytes of a file.

    Raises
    ------
    InputError
        There is no such file, it cannot be read, or its gzip is broken from the start.
    """
    path = Path(path)
    if path.is_dir():
        return Source(path, b"")
    if path.exists() and not path.is_file():  # a pipe would wait for its other end
        raise InputError("the file cannot be read (no regular file)", file=str(path), hint="Give a file.")
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise _unreadable(path, error) from None
    except ValueError:  # a NUL in the name
        raise InputError("this is no file name", value=str(path)) from None
    if not head.startswith(GZIP):
        return Source(path, head)
    try:
        return Source(path, zlib.decompressobj(31).decompress(head, _HEAD), compressed=True)
    except zlib.error:
        raise _broken(str(path)) from None


def largest(compressed: int) -> int:
    """Bytes to which ``compressed`` bytes may grow."""
    return min(LARGEST, max(FREE, RATIO * compressed))


def too_large(file: str, limit: int) -> InputError:
    """The error of a compressed file that grows beyond all measure."""
    return InputError(
        f"unpacked, the file is larger than {limit / 2**20:,.0f} MiB",
        file=file,
        hint="If it can be trusted, unpack it first (gunzip) and read the unpacked file.",
    )


def gunzip(data: bytes, file: str, limit: int) -> bytes:
    """The content of gzip data.

    Raises
    ------
    InputError
        The data is broken, breaks off, or grows beyond ``limit`` bytes.
    """
    grown, rest = bytearray(), data
    while rest:  # a file may be several gzip files one after the other
        if not rest.startswith(GZIP):
            if rest.strip(b"\0"):
                raise _broken(file)
            break  # padding
        member = zlib.decompressobj(31)
        while not member.eof:
            try:
                grown += member.decompress(rest, _CHUNK)
            except zlib.error:
                raise _broken(file) from None
            if len(grown) > limit:
                raise too_large(file, limit)
            rest = member.unconsumed_tail
            if not rest and not member.eof:
                grown += member.flush()
                if len(grown) > limit:
                    raise too_large(file, limit)
                if not member.eof:
                    raise InputError("the gzip data breaks off", file=file, hint="Download or pack it again.")
        rest = member.unused_data
    return bytes(grown)


def _broken(file: str) -> InputError:
    return InputError("the gzip data is broken", file=file, hint="Download or pack it again.")


def _unreadable(path: Path, error: OSError) -> InputError:
    hint = "Check the path." if isinstance(error, FileNotFoundError) else None
    return InputError(f"the file cannot be read ({error.strerror})", file=str(path), hint=hint)
