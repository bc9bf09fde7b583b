"""The worker does what is due, survives what goes wrong, and ends when it is told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tests.online.proof import require_all_money_explained
from tests.online.shop import open_shop
from vending_api.domain.notifications import service as notifications
from vending_api.domain.payments.types import OrderState
from vending_api.domain.readings.types import MeterNotReached, TaskState
from vending_api.kit.errors import StorageUnavailable
from vending_api.worker import AT_ONCE, Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from sqlalchemy import Engine

    from tests.online.shop import Shop


async def _until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 (what is waited for tells nobody)
        await asyncio.sleep(0.001)


def test_a_running_worker_hears_of_a_payment_and_ends_when_it_is_told(estate: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            running = asyncio.create_task(shop.worker.run())
            reference = await shop.order()
            shop.sandbox.pay(reference)
            await shop.sandbox.deliver(reference)
            await _until(lambda: len(shop.messages.sent) == 1)
            assert shop.find(reference).state is OrderState.VENDED
            shop.worker.stop()
            await running
            await require_all_money_explained(shop)

    asyncio.run(scenario())


def test_a_worker_that_is_told_to_stop_finishes_the_steps_that_it_has_begun(
    estate: Engine,
) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            reference = await shop.order()
            shop.sandbox.pay(reference)
            await shop.sandbox.deliver(reference)
            verify, asked, may_go_on = shop.gateway.verify, asyncio.Event(), asyncio.Event()

            async def slow(reference: str) -> Any:
                asked.set()
                await may_go_on.wait()
                return await verify(reference)

            shop.gateway.verify = slow  # type: ignore[method-assign]  # for this once
            running = asyncio.create_task(shop.worker.run())
            await asked.wait()
            shop.worker.stop()
            may_go_on.set()
            await running
            assert shop.find(reference).state is OrderState.VENDED

    asyncio.run(scenario())


def test_no_more_steps_are_under_way_than_may_and_the_rest_follow(estate: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            orders = [await _order_and_pay(shop) for _ in range(AT_ONCE + 5)]
            verify, asked, may_go_on = shop.gateway.verify, [], asyncio.Event()

            async def slow(reference: str) -> Any:
                asked.append(reference)
                await may_go_on.wait()
                return await verify(reference)

            shop.gateway.verify = slow  # type: ignore[method-assign]  # for this once
            running = asyncio.create_task(shop.worker.run())
            await _until(lambda: len(asked) == AT_ONCE)
            may_go_on.set()
            await _until(lambda: len(shop.sales) == len(orders))
            shop.worker.stop()
            await running
            assert sorted(asked) == sorted(orders)
            await require_all_money_explained(shop)

    asyncio.run(scenario())


async def _order_and_pay(shop: Shop) -> str:
    shop.clock.move(minutes=1)  # so that nobody orders too often
    reference = await shop.order()
    shop.sandbox.pay(reference)
    await shop.sandbox.deliver(reference)
    return reference


def test_a_database_that_is_away_ends_neither_the_worker_nor_its_steps(
    estate: Engine, monkeypatch: pytest.MonkeyPatch, log_lines: list[dict[str, Any]]
) -> None:
    monkeypatch.setattr("vending_api.worker._PAUSE_AFTER_ERROR_SECONDS", 0.01)

    async def away(_: Callable[[], Any]) -> Any:
        raise StorageUnavailable

    async def scenario() -> None:
        async with open_shop(estate) as shop:
            reference = await shop.order()
            shop.sandbox.pay(reference)
            shop.clock.move(minutes=2)
            shop.vault.faults = [away] * 3
            running = asyncio.create_task(shop.worker.run())
            await _until(lambda: bool(shop.sales))
            shop.worker.stop()
            await running
            assert {line["error"] for line in log_lines} == {"StorageUnavailable"}
            assert shop.find(reference).state is OrderState.VENDED

    asyncio.run(scenario())


def test_a_step_that_fails_is_due_again_and_keeps_no_other_waiting(
    estate: Engine, monkeypatch: pytest.MonkeyPatch, log_lines: list[dict[str, Any]]
) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            for serial in (101, 102):
                shop.sandbox.pay(await shop.order(serial=serial))
            take_step = shop.online.settling.take_step

            async def faulty(reference: str) -> None:
                if reference == first.reference:
                    raise ZeroDivisionError("T000 1234 5678 9012 3456 7890")
                await take_step(reference)

            first, second = shop.orders()
            shop.clock.move(minutes=2)
            with monkeypatch.context() as patch:
                patch.setattr(shop.online.settling, "take_step", faulty)
                assert await Worker(shop.online).step() == 3
            assert shop.find(second.reference).state is OrderState.VENDED
            (line,) = [line for line in log_lines if line["event"] == "step_failed"]
            assert line["error"] == "ZeroDivisionError"
            assert "1234" not in str(line)
            await shop.work(minutes=2)
            assert shop.find(first.reference).state is OrderState.VENDED

    asyncio.run(scenario())


def test_messages_that_are_not_taken_are_tried_again_and_given_up_in_the_end(
    estate: Engine,
) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            first, second = await shop.order(), await shop.order(serial=102)
            shop.messages.is_down = True
            shop.sandbox.pay(first)
            assert (await shop.settle(first)).state is OrderState.VENDED
            await shop.work()
            shop.messages.is_down = False
            await shop.work(hours=1)
            assert [recipient for recipient, _ in shop.messages.sent] == ["resident101@example.org"]
            shop.messages.is_down = True
            shop.sandbox.pay(second)
            await shop.settle(second)
            for _ in range(20):
                await shop.work(hours=3)
            with estate.connect() as connection:
                assert notifications.counts(connection) == (0, 1)
            assert shop.online.backlog().notifications_given_up == 1
            await require_all_money_explained(shop)

    asyncio.run(scenario())


class _Meters:
    """Meters of which the first answers come late."""

    def __init__(self, failures: int) -> None:
        self._failures = failures

    async def read(self, _number: str, _item: object) -> str:
        self._failures -= 1
        if self._failures >= 0:
            raise MeterNotReached
        return "0.0294 kW"


def test_a_reading_is_asked_for_now_and_made_by_the_worker(estate: Engine) -> None:
    async def scenario(failures: int, state: TaskState) -> None:
        async with open_shop(estate, meters=_Meters(failures)) as shop:
            consumer = shop.consumer()
            readings = shop.online.readings
            asked = await readings.ask(consumer, "Power")
            assert asked.state is TaskState.PENDING
            for _ in range(3):
                await shop.work(minutes=5)
            (task,) = (await readings.tasks(consumer, 1)).items
            assert task.state is state
            values = [one.value for one in await readings.last(consumer)]
            assert values == ["0.0294 kW"] * (state is TaskState.SUCCESSFUL)

    asyncio.run(scenario(3, TaskState.FAILED))
    asyncio.run(scenario(2, TaskState.SUCCESSFUL))


def test_what_waits_is_counted_for_operators(estate: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            assert shop.online.backlog().oldest_unvended_at is None
            reference = await shop.order()
            shop.sandbox.pay(reference)
            shop.sandbox.dispute(reference)
            shop.sandbox.reorder = True
            await shop.sandbox.deliver_waiting()
            shop.sandbox.pay("T999999999999999", amount=100)
            await shop.sandbox.deliver_waiting()
            await shop.work()
            backlog = shop.online.backlog()
            assert backlog.oldest_unvended_at == shop.find(reference).paid_at
            assert backlog.orders[OrderState.PAID] == 1
            assert (backlog.open_cases, backlog.events_for_review) == (1, 1)

    asyncio.run(scenario())


def test_counters_of_attempts_that_nobody_needs_any_more_are_deleted(estate: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            await shop.customer.post("/api/login", json={"email": "a@b.test", "password": "p"})
            rows = "SELECT count(*) FROM login_attempt"
            with estate.connect() as connection:
                assert connection.exec_driver_sql(rows).scalar_one() == 2
            shop.clock.move(hours=25)
            running = asyncio.create_task(shop.worker.run())

            def are_gone() -> bool:
                with estate.connect() as connection:
                    return bool(connection.exec_driver_sql(rows).scalar_one() == 0)

            await _until(are_gone)
            shop.worker.stop()
            await running

    asyncio.run(scenario())
