"""A database whose clients sell from credit, so that each cent of every fault shows."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr
from sqlalchemy import select

from tests.faults.tills import CLIENTS, PASSWORD
from tests.support.service import NOON, writing
from vending_api.cli.serving import prepare_demo_database
from vending_api.domain.clients.service import change_client, register_client
from vending_api.domain.clients.tables import CLIENT
from vending_api.domain.clients.types import ClientTerms
from vending_api.domain.credit import service as credit
from vending_api.kit.db import open_database
from vending_api.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from tests.faults.tills import Book

_PLENTY_MINOR: Final = 10**12


def prepare(book: Book, database_url: str, *, deposit_minor: int = _PLENTY_MINOR) -> None:
    """Register the demo and the prepaid clients of the tests, each with a first deposit."""
    prepare_demo_database(Settings(database_url=SecretStr(database_url), demo=True))
    terms = ClientTerms(is_prepaid=True)
    with _writing(database_url) as connection:
        for name in CLIENTS:
            if (key := _key_of(connection, name)) is None:
                register_client(
                    connection, user_name=name, name=name, password=PASSWORD, terms=terms
                )
            else:
                change_client(connection, key, name=name, terms=terms)
    for name in CLIENTS:
        pay_in(book, database_url, name, deposit_minor)


def pay_in(book: Book, database_url: str, client: str, amount_minor: int) -> None:
    """Deposit a sum for a client, in a process that is none of the service's."""
    book.counts["deposits"] += 1
    with _writing(database_url) as connection:
        key = _key_of(connection, client)
        assert key is not None
        reference = f"payment {book.counts['deposits']}"
        credit.deposit(connection, key, amount_minor, reference=reference, note="", at=NOON)
    book.deposits[client] += amount_minor


def _key_of(connection: Connection, client: str) -> int | None:
    statement = select(CLIENT.c.key).where(CLIENT.c.user_name == client)
    return connection.execute(statement).scalar()


@contextmanager
def _writing(database_url: str) -> Iterator[Connection]:
    engine = open_database(database_url, connections=1)
    try:
        with writing(engine) as connection, connection.begin():
            yield connection
    finally:
        engine.dispose()
