"""Orders, the payments for them, and the life they lead."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from vending_api.domain.notifications.types import Channel
    from vending_api.domain.pricing.types import Bill

FIRST_VERIFY: Final = timedelta(minutes=2)
LONGEST_VERIFY_PAUSE: Final = timedelta(hours=6)
VERIFY_FOR: Final = timedelta(hours=72)
"""How long an order is asked after that nobody has paid, as far as anybody knows."""
TERMINAL_ID: Final = "ONLINE01"
"""The terminal that online sales are numbered by."""
PAGE_SIZE: Final = 15
"""How many orders a page has unless somebody asks for more."""
HAS_COME: Final = frozenset({"success", "reversed"})
"""Paystack's words for a payment whose money came, whatever became of it since."""
ELSEWHERE: Final = "elsewhere"
"""The reason of a refund that we did not ask for."""


class OrderState(StrEnum):
    """Where an order stands."""

    ORDERED = "ordered"
    """Not paid, as far as anybody knows."""
    PAID = "paid"
    """Paid as it was ordered, and not vended yet: the one state that must not last."""
    VENDED = "vended"
    """The sale is made, under the reference of the order."""
    FAILED = "failed"
    """The payment was refused for good."""
    EXPIRED = "expired"
    """Nobody paid in time."""
    REFUND_DUE = "refund_due"
    """Money came that will not be vended for; the refund is not asked for yet."""
    REFUNDING = "refunding"
    """The refund is asked for."""
    REFUNDED = "refunded"
    """The customer has the money back."""
    REFUND_FAILED = "refund_failed"
    """The refund did not go through: somebody must see to it."""


class OrderEvent(StrEnum):
    """What may happen to an order."""

    PAID_RIGHT = "paid_right"
    """Verified: paid, in every respect as ordered."""
    PAID_WRONG = "paid_wrong"
    """Verified: paid, but another sum, currency or mode."""
    PAYMENT_FAILED = "payment_failed"
    TIME_IS_UP = "time_is_up"
    """Verified as not paid after all the time that there is."""
    VEND = "vend"
    REFUND = "refund"
    """A rule or an operator gives the money back."""
    REFUND_ASKED = "refund_asked"
    REFUND_NOT_DONE = "refund_not_done"
    MONEY_BACK = "money_back"
    """All that was paid is given back, by us, by the operator's dashboard, or by the bank."""


_UNPAID: Final = (OrderState.ORDERED, OrderState.FAILED, OrderState.EXPIRED)
_REFUND_OPEN: Final = (OrderState.REFUND_DUE, OrderState.REFUNDING, OrderState.REFUND_FAILED)
LIFE: Final[Mapping[tuple[OrderState, OrderEvent], OrderState]] = {
    # Money may come late: also to an order that was thought failed or expired.
    **{(state, OrderEvent.PAID_RIGHT): OrderState.PAID for state in _UNPAID},
    **{(state, OrderEvent.PAID_WRONG): OrderState.REFUND_DUE for state in _UNPAID},
    (OrderState.ORDERED, OrderEvent.PAYMENT_FAILED): OrderState.FAILED,
    (OrderState.ORDERED, OrderEvent.TIME_IS_UP): OrderState.EXPIRED,
    (OrderState.PAID, OrderEvent.VEND): OrderState.VENDED,
    (OrderState.PAID, OrderEvent.REFUND): OrderState.REFUND_DUE,
    (OrderState.REFUND_FAILED, OrderEvent.REFUND): OrderState.REFUND_DUE,
    (OrderState.PAID, OrderEvent.REFUND_ASKED): OrderState.REFUNDING,
    (OrderState.REFUND_DUE, OrderEvent.REFUND_ASKED): OrderState.REFUNDING,
    (OrderState.REFUND_FAILED, OrderEvent.REFUND_ASKED): OrderState.REFUNDING,
    (OrderState.REFUND_DUE, OrderEvent.REFUND_NOT_DONE): OrderState.REFUND_FAILED,
    (OrderState.REFUNDING, OrderEvent.REFUND_NOT_DONE): OrderState.REFUND_FAILED,
    **{
        (state, OrderEvent.MONEY_BACK): OrderState.REFUNDED
        for state in (*_UNPAID, OrderState.PAID, *_REFUND_OPEN)
    },
}
"""State and event to the next state; what is not in it changes nothing.

Of a vended order nothing leads on: a token cannot be revoked. Money that goes back after it is a
case for the operator.
"""


def next_state(state: OrderState, event: OrderEvent) -> OrderState | None:
    """Return where an event takes an order; None if it changes nothing in this state."""
    return LIFE.get((state, event))


class PaymentProblem(StrEnum):
    """Why an order needs the operator's eye, or its money goes back."""

    OTHER_AMOUNT = "other_amount"
    """Another sum was asked of the customer than was ordered."""
    UNDERPAID = "underpaid"
    WRONG_CURRENCY = "wrong_currency"
    WRONG_MODE = "wrong_mode"
    """Test money for live tokens, or the other way round."""
    NOT_VENDED_IN_TIME = "not_vended_in_time"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED_AFTER_VENDING = "refunded_after_vending"
    REFUND_FAILED = "refund_failed"
    REFUND_LATE = "refund_late"
    """Paystack took a refund two weeks ago, and still does not say that the money is back."""
    DISPUTED = "disputed"
    NOT_VERIFIED = "not_verified"
    """After all the time that there is, Paystack has still not said what became of it."""
    BY_OPERATOR = "by_operator"
    """An operator gives the money back."""
    UNEXPECTED = "unexpected"
    """Selling met a fault of the service; its log says which."""


class RefundState(StrEnum):
    """Where a refund stands, in Paystack's words."""

    PENDING = "pending"
    PROCESSING = "processing"
    PROCESSED = "processed"
    FAILED = "failed"
    NEEDS_ATTENTION = "needs-attention"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentPolicy:
    """How this installation treats online payments."""

    mode: str
    """"test" or "live", as the secret key says."""
    refund_after: timedelta
    """How long vending is tried before the money is given back."""
    channels: frozenset[Channel]
    """How customers are told; none is fine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder:
    """Order credit for the meter of a consumer."""

    reference: str
    """`T` and 15 digits, new."""
    consumer_key: int
    amount_minor: int
    """What the customer is to pay, the estate's charge included."""
    phone: str = field(default="", repr=False)
    """Where to send the token by SMS; empty for nowhere."""
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """Which orders are looked for; what is left out does not matter."""

    meter_number: str | None = None
    since: datetime | None = None
    """Ordered then or later."""
    until: datetime | None = None
    """Ordered before."""
    states: tuple[OrderState, ...] = ()
    """Empty for all."""
    is_open: bool | None = None
    consumer_key: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What an order would bring if it were paid now."""

    units_tenths: int
    free_units_tenths: int
    bill: Bill


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order and what came of it."""

    key: int
    reference: str
    consumer_key: int
    consumer_name: str = field(repr=False)
    email: str = field(repr=False)
    phone: str = field(repr=False)
    meter_number: str
    utility_name: str
    time_zone: str
    account_code: str
    amount_minor: int
    charge_minor: int
    currency: str
    """ISO 4217 number, 3 digits."""
    state: OrderState
    problem: str
    """A PaymentProblem, or the code of why vending was refused; empty if all is well."""
    authorization_url: str
    access_code: str
    payment: Payment | None
    """What Paystack said last."""
    ordered_at: datetime
    updated_at: datetime
    paid_at: datetime | None
    attempts: int
    """In vain, of the step that its state asks for."""
    dispute: str
    """What became of it at the bank; empty if there is none."""
    first_shown_at: datetime | None
    first_shown_through: str
    is_open: bool
    """Whether it is a case that somebody must settle; a paid order is not vended meanwhile."""
    closed_at: datetime | None
    closing_note: str
    paid_minor: int | None = None
    """What was charged, once it is verified as paid."""
    next_step_at: datetime | None = None
    """When its state asks for something to be done; None if it asks for nothing."""

    @property
    def vended_minor(self) -> int:
        """What credit is sold for: the sum without the estate's charge."""
        return self.amount_minor - self.charge_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A transaction as Paystack tells of it; nothing of the customer or the card is kept."""

    transaction_id: int
    reference: str
    mode: str
    """`domain`: "test" or "live"."""
    status: str
    """success, failed, abandoned, ongoing, pending, processing, queued, reversed."""
    amount_minor: int
    """What was charged."""
    requested_minor: int | None
    """What was asked for; less than the charge where fees were passed on."""
    currency: str
    """Letters: "NGN"."""
    fees_minor: int | None
    channel: str
    gateway_response: str
    created_at: datetime | None
    paid_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money that goes back to a customer."""

    key: int
    order_key: int
    amount_minor: int
    state: RefundState
    refund_id: str | None
    """Paystack's id, if we asked for it."""
    refund_reference: str | None
    """The bank's, once it is known."""
    reason: str
    asked_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits, for operators to see."""

    oldest_unvended_at: datetime | None
    """When the oldest order was paid that is paid and not vended."""
    orders: Mapping[OrderState, int]
    """How many are in each state that asks for something."""
    open_cases: int
    events_for_review: int
    notifications_waiting: int
    notifications_given_up: int
