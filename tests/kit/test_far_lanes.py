"""A process of lanes: what it answers is durable, and whoever dies takes nothing with it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import patch

import pytest

from tests.kit.far_process import BEGUN, REFUSES, URL, be
from tests.kit.numbers import NUMBERS, stored
from tests.support.warm import PROCESSES
from vending_api.kit import far_lanes
from vending_api.kit.db import open_database
from vending_api.kit.errors import (
    MessageIdUsed,
    OutcomeUnknown,
    Overloaded,
    StorageUnavailable,
)
from vending_api.kit.far_lanes import FarCommitter
from vending_api.kit.far_process import FarProcess, StartFailed
from vending_api.kit.frames import frame

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from multiprocessing.process import BaseProcess
    from pathlib import Path

    from sqlalchemy import Engine


@pytest.fixture
def bare(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setenv(URL, database_url)
    engine = open_database(database_url, connections=4)
    NUMBERS.metadata.create_all(engine)
    yield engine
    engine.dispose()


def _process() -> FarProcess:
    near, far = socket.socketpair()
    with far:
        process = PROCESSES.Process(target=be, args=(far, dict(os.environ)))
        process.start()
    begun = FarProcess(_Ended(process), near)
    begun.wait_until_begun()
    return begun


class _Ended(NamedTuple):
    """A process as `FarProcess` ends it."""

    process: BaseProcess

    def kill(self) -> None:
        self.process.kill()

    def wait(self) -> int:
        self.process.join()
        code = self.process.exitcode
        assert code is not None
        return code


async def _until(is_so: Callable[[], bool]) -> None:
    for _ in range(1_000):
        if is_so():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("not in 20 seconds")


def _run(scenario: Callable[[FarCommitter], Awaitable[None]], **options: Any) -> None:
    async def run() -> None:
        committer = FarCommitter(_process(), _process, **options)
        await committer.start()
        try:
            await scenario(committer)
        finally:
            await committer.stop()

    asyncio.run(run())


def test_what_is_answered_is_stored(bare: Engine) -> None:
    groups: list[int] = []

    async def scenario(committer: FarCommitter) -> None:
        asked = [committer.run(("add", number)) for number in range(100)]
        assert await asyncio.gather(*asked) == list(range(100))
        assert stored(bare) == list(range(100))

    _run(scenario, on_group=groups.append)
    assert sum(groups) == 100
    assert len(groups) < 50


def test_a_refusal_comes_back_as_it_was_raised(bare: Engine) -> None:
    async def scenario(committer: FarCommitter) -> None:
        with pytest.raises(MessageIdUsed, match="the id known was used before") as raised:
            await committer.run(("refuse", "known"))
        assert raised.value.message_id == "known"
        assert await committer.run(("add", 1)) == 1

    _run(scenario)
    assert stored(bare) == [1]


@pytest.mark.usefixtures("bare")
def test_what_nobody_expected_comes_back_by_its_kind_alone() -> None:
    async def scenario(committer: FarCommitter) -> None:
        with pytest.raises(RuntimeError, match=r"^LookupError in the process") as raised:
            await committer.run(("fail", "12345678901234567890"))
        assert "1234" not in str(raised.value)

    _run(scenario)


def test_a_process_that_is_killed_leaves_unknown_outcomes_and_is_replaced(bare: Engine) -> None:
    async def scenario(committer: FarCommitter) -> None:
        assert await committer.run(("add", 1)) == 1
        waiting = asyncio.ensure_future(committer.run(("sleep", 30)))
        await asyncio.sleep(0.1)
        os.kill(committer._process.greeting, signal.SIGKILL)
        with pytest.raises(OutcomeUnknown):
            await waiting
        assert not committer.is_open
        with pytest.raises(StorageUnavailable):
            await committer.run(("add", 2))
        for _ in range(200):
            if committer.is_open:
                break
            await asyncio.sleep(0.05)
        assert await committer.run(("add", 3)) == 3

    _run(scenario)
    assert stored(bare) == [1, 3]


def test_stopping_finishes_what_was_accepted(bare: Engine) -> None:
    async def scenario(committer: FarCommitter) -> None:
        waiting = [asyncio.ensure_future(committer.run(("add", number))) for number in range(100)]
        await asyncio.sleep(0)
        await committer.stop()
        assert await asyncio.gather(*waiting) == list(range(100))

    async def run() -> None:
        committer = FarCommitter(_process(), _process)
        await committer.start()
        await scenario(committer)

    asyncio.run(run())
    assert stored(bare) == list(range(100))


@pytest.mark.usefixtures("bare")
def test_past_its_bound_it_says_so_at_once() -> None:
    async def scenario(committer: FarCommitter) -> None:
        waiting = [asyncio.ensure_future(committer.run(("sleep", 0.2))) for _ in range(2)]
        await asyncio.sleep(0)
        assert committer.waiting == 2
        with pytest.raises(Overloaded):
            await committer.run(("add", 1))
        await asyncio.gather(*waiting)
        assert await committer.run(("add", 2)) == 2

    _run(scenario, max_waiting=2)


def test_a_caller_that_goes_away_does_not_stop_its_command(bare: Engine) -> None:
    async def scenario(committer: FarCommitter) -> None:
        caller = asyncio.ensure_future(committer.run(("add", 1)))
        await asyncio.sleep(0)
        caller.cancel()
        await committer.run(("add", 2))
        assert stored(bare) == [1, 2]

    _run(scenario)


@pytest.mark.usefixtures("bare")
def test_a_caller_that_goes_away_does_not_free_its_place() -> None:
    async def scenario(committer: FarCommitter) -> None:
        caller = asyncio.ensure_future(committer.run(("sleep", 0.2)))
        await asyncio.sleep(0)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        with pytest.raises(Overloaded):
            await committer.run(("add", 1))
        for _ in range(1_000):
            if not committer.waiting:
                break
            await asyncio.sleep(0.02)
        assert await committer.run(("add", 2)) == 2

    _run(scenario, max_waiting=1)


def test_a_process_is_replaced_though_its_caller_has_gone_away(bare: Engine) -> None:
    async def scenario(committer: FarCommitter) -> None:
        gone, waiting = (asyncio.ensure_future(committer.run(("sleep", 30))) for _ in range(2))
        await asyncio.sleep(0.1)
        gone.cancel()
        os.kill(committer._process.greeting, signal.SIGKILL)
        with pytest.raises(OutcomeUnknown):
            await asyncio.wait_for(waiting, 20)
        for _ in range(200):
            if committer.is_open:
                break
            await asyncio.sleep(0.05)
        assert await committer.run(("add", 1)) == 1

    _run(scenario)
    assert stored(bare) == [1]


@pytest.fixture
def only_our_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave it to the test to look, so that no load of the machine makes anybody late."""
    monkeypatch.setattr(far_lanes, "_LOOK_SECONDS", 3_600)


def _look(committer: FarCommitter, times: int) -> None:
    for _ in range(times):
        committer._look()


@pytest.mark.usefixtures("only_our_looks")
def test_what_is_not_answered_in_time_is_unknown_and_may_be_done_later(
    bare: Engine, tmp_path: Path
) -> None:
    until = tmp_path / "until"

    async def scenario(committer: FarCommitter) -> None:
        _look(committer, far_lanes._PATIENT_LOOKS)  # looks before it was asked do not count
        asked: list[tuple[str, Any]] = [("hold", until), ("add", 1), ("add", 2)]
        outcomes = [asyncio.ensure_future(committer.run(one)) for one in asked]
        await asyncio.sleep(0)
        _look(committer, far_lanes._PATIENT_LOOKS)
        await asyncio.sleep(0)
        assert not any(one.done() for one in outcomes)
        _look(committer, 1)
        told = await asyncio.gather(*outcomes, return_exceptions=True)
        assert [type(one) for one in told] == [OutcomeUnknown] * 3
        assert committer.waiting == 3
        with pytest.raises(Overloaded):
            await committer.run(("add", 3))
        until.touch()
        await _until(lambda: not committer.waiting)
        assert await committer.run(("add", 4)) == 4

    _run(scenario, max_waiting=3)
    assert stored(bare) == [1, 2, 4]


@pytest.mark.usefixtures("only_our_looks")
def test_a_process_that_answers_nothing_is_ended_and_replaced(bare: Engine, tmp_path: Path) -> None:
    async def scenario(committer: FarCommitter) -> None:
        silent = committer._process
        waiting = asyncio.ensure_future(committer.run(("hold", tmp_path / "never")))
        await asyncio.sleep(0)
        with patch.object(silent, "kill", wraps=silent.kill) as killed:
            _look(committer, far_lanes._SILENT_LOOKS)
            assert not killed.called
            _look(committer, 1)
            assert killed.called
        with pytest.raises(OutcomeUnknown):
            await waiting
        await _until(lambda: committer._process is not silent and committer.is_open)
        assert await committer.run(("add", 1)) == 1

    _run(scenario)
    assert stored(bare) == [1]


@pytest.mark.usefixtures("bare", "only_our_looks")
def test_a_process_that_is_slow_but_answers_is_left_alone(tmp_path: Path) -> None:
    async def scenario(committer: FarCommitter) -> None:
        slow = committer._process
        with patch.object(slow, "kill") as killed:
            until = tmp_path / "0"
            waiting = [asyncio.ensure_future(committer.run(("hold", until)))]
            for number in range(1, 4):
                # While one is held another waits, so that there is always something to answer.
                await _until(until.with_suffix(BEGUN).exists)
                until, before = tmp_path / str(number), until
                waiting.append(asyncio.ensure_future(committer.run(("hold", until))))
                await asyncio.sleep(0)
                _look(committer, far_lanes._SILENT_LOOKS // 2 + 1)
                before.touch()
                await _until(lambda: committer._silent_looks == 0)
            until.touch()
            await asyncio.gather(*waiting, return_exceptions=True)
            assert not killed.called

    _run(scenario)


@pytest.mark.usefixtures("bare")
def test_stopping_ends_though_the_process_answers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(far_lanes, "_LOOK_SECONDS", 0.005)

    async def run() -> None:
        committer = FarCommitter(_process(), _process)
        await committer.start()
        asked = asyncio.ensure_future(committer.run(("sleep", 60)))
        await asyncio.sleep(0)
        await asyncio.wait_for(committer.stop(), 20)
        with pytest.raises(OutcomeUnknown):
            await asked

    asyncio.run(run())


def test_the_process_ends_with_the_one_that_started_it(bare: Engine) -> None:
    process = _process()
    process.connection.sendall(frame([(1, ("add", 7))]))
    process.connection.close()
    assert process._process.wait() == 0
    assert stored(bare) == [7]


@pytest.mark.usefixtures("bare")
def test_why_it_cannot_begin_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(REFUSES, "yes")
    with pytest.raises(StartFailed, match="the keys are not to be read"):
        _process()
    with pytest.raises(StartFailed, match="ended before it had begun"):
        FarProcess.of_program("raise SystemExit(3)").wait_until_begun()


@pytest.mark.usefixtures("bare")
def test_a_program_of_its_own_says_that_it_has_begun() -> None:
    process = FarProcess.of_program("from tests.kit.far_process import main; main()")
    assert process.greeting > 0
    process.stop()


def test_a_process_that_cannot_begin_again_is_tried_again(bare: Engine) -> None:
    tries: list[float] = []

    def start() -> FarProcess:
        tries.append(time.monotonic())
        if len(tries) < 3:
            raise StartFailed("not now")
        return _process()

    async def run() -> None:
        committer = FarCommitter(_process(), start)
        await committer.start()
        os.kill(committer._process.greeting, signal.SIGKILL)
        for _ in range(200):
            await asyncio.sleep(0.05)
            if len(tries) == 3 and committer.is_open:
                break
        assert await committer.run(("add", 1)) == 1
        await committer.stop()

    asyncio.run(run())
    assert stored(bare) == [1]
    assert tries[1] - tries[0] >= 2 * far_lanes._RESTART_SECONDS
    assert tries[2] - tries[1] >= 4 * far_lanes._RESTART_SECONDS


@pytest.mark.usefixtures("bare")
def test_stopping_while_no_process_is_there_ends() -> None:
    def start() -> FarProcess:
        raise StartFailed("never again")

    async def run() -> None:
        committer = FarCommitter(_process(), start)
        await committer.start()
        os.kill(committer._process.greeting, signal.SIGKILL)
        await asyncio.sleep(0.5)
        await committer.stop()

    asyncio.run(run())
