"""A body that is too long is answered in the words of its door, before anything is read of it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from starlette.responses import Response

from tests.web.raw import body_of, head, status_of, told
from vending_api.surfaces.crestflow.reading import MAX_BODY_OCTETS as MOST_OF_CONSUMERS
from vending_api.surfaces.electrum.reading import MAX_BODY_OCTETS as MOST_OF_POINTS_OF_SALE
from vending_api.surfaces.paystack.routes import MAX_BODY_OCTETS as MOST_OF_WEBHOOKS
from vending_api.web.bodies import LimitedBodies

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from starlette.types import Receive, Scope, Send

ELECTRUM = "/prepaidutility/v3/tokenPurchases/p-1"
TILL = "Authorization: Basic dGVzdDp0ZXN0"
TOO_LONG_MESSAGE = {
    "errorType": "FORMAT_ERROR",
    "errorMessage": "Message is too long",
    "requestType": "TOKEN_PURCHASE_REQUEST",
    "id": "p-1",
}
DOORS = [
    (ELECTRUM, MOST_OF_POINTS_OF_SALE, TOO_LONG_MESSAGE),
    ("/api/login", MOST_OF_CONSUMERS, {"message": "Payload Too Large"}),
    ("/paystack/webhook", MOST_OF_WEBHOOKS, {"status": False, "message": "Too long"}),
    ("/metrics", 4096, None),
    ("/nowhere", 4096, None),
]


@pytest.mark.parametrize(("path", "most", "said"), DOORS, ids=[door[0] for door in DOORS])
def test_a_length_that_is_announced_is_refused_unread(
    address: str, path: str, most: int, said: Any
) -> None:
    # Nothing follows the head: an answer that waited for the body would not come.
    answered = told(address, head("POST", path, f"Content-Length: {most + 1}"))
    assert status_of(answered) == 413
    assert b"connection: close" in answered
    assert b"x-content-type-options: nosniff" in answered
    assert (json.loads(body_of(answered)) if body_of(answered) else None) == said


@pytest.mark.parametrize(("path", "most"), [door[:2] for door in DOORS])
def test_a_body_of_the_largest_size_reaches_its_door(address: str, path: str, most: int) -> None:
    request = head("POST", path, f"Content-Length: {most}", "Connection: close")
    assert status_of(told(address, request, b" " * most)) != 413


@pytest.mark.parametrize(("path", "most", "said"), DOORS[:3], ids=[door[0] for door in DOORS[:3]])
def test_a_body_in_chunks_is_counted_and_its_rest_is_not_read(
    address: str, path: str, most: int, said: Any
) -> None:
    chunk = f"{most + 1:x}\r\n".encode() + b" " * (most + 1) + b"\r\n"
    answered = told(address, head("POST", path, TILL, "Transfer-Encoding: chunked"), chunk)
    assert status_of(answered) == 413
    assert b"connection: close" in answered
    assert json.loads(body_of(answered)) == said


def test_who_may_not_ask_is_not_read_to_the_end(address: str) -> None:
    answered = told(address, head("POST", ELECTRUM, "Transfer-Encoding: chunked"), b"1\r\nx\r\n")
    assert status_of(answered) == 401
    assert b"connection: close" in answered


def test_a_body_in_chunks_that_is_read_keeps_its_connection(address: str) -> None:
    post = head("POST", "/api/login", "Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n\r\n"
    answered = told(address, post, head("GET", "/healthz", "Connection: close"))
    assert answered.count(b"HTTP/1.1 ") == 2
    assert status_of(answered) == 422


@pytest.mark.parametrize(
    ("length", "status"),
    [
        ("0", 204),
        ("5", 204),
        ("6", 413),
        ("-1", 413),
        ("", 413),
        ("five", 413),
        ("0000000000000000005", 413),
        ("9" * 5000, 413),
    ],
)
def test_only_a_number_that_is_small_enough_is_a_length(length: str, status: int) -> None:
    assert _answered([(b"content-length", length.encode())]) == status


def test_what_announces_nothing_is_served() -> None:
    assert _answered([(b"x", b"y")]) == 204


def _answered(headers: list[tuple[bytes, bytes]]) -> int:
    """Return the status that an application of at most 5 octets answers with."""
    statuses: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await Response(status_code=204)(scope, receive, send)

    async def receive() -> MutableMapping[str, Any]:
        raise AssertionError("nothing is read")

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    limited = LimitedBodies(app, most_octets=5, too_long=lambda _: Response(status_code=413))
    asyncio.run(limited({"type": "http", "headers": headers}, receive, send))
    return statuses[0]
