"""A command of a group may leave its end for later; nobody reads or commits before that."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from tests.support.service import writing
from vending_api.kit.errors import MessageIdUsed
from vending_api.kit.group import (
    GROUP,
    Group,
    RunCarefully,
    Unfinished,
    begin_in_time,
    finish_later,
    finished,
)
from vending_api.kit.lanes import Command, Lanes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Connection, Engine


def _alone(connection: Connection) -> str:
    return finished(finish_later(connection, lambda: "done"))


def test_without_a_group_a_command_is_finished_at_once(engine: Engine) -> None:
    with writing(engine) as connection:
        assert finish_later(connection, lambda: "done") == "done"
        assert _alone(connection) == "done"


def test_commands_are_finished_once_and_in_their_order(engine: Engine) -> None:
    done: list[int] = []

    def end(number: int) -> int:
        done.append(number)
        return number

    group = Group()
    with writing(engine) as plain:
        connection = plain.execution_options(**{GROUP: group})
        left = [finish_later(connection, partial(end, number)) for number in range(3)]
        assert done == []
        group.flush(connection)
        assert done == [0, 1, 2]
        group.flush(connection)
        assert [finished(one) for one in left] == done == [0, 1, 2]


def test_who_looks_at_the_database_finds_earlier_commands_finished(engine: Engine) -> None:
    done: list[str] = []
    with writing(engine) as plain, plain.begin():
        connection = plain.execution_options(**{GROUP: Group()})
        finish_later(connection, lambda: done.append("first"))
        connection.execute(text("SELECT 1"))
        assert done == ["first"]


def test_what_commands_wait_for_is_begun_and_all_else_written_before_they_are_finished(
    engine: Engine,
) -> None:
    happened: list[str] = []

    class Writes:
        def __init__(self, name: str) -> None:
            self.name = name

        def run_now(self, _connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
            happened.append(f"{self.name} {len(rows)}")

    def finish() -> None:
        happened.append("finished")
        group.write_later(Writes("its own"), [{}, {}], None)

    with writing(engine) as plain:
        connection = plain.execution_options(**{GROUP: (group := Group())})
        begin_in_time(connection, lambda: happened.append("begun"))
        group.flush(connection)
        assert happened == []
        group.write_later(Writes("before"), [{}], None)
        finish_later(connection, finish)
        group.flush(connection)
        assert happened == ["begun", "before 1", "finished", "its own 2"]
        group.flush(connection)
        assert len(happened) == 4


def _fail() -> None:
    raise MessageIdUsed("1")


def _do_nothing() -> None:
    pass


@pytest.mark.parametrize(
    ("begin", "finish"), [(_fail, _do_nothing), (_do_nothing, _fail)], ids=["begun", "finished"]
)
def test_one_that_cannot_be_begun_or_finished_has_the_group_run_again(
    engine: Engine, begin: Callable[[], None], finish: Callable[[], None]
) -> None:
    group = Group()
    with writing(engine) as plain:
        connection = plain.execution_options(**{GROUP: group})
        begin_in_time(connection, begin)
        finish_later(connection, finish)
        with pytest.raises(RunCarefully):
            group.flush(connection)


def test_without_a_group_nothing_is_begun_for_later(engine: Engine) -> None:
    with writing(engine) as connection:
        begin_in_time(connection, _fail)
        assert finish_later(connection, lambda: "done") == "done"


def test_a_database_that_fails_while_one_is_finished_is_no_fault_of_it(engine: Engine) -> None:
    def fail() -> None:
        raise OperationalError("SELECT", None, Exception("gone"))

    group = Group()
    with writing(engine) as plain:
        connection = plain.execution_options(**{GROUP: group})
        finish_later(connection, fail)
        with pytest.raises(OperationalError):
            group.flush(connection)


def test_lanes_answer_what_was_finished_and_whose_end_failed_fails_alone(engine: Engine) -> None:
    answers: dict[str, Any] = {}

    def act(name: str, connection: Connection) -> str | Unfinished[str]:
        def finish() -> str:
            if name == "bad":
                raise MessageIdUsed(name)
            return f"{name} done"

        return finish_later(connection, finish)

    def release(tickets: list[str], outcomes: list[Any]) -> None:
        answers.update(zip(tickets, outcomes, strict=True))

    lanes = Lanes(engine, release=release, monotonic_seconds=time.monotonic)
    lanes.put([Command(ticket=name, act=partial(act, name)) for name in ("one", "bad", "two")])
    lanes.start()
    lanes.stop()
    assert answers["one"] == "one done"
    assert answers["two"] == "two done"
    assert isinstance(answers["bad"], MessageIdUsed)


def test_what_is_dropped_before_it_is_used_takes_no_place(engine: Engine) -> None:
    written: list[str] = []

    class Named:
        def __init__(self, name: str) -> None:
            self.name = name

        def run_now(self, _: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
            written.extend(f"{self.name} {row['value']}" for row in rows)

    group, early, late = Group(), Named("early"), Named("late")
    with writing(engine) as connection:
        group.drop_later(late, "x")
        group.write_later(early, [{"value": 1}], "x")
        group.write_later(late, [{"value": 2}], "x")
        group.flush(connection)
    assert written == ["early 1", "late 2"]
