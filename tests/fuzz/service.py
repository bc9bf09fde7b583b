"""The whole service in this process, asked without a socket: what its HTTP server would call."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from pydantic import SecretStr

from tests.support.service import AdvancingClock
from vending_api.cli.serving import prepare_demo_database
from vending_api.main import create_app
from vending_api.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vending_api.web.doors import Doors

SECRET_KEY: Final = "sk_test_" + "4f" * 20


@dataclass(frozen=True)
class Answered:
    """What came back."""

    status: int
    body: bytes


class Service:
    """The demo on a database of its own, and the event loop that it runs in."""

    def __init__(self, app: Doors) -> None:
        """Take the application."""
        self._app = app

    async def post(
        self, path: str, body: bytes, headers: Sequence[tuple[bytes, bytes]], query: bytes = b""
    ) -> Answered:
        """Return the answer to a request; raises what the application raises."""
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode("utf-8", "replace"),
            "root_path": "",
            "query_string": query,
            "headers": [(b"content-length", b"%d" % len(body)), *headers],
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 8080),
            "state": {},
        }
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        return Answered(sent[0]["status"], b"".join(one.get("body", b"") for one in sent))


@contextmanager
def serving() -> Iterator[tuple[asyncio.Runner, Service]]:
    """Serve the demo, with a key of Paystack whose webhooks are taken, until the end."""
    with TemporaryDirectory() as folder, asyncio.Runner() as runner:
        settings = Settings(
            database_url=SecretStr(f"sqlite:///{Path(folder, 'vending.db')}"),
            demo=True,
            demo_timeout_seconds=0,
            background=False,
            public_url="http://localhost",
            paystack_secret_key=SecretStr(SECRET_KEY),
        )
        prepare_demo_database(settings)
        app = create_app(settings, now=AdvancingClock())
        said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        has_begun = asyncio.Event()

        async def hear(message: Any) -> None:
            if message["type"] == "lifespan.startup.complete":
                has_begun.set()

        async def live() -> None:
            said.put_nowait({"type": "lifespan.startup"})
            await app({"type": "lifespan"}, said.get, hear)

        async def begin() -> asyncio.Task[None]:
            task, begun = asyncio.create_task(live()), asyncio.create_task(has_begun.wait())
            await asyncio.wait({task, begun}, return_when=asyncio.FIRST_COMPLETED)
            begun.cancel()
            return task

        async def end(task: asyncio.Task[None]) -> None:
            said.put_nowait({"type": "lifespan.shutdown"})
            await task

        task = runner.run(begin())
        try:
            yield runner, Service(app)
        finally:
            runner.run(end(task))
