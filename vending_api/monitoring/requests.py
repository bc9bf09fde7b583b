"""Around every request: its id, what it is counted as, and a log line if it failed.

It is plain ASGI, because it stands in the path of every sale and is to cost microseconds.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import structlog
from structlog.contextvars import bind_contextvars

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADER: Final = b"x-request-id"
_SOUND: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_NO_OPERATION: Final = "unknown"
_SERVER_ERROR: Final = 500

_log = structlog.get_logger(__name__)


class WatchedRequests:
    """An application, with each of its requests given an id, timed and counted.

    The id is the caller's X-Request-Id if that is 1 to 64 letters, digits, dots, dashes and
    underscores, else a new one. It stands in the answer and in every log line of the request.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        answered: Callable[[str, int, float], None],
        new_id: Callable[[], str],
        seconds: Callable[[], float],
    ) -> None:
        """`answered` is told operation, status and seconds; `seconds` is a clock."""
        self._app = app
        self._answered = answered
        self._new_id = new_id
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _sound_id(scope["headers"]) or self._new_id()
        bind_contextvars(request_id=request_id)
        status = _SERVER_ERROR  # what is answered when the application raises before it answers

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (_HEADER, request_id.encode())]
            await send(message)

        began = self._seconds()
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            took = self._seconds() - began
            operation = _operation(scope)
            self._answered(operation, status, took)
            if status >= _SERVER_ERROR:
                _log.info(
                    "request_failed",
                    operation=operation,
                    status=status,
                    milliseconds=round(took * 1000, 1),
                )


def _sound_id(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    for name, value in headers:
        if name == _HEADER:
            return value.decode() if _SOUND.fullmatch(value) else None
    return None


def _operation(scope: Scope) -> str:
    """Return the name of what served a request; never anything that was sent."""
    name: str | None = getattr(scope.get("route"), "operation_id", None)
    return name or getattr(scope.get("endpoint"), "__name__", None) or _NO_OPERATION
