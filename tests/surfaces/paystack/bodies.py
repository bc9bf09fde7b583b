"""Webhook bodies in every shape that deliveries are known to have, written for these tests."""

from __future__ import annotations

import json
from typing import Any, Final

REFERENCE: Final = "T123456789012345"

CHARGE: Final[dict[str, Any]] = {
    "id": 900000123,
    "domain": "test",
    "status": "success",
    "reference": REFERENCE,
    "amount": 520000,
    "requested_amount": 520000,
    "message": None,
    "gateway_response": "Successful",
    "paid_at": "2026-01-02T09:15:30.000Z",
    "created_at": "2026-01-02T09:14:02.000Z",
    "channel": "card",
    "currency": "NGN",
    "ip_address": "197.211.0.1",
    "metadata": {"meter_number": "01234567890", "user_id": 7, "purpose": "token"},
    "fees": 17800,
    "customer": {"id": 4242, "email": "tenant@example.org", "customer_code": "CUS_demo1"},
    "authorization": {"authorization_code": "AUTH_demo1", "last4": "4081", "bank": "TEST BANK"},
    "subaccount": {"subaccount_code": "ACCT_demo0000estate1"},
    "plan": {},
}
REFUND: Final[dict[str, Any]] = {
    "status": "processed",
    "transaction_reference": REFERENCE,
    "refund_reference": "132013318360",
    "amount": "5000",
    "currency": "NGN",
    "processor": "instant-transfer",
    "customer": {"first_name": "Amina", "email": "tenant@example.org"},
    "integration": 412829,
    "domain": "test",
}
DISPUTE: Final[dict[str, Any]] = {
    "id": 358950,
    "refund_amount": 520000,
    "currency": "NGN",
    "status": "awaiting-merchant-feedback",
    "resolution": None,
    "domain": "test",
    "transaction": CHARGE,
    "transaction_reference": None,
    "category": "chargeback",
    "customer": {"email": "tenant@example.org"},
    "bin": "408408",
    "last4": "4081",
    "dueAt": "2026-01-05T18:00:00.000Z",
    "evidence": None,
    "history": [{"status": "pending", "by": "tenant@example.org"}],
    "messages": [{"sender": "tenant@example.org", "body": "I have no token"}],
}


def body(event: str, data: Any) -> bytes:
    """Return the octets of an event."""
    return json.dumps({"event": event, "data": data}, separators=(",", ":")).encode()


def charge(**changes: Any) -> bytes:
    """Return a successful charge with other values; those that are `...` are left out."""
    return body("charge.success", _changed(CHARGE, changes))


def refund(state: str = "processed", **changes: Any) -> bytes:
    """Return an event of a refund, likewise."""
    return body(f"refund.{state}", _changed(REFUND, {"status": state, **changes}))


def dispute(step: str = "create", **changes: Any) -> bytes:
    """Return an event of a dispute, likewise."""
    return body(f"charge.dispute.{step}", _changed(DISPUTE, changes))


def _changed(data: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**data, **changes}.items() if value is not ...}


ODD_CHARGES: Final = {
    "metadata of 0": charge(metadata=0),
    "metadata of an empty text": charge(metadata=""),
    "metadata of null": charge(metadata=None),
    "metadata of a text": charge(metadata='{"meter_number": "1"}'),
    "no metadata": charge(metadata=...),
    "no fees yet": charge(fees=None),
    "fees as text": charge(fees="17800"),
    "a sum as text": charge(amount="520000"),
    "a sum with a point": charge(amount=520000.0),
    "no requested sum": charge(requested_amount=...),
    "no plan": charge(plan=None),
    "a split with shares": charge(split={"shares": {"subaccounts": [{"amount": 500000}]}}),
    "a log of null": charge(log=None),
    "keys of tomorrow": charge(tomorrow={"a": [1, 2, {"b": None}]}, order_id=None),
    "both spellings of times": charge(paidAt="2026-01-02T09:15:30.000Z", createdAt=None),
    "times that are none": charge(paid_at="soon", created_at=17),
    "almost nothing": body("charge.success", {"reference": REFERENCE}),
    "characters that no database takes": charge(gateway_response="a\x00b\ud800", channel="\x00"),
    "an integer of a thousand digits": charge(id=10**1000),
}
"""Charges that are to be verified, each under the reference of the order."""
ODD_OTHERS: Final = {
    "a refund whose sum is a number": refund(amount=5306),
    "a refund without the bank's reference": refund("pending", refund_reference=None),
    "a refund whose transaction is nested": refund(
        transaction_reference=..., transaction={"id": 1, "reference": REFERENCE}, reference="RF_1"
    ),
    "a refund whose transaction is a text": refund(transaction_reference="", transaction=REFERENCE),
    "a refund that needs attention": refund("needs-attention"),
    "a dispute": dispute(),
    "a dispute that is remembered": dispute("remind"),
    "a dispute that is over": dispute("resolve", status="resolved", resolution="merchant-accepted"),
    "a dispute with the reference on top": dispute(
        transaction=None, transaction_reference=REFERENCE
    ),
}
"""Refunds and disputes, each of the order's transaction."""
NO_FORM: Final = {
    "nothing": b"",
    "no JSON": b"event=charge.success",
    "half of it": charge()[:-1],
    "a list": b"[]",
    "a text": b'"charge.success"',
    "a number": b"0",
    "null": b"null",
    "no event": b'{"data": {}}',
    "an event that is a number": b'{"event": 5, "data": {}}',
    "an event of null": b'{"event": null}',
    "no UTF-8": b'{"event": "\xff"}',
    "NaN": b'{"event": "charge.success", "data": {"amount": NaN}}',
    "a thousand brackets": b"[" * 100_000,
}
"""What a key's owner could sign and Paystack never sends."""
NO_DATA: Final = {
    "no data": b'{"event": "charge.success"}',
    "data of null": body("charge.success", None),
    "data of a list": body("charge.success", [CHARGE]),
    "data of a text": body("charge.success", "T"),
    "no reference": charge(reference=...),
    "a reference of null": charge(reference=None),
    "a reference that is an object": charge(reference={"reference": REFERENCE}),
}
"""Charges of nobody knows what."""
