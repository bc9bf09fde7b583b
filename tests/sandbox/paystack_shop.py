"""The stand-in for Paystack with a gateway to it, and somebody who hears its webhook."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

import httpx2
from pydantic import SecretStr

from tests.gateways.called import NEW, REFERENCE
from tests.support.service import AdvancingClock
from vending_api.gateways.paystack.client import Patience, PaystackGateway
from vending_api.sandbox.paystack import PaystackSandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from starlette.types import Receive, Scope, Send

KEY: Final = "sk_test_sandbox"
IMPATIENT: Final = Patience(connect=1, read=0.2, total=5, pauses=(0, 0))


class Listener:
    """Who the webhook reaches: it keeps what came, and answers as it is told."""

    def __init__(self) -> None:
        self.came: list[tuple[str, bytes]] = []
        self.statuses: list[int] = []
        """Of the next answers; 200 once they are used up."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = (await receive())["body"]
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.came.append((headers["x-paystack-signature"], body))
        status = self.statuses.pop(0) if self.statuses else 200
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def events(self) -> list[str]:
        """Return what was told, in the order in which it came."""
        return [json.loads(body)["event"] for _, body in self.came]


class Shop:
    """The stand-in, a gateway to it without a socket, and who hears its webhook."""

    def __init__(self, *, url: str = "http://sandbox", key: str = KEY) -> None:
        self.listener = Listener()
        self.box = PaystackSandbox(
            KEY,
            webhook_url="http://vend.test/paystack/webhook",
            now=AdvancingClock(),
            transport=httpx2.ASGITransport(self.listener),
        )
        self.gateway = self.gateway_to(url, transport=self.box.transport(), key=key)

    def gateway_to(
        self, url: str, *, transport: httpx2.AsyncBaseTransport | None = None, key: str = KEY
    ) -> PaystackGateway:
        """Return a gateway."""
        return PaystackGateway(
            secret_key=SecretStr(key),
            url=url,
            on_call=lambda *_: None,
            seconds=lambda: 0,
            transport=transport,
            patience=IMPATIENT,
        )

    async def paid(self, **how: Any) -> int:
        """Let the order be announced and paid, and return the number of the transaction."""
        await self.gateway.initialize(NEW)
        return self.box.pay(REFERENCE, **how).id


def run(scenario: Callable[[Shop], Coroutine[Any, Any, None]], **how: Any) -> None:
    """Run a scenario to its end."""

    async def played() -> None:
        shop = Shop(**how)
        try:
            await scenario(shop)
        finally:
            await shop.gateway.aclose()

    asyncio.run(played())
