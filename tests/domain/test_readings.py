"""Readings are asked for once at a time, carried out by whoever takes them, and kept."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from tests.support.residents import METER, OTHER_METER, add_resident, done
from tests.support.selling import count
from tests.support.service import NOON, writing
from vending_api.domain.readings import service
from vending_api.domain.readings.errors import DataItemUnknown, ReadingPending
from vending_api.domain.readings.items import ITEMS, item_of
from vending_api.domain.readings.tables import READING_TASK
from vending_api.domain.readings.types import LONGEST_VALUE, ReadingTask, ReadMeter, TaskState
from vending_api.kit.due import LEASE

if TYPE_CHECKING:
    from sqlalchemy import Engine

SECOND = timedelta(seconds=1)
LATER = NOON + timedelta(hours=1)
PENDING, SUCCESSFUL, FAILED = TaskState.PENDING, TaskState.SUCCESSFUL, TaskState.FAILED


def _task_no(number: int) -> str:
    return str(UUID(int=number))


def _ask(
    engine: Engine,
    consumer_key: int,
    label: str = "Power",
    *,
    number: int = 1,
    at: datetime = NOON,
) -> ReadingTask:
    command = ReadMeter(
        consumer_key=consumer_key, label=label, task_no=_task_no(number), received_at=at
    )
    with writing(engine) as connection, connection.begin():
        return service.ask(connection, command)


def _store(engine: Engine, key: int, value: str, at: datetime = LATER) -> None:
    done(engine, lambda connection: service.store_reading(connection, key, value, at))


def _fail(engine: Engine, key: int, at: datetime = LATER, *, is_final: bool = False) -> None:
    done(engine, lambda connection: service.store_failure(connection, key, at, is_final=is_final))


def _task(engine: Engine, key: int) -> ReadingTask:
    with engine.connect() as connection:
        return service.task(connection, key)


def _due(engine: Engine, now: datetime = NOON) -> list[int]:
    with writing(engine) as connection, connection.begin():
        return service.due_tasks(connection, now=now, most=100)


def test_a_task_is_pending_and_due_at_once(engine: Engine) -> None:
    consumer = add_resident(engine)
    task = _ask(engine, consumer.key)
    assert (task.consumer_key, task.meter_number, task.time_zone) == (
        consumer.key,
        METER,
        "Africa/Lagos",
    )
    assert (item_of(task.item_id).label, task.task_no, task.state) == (
        "Power",
        _task_no(1),
        PENDING,
    )
    assert task.asked_at == task.created_at == task.updated_at == NOON
    assert (task.ended_at, task.value, task.read_at, task.attempts) == (None, None, None, 0)
    assert _task(engine, task.key) == task
    assert _due(engine, NOON - SECOND) == []
    assert _due(engine) == [task.key]


@pytest.mark.parametrize("label", ["", "power", "Clear tampered", "Clear credit", 100 * "x"])
def test_what_may_not_be_read_is_refused(engine: Engine, label: str) -> None:
    consumer = add_resident(engine)
    with pytest.raises(DataItemUnknown) as refused:
        _ask(engine, consumer.key, label)
    assert refused.value.label == label
    assert count(engine, READING_TASK) == 0


def test_every_other_item_may_be_asked_for_at_once(engine: Engine) -> None:
    consumer = add_resident(engine)
    labels = [item.label for item in ITEMS if not item.is_command]
    for number, label in enumerate(labels):
        _ask(engine, consumer.key, label, number=number)
    assert len(_due(engine)) == 74


def test_an_item_that_is_pending_is_not_asked_for_again(engine: Engine) -> None:
    consumer = add_resident(engine)
    other = add_resident(engine, email="tunde@example.org", meter_number=OTHER_METER)
    first = _ask(engine, consumer.key)
    with pytest.raises(ReadingPending):
        _ask(engine, consumer.key, number=2, at=LATER)
    assert _task(engine, first.key) == first
    _ask(engine, consumer.key, "Current", number=3)
    assert _ask(engine, other.key, number=4).meter_number == OTHER_METER


def test_of_32_that_ask_at_once_one_gets_the_task(engine: Engine) -> None:
    consumer = add_resident(engine)
    start = threading.Barrier(16)

    def ask(number: int) -> bool:
        start.wait(30)
        try:
            _ask(engine, consumer.key, number=number)
        except ReadingPending:
            return False
        return True

    with ThreadPoolExecutor(16) as threads:
        outcomes = list(threads.map(ask, range(32)))
    assert outcomes.count(True) == 1
    assert count(engine, READING_TASK) == 1


def test_a_reading_ends_its_task(engine: Engine) -> None:
    task = _ask(engine, add_resident(engine).key)
    _store(engine, task.key, "0.294 kW")
    ended = _task(engine, task.key)
    assert (ended.state, ended.value) == (SUCCESSFUL, "0.294 kW")
    assert ended.read_at == ended.ended_at == ended.updated_at == LATER
    assert (ended.asked_at, ended.created_at) == (NOON, NOON)
    assert _due(engine, NOON + timedelta(days=9)) == []


def test_the_next_request_uses_the_row_again_and_keeps_the_value(engine: Engine) -> None:
    consumer = add_resident(engine)
    first = _ask(engine, consumer.key)
    _store(engine, first.key, "0.294 kW", NOON + SECOND)
    again = _ask(engine, consumer.key, number=2, at=LATER)
    assert (again.key, again.task_no, again.state) == (first.key, _task_no(2), PENDING)
    assert (again.asked_at, again.updated_at, again.created_at) == (LATER, LATER, NOON)
    assert (again.value, again.read_at, again.ended_at) == ("0.294 kW", NOON + SECOND, None)
    _fail(engine, again.key, LATER + SECOND, is_final=True)
    failed = _task(engine, again.key)
    assert (failed.state, failed.value, failed.read_at) == (FAILED, "0.294 kW", NOON + SECOND)
    assert _ask(engine, consumer.key, number=3, at=LATER + 2 * SECOND).attempts == 0


def test_a_meter_that_does_not_answer_is_asked_three_times_with_longer_pauses(
    engine: Engine,
) -> None:
    task = _ask(engine, add_resident(engine).key)
    _due(engine)
    _fail(engine, task.key, NOON)
    assert _due(engine, NOON + 9 * SECOND) == []
    assert _due(engine, NOON + 10 * SECOND) == [task.key]
    _fail(engine, task.key, NOON)
    assert _due(engine, NOON + 19 * SECOND) == []
    assert _due(engine, NOON + 20 * SECOND) == [task.key]
    assert _task(engine, task.key).state is PENDING
    _fail(engine, task.key, LATER)
    failed = _task(engine, task.key)
    assert (failed.state, failed.attempts, failed.ended_at) == (FAILED, 3, LATER)
    assert _due(engine, NOON + timedelta(days=9)) == []


def test_a_refusal_fails_the_task_at_once(engine: Engine) -> None:
    task = _ask(engine, add_resident(engine).key)
    _fail(engine, task.key, is_final=True)
    failed = _task(engine, task.key)
    assert (failed.state, failed.attempts, failed.value) == (FAILED, 1, None)


def test_a_task_whose_reader_was_killed_is_due_again_after_the_lease(engine: Engine) -> None:
    task = _ask(engine, add_resident(engine).key)
    assert _due(engine) == [task.key]
    assert _due(engine, NOON + LEASE - SECOND) == []
    assert _due(engine, NOON + LEASE) == [task.key]


@pytest.mark.parametrize("length", [0, LONGEST_VALUE + 1, 100_000])
def test_a_value_that_is_none_fails_the_task(engine: Engine, length: int) -> None:
    task = _ask(engine, add_resident(engine).key)
    _store(engine, task.key, length * "9")
    assert (_task(engine, task.key).state, _task(engine, task.key).value) == (FAILED, None)


@pytest.mark.parametrize("length", [1, LONGEST_VALUE])
def test_a_value_may_be_as_long_as_its_column(engine: Engine, length: int) -> None:
    task = _ask(engine, add_resident(engine).key)
    _store(engine, task.key, length * "9")
    assert _task(engine, task.key).value == length * "9"


def test_what_comes_after_the_end_of_a_task_changes_nothing(engine: Engine) -> None:
    task = _ask(engine, add_resident(engine).key)
    _store(engine, task.key, "1 kW")
    ended = _task(engine, task.key)
    for at in range(1, 5):
        _store(engine, task.key, "2 kW", LATER + at * SECOND)
        _fail(engine, task.key, LATER + at * SECOND)
        _fail(engine, task.key, LATER + at * SECOND, is_final=True)
    assert _task(engine, task.key) == ended


@pytest.mark.parametrize(
    ("page", "items"),
    [(1, range(19, 4, -1)), (2, range(4, 0, -1)), (3, range(0)), (10**30, range(0))],
)
def test_pages_have_fifteen_tasks_the_newest_first(engine: Engine, page: int, items: range) -> None:
    consumer = add_resident(engine)
    other = add_resident(engine, email="tunde@example.org", meter_number=OTHER_METER)
    _ask(engine, other.key, number=99)
    for number in range(1, 20):
        at = NOON + number * SECOND
        _ask(engine, consumer.key, item_of(number).label, number=number, at=at)
    with engine.connect() as connection:
        tasks, total = service.tasks_page(connection, consumer.key, page)
    assert ([task.item_id for task in tasks], total) == (list(items), 19)


def test_readings_are_those_items_that_have_a_value_in_their_order(engine: Engine) -> None:
    consumer = add_resident(engine)
    other = add_resident(engine, email="tunde@example.org", meter_number=OTHER_METER)
    for number, (key, label) in enumerate(
        [(consumer.key, "Power"), (consumer.key, "Voltage"), (other.key, "Current")]
    ):
        _store(engine, _ask(engine, key, label, number=number).key, label)
    _ask(engine, consumer.key, "Current", number=8)
    _ask(engine, consumer.key, "Power", number=9)
    with engine.connect() as connection:
        readings = service.last_readings(connection, consumer.key)
    assert [(task.value, task.state) for task in readings] == [
        ("Voltage", SUCCESSFUL),
        ("Power", PENDING),
    ]
