"""Compares what Paystack says of a day with our orders, and these with what was sold."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from vending_api.domain.payment_checks import repository
from vending_api.domain.payment_checks.types import DayCheck, DayTotals, PaymentDifference
from vending_api.domain.payments.service import orders_of
from vending_api.domain.payments.types import (
    HAS_COME,
    VERIFY_FOR,
    OrderState,
    PaymentProblem,
)
from vending_api.kit.currencies import letters_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from sqlalchemy import Connection

    from vending_api.domain.payment_checks.repository import OnlineSale
    from vending_api.domain.payments.types import Order, Payment

_PAYMENT: Final = "payment and order"
_SALE: Final = "order and sale"
_REFUND: Final = "refund"
_MONEY: Final = "money"
_DAY: Final = timedelta(days=1)
_CLOCKS_APART: Final = timedelta(hours=1)
_AT_ONCE: Final = 500
_SELLS: Final = (OrderState.PAID, OrderState.VENDED)
_WAITS: Final = (
    OrderState.PAID,
    OrderState.REFUND_DUE,
    OrderState.REFUNDING,
    OrderState.REFUND_FAILED,
)


class _Records(NamedTuple):
    """What there is under one reference: Paystack's, ours, and the tills'."""

    payment: Payment | None
    order: Order | None
    sale: OnlineSale | None


def check_day(connection: Connection, day: date, payments: Sequence[Payment]) -> DayCheck:
    """Compare the payments that were created on a day (UTC) with orders, and these with sales.

    `payments` are of that day and those around it, of every status, as Paystack lists them:
    what one clock calls the day before midnight, another calls the day after. On PostgreSQL,
    give it a connection that sees one state of the database all the time.
    """
    begin = datetime.combine(day, time.min, UTC)
    listed = list({payment.transaction_id: payment for payment in payments}.values())
    there = {payment.reference: payment for payment in listed}
    of_day = {one.reference for one in listed if _is_within(one.created_at, begin)}
    of_day |= _paid_here(connection, begin)
    orders = orders_of(connection, of_day)
    sales = _sold_under(connection, of_day)
    found = list(_twice(listed))
    totals: dict[str, DayTotals] = {}
    for reference in sorted(of_day):
        records = _Records(there.get(reference), orders.get(reference), sales.get(reference))
        found.extend(
            PaymentDifference(check=check, reference=reference, problem=problem)
            for check, problem in _problems(records)
        )
        if records.payment is not None and records.payment.status in HAS_COME:
            currency = records.payment.currency
            totals[currency] = _added(totals.get(currency), _share(records, records.payment))
    found.extend(_sold_for_nothing(connection, begin))
    found.extend(_not_explained(totals))
    return DayCheck(day=day, differences=sorted(set(found)), totals=dict(sorted(totals.items())))


def _is_within(moment: datetime | None, begin: datetime) -> bool:
    # What has no moment is looked at each day, rather than never.
    return moment is None or begin <= moment < begin + _DAY


def _paid_here(connection: Connection, begin: datetime) -> set[str]:
    """Return the references of orders that were paid, and whose payment was created that day."""
    first, last = begin - VERIFY_FOR - _CLOCKS_APART, begin + _DAY + _CLOCKS_APART
    paid = repository.paid_between(connection, first, last)
    return {reference for reference, created_at in paid if _is_within(created_at, begin)}


def _sold_under(connection: Connection, references: Collection[str]) -> dict[str, OnlineSale]:
    ordered = sorted(references)
    return {
        sale.reference: sale
        for first in range(0, len(ordered), _AT_ONCE)
        for sale in repository.sold_under(connection, ordered[first : first + _AT_ONCE])
    }


def _twice(payments: Iterable[Payment]) -> Iterator[PaymentDifference]:
    seen: set[str] = set()
    for payment in payments:
        if payment.reference in seen:
            problem = "Paystack lists two transactions of this reference"
            yield PaymentDifference(check=_PAYMENT, reference=payment.reference, problem=problem)
        seen.add(payment.reference)


def _problems(records: _Records) -> Iterator[tuple[str, str]]:
    """Yield what does not agree under one reference: which check, and what is wrong."""
    payment, order, sale = records
    is_paid_there = payment is not None and payment.status in HAS_COME
    if order is None:
        if payment is not None and is_paid_there:
            money = f"{payment.amount_minor} {payment.currency}"
            yield _PAYMENT, f"{money} were paid at Paystack, and there is no such order"
        return
    is_paid_here = order.paid_minor is not None
    if is_paid_there and not is_paid_here:
        yield _PAYMENT, f"it is paid at Paystack, and {order.state} here"
    elif is_paid_here and not is_paid_there:
        status = "unknown" if payment is None else payment.status
        yield _PAYMENT, f"it was paid here, and is {status} at Paystack"
    elif payment is not None and is_paid_here:
        yield from _money_problems(payment, order)
        yield from _refund_problems(payment, order)
    yield from _sale_problems(order, sale)


def _money_problems(payment: Payment, order: Order) -> Iterator[tuple[str, str]]:
    if payment.amount_minor != order.paid_minor:
        sums = f"{payment.amount_minor} were paid at Paystack, and {order.paid_minor} here"
        yield _PAYMENT, sums
    if order.state not in _SELLS:
        # That it was paid in another sum or currency is why it is not vended.
        return
    requested = payment.requested_minor
    asked_minor = payment.amount_minor if requested is None else requested
    if asked_minor != order.amount_minor:
        sums = f"{asked_minor} were asked for at Paystack, and {order.amount_minor} ordered here"
        yield _PAYMENT, sums
    if payment.currency != letters_of(order.currency):
        currencies = f"it is in {payment.currency} at Paystack, in {letters_of(order.currency)}"
        yield _PAYMENT, f"{currencies} here"


def _refund_problems(payment: Payment, order: Order) -> Iterator[tuple[str, str]]:
    is_back = payment.status == "reversed"
    if order.state is OrderState.REFUNDED:
        if not is_back:
            yield _REFUND, f"it was given back here, and is {payment.status} at Paystack"
    elif is_back and not _is_settled(order):
        yield _REFUND, f"it was given back at Paystack, and is {order.state} here"


def _is_settled(order: Order) -> bool:
    """Return whether an operator has settled that the money of an order went back."""
    problems = {PaymentProblem.REFUNDED_AFTER_VENDING.value, PaymentProblem.DISPUTED.value}
    is_closed = order.closed_at is not None and not order.is_open
    return is_closed and (order.problem in problems or order.state is OrderState.REFUND_FAILED)


def _sale_problems(order: Order, sale: OnlineSale | None) -> Iterator[tuple[str, str]]:
    if order.state in _WAITS and not _is_settled(order):
        yield _SALE, f"it is paid, and neither vended nor given back: {order.state}"
    if order.state is not OrderState.VENDED:
        if sale is not None:
            yield _SALE, f"{sale.amount_minor} were sold for, and the order is {order.state}"
    elif sale is None:
        yield _SALE, "it is vended, and there is no sale"
    else:
        if not sale.tokens:
            yield _SALE, "it is vended, and the sale has no token"
        if (sale.amount_minor, sale.currency) != (order.vended_minor, order.currency):
            sums = f"{sale.amount_minor} were sold for, and {order.vended_minor} ordered"
            yield _SALE, sums


def _sold_for_nothing(connection: Connection, begin: datetime) -> Iterator[PaymentDifference]:
    """Yield what was sold that day without an order that says so, whenever it was paid."""
    sales = {
        sale.reference: sale for sale in repository.sold_between(connection, begin, begin + _DAY)
    }
    orders = orders_of(connection, sales)
    for reference, sale in sales.items():
        order = orders.get(reference)
        if order is None:
            problems = [f"{sale.amount_minor} were sold for, and there is no such order"]
        else:
            problems = [problem for check, problem in _sale_problems(order, sale) if check == _SALE]
        for problem in problems:
            yield PaymentDifference(check=_SALE, reference=reference, problem=problem)


def _share(records: _Records, payment: Payment) -> DayTotals:
    """Return where the money of one payment went, by what our own records say."""
    order, sale = records.order, records.sale
    vended = charge = passed_on = refunded = 0
    is_open = order is None or order.paid_minor is None or order.state in _WAITS
    if order is not None and order.state is OrderState.VENDED and sale is not None:
        vended, charge = sale.amount_minor, order.charge_minor
        passed_on = (order.paid_minor or 0) - order.amount_minor
    if order is not None and order.state is OrderState.REFUNDED:
        refunded = order.paid_minor or 0
    return DayTotals(
        paid_minor=payment.amount_minor,
        vended_minor=vended,
        charges_minor=charge,
        passed_on_minor=passed_on,
        refunded_minor=refunded,
        open_minor=payment.amount_minor if is_open else 0,
    )


def _added(total: DayTotals | None, share: DayTotals) -> DayTotals:
    if total is None:
        return share
    return DayTotals(
        paid_minor=total.paid_minor + share.paid_minor,
        vended_minor=total.vended_minor + share.vended_minor,
        charges_minor=total.charges_minor + share.charges_minor,
        passed_on_minor=total.passed_on_minor + share.passed_on_minor,
        refunded_minor=total.refunded_minor + share.refunded_minor,
        open_minor=total.open_minor + share.open_minor,
    )


def _not_explained(totals: Mapping[str, DayTotals]) -> Iterator[PaymentDifference]:
    """Yield each currency in which money came of which our records do not say where it went."""
    for currency, total in totals.items():
        missing = total.paid_minor - total.explained_minor
        if missing:
            problem = f"{missing} of {total.paid_minor} are not explained"
            yield PaymentDifference(check=_MONEY, reference=currency, problem=problem)
