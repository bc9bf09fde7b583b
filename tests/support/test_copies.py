"""What a test leaves on a copy is gone for the next one, or the copy is."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import pytest
from sqlalchemy import NullPool, create_engine, literal_column, select, table, text

from tests.support import copies
from tests.support.copies import PostgresCopies, pool_of
from tests.support.selling import sell
from tests.support.service import purchase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

    from tests.support.postgres import PostgresServer


_TABLES: Final = text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
_SEQUENCES: Final = text(
    "SELECT row(sequencename, last_value)::text FROM pg_sequences ORDER BY sequencename"
)


@pytest.fixture
def lender(
    postgres_server: PostgresServer, prepared_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PostgresCopies]:
    monkeypatch.setattr(copies, "_PATIENCE_SECONDS", 0.1)
    name = f"lent_{uuid4().hex}"
    postgres_server.create_database(name, template=prepared_postgres)
    lender = PostgresCopies(postgres_server, name)
    yield lender
    lender.close()
    postgres_server.drop_database(name)


@pytest.fixture
def kept() -> Iterator[ExitStack]:
    """What a test keeps until its end, though it should not."""
    with ExitStack() as stack:
        yield stack


def _state(engine: Engine) -> dict[str, list[Any]]:
    """Return all rows of all tables, by their names, and where all sequences stand."""
    with engine.connect() as connection:
        names = connection.execute(_TABLES).scalars().all()
        rows: dict[str, list[Any]] = {
            name: sorted(
                connection.execute(
                    select(literal_column("t::text")).select_from(table(name).alias("t"))
                ).scalars()
            )
            for name in names
        }
        return rows | {"": list(connection.execute(_SEQUENCES).scalars())}


def test_the_next_finds_what_the_first_found(lender: PostgresCopies) -> None:
    with lender.lent() as first:
        new = _state(first)
        sell(first, purchase())
        with first.begin() as connection:
            connection.exec_driver_sql("DELETE FROM terminal")
        assert _state(first) != new
        kept_connections = pool_of(first).checkedin()
    with lender.lent() as second:
        assert second is first
        assert pool_of(second).checkedin() == kept_connections
        found = _state(second)
    assert found == new


def test_two_at_once_have_two(lender: PostgresCopies) -> None:
    with lender.lent() as one, lender.lent() as other:
        assert one.url != other.url


def test_of_many_connections_none_is_kept(lender: PostgresCopies) -> None:
    with lender.lent() as engine, ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(engine.connect())
    with lender.lent() as second:
        assert second is engine
        assert pool_of(second).checkedin() == 0


def _another_table(engine: Engine, _kept: ExitStack) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE another (number int)")


def _a_connection_in_use(engine: Engine, kept: ExitStack) -> None:
    connection = kept.enter_context(engine.connect())
    kept.callback(connection.invalidate)  # or its pool, which is gone, would take it back


def _somebody_else(engine: Engine, kept: ExitStack) -> None:
    kept.enter_context(create_engine(engine.url, poolclass=NullPool).connect())


def _all_connections_ended(engine: Engine, _kept: ExitStack) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.mark.parametrize(
    "leave", [_another_table, _a_connection_in_use, _somebody_else, _all_connections_ended]
)
def test_what_cannot_be_put_back_is_dropped(
    lender: PostgresCopies,
    postgres_server: PostgresServer,
    kept: ExitStack,
    leave: Callable[[Engine, ExitStack], None],
) -> None:
    with lender.lent() as engine:
        new = _state(engine)
        leave(engine, kept)
    with lender.lent() as second:
        assert second is not engine
        assert _state(second) == new
    with postgres_server.connect() as connection:
        query = "SELECT count(*) FROM pg_database WHERE datname = %s"
        assert connection.execute(query, (engine.url.database,)).fetchone() == (0,)


def test_after_so_many_uses_it_is_made_anew(
    lender: PostgresCopies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "_USES", 1)
    lent = []
    for _ in range(3):
        with lender.lent() as engine:
            lent.append(engine)
    assert lent[0] is lent[1]
    assert lent[1] is not lent[2]
