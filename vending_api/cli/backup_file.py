"""Files that appear whole or not at all, and the two kinds of backup."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vending_api import migrations
from vending_api.cli.station import CommandRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMPANIONS: Final = ("", "-journal", "-wal", "-shm")
"""What SQLite may keep beside a file."""


class BackupKind(Enum):
    """What a backup was made of, with the octets that its file begins with."""

    SQLITE = b"SQLite format 3\x00"
    POSTGRESQL = b"PGDMP"

    @property
    def label(self) -> str:
        """Its name among people."""
        return {"SQLITE": "SQLite", "POSTGRESQL": "PostgreSQL"}[self.name]


def kind_of(file: Path) -> BackupKind:
    """Return what a file is a backup of; raises CommandRefused."""
    with file.open("rb") as opened:
        start = opened.read(len(BackupKind.SQLITE.value))
    for kind in BackupKind:
        if start.startswith(kind.value):
            return kind
    raise CommandRefused(f"{file} is not a backup: it is neither an SQLite file nor a pg_dump file")


def require_schema(revision: str | None) -> None:
    """Make sure that a backup has the schema of this version; raises CommandRefused."""
    newest = migrations.newest()
    if revision != newest:
        raise CommandRefused(
            f"the backup has schema revision {revision or 'none'}, this version needs {newest}; "
            "restore it with the version that made it, then upgrade the database"
        )


@contextmanager
def appearing(file: Path, *, replace: bool) -> Iterator[Path]:
    """Give a private file beside `file`, which takes its place on disk at the end of the block.

    If the block raises, nothing is left of it. Raises FileExistsError, at the end too, where
    `file` must not be replaced.
    """
    if not replace and os.path.lexists(file):
        raise _already_there(file)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.", suffix=".partial")
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        _make_durable(partial)
        if not replace:
            _reserve(file)
        partial.replace(file)
        _make_durable(file.parent)
    finally:
        for companion in _COMPANIONS:
            Path(name + companion).unlink(missing_ok=True)


def _reserve(file: Path) -> None:
    # Whoever creates the name has it: nobody's file is overwritten in between.
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        raise _already_there(file) from None


def _make_durable(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _already_there(file: Path) -> FileExistsError:
    return FileExistsError(f"{file} is there already; name another, or remove it first")
