"""Messages to customers: what the outbox of the database holds is sent, at least once each."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from vending_api.domain.campaigns import messages as campaigns
from vending_api.domain.notifications import service as notifications
from vending_api.domain.notifications.tables import NOTIFICATION
from vending_api.domain.notifications.types import NotificationState, NotSent
from vending_api.domain.payments import messages as payments
from vending_api.domain.payments.errors import OrderUnknown
from vending_api.kit.due import take_due
from vending_api.online.records import WORKER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from vending_api.domain.notifications.types import Message, Notification
    from vending_api.online.records import Records
    from vending_api.online.world import World

_SEND_SECONDS: Final = 25
"""How long whoever carries a message is waited for: well within its lease."""


class Outbox:
    """What customers are told; never in the way of a sale."""

    def __init__(self, records: Records, world: World) -> None:
        self._records = records
        self._world = world

    async def take_due(self, most: int) -> Sequence[int]:
        """Take notifications that are due, under a lease."""
        return await self._records.take(NOTIFICATION, _take_due, now=self._world.now(), most=most)

    async def send(self, key: int) -> None:
        """Send a notification, and note what came of it."""
        notification = await self._records.read(notifications.take, key)
        if notification.state is not NotificationState.WAITING:
            return
        try:
            await self._hand_over(notification)
        except NotSent as reason:
            await self._records.write(
                WORKER,
                notifications.mark_failed,
                key,
                str(reason),
                self._world.now(),
                is_final=reason.is_final,
            )
            return
        await self._records.write(WORKER, notifications.mark_sent, key, self._world.now())

    async def _hand_over(self, notification: Notification) -> None:
        try:
            message = await self._records.read(_message_for, notification)
        except OrderUnknown:
            raise NotSent("there is no sale to tell of", is_final=False) from None
        messenger = self._world.messengers.get(notification.channel)
        if messenger is None:
            # It was configured when this was queued, and may be again.
            raise NotSent("this channel is not configured", is_final=False)
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                await messenger.send(notification.recipient, message)
        except TimeoutError:
            raise NotSent("no answer in time", is_final=False) from None


def _message_for(connection: Connection, notification: Notification) -> Message:
    if notification.order_key is None:
        return campaigns.message_for(connection, notification)
    return payments.message_for(connection, notification)


def _take_due(connection: Connection, *, now: datetime, most: int) -> list[int]:
    return take_due(connection, NOTIFICATION, now=now, most=most)
