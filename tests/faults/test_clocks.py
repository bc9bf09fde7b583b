"""The clock is set forward and back while sales go on; identifiers and numbers only rise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from tests.faults.clock import Clock
from tests.faults.proof import settle
from tests.faults.register import prepare
from tests.faults.rounds import is_thorough, rounds_on_either, wait_for_sales
from tests.faults.tills import selling
from tests.faults.vending import VendingService
from vending_api.domain.sales.tables import SALE
from vending_api.kit.db import open_database

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.tills import Book

_STEPS: Final = (
    timedelta(0),
    timedelta(seconds=90),
    timedelta(seconds=-90),
    timedelta(days=400),  # another month, and another year of invoices
    timedelta(hours=-25),
    timedelta(days=-400),
    timedelta(days=3),
    timedelta(minutes=-1),
)
_LOOKED_FOR: Final = timedelta(days=300)


@rounds_on_either(1, 15)
def test_setting_the_clock_forward_and_back_makes_no_token_twice(
    rounds: int, book: Book, url: str, tmp_path: Path
) -> None:
    clock = Clock(tmp_path / "clock")
    clock.set(timedelta(0))
    prepare(book, url)
    with VendingService(url, tmp_path, faults={"FAULTS_CLOCK": str(clock.file)}) as service:
        for number in range(rounds):
            with selling(book, service.address):
                for step in _STEPS:
                    clock.set(step)
                    book.counts["settings of the clock"] += 1
                    wait_for_sales(book)
                service.kill()  # what is open is asked for again at another time
            clock.set(book.chance.choice(_STEPS))
            service.start()
            settle(book, url, service.address, is_thorough=is_thorough(number, rounds))
    first, last = _times_of_sales(url)
    assert first < datetime.now(UTC) - _LOOKED_FOR
    assert last > datetime.now(UTC) + _LOOKED_FOR


def _times_of_sales(database_url: str) -> tuple[datetime, datetime]:
    engine = open_database(database_url, connections=1)
    at = SALE.c.received_at
    with engine.connect() as connection:
        first, last = connection.execute(select(func.min(at), func.max(at))).one()
    engine.dispose()
    return first, last
