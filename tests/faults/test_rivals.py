"""Several processes, on machines whose clocks differ, sell for one meter, client and terminal."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import pytest

from tests.faults.clock import Clock
from tests.faults.postgres import deadlocks
from tests.faults.proof import settle
from tests.faults.register import pay_in, prepare
from tests.faults.rounds import is_thorough, rounds, wait_for_losses, wait_for_sales
from tests.faults.tills import CLIENTS, METERS, PRICE_MINOR, TERMINALS, digits_of, selling
from tests.faults.vending import VendingService
from tests.support.http import point_of_sale

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import httpx2

    from tests.faults.tills import Book
    from tests.support.postgres import PostgresServer

_SALES_PAID_FOR: Final = 60
_TWINS_A_ROUND: Final = 12
_AHEAD: Final = timedelta(days=45)


pytestmark = pytest.mark.faults  # ten processes begin; fewer rivals are in every run elsewhere


@pytest.fixture(scope="module")
def hosts(
    shared_postgres_url: str, shared_book: Book, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[VendingService, ...]]:
    """Give two services of two workers each on one database, one of them weeks ahead."""
    prepare(shared_book, shared_postgres_url, deposit_minor=_SALES_PAID_FOR * PRICE_MINOR)
    folder = tmp_path_factory.mktemp("hosts")
    faults = []
    for number, offset in enumerate((timedelta(0), _AHEAD)):
        clock = Clock(folder / f"clock-{number}")
        clock.set(offset)
        faults.append({"FAULTS_CLOCK": str(clock.file)})
    with (
        VendingService(shared_postgres_url, folder, workers=2, faults=faults[0]) as one,
        VendingService(shared_postgres_url, folder, workers=2, faults=faults[1]) as other,
    ):
        yield one, other


@pytest.fixture
def book(shared_book: Book) -> Book:
    """Give the book of all tests of this file, for whatever meters, clients and terminals."""
    shared_book.clients, shared_book.meters = CLIENTS, tuple(METERS)
    shared_book.terminals, shared_book.is_credit_scarce = TERMINALS, False
    return shared_book


@rounds(1, 40)
def test_four_processes_at_one_meter_and_one_credit_sell_to_the_last_cent_and_no_further(
    rounds: int,
    book: Book,
    hosts: Sequence[VendingService],
    shared_postgres_url: str,
    postgres_server: PostgresServer,
) -> None:
    one, other = hosts
    client = CLIENTS[0]
    book.is_credit_scarce, book.clients = True, (client,)
    before = deadlocks(postgres_server)
    for number in range(rounds):
        # In turn: all share one of everything; or many meters, so that locks could form rings.
        is_narrow = number % 2 == 0
        book.meters = ("TST001",) if is_narrow else tuple(METERS)
        book.terminals = TERMINALS[:1] if is_narrow else TERMINALS
        refused = book.counts["refused for lack of credit"]
        with selling(book, one.address, other.address):
            wait_for_losses(book)  # the credit is used up
            pay_in(book, shared_postgres_url, client, _SALES_PAID_FOR * PRICE_MINOR)
            wait_for_sales(book)
            wait_for_losses(book, 12)
        # Who is turned down is turned down because there is nothing left, and for nothing else.
        assert len(book.open) == book.counts["refused for lack of credit"] - refused
        sold = sum(book.purchases[purchase_id].client == client for purchase_id in book.answered)
        assert sold * PRICE_MINOR == book.deposits[client]
        pay_in(book, shared_postgres_url, client, len(book.open) * PRICE_MINOR)
        settle(book, shared_postgres_url, other.address, is_thorough=is_thorough(number, rounds))
    book.counts["deadlocks that were retried"] = deadlocks(postgres_server) - before


@rounds(1, 40)
def test_two_hosts_that_get_the_same_purchase_at_once_sell_it_once(
    rounds: int, book: Book, hosts: Sequence[VendingService], shared_postgres_url: str
) -> None:
    one, other = hosts
    ways = [(book.buy, book.buy), (book.buy, book.retry), (book.retry, book.retry)]
    for number in range(rounds):
        for name in CLIENTS:
            pay_in(book, shared_postgres_url, name, _TWINS_A_ROUND * PRICE_MINOR)
        with (
            point_of_sale(one.address) as here,
            point_of_sale(other.address) as there,
            ThreadPoolExecutor(2) as threads,
        ):
            for twin in range(_TWINS_A_ROUND):
                purchase_id = book.new_purchase()
                first, second = ways[twin % len(ways)]
                asked = [
                    threads.submit(first, here, purchase_id),
                    threads.submit(second, there, purchase_id),
                ]
                _record_twins(book, purchase_id, [one.result() for one in asked])
        settle(book, shared_postgres_url, one.address, is_thorough=is_thorough(number, rounds))
    assert book.counts["twins with the same tokens"]
    assert book.counts["twins turned down as known"]


def _record_twins(book: Book, purchase_id: str, answers: Sequence[httpx2.Response]) -> None:
    """Note what two requests brought: the same tokens, or one of them that the id is known."""
    tokens = {digits_of(answer) for answer in answers if answer.status_code in {200, 201}}
    assert len(tokens) == 1, [answer.text for answer in answers]
    (book.answered[purchase_id],) = tokens
    others = [answer for answer in answers if answer.status_code not in {200, 201}]
    assert all(answer.json()["errorType"] == "DUPLICATE_RECORD" for answer in others)
    book.counts["twins turned down as known" if others else "twins with the same tokens"] += 1
