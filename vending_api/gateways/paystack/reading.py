"""What Paystack answers, in the words of the domain; of customer and card nothing is taken.

Each function raises ValueError for what is not usable; its text holds nothing of the answer.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

import structlog

from vending_api.domain.payments.gateway import AskedRefund, Checkout
from vending_api.domain.payments.types import Payment, RefundState
from vending_api.kit.foreign_json import members, moment, text, whole_number

_LONGEST_URL: Final = 255
_LONGEST_CODE: Final = 64
_LONGEST_REFERENCE: Final = 100
_LONGEST_WORD: Final = 40
_LONGEST_REMARK: Final = 200
_REFUND_STATES: Final = {state.value: state for state in RefundState}

_log = structlog.get_logger(__name__)


def read_checkout(data: Any) -> Checkout:
    """Return where the customer pays."""
    found = members(data)
    url = _required(found, "authorization_url", most=_LONGEST_URL)
    # A browser is sent there: it must be a page, and not, say, a script.
    if urlsplit(url).scheme not in {"https", "http"}:
        raise ValueError("authorization_url is no web address")
    access_code = _required(found, "access_code", most=_LONGEST_CODE)
    return Checkout(authorization_url=url, access_code=access_code)


def read_payment(data: Any) -> Payment:
    """Return a transaction, as verify and the list tell of it."""
    found = members(data)
    requested = found.get("requested_amount")
    fees = found.get("fees")
    created = [moment(found.get(name)) for name in ("created_at", "createdAt", "transaction_date")]
    paid = [moment(found.get(name)) for name in ("paid_at", "paidAt")]
    return Payment(
        transaction_id=_number(found.get("id"), "id"),
        reference=_required(found, "reference", most=_LONGEST_REFERENCE),
        mode=_required(found, "domain", most=_LONGEST_WORD),
        status=_required(found, "status", most=_LONGEST_WORD).lower(),
        amount_minor=_number(found.get("amount"), "amount"),
        requested_minor=None if requested is None else _number(requested, "requested_amount"),
        currency=_required(found, "currency", most=_LONGEST_WORD),
        fees_minor=None if fees is None else whole_number(fees),
        channel=text(found.get("channel"), most=_LONGEST_WORD),
        gateway_response=text(found.get("gateway_response"), most=_LONGEST_REMARK),
        created_at=next((one for one in created if one is not None), None),
        paid_at=next((one for one in paid if one is not None), None),
    )


def read_refund(data: Any) -> AskedRefund:
    """Return a refund; one in a state that nobody told us of is taken to be under way."""
    found = members(data)
    amount = found.get("amount")
    if amount is None:  # then all of it
        amount = members(found.get("transaction")).get("amount")
    word = text(found.get("status"), most=_LONGEST_WORD).lower().replace("_", "-")
    state = _REFUND_STATES.get(word)
    if state is None:
        _log.warning("paystack_refund_state_unknown", state=word)
    return AskedRefund(
        refund_id=_required(found, "id", most=_LONGEST_WORD),
        amount_minor=_number(amount, "amount"),
        state=state or RefundState.PENDING,
    )


def _number(value: Any, name: str) -> int:
    number = whole_number(value)
    if number is None or number < 0:
        raise ValueError(f"{name} is no sum or number")
    return number


def _required(found: dict[str, Any], name: str, *, most: int) -> str:
    """Return a text that must be there; one that is cut would be another."""
    value = text(found.get(name), most=most + 1)
    if not value or len(value) > most:
        raise ValueError(f"{name} is missing or too long")
    return value
