"""Many rows are written at once, and say what they would have said one by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from vending_api.kit.db import JsonDocument, UtcDateTime, insert_or_update, open_database
from vending_api.kit.driver import sent_ahead
from vending_api.kit.statements import Statement
from vending_api.kit.together import COPIED_FROM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

_METADATA: Final = MetaData()
_THING: Final = Table(
    "thing",
    _METADATA,
    Column("key", Integer, primary_key=True),
    Column("name", String(8), unique=True),
    Column("at", UtcDateTime),
    Column("document", JsonDocument),
    Column("state", String(8)),
)
_ADD: Final = Statement(insert(_THING))
_MOVE: Final = Statement(
    update(_THING)
    .where(_THING.c.key == bindparam("of_key"), _THING.c.state != "stuck")
    .values(name=bindparam("to_name"), at=bindparam("to_at"), state="moved")
)
_NAME: Final = Statement(select(_THING.c.name).where(_THING.c.key == bindparam("of_key")))
_PUT: Final = Statement(lambda dialect_name: insert_or_update(dialect_name, _THING))
_COUNTS: Final = (2, 3, 15, 16, 17, 31, COPIED_FROM - 1, COPIED_FROM, COPIED_FROM + 1)
_NOON: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    engine = open_database(database_url, connections=1)
    with engine.connect() as connection, connection.begin():
        _METADATA.create_all(connection)
        yield connection
    engine.dispose()


def _rows(count: int, **more: Any) -> list[dict[str, Any]]:
    documents: tuple[Any, ...] = ({"kWh": "0.1", "text": "\\t\n\\N 'x'"}, [], None)
    return [
        {
            "key": key,
            "name": None if key % 7 == 0 else f"n{key}",
            "at": None if key % 5 == 0 else _NOON + timedelta(microseconds=key),
            "document": documents[key % 3],
            "state": "stuck" if key == 3 else "new",
        }
        | more
        for key in range(1, count + 1)
    ]


def _all(connection: Connection) -> list[dict[str, Any]]:
    statement = select(_THING).order_by(_THING.c.key)
    return [dict(row) for row in connection.execute(statement).mappings()]


@pytest.mark.parametrize("count", _COUNTS)
def test_new_rows_hold_what_they_were_given(connection: Connection, count: int) -> None:
    _ADD.run_now(connection, _rows(count))
    assert _all(connection) == _rows(count)


@pytest.mark.parametrize("count", _COUNTS)
def test_rows_are_changed_each_by_its_own(connection: Connection, count: int) -> None:
    _ADD.run_now(connection, _rows(count))
    _MOVE.run_now(
        connection,
        [
            {"of_key": key, "to_name": f"m{key}", "to_at": None if key == 1 else _NOON}
            for key in range(1, count + 1)
        ],
    )
    for before, row in zip(_rows(count), _all(connection), strict=True):
        key = row["key"]
        moved = {"name": f"m{key}", "at": None if key == 1 else _NOON, "state": "moved"}
        assert row == (before if key == 3 else before | moved)


@pytest.mark.parametrize("count", _COUNTS)
def test_rows_are_put_in_place_of_others(connection: Connection, count: int) -> None:
    _ADD.run_now(connection, _rows(count // 2))
    _PUT.run_now(connection, _rows(count, state="put", document=None))
    assert _all(connection) == _rows(count, state="put", document=None)


def test_a_row_that_is_there_twice_is_the_same_error_as_ever(connection: Connection) -> None:
    with pytest.raises(IntegrityError) as error:
        _ADD.run_now(connection, [*_rows(COPIED_FROM), _rows(1)[0]])
    assert "n1" not in str(error.value.statement)


def test_a_text_that_is_too_long_for_postgresql_is_the_same_error_as_ever(
    connection: Connection,
) -> None:
    if connection.dialect.name == "sqlite":
        pytest.skip("SQLite keeps any text")
    with pytest.raises(DataError):
        _ADD.run_now(connection, _rows(COPIED_FROM, name="123456789"))


@pytest.mark.parametrize("count", [1, 17, COPIED_FROM])
def test_rows_are_sent_ahead(connection: Connection, count: int) -> None:
    with sent_ahead(connection):
        _ADD.run_now(connection, _rows(count))
        assert _NAME.row(connection, {"of_key": 1}).name == "n1"
        _PUT.run_now(connection, _rows(count, state="put"))
    assert _all(connection) == _rows(count, state="put")


@pytest.mark.parametrize("count", [1, 2])
def test_what_a_row_came_to_is_raised_at_last(connection: Connection, count: int) -> None:
    _ADD.run_now(connection, _rows(1))
    passed: list[str] = []
    with pytest.raises(IntegrityError) as error:
        _add_ahead(connection, count, lambda: passed.append(connection.dialect.name))
    assert "n1" not in str(error.value.statement)
    assert passed in ([], ["postgresql"])


def test_a_connection_that_is_lost_meanwhile_is_the_same_error_as_ever(postgres_url: str) -> None:
    engine = open_database(postgres_url, connections=2)
    with engine.connect() as connection, engine.connect() as other:
        driver: Any = connection.connection.dbapi_connection
        lose = text(f"SELECT pg_terminate_backend({driver.info.backend_pid})")
        _METADATA.create_all(connection)
        with pytest.raises(OperationalError):
            _add_ahead(connection, 1, lambda: other.execute(lose))
        connection.invalidate()
    engine.dispose()


def test_what_the_block_raises_goes_its_way(connection: Connection) -> None:
    with pytest.raises(ZeroDivisionError):
        _add_ahead(connection, 2, lambda: 1 / 0)
    assert _all(connection) == _rows(2)


def _add_ahead(connection: Connection, count: int, then: Callable[[], object]) -> None:
    with sent_ahead(connection):
        _ADD.run_now(connection, _rows(count))
        then()
