"""Writing what others must not read: all of it or nothing, and over nothing by mistake."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

from sts.cli.program import WrongUsage

if TYPE_CHECKING:
    from pathlib import Path

_MODE = 0o600


def write_private(path: Path, text: str, *, replace: bool) -> None:
    """Write a file that its owner alone may read; it is there with all of the text, or not at all.

    Raises WrongUsage when it exists and is not to be replaced, OSError when it cannot be written.
    """
    require_free(path, replace=replace)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            draft.replace(path)
        else:
            os.link(draft, path)  # unlike a rename, it fails if somebody was first
    except FileExistsError:
        raise _exists(path) from None
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def require_free(path: Path, *, replace: bool) -> None:
    """Let a name pass that may be written to; raises WrongUsage."""
    if not replace and path.exists():
        raise _exists(path)


def _exists(path: Path) -> WrongUsage:
    return WrongUsage(f"{path} exists; give --replace to write over it")
