"""The document in the row of an order: the payment for it, as Paystack told of it last."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from vending_api.domain.payments.types import Payment

if TYPE_CHECKING:
    from collections.abc import Mapping


def stored_payment(payment: Payment) -> dict[str, Any]:
    """Return a payment as it is stored."""
    return {
        "transaction_id": payment.transaction_id,
        "reference": payment.reference,
        "mode": payment.mode,
        "status": payment.status,
        "amount_minor": payment.amount_minor,
        "requested_minor": payment.requested_minor,
        "currency": payment.currency,
        "fees_minor": payment.fees_minor,
        "channel": payment.channel,
        "gateway_response": payment.gateway_response,
        "created_at": _text(payment.created_at),
        "paid_at": _text(payment.paid_at),
    }


def payment_of(stored: Mapping[str, Any] | None) -> Payment | None:
    """Return a payment as it was, if there is one."""
    if stored is None:
        return None
    moments = {name: _moment(stored[name]) for name in ("created_at", "paid_at")}
    return Payment(**{**stored, **moments})


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
