"""A point of sale for tests, and the service behind a real socket."""

from __future__ import annotations

import ssl
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import httpx2
import uvicorn
from pydantic import SecretStr

from tests.support.prepared import prepare_once
from vending_api.cli.serving import LOOPBACK, listen, prepare_demo_database, server_config
from vending_api.main import ELECTRUM_PATH, create_app, utc_now
from vending_api.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

CREDENTIALS: Final = ("test", "test")
PLAIN: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients that speak no TLS: to load the certificates of the machine takes each 25 ms."""


def get(address: str, *, seconds: float = 30, **more: Any) -> httpx2.Response:
    """Return what is answered at an address without TLS."""
    return httpx2.get(address, trust_env=False, timeout=seconds, verify=PLAIN, **more)


def message(**changes: Any) -> dict[str, Any]:
    """Return a purchase of R100 for TST001 as a point of sale sends it, with `changes`."""
    body: dict[str, Any] = {
        "id": str(uuid4()),
        "time": "2026-11-21T12:00:00.123Z",
        "originator": {
            "institution": {"id": "1", "name": "Shop"},
            "terminalId": "TILL0001",
            "merchant": {
                "merchantType": "5411",
                "merchantId": "SHOP00000000001",
                "merchantName": {"name": "Shop", "city": "Durban", "region": "KN", "country": "ZA"},
            },
        },
        "client": {"id": "test", "name": "Point of sale"},
        "thirdPartyIdentifiers": [{"institutionId": "1", "transactionIdentifier": "42"}],
        "meter": {"meterId": "TST001"},
        "purchaseAmount": {"amount": 10_000, "currency": "710"},
    }
    return body | changes


def _with_demo(database_url: str) -> None:
    prepare_demo_database(Settings(database_url=SecretStr(database_url), demo=True))


@contextmanager
def serving(
    database_url: str, *, now: Callable[[], datetime] = utc_now, **settings: Any
) -> Iterator[str]:
    """Serve the demo on a free port of loopback, and give the address of the interface."""
    configured = Settings(database_url=SecretStr(database_url), demo=True, **settings)
    prepare_once(database_url, _with_demo)
    listener = listen(LOOPBACK, 0)
    server = uvicorn.Server(server_config(create_app(configured, now=now)))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        yield f"http://{LOOPBACK}:{listener.getsockname()[1]}{ELECTRUM_PATH}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def point_of_sale(address: str, *, who: tuple[str, str] = CREDENTIALS) -> httpx2.Client:
    """Return a client of the interface, with the demo's credentials unless it is somebody else."""
    return httpx2.Client(base_url=address, auth=who, trust_env=False, timeout=60, verify=PLAIN)


def async_point_of_sale(address: str) -> httpx2.AsyncClient:
    """Return an asynchronous client of the interface with the demo's credentials."""
    return httpx2.AsyncClient(
        base_url=address, auth=CREDENTIALS, trust_env=False, timeout=60, verify=PLAIN
    )
