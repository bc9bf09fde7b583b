"""What the stand-in for Paystack knows: transactions, refunds, and what it tells of them."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

CURRENCIES: Final = frozenset({"GHS", "KES", "NGN", "ZAR", "USD"})
_FIRST_TRANSACTION: Final = 4_000_000_001
_FIRST_REFUND: Final = 3_000_001
_FIRST_DISPUTE: Final = 350_001
_REFERENCE: Final = re.compile(r"[A-Za-z0-9.=-]{1,100}")
_RESPONSES: Final = {
    "abandoned": "The transaction was not completed",
    "failed": "Declined",
}
_PER_MILLE_FEES: Final = 15


class Refused(Exception):
    """A call that Paystack says no to."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code


@dataclass(slots=True, kw_only=True)
class Transaction:
    """A payment, from the moment that it was announced."""

    id: int
    reference: str
    email: str
    amount: int
    """What is charged; what was asked for until it is paid."""
    requested_amount: int
    currency: str
    domain: str
    access_code: str
    callback_url: str
    metadata: Any
    subaccount: str
    created_at: datetime
    status: str = "abandoned"
    paid_at: datetime | None = None
    is_reversed_by_bank: bool = False
    refunds: list[Refund] = field(default_factory=list)

    @property
    def charged(self) -> int:
        """What the customer gave, whatever was given back since."""
        return 0 if self.paid_at is None else self.amount

    @property
    def given_back(self) -> int:
        """What the customer has back."""
        if self.is_reversed_by_bank:
            return self.charged
        return sum(one.amount for one in self.refunds if one.status == "processed")

    @property
    def refundable(self) -> int:
        """What could still be given back; a refund that failed takes nothing of it."""
        taken = sum(one.amount for one in self.refunds if one.status != "failed")
        return 0 if self.is_reversed_by_bank else self.charged - taken


@dataclass(slots=True, kw_only=True)
class Refund:
    """Money on its way back."""

    id: int
    reference: str
    """Of the transaction."""
    amount: int
    created_at: datetime
    status: str = "pending"
    refund_reference: str | None = None


class Ledger:
    """All transactions of an account at Paystack; numbers and codes follow from their order."""

    def __init__(self, *, domain: str, now: Callable[[], datetime]) -> None:
        self.domain = domain
        self.transactions: dict[str, Transaction] = {}
        self.refunds: list[Refund] = []
        self._now = now
        self._disputes = 0

    def initialize(self, sent: dict[str, Any]) -> Transaction:
        """Announce a payment; raises Refused."""
        amount = whole(sent.get("amount"))
        if amount is None or amount <= 0:
            raise Refused(400, "Invalid Amount Sent", "invalid_amount")
        if "@" not in str(sent.get("email", "")):
            raise Refused(400, "Invalid Email Address Passed", "invalid_email_address")
        reference = str(sent.get("reference") or f"sandbox-{len(self.transactions) + 1}")
        if _REFERENCE.fullmatch(reference) is None:
            raise Refused(400, "Invalid Transaction Reference", "invalid_reference")
        if reference in self.transactions:
            raise Refused(400, "Duplicate Transaction Reference", "duplicate_reference")
        currency = str(sent.get("currency") or "NGN")
        if currency not in CURRENCIES:
            raise Refused(403, "Currency not supported by merchant", "unsupported_currency")
        return self._add(sent, reference=reference, amount=amount, currency=currency)

    def find(self, reference: str) -> Transaction:
        """Return a transaction; raises Refused."""
        found = self.transactions.get(reference)
        if found is None:
            raise Refused(404, "Transaction reference not found", "transaction_not_found")
        return found

    def find_by_code(self, access_code: str) -> Transaction:
        """Return the transaction of a checkout page; raises Refused."""
        for one in self.transactions.values():
            if one.access_code == access_code:
                return one
        raise Refused(404, "This page does not exist")

    def found_or_new(self, reference: str, *, amount: int | None) -> Transaction:
        """Return a transaction, or one that was announced by somebody else than us."""
        if reference in self.transactions:
            return self.transactions[reference]
        if amount is None:
            raise ValueError(f"{reference} was not announced: say how much is paid")
        sent = {"email": "stranger@example.org"}
        return self._add(sent, reference=reference, amount=amount, currency="NGN")

    def between(self, begin: datetime | None, end: datetime | None) -> list[Transaction]:
        """Return what was announced in a time, the newest first, as Paystack lists it."""
        return [
            one
            for one in reversed(self.transactions.values())
            if (begin is None or one.created_at >= begin) and (end is None or one.created_at <= end)
        ]

    def refund(self, transaction: Any, amount: int | None = None) -> Refund:
        """Queue a refund, of all if no sum is given; raises Refused."""
        known = [
            one
            for one in self.transactions.values()
            if transaction in {one.id, str(one.id), one.reference}
        ]
        if not known:
            raise Refused(404, "Transaction not found", "transaction_not_found")
        paid = known[0]
        if paid.paid_at is None:
            raise Refused(400, "Transaction has not been paid for", "transaction_not_successful")
        if paid.refundable <= 0:
            raise Refused(400, "Transaction has been fully reversed", "transaction_reversed")
        wanted = paid.charged if amount is None else amount
        if not 0 < wanted <= paid.refundable:
            raise Refused(400, "Refund amount is more than what is left", "invalid_amount")
        queued = Refund(
            id=_FIRST_REFUND + len(self.refunds),
            reference=paid.reference,
            amount=wanted,
            created_at=self._now(),
        )
        self.refunds.append(queued)
        paid.refunds.append(queued)
        return queued

    def find_refund(self, refund_id: str) -> Refund:
        """Return a refund; raises Refused."""
        for one in self.refunds:
            if str(one.id) == refund_id:
                return one
        raise Refused(404, "Refund not found", "refund_not_found")

    def move_refund(self, refund: Refund, status: str) -> None:
        """Take a refund on; once all is given back the transaction is reversed."""
        refund.status = status
        if status == "processed":
            refund.refund_reference = str(132_013_000_000 + refund.id)
        paid = self.transactions[refund.reference]
        if paid.given_back == paid.charged:
            paid.status = "reversed"

    def new_dispute(self) -> int:
        """Return the number of another dispute."""
        self._disputes += 1
        return _FIRST_DISPUTE + self._disputes

    def _add(
        self, sent: dict[str, Any], *, reference: str, amount: int, currency: str
    ) -> Transaction:
        digest = hashlib.sha256(f"sandbox {reference}".encode()).hexdigest()
        added = Transaction(
            id=_FIRST_TRANSACTION + len(self.transactions),
            reference=reference,
            email=str(sent["email"]),
            amount=amount,
            requested_amount=amount,
            currency=currency,
            domain=self.domain,
            access_code=digest[:15],
            callback_url=str(sent.get("callback_url") or ""),
            metadata=sent.get("metadata", ""),
            subaccount=str(sent.get("subaccount") or ""),
            created_at=self._now(),
        )
        self.transactions[reference] = added
        return added


def told(transaction: Transaction, *, requested: bool = True) -> dict[str, Any]:
    """Return a transaction as verify, the list and the webhook tell of it."""
    paid_at = None if transaction.paid_at is None else iso(transaction.paid_at)
    data: dict[str, Any] = {
        "id": transaction.id,
        "domain": transaction.domain,
        "status": transaction.status,
        "reference": transaction.reference,
        "amount": transaction.amount,
        "message": None,
        "gateway_response": _RESPONSES.get(transaction.status, "Successful"),
        "paid_at": paid_at,
        "created_at": iso(transaction.created_at),
        "channel": "card",
        "currency": transaction.currency,
        "ip_address": "127.0.0.1",
        "metadata": transaction.metadata,
        "log": None,
        "fees": transaction.charged * _PER_MILLE_FEES // 1000 or None,
        "fees_split": None,
        "customer": {"id": 4242, "email": transaction.email, "customer_code": "CUS_demo000000001"},
        "authorization": {"last4": "4081", "card_type": "visa", "bank": "TEST BANK"},
        "subaccount": {"subaccount_code": transaction.subaccount} if transaction.subaccount else {},
        "plan": {},
        "split": {},
        "order_id": None,
        "paidAt": paid_at,
        "createdAt": iso(transaction.created_at),
    }
    return data | ({"requested_amount": transaction.requested_amount} if requested else {})


def told_refund(refund: Refund, paid: Transaction) -> dict[str, Any]:
    """Return a refund as its calls tell of it."""
    return {
        "id": refund.id,
        "transaction": {"id": paid.id, "reference": paid.reference, "amount": paid.amount},
        "integration": 412_829,
        "domain": paid.domain,
        "amount": refund.amount,
        "currency": paid.currency,
        "status": refund.status,
        "deducted_amount": 0,
        "fully_deducted": False,
        "refund_reference": refund.refund_reference,
        "createdAt": iso(refund.created_at),
    }


def refund_event(refund: Refund, paid: Transaction) -> dict[str, Any]:
    """Return what the webhook says of a refund; its sum is a text while it is not done."""
    is_done = refund.status == "processed"
    return {
        "event": f"refund.{refund.status}",
        "data": {
            "status": refund.status,
            "transaction_reference": paid.reference,
            "refund_reference": refund.refund_reference,
            "amount": refund.amount if is_done else str(refund.amount),
            "currency": paid.currency,
            "processor": "instant-transfer",
            "customer": {"first_name": None, "last_name": None, "email": paid.email},
            "integration": 412_829,
            "domain": paid.domain,
        },
    }


def dispute_event(
    number: int, paid: Transaction, *, step: str, status: str, at: datetime
) -> dict[str, Any]:
    """Return what the webhook says of a dispute; the transaction stands in its data."""
    return {
        "event": f"charge.dispute.{step}",
        "data": {
            "id": number,
            "refund_amount": paid.amount,
            "currency": paid.currency,
            "status": status,
            "resolution": "merchant-accepted" if status == "resolved" else None,
            "domain": paid.domain,
            "transaction": told(paid),
            "transaction_reference": None,
            "category": "general",
            "customer": {"email": paid.email},
            "dueAt": iso(at),
            "evidence": None,
        },
    }


def whole(value: Any) -> int | None:
    """Return a whole number, also one in quotes."""
    if isinstance(value, bool):
        return None
    text = str(value)
    return int(text) if isinstance(value, int | str) and re.fullmatch("-?[0-9]+", text) else None


def iso(at: datetime) -> str:
    """Return a moment as Paystack writes it: UTC, with milliseconds."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"
