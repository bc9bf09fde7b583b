"""What may be asked about readings: ask for one, carry it out, look at what came of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from vending_api.domain.readings import repository
from vending_api.domain.readings.errors import DataItemUnknown, ReadingPending
from vending_api.domain.readings.items import item_by_label
from vending_api.domain.readings.types import (
    LONGEST_VALUE,
    READ_ATTEMPTS,
    TASKS_ON_A_PAGE,
    TaskState,
)
from vending_api.kit.due import delay

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from vending_api.domain.readings.types import ReadingTask, ReadMeter

_FIRST_PAUSE: Final = timedelta(seconds=10)
_LONGEST_PAUSE: Final = timedelta(minutes=2)


def ask(connection: Connection, command: ReadMeter) -> ReadingTask:
    """Store a task to read an item of a consumer's meter, and return it.

    Raises DataItemUnknown, also for an item that would change the meter, and ReadingPending
    while the same item is being read; the database decides which of two tasks is first.
    """
    item = item_by_label(command.label)
    if item is None or item.is_command:
        raise DataItemUnknown(command.label)
    key = repository.ask(
        connection,
        consumer_key=command.consumer_key,
        item_id=item.id,
        task_no=command.task_no,
        at=command.received_at,
    )
    if key is None:
        raise ReadingPending(command.label)
    return task(connection, key)


def due_tasks(connection: Connection, *, now: datetime, most: int) -> list[int]:
    """Take tasks that are due and return their keys; each is due again after the lease."""
    return repository.take_due_tasks(connection, now=now, most=most)


def task(connection: Connection, key: int) -> ReadingTask:
    """Return a task."""
    return repository.find_task(connection, key)


def store_reading(connection: Connection, key: int, value: str, at: datetime) -> None:
    """Store what a meter answered; a task that is ended already stays as it is.

    What is longer than a value may be, or empty, is none, and the task has failed.
    """
    if not 0 < len(value) <= LONGEST_VALUE:
        store_failure(connection, key, at, is_final=True)
        return
    answer = {"state": TaskState.SUCCESSFUL.value, "value": value, "read_at": at}
    _end(connection, repository.lock_task(connection, key), at, answer)


def store_failure(connection: Connection, key: int, at: datetime, *, is_final: bool) -> None:
    """Store that a meter did not answer; it is asked again after a pause, three times in all.

    `is_final` if it would not answer later either. The newest value stays as it was.
    """
    found = repository.lock_task(connection, key)
    attempts = found.attempts + 1
    if is_final or attempts >= READ_ATTEMPTS:
        _end(connection, found, at, {"state": TaskState.FAILED.value, "attempts": attempts})
    elif found.state is TaskState.PENDING:
        pause = delay(attempts, first=_FIRST_PAUSE, longest=_LONGEST_PAUSE)
        again = {"attempts": attempts, "next_step_at": at + pause, "updated_at": at}
        repository.update_task(connection, key, again)


def tasks_page(
    connection: Connection, consumer_key: int, page: int
) -> tuple[list[ReadingTask], int]:
    """Return the tasks on a page, from 1, those asked for last first, and how many there are."""
    total = repository.count_tasks(connection, consumer_key)
    skip = (page - 1) * TASKS_ON_A_PAGE
    if skip >= total:
        return [], total
    tasks = repository.newest_tasks(connection, consumer_key, skip=skip, most=TASKS_ON_A_PAGE)
    return tasks, total


def last_readings(connection: Connection, consumer_key: int) -> list[ReadingTask]:
    """Return the tasks of a consumer's meter that have a value, by their items."""
    return repository.tasks_with_value(connection, consumer_key)


def _end(connection: Connection, found: ReadingTask, at: datetime, outcome: dict[str, Any]) -> None:
    if found.state is TaskState.PENDING:
        ended = {"ended_at": at, "updated_at": at, "next_step_at": None}
        repository.update_task(connection, found.key, outcome | ended)
