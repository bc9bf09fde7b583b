"""Between the commit and the answer connections break, on either side of the service."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final

from tests.faults.proof import settle
from tests.faults.register import prepare
from tests.faults.relay import Cut, Relay
from tests.faults.rounds import is_thorough, rounds, wait_for_losses
from tests.faults.tills import selling
from tests.faults.vending import VendingService
from vending_api.cli.serving import LOOPBACK
from vending_api.main import ELECTRUM_PATH

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.faults.tills import Book
    from tests.support.postgres import PostgresServer

_LOSSES_A_ROUND: Final = 18


class _Fate:
    """Cuts one in so many of the requests that a mark is in, as chance has it."""

    def __init__(self, book: Book, cuts: Sequence[Cut], mark: bytes, one_in: int) -> None:
        self.is_over = False
        self._book: Final = book
        self._cuts: Final = cuts
        self._mark: Final = mark
        self._one_in: Final = one_in

    def __call__(self, piece: bytes) -> Cut | None:
        with self._book.lock:
            if self.is_over or self._mark not in piece or self._book.chance.randrange(self._one_in):
                return None
            cut = self._book.chance.choice(self._cuts)
            self._book.counts[f"cut {cut.value}"] += 1
            return cut

    def require_all(self) -> None:
        """Make sure that there was each kind of cut."""
        assert all(self._book.counts[f"cut {cut.value}"] for cut in self._cuts)


@rounds(1, 30)
def test_what_is_sold_while_points_of_sale_lose_their_connections_is_sold_once(
    rounds: int, book: Book, sqlite_url: str, tmp_path: Path
) -> None:
    prepare(book, sqlite_url)
    fate = _Fate(book, [*Cut], b"POST ", one_in=4)
    with (
        VendingService(sqlite_url, tmp_path) as service,
        Relay(lambda: socket.create_connection((LOOPBACK, service.port)), fate) as relay,
    ):
        for number in range(rounds):
            with selling(book, f"http://{LOOPBACK}:{relay.port}{ELECTRUM_PATH}"):
                wait_for_losses(book, _LOSSES_A_ROUND)
            settle(book, sqlite_url, service.address, is_thorough=is_thorough(number, rounds))
    fate.require_all()
    assert book.counts["sold without an answer"]


@rounds(1, 30)
def test_what_is_committed_while_the_service_loses_its_database_is_sold_once(
    rounds: int, book: Book, postgres_server: PostgresServer, postgres_url: str, tmp_path: Path
) -> None:
    prepare(book, postgres_url)
    fate = _Fate(book, [Cut.BEFORE, Cut.UNANSWERED], b"COMMIT", one_in=8)
    with (
        Relay(lambda: _connect(postgres_server), fate) as relay,
        VendingService(_through(relay, postgres_url), tmp_path) as service,
    ):
        for number in range(rounds):
            fate.is_over = False
            with selling(book, service.address):
                wait_for_losses(book, _LOSSES_A_ROUND)
            fate.is_over = True
            settle(book, postgres_url, service.address, is_thorough=is_thorough(number, rounds))
    fate.require_all()
    assert book.counts["answered 500"]
    assert book.counts["sold without an answer"]


def _connect(server: PostgresServer) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(server.folder / ".s.PGSQL.5432"))
    return connection


def _through(relay: Relay, url: str) -> str:
    """Return the address of a database of the server, by way of a relay to it."""
    name = url.partition("@/")[2].partition("?")[0]
    return f"postgresql+psycopg://postgres@{LOOPBACK}:{relay.port}/{name}?sslmode=disable"
