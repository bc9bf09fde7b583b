"""What customers are told of their orders, in words; made when it is sent, and kept nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from sts.tokens.digits import grouped
from vending_api.domain.notifications.types import Message, NotificationKind
from vending_api.domain.payments import repository
from vending_api.domain.payments.errors import OrderUnknown
from vending_api.domain.payments.service import sale_of
from vending_api.domain.slips.service import named_tokens
from vending_api.kit.currencies import letters_of, plain_money

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vending_api.domain.notifications.types import Notification
    from vending_api.domain.payments.types import Order
    from vending_api.domain.sales.types import Sale

_IN_ASCII: Final = str.maketrans({"³": "3"})
"""What the alphabet of SMS lacks, so that a part of one holds 160 characters, not 70."""


def message_for(connection: Connection, notification: Notification) -> Message:
    """Return what a notification says now.

    Raises OrderUnknown where its order, or the sale that it tells of, is not there.
    """
    key = notification.order_key
    order = None if key is None else repository.order_of_key(connection, key)
    if order is None:
        raise OrderUnknown(f"number {notification.order_key}")
    if notification.kind is NotificationKind.REFUND:
        return _of_refund(order)
    sale = sale_of(connection, order)
    if sale is None:
        raise OrderUnknown(order.reference)
    return _of_sale(order, sale)


def _of_sale(order: Order, sale: Sale) -> Message:
    tokens = list(named_tokens(sale))
    local = sale.sold_at.astimezone(ZoneInfo(order.time_zone))
    receipts = ", ".join(one.receipt_number for one in sale.tokens if one.receipt_number)
    letters = letters_of(order.currency)
    paid = f"{letters} {plain_money(order.amount_minor, order.currency)}"
    lines = [
        f"Thank you for your payment of {paid}.",
        "",
        f"Meter {order.meter_number}, {order.utility_name}",
        "",
        *(["Key these in one after the other, in this order:", ""] if len(tokens) > 1 else []),
    ]
    for name, token in tokens:
        lines += [name, f"    {grouped(token.digits)}", ""]
    if order.charge_minor:
        credit = plain_money(order.vended_minor, order.currency)
        charge = plain_money(order.charge_minor, order.currency)
        lines.append(f"Of your payment, {letters} {credit} bought credit; the charge is {charge}.")
    lines += [
        *([f"Receipt {receipts}"] if receipts else []),
        f"Reference {order.reference}, {local:%Y-%m-%d %H:%M}",
    ]
    listed = "; then ".join(f"{grouped(token.digits)} {name}" for name, token in tokens)
    return Message(
        subject=f"Your token for meter {order.meter_number}",
        text=_text(lines),
        short_text=_short(
            f"Meter {order.meter_number}: {listed}. Paid {paid}. Ref {order.reference}"
        ),
    )


def _of_refund(order: Order) -> Message:
    # What came may be another sum than was ordered, and in another currency.
    amount_minor = order.amount_minor if order.paid_minor is None else order.paid_minor
    currency = letters_of(order.currency) if order.payment is None else order.payment.currency
    paid = f"{currency} {plain_money(amount_minor, currency)}"
    lines = [
        f"We could not make a token for your payment of {paid}, and we are sorry for that.",
        "All of it goes back to you, the way you paid. Banks may take some working days.",
        "",
        f"Meter {order.meter_number}, {order.utility_name}",
        f"Reference {order.reference}",
    ]
    return Message(
        subject=f"Your payment for meter {order.meter_number} is given back",
        text=_text(lines),
        short_text=_short(
            f"Meter {order.meter_number}: no token could be made. "
            f"Your {paid} goes back to you, the way you paid. Ref {order.reference}"
        ),
    )


def _text(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def _short(text: str) -> str:
    return text.translate(_IN_ASCII).encode("ascii", "replace").decode("ascii")
