"""The worker signs the token log in time, alone or beside others, and never in the way of sales."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from tests.domain.sealing import prover
from tests.online.shop import open_shop
from tests.support.selling import sell
from tests.support.service import NOON, purchase
from vending_api.domain.token_log import evidence
from vending_api.domain.token_log.canonical import digest_of_checkpoint
from vending_api.domain.token_log.repository import all_checkpoints
from vending_api.kit.signatures import SigningKey, write_new_signing_key
from vending_api.main import create_app
from vending_api.online.checkpoints import Checkpoints
from vending_api.settings import Settings, SettingsInvalid

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, MutableMapping
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.online.shop import Shop
    from vending_api.domain.token_log.types import Checkpoint


@pytest.fixture
def signer(tmp_path: Path) -> SigningKey:
    return write_new_signing_key(tmp_path / "log.key", chance=b"\1" * 32)


@asynccontextmanager
async def _signing_shop(engine: Engine, signer: SigningKey) -> AsyncIterator[Shop]:
    """Open a shop whose worker has a signing key."""
    async with open_shop(engine) as shop:
        online = shop.online
        world = replace(online._world, signer=signer)
        online.checkpoints = Checkpoints(online._records, world)
        yield shop


def _checkpoints(engine: Engine) -> list[Checkpoint]:
    with engine.connect() as connection:
        return list(all_checkpoints(connection))


def _holds(engine: Engine, signer: SigningKey) -> bool:
    with engine.connect() as connection:
        breaks = evidence.prove(connection, prover(signer), NOON, on_row=lambda: None)
        return list(breaks) == []


def test_a_checkpoint_is_made_every_hour_where_something_was_sold(
    estate: Engine, signer: SigningKey, log_lines: list[MutableMapping[str, Any]]
) -> None:
    async def scenario() -> None:
        async with _signing_shop(estate, signer) as shop:
            made = shop.online.checkpoints.make_if_due
            sell(estate, purchase())
            await made()
            assert len(_checkpoints(estate)) == 1
            sell(estate, purchase())
            shop.clock.move(minutes=59)
            await made()
            assert len(_checkpoints(estate)) == 1
            shop.clock.move(minutes=1)
            await made()
            assert len(_checkpoints(estate)) == 2
            shop.clock.move(hours=1)
            await made()  # nothing was sold
            assert len(_checkpoints(estate)) == 2

    asyncio.run(scenario())
    assert _holds(estate, signer)
    told = [one for one in log_lines if one["event"] == "token_log_checkpoint"]
    assert [(one["number"], one["digest"]) for one in told] == [
        (one.number, digest_of_checkpoint(one)) for one in _checkpoints(estate)
    ]


def test_a_new_day_has_a_checkpoint_of_its_own(estate: Engine, signer: SigningKey) -> None:
    async def scenario() -> None:
        async with _signing_shop(estate, signer) as shop:
            shop.clock.move(hours=11, minutes=30)
            sell(estate, purchase())
            await shop.online.checkpoints.make_if_due()
            sell(estate, purchase())
            shop.clock.move(minutes=29)
            await shop.online.checkpoints.make_if_due()
            assert len(_checkpoints(estate)) == 1
            shop.clock.move(minutes=1)
            await shop.online.checkpoints.make_if_due()
            assert [one.made_at.day for one in _checkpoints(estate)] == [21, 22]

    asyncio.run(scenario())


def test_without_a_key_none_is_made(estate: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            sell(estate, purchase())
            await shop.online.checkpoints.make_if_due()

    asyncio.run(scenario())
    assert _checkpoints(estate) == []


def test_workers_that_sign_at_once_make_one(estate: Engine, signer: SigningKey) -> None:
    async def scenario() -> None:
        async with (
            _signing_shop(estate, signer) as one,
            _signing_shop(estate, signer) as other,
        ):
            sell(estate, purchase())
            await asyncio.gather(*(shop.online.checkpoints.make_if_due() for shop in (one, other)))

    asyncio.run(scenario())
    assert len(_checkpoints(estate)) == 1
    assert _holds(estate, signer)


def test_a_running_worker_makes_them(estate: Engine, signer: SigningKey) -> None:
    async def scenario() -> None:
        async with _signing_shop(estate, signer) as shop:
            sell(estate, purchase())
            running = asyncio.create_task(shop.worker.run())
            while not _checkpoints(estate):  # noqa: ASYNC110 (what is waited for tells nobody)
                await asyncio.sleep(0.01)
            shop.worker.stop()
            await running

    asyncio.run(scenario())
    assert _holds(estate, signer)


def test_a_service_that_leaves_the_work_to_a_worker_does_not_read_the_key(
    prepared_sqlite: Path, tmp_path: Path
) -> None:
    copy = shutil.copy(prepared_sqlite, tmp_path / "vending.db")
    settings = Settings(
        database_url=SecretStr(f"sqlite:///{copy}"), demo=True, log_key_file=tmp_path / "missing"
    )
    with pytest.raises(SettingsInvalid, match=r"VENDING_LOG_KEY_FILE: .* cannot be read"):
        create_app(settings)
    assert create_app(settings.model_copy(update={"background": False}))
