"""An application that is served in a thread, on loopback, while a demo goes on in the terminal."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import uvicorn

from vending_api.cli.serving import server_config

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

_START_SECONDS: Final = 10


@contextmanager
def served(app: object, listener: socket.socket) -> Iterator[str]:
    """Serve an application, and give its address, until the end of the block."""
    server = uvicorn.Server(server_config(app))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        _wait_until_started(server, thread)
        host, port = listener.getsockname()
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise OSError("the demo's server did not start; the lines above say why")
        time.sleep(0.01)
