"""The worker looks for what is out of the ordinary, and tells of each alert once."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete

from tests.online.shop import open_shop
from tests.support.selling import meter_key, sell
from tests.support.service import NOON, purchase, writing
from vending_api.domain.reprints.tables import REPRINT
from vending_api.domain.token_log.tables import TOKEN_LOG
from vending_api.domain.watching import service
from vending_api.domain.watching.types import AlertKind
from vending_api.online.watching import _alerts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, MutableMapping
    from datetime import datetime

    import pytest
    from sqlalchemy import Engine

    from tests.online.shop import Shop

    Lines = list[MutableMapping[str, Any]]


@asynccontextmanager
async def _begun(engine: Engine) -> AsyncIterator[Shop]:
    """Give a shop whose first look is due."""
    async with open_shop(engine) as shop:
        shop.clock.move(minutes=1)
        yield shop


async def _look(*shops: Shop, **later: float) -> None:
    """Let workers look at the same moment, if it is time to."""
    for shop in shops:
        shop.clock.move(**later)
        shop.online.watching.look_if_due()
    looks = [shop.online.watching._under_way for shop in shops]
    await asyncio.gather(*(look for look in looks if look is not None))


def _spoil(engine: Engine) -> None:
    """Sell, and let the log not know of it."""
    sell(engine, purchase())
    with writing(engine) as connection, connection.begin():
        connection.execute(delete(TOKEN_LOG))


def _reprint(engine: Engine, at: datetime = NOON) -> None:
    """Hand out tokens of a meter again and again."""
    sale = sell(engine, purchase(received_at=at))
    with writing(engine) as connection, connection.begin():
        row = {
            "sale_key": sale.key,
            "meter_key": meter_key(connection),
            "client_key": 1,
            "terminal_id": "TILL0001",
            "day": at.date(),
            "received_at": at,
        }
        rows = [{**row, "reprint_id": f"{sale.key} {number}"} for number in range(6)]
        connection.execute(REPRINT.insert(), rows)


def _told(lines: Lines) -> list[tuple[Any, ...]]:
    return [(one["kind"], one["subject"], one["count"]) for one in lines if one["event"] == "alert"]


DIFFERENCE = ("difference", "token and log of test 710", 1)


def test_an_alert_is_told_once_by_one_of_several_workers(estate: Engine, log_lines: Lines) -> None:
    _spoil(estate)

    async def scenario() -> None:
        async with _begun(estate) as one, _begun(estate) as other:
            await _look(one, other)
            assert _told(log_lines) == [DIFFERENCE]
            await _look(one, other, minutes=15)
            assert _told(log_lines) == [DIFFERENCE]
            for shop in (one, other):
                assert shop.online.alerts()[AlertKind.DIFFERENCE] == 1
                assert shop.online.alerts()[AlertKind.UNITS] == 0

    asyncio.run(scenario())


def test_a_service_that_has_just_begun_lets_those_who_waited_go_first(
    estate: Engine, log_lines: Lines
) -> None:
    _spoil(estate)

    async def scenario() -> None:
        async with open_shop(estate) as shop:
            await _look(shop, seconds=59)
            assert _told(log_lines) == []
            await _look(shop, seconds=1)
            assert _told(log_lines) == [DIFFERENCE]

    asyncio.run(scenario())


def test_a_worker_looks_every_quarter_of_an_hour(estate: Engine, log_lines: Lines) -> None:
    async def scenario() -> None:
        async with _begun(estate) as shop:
            await _look(shop)
            _spoil(estate)
            await _look(shop, minutes=14, seconds=59)
            assert _told(log_lines) == []
            await _look(shop, seconds=1)
            assert _told(log_lines) == [DIFFERENCE]

    asyncio.run(scenario())


def test_what_happened_before_midnight_is_seen_after_it(estate: Engine, log_lines: Lines) -> None:
    async def scenario() -> None:
        async with _begun(estate) as shop:
            await _look(shop, hours=9, minutes=50)  # ten to twelve in Johannesburg
            _reprint(estate, shop.clock())
            await _look(shop, minutes=15)
            assert [kind for kind, *_ in _told(log_lines)] == ["reprints"]
            assert set(shop.online.alerts().values()) == {0}  # none of today

    asyncio.run(scenario())


def test_what_happened_before_midnight_is_seen_by_the_look_after_one_that_failed(
    estate: Engine, log_lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise ValueError

    async def scenario() -> None:
        async with _begun(estate) as shop:
            await _look(shop, hours=9, minutes=50)
            _reprint(estate, shop.clock())
            with monkeypatch.context() as patched:
                patched.setattr(service, "alerts", failing)
                await _look(shop, minutes=15)
            await _look(shop, minutes=15)
            assert [kind for kind, *_ in _told(log_lines)] == ["reprints"]

    asyncio.run(scenario())


def test_no_meter_and_no_person_is_named(estate: Engine, log_lines: Lines) -> None:
    _reprint(estate)

    async def scenario() -> None:
        async with _begun(estate) as shop:
            await _look(shop)

    asyncio.run(scenario())
    with estate.connect() as connection:
        assert _told(log_lines) == [("reprints", f"meter {meter_key(connection)}", 6)]
    assert "TST001" not in str(log_lines)


def test_a_look_that_fails_is_told_and_the_next_one_comes(
    estate: Engine, log_lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    _spoil(estate)

    def failing(*_: object, **__: object) -> None:
        raise ValueError("TST001 and what else was in hand")

    async def scenario() -> None:
        async with _begun(estate) as shop:
            with monkeypatch.context() as patched:
                patched.setattr(service, "alerts", failing)
                await _look(shop)
            assert [(one["event"], one["error"]) for one in log_lines] == [
                ("not_watched", "ValueError")
            ]
            assert "TST001" not in str(log_lines)
            await _look(shop, minutes=15)
            assert _told(log_lines) == [DIFFERENCE]

    asyncio.run(scenario())


def test_sales_that_go_on_meanwhile_are_no_differences(estate: Engine) -> None:
    is_enough = threading.Event()

    def keep_selling() -> None:
        while not is_enough.is_set():
            sell(estate, purchase())

    async def scenario() -> None:
        async with _begun(estate) as shop:
            for _ in range(10):
                assert await shop.online._records.read(_alerts, NOON, NOON) == []

    seller = threading.Thread(target=keep_selling)
    seller.start()
    try:
        asyncio.run(scenario())
    finally:
        is_enough.set()
        seller.join()


def test_one_look_at_a_time(estate: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []

    async def scenario() -> None:
        async with _begun(estate) as shop:
            may_end = asyncio.Event()

            async def slow(*_: object) -> None:
                looks.append(shop.clock())
                await may_end.wait()

            monkeypatch.setattr(shop.online.watching, "_look", slow)
            shop.online.watching.look_if_due()
            for _ in range(2):
                await asyncio.sleep(0)
                shop.clock.move(minutes=16)
                shop.online.watching.look_if_due()
            assert len(looks) == 1
            may_end.set()
            await _look(shop)
            await _look(shop)
            assert len(looks) == 2

    asyncio.run(scenario())


def test_a_running_worker_looks(estate: Engine, log_lines: Lines) -> None:
    _spoil(estate)

    async def scenario() -> None:
        async with _begun(estate) as shop:
            running = asyncio.create_task(shop.worker.run())
            while not _told(log_lines):  # noqa: ASYNC110 (nothing else says that it was told)
                await asyncio.sleep(0.01)
            shop.worker.stop()
            await running
            assert _told(log_lines) == [DIFFERENCE]

    asyncio.run(scenario())


def test_a_worker_that_ends_gives_up_its_look(
    estate: Engine, monkeypatch: pytest.MonkeyPatch, log_lines: Lines
) -> None:
    """A look at a big day takes minutes, and nothing of it is lost."""

    async def scenario() -> None:
        async with _begun(estate) as shop:
            began, given_up = asyncio.Event(), asyncio.Event()

            async def endless(*_: object) -> None:
                began.set()
                try:
                    await asyncio.sleep(3600)
                finally:
                    given_up.set()

            monkeypatch.setattr(shop.online.watching, "_look", endless)
            running = asyncio.create_task(shop.worker.run())
            await began.wait()
            shop.worker.stop()
            await running
            assert given_up.is_set()
            assert log_lines == []

    asyncio.run(scenario())


def test_a_look_that_takes_long_is_followed_by_a_long_rest(
    estate: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []

    async def scenario() -> None:
        async with _begun(estate) as shop:
            loop = asyncio.get_running_loop()
            hours = iter((0.0, 3600.0))

            async def slow(*_: object) -> None:
                looks.append(shop.clock())

            monkeypatch.setattr(shop.online.watching, "_look", slow)
            with monkeypatch.context() as patched:
                patched.setattr(loop, "time", lambda: next(hours))
                await shop.online.watching._try_to_look(shop.clock())
            await _look(shop, hours=19.9)
            assert len(looks) == 1
            await _look(shop, hours=0.1)
            assert len(looks) == 2

    asyncio.run(scenario())
