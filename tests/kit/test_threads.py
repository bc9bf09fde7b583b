"""Threads run so many functions at a time, let so many wait, and refuse the rest at once."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING

import pytest

from vending_api.kit import threads as bounded
from vending_api.kit.errors import Overloaded
from vending_api.kit.threads import BoundedThreads

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_WHO: ContextVar[str] = ContextVar("who", default="nobody")


def _run(scenario: Callable[[BoundedThreads], Awaitable[None]], **options: int) -> None:
    threads = BoundedThreads(**{"threads": 1, **options})

    async def run() -> None:
        await scenario(threads)

    try:
        asyncio.run(run())
    finally:
        threads.stop()


def test_a_function_runs_in_another_thread_and_its_outcome_comes_back() -> None:
    async def scenario(threads: BoundedThreads) -> None:
        assert await threads.run(threading.get_ident) != threading.get_ident()
        with pytest.raises(ZeroDivisionError):
            await threads.run(lambda: 1 // 0)

    _run(scenario)


def test_a_function_sees_the_context_of_who_asked() -> None:
    async def scenario(threads: BoundedThreads) -> None:
        _WHO.set("somebody")
        assert await threads.run(_WHO.get) == "somebody"

    _run(scenario)


def test_no_more_run_at_a_time_than_there_are_threads() -> None:
    running, most = 0, 0
    lock = threading.Lock()
    both = threading.Barrier(2)

    def act() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        both.wait(10)
        with lock:
            running -= 1

    async def scenario(threads: BoundedThreads) -> None:
        await asyncio.gather(*(threads.run(act) for _ in range(8)))

    _run(scenario, threads=2)
    assert most == 2


def test_what_would_wait_beyond_the_bound_is_refused_at_once_and_taken_again_later() -> None:
    held = threading.Event()

    async def scenario(threads: BoundedThreads) -> None:
        taken = [asyncio.ensure_future(threads.run(lambda: held.wait(10))) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await threads.run(lambda: True)
        held.set()
        assert await asyncio.gather(*taken) == [True, True, True]
        assert await threads.run(lambda: "room again") == "room again"

    _run(scenario, max_waiting=2)


def test_who_stops_waiting_gives_the_place_back() -> None:
    held = threading.Event()
    was_run: list[str] = []

    async def scenario(threads: BoundedThreads) -> None:
        first = asyncio.ensure_future(threads.run(lambda: held.wait(10)))
        second = asyncio.ensure_future(threads.run(lambda: was_run.append("second")))
        await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        third = asyncio.ensure_future(threads.run(lambda: was_run.append("third")))
        await asyncio.sleep(0)
        held.set()
        await asyncio.gather(first, third)

    _run(scenario, max_waiting=1)
    assert was_run == ["third"]


def test_one_that_runs_keeps_its_place_though_nobody_waits_for_it() -> None:
    begun, held = threading.Event(), threading.Event()

    def act() -> None:
        begun.set()
        held.wait(10)

    async def scenario(threads: BoundedThreads) -> None:
        given_up = asyncio.ensure_future(threads.run(act))
        await asyncio.to_thread(begun.wait, 10)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        with pytest.raises(Overloaded):
            await threads.run(lambda: None)
        held.set()

    _run(scenario, max_waiting=0)


def test_who_has_waited_too_long_is_refused_and_what_runs_may_take_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = threading.Event()
    was_run: list[str] = []

    async def scenario(threads: BoundedThreads) -> None:
        first = asyncio.ensure_future(threads.run(lambda: held.wait(10)))
        await asyncio.sleep(0)
        with monkeypatch.context() as patch:
            patch.setattr(bounded, "MOST_SECONDS_WAITING", 0.3)
            with pytest.raises(Overloaded):
                await threads.run(lambda: was_run.append("too late"))
        assert not first.done()
        third = asyncio.ensure_future(threads.run(lambda: was_run.append("in time")))
        await asyncio.sleep(0)
        held.set()
        assert await first
        await third

    _run(scenario, max_waiting=1)
    assert was_run == ["in time"]


def test_the_stop_refuses_who_waits() -> None:
    begun, held = threading.Event(), threading.Event()

    def act() -> bool:
        begun.set()
        return held.wait(10)

    async def scenario(threads: BoundedThreads) -> None:
        first = asyncio.ensure_future(threads.run(act))
        second = asyncio.ensure_future(threads.run(lambda: True))
        await asyncio.to_thread(begun.wait, 10)
        stopping = asyncio.ensure_future(asyncio.to_thread(threads.stop))
        with pytest.raises(Overloaded):
            await second
        held.set()
        assert await first
        await stopping

    _run(scenario)


def test_after_the_stop_nothing_is_run() -> None:
    async def scenario(threads: BoundedThreads) -> None:
        threads.stop()
        for _ in range(3):
            with pytest.raises(RuntimeError):
                await threads.run(lambda: None)

    _run(scenario, max_waiting=0)
