"""What tests of faults share: a book of all sales, and a PostgreSQL that may be hurt."""

from __future__ import annotations

import random
import sys
from typing import TYPE_CHECKING, Final, cast
from uuid import uuid4

import pytest

from tests.faults.tills import Book
from tests.support.postgres import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Iterator

_SEED: Final = 20_261_121


@pytest.fixture
def book(request: pytest.FixtureRequest) -> Iterator[Book]:
    """Give the book of all points of sale, and print its counts at the end."""
    yield from _kept(request.node.name)


@pytest.fixture(scope="module")
def shared_book(request: pytest.FixtureRequest) -> Iterator[Book]:
    """Give one book for all tests of a file, which share a service."""
    yield from _kept(request.node.name)


def _kept(name: str) -> Iterator[Book]:
    book = Book(random.Random(_SEED))  # noqa: S311 (the same each time is what is wanted)
    yield book
    counts = ", ".join(f"{count} {what}" for what, count in sorted(book.counts.items()))
    sys.stdout.write(f"\n{name}: {counts}\n")


@pytest.fixture(scope="module")
def shared_postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """Give the address of one empty database for all tests of a file."""
    name = f"test_{uuid4().hex}"
    yield postgres_server.create_database(name)
    postgres_server.drop_database(name)


@pytest.fixture
def url(kind: str, request: pytest.FixtureRequest) -> str:
    """Give the address of an empty database of the kind that the test is run for."""
    return cast("str", request.getfixturevalue(f"{kind}_url"))


@pytest.fixture
def durable_postgres() -> Iterator[PostgresServer]:
    """Give a server that survives being killed."""
    with PostgresServer(durable=True) as server:
        yield server
