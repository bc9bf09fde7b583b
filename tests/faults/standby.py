"""A PostgreSQL that follows another one, and takes its place."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.support.postgres import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def following(primary: PostgresServer) -> Iterator[PostgresServer]:
    """Run a copy of a server that gets all that the server commits before it says so."""
    with PostgresServer(durable=True) as standby:
        standby.stop()
        shutil.rmtree(standby.folder / "data")
        standby.copy(primary)
        standby.start()
        with primary.connect() as connection:
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            connection.execute("SELECT pg_reload_conf()")
        yield standby


def promote(standby: PostgresServer) -> None:
    """Make the server that follows the one that writes."""
    with standby.connect() as connection:
        assert connection.execute("SELECT pg_promote()").fetchone() == (True,)
