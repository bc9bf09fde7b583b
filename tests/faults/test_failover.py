"""The server that writes is gone, and the one that followed it takes its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.faults.proof import require_answers_kept, settle
from tests.faults.register import prepare
from tests.faults.rounds import wait_for_losses, wait_for_sales
from tests.faults.standby import following, promote
from tests.faults.tills import selling
from tests.faults.vending import VendingService
from tests.support.postgres import PostgresServer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.tills import Book

_DATABASE: Final = "vending"


@pytest.mark.faults
@pytest.mark.parametrize("number", range(3))
def test_a_failover_loses_no_sale(number: int, book: Book, tmp_path: Path) -> None:
    with PostgresServer(durable=True) as primary:
        prepare(book, primary.create_database(_DATABASE))
        with following(primary) as standby:
            both = f"host={primary.folder}&host={standby.folder}&target_session_attrs=read-write"
            url = f"postgresql+psycopg://postgres@/{_DATABASE}?{both}"
            with (
                VendingService(url, tmp_path, workers=1 + number % 2) as service,
                selling(book, service.address),
            ):
                wait_for_sales(book)
                primary.kill()
                wait_for_losses(book)
                promote(standby)
                wait_for_sales(book)
                require_answers_kept(book, standby.url(_DATABASE))
            with VendingService(standby.url(_DATABASE), tmp_path) as service:
                settle(book, standby.url(_DATABASE), service.address)
    book.counts["failovers"] += 1
