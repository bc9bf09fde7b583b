"""How an order that is locked goes from one state to the next, and what is stored with that."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from vending_api.domain.notifications.service import queue
from vending_api.domain.notifications.types import Channel, NotificationKind
from vending_api.domain.payments import repository, schedule
from vending_api.domain.payments.documents import stored_payment
from vending_api.domain.payments.errors import OrderUnknown
from vending_api.domain.payments.types import LIFE, OrderEvent, OrderState, PaymentProblem

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection

    from vending_api.domain.payments.types import Order, Payment

UNPAID: Final = frozenset({OrderState.ORDERED, OrderState.FAILED, OrderState.EXPIRED})
"""Nothing is known of any money, though some may come late."""
LONGEST_PROBLEM: Final = 40
_REFERENCE: Final = re.compile(r"T[0-9]{15}", re.ASCII)


def is_reference(text: str) -> bool:
    """Return whether a text has the form of our references: T and 15 digits."""
    return _REFERENCE.fullmatch(text) is not None


def is_disputed(order: Order) -> bool:
    """Return whether the bank has yet to decide about an order, and no operator has done so."""
    return order.is_open and bool(order.dispute)


def locked(connection: Connection, reference: str) -> Order:
    """Return an order, locked until the transaction ends; raises OrderUnknown."""
    order = find_locked(connection, reference)
    if order is None:
        raise OrderUnknown(reference)
    return order


def find_locked(connection: Connection, reference: str) -> Order | None:
    """Return an order, locked until the transaction ends, or None."""
    return repository.lock_order(connection, reference) if is_reference(reference) else None


def change(connection: Connection, order: Order, at: datetime, **changes: Any) -> Order:
    """Store other facts of an order, and return it with them."""
    changes["updated_at"] = at
    return plan(connection, order, **changes)


def plan(connection: Connection, order: Order, **changes: Any) -> Order:
    """Store when an order is due, or what else nobody but us sees; return it so."""
    columns = {**changes}
    if "state" in columns:
        columns["state"] = columns["state"].value
    repository.update_order(connection, order.key, columns)
    return replace(order, **changes)


def note_payment(connection: Connection, order: Order, payment: Payment) -> Order:
    """Store what Paystack has just told of the payment for an order."""
    repository.update_order(connection, order.key, {"payment": stored_payment(payment)})
    return replace(order, payment=payment)


def move(
    connection: Connection, order: Order, event: OrderEvent, at: datetime, **changes: Any
) -> Order:
    """Take an order where an event leads, by the table of its life, and plan its first step.

    A case is settled by that, unless the bank has yet to decide. Raises KeyError for an event
    that is not in the table; ask `next_state` first.
    """
    state = LIFE[order.state, event]
    is_open = changes.pop("is_open", False) or is_disputed(order)
    is_held = state is OrderState.PAID and is_open
    return change(
        connection,
        order,
        at,
        **{
            "state": state,
            "attempts": 0,
            "next_step_at": None if is_held else schedule.first_step(state, at),
            "is_open": is_open,
            **changes,
        },
    )


def open_case(
    connection: Connection, order: Order, problem: str, at: datetime, **changes: Any
) -> Order:
    """Let an operator look at an order; if it is paid, it is not vended meanwhile."""
    if order.state is OrderState.PAID:
        changes["next_step_at"] = None
    news = {"is_open": True, "problem": str(problem), "closed_at": None, "closing_note": ""}
    return change(connection, order, at, **(changes | news))


def follow_refund(connection: Connection, order: Order, at: datetime, *, attempts: int) -> Order:
    """Plan the next look at money that is on its way back; if it is so for long, open a case.

    It is looked after all the same. A case that was closed is not opened for this again.
    """
    asked_at = [one.asked_at for one in repository.refunds_of(connection, order.key)]
    is_late = bool(asked_at) and at - max(asked_at) >= schedule.REFUND_PATIENCE
    if is_late and not order.is_open and order.closed_at is None:
        order = open_case(connection, order, PaymentProblem.REFUND_LATE, at)
    return plan(connection, order, attempts=attempts, next_step_at=at + schedule.FOLLOW_REFUND)


def decide_refund(
    connection: Connection,
    order: Order,
    event: OrderEvent,
    at: datetime,
    *,
    channels: Iterable[Channel],
    **changes: Any,
) -> Order:
    """Let the money of an order go back: from here on nothing is vended for it any more."""
    order = move(connection, order, event, at, **changes)
    tell(connection, order, NotificationKind.REFUND, channels, at)
    return order


def tell(
    connection: Connection,
    order: Order,
    kind: NotificationKind,
    channels: Iterable[Channel],
    at: datetime,
) -> None:
    """Note that the customer of an order is to be told, on the channels that there are."""
    known = {Channel.EMAIL: order.email, Channel.SMS: order.phone}
    recipients = {channel: known[channel] for channel in channels}
    queue(connection, order_key=order.key, kind=kind, recipients=recipients, at=at)


def in_vain(connection: Connection, order: Order, problem: str, at: datetime) -> Order:
    """Note that a paid order was not vended, and plan the next attempt."""
    attempts = order.attempts + 1
    return change(
        connection,
        order,
        at,
        problem=problem[:LONGEST_PROBLEM],
        attempts=attempts,
        next_step_at=schedule.after_refusal(attempts, at),
    )
