"""What the commands of one transaction know of its rows, and have yet to write.

The committer runs many commands in one transaction. A row that one of them has locked is
nobody else's until the commit: what was read of it stays true, so the next command need not
read it again, and of several changes only the last must be written. And rows that nobody
reads before the commit may all be written at its end, by a few statements instead of some for
each command.

A command may also leave its end for later (`finish_later`), so that something which takes a
while is begun for many and waited for once.

Two rules keep this sound. What is known of a row and what is to be written of it live and die
together: a statement that does not say it is of this game first has all written, and all that
was known is forgotten. And nothing of it can be undone alone: a command that fails after it
has changed anything makes the whole group run again, carefully, each command in a savepoint.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar, overload

from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, OperationalError

from vending_api.kit.driver import sent_ahead

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from sqlalchemy import Connection


T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Writes(Protocol):
    """A statement that can be run for its effect."""

    def run_now(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run it with each row of values, one at least."""


GROUP: Final = "vending_group"
"""Execution option of a connection whose transaction runs a group."""


class RunCarefully(Exception):
    """A command of a group must be undone alone, so the group must run again with savepoints."""


def _nothing_to_write() -> defaultdict[Writes, dict[Hashable, Sequence[Mapping[str, Any]]]]:
    return defaultdict(dict)


class Unfinished(Generic[T_co]):
    """What a command of a group has come to, but for its end."""

    __slots__ = ("_finish", "_outcome")

    def __init__(self, finish: Callable[[], T_co]) -> None:
        self._finish: Callable[[], T_co] | None = finish

    def outcome(self) -> T_co:
        """Return the outcome; finishes the command the first time."""
        if self._finish is not None:
            self._outcome = self._finish()
            self._finish = None
        return self._outcome


class Group:
    """What the commands of one transaction share."""

    def __init__(self) -> None:
        self.changes = 0
        """Grows with whatever is written, or is to be."""
        self.facts: dict[Hashable, Any] = {}
        """What is known of rows that this transaction has locked; may be forgotten at any time."""
        self.lasting: dict[Hashable, Any] = {}
        """What is known of rows that no command of a group changes."""
        self.foreseen: dict[Hashable, Any] = {}
        """What was done ahead for a command; it takes it out when it comes to it."""
        self._later = _nothing_to_write()
        self._unfinished: list[Unfinished[Any]] = []
        self._to_begin: list[Callable[[], None]] = []

    def begin_in_time(self, begin: Callable[[], None]) -> None:
        """Have called, each time commands are about to be finished, what begins all they wait for.

        What is written before that then takes none of their time.
        """
        self._to_begin.append(begin)

    def finish_later(self, finish: Callable[[], T]) -> Unfinished[T]:
        """Have a command finished before the commit, after those that came before it."""
        unfinished = Unfinished(finish)
        self._unfinished.append(unfinished)
        return unfinished

    def write_later(
        self, statement: Writes, rows: Sequence[Mapping[str, Any]], of: Hashable
    ) -> None:
        """Have a statement run with these rows before the commit, in place of earlier ones `of` it.

        Statements run in the order in which each was first used.
        """
        self.changes += 1
        self._later[statement][object() if of is None else of] = rows

    def drop_later(self, statement: Writes, of: Hashable) -> None:
        """Have a statement not run with what was to be written `of` something."""
        self._later.get(statement, {}).pop(of, None)

    def flush(self, connection: Connection) -> None:
        """Finish all commands and write all that is to be written.

        Raises RunCarefully where a command cannot be finished or the database refuses a row.
        """
        try:
            if self._unfinished:
                self._finish_and_write(connection)
            self._write_all(connection)
        except (IntegrityError, DataError) as error:
            raise RunCarefully from error

    def settle(self, connection: Connection) -> None:
        """Write all that is to be written, and forget what was known of the rows."""
        self.flush(connection)
        self.facts.clear()

    def _finish_and_write(self, connection: Connection) -> None:
        self._begin_all()
        with sent_ahead(connection):
            self._write_all(connection)
            self._finish_all()
            self._write_all(connection)

    def _write_all(self, connection: Connection) -> None:
        later, self._later = self._later, _nothing_to_write()
        for statement, rows_of in later.items():
            rows = [row for rows in rows_of.values() for row in rows]
            if rows:
                statement.run_now(connection, rows)

    def _begin_all(self) -> None:
        try:
            for begin in self._to_begin:
                begin()
        except Exception as error:
            raise RunCarefully from error

    def _finish_all(self) -> None:
        unfinished, self._unfinished = self._unfinished, []
        try:
            for one in unfinished:
                one.outcome()
        except (OperationalError, InterfaceError, RunCarefully):
            raise
        except Exception as error:
            raise RunCarefully from error


def group_of(connection: Connection) -> Group | None:
    """Return the group whose transaction a connection runs, or None."""
    group: Group | None = connection.get_execution_options().get(GROUP)
    return group


def finish_later(connection: Connection, finish: Callable[[], T]) -> T | Unfinished[T]:
    """Return the outcome of a command, or in a group what will have it once all are finished."""
    group = group_of(connection)
    return finish() if group is None else group.finish_later(finish)


@overload
def finished(outcome: Unfinished[T]) -> T: ...
@overload
def finished(outcome: T) -> T: ...
def finished(outcome: Any) -> Any:
    """Return the outcome of a command, which is finished now if it was left for later."""
    return outcome.outcome() if isinstance(outcome, Unfinished) else outcome


def flush(connection: Connection) -> None:
    """Have all written that the group of a connection has yet to write."""
    group = group_of(connection)
    if group is not None:
        group.flush(connection)


def begin_in_time(connection: Connection, begin: Callable[[], None]) -> None:
    """Have the group of a connection call, in time, what begins all that its commands wait for."""
    group = group_of(connection)
    if group is not None:
        group.begin_in_time(begin)


def drop_later(connection: Connection, statement: Writes, of: Hashable) -> None:
    """Have a statement not run with what the group of a connection was to write `of` something."""
    group = group_of(connection)
    if group is not None:
        group.drop_later(statement, of)


def forget(connection: Connection, *facts: Hashable) -> None:
    """Let the group of a connection forget some of what it knows."""
    group = group_of(connection)
    if group is not None:
        for fact in facts:
            group.facts.pop(fact, None)


def recall(connection: Connection, fact: Hashable) -> Any:
    """Return what the group of a connection knows, or None."""
    group = group_of(connection)
    return None if group is None else group.facts.get(fact)


def remember(connection: Connection, fact: Hashable, value: Any) -> None:
    """Let the group of a connection know something of a row that its transaction has locked."""
    group = group_of(connection)
    if group is not None:
        group.facts[fact] = value


def recall_lasting(connection: Connection, fact: Hashable) -> Any:
    """Return what the group of a connection knows of what none of its commands changes."""
    group = group_of(connection)
    return None if group is None else group.lasting.get(fact)


def remember_lasting(connection: Connection, fact: Hashable, value: Any) -> None:
    """Let the group of a connection know something that none of its commands changes."""
    group = group_of(connection)
    if group is not None:
        group.lasting[fact] = value


def settle_before_core(
    connection: Connection,
    _cursor: object,
    statement: str,
    _parameters: object,
    _context: object,
    _is_many: object,
) -> None:
    """Settle a group before SQLAlchemy runs a statement of its own; listens to engines."""
    group = group_of(connection)
    if group is None:
        return
    group.settle(connection)
    if not statement.startswith("SELECT"):
        group.changes += 1
