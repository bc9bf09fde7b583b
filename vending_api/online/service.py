"""`Online`: all that selling online offers to surfaces, worker and monitoring."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from vending_api.domain.notifications import service as notifications
from vending_api.domain.payment_events import service as payment_events
from vending_api.domain.payments import service as payments
from vending_api.domain.payments.types import Backlog
from vending_api.domain.watching import service as watching
from vending_api.online.accounts import Accounts
from vending_api.online.checkpoints import Checkpoints
from vending_api.online.history import History
from vending_api.online.outbox import Outbox
from vending_api.online.purchases import Purchases
from vending_api.online.readings import Readings
from vending_api.online.records import Records
from vending_api.online.settling import Settling
from vending_api.online.watching import Watching

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from vending_api.domain.watching.types import AlertKind
    from vending_api.online.records import Transact
    from vending_api.online.world import Terms, World


class Online:
    """Selling online, in parts that share the database and the world outside."""

    def __init__(
        self,
        engine: Engine,
        transact: Transact,
        world: World,
        terms: Terms,
        *,
        on_vend: Callable[[str], None],
    ) -> None:
        """`engine` is read from; `on_vend` is told why an order was not vended, "" if it was."""
        self._engine = engine
        self._world = world
        self.wake = asyncio.Event()
        """Set when something may have become due."""
        records = Records(engine, transact)
        self._records = records
        self.accounts = Accounts(records, world, terms)
        self.settling = Settling(records, world, terms, on_vend=on_vend, wake=self.wake)
        self.purchases = Purchases(records, world, terms, settling=self.settling, wake=self.wake)
        self.history = History(records, world)
        self.readings = Readings(records, world, wake=self.wake)
        self.outbox = Outbox(records, world)
        self.checkpoints = Checkpoints(records, world)
        self.watching = Watching(records, world)

    def now(self) -> datetime:
        """Return the time by the clock that was given."""
        return self._world.now()

    def backlog(self) -> Backlog:
        """Return what waits, by a read that may block."""
        with self._engine.connect() as connection:
            return backlog(connection)

    def alerts(self) -> dict[AlertKind, int]:
        """Return how many alerts of each kind were noticed today, by a read that may block."""
        with self._engine.connect() as connection:
            return watching.count_today(connection, self.now())

    async def stop(self) -> None:
        """Finish what customers have set going, and end the threads."""
        await self.settling.drain()
        await asyncio.to_thread(self.accounts.stop)
        await asyncio.to_thread(self._records.stop)


def backlog(connection: Connection) -> Backlog:
    """Return what waits, for operators to see."""
    oldest_unvended_at, orders, open_cases = payments.counts(connection)
    waiting, given_up = notifications.counts(connection)
    return Backlog(
        oldest_unvended_at=oldest_unvended_at,
        orders=orders,
        open_cases=open_cases,
        events_for_review=payment_events.count_for_review(connection),
        notifications_waiting=waiting,
        notifications_given_up=given_up,
    )
