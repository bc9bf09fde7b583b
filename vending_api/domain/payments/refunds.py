"""Money that goes back: what we ask for, what Paystack tells of it, what the bank disputes.

News comes from two sides, our own calls and events, in any order and more than once. Each refund
only goes forward, and after each piece of news the order is weighed anew: how much is back, how
much is on its way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vending_api.domain.payments import repository
from vending_api.domain.payments.moves import (
    LONGEST_PROBLEM,
    UNPAID,
    change,
    find_locked,
    follow_refund,
    locked,
    move,
    open_case,
    plan,
)
from vending_api.domain.payments.types import (
    ELSEWHERE,
    OrderEvent,
    OrderState,
    PaymentProblem,
    RefundState,
    next_state,
)

if TYPE_CHECKING:
    from collections.abc import Container, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from vending_api.domain.payments.gateway import AskedRefund
    from vending_api.domain.payments.types import Order, Refund

_RANK: Final = {
    RefundState.PENDING: 0,
    RefundState.PROCESSING: 1,
    # Somebody may still give the bank what it asks for; then it goes on.
    RefundState.NEEDS_ATTENTION: 2,
    RefundState.FAILED: 3,
    RefundState.PROCESSED: 4,
}
"""A refund goes from lower to higher; what says otherwise is old news."""
_ENDED: Final = frozenset({RefundState.FAILED, RefundState.PROCESSED})
_ON_ITS_WAY: Final = frozenset({RefundState.PENDING, RefundState.PROCESSING})
_GOING_BACK: Final = frozenset(
    {
        OrderState.REFUND_DUE,
        OrderState.REFUNDING,
        OrderState.REFUND_FAILED,
        OrderState.REFUNDED,
    }
)
_RESOLVED: Final = "resolved"
_LONGEST_DISPUTE: Final = 40


def note_refund(connection: Connection, reference: str, refund: AskedRefund, at: datetime) -> Order:
    """Note that Paystack has taken our request to give all of a payment back.

    `refund_id` is empty if Paystack says no more than that it was asked before. An event may
    have told of the same refund already. Raises OrderUnknown.
    """
    order = locked(connection, reference)
    known = _asked(repository.refunds_of(connection, order.key), refund)
    if known is None:
        reason = order.problem or PaymentProblem.BY_OPERATOR.value
        amount_minor = refund.amount_minor
        _add(connection, order, refund.state, amount_minor, at, reason, refund_id=refund.refund_id)
    else:
        news = {"refund_id": known.refund_id or refund.refund_id or None}
        if known.reason == ELSEWHERE and order.problem:
            news["reason"] = order.problem
        repository.update_refund(connection, known.key, news | _forward(known, refund.state, at))
    if next_state(order.state, OrderEvent.REFUND_ASKED) is not None:
        order = move(connection, order, OrderEvent.REFUND_ASKED, at)
    return weigh(connection, order, at)


def note_refund_refused(
    connection: Connection, reference: str, reason_code: str, at: datetime
) -> Order:
    """Note that Paystack will not give a payment back: somebody must see to it.

    Raises OrderUnknown.
    """
    order = locked(connection, reference)
    if next_state(order.state, OrderEvent.REFUND_NOT_DONE) is None:
        return order
    reason = reason_code or PaymentProblem.REFUND_FAILED.value
    _add(connection, order, RefundState.FAILED, order.paid_minor or 0, at, reason)
    return _not_done(connection, order, PaymentProblem.REFUND_FAILED, at)


def note_refund_state(
    connection: Connection, reference: str, refund: AskedRefund, at: datetime
) -> Order:
    """Note where a refund stands that Paystack was asked about; raises OrderUnknown."""
    order = locked(connection, reference)
    known = _asked(repository.refunds_of(connection, order.key), refund)
    if known is not None and (news := _forward(known, refund.state, at)):
        repository.update_refund(connection, known.key, news)
        order = weigh(connection, order, at)
    if order.state is OrderState.REFUNDING:
        order = follow_refund(connection, order, at, attempts=0)
    return order


def hear_refund(
    connection: Connection,
    reference: str,
    *,
    state: RefundState,
    amount_minor: int,
    refund_reference: str | None,
    at: datetime,
) -> bool:
    """Note what an event tells of a refund; return whether there is such an order.

    Events may be old, and repeated: they take a refund forward or change nothing.
    """
    order = find_locked(connection, reference)
    if order is None:
        return False
    refunds = repository.refunds_of(connection, order.key)
    known = _told(refunds, amount_minor, refund_reference)
    if known is None:
        _add(
            connection,
            order,
            state,
            amount_minor,
            at,
            ELSEWHERE,
            refund_reference=refund_reference,
        )
    else:
        news = _forward(known, state, at)
        if refund_reference and known.refund_reference is None:
            news["refund_reference"] = refund_reference
        if not news:
            return True
        repository.update_refund(connection, known.key, news)
    weigh(connection, order, at)
    return True


def hear_dispute(connection: Connection, reference: str, *, status: str, at: datetime) -> bool:
    """Note what an event tells of a dispute; return whether there is such an order.

    The first news of it opens a case. A paid order is not vended until an operator has closed
    it; of a vended one `first_shown_at` is the evidence.
    """
    order = find_locked(connection, reference)
    if order is None:
        return False
    # What comes after the end is old.
    if order.dispute.startswith(_RESOLVED) or order.dispute == status[:_LONGEST_DISPUTE]:
        return True
    is_first = not order.dispute
    order = change(connection, order, at, dispute=status[:_LONGEST_DISPUTE])
    if is_first:
        # The problem of an order whose money goes back says why it does, and goes on to say it.
        is_told_why = order.state in _GOING_BACK
        open_case(connection, order, order.problem if is_told_why else PaymentProblem.DISPUTED, at)
    return True


def weigh(connection: Connection, order: Order, at: datetime) -> Order:
    """Take a locked order where its refunds lead, once something of them has changed."""
    refunds = repository.refunds_of(connection, order.key)
    back = _sum(refunds, {RefundState.PROCESSED})
    if order.state is OrderState.VENDED and back:
        return open_case(connection, order, PaymentProblem.REFUNDED_AFTER_VENDING, at)
    if order.state in UNPAID and refunds:
        # That it was paid at all is news: verifying tells what of it is left.
        return plan(connection, order, next_step_at=at)
    if not refunds or order.paid_minor is None:
        return order
    return _weigh_parts(connection, order, refunds, back, at)


def _weigh_parts(
    connection: Connection, order: Order, refunds: Sequence[Refund], back: int, at: datetime
) -> Order:
    paid = order.paid_minor or 0
    coming = _sum(refunds, _ON_ITS_WAY)
    if back >= paid:
        return _go(connection, order, OrderEvent.MONEY_BACK, at)
    if back + coming >= paid:
        return _go(connection, order, OrderEvent.REFUND_ASKED, at)
    if order.state is OrderState.PAID:
        is_touched = back or coming or _sum(refunds, {RefundState.NEEDS_ATTENTION})
        problem = PaymentProblem.PARTLY_REFUNDED
        return open_case(connection, order, problem, at) if is_touched else order
    if order.state is OrderState.REFUNDING and not coming:
        why = PaymentProblem.PARTLY_REFUNDED if back else PaymentProblem.REFUND_FAILED
        return _not_done(connection, order, why, at)
    return order


def _go(connection: Connection, order: Order, event: OrderEvent, at: datetime) -> Order:
    if next_state(order.state, event) is None:
        return order
    return move(connection, order, event, at)


def _not_done(connection: Connection, order: Order, problem: PaymentProblem, at: datetime) -> Order:
    order = move(connection, order, OrderEvent.REFUND_NOT_DONE, at)
    return open_case(connection, order, problem, at)


def _add(
    connection: Connection,
    order: Order,
    state: RefundState,
    amount_minor: int,
    at: datetime,
    reason: str,
    *,
    refund_id: str = "",
    refund_reference: str | None = None,
) -> None:
    values = {
        "order_key": order.key,
        "amount_minor": amount_minor,
        "state": state.value,
        "refund_id": refund_id or None,
        "refund_reference": refund_reference or None,
        "reason": reason[:LONGEST_PROBLEM],
        "asked_at": at,
        "updated_at": at,
    }
    repository.add_refund(connection, values)


def _asked(refunds: Sequence[Refund], asked: AskedRefund) -> Refund | None:
    """Return which refund Paystack answers about: that of its id, or one that events told of."""
    for refund in refunds:
        if asked.refund_id and refund.refund_id == asked.refund_id:
            return refund
    like = [
        refund
        for refund in refunds
        if refund.refund_id is None
        and refund.amount_minor == asked.amount_minor
        and refund.state is not RefundState.FAILED
    ]
    return like[-1] if like else None


def _told(
    refunds: Sequence[Refund], amount_minor: int, refund_reference: str | None
) -> Refund | None:
    """Return which refund an event tells about, or None for one that nobody knew of.

    Early events have no reference of the bank: they are about any refund of their sum, so that
    an old one, which comes late, adds none.
    """
    of_sum = [refund for refund in refunds if refund.amount_minor == amount_minor]
    if not refund_reference:
        going_on = [refund for refund in of_sum if refund.state not in _ENDED]
        about = going_on or of_sum
        return about[-1] if about else None
    for refund in refunds:
        if refund.refund_reference == refund_reference:
            return refund
    nameless = [refund for refund in of_sum if refund.refund_reference is None]
    return nameless[-1] if nameless else None


def _forward(refund: Refund, state: RefundState, at: datetime) -> dict[str, object]:
    """Return what changes at a refund that is told to be in a state; nothing if that is old."""
    if _RANK[state] <= _RANK[refund.state]:
        return {}
    return {"state": state.value, "updated_at": at}


def _sum(refunds: Sequence[Refund], states: Container[RefundState]) -> int:
    return sum(refund.amount_minor for refund in refunds if refund.state in states)
