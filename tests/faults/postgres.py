"""What somebody else on the same PostgreSQL may do to the service."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from tests.faults.disks import family

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.support.postgres import PostgresServer


def name_of(url: str) -> str:
    """Return the name of the database in an address."""
    return url.partition("@/")[2].partition("?")[0]


def deadlocks(server: PostgresServer) -> int:
    """Return how many rings of locks a server has broken up so far."""
    with server.connect() as connection:
        found = connection.execute("SELECT sum(deadlocks) FROM pg_stat_database").fetchone()
    assert found is not None
    return int(found[0])


def connections_at_work(server: PostgresServer, database: str) -> Sequence[int]:
    """Return the connections to a database that are in a transaction."""
    with server.connect() as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = %s AND state <> 'idle'", [database]
        ).fetchall()
    return [pid for (pid,) in rows]


def terminate(server: PostgresServer, pid: int) -> bool:
    """End a connection as an operator does, and tell whether it was still there."""
    with server.connect() as connection:
        row = connection.execute("SELECT pg_terminate_backend(%s)", [pid]).fetchone()
    return row == (True,)


def pausing(server: PostgresServer, database: str) -> bool:
    """Tell whether a connection to a database is in a transaction and asks for nothing."""
    with server.connect() as connection:
        row = connection.execute(
            "SELECT count(*) > 0 FROM pg_stat_activity"
            " WHERE datname = %s AND state = 'idle in transaction'",
            [database],
        ).fetchone()
    return row == (True,)


@contextmanager
def hanging(server: PostgresServer) -> Iterator[None]:
    """Let a server do nothing during the block, though the kernel still takes what it is sent."""
    processes = family(int((server.folder / "pid").read_text()))
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)
