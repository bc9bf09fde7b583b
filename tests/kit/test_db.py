"""What SQLite and PostgreSQL must do alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select, text
from sqlalchemy.exc import DBAPIError, OperationalError, StatementError

from vending_api.kit import impatience
from vending_api.kit.db import (
    WRITES,
    UtcDateTime,
    insert_or_update,
    open_database,
    reading,
    reserve_keys,
)
from vending_api.kit.errors import StorageUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

_MOMENTS = Table(
    "moments",
    MetaData(),
    Column("key", Integer, primary_key=True),
    Column("moment", UtcDateTime),
    Column("place", String(8)),
)


@pytest.fixture
def bare(database_url: str) -> Iterator[Engine]:
    engine = open_database(database_url, connections=2)
    _MOMENTS.metadata.create_all(engine)
    yield engine
    engine.dispose()


def test_a_moment_comes_back_as_the_same_moment_in_utc(bare: Engine) -> None:
    nairobi = timezone(timedelta(hours=3))
    with bare.begin() as connection:
        connection.execute(
            insert(_MOMENTS).values(moment=datetime(2026, 11, 21, 2, 30, tzinfo=nairobi))
        )
        moment = connection.execute(select(_MOMENTS.c.moment)).scalar_one()
    assert moment == datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    assert moment.tzinfo is UTC


def test_an_absent_moment_stays_absent(bare: Engine) -> None:
    with bare.begin() as connection:
        connection.execute(insert(_MOMENTS).values(moment=None))
        assert connection.execute(select(_MOMENTS.c.moment)).scalar_one() is None


def test_a_moment_without_a_zone_is_refused(bare: Engine) -> None:
    with bare.begin() as connection, pytest.raises(StatementError, match="no time zone"):
        connection.execute(
            insert(_MOMENTS).values(moment=datetime(2026, 11, 21))  # noqa: DTZ001 (the point)
        )


def test_a_new_file_of_sqlite_is_its_owners_alone_and_one_that_is_there_keeps_its_mode(
    sqlite_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "vending.db"
    for mode in (0o600, 0o640):
        engine = open_database(sqlite_url, connections=1)
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE TABLE one_{mode} (a INTEGER)")
            connection.commit()
            modes = {one.stat().st_mode & 0o777 for one in tmp_path.glob("vending.db*")}
        engine.dispose()
        assert modes == {mode}
        file.chmod(0o640)


def test_sqlite_commits_to_disk_in_wal_mode(sqlite_url: str) -> None:
    engine = open_database(sqlite_url, connections=1)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2  # FULL
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1
    engine.dispose()


def test_postgresql_commits_to_disk_and_bounds_a_statement(postgres_url: str) -> None:
    engine = open_database(postgres_url, connections=1)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar_one() == "on"
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar_one() == "10s"
    engine.dispose()


@pytest.mark.parametrize(("is_quick", "limit"), [(True, "30s"), (False, "0")])
def test_postgresql_ends_a_long_transaction_where_none_should_be(
    postgres_url: str, *, is_quick: bool, limit: str
) -> None:
    engine = open_database(postgres_url, connections=1, is_quick=is_quick)
    with engine.connect() as connection:
        connection.rollback()
        assert connection.exec_driver_sql("SHOW transaction_timeout").scalar_one() == limit
    engine.dispose()


def test_an_older_postgresql_ends_a_transaction_that_pauses(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(impatience, "_FIRST_WITH_TRANSACTION_TIMEOUT", 1_000_000)
    engine = open_database(postgres_url, connections=1, is_quick=True)
    with engine.connect() as connection:
        shown = connection.exec_driver_sql("SHOW idle_in_transaction_session_timeout")
        assert shown.scalar_one() == "30s"
        assert connection.exec_driver_sql("SHOW transaction_timeout").scalar_one() == "0"
    engine.dispose()


@pytest.mark.parametrize(("said", "limit"), [("", "15000"), ("&tcp_user_timeout=900", "900")])
def test_a_server_that_falls_silent_is_given_up_unless_its_address_says_when(
    postgres_url: str, said: str, limit: str
) -> None:
    engine = open_database(postgres_url + said, connections=1)
    with engine.connect() as connection:
        driver: Any = connection.connection.dbapi_connection
        asked = driver.info.get_parameters()
    assert (asked["tcp_user_timeout"], asked["connect_timeout"]) == (limit, "5")
    engine.dispose()


def test_reserved_keys_follow_those_in_use_and_are_given_once(bare: Engine) -> None:
    with bare.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        first = reserve_keys(connection, _MOMENTS, 3)
        connection.execute(insert(_MOMENTS), [{"key": key} for key in first])
        second = reserve_keys(connection, _MOMENTS, 2)
        connection.execute(insert(_MOMENTS), [{"key": key} for key in second])
        connection.execute(insert(_MOMENTS).values(moment=None))
        keys = connection.execute(select(_MOMENTS.c.key)).scalars().all()
    assert sorted(keys) == [1, 2, 3, 4, 5, 6]
    assert (first, second) == ([1, 2, 3], [4, 5])


def test_an_insert_may_update_some_columns_only(bare: Engine) -> None:
    noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    row = {"key": 1, "moment": noon, "place": "here"}
    with bare.begin() as connection:
        connection.execute(insert_or_update(connection.dialect.name, _MOMENTS), row)
        changed = row | {"moment": None, "place": "there"}
        connection.execute(insert_or_update(connection.dialect.name, _MOMENTS, "place"), changed)
        assert connection.execute(select(_MOMENTS)).one() == (1, noon, "there")
        connection.execute(insert_or_update(connection.dialect.name, _MOMENTS), changed)
        assert connection.execute(select(_MOMENTS)).one() == (1, None, "there")


def test_errors_do_not_tell_what_was_to_be_stored(database_url: str) -> None:
    engine = open_database(database_url, connections=1)
    with engine.connect() as connection, pytest.raises(DBAPIError) as refused:
        connection.execute(text("INSERT INTO nowhere VALUES (:token)"), {"token": "0123456789"})
    assert "nowhere" in str(refused.value)
    assert "0123456789" not in f"{refused.value} {refused.value!r}"
    engine.dispose()


def test_who_reads_is_told_that_no_connection_is_free(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_database(database_url, connections=1)
    monkeypatch.setattr(engine.pool, "_timeout", 0.01)
    with reading(engine), pytest.raises(StorageUnavailable), reading(engine):
        pass
    with reading(engine) as connection:
        assert connection.scalar(select(1)) == 1
    engine.dispose()


def test_who_reads_is_told_that_the_database_failed_and_of_other_errors_as_they_are(
    database_url: str,
) -> None:
    engine = open_database(database_url, connections=1)
    with pytest.raises(StorageUnavailable), reading(engine):
        raise OperationalError("a read", None, Exception("the connection is lost"))
    with pytest.raises(LookupError), reading(engine):
        raise LookupError
    engine.dispose()
