"""Purchases: orders, what they would bring, what came of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vending_api.domain.issuing.types import TokenKind
from vending_api.domain.payments.types import OrderState, RefundState
from vending_api.kit.currencies import letters_of
from vending_api.surfaces.crestflow import forms, wire

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vending_api.domain.meters.types import ServiceType
    from vending_api.domain.payments.types import Expected, Order, Refund
    from vending_api.domain.pricing.types import Bill
    from vending_api.domain.sales.types import Sale

_STATUSES: Final[Mapping[OrderState, str]] = {
    OrderState.ORDERED: "ordered",
    OrderState.PAID: "paid",
    OrderState.VENDED: "vended",
    OrderState.FAILED: "failed",
    OrderState.EXPIRED: "failed",
    OrderState.REFUND_DUE: "failed",
    OrderState.REFUNDING: "failed",
    OrderState.REFUND_FAILED: "failed",
    OrderState.REFUNDED: "refunded",
}
"""Where the token is: for customers, all that ends without one has failed."""
_REFUND_AHEAD: Final = frozenset({OrderState.REFUND_DUE, OrderState.REFUNDING})


def ordered(order: Order, expected: Expected, service_type: ServiceType) -> wire.OrderedPurchase:
    """Return an order that was just placed, with what it would bring now."""
    return wire.OrderedPurchase(
        reference=order.reference,
        status=_STATUSES[order.state],
        authorization_url=order.authorization_url,
        access_code=order.access_code,
        amount=forms.money(order.amount_minor, order.currency),
        transaction_charge=forms.money(order.charge_minor, order.currency),
        total_paid=forms.money(order.vended_minor, order.currency),
        currency=letters_of(order.currency),
        meter_number=order.meter_number,
        expected_units=forms.units(expected.units_tenths),
        free_units=forms.units(expected.free_units_tenths),
        unit=forms.UNITS[service_type],
        lines=_lines(expected.bill, order.currency),
        created_at=forms.moment(order.ordered_at),
        updated_at=forms.moment(order.updated_at),
    )


def purchase(order: Order, sale: Sale | None, refunds: Sequence[Refund]) -> wire.Purchase:
    """Return where an order stands, with its tokens once there are some."""
    currency = order.currency
    return wire.Purchase(
        reference=order.reference,
        status=_STATUSES[order.state],
        authorization_url=order.authorization_url,
        access_code=order.access_code,
        amount=forms.money(order.amount_minor, currency),
        transaction_charge=forms.money(order.charge_minor, currency),
        total_paid=forms.money(order.vended_minor, currency),
        currency=letters_of(currency),
        meter_number=order.meter_number,
        tokens=() if sale is None else _tokens(sale),
        units=None if sale is None else _units(sale, TokenKind.STANDARD),
        free_units=None if sale is None else _units(sale, TokenKind.FREE),
        unit=None if sale is None else forms.UNITS[sale.meter.service_type],
        lines=() if sale is None else _lines(sale.bill, currency),
        refund=_refund(order, refunds),
        paid_at=forms.moment_or_none(order.paid_at),
        vended_at=None if sale is None else forms.moment(sale.sold_at),
        first_shown_at=forms.moment_or_none(order.first_shown_at),
        created_at=forms.moment(order.ordered_at),
        updated_at=forms.moment(order.updated_at),
    )


def _tokens(sale: Sale) -> list[wire.PurchasedToken]:
    return [
        wire.PurchasedToken(
            kind=token.kind.value,
            token=forms.grouped(token.digits),
            units=forms.units_of(token.kind, token.units_tenths),
            receipt_number=token.receipt_number,
        )
        for token in sale.tokens
    ]


def _units(sale: Sale, kind: TokenKind) -> wire.Number:
    return forms.units(sum(token.units_tenths for token in sale.tokens if token.kind is kind))


def _lines(bill: Bill, currency: str) -> list[wire.PurchaseLine]:
    return [
        wire.PurchaseLine(
            name=line.name,
            reason=line.reason,
            units=None if line.units is None else forms.plain(line.units),
            rate=None if line.rate_minor is None else forms.rate(line.rate_minor, currency),
            amount=forms.money(line.charge.net_minor, currency),
            tax=forms.money(line.charge.tax_minor, currency),
        )
        for line in bill.lines
    ]


def _refund(order: Order, refunds: Sequence[Refund]) -> wire.PurchaseRefund | None:
    """Return what goes back: what Paystack was asked for, or all once that was decided on."""
    counted = [one for one in refunds if one.state is not RefundState.FAILED] or refunds[-1:]
    if counted:
        status = counted[-1].state.value
        amount_minor = sum(one.amount_minor for one in counted)
    elif order.state in _REFUND_AHEAD:
        status = RefundState.PENDING.value
        amount_minor = order.amount_minor if order.paid_minor is None else order.paid_minor
    else:
        return None
    return wire.PurchaseRefund(status=status, amount=forms.money(amount_minor, order.currency))
