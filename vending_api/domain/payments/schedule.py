"""When the next step of an order is due: plain functions of moments and attempts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from vending_api.domain.payments.types import (
    FIRST_VERIFY,
    LONGEST_VERIFY_PAUSE,
    VERIFY_FOR,
    OrderState,
)
from vending_api.kit.due import LEASE, delay

if TYPE_CHECKING:
    from datetime import datetime

FIRST_SALE_PAUSE: Final = timedelta(seconds=5)
LONGEST_SALE_PAUSE: Final = timedelta(minutes=10)
"""Between attempts to vend: these cost a call to nobody, and a customer waits."""
FIRST_CALL_PAUSE: Final = timedelta(minutes=1)
LONGEST_CALL_PAUSE: Final = timedelta(hours=6)
"""Between calls that Paystack did not answer."""
FOLLOW_REFUND: Final = timedelta(hours=1)
"""Between looks at a refund; they take days, and events tell of them sooner."""
REFUND_PATIENCE: Final = timedelta(days=14)
"""For a refund; then an operator asks Paystack. Banks take up to ten working days."""


def next_verify(ordered_at: datetime, at: datetime) -> datetime:
    """Return when an order that is not paid yet is verified again: less often as it ages.

    After 2, 4, 8 minutes and so on, then every 6 hours, and once when the time is up.
    """
    pause = min(max(at - ordered_at, FIRST_VERIFY), LONGEST_VERIFY_PAUSE)
    end = ordered_at + VERIFY_FOR
    return min(at + pause, end) if at < end else at + pause


def first_step(state: OrderState, at: datetime) -> datetime | None:
    """Return when an order that has just come to a state is due; None if it asks for nothing."""
    pauses = {
        OrderState.PAID: FIRST_SALE_PAUSE,
        OrderState.REFUND_DUE: timedelta(0),
        OrderState.REFUNDING: FOLLOW_REFUND,
    }
    pause = pauses.get(state)
    return None if pause is None else at + pause


def after_refusal(attempts: int, at: datetime) -> datetime:
    """Return when a paid order that was refused so many times is tried again."""
    return at + delay(attempts, first=FIRST_SALE_PAUSE, longest=LONGEST_SALE_PAUSE)


def after_failed_call(
    state: OrderState, ordered_at: datetime, attempts: int, at: datetime
) -> datetime | None:
    """Return when a step is taken again whose call got no answer; None in a state without one.

    `attempts` counts those in vain. An answer that did not come is asked for sooner than one
    that said "not yet": a customer may have paid.
    """
    again = at + delay(attempts, first=FIRST_CALL_PAUSE, longest=LONGEST_CALL_PAUSE)
    if state is OrderState.ORDERED:
        planned = next_verify(ordered_at, at)
        return min(again, planned) if at < ordered_at + VERIFY_FOR else planned
    if state in {OrderState.FAILED, OrderState.EXPIRED, OrderState.REFUND_DUE}:
        return again
    return None


def unless_hastened(
    planned: datetime | None, due: datetime | None, at: datetime
) -> datetime | None:
    """Return when an order is due after a step, which somebody may have hastened meanwhile.

    Whoever takes a step holds a lease, so `due` then lies far ahead. If it does not, news has
    come since that Paystack had not given when it was asked, and the step is taken again. Where
    somebody else than the worker verifies an order that is just due, it is verified twice.
    """
    if due is not None and due < at + LEASE / 2:
        return due
    return planned
