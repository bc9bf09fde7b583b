"""Who says nothing any more: the host of the database, its server, and one that holds locks."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import pytest

from tests.faults.far_host import CannotMakeHosts, FarHost
from tests.faults.postgres import hanging, name_of, pausing
from tests.faults.proof import require_answers_kept, settle
from tests.faults.register import prepare
from tests.faults.rounds import (
    is_thorough,
    rounds,
    wait_a_random_moment,
    wait_for_losses,
    wait_for_sales,
)
from tests.faults.tills import CLIENTS, PASSWORD, selling
from tests.faults.vending import VendingService
from tests.support.http import get, message, point_of_sale
from tests.support.postgres import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.faults.tills import Book

_IMPATIENT: Final = {"FAULTS_SILENCE_MS": "1500"}
"""After so long tests give up who says nothing; 15 to 60 seconds as shipped."""
_LONGEST_SILENCE_MS: Final = 4_000
_DATABASE: Final = "vending"
_HELD_SECONDS: Final = 0.3
"""No statement takes so long, so what is still in a transaction was stopped between two."""
_TRIES: Final = 100
_STRANGERS: Final = 40
_TOLD_WITHIN_SECONDS: Final = 20
"""Far more than waiting and a check may take, and less than twenty pairs of checks do."""


@pytest.fixture
def far_host() -> Iterator[FarHost]:
    """Give another host, where this process may make one."""
    try:
        with FarHost() as host:
            yield host
    except CannotMakeHosts as reason:
        pytest.skip(f"no other host can be made here: {reason}")


@pytest.fixture
def far_server(far_host: FarHost) -> Iterator[PostgresServer]:
    """Give a PostgreSQL on that host; its unix socket is here, whatever becomes of the cable."""
    server = PostgresServer(durable=False, listens_on=far_host.address)
    try:
        far_host.do_there(server.start)
        yield server
    finally:
        server.close()


@rounds(1, 20)
def test_a_host_that_falls_silent_loses_no_sale(
    rounds: int, book: Book, far_host: FarHost, far_server: PostgresServer, tmp_path: Path
) -> None:
    near_url = far_server.create_database(_DATABASE)
    prepare(book, near_url)
    url = f"postgresql+psycopg://postgres@{far_host.address}/{_DATABASE}"
    with VendingService(url, tmp_path, faults=_IMPATIENT) as service:
        _sell_through(rounds, book, service, near_url, far_host.silent)


@rounds(1, 20)
def test_a_server_that_hangs_loses_no_sale(
    rounds: int,
    book: Book,
    postgres_server: PostgresServer,
    postgres_url: str,
    tmp_path: Path,
) -> None:
    prepare(book, postgres_url)
    with VendingService(postgres_url, tmp_path, faults=_IMPATIENT) as service:
        _sell_through(rounds, book, service, postgres_url, partial(hanging, postgres_server))


@rounds(1, 20)
def test_locks_of_a_host_that_falls_silent_are_let_go(
    rounds: int,
    book: Book,
    postgres_server: PostgresServer,
    postgres_url: str,
    tmp_path: Path,
) -> None:
    book.clients, book.meters = CLIENTS[:1], ("TST001",)
    url = postgres_url
    prepare(book, url)
    with (
        VendingService(url, tmp_path, faults=_IMPATIENT) as first,
        VendingService(url, tmp_path, faults=_IMPATIENT) as other,
    ):
        for number in range(rounds):
            with selling(book, first.address):
                wait_for_sales(book)
                with (
                    _silent_with_locks(first, postgres_server, name_of(url)),
                    selling(book, other.address),
                ):
                    wait_for_sales(book)
                    require_answers_kept(book, url)
                wait_for_sales(book)
            book.counts["locks held in silence"] += 1
            settle(book, url, other.address, is_thorough=is_thorough(number, rounds))


def _sell_through(
    rounds: int,
    book: Book,
    service: VendingService,
    database_url: str,
    silence: Callable[[], AbstractContextManager[None]],
) -> None:
    """Let the database fall silent while sales go on, again and again: none may be lost."""
    for number in range(rounds):
        with selling(book, service.address):
            wait_for_sales(book)
            with silence():
                wait_for_losses(book)
                assert get(service.at("/healthz")).status_code == 200
                assert get(service.at("/readyz")).status_code == 503
                _ask_as_strangers(book, service)
                wait_a_random_moment(book, _LONGEST_SILENCE_MS)
                wait_for_losses(book)
            wait_for_sales(book)
            require_answers_kept(book, database_url)
        book.counts["silences"] += 1
        settle(book, database_url, service.address, is_thorough=is_thorough(number, rounds))
    assert book.counts["unanswered"] == 0


def _ask_as_strangers(book: Book, service: VendingService) -> None:
    """Ask as many whose passwords nobody has checked, all at once: each is told, and soon."""

    def asked(number: int) -> int:
        with point_of_sale(service.address, who=(f"stranger {number}", PASSWORD)) as stranger:
            stranger.timeout = _TOLD_WITHIN_SECONDS
            body = message()
            return stranger.post(f"/tokenPurchases/{body['id']}", json=body).status_code

    with ThreadPoolExecutor(_STRANGERS) as pool:
        assert set(pool.map(asked, range(_STRANGERS))) == {503}
    book.counts["strangers told in silence"] += _STRANGERS


@contextmanager
def _silent_with_locks(
    service: VendingService, server: PostgresServer, database: str
) -> Iterator[None]:
    """Stop a service in the midst of a transaction until the end of the block."""
    for _ in range(_TRIES):
        service.suspend()
        time.sleep(_HELD_SECONDS)
        if pausing(server, database):
            break
        service.resume()
        time.sleep(_HELD_SECONDS)
    else:
        pytest.fail("it was never stopped within a transaction")
    try:
        yield
    finally:
        service.resume()
