"""What somebody else on the same PostgreSQL may do to the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

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
