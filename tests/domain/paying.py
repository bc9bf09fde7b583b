"""Orders as tests place and pay them, each step in a transaction of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select, update

from tests.support.residents import EMAIL, add_resident
from tests.support.selling import MAKER
from tests.support.service import NOON, writing
from vending_api.domain.consumers import service as consumers
from vending_api.domain.meters.tables import METER
from vending_api.domain.notifications.tables import NOTIFICATION
from vending_api.domain.notifications.types import Channel
from vending_api.domain.payments import refunds, service, settling
from vending_api.domain.payments.gateway import AskedRefund
from vending_api.domain.payments.tables import PAYMENT_ORDER
from vending_api.domain.payments.types import (
    Order,
    OrderState,
    Payment,
    PaymentPolicy,
    PlaceOrder,
    RefundState,
)
from vending_api.domain.sales.tables import SALE
from vending_api.kit.due import LEASE

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

    from vending_api.domain.consumers.types import Consumer
    from vending_api.domain.issuing.service import TokenMaker
    from vending_api.domain.payments.types import Expected

ASKED: Final = 520_000
"""What the customer pays: 5,200 naira, of which the estate's charge takes 200."""
CREDIT: Final = 500_000
PHONE: Final = "+2348012345678"
POLICY: Final = PaymentPolicy(
    mode="test",
    refund_after=timedelta(hours=24),
    channels=frozenset({Channel.EMAIL, Channel.SMS}),
)
SOON: Final = NOON + timedelta(minutes=3)
_numbers: Final = count(1)


def new_reference() -> str:
    return f"T{next(_numbers):015}"


def place(engine: Engine, consumer: Consumer, **changes: Any) -> tuple[Order, Expected]:
    """Place an order of 5,200 naira, with `changes`."""
    command = PlaceOrder(
        reference=new_reference(),
        consumer_key=consumer.key,
        amount_minor=ASKED,
        phone=PHONE,
        received_at=NOON,
    )
    command = replace(command, **changes)
    with writing(engine) as connection, connection.begin():
        return service.place_order(connection, MAKER.security_module, command)


def an_order(engine: Engine, **changes: Any) -> Order:
    """Place an order of the resident of this test, with `changes`."""
    return place(engine, the_resident(engine), **changes)[0]


def the_resident(engine: Engine) -> Consumer:
    """Return the one resident of this test."""
    with engine.connect() as connection:
        known = consumers.find_by_email(connection, EMAIL)
    return known or add_resident(engine)


def payment(order: Order, **changes: Any) -> Payment:
    """Return a payment that is in every respect as ordered, with `changes`."""
    told = Payment(
        transaction_id=900_000_000 + order.key,
        reference=order.reference,
        mode="test",
        status="success",
        amount_minor=order.amount_minor,
        requested_minor=order.amount_minor,
        currency="NGN",
        fees_minor=17_800,
        channel="card",
        gateway_response="Successful",
        created_at=NOON + timedelta(seconds=1),
        paid_at=NOON + timedelta(minutes=1),
    )
    return replace(told, **changes)


def settle(
    engine: Engine,
    order: Order,
    paid: Payment | None,
    at: datetime = SOON,
    *,
    policy: PaymentPolicy = POLICY,
    maker: TokenMaker = MAKER,
    vend: bool = True,
) -> Order:
    """Settle an order by what Paystack has just said."""
    with writing(engine) as connection, connection.begin():
        return settling.settle(connection, maker, order.reference, paid, policy, at, vend=vend)


def vend(
    engine: Engine,
    order: Order,
    at: datetime,
    *,
    policy: PaymentPolicy = POLICY,
    sell: bool = True,
) -> Order:
    """Try once more to vend what was paid for."""
    with writing(engine) as connection, connection.begin():
        return settling.vend(connection, MAKER, order.reference, policy, at, sell=sell)


def put_off(engine: Engine, order: Order, at: datetime, *, problem: str = "no_answer") -> Order:
    """Put an order off whose call got no answer."""
    with writing(engine) as connection, connection.begin():
        service.put_off(connection, order.reference, at, problem=problem)
    return now(engine, order)


def hasten(engine: Engine, order: Order, at: datetime) -> Order:
    """Let an order be verified at once."""
    with writing(engine) as connection, connection.begin():
        assert service.hasten(connection, order.reference, at)
    return now(engine, order)


def asked(amount_minor: int = ASKED, **changes: Any) -> AskedRefund:
    """Return a refund that Paystack has just taken, with `changes`."""
    told = AskedRefund(refund_id="7001", amount_minor=amount_minor, state=RefundState.PENDING)
    return replace(told, **changes)


def note(engine: Engine, act: Callable[..., Order], order: Order, *news: Any) -> Order:
    """Note what Paystack answered about a refund."""
    with writing(engine) as connection, connection.begin():
        return act(connection, order.reference, *news)


def hear_refund(
    engine: Engine,
    order: Order,
    state: RefundState,
    at: datetime = SOON,
    *,
    amount_minor: int = ASKED,
    bank: str | None = None,
) -> Order:
    """Hear what an event tells of a refund."""
    with writing(engine) as connection, connection.begin():
        assert refunds.hear_refund(
            connection,
            order.reference,
            state=state,
            amount_minor=amount_minor,
            refund_reference=bank,
            at=at,
        )
    return now(engine, order)


def hear_dispute(engine: Engine, order: Order, status: str, at: datetime = SOON) -> Order:
    """Hear what an event tells of a dispute."""
    with writing(engine) as connection, connection.begin():
        assert refunds.hear_dispute(connection, order.reference, status=status, at=at)
    return now(engine, order)


def now(engine: Engine, order: Order) -> Order:
    """Return an order as it is stored."""
    with engine.connect() as connection:
        return service.find_order(connection, order.reference)


def in_state(engine: Engine, state: OrderState) -> Order:
    """Return an order that has come to a state on an honest way."""
    order = an_order(engine)
    if state in {OrderState.FAILED, OrderState.EXPIRED}:
        at = NOON + timedelta(hours=72)
        spoil(engine, order, next_step_at=at + LEASE)
        is_failed = state is OrderState.FAILED
        return settle(engine, order, payment(order, status="failed") if is_failed else None, at)
    if state is OrderState.PAID:
        return paid_only(engine, order)
    if state is OrderState.VENDED:
        return settle(engine, order, payment(order))
    if state is not OrderState.ORDERED:
        order = settle(engine, order, payment(order, requested_minor=ASKED + 1))
    if state in {OrderState.REFUNDING, OrderState.REFUNDED}:
        order = note(engine, refunds.note_refund, order, asked(), SOON)
    if state is OrderState.REFUNDED:
        processed = asked(state=RefundState.PROCESSED)
        order = note(engine, refunds.note_refund_state, order, processed, SOON)
    if state is OrderState.REFUND_FAILED:
        order = note(engine, refunds.note_refund_refused, order, "low_balance", SOON)
    assert order.state is state
    return order


def paid_only(engine: Engine, order: Order) -> Order:
    """Pay an order whose meter is blocked, so that it is not vended."""
    block(engine, order, is_blocked=True)
    order = settle(engine, order, payment(order))
    block(engine, order, is_blocked=False)
    assert order.state is OrderState.PAID
    return order


def block(engine: Engine, order: Order, *, is_blocked: bool) -> None:
    """Forbid selling to the meter of an order, or allow it again."""
    with writing(engine) as connection, connection.begin():
        of_order = METER.c.external_id == order.meter_number
        connection.execute(update(METER).where(of_order).values(is_blocked=is_blocked))


def spoil(engine: Engine, order: Order, **values: Any) -> None:
    """Change the row of an order as no service would."""
    with writing(engine) as connection, connection.begin():
        spoilt = update(PAYMENT_ORDER).where(PAYMENT_ORDER.c.key == order.key)
        connection.execute(spoilt.values(**values))


def told(engine: Engine) -> set[tuple[str, str, str]]:
    """Return kind, channel and recipient of all that customers are told."""
    with engine.connect() as connection:
        return {
            (row.kind, row.channel, row.recipient)
            for row in connection.execute(select(NOTIFICATION))
        }


def sold_for(connection: Connection, order: Order) -> list[int]:
    """Return the sums of what was sold under an order's reference: at most one."""
    statement = select(SALE.c.amount_minor).where(
        SALE.c.purchase_id == order.reference, SALE.c.state == "issued"
    )
    return list(connection.execute(statement).scalars())
