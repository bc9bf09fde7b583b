"""Residents register, log in and buy; nobody guesses, and nobody sees what is not theirs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.online.shop import SUM, open_shop
from tests.support.service import writing
from vending_api.domain.consumers import service as consumers
from vending_api.domain.consumers.errors import TooManyAttempts
from vending_api.domain.consumers.types import ATTEMPTS_BY_ADDRESS, ATTEMPTS_BY_EMAIL
from vending_api.domain.estates.service import all_estates
from vending_api.online import accounts as module
from vending_api.online.purchases import ORDERS_A_MINUTE
from vending_api.sandbox.estate import ensure_demo_estate, estate_meter_number

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.online.shop import Shop

PASSWORD: Final = "correct horse"
EMAIL: Final = "Jane.Doe@example.org"


@pytest.fixture
def vacant(engine: Engine) -> Engine:
    """Give a database with the estate, and nobody registered."""
    with writing(engine) as connection, connection.begin():
        ensure_demo_estate(connection)
    return engine


async def _register(shop: Shop, **changes: Any) -> int:
    with shop.engine.connect() as connection:
        (estate,) = all_estates(connection)
    form = {
        "name": "Jane Doe",
        "email": EMAIL,
        "password": PASSWORD,
        "estate": estate.key,
        "flat_number": "55A",
        "meter_type": 1,
        "meter_phase_type": 1,
        "meter_number": estate_meter_number(101),
    }
    answer = await shop.customer.post("/api/register", json=form | changes)
    return answer.status_code


async def _log_in(shop: Shop, password: str = PASSWORD, email: str = EMAIL) -> Any:
    body = {"email": email, "password": password}
    return await shop.customer.post("/api/login", json=body)


async def _ask(shop: Shop, path: str, key: str) -> Any:
    return await shop.customer.get(f"/api/{path}", headers={"X-API-KEY": key})


def test_a_resident_registers_buys_and_sees_the_token(vacant: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(vacant) as shop:
            assert await _register(shop) == 201
            assert await _register(shop, email="other@example.org") == 422
            key = (await _log_in(shop, email=EMAIL.lower())).json()["api_key"]
            headers = {"X-API-KEY": key}
            ordered = await shop.customer.post(
                "/api/purchases", json={"amount": SUM / 100}, headers=headers
            )
            assert ordered.status_code == 201
            reference = ordered.json()["reference"]
            shop.sandbox.pay(reference)
            # Asking where it is finds out that it is paid.
            found = (await _ask(shop, f"purchases/{reference}", key)).json()["data"]
            assert found["status"] == "vended"
            assert found["first_shown_at"] is not None
            assert shop.find(reference).first_shown_through == "api"
            listed = (await _ask(shop, "tokenreceipts", key)).json()["data"]
            assert [one["token"] for one in listed] == [one["token"] for one in found["tokens"]]
            assert (await _ask(shop, "metertransactions", key)).json()["meta"]["total"] == 1
            assert (await _ask(shop, "purchases", key)).json()["meta"]["total"] == 1

    asyncio.run(scenario())


def test_pages_of_tokens_are_a_proof_of_delivery_too(estate: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            for page in ("tokens", "transactions"):
                reference = await shop.order()
                shop.sandbox.pay(reference)
                await shop.sandbox.deliver(reference)
                await shop.work()
                assert shop.find(reference).first_shown_at is None
                await getattr(shop.online.history, page)(shop.consumer(), 1)
                assert shop.find(reference).first_shown_through == "api"

    asyncio.run(scenario())


def test_another_ones_order_is_unknown_and_support_sees_all_without_delivering(
    estate: Engine,
) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            at = shop.clock()
            with writing(estate) as connection, connection.begin():
                for serial in (101, 102):
                    resident = shop.consumer(serial).key
                    held = consumers.password_hash_of(connection, resident)
                    consumers.add_api_key(
                        connection, resident, f"key-{serial}", checked_hash=held, at=at, days=1
                    )
                consumers.add_staff_key(connection, "Ada", "key-staff", at)
            reference = await shop.order()
            shop.sandbox.pay(reference)
            await shop.sandbox.deliver(reference)
            await shop.work()
            path = f"purchases/{reference}"
            assert (await _ask(shop, path, "key-102")).status_code == 404
            assert (await _ask(shop, "purchases", "key-102")).json()["meta"]["total"] == 0
            for asked in (path, "purchases"):
                assert (await _ask(shop, asked, "key-staff")).status_code == 200
            assert shop.find(reference).first_shown_at is None
            assert (await _ask(shop, "purchases", "key-101")).json()["meta"]["total"] == 1
            assert shop.find(reference).first_shown_at is not None

    asyncio.run(scenario())


def test_guesses_are_counted_before_they_are_checked(vacant: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(vacant) as shop:
            await _register(shop)
            guesses = [_log_in(shop, f"guess {number}") for number in range(ATTEMPTS_BY_EMAIL * 3)]
            statuses = [answer.status_code for answer in await asyncio.gather(*guesses)]
            assert statuses.count(401) == ATTEMPTS_BY_EMAIL
            assert statuses.count(429) == ATTEMPTS_BY_EMAIL * 2
            assert (await _log_in(shop)).status_code == 429
            shop.clock.move(minutes=1)
            assert (await _log_in(shop)).status_code == 200
            # A success forgets what was counted of this e-mail address.
            for _ in range(ATTEMPTS_BY_EMAIL):
                assert (await _log_in(shop, "guess")).status_code == 401
            assert (await _log_in(shop)).status_code == 429

    asyncio.run(scenario())


def test_one_address_tries_no_more_addresses_or_forms_than_may_be(
    vacant: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "password_fits", lambda *_: False)

    async def scenario() -> None:
        async with open_shop(vacant) as shop:
            for number in range(ATTEMPTS_BY_ADDRESS):
                answer = await _log_in(shop, email=f"nobody{number}@example.org")
                assert answer.status_code == 401
            assert (await _log_in(shop, email="one-more@example.org")).status_code == 429
            assert await _register(shop) == 429
            shop.clock.move(minutes=1)
            assert await _register(shop) == 201

    asyncio.run(scenario())


def test_a_changed_password_ends_every_key_and_lets_in_alone(vacant: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(vacant) as shop:
            await _register(shop)
            keys = [(await _log_in(shop)).json()["api_key"] for _ in range(2)]
            headers = {"X-API-KEY": keys[0]}
            form = {"currentpassword": "wrong", "newpassword": "battery staple"}
            path = "/api/change-password"
            refused = await shop.customer.post(path, json=form, headers=headers)
            assert refused.status_code == 422
            form["currentpassword"] = PASSWORD
            assert (await shop.customer.post(path, json=form, headers=headers)).status_code == 200
            for key in keys:
                assert (await _ask(shop, "user", key)).status_code == 401
            assert (await _log_in(shop)).status_code == 401
            assert (await _log_in(shop, "battery staple")).status_code == 200

    asyncio.run(scenario())


def test_a_resident_changes_the_name_and_asks_for_a_reading(vacant: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(vacant) as shop:
            await _register(shop)
            assert len((await shop.customer.get("/api/options")).json()["estates"]) == 1
            key = (await _log_in(shop)).json()["api_key"]
            headers = {"X-API-KEY": key}
            form = {"name": "Jane Roe"}
            await shop.customer.post("/api/modify-user", json=form, headers=headers)
            assert (await _ask(shop, "user", key)).json()["data"]["name"] == "Jane Roe"
            ask = {"data_item": "Voltage"}
            for status in (200, 422):
                asked = await shop.customer.post("/api/readmeter", json=ask, headers=headers)
                assert asked.status_code == status
            await shop.work()
            read = (await _ask(shop, "remotereading", key)).json()["data"]
            assert read["Voltage"].endswith(" V")
            tasks = (await _ask(shop, "remotereadingtasks", key)).json()["data"]
            assert [task["status"] for task in tasks] == ["successful"]

    asyncio.run(scenario())


def test_nobody_orders_without_end(estate: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            for _ in range(ORDERS_A_MINUTE):
                await shop.order()
            with pytest.raises(TooManyAttempts):
                await shop.order()
            await shop.order(serial=102)
            shop.clock.move(minutes=1)
            await shop.order()

    asyncio.run(scenario())


def test_no_key_or_password_stands_in_the_database(vacant: Engine) -> None:
    async def scenario() -> str:
        async with open_shop(vacant) as shop:
            await _register(shop)
            return str((await _log_in(shop)).json()["api_key"])

    key = asyncio.run(scenario())
    with vacant.connect() as connection:
        for table in ("consumer", "api_key", "login_attempt"):
            rows = str(connection.exec_driver_sql(f"SELECT * FROM {table}").all())  # noqa: S608 (ours)
            assert key not in rows
            assert PASSWORD not in rows
