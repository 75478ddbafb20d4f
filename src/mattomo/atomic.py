"""Writing a file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_bytes(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write a file so that a reader sees the old content or the new, never a part.

    Parameters
    ----------
    path : path
        Missing folders are made.
    content : bytes

    Returns
    -------
    Path
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        # mkstemp makes the file private; a report is to be shared as the user's umask says.
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


def write_text(path: str | os.PathLike[str], content: str) -> Path:
    """`write_bytes` of text in UTF-8; what UTF-8 cannot hold (lone surrogates) becomes a question mark."""
    return write_bytes(path, content.encode("utf-8", errors="replace"))
