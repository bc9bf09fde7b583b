"""The surface with services that remember, and a caller without a socket."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx2
from pydantic import SecretStr

from tests.support.service import NOON
from vending_api.domain.notifications.types import Channel
from vending_api.domain.payments.errors import OrderUnknown
from vending_api.surfaces.paystack.routes import PaystackServices, build_app

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ipaddress import IPv4Network, IPv6Network

    from vending_api.domain.payment_events.types import Delivery
    from vending_api.domain.payments.types import Order
    from vending_api.domain.sales.types import Sale

KEY: Final = "sk_test_hunter2"
LOOPBACK: Final = "127.0.0.1"
SIGNATURE: Final = "X-Paystack-Signature"


@dataclass
class Door:
    """The surface, what it asked for, and how its services answer."""

    shown: tuple[Order, Sale | None] | None = None
    fault: Exception | None = None
    networks: Sequence[IPv4Network | IPv6Network] = ()
    channels: frozenset[Channel] = frozenset(Channel)
    heard: list[Delivery] = field(default_factory=list)
    settled: list[tuple[str, float]] = field(default_factory=list)

    def webhook(self, body: bytes, *signatures: str, peer: str = LOOPBACK) -> httpx2.Response:
        """Return the answer to a delivery; without signatures it carries none."""
        headers = [(SIGNATURE, one) for one in signatures]
        return self.call("POST", "/webhook", peer=peer, content=body, headers=headers)

    def signed(self, body: bytes, *, peer: str = LOOPBACK) -> httpx2.Response:
        """Return the answer to a delivery with the right signature."""
        return self.webhook(body, signature_of(body), peer=peer)

    def back(self, query: str) -> httpx2.Response:
        """Return the page for who comes back from paying."""
        return self.call("GET", f"/return?{query}")

    def call(
        self, method: str, path: str, *, peer: str = LOOPBACK, **request: Any
    ) -> httpx2.Response:
        """Return the answer to any request."""
        services = PaystackServices(hear=self._hear, settle=self._settle)
        app = build_app(
            services=services,
            secret_key=SecretStr(KEY),
            webhook_addresses=self.networks,
            channels=self.channels,
            now=lambda: NOON,
        )

        async def called() -> httpx2.Response:
            transport = httpx2.ASGITransport(app, raise_app_exceptions=False, client=(peer, 1))
            async with httpx2.AsyncClient(transport=transport, base_url="http://vend") as client:
                return await client.request(method, path, **request)

        return asyncio.run(called())

    async def _hear(self, delivery: Delivery) -> None:
        if self.fault is not None:
            raise self.fault
        self.heard.append(delivery)

    async def _settle(self, reference: str, patience: float) -> tuple[Order, Sale | None]:
        self.settled.append((reference, patience))
        if self.fault is not None:
            raise self.fault
        if self.shown is None:
            raise OrderUnknown(reference)
        return self.shown


def signature_of(body: bytes) -> str:
    """Return the signature of a body."""
    return hmac.new(KEY.encode(), body, hashlib.sha512).hexdigest()
