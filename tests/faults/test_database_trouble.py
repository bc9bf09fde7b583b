"""PostgreSQL drops connections, others hold its locks, statements run out of time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import pytest

from tests.faults.postgres import connections_at_work, deadlocks, name_of, terminate
from tests.faults.proof import require_answers_kept, settle
from tests.faults.register import prepare
from tests.faults.rounds import (
    is_thorough,
    rounds,
    wait_a_random_moment,
    wait_for_losses,
    wait_for_sales,
)
from tests.faults.tills import CLIENTS, METERS, selling
from tests.faults.vending import VendingService

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from tests.faults.tills import Book
    from tests.support.postgres import PostgresServer

_TERMINATED_A_ROUND: Final = 30
_PAUSE_MS: Final = 40
_STATEMENT_TIMEOUT_MS: Final = "300"
_DEADLOCK_TIMEOUT_MS: Final = 100
"""Longer than a ring takes to close, so that it is the service that notices."""
_RINGS_A_ROUND: Final = 2
_RING_SECONDS: Final = 0.05
_LOCKS: Final = {
    "a meter": "SELECT 1 FROM meter WHERE external_id = 'TST001' FOR UPDATE",
    "a credit": "SELECT 1 FROM credit WHERE client_key = 1 FOR UPDATE",
    "all sales": "LOCK TABLE sale IN EXCLUSIVE MODE",
    "all ids": "LOCK TABLE message IN EXCLUSIVE MODE",
}


@pytest.fixture(scope="module")
def service(
    shared_book: Book,
    postgres_server: PostgresServer,
    shared_postgres_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[VendingService]:
    """Give a service of two workers that soon gives a statement up."""
    prepare(shared_book, shared_postgres_url)
    with postgres_server.connect() as connection:
        name = name_of(shared_postgres_url)
        connection.execute(f"ALTER DATABASE {name} SET deadlock_timeout = {_DEADLOCK_TIMEOUT_MS}")
        # Also for processes that the service starts, which know nothing of what tests change.
        connection.execute(f"ALTER DATABASE {name} SET lock_timeout = {_STATEMENT_TIMEOUT_MS}")
    faults = {"FAULTS_STATEMENT_TIMEOUT_MS": _STATEMENT_TIMEOUT_MS}
    folder = tmp_path_factory.mktemp("trouble")
    with VendingService(shared_postgres_url, folder, workers=2, faults=faults) as service:
        yield service


@pytest.fixture
def book(shared_book: Book) -> Book:
    """Give the book of all tests of this file, for whatever meters and clients."""
    shared_book.clients, shared_book.meters = CLIENTS, tuple(METERS)
    return shared_book


@rounds(1, 40)
def test_dropped_connections_lose_no_sale(
    rounds: int,
    book: Book,
    service: VendingService,
    postgres_server: PostgresServer,
    shared_postgres_url: str,
) -> None:
    for number in range(rounds):
        with selling(book, service.address):
            wait_for_sales(book)
            wanted = book.counts["dropped connections"] + _TERMINATED_A_ROUND
            while book.counts["dropped connections"] < wanted:
                for pid in connections_at_work(postgres_server, name_of(shared_postgres_url)):
                    book.counts["dropped connections"] += terminate(postgres_server, pid)
                wait_a_random_moment(book, _PAUSE_MS)
            require_answers_kept(book, shared_postgres_url)
            wait_for_sales(book)
        settle(book, shared_postgres_url, service.address, is_thorough=is_thorough(number, rounds))


@rounds(1, 40)
def test_a_lock_held_elsewhere_for_longer_than_a_statement_may_take_loses_no_sale(
    rounds: int,
    book: Book,
    service: VendingService,
    postgres_server: PostgresServer,
    shared_postgres_url: str,
) -> None:
    for number in range(rounds):
        what = [*_LOCKS][number % len(_LOCKS)]
        refused = book.counts["answered 503"]
        with selling(book, service.address):
            wait_for_sales(book)
            name = name_of(shared_postgres_url)
            with postgres_server.connect(name) as other, other.transaction():
                other.execute("SET lock_timeout = 0")
                other.execute(_LOCKS[what])
                wait_for_losses(book)
            book.counts[f"locks of {what}"] += 1
            wait_for_sales(book)
        assert book.counts["answered 503"] > refused
        settle(book, shared_postgres_url, service.address, is_thorough=is_thorough(number, rounds))


@pytest.mark.faults
@rounds(1, 40)
def test_deadlocks_with_somebody_else_lose_no_sale(
    rounds: int,
    book: Book,
    service: VendingService,
    postgres_server: PostgresServer,
    shared_postgres_url: str,
) -> None:
    """Somebody else locks first what the service locks last: PostgreSQL ends one of the two."""
    book.clients, book.meters = CLIENTS[:1], ("TST001",)
    with postgres_server.connect(name_of(shared_postgres_url)) as other:
        other.execute("SET deadlock_timeout = '10s'; SET lock_timeout = 0")
        for number in range(rounds):
            with selling(book, service.address):
                before = deadlocks(postgres_server)
                while deadlocks(postgres_server) < before + _RINGS_A_ROUND:
                    wait_for_sales(book)
                    _lock_the_other_way_round(other)
                book.counts["deadlocks"] += deadlocks(postgres_server) - before
            settle(
                book, shared_postgres_url, service.address, is_thorough=is_thorough(number, rounds)
            )


def _lock_the_other_way_round(other: psycopg.Connection[tuple[object, ...]]) -> None:
    with other.transaction():
        other.execute(_LOCKS["a credit"])
        time.sleep(_RING_SECONDS)  # until a sale holds the meter and waits for the credit
        other.execute(_LOCKS["a meter"])
