"""The two addresses: what Paystack calls, and where customers come back to."""

import re
from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network
from typing import Final

import structlog
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from vending_api.domain.notifications.types import Channel
from vending_api.domain.payment_events.types import Delivery
from vending_api.domain.payments.types import Order
from vending_api.domain.sales.types import Sale
from vending_api.kit.errors import DomainError
from vending_api.surfaces.paystack.errors import not_stored, page_for, refused, too_long
from vending_api.surfaces.paystack.mapping import to_delivery
from vending_api.surfaces.paystack.page import UNKNOWN_ORDER, look_again, page_of
from vending_api.surfaces.paystack.signature import SIGNATURE_HEADER, is_allowed, is_signed
from vending_api.web.bodies import LimitedBodies

MAX_BODY_OCTETS: Final = 262_144
"""Some fifty times a usual event."""
PATIENCE_SECONDS: Final = 8
"""How long a customer's browser waits; the page then looks again by itself."""

_REFERENCE: Final = re.compile(r"T[0-9]{15}")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaystackServices:
    """What the surface needs done; each commits before it returns and raises DomainError."""

    hear: Callable[[Delivery], Awaitable[None]]
    """Keeps an event once, with what follows of it at once; the rest is done later."""
    settle: Callable[[str, float], Awaitable[tuple[Order, Sale | None]]]
    """Finds out, within so many seconds, what became of an order; raises OrderUnknown.

    If there is a sale, that its tokens were shown is stored before it returns.
    """


def build_app(
    *,
    services: PaystackServices,
    secret_key: SecretStr,
    webhook_addresses: Sequence[IPv4Network | IPv6Network],
    channels: AbstractSet[Channel],
    now: Callable[[], datetime],
) -> FastAPI:
    """Return the surface as an application of its own, to be mounted at its base path.

    `webhook_addresses` are those that webhooks may come from, empty for all; `channels` are
    those on which customers are told of their tokens.
    """
    app = FastAPI(title="Paystack", openapi_url=None, redirect_slashes=False)
    app.add_middleware(LimitedBodies, most_octets=MAX_BODY_OCTETS, too_long=lambda _: too_long())
    door = _Door(services, secret_key, webhook_addresses, channels, now)
    app.add_api_route("/webhook", door.paystack_webhook, methods=["POST"], response_model=None)
    app.add_api_route("/return", door.paystack_return, methods=["GET"], response_model=None)

    @app.exception_handler(Exception)
    def _unexpected(request: Request, _: Exception) -> Response:
        return look_again().response() if request.method == "GET" else not_stored()

    return app


class _Door:
    """Where Paystack and paying customers come in."""

    def __init__(
        self,
        services: PaystackServices,
        secret_key: SecretStr,
        webhook_addresses: Sequence[IPv4Network | IPv6Network],
        channels: AbstractSet[Channel],
        now: Callable[[], datetime],
    ) -> None:
        self._services = services
        self._secret_key = secret_key
        self._webhook_addresses = webhook_addresses
        self._channels = channels
        self._now = now

    async def paystack_webhook(self, request: Request) -> Response:
        """Store a signed event, and say so; nothing is believed before the signature is."""
        peer = None if request.client is None else request.client.host
        if not is_allowed(peer, self._webhook_addresses):
            _log.warning("webhook_address_refused", address=peer)
            return refused(403, "Not from this address")
        body = await _octets(request)
        if body is None:
            return too_long()
        signatures = request.headers.getlist(SIGNATURE_HEADER)
        if not is_signed(body, signatures, secret_key=self._secret_key.get_secret_value()):
            _log.warning("webhook_signature_wrong", address=peer, is_missing=not signatures)
            return refused(401, "Invalid signature")
        delivery = to_delivery(body, received_at=self._now())
        try:
            await self._services.hear(delivery)
        except DomainError as error:
            _log.warning("webhook_not_stored", error=error.code)
            return not_stored()
        return JSONResponse({"status": True})

    async def paystack_return(self, request: Request) -> Response:
        """Show what became of an order; the reference, which nobody guesses, is the key to it."""
        query = request.query_params
        reference = query.get("reference") or query.get("trxref") or ""
        if _REFERENCE.fullmatch(reference) is None:
            return UNKNOWN_ORDER.response()
        try:
            order, sale = await self._services.settle(reference, PATIENCE_SECONDS)
        except DomainError as error:
            return page_for(error).response()
        return page_of(order, sale, self._channels).response()


async def _octets(request: Request) -> bytes | None:
    """Return a body, octet by octet as it came; None if it is too long, or broke off."""
    octets = bytearray()
    try:
        async for chunk in request.stream():
            octets += chunk
            if len(octets) > MAX_BODY_OCTETS:
                return None
    except ClientDisconnect:  # nobody hears the answer
        return None
    return bytes(octets)
