"""A database that is away, hangs or no longer writes: nobody presses it, or waits for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from tests.kit.numbers import NUMBERS, add, stored
from vending_api.kit import impatience
from vending_api.kit.db import open_database
from vending_api.kit.errors import StorageUnavailable
from vending_api.kit.lanes import Command, Lanes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sqlalchemy import Connection, Engine


class _Clock:
    """A clock that goes only as it is told, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0

    def read(self) -> float:
        return self.now


def _outcomes(
    engine: Engine, acts: Sequence[Callable[[Connection], Any]], clock: _Clock | None = None
) -> list[Any]:
    """Return what the commands of one group came to."""
    groups = [[Command(ticket=number, act=act) for number, act in enumerate(acts)], []]
    released: list[Any] = []
    one = Lanes(
        engine,
        release=lambda _, outcomes: released.extend(outcomes),
        monotonic_seconds=(clock or _Clock()).read,
    )
    one.serve_here(lambda _: groups.pop(0))
    return released


def _are_unavailable(outcomes: Sequence[Any]) -> list[bool]:
    return [isinstance(one, StorageUnavailable) for one in outcomes]


def test_a_group_asks_once_for_a_database_that_cannot_be_reached(tmp_path: Path) -> None:
    engine = open_database(f"postgresql+psycopg://x@/x?host={tmp_path}", connections=1)
    asked: list[object] = []
    event.listen(engine, "do_connect", lambda *_: asked.append(None))
    assert _are_unavailable(_outcomes(engine, [add(1)] * 5)) == [True] * 5
    assert len(asked) == 1


@pytest.mark.parametrize(("seconds", "tried"), [(26, 1), (13, 2), (10, 3)])
def test_what_takes_too_long_is_not_tried_again(sqlite_url: str, seconds: int, tried: int) -> None:
    engine = open_database(sqlite_url, connections=1)
    clock, tries = _Clock(), list[float]()

    def hang(_: Connection) -> None:
        tries.append(clock.now)
        clock.now += seconds
        raise OperationalError("", None, Exception("it took too long"))

    assert _are_unavailable(_outcomes(engine, [hang], clock)) == [True]
    assert len(tries) == tried
    engine.dispose()


@pytest.mark.parametrize(
    ("seconds", "tried", "is_done"), [(1, 4, True), (10, 2, True), (13, 2, False)]
)
def test_those_beside_a_command_that_hangs_are_done_or_told_in_time(
    sqlite_url: str, seconds: int, tried: int, *, is_done: bool
) -> None:
    engine = open_database(sqlite_url, connections=1)
    NUMBERS.metadata.create_all(engine)
    clock, tries = _Clock(), list[float]()

    def hang(_: Connection) -> None:
        tries.append(clock.now)
        clock.now += seconds
        raise OperationalError("", None, Exception("it took too long"))

    outcomes = _outcomes(engine, [hang, add(1), add(2)], clock)
    assert _are_unavailable(outcomes) == [True, not is_done, not is_done]
    assert len(tries) == tried
    assert stored(engine) == ([1, 2] if is_done else [])
    engine.dispose()


def test_a_connection_to_a_server_that_no_longer_writes_is_left(postgres_url: str) -> None:
    engine = open_database(postgres_url, connections=1)
    NUMBERS.metadata.create_all(engine)
    engine.dispose()
    opened: list[object] = []

    def open_read_only(connection: Any, _record: object) -> None:
        opened.append(connection)
        if len(opened) == 1:
            connection.execute("SET default_transaction_read_only = on")
            connection.commit()

    event.listen(engine, "connect", open_read_only)
    assert _outcomes(engine, [add(1)]) == [1]
    assert len(opened) == 2
    engine.dispose()


@pytest.mark.parametrize(("seconds", "is_given_up"), [(2, True), (0.2, False)])
def test_a_server_that_says_nothing_is_given_up_where_nothing_takes_long(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, seconds: float, *, is_given_up: bool
) -> None:
    monkeypatch.setattr(impatience, "PATIENCE_SECONDS", 1.0)
    engine = open_database(postgres_url, connections=1, is_quick=True)
    with engine.connect() as connection:
        driver = connection.connection.dbapi_connection
        asked = text(f"SELECT pg_sleep({seconds})")
        if is_given_up:
            with pytest.raises(OperationalError):
                connection.execute(asked)
        else:
            connection.execute(asked)
    with engine.connect() as connection:  # it is not kept
        assert (connection.connection.dbapi_connection is not driver) is is_given_up
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    engine.dispose()


def test_what_the_server_itself_ends_keeps_its_connection(postgres_url: str) -> None:
    engine = open_database(postgres_url, connections=1, is_quick=True)
    with engine.connect() as connection:
        driver = connection.connection.dbapi_connection
        connection.execute(text("SET LOCAL statement_timeout = 10"))
        with pytest.raises(OperationalError):
            connection.execute(text("SELECT pg_sleep(5)"))
        connection.rollback()
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
        assert connection.connection.dbapi_connection is driver
    engine.dispose()


def test_who_may_ask_for_what_takes_long_is_patient(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(impatience, "PATIENCE_SECONDS", 0.2)
    engine = open_database(postgres_url, connections=1)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_sleep(0.6)"))
    engine.dispose()
