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
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

import httpx2

from tests.support.http import message, point_of_sale
from vending_api.cli.serving import LOOPBACK

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

METERS: Final = {"TST001": 1, "TST003": 3, "TST004": 4, "TST010": 10}
"""Meters that a purchase leaves as they were, with their serials."""
TOKENS: Final = {"TST001": 1, "TST003": 2, "TST004": 1, "TST010": 1}
"""How many tokens a purchase of each brings."""
CLIENTS: Final = ("test", "test-2", "test-3")
"""Who sells: several, because a process lets the sales of one client take turns."""
TERMINALS: Final = ("TILL0000", "TILL0001", "TILL0002")
PRICE_MINOR: Final = 10_000
"""What each purchase costs."""
PASSWORD: Final = "test"
RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER on, for no time: closing the socket resets the connection."""

_TILLS: Final = 6
_PAUSE_SECONDS: Final = 0.3
_REFUSED_FOR_CREDIT: Final = "INSUFFICIENT_FUNDS"


class Purchase(NamedTuple):
    """What a point of sale asks for, each time with the same words."""

    client: str
    meter: str
    terminal: str


@dataclass
class Book:
    """What points of sale know of their purchases."""

    chance: random.Random
    clients: tuple[str, ...] = CLIENTS
    meters: tuple[str, ...] = tuple(METERS)
    terminals: tuple[str, ...] = TERMINALS
    is_credit_scarce: bool = False
    """Whether a refusal for lack of credit is an honest answer."""
    purchases: dict[str, Purchase] = field(default_factory=dict)
    answered: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The digits that a purchase brought, for each that was answered so."""
    open: list[str] = field(default_factory=list)
    """Purchases whose outcome is not known yet."""
    not_done: list[str] = field(default_factory=list)
    """Those of them that were answered 503 or refused, which says that nothing was done."""
    deposits: Counter[str] = field(default_factory=Counter)
    """What each client has paid in, in minor units."""
    counts: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def new_purchase(self) -> str:
        """Return the id of a purchase, of a meter, client and terminal drawn at random."""
        with self.lock:
            purchase_id = self._draw_id()
            draw = self.chance.choice
            self.purchases[purchase_id] = Purchase(
                draw(self.clients), draw(self.meters), draw(self.terminals)
            )
        return purchase_id

    def request(self, purchase_id: str, message_id: str) -> dict[str, Any]:
        """Return a message about a purchase."""
        purchase = self.purchases[purchase_id]
        body = message(id=message_id, meter={"meterId": purchase.meter})
        body["originator"]["terminalId"] = purchase.terminal
        return body

    def buy(self, http: httpx2.Client, purchase_id: str) -> httpx2.Response:
        """Ask for a purchase for the first time."""
        body = self.request(purchase_id, purchase_id)
        return http.post(
            f"/tokenPurchases/{purchase_id}", json=body, auth=self.credentials(purchase_id)
        )

    def retry(self, http: httpx2.Client, purchase_id: str) -> httpx2.Response:
        """Ask for a purchase again."""
        with self.lock:
            body = self.request(purchase_id, self._draw_id())
            self.counts["retries"] += 1
        path = f"/tokenPurchases/{purchase_id}/retry"
        return http.post(path, json=body, auth=self.credentials(purchase_id))

    def credentials(self, purchase_id: str) -> tuple[str, str]:
        """Return with whose name and password a purchase is asked for."""
        return self.purchases[purchase_id].client, PASSWORD

    def record(self, purchase_id: str, answer: httpx2.Response | None) -> None:
        """Note what came of a purchase: tokens, or nothing that can be relied on."""
        with self.lock:
            if answer is not None and answer.status_code == httpx2.codes.CREATED:
                self.counts["sales answered"] += 1
                self.answered[purchase_id] = digits_of(answer)
                return
            self.open.append(purchase_id)
            if answer is None:
                self.counts["unanswered"] += 1
                return
            if self.is_credit_scarce and _error_type(answer) == _REFUSED_FOR_CREDIT:
                self.counts["refused for lack of credit"] += 1
            else:
                assert _leaves_open(answer), answer.text
                self.counts[f"answered {answer.status_code}"] += 1
            if answer.status_code in {400, 503}:
                self.not_done.append(purchase_id)

    def retry_open(self, address: str) -> None:
        """Retry every purchase without an answer until it has one, and then once more."""
        with point_of_sale(address) as http:
            for purchase_id in self.open:
                first = self.retry(http, purchase_id)
                assert first.status_code in {200, 201}, first.text
                self.answered[purchase_id] = digits_of(first)
                assert digits_of(self.retry(http, purchase_id)) == digits_of(first)
        self.open.clear()
        self.not_done.clear()

    def _draw_id(self) -> str:
        return f"{self.chance.getrandbits(128):032x}"


def _leaves_open(answer: httpx2.Response) -> bool:
    """Tell whether a point of sale must ask again; any other 500 would be a fault of ours."""
    if answer.status_code == httpx2.codes.INTERNAL_SERVER_ERROR:
        return _error_type(answer) == "OUTCOME_UNKNOWN"
    return answer.status_code in {503, 504}


def _error_type(answer: httpx2.Response) -> str:
    return str(answer.json()["errorType"])


def digits_of(answer: httpx2.Response) -> tuple[str, ...]:
    """Return the tokens of an answer."""
    return tuple(token["token"] for token in answer.json()["tokens"])


@contextmanager
def selling(book: Book, *addresses: str) -> Iterator[None]:
    """Sell from several points of sale at once until the end of the block."""
    is_enough = threading.Event()
    failures: list[BaseException] = []

    def keep_selling(address: str) -> None:
        try:
            with point_of_sale(address) as http:
                while not is_enough.is_set():
                    _buy(book, http)
        except BaseException as error:  # noqa: BLE001 (raised again where the test sees it)
            failures.append(error)

    tills = [
        threading.Thread(target=keep_selling, args=(address,))
        for address in islice(cycle(addresses), _TILLS)
    ]
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
    try:
        answer = book.buy(http, purchase_id)
    except httpx2.TransportError:
        answer = None
    book.record(purchase_id, answer)
    if purchase_id not in book.answered:
        time.sleep(_PAUSE_SECONDS)


def send_and_reset(book: Book, address: str, pause_seconds: float) -> None:
    """Ask for a purchase and reset the connection without reading what comes."""
    purchase_id = book.new_purchase()
    body = json.dumps(book.request(purchase_id, purchase_id)).encode()
    credentials = base64.b64encode(":".join(book.credentials(purchase_id)).encode()).decode()
    where = urlsplit(address)
    head = (
        f"POST {where.path}/tokenPurchases/{purchase_id} HTTP/1.1\r\n"
        f"Host: {LOOPBACK}\r\nAuthorization: Basic {credentials}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((LOOPBACK, where.port)) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        connection.sendall(head.encode() + body)
        time.sleep(pause_seconds)
    book.counts["resets"] += 1
    book.record(purchase_id, None)
