"""A gateway over answers that a test lays down, and what it sent to get them."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeVar

import httpx2
from pydantic import SecretStr

from vending_api.domain.payments.gateway import NewPayment
from vending_api.gateways.paystack.client import Patience, PaystackGateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

T = TypeVar("T")

KEY: Final = "sk_test_hunter2"
REFERENCE: Final = "T123456789012345"
AT_ONCE: Final = Patience(connect=1, read=1, total=5, pauses=(0, 0))
NEW: Final = NewPayment(
    reference=REFERENCE,
    email="tenant@example.org",
    amount_minor=520_000,
    currency="NGN",
    account_code="ACCT_demo0000estate1",
    charge_minor=20_000,
    callback_url="https://vend.example.org/paystack/return",
    metadata={"meter_number": "01234567890", "user_id": 7, "purchase_id": REFERENCE},
)
VERIFIED: Final[dict[str, Any]] = {
    "id": 900000123,
    "domain": "test",
    "status": "success",
    "reference": REFERENCE,
    "amount": 528_000,
    "requested_amount": 520_000,
    "currency": "NGN",
    "channel": "card",
    "gateway_response": "Successful",
    "fees": 17_800,
    "paid_at": "2026-01-02T09:15:30.000Z",
    "created_at": "2026-01-02T09:14:02.000Z",
    "metadata": "",
    "customer": {"email": "tenant@example.org", "phone": "+2348031234567"},
    "authorization": {"authorization_code": "AUTH_demo1", "last4": "4081"},
}
REFUNDED: Final[dict[str, Any]] = {
    "id": 3018284,
    "transaction": {"id": 900000123, "reference": REFERENCE, "amount": 528_000},
    "amount": 528_000,
    "currency": "NGN",
    "status": "pending",
}
CHECKOUT: Final[dict[str, Any]] = {
    "authorization_url": "https://checkout.paystack.com/0peioxfhpn",
    "access_code": "0peioxfhpn",
    "reference": REFERENCE,
}


def yes(data: Any, **more: Any) -> httpx2.Response:
    """Return the answer to a call that worked."""
    return httpx2.Response(200, json={"status": True, "message": "Done", "data": data, **more})


def no(status: int, message: str = "No", **more: Any) -> httpx2.Response:
    """Return a no of Paystack's."""
    return httpx2.Response(status, json={"status": False, "message": message, **more})


@dataclass
class Called:
    """Answers in the order in which they are given, an exception for none; and what was asked."""

    answers: list[httpx2.Response | Exception] = field(default_factory=list)
    requests: list[httpx2.Request] = field(default_factory=list)
    told: list[tuple[str, str, float]] = field(default_factory=list)

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        """Return the next answer."""
        self.requests.append(request)
        following = self.answers.pop(0)
        if isinstance(following, Exception):
            raise following
        return following

    def bodies(self) -> list[Any]:
        """Return what was posted."""
        return [json.loads(one.content) for one in self.requests]

    @asynccontextmanager
    async def gateway(self, patience: Patience = AT_ONCE) -> AsyncIterator[PaystackGateway]:
        """Give a gateway whose clock moves by one second each time it is read."""
        seconds = count()
        gateway = PaystackGateway(
            secret_key=SecretStr(KEY),
            url="https://paystack.test",
            on_call=lambda *facts: self.told.append(facts),
            seconds=lambda: next(seconds),
            transport=httpx2.MockTransport(self.answer),
            patience=patience,
        )
        try:
            yield gateway
        finally:
            await gateway.aclose()

    def ask(self, act: Callable[[PaystackGateway], Awaitable[T]]) -> T:
        """Return what a call of the gateway brings."""

        async def asked() -> T:
            async with self.gateway() as gateway:
                return await act(gateway)

        return asyncio.run(asked())
