"""Between statements there are rests, as long as they are worth it; the clock is the test's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vending_api.kit.rests import rest_between_statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine


class Gone(Exception):
    """Whoever rests has to end."""


class Time:
    """A clock on which each statement takes as long as is said beforehand; rests are noted."""

    def __init__(self, *seconds: float) -> None:
        self.moments = self._ends(seconds)
        self.rests: list[float] = []

    def _ends(self, seconds: tuple[float, ...]) -> Iterator[float]:
        now = 1_000.0
        for one in seconds:
            yield now
            now += one
            yield now
            now += 500.0  # what happens between statements does not count

    def __call__(self) -> float:
        return next(self.moments)


def _ask(connection: Connection, times: int) -> None:
    for _ in range(times):
        assert connection.exec_driver_sql("SELECT 7").scalar() == 7


@pytest.mark.parametrize("times", [1, 3])
def test_a_rest_is_so_many_times_as_long_as_the_statement(engine: Engine, times: int) -> None:
    clock = Time(2.0, 0.5)
    with engine.connect() as connection, connection.begin():
        rest_between_statements(connection, times, clock=clock, rest=clock.rests.append)
        _ask(connection, 2)
    assert clock.rests == [2.0 * times, 0.5 * times]


def test_short_rests_are_saved_up(engine: Engine) -> None:
    clock = Time(*[1 / 512] * 5)
    with engine.connect() as connection, connection.begin():
        rest_between_statements(connection, 2, clock=clock, rest=clock.rests.append)
        _ask(connection, 2)
        assert clock.rests == []
        _ask(connection, 3)
    assert clock.rests == [6 / 512]


def test_who_need_not_rest_is_asked_after_each_statement(engine: Engine) -> None:
    clock = Time(2.0, 0.0, 3.0)
    with engine.connect() as connection, connection.begin():
        rest_between_statements(connection, 0, clock=clock, rest=clock.rests.append)
        _ask(connection, 3)
    assert clock.rests == [0.0, 0.0, 0.0]


def test_what_a_rest_raises_ends_who_reads(engine: Engine) -> None:
    clock = Time(2.0, 2.0)

    def rest(seconds: float) -> None:
        clock.rests.append(seconds)
        if len(clock.rests) == 2:
            raise Gone

    with engine.connect() as connection, connection.begin():
        rest_between_statements(connection, 1, clock=clock, rest=rest)
        with pytest.raises(Gone):
            _ask(connection, 9)
    assert clock.rests == [2.0, 2.0]


def test_other_connections_do_not_rest(engine: Engine) -> None:
    clock = Time()
    with engine.connect() as connection, engine.connect() as other:
        rest_between_statements(connection, 1, clock=clock, rest=clock.rests.append)
        _ask(other, 3)
    with engine.connect() as next_one:
        _ask(next_one, 3)
    assert clock.rests == []
