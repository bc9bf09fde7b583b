"""Whose word counts for the address of who asks."""

from __future__ import annotations

import threading
import time
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn

from tests.support.http import get
from vending_api.cli.serving import LOOPBACK, listen, server_config

if TYPE_CHECKING:
    from vending_api.settings import Networks


async def _says_who(scope: Any, _receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["client"][0].encode()})


def _heard(trusted: Networks) -> str:
    listener = listen(LOOPBACK, 0)
    server = uvicorn.Server(server_config(_says_who, trusted_proxies=trusted))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        address = f"http://{LOOPBACK}:{listener.getsockname()[1]}/"
        told = {"X-Forwarded-For": "203.0.113.7"}
        return get(address, headers=told).text
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.mark.parametrize(
    ("trusted", "address"),
    [
        ([], LOOPBACK),
        (["10.0.0.0/8"], LOOPBACK),
        (["127.0.0.1"], "203.0.113.7"),
        (["10.0.0.0/8", "127.0.0.0/8"], "203.0.113.7"),
    ],
)
def test_only_a_trusted_proxy_tells_who_asks(trusted: list[str], address: str) -> None:
    assert _heard(tuple(map(ip_network, trusted))) == address
