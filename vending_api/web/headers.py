"""Headers that every answer carries for browsers and caches, unless it has its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ALWAYS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    # Answers hold tokens, credit and names.
    (b"cache-control", b"no-store"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
_OVER_TLS: Final = (b"strict-transport-security", b"max-age=31536000")


class GuardedAnswers:
    """An application whose answers say what browsers and caches may do with them."""

    def __init__(self, app: ASGIApp, *, over_tls: bool) -> None:
        """`over_tls` says that this service itself speaks TLS, and nothing else."""
        self._app = app
        self._added = (*_ALWAYS, _OVER_TLS) if over_tls else _ALWAYS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        added = self._added

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = message["headers"]
                names = {name for name, _ in own}
                message["headers"] = [*own, *(one for one in added if one[0] not in names)]
            await send(message)

        await self._app(scope, receive, send_guarded)
