"""The least that a durable sale can be: a purchase is read through its model, stored, and returned.

One thread stores up to 64 purchases in each transaction of SQLite, and answers go out when that is
on the disk. There is no client, no tariff, no token, no number, no credit, no log and no slip. Its
rate says what a machine could do at most; see `limits.py`.
"""

# FastAPI reads annotations at run time, so there is no `from __future__ import annotations`.

import asyncio
import os
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from queue import Empty, SimpleQueue
from typing import Final

from fastapi import FastAPI

from benchmarks.servers import BARE_DATABASE
from vending_api.surfaces.electrum.wire.messages import PurchaseRequest

_MOST: Final = 64

_Waiting = tuple[PurchaseRequest, asyncio.Future[None]]

_waiting: Final[SimpleQueue[_Waiting | None]] = SimpleQueue()


def durable(path: str) -> closing[sqlite3.Connection]:
    """Open a file of SQLite in which what is committed is on the disk, as the service does."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    return closing(database)


def store(path: str, loop: asyncio.AbstractEventLoop) -> None:
    """Store what waits, group by group, until there is a None."""
    with durable(path) as database:
        database.execute("CREATE TABLE sale (id TEXT PRIMARY KEY, meter TEXT, amount INTEGER)")
        while (first := _waiting.get()) is not None:
            group = [first, *_more()]
            database.execute("BEGIN IMMEDIATE")
            for message, _ in group:
                database.execute("SAVEPOINT one")
                row = (message.id, message.meter.meter_id, message.purchase_amount.amount)
                database.execute("INSERT INTO sale VALUES (?, ?, ?)", row)
                database.execute("RELEASE one")
            database.execute("COMMIT")
            loop.call_soon_threadsafe(_answer, group)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Have purchases stored until the end of the block."""
    loop = asyncio.get_running_loop()
    thread = threading.Thread(target=store, args=(os.environ[BARE_DATABASE], loop))
    thread.start()
    try:
        yield
    finally:
        _waiting.put(None)
        thread.join()


app: Final = FastAPI(openapi_url=None, lifespan=lifespan)


@app.post("/prepaidutility/v3/tokenPurchases/{purchase_id}", status_code=201)
async def sell(message: PurchaseRequest) -> PurchaseRequest:
    """Return the purchase once it is stored."""
    stored = asyncio.get_running_loop().create_future()
    _waiting.put((message, stored))
    await stored
    return message


def _more() -> list[_Waiting]:
    """Return what else waits and fits into the group."""
    more: list[_Waiting] = []
    while len(more) < _MOST - 1:
        try:
            one = _waiting.get_nowait()
        except Empty:
            break
        if one is None:  # the end, after this group
            _waiting.put(None)
            break
        more.append(one)
    return more


def _answer(group: list[_Waiting]) -> None:
    for _, stored in group:
        if not stored.done():  # whoever asked may have gone
            stored.set_result(None)
