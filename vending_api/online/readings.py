"""Readings of meters: tasks that consumers give, carried out by the worker."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from vending_api.domain.readings import service as readings
from vending_api.domain.readings.errors import MetersNotConnected
from vending_api.domain.readings.items import ITEMS
from vending_api.domain.readings.tables import READING_TASK
from vending_api.domain.readings.types import MeterNotReached, ReadingRefused, ReadMeter
from vending_api.domain.receipts.types import Page
from vending_api.online.records import WORKER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vending_api.domain.consumers.types import Consumer
    from vending_api.domain.readings.types import ReadingTask
    from vending_api.online.records import Records
    from vending_api.online.world import World

_READ_SECONDS: Final = 25
"""How long a meter is waited for: well within the lease of its task."""
_ITEMS: Final = {item.id: item for item in ITEMS}


class Readings:
    """What consumers may know of their meters from afar."""

    def __init__(self, records: Records, world: World, *, wake: asyncio.Event) -> None:
        self._records = records
        self._world = world
        self._wake = wake

    async def ask(self, consumer: Consumer, label: str) -> ReadingTask:
        """Store a task to read an item of a consumer's meter, and return it.

        Raises DataItemUnknown, ReadingPending, MetersNotConnected.
        """
        if self._world.meters is None:
            raise MetersNotConnected
        command = ReadMeter(
            consumer_key=consumer.key,
            label=label,
            task_no=self._world.new_task_no(),
            received_at=self._world.now(),
        )
        task = await self._records.write(f"consumer:{consumer.key}", readings.ask, command)
        self._wake.set()
        return task

    async def last(self, consumer: Consumer) -> Sequence[ReadingTask]:
        """Return the items of a consumer's meter of which a value was read."""
        return await self._records.read(readings.last_readings, consumer.key)

    async def tasks(self, consumer: Consumer, page: int) -> Page[ReadingTask]:
        """Return a page of a consumer's tasks, those asked for last first."""
        tasks, total = await self._records.read(readings.tasks_page, consumer.key, page)
        return Page(tasks, page, total)

    async def take_due(self, most: int) -> Sequence[int]:
        """Take tasks that are due, under a lease; none where no meters can be read."""
        if self._world.meters is None:
            return ()
        return await self._records.take(
            READING_TASK, readings.due_tasks, now=self._world.now(), most=most
        )

    async def read(self, key: int) -> None:
        """Carry a task out."""
        meters = self._world.meters
        if meters is None:
            raise MetersNotConnected
        task = await self._records.read(readings.task, key)
        try:
            async with asyncio.timeout(_READ_SECONDS):
                value = await meters.read(task.meter_number, _ITEMS[task.item_id])
        except (MeterNotReached, ReadingRefused, TimeoutError) as error:
            await self._records.write(
                WORKER,
                readings.store_failure,
                key,
                self._world.now(),
                is_final=isinstance(error, ReadingRefused),
            )
            return
        await self._records.write(WORKER, readings.store_reading, key, value, self._world.now())
