"""The one place that commits: groups of commands, each durable before it is answered.

A lane (a thread with a connection of its own) takes what waits, runs every command in one
transaction, commits, and only then lets the answers go. So a commit to disk is shared by up to
a group of sales, and no answer leaves before its record is durable. SQLite has one lane;
PostgreSQL has a few, and commands with the same key always use the same one.

What the commands of a group know and have yet to write, they share (`kit.group`). If one of
them must be undone, the group runs again with each command in a savepoint.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import structlog
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError, SQLAlchemyError

from vending_api.kit.db import WRITES
from vending_api.kit.errors import OutcomeUnknown, StorageUnavailable
from vending_api.kit.group import GROUP, Group, RunCarefully, finished
from vending_api.kit.statements import undoable
from vending_api.kit.wal import LogKeeper

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection, Engine

MAX_GROUP: Final = 64
_ATTEMPTS: Final = 3
_PATIENCE_SECONDS: Final = 25.0
"""For a group: what of it has not begun by then is not done."""
_AGAIN_SECONDS: Final = 5.0
"""A command that took longer by itself is not tried again: others of its group wait for it."""
_SQLITE_LANES: Final = 1
_POSTGRESQL_LANES: Final = 4

_ENDED: Final = (OperationalError, InterfaceError, InternalError)
"""The transaction is over for all: a lost connection, a deadlock, a statement that took too long, a
server that no longer writes."""

_log = structlog.get_logger(__name__)


class Command(NamedTuple):
    """What is to be done in a transaction, and for whom."""

    ticket: Any
    """What its answer is told by; nothing here looks at it."""
    act: Callable[[Connection], Any]
    """What it returns or raises is its outcome; if it raises, its own work is undone."""
    tell: Callable[[Any], Any] | None = None
    """Makes of the outcome what is answered once that is durable."""
    key: str = ""
    """What it shares with many others: commands of one key run one after the other."""
    order: str = ""
    """What it locks beside that: a group locks such things in one order."""
    foreseen: Any = None
    """What to tell `foresee`; commands that have it go first in a group."""


class _Lane:
    """Commands that wait for one thread, in the order of their arrival."""

    def __init__(self) -> None:
        self._waiting: deque[Command] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def put(self, commands: Sequence[Command]) -> None:
        with self._changed:
            self._waiting.extend(commands)
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()

    def take_group(self, most: int) -> list[Command]:
        """Return what waits, so many at most; an empty list once closed and drained."""
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            return taken(self._waiting, most)


class Lanes:
    """Runs commands in grouped transactions; see the module's text."""

    def __init__(
        self,
        engine: Engine,
        *,
        release: Callable[[list[Any], list[Any]], None],
        monotonic_seconds: Callable[[], float],
        foresee: Callable[[Connection, Sequence[Any]], None] | None = None,
    ) -> None:
        """`release` is given the tickets of a group and what each command came to.

        That is an answer, or the exception that was raised. It is called by the thread of a
        lane. `monotonic_seconds` is a clock. `foresee` may do ahead, for all commands of a group
        at once, what each of them would do for itself.
        """
        self._engine = engine
        self._release = release
        self._monotonic_seconds = monotonic_seconds
        self._foresee = foresee
        self._log_keeper = LogKeeper(engine) if engine.dialect.name == "sqlite" else None
        lanes = lanes_for(engine.dialect.name)
        self._telling = ThreadPoolExecutor(lanes, thread_name_prefix="telling")
        self._lanes = tuple(_Lane() for _ in range(lanes))
        self._threads = tuple(
            threading.Thread(
                target=self._serve, args=(lane.take_group,), name=f"committer-{number}"
            )
            for number, lane in enumerate(self._lanes)
        )

    def start(self) -> None:
        """Start the threads; once."""
        self._begin()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish every command that was put, then end the threads."""
        for lane in self._lanes:
            lane.close()
        for thread in self._threads:
            thread.join()
        self._end()

    def serve_here(self, take_group: Callable[[int], list[Command]]) -> None:
        """Be the only lane, in this thread, for groups of so many at most that come from elsewhere.

        It ends with an empty group.
        """
        self._begin()
        self._serve(take_group)
        self._end()

    def _begin(self) -> None:
        if self._log_keeper is not None:
            self._log_keeper.start()

    def _end(self) -> None:
        self._telling.shutdown()
        if self._log_keeper is not None:
            self._log_keeper.stop()

    def put(self, commands: Sequence[Command]) -> None:
        """Have commands run."""
        if len(self._lanes) == 1:
            self._lanes[0].put(commands)
            return
        for command in commands:
            self._lanes[hash(command.key) % len(self._lanes)].put([command])

    def _serve(self, take_group: Callable[[int], list[Command]]) -> None:
        while group := take_group(MAX_GROUP):
            # One order of locks for every process, so that two groups hardly wait in a ring.
            group.sort(key=lambda command: (command.foreseen is None, command.order))
            try:
                answers = self._commit(group, until=self._monotonic_seconds() + _PATIENCE_SECONDS)
            except Exception:  # noqa: BLE001 (whatever it is, nobody may wait for ever)
                _log.exception("group_lost", size=len(group))
                answers = [OutcomeUnknown() for _ in group]
            self._release([command.ticket for command in group], answers)

    def _commit(self, group: Sequence[Command], *, until: float) -> list[Any]:
        is_careful = False
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._commit_once(group, None if is_careful else Group())
            except StorageUnavailable:
                break
            except RunCarefully:
                # Now each command in a savepoint, and nothing is known or written ahead.
                is_careful = True
                continue
            except Exception as error:  # noqa: BLE001 (a lane must outlive any fault)
                # Whatever was begun is rolled back, so it may all run again; but one by one,
                # so that a command which upsets the database does not take others with it.
                _log.warning("group_rolled_back", attempt=attempt, error=type(error).__name__)
            if len(group) > 1:
                return self._commit_one_by_one(group, until=until)
            if self._monotonic_seconds() > until:
                break
        return [StorageUnavailable() for _ in group]

    def _commit_one_by_one(self, group: Sequence[Command], *, until: float) -> list[Any]:
        """Commit each command alone, as long as there is time; what is left was not begun."""
        answers: list[Any] = []
        for command in group:
            now = self._monotonic_seconds()
            if now > until:
                break
            answers += self._commit([command], until=now + _AGAIN_SECONDS)
        return answers + [StorageUnavailable() for _ in group[len(answers) :]]

    def _commit_once(self, group: Sequence[Command], work: Group | None) -> list[Any]:
        """Return what each command came to; raises StorageUnavailable without a connection."""
        options: dict[str, Any] = {WRITES: True, GROUP: work}
        with self._connected().execution_options(**options) as connection:
            transaction = connection.begin()
            try:
                outcomes = self._outcomes(connection, group, work)
            except _ENDED:
                # Another is opened next: this one may lead to a server that others have left.
                connection.invalidate()
                raise
            # While the disk is waited for, the answers are made; nobody hears them before. It is
            # this thread that waits: one that makes answers gives way to no other for milliseconds.
            answers = self._telling.submit(_answers, group, outcomes)
            try:
                transaction.commit()
            except SQLAlchemyError as error:
                _log.exception("commit_unanswered", error=type(error).__name__, size=len(group))
                connection.invalidate()
                return [OutcomeUnknown() for _ in group]
            if self._log_keeper is not None:
                self._log_keeper.committed(connection)
        return answers.result()

    def _connected(self) -> Connection:
        try:
            return self._engine.connect()
        except SQLAlchemyError as error:
            _log.warning("no_connection", error=type(error).__name__)
            raise StorageUnavailable from error

    def _outcomes(
        self, connection: Connection, group: Sequence[Command], work: Group | None
    ) -> list[Any]:
        """Return the outcomes of a group; with `work`, commands share what they know and write.

        Raises RunCarefully when that cannot be.
        """
        if work is None:
            return [_outcome(connection, command) for command in group]
        ahead = [command.foreseen for command in group if command.foreseen is not None]
        if self._foresee is not None and len(ahead) > 1:
            self._foresee(connection, ahead)
        outcomes = [_outcome(connection, command) for command in group]
        work.flush(connection)
        if work.foreseen:  # it is in the database, and nobody came for it
            raise RunCarefully
        return [finished(outcome) for outcome in outcomes]


def taken(waiting: deque[Command], most: int) -> list[Command]:
    """Take the first commands out of those that wait, so many at most."""
    return [waiting.popleft() for _ in range(min(len(waiting), most))]


def lanes_for(dialect_name: str) -> int:
    """Return how many lanes, so writing connections, a database is given."""
    return _SQLITE_LANES if dialect_name == "sqlite" else _POSTGRESQL_LANES


def _outcome(connection: Connection, command: Command) -> Any:
    """Return what the command returned or raised, its own work undone if it raised.

    Raises what the database ended the transaction of all commands with.
    """
    try:
        with undoable(connection):
            return command.act(connection)
    except (*_ENDED, RunCarefully):
        raise
    except Exception as error:  # noqa: BLE001 (it is the answer of its own command)
        return error


def _answers(group: Sequence[Command], outcomes: Sequence[Any]) -> list[Any]:
    return [_told(*pair) for pair in zip(group, outcomes, strict=True)]


def _told(command: Command, outcome: Any) -> Any:
    if command.tell is None or isinstance(outcome, BaseException):
        return outcome
    try:
        return command.tell(outcome)
    except Exception as error:  # noqa: BLE001 (likewise)
        return error
