"""Two kinds of database for `growth.py`: one that is filled, and new ones beside it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

try:
    import psutil  # type: ignore[import-untyped]  # it ships no types

    from tests.support.postgres import PostgresServer
except ImportError as error:
    sys.exit(f"growth: {error}; pip install '.[test]'")

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FILE: Final = "vending.db"
_OF_A_REAL_SITE: Final = {
    # A quarter of the machine's memory, as `kit/README.md` says; the tests' server has 32 MB.
    "shared_buffers": f"{psutil.virtual_memory().total >> 22}MB",
    "max_wal_size": "8GB",  # a checkpoint every few minutes, not every few seconds
    "checkpoint_timeout": "15min",
}

_WHILE_FILLED: Final = {"wal_level": "minimal", "max_wal_senders": "0"}


class Databases(Protocol):
    """Where the filled database and the new ones are."""

    filled_url: str

    def new(self, name: str) -> str:
        """Return the address of another database, which is empty."""

    def settle(self) -> None:
        """Be as durable as in production, once the filled database is filled."""

    def size(self) -> int:
        """Return the bytes that the filled database has on disk."""

    def seconds(self) -> float:
        """Return the processor time that a server of its own has taken for those who have left."""


@dataclass
class SqliteFiles:
    """Files of SQLite: the filled one in a folder that may be kept, new ones beside it."""

    kept: Path
    passing: Path

    def __post_init__(self) -> None:
        self.filled_url = f"sqlite:///{self.kept / _FILE}"

    def new(self, name: str) -> str:
        """Return the address of another file."""
        return f"sqlite:///{self.passing / name}.db"

    def settle(self) -> None:
        """Do nothing: every connection of the service says for itself how durable it is."""

    def size(self) -> int:
        """Return the bytes of the file and its log."""
        return sum(one.stat().st_size for one in self.kept.glob(f"{_FILE}*"))

    def seconds(self) -> float:
        """Return nothing: SQLite works in the process that asks."""
        return 0.0


class PostgresqlServer(PostgresServer):
    """A server that does not wait for the disk until it is told to."""

    def __init__(self) -> None:
        super().__init__(durable=False)
        self._settings |= _OF_A_REAL_SITE | _WHILE_FILLED

    def prepare(self) -> None:
        """Make the database that is to be filled."""
        self.filled_url = self.create_database("filled")

    def new(self, name: str) -> str:
        """Return the address of another database."""
        return self.create_database(name)

    def settle(self) -> None:
        """Start again with fsync, full page writes and a log that could be archived."""
        self.stop()
        for name in ("fsync", "full_page_writes", *_WHILE_FILLED):
            del self._settings[name]
        self.start()

    def size(self) -> int:
        """Return the bytes of the filled database, without the server's log."""
        with self.connect("filled") as connection:
            row = connection.execute("SELECT pg_database_size('filled')").fetchone()
        assert row is not None
        return int(row[0])

    def seconds(self) -> float:
        """Return what the processes took that served connections, and have ended."""
        assert self._process is not None
        times = psutil.Process(self._process.pid).cpu_times()
        return float(times.children_user + times.children_system)


@contextmanager
def opened(kind: str, kept: Path, passing: Path) -> Iterator[Databases]:
    """Give databases of a kind until the end of the block; files in `kept` stay there."""
    if kind == "sqlite":
        yield SqliteFiles(kept, passing)
        return
    with PostgresqlServer() as server:
        server.prepare()
        yield server
