"""What may be read of a meter, and the tasks to read it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from datetime import datetime

READ_ATTEMPTS: Final = 3
"""How often a meter that does not answer is asked for one task."""
LONGEST_VALUE: Final = 64
"""Characters of a value, its unit included."""
TASKS_ON_A_PAGE: Final = 15


class TaskState(StrEnum):
    """What came of a task, in the word that consumers are shown."""

    PENDING = "pending"
    SUCCESSFUL = "successful"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class DataItem:
    """Something that a meter can be asked for."""

    id: int
    """1 to 76."""
    key: str
    """As in `Cumulative_kWh_consumption`."""
    label: str
    """As in `Cumulative kWh consumption`; what a reading is asked for by."""
    task_group: int
    is_command: bool = False
    """Whether asking for it would change the meter; such an item is listed and never read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMeter:
    """Ask for a reading of a consumer's meter."""

    consumer_key: int
    label: str
    task_no: str
    """A new UUID."""
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingTask:
    """The newest request for one item of a consumer's meter, and the newest value of it."""

    key: int
    consumer_key: int
    meter_number: str
    time_zone: str
    """Of the estate; tasks are dated in local time."""
    item_id: int
    task_no: str
    state: TaskState
    asked_at: datetime
    ended_at: datetime | None
    value: str | None
    """What was read last, of this task or an earlier one, with its unit."""
    read_at: datetime | None
    created_at: datetime
    updated_at: datetime
    attempts: int


class MeterNotReached(Exception):
    """The meter did not answer; it may do so later."""


class ReadingRefused(Exception):
    """The meter answered that it will not, or cannot, tell this."""


class MeterGateway(Protocol):
    """What reads meters from afar."""

    async def read(self, meter_number: str, item: DataItem) -> str:
        """Return the value with its unit, at most 64 characters.

        Raises MeterNotReached, ReadingRefused.
        """
        ...
