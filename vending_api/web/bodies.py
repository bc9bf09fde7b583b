"""Bodies that are too long: answered before anything is read of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.requests import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LENGTH: Final = b"content-length"
_ENCODING: Final = b"transfer-encoding"
_MOST_DIGITS: Final = 18
_END: Final = (b"connection", b"close")


class LimitedBodies:
    """An application that no request reaches which announces a longer body than is read.

    A request that does not announce its length must be counted by whoever reads it; where that
    stops before the end, the connection ends with the answer, so that nobody sends on.
    """

    def __init__(
        self, app: ASGIApp, *, most_octets: int, too_long: Callable[[Request], Response]
    ) -> None:
        """`too_long` makes the answer of status 413."""
        self._app = app
        self._most_octets = most_octets
        self._too_long = too_long

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or answer that it is too long."""
        if scope["type"] == "http":
            for name, value in scope["headers"]:
                if name == _LENGTH:
                    if not _is_at_most(value, self._most_octets):
                        answer = self._too_long(Request(scope))
                        answer.raw_headers.append(_END)
                        await answer(scope, receive, send)
                        return
                elif name == _ENCODING:
                    receive, send = _ending(receive, send)
        await self._app(scope, receive, send)


def _is_at_most(length: bytes, most: int) -> bool:
    return length.isdigit() and len(length) <= _MOST_DIGITS and int(length) <= most


def _ending(receive: Receive, send: Send) -> tuple[Receive, Send]:
    """Return what ends the connection with an answer that comes before the end of the body."""
    is_over = False

    async def receive_and_note() -> Message:
        nonlocal is_over
        message = await receive()
        is_over = not message.get("more_body", False)
        return message

    async def send_and_end(message: Message) -> None:
        if message["type"] == "http.response.start" and not is_over:
            message["headers"] = [*message.get("headers", ()), _END]
        await send(message)

    return receive_and_note, send_and_end
