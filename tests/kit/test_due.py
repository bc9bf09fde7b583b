"""Rows that say when they are due are taken once, and again when a lease is over."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Column, MetaData, Table, insert, select, update

from tests.support.service import NOON, writing
from vending_api.kit.db import RowKey, UtcDateTime
from vending_api.kit.due import LEASE, delay, is_any_due, take_due

if TYPE_CHECKING:
    from sqlalchemy import Engine

SECOND = timedelta(seconds=1)
WORK = Table(
    "due_work",
    MetaData(),
    Column("key", RowKey, primary_key=True),
    Column("next_step_at", UtcDateTime),
)


@pytest.fixture
def work(engine: Engine) -> Engine:
    """Give a database with rows 1 to 3: due a second ago, now, and in a second; 4 never is."""
    WORK.create(engine)
    times: list[datetime | None] = [NOON - SECOND, NOON, NOON + SECOND, None]
    with writing(engine) as connection, connection.begin():
        rows = [{"key": key, "next_step_at": at} for key, at in enumerate(times, start=1)]
        connection.execute(insert(WORK), rows)
    return engine


def take(engine: Engine, *, now: datetime = NOON, most: int = 10) -> list[int]:
    with writing(engine) as connection, connection.begin():
        return take_due(connection, WORK, now=now, most=most)


def test_what_is_due_is_taken_and_nothing_else(work: Engine) -> None:
    assert take(work) == [1, 2]


def test_whether_anything_is_due_is_seen_without_taking_it(work: Engine) -> None:
    with work.connect() as connection:
        assert not is_any_due(connection, WORK, now=NOON - SECOND * 2)
        assert is_any_due(connection, WORK, now=NOON - SECOND)
    assert take(work) == [1, 2]
    with work.connect() as connection:
        assert not is_any_due(connection, WORK, now=NOON)


def test_no_more_are_taken_than_asked_for_and_the_longest_due_first(work: Engine) -> None:
    assert take(work, most=1) == [1]
    assert take(work, most=1) == [2]


def test_what_was_taken_is_due_again_when_the_lease_is_over(work: Engine) -> None:
    take(work)
    assert take(work, now=NOON + LEASE - SECOND) == [3]
    assert take(work, now=NOON + LEASE) == [1, 2]


def test_what_was_taken_and_is_done_is_not_due_again(work: Engine) -> None:
    take(work)
    with writing(work) as connection, connection.begin():
        connection.execute(update(WORK).where(WORK.c.key == 1).values(next_step_at=None))
    assert take(work, now=NOON + LEASE) == [3, 2]
    with work.connect() as connection:
        assert (
            connection.execute(select(WORK.c.next_step_at).where(WORK.c.key == 4)).scalar() is None
        )


def test_eight_who_ask_at_once_take_each_row_once(work: Engine) -> None:
    with ThreadPoolExecutor(8) as threads:
        taken = [key for keys in threads.map(lambda _: take(work), range(8)) for key in keys]
    assert sorted(taken) == [1, 2]


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(0, 5), (1, 5), (2, 10), (3, 20), (7, 320), (8, 600), (10_000, 600)]
)
def test_each_attempt_in_vain_doubles_the_delay_up_to_the_longest(
    attempts: int, seconds: int
) -> None:
    waited = delay(attempts, first=timedelta(seconds=5), longest=timedelta(minutes=10))
    assert waited == timedelta(seconds=seconds)
