"""The addresses of the stand-in for Paystack: its calls, and the page on which one pays."""

from __future__ import annotations

import asyncio
import html
import json
from datetime import datetime
from http import HTTPStatus
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse
from starlette.routing import Route

from vending_api.sandbox.paystack_ledger import Refused, told_refund, whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from vending_api.sandbox.paystack_ledger import Ledger, Refund, Transaction

    Call = Callable[[Request, dict[str, Any]], dict[str, Any]]

Fault = int | Literal["timeout", "lost", "garbage"]
"""How a call goes wrong.

A status and "garbage" (a page of a proxy): nothing is done. "lost": it is
done, and the answer breaks off. "timeout": it is done, and answered after `hold_seconds`.
"""
CALLS: Final = ("initialize", "verify", "refund", "find_refund", "payments")
LOOPBACK: Final = "127.0.0.1"
_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Sandbox checkout</title>
<h1>Sandbox checkout</h1>
<p>No money moves here.</p>
{content}
"""
_BUTTONS: Final = """<p>{amount} to pay for {reference}.</p>
<form method="post" action="?status=success"><button>Pay</button></form>
<form method="post" action="?status=failed"><button>Let it fail</button></form>
"""


class Account(Protocol):
    """What stands behind the addresses: an account at Paystack, and its bad days."""

    hold_seconds: float

    @property
    def ledger(self) -> Ledger:
        """All transactions and refunds."""
        ...

    def is_key(self, authorization: str) -> bool:
        """Tell whether a header proves that the account's owner calls."""
        ...

    def told(self, transaction: Transaction) -> dict[str, Any]:
        """Return a transaction as the calls tell of it."""
        ...

    def pay(self, reference: str, *, status: str) -> Transaction:
        """Let a payment come to an end."""
        ...

    def queued(self, refund: Refund) -> None:
        """Tell that a refund is queued."""
        ...

    def deliver_later(self) -> None:
        """Send all events that wait."""
        ...

    def next_fault(self, call: str) -> Fault | None:
        """Return how a call goes wrong this time; None if it does not."""
        ...


def build_app(sandbox: Account) -> Starlette:
    """Return the application; it answers callers of this machine alone."""
    calls, checkout = _Calls(sandbox), _Checkout(sandbox)
    return Starlette(
        routes=[
            Route("/transaction/initialize", calls.initialize, methods=["POST"]),
            Route("/transaction/verify/{reference:path}", calls.verify),
            Route("/transaction", calls.payments),
            Route("/refund", calls.refund, methods=["POST"]),
            Route("/refund/{refund_id}", calls.find_refund),
            Route("/checkout/{access_code}", checkout.show),
            Route("/checkout/{access_code}", checkout.pay, methods=["POST"]),
        ],
        middleware=[Middleware(_LoopbackAlone)],
    )


class _LoopbackAlone:
    """An application that nobody else can reach, however it is served."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        peer = scope.get("client")
        app = self._app
        if peer is None or not ip_address(peer[0]).is_loopback:
            app = PlainTextResponse("The sandbox serves loopback only.", HTTPStatus.FORBIDDEN)
        await app(scope, receive, send)


class _Calls:
    """What the service calls, in the order of the contract."""

    def __init__(self, sandbox: Account) -> None:
        self._sandbox = sandbox
        self._ledger = sandbox.ledger

    async def initialize(self, request: Request) -> Response:
        def act(request: Request, sent: dict[str, Any]) -> dict[str, Any]:
            announced = self._ledger.initialize(sent)
            page = request.url_for("show", access_code=announced.access_code)
            data = {
                "authorization_url": str(page),
                "access_code": announced.access_code,
                "reference": announced.reference,
            }
            return {"message": "Authorization URL created", "data": data}

        return await self._answer("initialize", request, act)

    async def verify(self, request: Request) -> Response:
        def act(request: Request, _: dict[str, Any]) -> dict[str, Any]:
            found = self._ledger.find(request.path_params["reference"])
            return {"message": "Verification successful", "data": self._sandbox.told(found)}

        return await self._answer("verify", request, act)

    async def payments(self, request: Request) -> Response:
        def act(request: Request, _: dict[str, Any]) -> dict[str, Any]:
            query = request.query_params
            size, page = int(query.get("perPage", "50")), int(query.get("page", "1"))
            begin, end = (
                datetime.fromisoformat(query[name]) if name in query else None
                for name in ("from", "to")
            )
            found = self._ledger.between(begin, end)
            meta = {"total": len(found), "skipped": (page - 1) * size, "perPage": size}
            return {
                "message": "Transactions retrieved",
                "data": [self._sandbox.told(one) for one in found[(page - 1) * size : page * size]],
                "meta": {**meta, "page": page, "pageCount": -(-len(found) // size)},
            }

        return await self._answer("payments", request, act)

    async def refund(self, request: Request) -> Response:
        def act(_: Request, sent: dict[str, Any]) -> dict[str, Any]:
            amount = sent.get("amount")
            queued = self._ledger.refund(
                sent.get("transaction"), None if amount is None else whole(amount) or 0
            )
            self._sandbox.queued(queued)
            data = told_refund(queued, self._ledger.find(queued.reference))
            return {"message": "Refund has been queued for processing", "data": data}

        return await self._answer("refund", request, act)

    async def find_refund(self, request: Request) -> Response:
        def act(request: Request, _: dict[str, Any]) -> dict[str, Any]:
            found = self._ledger.find_refund(request.path_params["refund_id"])
            data = told_refund(found, self._ledger.find(found.reference))
            return {"message": "Refund retrieved", "data": data}

        return await self._answer("find_refund", request, act)

    async def _answer(self, call: str, request: Request, act: Call) -> Response:
        """Answer a call, or let it go wrong as it was planned."""
        fault = self._sandbox.next_fault(call)
        if fault == "garbage":
            return HTMLResponse("<html><title>502 Bad Gateway</title></html>")
        if isinstance(fault, int):
            return JSONResponse({"status": False, "message": "Try again later"}, fault)
        if not self._sandbox.is_key(request.headers.get("authorization", "")):
            return JSONResponse({"status": False, "message": "Invalid key"}, 401)
        try:
            answer = JSONResponse({"status": True, **act(request, await _sent(request))})
        except Refused as reason:
            body = {"status": False, "message": reason.message, "type": "validation_error"}
            answer = JSONResponse({**body, "code": reason.code}, reason.status)
        if fault is None:
            return answer
        return await self._spoilt(request, answer, fault)

    async def _spoilt(self, request: Request, answer: Response, fault: Fault) -> Response:
        """Return an answer that comes late or breaks off."""
        if getattr(request.state, "without_socket", False):
            raise httpx2.ReadTimeout("") if fault == "timeout" else httpx2.ReadError("")
        if fault == "timeout":
            await asyncio.sleep(self._sandbox.hold_seconds)
            return answer
        return _BrokenOff(answer.body)


class _BrokenOff(PlainTextResponse):
    """The first half of an answer; then the connection ends."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})


class _Checkout:
    """The page on which a customer pays."""

    def __init__(self, sandbox: Account) -> None:
        self._sandbox = sandbox

    async def show(self, request: Request) -> Response:
        found = self._found(request)
        if found is None:
            return _page("<p>There is nothing to pay here.</p>", HTTPStatus.NOT_FOUND)
        if found.paid_at is not None:
            return _page(f"<p>{html.escape(found.reference)} is paid.</p>")
        amount = f"{found.currency} {found.amount // 100:,}.{found.amount % 100:02}"
        return _page(_BUTTONS.format(amount=amount, reference=html.escape(found.reference)))

    async def pay(self, request: Request) -> Response:
        found = self._found(request)
        if found is None:
            return _page("<p>There is nothing to pay here.</p>", HTTPStatus.NOT_FOUND)
        if found.paid_at is None:
            has_failed = request.query_params.get("status") == "failed"
            self._sandbox.pay(found.reference, status="failed" if has_failed else "success")
            self._sandbox.deliver_later()
        if not found.callback_url:
            return _page("<p>Thank you.</p>")
        query = urlencode({"trxref": found.reference, "reference": found.reference})
        joint = "&" if urlsplit(found.callback_url).query else "?"
        return RedirectResponse(f"{found.callback_url}{joint}{query}", HTTPStatus.SEE_OTHER)

    def _found(self, request: Request) -> Transaction | None:
        try:
            return self._sandbox.ledger.find_by_code(request.path_params["access_code"])
        except Refused:
            return None


def _page(content: str, status: int = HTTPStatus.OK) -> Response:
    return HTMLResponse(_PAGE.format(content=content), status)


async def _sent(request: Request) -> dict[str, Any]:
    """Return the fields of a body, JSON or form; raises Refused."""
    octets = await request.body()
    if not octets:
        return {}
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(octets.decode()))
    try:
        read = json.loads(octets)
    except ValueError:
        raise Refused(400, "Invalid JSON") from None
    return read if isinstance(read, dict) else {}
