"""Fixtures and settings that every test may use."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING, cast
from uuid import uuid4

import pytest
from hypothesis import is_hypothesis_test, settings

from tests.support import hashes
from tests.support.copies import PostgresCopies, SqliteCopies
from tests.support.postgres import PostgresServer
from tests.support.service import prepared_engine
from vending_api.settings import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

# What the environment configures is somebody's installation; tests say what they need themselves.
for _name in [name for name in os.environ if name.startswith(PREFIX)]:
    del os.environ[_name]

# In CI the same commit always gives the same answer; at home every run searches anew. Neither has a
# deadline, because a busy machine is not a fault of the code.
settings.register_profile("dev", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as `branches` the tests that reach every branch of engine and tariffs; see the README.

    What draws its examples is none of them: what is reached must not hang on what is drawn.
    """
    for item in items:
        if not item.nodeid.startswith(("tests/sts/", "tests/tariffs/")):
            continue
        is_drawn = is_hypothesis_test(getattr(item, "obj", None))
        if not is_drawn and item.get_closest_marker("costly") is None:
            item.add_marker("branches")


def pytest_collection_finish() -> None:
    """Leave the thousands of collected tests out of every later search for garbage.

    Else an eighth of the time is spent on looking at them again.
    """
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _quick_hashes() -> Iterator[None]:
    """Hash passwords at the least cost, or hundreds of tests wait for what is slow on purpose."""
    with hashes.quick():
        yield


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Give the run's PostgreSQL, started for the first test that asks and stopped at the end.

    It does not wait for the disk (`durable=False`); tests that crash a server start their own.
    """
    with PostgresServer(durable=False) as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """Give the SQLAlchemy URL of a new empty PostgreSQL database, dropped after the test."""
    name = f"test_{uuid4().hex}"
    yield postgres_server.create_database(name)
    postgres_server.drop_database(name)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Give the SQLAlchemy URL of an SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'vending.db'}"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Run the test twice, on an empty database of SQLite and of PostgreSQL."""
    return cast("str", request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(scope="session")
def prepared_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an SQLite file with schema and demo register, to be copied."""
    path = tmp_path_factory.mktemp("prepared") / "vending.db"
    prepared_engine(f"sqlite:///{path}").dispose()
    return path


@pytest.fixture(scope="session")
def prepared_postgres(postgres_server: PostgresServer) -> str:
    """Give the name of a PostgreSQL database with schema and demo register, to be copied."""
    name = "prepared"
    prepared_engine(postgres_server.create_database(name)).dispose()
    return name


@pytest.fixture(scope="session")
def postgres_copies(
    postgres_server: PostgresServer, prepared_postgres: str
) -> Iterator[PostgresCopies]:
    """Give what lends copies of that database."""
    copies = PostgresCopies(postgres_server, prepared_postgres)
    yield copies
    copies.close()


@pytest.fixture(scope="session")
def sqlite_copies(prepared_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> SqliteCopies:
    """Give what lends copies of that file."""
    return SqliteCopies(prepared_sqlite, tmp_path_factory.mktemp("copies"))


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Give a database of either kind with the schema of the migrations and the demo's register.

    A test leaves nothing behind on it but rows: no listeners, no threads, no settings of a session.
    """
    copies: SqliteCopies | PostgresCopies = request.getfixturevalue(f"{request.param}_copies")
    with copies.lent() as lent:
        yield lent
