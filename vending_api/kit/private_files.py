"""Files that their owner alone may read: how they are read, and how they are made."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class NotPrivate(Exception):
    """A file cannot be read, or others may read it too; the text says what to do."""


def read_private(path: Path, *, most: int) -> bytes:
    """Return the octets of a file, so many at most; raises NotPrivate."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            octets = b"" if mode & _OTHERS else file.read(most)
    except OSError as problem:
        raise NotPrivate(f"{path}: it cannot be read: {problem.strerror}") from None
    if mode & _OTHERS:
        raise NotPrivate(f"{path}: others may read it; `chmod 600` it, and think who has")
    return octets


def write_private(path: Path, octets: bytes) -> None:
    """Store a new file of mode 0600, on the disk when this returns; raises FileExistsError."""
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(number, "wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())
