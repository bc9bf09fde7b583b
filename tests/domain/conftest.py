"""A token log with checkpoints and who signs them; a database in which everything has happened."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.domain.eventful import use
from tests.domain.sealing import HOUR, append, found, seal
from tests.support.service import NOON, prepared_engine
from vending_api.kit.signatures import SigningKey, write_new_signing_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.support.postgres import PostgresServer


@pytest.fixture
def signer(tmp_path: Path) -> SigningKey:
    return write_new_signing_key(tmp_path / "log.key", chance=b"\1" * 32)


@pytest.fixture
def insider(tmp_path: Path) -> SigningKey:
    """Give the key of somebody who may do all in the database, but has not the real key."""
    return write_new_signing_key(tmp_path / "insider.key", chance=b"\2" * 32)


@pytest.fixture
def sealed(engine: Engine, signer: SigningKey) -> Engine:
    """Give a log of three chains, two checkpoints, and two rows that came after."""
    append(engine, "w", 1, 2, 3)
    append(engine, "v", 1, 2)
    seal(engine, signer)
    append(engine, "w", 4, 5)
    append(engine, "x", 1)
    seal(engine, signer, NOON + HOUR)
    append(engine, "w", 6, 7)
    assert found(engine, signer) == []
    return engine


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def used(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """Give a database in which everything has happened that may happen; nobody changes it."""
    name = f"used_{uuid4().hex}"
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('used') / 'vending.db'}"
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.create_database(name)
    engine = prepared_engine(url)
    use(engine)
    yield engine
    engine.dispose()
    if request.param == "postgres":
        server.drop_database(name)
