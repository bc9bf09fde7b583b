"""Commands are grouped, isolated from one another, and durable before they are answered."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from tests.kit.numbers import NUMBERS, add, stored
from vending_api.kit.committer import Committer
from vending_api.kit.db import open_database
from vending_api.kit.errors import OutcomeUnknown, Overloaded, StorageUnavailable
from vending_api.kit.lanes import MAX_GROUP, Lanes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine


@pytest.fixture
def bare(database_url: str) -> Iterator[Engine]:
    engine = open_database(database_url, connections=8)
    NUMBERS.metadata.create_all(engine)
    yield engine
    engine.dispose()


class _Asking:
    """A committer that is asked by key and function."""

    def __init__(self, engine: Engine, **options: Any) -> None:
        self.committer = Committer(
            engine, lambda asked: asked, monotonic_seconds=time.monotonic, **options
        )
        self.stop = self.committer.stop

    async def run(self, key: str, act: Callable[[Connection], Any], **more: Any) -> Any:
        return await self.committer.run({"key": key, "act": act, **more})


def _run(engine: Engine, scenario: Callable[[_Asking], Awaitable[None]], **options: Any) -> None:
    async def run() -> None:
        committer = _Asking(engine, **options)
        await committer.committer.start()
        try:
            await scenario(committer)
        finally:
            await committer.stop()

    asyncio.run(run())


def test_an_answer_is_durable_when_it_arrives(bare: Engine) -> None:
    async def scenario(committer: _Asking) -> None:
        assert await committer.run("a", add(1)) == 1
        assert stored(bare) == [1]

    _run(bare, scenario)


def test_what_waits_is_committed_together(bare: Engine) -> None:
    commits: list[object] = []
    event.listen(bare, "commit", commits.append)
    held = threading.Event()

    async def scenario(committer: _Asking) -> None:
        first = asyncio.ensure_future(committer.run("a", lambda _: held.wait(10)))
        await asyncio.sleep(0.1)
        others = [
            asyncio.ensure_future(committer.run("a", add(number))) for number in range(MAX_GROUP)
        ]
        await asyncio.sleep(0.1)
        commits.clear()
        held.set()
        await asyncio.gather(first, *others)
        assert len(commits) == 2

    _run(bare, scenario)
    assert stored(bare) == list(range(MAX_GROUP))


def test_one_failure_touches_nobody_else(bare: Engine) -> None:
    def fail(connection: Connection) -> None:
        add(99)(connection)
        raise LookupError("mine alone")

    async def scenario(committer: _Asking) -> None:
        outcomes = await asyncio.gather(
            committer.run("a", add(1)),
            committer.run("a", fail),
            committer.run("a", add(1)),
            committer.run("a", add(2)),
            return_exceptions=True,
        )
        assert outcomes[0] == 1
        assert isinstance(outcomes[1], LookupError)
        assert isinstance(outcomes[2], IntegrityError)
        assert outcomes[3] == 2

    _run(bare, scenario)
    assert stored(bare) == [1, 2]


def test_a_value_that_the_database_refuses_fails_its_own_command(postgres_url: str) -> None:
    engine = open_database(postgres_url, connections=8)
    NUMBERS.metadata.create_all(engine)

    async def scenario(committer: _Asking) -> None:
        outcomes = await asyncio.gather(
            committer.run("a", add(1)),
            committer.run("a", add(1 << 40)),
            return_exceptions=True,
        )
        assert outcomes[0] == 1
        assert isinstance(outcomes[1], DataError)

    _run(engine, scenario)
    assert stored(engine) == [1]
    engine.dispose()


def test_commands_of_one_key_run_in_the_order_of_their_arrival(bare: Engine) -> None:
    order: list[int] = []

    def note(number: int) -> Callable[[Connection], None]:
        def act(_: Connection) -> None:
            order.append(number)

        return act

    async def scenario(committer: _Asking) -> None:
        await asyncio.gather(*(committer.run("a", note(number)) for number in range(50)))

    _run(bare, scenario)
    assert order == list(range(50))


def test_a_full_queue_refuses_at_once(bare: Engine) -> None:
    held = threading.Event()

    async def scenario(committer: _Asking) -> None:
        waiting = [
            asyncio.ensure_future(committer.run("a", lambda _: held.wait(10))) for _ in range(3)
        ]
        await asyncio.sleep(0.05)
        with pytest.raises(Overloaded):
            await committer.run("a", add(1))
        held.set()
        await asyncio.gather(*waiting)
        assert await committer.run("a", add(2)) == 2

    _run(bare, scenario, max_waiting=3)
    assert stored(bare) == [2]


def test_a_caller_that_leaves_has_its_command_done_all_the_same(bare: Engine) -> None:
    async def scenario(committer: _Asking) -> None:
        caller = asyncio.ensure_future(committer.run("a", add(1)))
        await asyncio.sleep(0)
        caller.cancel()
        await committer.run("a", add(2))

    _run(bare, scenario)
    assert stored(bare) == [1, 2]


def test_stopping_finishes_what_was_accepted(bare: Engine) -> None:
    async def run() -> list[int]:
        committer = _Asking(bare)
        await committer.committer.start()
        waiting = [asyncio.ensure_future(committer.run(str(n), add(n))) for n in range(100)]
        await asyncio.sleep(0)
        await committer.stop()
        return list(await asyncio.gather(*waiting))

    assert asyncio.run(run()) == list(range(100))
    assert stored(bare) == list(range(100))


def test_a_command_that_loses_the_transaction_does_not_take_others_with_it(bare: Engine) -> None:
    def upset(_: Connection) -> None:
        raise OperationalError("upset", None, Exception("deadlock detected"))

    async def scenario(committer: _Asking) -> None:
        outcomes = await asyncio.gather(
            committer.run("a", add(1)),
            committer.run("a", upset),
            committer.run("a", add(2)),
            return_exceptions=True,
        )
        assert outcomes[0] == 1
        assert isinstance(outcomes[1], StorageUnavailable)
        assert outcomes[2] == 2

    _run(bare, scenario)
    assert stored(bare) == [1, 2]


def test_a_deadlock_that_passes_is_tried_again(bare: Engine) -> None:
    attempts: list[int] = []

    def act(connection: Connection) -> int:
        attempts.append(1)
        add(7)(connection)
        if len(attempts) < 3:
            raise OperationalError("upset", None, Exception("deadlock detected"))
        return len(attempts)

    async def scenario(committer: _Asking) -> None:
        assert await committer.run("a", act) == 3

    _run(bare, scenario)
    assert stored(bare) == [7]


def test_a_database_that_cannot_be_reached_did_nothing(tmp_path: Path) -> None:
    engine = open_database(f"postgresql+psycopg://x@/x?host={tmp_path}", connections=4)

    async def scenario(committer: _Asking) -> None:
        with pytest.raises(StorageUnavailable):
            await committer.run("a", add(1))

    _run(engine, scenario)
    engine.dispose()


def test_a_commit_without_an_answer_is_an_unknown_outcome(postgres_url: str) -> None:
    engine = open_database(postgres_url, connections=8)
    NUMBERS.metadata.create_all(engine)
    killer = open_database(postgres_url, connections=1)

    def lose_connection(connection: Connection) -> None:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        add(1)(connection)

        def kill(_: object) -> None:
            with killer.connect() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})

        event.listen(engine, "commit", kill, once=True)

    async def scenario(committer: _Asking) -> None:
        with pytest.raises(OutcomeUnknown):
            await committer.run("a", lose_connection)
        assert await committer.run("a", add(2)) == 2

    _run(engine, scenario)
    assert 2 in stored(engine)
    engine.dispose()
    killer.dispose()


def test_whatever_breaks_the_committing_itself_leaves_nobody_waiting(
    bare: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError("a log that cannot be written, say")

    async def scenario(committer: _Asking) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(Lanes, "_commit", broken)
            with pytest.raises(OutcomeUnknown):
                await committer.run("a", add(1))
        assert await committer.run("a", add(2)) == 2

    _run(bare, scenario)
    assert stored(bare) == [2]


def test_what_cannot_be_told_fails_its_own_command_alone(bare: Engine) -> None:
    def fail(_: int) -> int:
        raise LookupError("no words")

    async def scenario(committer: _Asking) -> None:
        outcomes = await asyncio.gather(
            committer.run("a", add(1), tell=fail),
            committer.run("a", add(2), tell=str),
            return_exceptions=True,
        )
        assert isinstance(outcomes[0], LookupError)
        assert outcomes[1] == "2"

    _run(bare, scenario)
    assert stored(bare) == [1, 2]
