"""A signed body to what may be kept of it; however odd it is, nothing here raises."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from vending_api.domain.payment_events.types import Delivery
from vending_api.kit.foreign_json import members, parse, text, whole_number

if TYPE_CHECKING:
    from datetime import datetime

_NUMBERS: Final = ("id", "amount", "requested_amount", "fees", "refund_amount")
_TEXTS: Final = (
    *("status", "domain", "currency", "channel", "gateway_response", "paid_at", "created_at"),
    *("refund_reference", "resolution", "category", "dueAt", "due_at"),
)
"""What helps whoever looks at an event, or says what became of a refund or dispute."""
_CHARGE: Final = "charge.success"
_LONGEST_EVENT: Final = 64
_LONGEST_REFERENCE: Final = 100
_LONGEST_FACT: Final = 64


def to_delivery(body: bytes, *, received_at: datetime) -> Delivery:
    """Return the event in a body; its name is empty if the body is not of their form."""
    try:
        sent = members(parse(body))
    except ValueError:
        sent = {}
    name = sent.get("event")
    event = text(name, most=_LONGEST_EVENT) if isinstance(name, str) else ""
    data = members(sent.get("data"))
    return Delivery(
        digest=hashlib.sha256(body).hexdigest(),
        event=event,
        reference=_reference(event, data),
        facts=_facts(data),
        received_at=received_at,
    )


def _reference(event: str, data: dict[str, Any]) -> str | None:
    """Return the reference of the transaction that an event is about, wherever it stands.

    A refund and a dispute may have a reference of their own beside it.
    """
    transaction = data.get("transaction")
    of_itself = data.get("reference")
    of_transaction = (
        data.get("transaction_reference"),
        members(transaction).get("reference"),
        transaction if isinstance(transaction, str) else None,
    )
    places = (of_itself, *of_transaction) if event == _CHARGE else (*of_transaction, of_itself)
    read = (text(one, most=_LONGEST_REFERENCE) for one in places)
    return next((one for one in read if one), None)


def _facts(data: dict[str, Any]) -> dict[str, int | str]:
    numbers = {name: whole_number(data.get(name)) for name in _NUMBERS}
    texts = {name: text(data.get(name), most=_LONGEST_FACT) for name in _TEXTS}
    return {name: value for name, value in (numbers | texts).items() if value not in {None, ""}}
