"""The audit trail keeps what was done, and shows what was changed of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, update

from tests.support.service import NOON, writing
from vending_api.domain.audit_trail import service
from vending_api.domain.audit_trail.tables import AUDIT_TRAIL
from vending_api.domain.audit_trail.types import NewAction

if TYPE_CHECKING:
    from sqlalchemy import Engine

ACTION = NewAction(
    at=NOON,
    who="thandi",
    known_by="session 4",
    command="client deposit",
    subject='{"user": "corner-shop"}',
    outcome="done",
)


def _note(engine: Engine, *actions: NewAction) -> None:
    for action in actions:
        with writing(engine) as connection, connection.begin():
            service.note(connection, action)


def _breaks(engine: Engine) -> list[tuple[int, str]]:
    with engine.connect() as connection:
        return [(one.sequence, one.problem) for one in service.breaks(connection)]


def test_actions_are_kept_in_their_order(engine: Engine) -> None:
    later = replace(ACTION, at=NOON + timedelta(seconds=1), outcome="refused: x")
    _note(engine, ACTION, later)
    with engine.connect() as connection:
        found = list(service.actions(connection))
        assert [one.sequence for one in found] == [1, 2]
        assert [one.outcome for one in found] == ["done", "refused: x"]
        assert (found[0].who, found[0].at) == ("thandi", NOON)
        assert [one.sequence for one in service.actions(connection, later.at)] == [2]
    assert _breaks(engine) == []


@pytest.mark.parametrize(
    "column", ["at", "who", "known_by", "command", "subject", "outcome", "previous_digest"]
)
def test_a_row_that_was_changed_is_found(engine: Engine, column: str) -> None:
    _note(engine, *[ACTION] * 3)
    value = NOON + timedelta(seconds=1) if column == "at" else "changed"
    with writing(engine) as connection, connection.begin():
        connection.execute(
            update(AUDIT_TRAIL).where(AUDIT_TRAIL.c.sequence == 2).values({column: value})
        )
    assert (2, "it was changed") in _breaks(engine)


def test_a_row_that_was_taken_out_is_found(engine: Engine) -> None:
    _note(engine, *[ACTION] * 3)
    with writing(engine) as connection, connection.begin():
        connection.execute(delete(AUDIT_TRAIL).where(AUDIT_TRAIL.c.sequence == 2))
    assert {sequence for sequence, _ in _breaks(engine)} == {3}
    with writing(engine) as connection, connection.begin():
        connection.execute(delete(AUDIT_TRAIL).where(AUDIT_TRAIL.c.sequence == 1))
    assert len(_breaks(engine)) == 2


def test_what_is_too_long_is_cut_and_kept(engine: Engine) -> None:
    text = "\u00e9" * 5_000
    _note(
        engine,
        NewAction(at=NOON, who=text, known_by=text, command=text, subject=text, outcome=text),
    )
    with engine.connect() as connection:
        (found,) = service.actions(connection)
    assert (len(found.who), len(found.outcome), len(found.subject)) == (40, 200, 4_000)
    assert _breaks(engine) == []


def test_actions_at_the_same_moment_stand_one_after_the_other(engine: Engine) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: _note(engine, ACTION), range(24)))
    with engine.connect() as connection:
        assert [one.sequence for one in service.actions(connection)] == list(range(1, 25))
    assert _breaks(engine) == []


def test_what_was_not_stored_is_not_noted(engine: Engine) -> None:
    with writing(engine) as connection, connection.begin() as transaction:
        service.note(connection, ACTION)
        transaction.rollback()
    _note(engine, ACTION)
    assert _breaks(engine) == []
