"""Tokens and payments of the past."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

from vending_api.domain.payments.types import OrderState
from vending_api.kit.currencies import letters_of
from vending_api.surfaces.crestflow import forms, wire
from vending_api.surfaces.crestflow.mapping.people import meter_with_all
from vending_api.surfaces.crestflow.mapping.readings import remote_reading_data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vending_api.domain.consumers.types import Consumer
    from vending_api.domain.receipts.types import PaidOrder, TokenReceipt
    from vending_api.surfaces.crestflow.services import Transactions

_TASKS: Final = UUID("6a6ad2f1-9c33-5a5b-8a53-6c1f0d1a7c11")
"""What the task numbers of receipts are derived under: they are stored nowhere."""
_TID_AFTER: Final = timedelta(seconds=60)

_STATUSES: Final[Mapping[OrderState, str]] = {
    OrderState.ORDERED: "pending",
    OrderState.PAID: "success",
    OrderState.VENDED: "success",
    OrderState.FAILED: "failed",
    OrderState.EXPIRED: "abandoned",
    # The payment went well, and the money is with us until it is back with the customer.
    OrderState.REFUND_DUE: "success",
    OrderState.REFUNDING: "success",
    OrderState.REFUND_FAILED: "success",
    OrderState.REFUNDED: "reversed",
}
"""What became of the payment, in Paystack's words."""


def token_receipt(consumer: Consumer, receipt: TokenReceipt) -> wire.TokenReceiptWithTransaction:
    """Return a token with its payment."""
    paid = receipt.order
    return wire.TokenReceiptWithTransaction(
        **_receipt(consumer, receipt),
        meter_payment_transaction=None if paid is None else _transaction(consumer, paid),
    )


def transactions(consumer: Consumer, shown: Transactions) -> list[wire.TransactionWithMeter]:
    """Return payments, each with all that stands about the meter."""
    meter = meter_with_all(
        consumer,
        transactions=[_transaction(consumer, order) for order in shown.orders],
        receipts=[wire.TokenReceipt(**_receipt(consumer, one)) for one in shown.receipts],
        readings=remote_reading_data(consumer, shown.readings),
    )
    return [
        wire.TransactionWithMeter(
            **_paid(consumer, one.order),
            meter=meter,
            token_receipt=None
            if one.receipt is None
            else wire.TokenReceipt(**_receipt(consumer, one.receipt)),
        )
        for one in shown.page.items
    ]


def _transaction(consumer: Consumer, order: PaidOrder) -> wire.Transaction:
    return wire.Transaction(**_paid(consumer, order))


def _paid(consumer: Consumer, order: PaidOrder) -> dict[str, Any]:
    return {
        "id": order.key,
        "meter_id": consumer.key,
        "amount": forms.money(order.amount_minor, order.currency),
        "reference": order.reference,
        "status": _STATUSES[order.state],
        "created_at": forms.moment(order.ordered_at),
        "updated_at": forms.moment(order.updated_at),
    }


def _receipt(consumer: Consumer, receipt: TokenReceipt) -> dict[str, Any]:
    currency, sold_at, zone = receipt.currency, receipt.sold_at, receipt.time_zone
    return {
        "id": receipt.key,
        "meter_id": consumer.key,
        "meter_payment_transaction_id": None if receipt.order is None else receipt.order.key,
        "total_paid": forms.money(receipt.paid_minor, currency),
        "total_unit": forms.units(receipt.units_tenths),
        "token": forms.grouped(receipt.digits),
        "meter_number": receipt.meter_number,
        "gen_datetime": forms.local_moment(sold_at, zone),
        "price": forms.price(receipt.price_minor, currency),
        "vat": forms.money(receipt.tax_minor, currency),
        "tid_datetime": forms.local_moment(sold_at + _TID_AFTER, zone),
        "currency": letters_of(currency),
        "unit": forms.UNITS[receipt.service_type],
        "task_no": str(uuid5(_TASKS, str(receipt.key))),
        "created_at": forms.moment(sold_at),
        "updated_at": forms.moment(sold_at),
    }
