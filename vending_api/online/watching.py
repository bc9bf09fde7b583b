"""Looks for what is out of the ordinary, and tells of it in the log, once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from vending_api.domain.watching import service as watching
from vending_api.kit.db import one_view
from vending_api.online.records import WORKER

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from vending_api.domain.watching.types import Alert
    from vending_api.online.records import Records
    from vending_api.online.world import World

_BEFORE_THE_FIRST: Final = timedelta(minutes=1)
"""After a start, which is when whoever had to wait comes at once; they go first."""
_BETWEEN_LOOKS: Final = timedelta(minutes=15)
_RESTS: Final = 19
"""So many times as long as a look takes; it has a twentieth of the time."""

_log = structlog.get_logger(__name__)


class Watching:
    """Looks every quarter of an hour, beside all other work; less often where a look takes long.

    It begins a minute after the start. What is found is kept in the database, which decides between
    several workers who tells of it.
    """

    def __init__(self, records: Records, world: World) -> None:
        self._records = records
        self._world = world
        self._next_look_at = world.now() + _BEFORE_THE_FIRST
        self._seen_until: datetime | None = None
        self._under_way: asyncio.Task[None] | None = None

    def look_if_due(self) -> None:
        """Begin to look if it is time to."""
        now = self._world.now()
        is_busy = self._under_way is not None and not self._under_way.done()
        if is_busy or now < self._next_look_at:
            return
        self._under_way = asyncio.create_task(self._try_to_look(now))

    async def stop(self) -> None:
        """Give up a look that is under way: another will see what it would have seen."""
        if self._under_way is not None:
            self._under_way.cancel()
            await asyncio.wait([self._under_way])

    async def _try_to_look(self, now: datetime) -> None:
        # A day that has ended since the last look is looked at once more, to its end.
        since = self._seen_until or now - _BETWEEN_LOOKS
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            await self._look(since, now)
        except Exception as error:  # noqa: BLE001 (the other work goes on, and the next look comes)
            _log.warning("not_watched", error=type(error).__name__)
        else:
            self._seen_until = now
        took = timedelta(seconds=clock() - began)
        self._next_look_at = now + max(_BETWEEN_LOOKS, took * (1 + _RESTS))

    async def _look(self, since: datetime, now: datetime) -> None:
        look = self._world.look or self._look_here
        found = await look(since, now)
        if not found:
            return
        for one in await self._records.write(WORKER, watching.note, found, now):
            # Names and numbers of meters are personal: `vending watch` has them.
            _log.warning("alert", kind=one.kind.value, subject=one.trace, count=one.count)

    async def _look_here(self, since: datetime, now: datetime) -> list[Alert]:
        return await self._records.read(_alerts, since, now)


def _alerts(connection: Connection, since: datetime, now: datetime) -> list[Alert]:
    return watching.alerts(one_view(connection), now, since=since)
