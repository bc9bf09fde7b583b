"""What consumers see of the past, and the proof that they have seen it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vending_api.domain.payments import service as payments
from vending_api.domain.payments.types import OrderState
from vending_api.domain.readings.service import last_readings
from vending_api.domain.receipts import service as receipts
from vending_api.online.records import WORKER
from vending_api.surfaces.crestflow.services import Transactions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from vending_api.domain.consumers.types import Consumer
    from vending_api.domain.receipts.types import Page, PaidOrder, TokenReceipt
    from vending_api.online.records import Records
    from vending_api.online.world import World

THROUGH_API = "api"


class History:
    """Tokens and orders of a consumer's meter, page by page."""

    def __init__(self, records: Records, world: World) -> None:
        self._records = records
        self._world = world

    async def tokens(self, consumer: Consumer, page: int) -> Page[TokenReceipt]:
        """Return a page of the meter's tokens, newest first; that they are shown is noted."""
        found = await self._records.read(receipts.tokens_page, consumer, page)
        await self._note_shown(one.order for one in found.items)
        return found

    async def transactions(self, consumer: Consumer, page: int) -> Transactions:
        """Return a page of the consumer's orders, newest first, with what stands beside them."""
        found = await self._records.read(_transactions, consumer, page)
        await self._note_shown(
            (
                *(one.order for one in found.receipts),
                *(one.order for one in found.page.items if one.receipt is not None),
            )
        )
        return found

    async def _note_shown(self, orders: Iterable[PaidOrder | None]) -> None:
        """Keep the proof of delivery, before the tokens are answered."""
        keys = sorted({one.key for one in orders if one is not None and _is_vended(one)})
        if keys:
            at = self._world.now()
            await self._records.write(WORKER, payments.note_shown, keys, THROUGH_API, at)


def _is_vended(order: PaidOrder) -> bool:
    return order.state is OrderState.VENDED


def _transactions(connection: Connection, consumer: Consumer, page: int) -> Transactions:
    return Transactions(
        page=receipts.orders_page(connection, consumer, page),
        orders=receipts.newest_orders(connection, consumer),
        receipts=receipts.newest_tokens(connection, consumer),
        readings=last_readings(connection, consumer.key),
    )
