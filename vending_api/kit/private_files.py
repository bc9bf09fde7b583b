"""Files that their owner alone may read, from their first octet on; `sts.keys.files` reads them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_private(path: Path, octets: bytes) -> None:
    """Store a new file of mode 0600, on the disk when this returns; raises FileExistsError."""
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(number, "wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())


def replace_private(path: Path, octets: bytes) -> None:
    """Have a file say this and nothing else, or what it said before; raises OSError."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    write_private(draft, octets)
    draft.replace(path)
