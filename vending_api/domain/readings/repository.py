"""The SQL of the readings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, func, select, update

from vending_api.domain.consumers.tables import CONSUMER
from vending_api.domain.estates.tables import ESTATE
from vending_api.domain.meters.tables import METER, UTILITY
from vending_api.domain.readings.tables import READING_TASK
from vending_api.domain.readings.types import ReadingTask, TaskState
from vending_api.kit.db import insert_into
from vending_api.kit.due import take_due

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row, Select

_TASK: Final = (
    select(READING_TASK, METER.c.external_id, UTILITY.c.time_zone)
    .select_from(READING_TASK)
    .join(CONSUMER, READING_TASK.c.consumer_key == CONSUMER.c.key)
    .join(METER, CONSUMER.c.meter_key == METER.c.key)
    .join(ESTATE, CONSUMER.c.estate_key == ESTATE.c.key)
    .join(UTILITY, ESTATE.c.utility_key == UTILITY.c.key)
)
_BY_KEY: Final = _TASK.where(READING_TASK.c.key == bindparam("of_key"))
_LOCK: Final = _BY_KEY.with_for_update(of=READING_TASK)
_OF_CONSUMER: Final = _TASK.where(READING_TASK.c.consumer_key == bindparam("of_consumer"))
_COUNT: Final = select(func.count()).where(READING_TASK.c.consumer_key == bindparam("of_consumer"))
_NEWEST: Final = _OF_CONSUMER.order_by(READING_TASK.c.asked_at.desc(), READING_TASK.c.key.desc())
_WITH_VALUE: Final = _OF_CONSUMER.where(READING_TASK.c.value.is_not(None)).order_by(
    READING_TASK.c.item_id
)
_ASKED_AGAIN: Final = (
    *("task_no", "state", "asked_at", "ended_at", "updated_at", "attempts", "next_step_at"),
)
"""What a row gets of a new task; the newest value stays."""


def ask(
    connection: Connection, *, consumer_key: int, item_id: int, task_no: str, at: datetime
) -> int | None:
    """Store a task that is due at once, and return its key; None where one is pending."""
    new = insert_into(connection.dialect.name, READING_TASK).values(
        consumer_key=consumer_key,
        item_id=item_id,
        task_no=task_no,
        state=TaskState.PENDING.value,
        asked_at=at,
        ended_at=None,
        created_at=at,
        updated_at=at,
        attempts=0,
        next_step_at=at,
    )
    asked = new.on_conflict_do_update(
        index_elements=[READING_TASK.c.consumer_key, READING_TASK.c.item_id],
        set_={name: new.excluded[name] for name in _ASKED_AGAIN},
        where=READING_TASK.c.state != TaskState.PENDING.value,
    )
    return connection.execute(asked.returning(READING_TASK.c.key)).scalar()


def take_due_tasks(connection: Connection, *, now: datetime, most: int) -> list[int]:
    """Take tasks that are due, and return their keys."""
    return take_due(connection, READING_TASK, now=now, most=most)


def find_task(connection: Connection, key: int) -> ReadingTask:
    """Return a task."""
    return _task(connection.execute(_BY_KEY, {"of_key": key}).one())


def lock_task(connection: Connection, key: int) -> ReadingTask:
    """Return a task, its row locked until the transaction ends."""
    return _task(connection.execute(_LOCK, {"of_key": key}).one())


def update_task(connection: Connection, key: int, values: dict[str, Any]) -> None:
    """Store other values of columns of a task whose row is locked."""
    connection.execute(update(READING_TASK).where(READING_TASK.c.key == key).values(values))


def count_tasks(connection: Connection, consumer_key: int) -> int:
    """Return how many tasks a consumer has."""
    return int(connection.execute(_COUNT, {"of_consumer": consumer_key}).scalar_one())


def newest_tasks(
    connection: Connection, consumer_key: int, *, skip: int, most: int
) -> list[ReadingTask]:
    """Return tasks of a consumer, those asked for last first, without the first so many."""
    return _tasks(connection, _NEWEST.offset(skip).limit(most), consumer_key)


def tasks_with_value(connection: Connection, consumer_key: int) -> list[ReadingTask]:
    """Return the tasks of a consumer that have a value, by their items."""
    return _tasks(connection, _WITH_VALUE, consumer_key)


def _tasks(connection: Connection, statement: Select[Any], consumer_key: int) -> list[ReadingTask]:
    return [_task(row) for row in connection.execute(statement, {"of_consumer": consumer_key})]


def _task(row: Row[Any]) -> ReadingTask:
    return ReadingTask(
        key=row.key,
        consumer_key=row.consumer_key,
        meter_number=row.external_id,
        time_zone=row.time_zone,
        item_id=row.item_id,
        task_no=row.task_no,
        state=TaskState(row.state),
        asked_at=row.asked_at,
        ended_at=row.ended_at,
        value=row.value,
        read_at=row.read_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
        attempts=row.attempts,
    )
