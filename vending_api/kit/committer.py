"""The one place that commits: groups of commands, each durable before it is answered.

A route hands its command over and awaits the outcome. A lane (a thread with a
connection of its own) takes what waits, runs every command in a savepoint of
one transaction, commits, and only then releases the answers. So a commit to
disk is shared by up to a group of sales, and no answer leaves before its record
is durable. SQLite has one lane; PostgreSQL has a few, and commands with the same
key always use the same one.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

from vending_api.kit.db import WRITES
from vending_api.kit.errors import OutcomeUnknown, Overloaded, StorageUnavailable
from vending_api.kit.statements import undoable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection, Engine

T = TypeVar("T")

MAX_GROUP: Final = 64
MAX_WAITING: Final = 1024
_ATTEMPTS: Final = 3
_SQLITE_LANES: Final = 1
_POSTGRESQL_LANES: Final = 4

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Command:
    order: str
    act: Callable[[Connection], Any]
    answer: asyncio.Future[Any]


class _Lane:
    """Commands that wait for one thread, in the order of their arrival."""

    def __init__(self) -> None:
        self._waiting: deque[_Command] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def put(self, command: _Command) -> None:
        with self._changed:
            self._waiting.append(command)
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()

    def take_group(self) -> list[_Command]:
        """Return what waits, at most a group; an empty list once closed and drained."""
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            size = min(len(self._waiting), MAX_GROUP)
            return [self._waiting.popleft() for _ in range(size)]


class Committer:
    """Runs commands in grouped transactions; see the module's text."""

    def __init__(
        self,
        engine: Engine,
        *,
        max_waiting: int = MAX_WAITING,
        on_group: Callable[[int], None] | None = None,
    ) -> None:
        """`on_group` is told the size of each group, by the thread of its lane."""
        self._engine = engine
        self._on_group = on_group
        self._max_waiting = max_waiting
        self._unanswered = 0
        lanes = lanes_for(engine.dialect.name)
        self._lanes = tuple(_Lane() for _ in range(lanes))
        self._threads = tuple(
            threading.Thread(target=self._serve, args=(lane,), name=f"committer-{number}")
            for number, lane in enumerate(self._lanes)
        )

    def start(self) -> None:
        """Start the lanes; call it once, from the running event loop."""
        self._loop = asyncio.get_running_loop()
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """How many commands are accepted and not yet answered."""
        return self._unanswered

    async def stop(self) -> None:
        """Finish every command that was accepted, then end the lanes."""
        for lane in self._lanes:
            lane.close()
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    async def run(self, key: str, act: Callable[[Connection], T], *, order: str = "") -> T:
        """Return what `act` returns, once the transaction it ran in is durable.

        `key` names what the command shares with many others: commands of one key run one
        after the other. `order` names what it locks beside that: a group locks such things in
        one order. An error that `act` raises undoes its own work alone and is raised here.

        Raises Overloaded when too many commands wait, StorageUnavailable when
        nothing was done, OutcomeUnknown when the commit itself went unanswered.
        """
        if self._unanswered >= self._max_waiting:
            raise Overloaded
        answer: asyncio.Future[T] = self._loop.create_future()
        self._unanswered += 1
        self._lanes[hash(key) % len(self._lanes)].put(_Command(order, act, answer))
        # A caller that goes away must not free its place: its command still runs.
        answer.add_done_callback(_retrieve)
        return await asyncio.shield(answer)

    def _serve(self, lane: _Lane) -> None:
        while group := lane.take_group():
            # One order of locks for every process, so that two groups hardly wait in a ring.
            group.sort(key=lambda command: command.order)
            outcomes = self._commit(group)
            if self._on_group is not None:
                self._on_group(len(group))
            self._loop.call_soon_threadsafe(self._release, group, outcomes)

    def _commit(self, group: Sequence[_Command]) -> list[Any]:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._commit_once(group)
            except Exception as error:  # noqa: BLE001 (a lane must outlive any fault)
                # Whatever was begun is rolled back, so it may all run again; but one by one,
                # so that a command which upsets the database does not take others with it.
                _log.warning("group_rolled_back", attempt=attempt, error=type(error).__name__)
            if len(group) > 1:
                return [outcome for command in group for outcome in self._commit([command])]
        return [StorageUnavailable() for _ in group]

    def _commit_once(self, group: Sequence[_Command]) -> list[Any]:
        with self._engine.connect().execution_options(**{WRITES: True}) as connection:
            transaction = connection.begin()
            outcomes = [_outcome(connection, command) for command in group]
            try:
                transaction.commit()
            except SQLAlchemyError as error:
                _log.exception("commit_unanswered", error=type(error).__name__, size=len(group))
                connection.invalidate()
                return [OutcomeUnknown() for _ in group]
        return outcomes

    def _release(self, group: Sequence[_Command], outcomes: Sequence[Any]) -> None:
        self._unanswered -= len(group)
        for command, outcome in zip(group, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                command.answer.set_exception(outcome)
            else:
                command.answer.set_result(outcome)


def lanes_for(dialect_name: str) -> int:
    """Return how many lanes, so writing connections, a database is given."""
    return _SQLITE_LANES if dialect_name == "sqlite" else _POSTGRESQL_LANES


def _outcome(connection: Connection, command: _Command) -> Any:
    """Return what the command returned or raised, its own work undone if it raised.

    Raises OperationalError or InterfaceError when the database ended the transaction for all:
    a lost connection, a deadlock, a statement that took too long.
    """
    try:
        with undoable(connection):
            return command.act(connection)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001 (it is the answer of its own command)
        return error


def _retrieve(answer: asyncio.Future[Any]) -> None:
    # An outcome that nobody waits for any more is not a fault of the event loop.
    if not answer.cancelled():
        answer.exception()
