"""Attempts are counted before they are made, so many a minute, and forgotten later."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from tests.support.selling import count
from tests.support.service import NOON, writing
from vending_api.domain.consumers import service
from vending_api.domain.consumers.errors import TooManyAttempts
from vending_api.domain.consumers.tables import LOGIN_ATTEMPT
from vending_api.domain.consumers.types import ATTEMPTS_BY_EMAIL, ATTEMPTS_WINDOW

if TYPE_CHECKING:
    from sqlalchemy import Engine

WHO = "login ngozi@example.org 192.0.2.1"
SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)


def _count(
    engine: Engine, subject: str = WHO, *, at: datetime = NOON, most: int = ATTEMPTS_BY_EMAIL
) -> None:
    with writing(engine) as connection, connection.begin():
        service.count_attempt(connection, subject, most=most, at=at)


def _wait(engine: Engine, subject: str = WHO, *, at: datetime = NOON) -> int | None:
    """Return how many seconds the next attempt must wait, or None if it counts."""
    try:
        _count(engine, subject, at=at)
    except TooManyAttempts as refused:
        return refused.retry_after_seconds
    return None


def test_the_sixth_attempt_of_a_minute_is_refused_until_the_minute_is_over(engine: Engine) -> None:
    for seconds in range(ATTEMPTS_BY_EMAIL):
        _count(engine, at=NOON + seconds * SECOND)
    assert _wait(engine, at=NOON + 5 * SECOND) == 55
    assert _wait(engine, at=NOON + 5 * SECOND + MICROSECOND) == 55
    assert _wait(engine, at=NOON + ATTEMPTS_WINDOW - MICROSECOND) == 1
    assert [_wait(engine, at=NOON + ATTEMPTS_WINDOW) for _ in range(6)] == [*5 * [None], 60]


def test_attempts_that_are_refused_do_not_make_the_wait_longer(engine: Engine) -> None:
    for _ in range(ATTEMPTS_BY_EMAIL):
        _count(engine)
    for seconds in range(1, 60):
        assert _wait(engine, at=NOON + seconds * SECOND) == 60 - seconds
    assert _wait(engine, at=NOON + ATTEMPTS_WINDOW) is None


def test_each_subject_is_counted_by_itself(engine: Engine) -> None:
    for _ in range(ATTEMPTS_BY_EMAIL):
        _count(engine)
    assert _wait(engine) is not None
    assert _wait(engine, WHO + "0") is None


def test_of_32_guesses_at_once_five_are_made(engine: Engine) -> None:
    start = threading.Barrier(16)

    def guess(number: int) -> bool:
        start.wait(30)
        # Processes read their clocks before they wait for the row, so times come out of order.
        return _wait(engine, at=NOON - number * timedelta(milliseconds=1)) is None

    with ThreadPoolExecutor(16) as threads:
        made = list(threads.map(guess, range(32)))
    assert made.count(True) == ATTEMPTS_BY_EMAIL


def test_a_success_forgets_the_attempts_of_its_subject_alone(engine: Engine) -> None:
    for subject in (WHO, "other"):
        for _ in range(ATTEMPTS_BY_EMAIL):
            _count(engine, subject)
    with writing(engine) as connection, connection.begin():
        service.forget_attempts(connection, WHO)
    assert _wait(engine) is None
    assert _wait(engine, "other") is not None


def test_a_clock_that_is_set_back_keeps_nobody_waiting_for_long(engine: Engine) -> None:
    for _ in range(ATTEMPTS_BY_EMAIL):
        _count(engine)
    assert _wait(engine, at=NOON - ATTEMPTS_WINDOW) == 120
    assert _wait(engine, at=NOON - ATTEMPTS_WINDOW - MICROSECOND) is None


def test_old_attempts_are_deleted_and_no_others(engine: Engine) -> None:
    _count(engine, "old", at=NOON - MICROSECOND)
    _count(engine, "new")
    with writing(engine) as connection, connection.begin():
        assert service.delete_old_attempts(connection, NOON) == 1
        assert service.delete_old_attempts(connection, NOON) == 0
    assert count(engine, LOGIN_ATTEMPT) == 1


def test_the_table_tells_nobodys_address(engine: Engine) -> None:
    _count(engine)
    with engine.connect() as connection:
        (row,) = connection.execute(select(LOGIN_ATTEMPT)).all()
    assert len(row.subject) == 64
    assert "ngozi" not in repr(row)
    assert "192.0.2.1" not in repr(row)


def test_where_one_may_be_made_the_second_is_refused(engine: Engine) -> None:
    _count(engine, most=1)
    with pytest.raises(TooManyAttempts):
        _count(engine, most=1)
