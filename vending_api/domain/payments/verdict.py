"""What a verified payment means for its order: every rule in a fixed order, and nothing changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from vending_api.domain.payments.types import VERIFY_FOR, OrderEvent, PaymentProblem
from vending_api.kit.currencies import letters_of

if TYPE_CHECKING:
    from datetime import datetime

    from vending_api.domain.payments.types import Order, Payment, PaymentPolicy

_UNDECIDED: Final = frozenset({"abandoned", "ongoing", "pending", "processing", "queued"})
"""Each may still become a success; "abandoned" says that the customer has not finished."""


class Verdict(NamedTuple):
    """What happens to an order, and what is wrong with its payment."""

    event: OrderEvent | None
    """None: nothing is decided yet."""
    problem: PaymentProblem | None = None
    is_unheard_of: bool = False
    """Whether Paystack said a word that nobody has told us of; it decides nothing."""


def verdict(order: Order, payment: Payment | None, policy: PaymentPolicy, at: datetime) -> Verdict:
    """Return what a payment means for the order of its reference.

    `payment` is as Paystack has just told it, or None if it does not know the reference. The
    sum that was charged never enters a price: it may hold fees that the customer bears.
    """
    if payment is None or payment.status in _UNDECIDED:
        is_late = at - order.ordered_at >= VERIFY_FOR
        return Verdict(OrderEvent.TIME_IS_UP if is_late else None)
    if payment.status == "failed":
        return Verdict(OrderEvent.PAYMENT_FAILED)
    if payment.status == "reversed":
        return Verdict(OrderEvent.MONEY_BACK)
    if payment.status != "success":
        return Verdict(None, is_unheard_of=True)
    problem = _problem_of(order, payment, policy)
    return Verdict(OrderEvent.PAID_RIGHT if problem is None else OrderEvent.PAID_WRONG, problem)


def _problem_of(order: Order, payment: Payment, policy: PaymentPolicy) -> PaymentProblem | None:
    """Return in what respect money came otherwise than ordered."""
    if payment.mode != policy.mode:
        return PaymentProblem.WRONG_MODE
    if payment.currency != letters_of(order.currency):
        return PaymentProblem.WRONG_CURRENCY
    charged = payment.amount_minor
    requested = charged if payment.requested_minor is None else payment.requested_minor
    if requested < order.amount_minor or charged < requested:
        return PaymentProblem.UNDERPAID
    return PaymentProblem.OTHER_AMOUNT if requested > order.amount_minor else None
