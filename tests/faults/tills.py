"""Points of sale that keep selling through faults, and remember what they were answered."""

from __future__ import annotations

import base64
import json
import socket
import struct
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx2

from tests.support.http import CREDENTIALS, message, point_of_sale
from vending_api.cli.serve import LOOPBACK
from vending_api.main import ELECTRUM_PATH

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from tests.faults.vending import VendingService

METERS: Final = {"TST001": 1, "TST003": 3, "TST004": 4, "TST010": 10}
"""Meters that a purchase leaves as they were, with their serials."""
TOKENS: Final = {"TST001": 1, "TST003": 2, "TST004": 1, "TST010": 1}
"""How many tokens a purchase of each brings."""

_TILLS: Final = 6
_PAUSE_SECONDS: Final = 0.3
_RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER on, for no time: closing the socket resets the connection."""


@dataclass
class Book:
    """What points of sale know of their purchases."""

    chance: random.Random
    meters: dict[str, str] = field(default_factory=dict)
    answered: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The digits that a purchase brought, for each that was answered so."""
    open: list[str] = field(default_factory=list)
    """Purchases whose outcome is not known yet."""
    not_done: list[str] = field(default_factory=list)
    """Those of them that were answered 503, which says that nothing was done."""
    counts: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def new_purchase(self) -> str:
        """Return the id of a purchase, of a meter drawn at random."""
        with self._lock:
            purchase_id = f"{self.chance.getrandbits(128):032x}"
            self.meters[purchase_id] = self.chance.choice([*METERS])
        return purchase_id

    def request(self, purchase_id: str, message_id: str) -> dict[str, Any]:
        """Return a message about a purchase."""
        body = message(id=message_id, meter={"meterId": self.meters[purchase_id]})
        body["originator"]["terminalId"] = f"TILL000{int(purchase_id, 16) % 3}"
        return body

    def record(self, purchase_id: str, answer: httpx2.Response | None) -> None:
        """Note what came of a purchase: tokens, or nothing that can be relied on."""
        with self._lock:
            if answer is None or _leaves_open(answer):
                self.counts["unanswered"] += 1
                self.open.append(purchase_id)
                if answer is not None and answer.status_code == httpx2.codes.SERVICE_UNAVAILABLE:
                    self.not_done.append(purchase_id)
                return
            assert answer.status_code == 201, answer.text
            self.counts["sales answered"] += 1
            self.answered[purchase_id] = digits_of(answer)

    def retry_open(self, address: str) -> None:
        """Retry every purchase without an answer until it has one, and then once more."""
        with point_of_sale(address) as http:
            for purchase_id in self.open:
                first = self._retry(http, purchase_id)
                self.answered[purchase_id] = first
                assert self._retry(http, purchase_id) == first
                self.counts["retries"] += 2
        self.open.clear()
        self.not_done.clear()

    def _retry(self, http: httpx2.Client, purchase_id: str) -> tuple[str, ...]:
        body = self.request(purchase_id, f"{self.chance.getrandbits(128):032x}")
        answer = http.post(f"/tokenPurchases/{purchase_id}/retry", json=body)
        assert answer.status_code in {200, 201}, answer.text
        return digits_of(answer)


def _leaves_open(answer: httpx2.Response) -> bool:
    """Tell whether a point of sale must ask again; any other 500 would be a fault of ours."""
    if answer.status_code == httpx2.codes.INTERNAL_SERVER_ERROR:
        return bool(answer.json()["errorType"] == "OUTCOME_UNKNOWN")
    return answer.status_code in {503, 504}


def digits_of(answer: httpx2.Response) -> tuple[str, ...]:
    """Return the tokens of an answer."""
    return tuple(token["token"] for token in answer.json()["tokens"])


@contextmanager
def selling(book: Book, service: VendingService) -> Iterator[None]:
    """Sell from several points of sale at once until the end of the block."""
    is_enough = threading.Event()
    failures: list[BaseException] = []

    def keep_selling() -> None:
        try:
            with point_of_sale(service.address) as http:
                while not is_enough.is_set():
                    _buy(book, http)
        except BaseException as error:  # noqa: BLE001 (raised again where the test sees it)
            failures.append(error)

    tills = [threading.Thread(target=keep_selling) for _ in range(_TILLS)]
    for till in tills:
        till.start()
    try:
        yield
    finally:
        is_enough.set()
        for till in tills:
            till.join()
    if failures:
        raise failures[0]


def _buy(book: Book, http: httpx2.Client) -> None:
    purchase_id = book.new_purchase()
    body = book.request(purchase_id, purchase_id)
    try:
        answer = http.post(f"/tokenPurchases/{purchase_id}", json=body)
    except httpx2.TransportError:
        answer = None
    book.record(purchase_id, answer)
    if purchase_id not in book.answered:
        time.sleep(_PAUSE_SECONDS)


def send_and_reset(book: Book, service: VendingService, pause_seconds: float) -> None:
    """Ask for a purchase and reset the connection without reading what comes."""
    purchase_id = book.new_purchase()
    body = json.dumps(book.request(purchase_id, purchase_id)).encode()
    credentials = base64.b64encode(":".join(CREDENTIALS).encode()).decode()
    head = (
        f"POST {ELECTRUM_PATH}/tokenPurchases/{purchase_id} HTTP/1.1\r\n"
        f"Host: {LOOPBACK}\r\nAuthorization: Basic {credentials}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((LOOPBACK, service.port)) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        connection.sendall(head.encode() + body)
        time.sleep(pause_seconds)
    book.counts["resets"] += 1
    book.record(purchase_id, None)
