"""Buying online: an order, where to pay for it, and where its token is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from vending_api.domain.consumers.service import count_attempt
from vending_api.domain.consumers.types import Consumer
from vending_api.domain.meters.service import find_meter
from vending_api.domain.payment_events import service as payment_events
from vending_api.domain.payments import service as payments
from vending_api.domain.payments.errors import OrderUnknown, PaymentsNotOffered
from vending_api.domain.payments.gateway import NewPayment
from vending_api.domain.payments.types import OrderState, PlaceOrder
from vending_api.domain.receipts.types import Page
from vending_api.kit.currencies import letters_of
from vending_api.online.history import THROUGH_API
from vending_api.online.records import WORKER

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from vending_api.domain.consumers.types import Staff
    from vending_api.domain.issuing.service import TokenMaker
    from vending_api.domain.meters.types import ServiceType
    from vending_api.domain.payment_events.types import Delivery
    from vending_api.domain.payments.types import Expected, Order, OrderFilter, Refund
    from vending_api.domain.sales.types import Sale
    from vending_api.online.records import Records
    from vending_api.online.settling import Settling
    from vending_api.online.world import Terms, World

ORDERS_A_MINUTE: Final = 10
"""Of one consumer; each is a call to Paystack."""
PATIENCE_SECONDS: Final = 5.0
"""How long who asks for an order waits until Paystack says whether it is paid."""
_THROUGH_RETURN: Final = "return"


class FoundOrder(NamedTuple):
    """An order with all that came of it."""

    order: Order
    sale: Sale | None
    refunds: Sequence[Refund]


class Purchases:
    """Orders, as consumers and the support see them."""

    def __init__(
        self,
        records: Records,
        world: World,
        terms: Terms,
        *,
        settling: Settling,
        wake: asyncio.Event,
    ) -> None:
        self._records = records
        self._world = world
        self._terms = terms
        self._settling = settling
        self._wake = wake

    async def order(
        self, consumer: Consumer, amount_minor: int, phone: str
    ) -> tuple[Order, Expected, ServiceType]:
        """Store an order, announce its payment, and return it with what it would bring.

        It is stored before Paystack hears of it, so that no payment comes for what nobody knows.
        Raises TooManyAttempts, PaymentsNotOffered, AmountNotAboveCharge, what refuses a
        purchase, PaymentGatewayUnavailable, PaymentGatewayRefused.
        """
        if self._world.gateway is None:
            raise PaymentsNotOffered("no key of Paystack is configured")
        await self._count(consumer)
        command = PlaceOrder(
            reference=self._world.new_reference(),
            consumer_key=consumer.key,
            amount_minor=amount_minor,
            phone=phone,
            received_at=self._world.now(),
        )
        placed = await self._records.with_keys(consumer.meter_number, _place, command)
        order, expected, service_type = placed
        checkout = await self._settling.announce(self._payment_for(order))
        ordered = await self._records.write(
            WORKER, payments.store_checkout, order.reference, checkout, self._world.now()
        )
        return ordered, expected, service_type

    async def find_order(self, holder: Consumer | Staff, reference: str) -> FoundOrder:
        """Return an order; one that is not paid, as far as is known, is asked after first.

        That a consumer was shown the token is stored before. Raises OrderUnknown.
        """
        order = await self._records.read(payments.find_order, reference)
        if isinstance(holder, Consumer) and order.consumer_key != holder.key:
            raise OrderUnknown(reference)
        if order.state is OrderState.ORDERED:
            await self._settling.settle(reference, patience_seconds=PATIENCE_SECONDS)
        found = await self._records.read(_found, reference)
        if isinstance(holder, Consumer) and await self._note_shown([found], THROUGH_API):
            return await self._records.read(_found, reference)
        return found

    async def find_orders(
        self, holder: Consumer | Staff, wanted: OrderFilter, page: int
    ) -> Page[FoundOrder]:
        """Return a page of orders, the newest first: of a consumer only the own ones."""
        if not isinstance(holder, Consumer):
            return await self._records.read(_found_page, wanted, page)
        wanted = replace(wanted, consumer_key=holder.key)
        found = await self._records.read(_found_page, wanted, page)
        if await self._note_shown(found.items, THROUGH_API):
            return await self._records.read(_found_page, wanted, page)
        return found

    async def after_payment(
        self, reference: str, patience_seconds: float
    ) -> tuple[Order, Sale | None]:
        """Return an order for who comes back from paying; raises OrderUnknown."""
        await self._settling.settle(reference, patience_seconds=patience_seconds)
        found = await self._records.read(_found, reference)
        await self._note_shown([found], _THROUGH_RETURN)
        return found.order, found.sale

    async def hear(self, delivery: Delivery) -> None:
        """Store what Paystack tells; raises Overloaded, StorageUnavailable, OutcomeUnknown."""
        await self._records.write(WORKER, payment_events.hear, delivery)
        self._wake.set()

    async def _count(self, consumer: Consumer) -> None:
        await self._records.write(
            WORKER,
            count_attempt,
            f"orders of {consumer.key}",
            most=ORDERS_A_MINUTE,
            at=self._world.now(),
        )

    def _payment_for(self, order: Order) -> NewPayment:
        return NewPayment(
            reference=order.reference,
            email=order.email,
            amount_minor=order.amount_minor,
            currency=letters_of(order.currency),
            account_code=order.account_code,
            charge_minor=order.charge_minor,
            callback_url=self._terms.callback_url,
            metadata={
                "meter_number": order.meter_number,
                "user_id": order.consumer_key,
                "purchase_id": order.reference,
            },
        )

    async def _note_shown(self, found: Sequence[FoundOrder], through: str) -> bool:
        """Keep the proof of delivery of what is shown for the first time, if anything is."""
        keys = [
            one.order.key
            for one in found
            if one.sale is not None and one.order.first_shown_at is None
        ]
        if keys:
            await self._records.write(WORKER, payments.note_shown, keys, through, self._world.now())
        return bool(keys)


def _place(
    connection: Connection, maker: TokenMaker, command: PlaceOrder
) -> tuple[Order, Expected, ServiceType]:
    order, expected = payments.place_order(connection, maker.security_module, command)
    return order, expected, find_meter(connection, order.meter_number).service_type


def _found(connection: Connection, reference: str) -> FoundOrder:
    return _with_outcome(connection, payments.find_order(connection, reference))


def _found_page(connection: Connection, wanted: OrderFilter, page: int) -> Page[FoundOrder]:
    orders, total = payments.find_orders(connection, wanted, page)
    return Page([_with_outcome(connection, order) for order in orders], page, total)


def _with_outcome(connection: Connection, order: Order) -> FoundOrder:
    return FoundOrder(
        order, payments.sale_of(connection, order), payments.refunds_of(connection, order)
    )
