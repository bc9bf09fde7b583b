"""What becomes of orders: each step calls Paystack outside of transactions, then commits.

Every step may be taken again, by anybody and at any time; what is there is in the database.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import structlog

from vending_api.domain.payments import refunds, settling
from vending_api.domain.payments import service as payments
from vending_api.domain.payments.errors import (
    PaymentGatewayRefused,
    PaymentGatewayUnavailable,
    PaymentsNotOffered,
)
from vending_api.domain.payments.gateway import AskedRefund
from vending_api.domain.payments.tables import PAYMENT_ORDER
from vending_api.domain.payments.types import OrderState, RefundState
from vending_api.kit.due import take_due
from vending_api.kit.errors import DomainError
from vending_api.online.records import WORKER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from vending_api.domain.payments.gateway import Checkout, NewPayment, PaymentGateway
    from vending_api.domain.payments.types import Order, Payment
    from vending_api.online.records import Records
    from vending_api.online.world import Terms, World

T = TypeVar("T")

STEP_SECONDS: Final = 25
"""What the calls of a step may take together: with its commits, well within its lease."""
VERIFY_FLOOR: Final = timedelta(seconds=2)
"""Between two looks at one payment, however often a customer reloads a page."""
_REMEMBERED: Final = 1024
_UNPAID: Final = frozenset({OrderState.ORDERED, OrderState.FAILED, OrderState.EXPIRED})
_DEFINITE: Final = frozenset({400, 404, 409, 422})
"""Statuses that say no to what was asked; others, as for a key, that it cannot be asked now."""
_ALREADY_REFUNDED: Final = "already_refunded"
"""The reason code of gateways where all of a payment is given back, or asked for, already."""

_ENDED: Final = frozenset({RefundState.PROCESSED, RefundState.FAILED})
_log = structlog.get_logger(__name__)


class _Attempt(Protocol):
    async def __call__(self, *, vend: bool) -> Order: ...


class Settling:
    """The steps of orders, and the one way in which any order is settled."""

    def __init__(
        self,
        records: Records,
        world: World,
        terms: Terms,
        *,
        on_vend: Callable[[str], None],
        wake: asyncio.Event,
    ) -> None:
        """`on_vend` is told of each attempt to vend: nothing if it sold, else the code of why."""
        self._records = records
        self._world = world
        self._terms = terms
        self._on_vend = on_vend
        self._wake = wake
        self._flights: dict[str, asyncio.Task[None]] = {}
        self._verified_at: dict[str, datetime] = {}
        self._steps: dict[OrderState, Callable[[Order], Awaitable[None]]] = {
            **dict.fromkeys(_UNPAID, self._verify_once),
            OrderState.PAID: self._vend,
            OrderState.REFUND_DUE: self._give_back,
            OrderState.REFUNDING: self._follow,
        }

    async def announce(self, payment: NewPayment) -> Checkout:
        """Tell Paystack of a payment that a customer is to make, and return where.

        Raises PaymentsNotOffered, PaymentGatewayUnavailable, PaymentGatewayRefused.
        """
        async with self._paystack("initialize") as gateway:
            return await gateway.initialize(payment)

    async def take_due(self, most: int) -> Sequence[str]:
        """Take orders whose next step is due, under a lease, and return their references."""
        now = self._world.now()
        return await self._records.take(PAYMENT_ORDER, _take_due, now=now, most=most)

    async def take_step(self, reference: str) -> None:
        """Do what the state of an order asks for."""
        order = await self._records.read(payments.find_order, reference)
        step = self._steps.get(order.state)
        if step is not None:
            await step(order)

    async def settle(self, reference: str, *, patience_seconds: float) -> None:
        """Find out whether an order is paid, and vend for it, unless that takes too long.

        What takes longer goes on. What goes wrong is logged, and mended by the worker. Raises
        OrderUnknown.
        """
        order = await self._records.read(payments.find_order, reference)
        if order.state in _UNPAID and not self._was_just_verified(reference):
            await asyncio.wait({self._flight(order)}, timeout=patience_seconds)

    async def drain(self) -> None:
        """Finish what customers have set going."""
        if self._flights:
            await asyncio.wait(set(self._flights.values()))

    async def _verify_once(self, order: Order) -> None:
        await asyncio.shield(self._flight(order))

    def _flight(self, order: Order) -> asyncio.Task[None]:
        """Return the one task that verifies an order now, whoever asks."""
        flight = self._flights.get(order.reference)
        if flight is None:
            flight = asyncio.create_task(self._verify(order))
            self._flights[order.reference] = flight
            flight.add_done_callback(lambda done: self._landed(order.reference, done))
        return flight

    def _landed(self, reference: str, flight: asyncio.Task[None]) -> None:
        del self._flights[reference]
        if not flight.cancelled() and (error := flight.exception()) is not None:
            _log.warning("order_not_settled", reference=reference, error=type(error).__name__)

    def _was_just_verified(self, reference: str) -> bool:
        now = self._world.now()
        if len(self._verified_at) > _REMEMBERED:
            recent = self._verified_at.items()
            self._verified_at = {one: at for one, at in recent if now - at < VERIFY_FLOOR}
        verified_at = self._verified_at.get(reference)
        return verified_at is not None and now - verified_at < VERIFY_FLOOR

    async def _verify(self, order: Order) -> None:
        try:
            async with self._paystack("verify") as gateway:
                payment = await gateway.verify(order.reference)
        except DomainError as error:
            await self._put_off(order, error)
            return
        self._verified_at[order.reference] = self._world.now()
        await self._settle(order, payment)

    async def _settle(self, order: Order, payment: Payment | None) -> None:
        """Store what Paystack said, and vend if it was paid as ordered."""
        at, policy = self._world.now(), self._terms.policy

        async def attempt(*, vend: bool) -> Order:
            what = (order.reference, payment, policy, at)
            return await self._records.with_keys(
                order.meter_number, settling.settle, *what, vend=vend
            )

        await self._attempt(attempt, order, at)

    async def _vend(self, order: Order) -> None:
        """Vend for an order that is paid; past its time, its money goes back."""
        at, policy = self._world.now(), self._terms.policy

        async def attempt(*, vend: bool) -> Order:
            what = (order.reference, policy, at)
            return await self._records.with_keys(
                order.meter_number, settling.vend, *what, sell=vend
            )

        await self._attempt(attempt, order, at)

    async def _attempt(self, attempt: _Attempt, order: Order, at: datetime) -> None:
        try:
            after = await attempt(vend=True)
        except DomainError:
            raise  # the database cannot be used: nothing more is done, and the order stays due
        except Exception as error:  # noqa: BLE001 (whatever it is, the rest must be kept)
            # A fault of ours undoes all of its act; that the customer has paid is stored anyway.
            # Its kind alone is logged: its text may hold what was to be stored.
            _log.error("vending_failed", reference=order.reference, error=type(error).__name__)
            after = await attempt(vend=False)
        self._tell(after, at)

    def _tell(self, after: Order, at: datetime) -> None:
        """Count an attempt to vend, if this was one, and wake whoever tells the customer."""
        if after.updated_at != at:
            return
        if after.state is OrderState.VENDED:
            self._on_vend("")
        elif after.state is OrderState.PAID and after.attempts:
            self._on_vend(after.problem)
        self._wake.set()

    async def _give_back(self, order: Order) -> None:
        """Ask for a refund, unless the money went back already."""
        asked = None
        try:
            async with self._paystack("refund") as gateway:
                payment = await gateway.verify(order.reference)
                if payment is not None and payment.status != "reversed":
                    asked = await gateway.refund(payment.transaction_id, note=order.problem)
        except PaymentGatewayRefused as refusal:
            await self._not_given_back(order, refusal)
        except DomainError as error:
            await self._put_off(order, error)
        else:
            if asked is None:
                await self._settle(order, payment)
            else:
                await self._note(refunds.note_refund, order, asked)

    async def _not_given_back(self, order: Order, refusal: PaymentGatewayRefused) -> None:
        if refusal.call != "refund" or refusal.status not in _DEFINITE:
            await self._put_off(order, refusal)
        elif refusal.reason_code == _ALREADY_REFUNDED:
            # By ourselves, if we were killed before we stored it, or at the dashboard.
            known = AskedRefund(
                refund_id="", amount_minor=order.paid_minor or 0, state=RefundState.PENDING
            )
            await self._note(refunds.note_refund, order, known)
        else:
            await self._note(refunds.note_refund_refused, order, refusal.reason_code)

    async def _follow(self, order: Order) -> None:
        """Ask what has become of a refund: by its id, or else by what was paid."""
        refund_id = await self._records.read(_refund_id, order)
        found: Payment | AskedRefund | None
        try:
            async with self._paystack("refund") as gateway:
                if refund_id is None:
                    found = await gateway.verify(order.reference)
                else:
                    found = await gateway.find_refund(refund_id)
        except DomainError as error:
            await self._put_off(order, error)
            return
        if isinstance(found, AskedRefund):
            await self._note(refunds.note_refund_state, order, found)
        else:
            await self._settle(order, found)

    async def _note(
        self, service: Callable[[Connection, str, T, datetime], Order], order: Order, news: T
    ) -> None:
        await self._records.write(WORKER, service, order.reference, news, self._world.now())
        self._wake.set()

    async def _put_off(self, order: Order, error: DomainError) -> None:
        _log.warning("order_put_off", reference=order.reference, error=error.code)
        at = self._world.now()
        await self._records.write(WORKER, payments.put_off, order.reference, at, problem=error.code)

    @asynccontextmanager
    async def _paystack(self, call: str) -> AsyncIterator[PaymentGateway]:
        """Give the gateway for the calls of one step; together they may take so long."""
        if self._world.gateway is None:
            raise PaymentsNotOffered("no key of Paystack is configured")
        try:
            async with asyncio.timeout(STEP_SECONDS):
                yield self._world.gateway
        except TimeoutError:
            raise PaymentGatewayUnavailable(call, "no answer in time") from None


def _take_due(connection: Connection, *, now: datetime, most: int) -> list[str]:
    keys = take_due(connection, PAYMENT_ORDER, now=now, most=most)
    return [payments.reference_of(connection, key) for key in keys]


def _refund_id(connection: Connection, order: Order) -> str | None:
    """Return Paystack's id of the newest refund of an order that is under way, if we know one."""
    refunds_of = payments.refunds_of(connection, order)
    under_way = [refund for refund in refunds_of if refund.state not in _ENDED]
    return next((one.refund_id for one in reversed(under_way) if one.refund_id is not None), None)
