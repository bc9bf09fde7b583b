"""Statements run on the driver as Core would run them, and tell faults by the same errors."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import pytest
from sqlalchemy import (
    Boolean,
    Column,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, OperationalError

from vending_api.kit.db import JsonDocument, UtcDateTime, open_database
from vending_api.kit.statements import Statement, undoable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

_METADATA: Final = MetaData()
_THING: Final = Table(
    "thing",
    _METADATA,
    Column("key", Integer, primary_key=True),
    Column("name", String(8), unique=True),
    Column("is_good", Boolean, nullable=False, default=True),
    Column("at", UtcDateTime),
    Column("document", JsonDocument),
)
_ADD: Final = Statement(insert(_THING).returning(_THING.c.key))
_ADD_ONLY: Final = Statement(insert(_THING))
_ALL: Final = Statement(select(_THING).order_by(_THING.c.key))
_BY_NAME: Final = Statement(
    select(_THING, literal("constant").label("word")).where(_THING.c.name == bindparam("of_name"))
)
_RENAME: Final = Statement(
    update(_THING).where(_THING.c.name == bindparam("of_name")).values(name=bindparam("to"))
)
_COUNT: Final = Statement(lambda _: select(func.count().label("number")).select_from(_THING))
_NOON: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    engine = open_database(database_url, connections=2)
    with engine.connect() as connection, connection.begin():
        _METADATA.create_all(connection)
        yield connection
    engine.dispose()


def _thing(name: str | None, **changes: object) -> dict[str, object]:
    return {"name": name, "is_good": True, "at": _NOON, "document": {"a": [1]}} | changes


def _number(connection: Connection) -> int:
    return int(_COUNT.row(connection, {}).number)


def test_values_and_columns_are_converted_by_their_types(connection: Connection) -> None:
    assert _ADD.row(connection, _thing("one")).key == 1
    row = _BY_NAME.row(connection, {"of_name": "one"})
    assert (row.key, row.name, row.is_good, row.word) == (1, "one", True, "constant")
    assert (row.at, row.document) == (_NOON, {"a": [1]})
    nothing = _thing(None, is_good=False, at=None, document=None)
    _ADD_ONLY.run(connection, nothing)
    found = connection.execute(select(_THING).order_by(_THING.c.key)).all()
    assert [tuple(one) for one in _ALL.rows(connection, {})] == [tuple(one) for one in found]
    assert tuple(found[1]) == (2, None, False, None, None)


def test_what_is_not_there_is_none(connection: Connection) -> None:
    assert _BY_NAME.row(connection, {"of_name": "none"}) is None
    assert _ALL.rows(connection, {}) == []


@pytest.mark.parametrize("count", [1, 3])
def test_many_rows_are_run_at_once(connection: Connection, count: int) -> None:
    _ADD_ONLY.run_now(connection, [_thing(str(number)) for number in range(count)])
    assert _number(connection) == count


def test_the_number_of_rows_that_were_changed_is_told(connection: Connection) -> None:
    _ADD.row(connection, _thing("one"))
    assert _RENAME.run(connection, {"of_name": "one", "to": "two"}) == 1
    assert _RENAME.run(connection, {"of_name": "one", "to": "two"}) == 0


def test_a_naive_moment_is_refused(connection: Connection) -> None:
    with pytest.raises(ValueError, match="time zone"):
        _ADD.row(connection, _thing("one", at=datetime(2026, 11, 21)))  # noqa: DTZ001 (the fault)


def test_a_block_that_raises_leaves_nothing(connection: Connection) -> None:
    with undoable(connection):
        _ADD.row(connection, _thing("kept"))
    with pytest.raises(ZeroDivisionError):
        _fail_after_two(connection)
    assert [row.name for row in _ALL.rows(connection, {})] == ["kept"]


def _fail_after_two(connection: Connection) -> None:
    with undoable(connection):
        _ADD.row(connection, _thing("gone"))
        with undoable(connection):
            _ADD.row(connection, _thing("within"))
        raise ZeroDivisionError


def test_an_inner_block_is_undone_alone(connection: Connection) -> None:
    with undoable(connection):
        _ADD.row(connection, _thing("outer"))
        with pytest.raises(IntegrityError), undoable(connection):
            _ADD_ONLY.run_now(connection, [_thing("inner"), _thing("outer")])
    assert [row.name for row in _ALL.rows(connection, {})] == ["outer"]


def test_errors_are_those_of_sqlalchemy_and_do_not_tell_values(connection: Connection) -> None:
    _ADD.row(connection, _thing("secret"))
    with pytest.raises(IntegrityError) as caught, undoable(connection):
        _ADD.row(connection, _thing("secret"))
    assert caught.value.params is None
    no_table = Statement(select(Table("none", MetaData(), Column("key", Integer))))
    with pytest.raises((OperationalError, InterfaceError)), undoable(connection):
        no_table.row(connection, {})
    assert _number(connection) == 1


def test_what_a_column_cannot_hold_is_a_data_error(postgres_url: str) -> None:
    engine = open_database(postgres_url, connections=1)
    with engine.connect() as connection:
        _METADATA.create_all(connection)
        with pytest.raises(DataError), undoable(connection):
            _ADD.row(connection, _thing("much too long"))
    engine.dispose()


def test_signs_that_drivers_give_a_meaning_to_are_left_alone(connection: Connection) -> None:
    odd = Statement(
        select(_THING.c.key, literal("50 %s $1 :x ?").label("word"))
        .where(_THING.c.key % 2 == bindparam("rest"), _THING.c.name.like(bindparam("like")))
        .order_by(_THING.c.key)
    )
    add_with_key = Statement(insert(_THING))
    add_with_key.run_now(
        connection,
        [
            {"key": key, "name": f"$1 %({key})", "is_good": True, "at": _NOON, "document": {}}
            for key in range(1, 5)
        ],
    )
    found = odd.rows(connection, {"rest": 1, "like": "$1 %"})
    assert [(one.key, one.word) for one in found] == [(1, "50 %s $1 :x ?"), (3, "50 %s $1 :x ?")]


def test_a_name_may_stand_twice(connection: Connection) -> None:
    twice = Statement(
        select(bindparam("number", type_=Integer), bindparam("number", type_=Integer) + 1)
    )
    assert tuple(twice.row(connection, {"number": 7})) == (7, 8)
