"""Which application serves an address, and that each answers what nobody expected."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx2
import pytest

from tests.support.http import CREDENTIALS, PLAIN, message
from tests.support.request_log import captured
from tests.web.raw import body_of, head, status_of, told
from vending_api.main import ELECTRUM_PATH
from vending_api.web.doors import Doors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Receive, Scope, Send
    from structlog.testing import LogCapture

TOKEN_PURCHASE: Final = f"{ELECTRUM_PATH}/tokenPurchases/p-1"


@pytest.fixture(scope="module")
def caller(address: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(
        base_url=address,
        auth=CREDENTIALS,
        headers={"X-Request-Id": "mine", "Connection": "close"},
        trust_env=False,
        timeout=60,
        verify=PLAIN,
    ) as client:
        yield client


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> LogCapture:
    return captured(monkeypatch)


@dataclass(frozen=True)
class Trouble:
    """A request, what breaks under it, and how that is answered and counted."""

    method: str
    path: str
    breaks: str
    status: int
    said: dict[str, Any]
    operation: str


TROUBLES: Final = [
    Trouble(
        "POST",
        TOKEN_PURCHASE,
        "vending_api.surfaces.electrum.mapping.commands.to_sell",
        500,
        {
            "errorType": "GENERAL_ERROR",
            "errorMessage": "Internal error",
            "requestType": "TOKEN_PURCHASE_REQUEST",
            "id": "p-1",
        },
        "createTokenPurchaseRequest",
    ),
    Trouble(
        "GET",
        "/api/options",
        "vending_api.surfaces.crestflow.mapping.people.options",
        500,
        {"message": "Server Error"},
        "options",
    ),
    Trouble(
        "POST",
        "/paystack/webhook",
        "vending_api.surfaces.paystack.routes.is_signed",
        503,
        {"status": False, "message": "Try again later"},
        "paystack_webhook",
    ),
]


@pytest.mark.parametrize("trouble", TROUBLES, ids=[one.path for one in TROUBLES])
def test_what_nobody_expected_of_a_surface_is_answered_guarded_and_logged_once(
    caller: httpx2.Client, monkeypatch: pytest.MonkeyPatch, log: LogCapture, trouble: Trouble
) -> None:
    monkeypatch.setattr(trouble.breaks, _broken)
    answer = caller.request(trouble.method, trouble.path, json=message(id="p-1"))
    assert (answer.status_code, answer.json()) == (trouble.status, trouble.said)
    assert answer.headers.get_list("X-Request-Id") == ["mine"]
    assert answer.headers.get_list("X-Content-Type-Options") == ["nosniff"]
    assert "no-store" in answer.headers["Cache-Control"]
    (line,) = log.entries
    assert (line["event"], line["request_id"]) == ("request_failed", "mine")
    assert (line["operation"], line["status"]) == (trouble.operation, trouble.status)


def test_what_nobody_expected_elsewhere_is_answered_and_logged_once(
    caller: httpx2.Client, monkeypatch: pytest.MonkeyPatch, log: LogCapture
) -> None:
    monkeypatch.setattr("vending_api.monitoring.metrics.generate_latest", _broken)
    answer = caller.get("/metrics")
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")
    (line,) = log.entries
    assert (line["operation"], line["status"]) == ("metrics", 500)


def test_the_log_says_nothing_of_an_error_that_was_expected(
    caller: httpx2.Client, log: LogCapture
) -> None:
    assert caller.post(TOKEN_PURCHASE, json={}).status_code == 400
    assert log.entries == []


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (f"{ELECTRUM_PATH}/nowhere", b"FUNCTION_NOT_SUPPORTED"),
        (f"{ELECTRUM_PATH}/", b"FUNCTION_NOT_SUPPORTED"),
        (f"{ELECTRUM_PATH}/tokenPurchases/p-1/", b"FUNCTION_NOT_SUPPORTED"),
        (f"{ELECTRUM_PATH}/%0A", b"FUNCTION_NOT_SUPPORTED"),
        ("/api/nowhere", b'{"message"'),
        ("/api/%0A", b'{"message"'),
        ("/paystack/nowhere", b'{"detail":"Not Found"}'),
        (ELECTRUM_PATH, b"Not Found"),
        (f"{ELECTRUM_PATH}4/tokenPurchases/p-1", b"Not Found"),
        (f"/{TOKEN_PURCHASE}", b"Not Found"),
        ("/api", b"Not Found"),
        ("/nowhere", b"Not Found"),
        ("/healthz/", b"Not Found"),
        ("/%0A", b"Not Found"),
        ("/", b"Not Found"),
    ],
)
def test_what_nobody_serves_is_said_by_whose_address_it_is(
    address: str, path: str, said: bytes
) -> None:
    answered = told(address, head("GET", path, "Connection: close"))
    assert status_of(answered) == 404
    assert said in body_of(answered)
    assert b"x-content-type-options: nosniff" in answered
    assert b"x-request-id: " in answered


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", TOKEN_PURCHASE), ("PUT", "/api/login"), ("GET", "/paystack/webhook")],
)
def test_a_method_that_is_not_offered_is_405(address: str, method: str, path: str) -> None:
    answered = told(address, head(method, path, "Connection: close"))
    assert status_of(answered) == 405
    assert b"allow: POST" in answered
    assert b"x-request-id: " in answered


@pytest.mark.parametrize("path", [TOKEN_PURCHASE, "/api/user", "/healthz", "/nowhere"])
def test_nobody_speaks_over_websockets(address: str, path: str) -> None:
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    upgrade = ("Upgrade: websocket", "Connection: Upgrade, close", "Sec-WebSocket-Version: 13", key)
    assert status_of(told(address, head("GET", path, *upgrade))) != 101


def test_each_is_entered_by_its_path_and_the_rest_elsewhere() -> None:
    entered: list[tuple[str, dict[str, Any]]] = []

    def room(name: str) -> Any:
        async def app(scope: Scope, _: Receive, __: Send) -> None:
            entered.append((name, dict(scope)))

        return app

    doors = Doors({"/a": room("a"), "/a/b": room("never"), "/b": room("b")}, room("elsewhere"))
    asked: list[dict[str, Any]] = [
        {"type": "http", "path": "/a/b/c", "root_path": ""},
        {"type": "websocket", "path": "/b/", "root_path": ""},
        {"type": "http", "path": "/b", "root_path": ""},
        {"type": "http", "path": "/bb/a/", "root_path": ""},
        {"type": "lifespan"},
    ]
    for scope in asked:
        asyncio.run(doors(dict(scope), None, None))  # type: ignore[arg-type]  # nobody speaks
    assert entered == [
        ("a", asked[0] | {"root_path": "/a"}),
        ("b", asked[1] | {"root_path": "/b"}),
        ("elsewhere", asked[2]),
        ("elsewhere", asked[3]),
        ("elsewhere", asked[4]),
    ]


def _broken(*_: object, **__: object) -> Any:
    raise LookupError("what nobody expected")
