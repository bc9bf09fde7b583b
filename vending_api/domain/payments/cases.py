"""What operators do with an order: hurry it, give its money back, close its case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vending_api.domain.payments.errors import OrderStepRefused
from vending_api.domain.payments.moves import UNPAID, change, decide_refund, locked, plan
from vending_api.domain.payments.types import OrderEvent, OrderState, PaymentProblem, next_state

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection

    from vending_api.domain.notifications.types import Channel
    from vending_api.domain.payments.types import Order


def hurry(connection: Connection, reference: str, at: datetime) -> Order:
    """Let the next step to a token be taken at once: verify what is not paid, vend what is.

    Raises OrderUnknown, and OrderStepRefused for an order that leads to no token any more, or
    is held by an open case.
    """
    order = locked(connection, reference)
    if order.state is OrderState.PAID and order.is_open:
        raise OrderStepRefused(reference, f"{order.state} with an open case", "vend")
    if order.state not in {*UNPAID, OrderState.PAID}:
        raise OrderStepRefused(reference, order.state, "vend")
    return plan(connection, order, next_step_at=at)


def order_refund(
    connection: Connection,
    reference: str,
    at: datetime,
    *,
    note: str = "",
    channels: Iterable[Channel] = (),
) -> Order:
    """Let the money of an order go back that is paid and not vended, or whose refund failed.

    `channels` are those that the customer is told on. Raises OrderUnknown, OrderStepRefused.
    """
    order = locked(connection, reference)
    if next_state(order.state, OrderEvent.REFUND) is None:
        raise OrderStepRefused(reference, order.state, "refund")
    # What the bank disputes stays open: it may take the money back by itself.
    closed = {} if order.dispute else {"closed_at": at if order.is_open else order.closed_at}
    return decide_refund(
        connection,
        order,
        OrderEvent.REFUND,
        at,
        channels=channels,
        problem=PaymentProblem.BY_OPERATOR.value,
        closing_note=note or order.closing_note,
        **closed,
    )


def close_case(connection: Connection, reference: str, note: str, at: datetime) -> Order:
    """Close the case of an order with a note; one that is paid goes on to be vended.

    Raises OrderUnknown, OrderStepRefused where no case is open.
    """
    order = locked(connection, reference)
    if not order.is_open:
        raise OrderStepRefused(reference, f"{order.state} without an open case", "close")
    order = change(connection, order, at, is_open=False, closed_at=at, closing_note=note)
    if order.state is OrderState.PAID:
        order = plan(connection, order, attempts=0, next_step_at=at)
    return order
