"""Every request has an id and is counted; only failures leave a line in the log."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from structlog.contextvars import get_contextvars

from tests.support.request_log import captured
from vending_api.monitoring.requests import WatchedRequests

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send
    from structlog.testing import LogCapture

Headers = list[tuple[bytes, bytes]]


class Route:
    operation_id = "sellSomething"


class Service:
    """An application that answers with a status, or raises, and what came of it."""

    def __init__(self, status: int = 200, *, raises: bool = False) -> None:
        self.status = status
        self.raises = raises
        self.seen: dict[str, Any] = {}
        self.counted: list[tuple[str, int, float]] = []
        self.sent: list[Message] = []
        self._seconds = 0.0

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        self.seen = get_contextvars()
        if scope["type"] != "http":
            return
        if scope["path"] == "/sell":
            scope["route"] = Route
        if self.raises:
            raise ValueError("broken")
        headers: Headers = [(b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"x"})

    def ask(self, headers: Headers | None = None, **scope: Any) -> None:
        async def receive() -> Message:
            raise AssertionError("nobody reads the request")

        async def send(message: Message) -> None:
            self.sent.append(message)

        def seconds() -> float:
            self._seconds += 0.25
            return self._seconds

        watched = WatchedRequests(
            self,
            answered=lambda *counted: self.counted.append(counted),
            new_id=lambda: "made-1",
            seconds=seconds,
        )
        asked = {"type": "http", "path": "/sell", "headers": headers or []} | scope
        asyncio.run(watched(asked, receive, send))

    @property
    def answered_id(self) -> bytes:
        headers: dict[bytes, bytes] = dict(self.sent[0]["headers"])
        return headers[b"x-request-id"]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> LogCapture:
    return captured(monkeypatch)


@pytest.mark.parametrize("sound", [b"a", b"A.b_c-9", b"x" * 64])
def test_a_sound_id_of_the_caller_is_kept(sound: bytes) -> None:
    service = Service()
    service.ask([(b"host", b"here"), (b"x-request-id", sound)])
    assert service.answered_id == sound
    assert service.seen == {"request_id": sound.decode()}
    assert dict(service.sent[0]["headers"])[b"content-type"] == b"text/plain"


@pytest.mark.parametrize(
    "unsound", [b"", b"x" * 65, b"a b", b"a\n", b'"', b"a/b", "é".encode(), b"\xff"]
)
def test_an_unsound_id_is_replaced(unsound: bytes) -> None:
    service = Service()
    service.ask([(b"x-request-id", unsound)])
    assert service.answered_id == b"made-1"
    assert service.seen == {"request_id": "made-1"}


def test_a_request_without_id_gets_one() -> None:
    service = Service()
    service.ask([(b"host", b"here")])
    assert service.answered_id == b"made-1"


@pytest.mark.parametrize("status", [200, 400, 401, 499])
def test_what_is_no_failure_of_ours_is_counted_and_not_logged(status: int, log: LogCapture) -> None:
    service = Service(status)
    service.ask()
    assert service.counted == [("sellSomething", status, 0.25)]
    assert log.entries == []


@pytest.mark.parametrize("status", [500, 503, 504])
def test_a_failure_is_one_line(status: int, log: LogCapture) -> None:
    service = Service(status)
    service.ask([(b"x-request-id", b"mine"), (b"authorization", b"Basic secret")])
    assert log.entries == [
        {
            "event": "request_failed",
            "log_level": "info",
            "request_id": "mine",
            "operation": "sellSomething",
            "status": status,
            "milliseconds": 250.0,
        }
    ]


def test_an_application_that_raises_counts_as_500_and_its_error_goes_on(log: LogCapture) -> None:
    service = Service(raises=True)
    with pytest.raises(ValueError, match="broken"):
        service.ask()
    assert service.counted == [("sellSomething", 500, 0.25)]
    assert [entry["status"] for entry in log.entries] == [500]


def test_an_address_that_nobody_serves_is_counted_without_its_text() -> None:
    service = Service(404)
    service.ask(path="/04000047110")
    assert service.counted == [("unknown", 404, 0.25)]


def test_a_plain_endpoint_is_counted_by_its_name() -> None:
    def readyz() -> None: ...

    service = Service()
    service.ask(path="/readyz", endpoint=readyz)
    assert service.counted == [("readyz", 200, 0.25)]


def test_what_is_no_request_passes_untouched() -> None:
    service = Service()
    service.ask(type="lifespan")
    assert (service.counted, service.sent, service.seen) == ([], [], {})
