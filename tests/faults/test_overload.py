"""More requests than the service will queue: it says so at once, and sells what it accepted."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import AsyncExitStack, closing, contextmanager
from itertools import cycle
from typing import TYPE_CHECKING, Final

import httpx2
import psycopg

from tests.faults.proof import settle
from tests.faults.register import prepare
from tests.faults.rounds import rounds_on_either
from tests.faults.vending import VendingService
from tests.support.http import point_of_sale
from vending_api.kit.committer import MAX_WAITING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.faults.tills import Book

_TOO_MANY: Final = 76
_TILLS: Final = 16
"""A client looks through all its connections for each request, so a thousand are shared out."""
_NO_LIMIT: Final = httpx2.Limits(max_connections=None)
_PATIENCE: Final = {"FAULTS_STATEMENT_TIMEOUT_MS": "60000", "FAULTS_BUSY_TIMEOUT_MS": "60000"}
"""The lock is held for as long as it takes to ask so often, which a busy machine decides."""


@rounds_on_either(1, 10)
def test_what_is_too_much_is_turned_down_at_once_and_all_else_is_sold(
    rounds: int, book: Book, url: str, tmp_path: Path
) -> None:
    prepare(book, url)
    with VendingService(url, tmp_path, faults=_PATIENCE) as service:
        for number in range(rounds):
            with point_of_sale(service.address) as http:
                first = book.new_purchase()  # it also makes the credentials known
                book.record(first, book.buy(http, first))
            asyncio.run(_ask_too_often(book, service.address, url))
            assert book.counts["answered 503"] == _TOO_MANY * (number + 1)
            settle(book, url, service.address)


async def _ask_too_often(book: Book, address: str, database_url: str) -> None:
    """Ask for more than is queued while nothing can be sold, then let it be sold."""
    async with AsyncExitStack() as stack:
        tills = [
            await stack.enter_async_context(
                httpx2.AsyncClient(base_url=address, trust_env=False, timeout=100, limits=_NO_LIMIT)
            )
            for _ in range(_TILLS)
        ]
        next_till = cycle(tills)

        async def ask(purchase_id: str) -> tuple[str, httpx2.Response]:
            answer = await next(next_till).post(
                f"/tokenPurchases/{purchase_id}",
                json=book.request(purchase_id, purchase_id),
                auth=book.credentials(purchase_id),
            )
            return purchase_id, answer

        wanted = [book.new_purchase() for _ in range(MAX_WAITING + _TOO_MANY)]
        with _nothing_can_be_sold(database_url) as let_sell:
            answers = asyncio.as_completed([ask(purchase_id) for purchase_id in wanted])
            for number, coming in enumerate(answers, start=1):
                purchase_id, answer = await coming
                book.record(purchase_id, answer)
                is_too_much = number <= _TOO_MANY
                assert answer.status_code == (503 if is_too_much else 201), answer.text
                assert answer.headers.get("Retry-After") == ("1" if is_too_much else None)
                if number == _TOO_MANY:
                    let_sell()


@contextmanager
def _nothing_can_be_sold(database_url: str) -> Iterator[Callable[[], None]]:
    """Hold a lock that every sale needs, until the end of the block or until told."""
    if database_url.startswith("sqlite"):
        with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as holder:
            holder.execute("BEGIN IMMEDIATE")
            yield holder.rollback
        return
    plain = database_url.replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(plain) as connection:
        connection.execute("LOCK TABLE message IN EXCLUSIVE MODE")
        yield connection.rollback
