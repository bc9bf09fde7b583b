"""Settling: what a verified payment does to its order, and the sale that it was paid for.

Paystack is asked outside of transactions; what it said comes in here, and one transaction locks
the order, decides, and sells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import structlog

from vending_api.domain.clients.service import house_client
from vending_api.domain.notifications.types import NotificationKind
from vending_api.domain.payments import schedule
from vending_api.domain.payments.moves import (
    UNPAID,
    decide_refund,
    follow_refund,
    in_vain,
    is_disputed,
    locked,
    move,
    note_payment,
    open_case,
    plan,
    tell,
)
from vending_api.domain.payments.refunds import weigh
from vending_api.domain.payments.types import (
    HAS_COME,
    TERMINAL_ID,
    VERIFY_FOR,
    OrderEvent,
    OrderState,
    PaymentProblem,
    next_state,
)
from vending_api.domain.payments.verdict import verdict
from vending_api.domain.sales.types import SellCredit
from vending_api.domain.selling.service import retry
from vending_api.kit.errors import DomainError, Refusal
from vending_api.kit.group import finished
from vending_api.kit.statements import undoable

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from vending_api.domain.issuing.service import TokenMaker
    from vending_api.domain.payments.types import Order, Payment, PaymentPolicy
    from vending_api.domain.payments.verdict import Verdict

_log: Final = structlog.get_logger(__name__)


def settle(
    connection: Connection,
    maker: TokenMaker,
    reference: str,
    payment: Payment | None,
    policy: PaymentPolicy,
    at: datetime,
    *,
    vend: bool = True,
) -> Order:
    """Take an order where its payment, as it was verified just now, leads; sell if it is paid.

    `payment` is None if Paystack does not know the reference. Whatever is done again, by
    whomever and how often, sells once: the order stays locked until all of it is stored. What
    refuses the sale is undone alone, and the order stays paid. With `vend` switched off
    everything but the sale is done, for a fault that would undo all. Raises OrderUnknown.
    """
    order = locked(connection, reference)
    found = verdict(order, payment, policy, at)
    if payment is not None and (order.state in UNPAID or payment.status in HAS_COME):
        # An answer that was overtaken by a later one says less than is known.
        order = note_payment(connection, order, payment)
    if payment is not None and found.is_unheard_of:
        _log.warning("payment_status_unknown", reference=reference, status=payment.status)
    event = found.event
    if event is OrderEvent.MONEY_BACK and order.state is OrderState.VENDED:
        return _taken_back(connection, order, at)
    if event is None or next_state(order.state, event) is None:
        return _nothing_new(connection, order, found, at)
    if payment is None or event in {OrderEvent.TIME_IS_UP, OrderEvent.PAYMENT_FAILED}:
        due = schedule.unless_hastened(None, order.next_step_at, at)
        problem = _still(order)
        return move(connection, order, event, at, problem=problem, next_step_at=due)
    return _settle_money(connection, maker, order, payment, policy, at, found, vend=vend)


def vend(
    connection: Connection,
    maker: TokenMaker,
    reference: str,
    policy: PaymentPolicy,
    at: datetime,
    *,
    sell: bool = True,
) -> Order:
    """Try once more to sell what an order was paid for; past its time its money goes back.

    An order that is not paid, or vended by now, or held by an open case, stays as it is. With
    `sell` switched off the attempt counts as one in vain, for a fault that would undo all.
    Raises OrderUnknown.
    """
    order = locked(connection, reference)
    if order.state is not OrderState.PAID or order.is_open:
        return order
    if sell:
        order = _sell(connection, maker, order, policy, at)
    else:
        order = in_vain(connection, order, PaymentProblem.UNEXPECTED.value, at)
    # After an outage as long as this everybody would rather have the token: it was tried first.
    if order.state is OrderState.PAID and at >= (order.paid_at or at) + policy.refund_after:
        problem = PaymentProblem.NOT_VENDED_IN_TIME.value
        return decide_refund(
            connection, order, OrderEvent.REFUND, at, channels=policy.channels, problem=problem
        )
    return order


def _nothing_new(connection: Connection, order: Order, found: Verdict, at: datetime) -> Order:
    """Plan when an order is asked after again that stays in its state."""
    if order.state not in UNPAID:
        # Of these only money that goes back is asked after, and it has not gone yet.
        attempts = order.attempts + 1
        if order.state is OrderState.REFUNDING:
            return follow_refund(connection, order, at, attempts=attempts)
        due = schedule.after_failed_call(order.state, order.ordered_at, attempts, at)
        changes = {} if due is None else {"attempts": attempts, "next_step_at": due}
        return plan(connection, order, **changes) if changes else order
    is_late = at - order.ordered_at >= VERIFY_FOR
    if found.is_unheard_of and is_late and order.closed_at is None and not order.is_open:
        order = open_case(connection, order, PaymentProblem.NOT_VERIFIED, at)
    is_ordered = order.state is OrderState.ORDERED
    due = schedule.next_verify(order.ordered_at, at) if is_ordered else None
    due = schedule.unless_hastened(due, order.next_step_at, at)
    problem = order.problem if order.is_open else ""
    return plan(connection, order, attempts=0, next_step_at=due, problem=problem)


def _taken_back(connection: Connection, order: Order, at: datetime) -> Order:
    """Open a case for money that went back after its token was made, unless it was settled."""
    problem = PaymentProblem.REFUNDED_AFTER_VENDING
    if order.problem == problem.value and (order.is_open or order.closed_at is not None):
        return order
    return open_case(connection, order, problem, at)


def _settle_money(
    connection: Connection,
    maker: TokenMaker,
    order: Order,
    payment: Payment,
    policy: PaymentPolicy,
    at: datetime,
    found: Verdict,
    *,
    vend: bool,
) -> Order:
    """Note that money has come, or has gone back, and do what it asks for."""
    facts: dict[str, Any] = {}
    if order.paid_minor is None:
        paid_at = at if payment.paid_at is None else min(payment.paid_at, at)
        facts = {"paid_minor": payment.amount_minor, "paid_at": paid_at}
    if found.event is OrderEvent.MONEY_BACK:
        problem = _still(order) if order.state in UNPAID else order.problem
        return move(connection, order, OrderEvent.MONEY_BACK, at, problem=problem, **facts)
    if found.problem is not None:
        order = decide_refund(
            connection,
            order,
            OrderEvent.PAID_WRONG,
            at,
            channels=policy.channels,
            problem=found.problem.value,
            **facts,
        )
        return weigh(connection, order, at)
    order = move(connection, order, OrderEvent.PAID_RIGHT, at, problem=_still(order), **facts)
    order = weigh(connection, order, at)
    if order.state is not OrderState.PAID or order.is_open:
        return order
    if vend:
        return _sell(connection, maker, order, policy, at)
    return in_vain(connection, order, PaymentProblem.UNEXPECTED.value, at)


def _still(order: Order) -> str:
    """Return what is still wrong with an order once its payment has been verified."""
    return PaymentProblem.DISPUTED.value if is_disputed(order) else ""


def _sell(
    connection: Connection, maker: TokenMaker, order: Order, policy: PaymentPolicy, at: datetime
) -> Order:
    """Sell what a locked order was paid for, or note why not; what was refused leaves no trace."""
    command = SellCredit(
        purchase_id=order.reference,
        message_id=order.reference,
        external_meter_id=order.meter_number,
        amount_minor=order.vended_minor,
        currency=order.currency,
        terminal_id=TERMINAL_ID,
        client=house_client(connection),
        received_at=at,
    )
    try:
        with undoable(connection):
            outcome = finished(retry(connection, maker, command))
    except DomainError as reason:
        return in_vain(connection, order, reason.code, at)
    if isinstance(outcome, Refusal):
        return in_vain(connection, order, outcome.reason.code, at)
    order = move(connection, order, OrderEvent.VEND, at, problem="")
    tell(connection, order, NotificationKind.TOKEN, policy.channels, at)
    return order
