"""Whatever is killed while sales go on, no answered sale is lost and no token is made twice.

Each test of this folder has a short run for every day and a long one, `pytest -m faults`. What is
asked and when it is hit are drawn from a fixed seed; what comes first is up to the machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.faults.proof import require_answers_kept, settle
from tests.faults.register import prepare
from tests.faults.rounds import is_thorough, rounds, wait_a_random_moment, wait_for_sales
from tests.faults.tills import selling, send_and_reset
from tests.faults.vending import VendingService

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.tills import Book
    from tests.support.postgres import PostgresServer

_RESETS_A_ROUND: Final = 30
_RESET_WAIT_MICROSECONDS: Final = 8_000


@rounds(1, 100)
def test_killing_the_service_or_resetting_connections_loses_no_sale(
    rounds: int, book: Book, sqlite_url: str, tmp_path: Path
) -> None:
    prepare(book, sqlite_url)
    with VendingService(sqlite_url, tmp_path) as service:
        for number in range(rounds):
            with selling(book, service.address):
                wait_for_sales(book)
                for _ in range(_RESETS_A_ROUND):
                    pause = book.chance.randrange(_RESET_WAIT_MICROSECONDS)
                    send_and_reset(book, service.address, pause / 1_000_000)
                wait_a_random_moment(book)
                service.kill()
            book.counts["kills of the service"] += 1
            service.start()
            settle(book, sqlite_url, service.address, is_thorough=is_thorough(number, rounds))


@rounds(2, 120)
def test_killing_the_database_or_a_worker_loses_no_sale(
    rounds: int, book: Book, durable_postgres: PostgresServer, tmp_path: Path
) -> None:
    url = durable_postgres.create_database("vending")
    prepare(book, url)
    with VendingService(url, tmp_path, workers=2) as service:
        for number in range(rounds):
            with selling(book, service.address):
                wait_for_sales(book)
                wait_a_random_moment(book)
                if number % 2:
                    service.kill_a_worker(book.chance.randrange(2))
                    book.counts["kills of a worker"] += 1
                else:
                    durable_postgres.kill()
                    durable_postgres.start()
                    book.counts["kills of PostgreSQL"] += 1
                    require_answers_kept(book, url)
                wait_a_random_moment(book)
            service.wait_for_all_workers()
            settle(book, url, service.address, is_thorough=is_thorough(number, rounds))


def test_a_worker_that_begins_while_the_database_is_away_says_so_in_a_line(
    book: Book, durable_postgres: PostgresServer, tmp_path: Path
) -> None:
    url = durable_postgres.create_database("away")
    prepare(book, url)
    with VendingService(url, tmp_path, workers=2) as service:
        durable_postgres.stop()
        service.kill_a_worker(0)
        service.wait_for_line("worker_not_started")
        durable_postgres.start()
        service.wait_for_all_workers()
        assert "Traceback" not in service.log
