"""Whatever is killed while sales go on, no answered sale is lost and no token is made twice.

Each test has a short run for every day and a long one, `pytest -m faults`. What is asked and when
it is killed are drawn from a fixed seed; what comes first is up to the machine.
"""

from __future__ import annotations

import random
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import pytest

from tests.faults.proof import (
    require_answers_kept,
    require_everything,
    require_refusals_true,
)
from tests.faults.tills import Book, selling, send_and_reset
from tests.faults.vending import VendingService
from tests.support.postgres import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SEED: Final = 20_261_121
_LONGEST_WAIT_MS: Final = 700
_RESETS_A_ROUND: Final = 30
_RESET_WAIT_MICROSECONDS: Final = 8_000
_ROUNDS_BETWEEN_PROOFS: Final = 5
_SALES_BEFORE_A_FAULT: Final = 20
_SALES_LIMIT_SECONDS: Final = 30
_LONG: Final = (pytest.mark.faults, pytest.mark.timeout(3_600))


def _rounds(short: int, long: int) -> pytest.MarkDecorator:
    """Run a test for so many rounds, and for more when asked for."""
    return pytest.mark.parametrize(
        "rounds", [pytest.param(short, id="short"), pytest.param(long, id="long", marks=_LONG)]
    )


@pytest.fixture
def book() -> Iterator[Book]:
    """Give the book of all points of sale, and print its counts at the end."""
    book = Book(random.Random(_SEED))  # noqa: S311 (the same each time is what is wanted)
    yield book
    counts = ", ".join(f"{count} {what}" for what, count in sorted(book.counts.items()))
    sys.stdout.write(f"\n{counts}\n")


@_rounds(1, 100)
def test_killing_the_service_or_resetting_connections_loses_no_sale(
    rounds: int, book: Book, sqlite_url: str, tmp_path: Path
) -> None:
    with VendingService(sqlite_url, tmp_path) as service:
        for number in range(rounds):
            with selling(book, service):
                _wait_for_sales(book)
                for _ in range(_RESETS_A_ROUND):
                    pause = book.chance.randrange(_RESET_WAIT_MICROSECONDS)
                    send_and_reset(book, service, pause / 1_000_000)
                _wait_a_random_moment(book)
                service.kill()
            book.counts["kills of the service"] += 1
            service.start()
            _settle(book, service, number)
        require_everything(book, sqlite_url)


@_rounds(2, 120)
def test_killing_the_database_or_a_worker_loses_no_sale(
    rounds: int, book: Book, tmp_path: Path
) -> None:
    with _durable_postgres() as (server, url), VendingService(url, tmp_path, workers=2) as service:
        for number in range(rounds):
            with selling(book, service):
                _wait_for_sales(book)
                _wait_a_random_moment(book)
                if number % 2:
                    service.kill_a_worker(book.chance.randrange(2))
                    book.counts["kills of a worker"] += 1
                else:
                    server.kill()
                    server.start()
                    book.counts["kills of PostgreSQL"] += 1
                    require_answers_kept(book, url)
                _wait_a_random_moment(book)
            service.wait_for_all_workers()
            _settle(book, service, number)
        require_everything(book, url)


def _settle(book: Book, service: VendingService, number: int) -> None:
    """Retry what is open, then prove that no answer was lost; every few rounds, everything."""
    require_refusals_true(book, service.database_url)
    book.retry_open(service.address)
    if number % _ROUNDS_BETWEEN_PROOFS == _ROUNDS_BETWEEN_PROOFS - 1:
        require_everything(book, service.database_url)
    else:
        require_answers_kept(book, service.database_url)


def _wait_for_sales(book: Book) -> None:
    """Return when points of sale are at full speed, so that a fault meets them there."""
    wanted = len(book.answered) + _SALES_BEFORE_A_FAULT
    limit = time.monotonic() + _SALES_LIMIT_SECONDS
    while len(book.answered) < wanted:
        assert time.monotonic() < limit, "nothing is sold"
        time.sleep(0.01)


def _wait_a_random_moment(book: Book) -> None:
    time.sleep(book.chance.randrange(_LONGEST_WAIT_MS) / 1_000)


@contextmanager
def _durable_postgres() -> Iterator[tuple[PostgresServer, str]]:
    """Give a server that survives being killed, and an empty database on it."""
    with PostgresServer(durable=True) as server:
        yield server, server.create_database("vending")
