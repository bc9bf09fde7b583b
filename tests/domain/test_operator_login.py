"""Logging in: both factors, once each; wrong ones cost ever more time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.support.operators import CHANCE, PASSWORD, SECRET, Person, hired, log_in
from tests.support.service import NOON, writing
from vending_api.domain.operators import login, service
from vending_api.domain.operators.errors import OperatorLocked, OperatorLoginRejected
from vending_api.domain.operators.types import (
    ATTEMPTS_KEPT,
    FIRST_WAIT,
    FREE_ATTEMPTS,
    LONGEST_WAIT,
    Role,
)

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine

STEP = timedelta(seconds=30)


@pytest.fixture
def thandi(engine: Engine) -> Person:
    return hired(engine, "thandi", Role.SUPERVISOR)


def _wrong(engine: Engine, person: Person, at: datetime, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(OperatorLoginRejected):
            log_in(engine, person, at, code="000000")


def test_password_and_code_together_open_a_session(engine: Engine, thandi: Person) -> None:
    acting = log_in(engine, thandi, NOON)
    assert acting.operator.name == "thandi"
    for wrong in ({"password": "another password"}, {"code": "000000"}, {"code": ""}):
        with pytest.raises(OperatorLoginRejected):
            log_in(engine, thandi, NOON + STEP, **wrong)
    log_in(engine, thandi, NOON + STEP, session="another")


def test_a_code_opens_one_session(engine: Engine, thandi: Person) -> None:
    log_in(engine, thandi, NOON)
    with pytest.raises(OperatorLoginRejected):
        log_in(engine, thandi, NOON, session="again")
    # Nor does the one before it, which is still within its time.
    with pytest.raises(OperatorLoginRejected):
        log_in(engine, thandi, NOON, code=thandi.code(NOON - STEP), session="again")
    log_in(engine, thandi, NOON + STEP, session="again")


def test_a_first_password_must_be_changed(engine: Engine, thandi: Person) -> None:
    given = login.new_password(SECRET, "thandi", "made by another", CHANCE)
    with writing(engine) as connection, connection.begin():
        service.reset(connection, "thandi", given, NOON)
        candidate = login.begin(connection, "thandi", NOON)
    verified = login.verify(candidate, "made by another", thandi.code(NOON), NOON)
    with writing(engine) as connection, connection.begin():
        with pytest.raises(ValueError, match="must change"):
            login.finish(connection, verified, "s", NOON)
        own = login.new_password(verified.totp_secret, "thandi", "my own password", CHANCE)
        login.finish(connection, verified, "s", NOON, changed=own)
    with pytest.raises(OperatorLoginRejected):
        log_in(engine, thandi, NOON + STEP, password="made by another")
    assert log_in(engine, thandi, NOON + STEP, password="my own password", session="t")


def test_waits_grow_and_end() -> None:
    waits = [login.wait_after(count) for count in range(1, 200)]
    assert waits[: FREE_ATTEMPTS - 1] == [timedelta()] * (FREE_ATTEMPTS - 1)
    assert waits[FREE_ATTEMPTS - 1 : FREE_ATTEMPTS + 2] == [
        FIRST_WAIT * factor for factor in (1, 2, 4)
    ]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT


def test_after_some_wrong_logins_nobody_is_let_in_for_a_while(
    engine: Engine, thandi: Person
) -> None:
    _wrong(engine, thandi, NOON, FREE_ATTEMPTS)
    with pytest.raises(OperatorLocked) as locked:
        log_in(engine, thandi, NOON)
    assert locked.value.seconds == FIRST_WAIT.seconds
    almost = NOON + FIRST_WAIT - timedelta(microseconds=1)
    with pytest.raises(OperatorLocked):
        log_in(engine, thandi, almost)
    log_in(engine, thandi, NOON + FIRST_WAIT)


def test_trying_while_locked_makes_no_wait_longer(engine: Engine, thandi: Person) -> None:
    _wrong(engine, thandi, NOON, FREE_ATTEMPTS)
    for _ in range(3):
        with pytest.raises(OperatorLocked):
            log_in(engine, thandi, NOON)
    _wrong(engine, thandi, NOON + FIRST_WAIT)
    with pytest.raises(OperatorLocked) as locked:
        log_in(engine, thandi, NOON + FIRST_WAIT)
    assert locked.value.seconds == 2 * FIRST_WAIT.seconds


def test_a_right_login_forgets_the_wrong_ones(engine: Engine, thandi: Person) -> None:
    _wrong(engine, thandi, NOON, FREE_ATTEMPTS - 1)
    log_in(engine, thandi, NOON)
    _wrong(engine, thandi, NOON, FREE_ATTEMPTS - 1)
    log_in(engine, thandi, NOON + STEP, session="t")


@pytest.mark.parametrize("later", [ATTEMPTS_KEPT, ATTEMPTS_KEPT + timedelta(seconds=1)])
def test_a_quiet_day_forgets_them_too(engine: Engine, thandi: Person, later: timedelta) -> None:
    _wrong(engine, thandi, NOON, FREE_ATTEMPTS - 1)
    _wrong(engine, thandi, NOON + later)
    if later > ATTEMPTS_KEPT:
        log_in(engine, thandi, NOON + later)
    else:
        with pytest.raises(OperatorLocked):
            log_in(engine, thandi, NOON + later)


def test_a_clock_that_was_set_back_locks_nobody_out(engine: Engine, thandi: Person) -> None:
    _wrong(engine, thandi, NOON, FREE_ATTEMPTS)
    log_in(engine, thandi, NOON + FIRST_WAIT - LONGEST_WAIT - timedelta(seconds=1))


def test_a_name_that_nobody_has_is_locked_like_any_other(engine: Engine, thandi: Person) -> None:
    nobody = Person("nobody.else")
    _wrong(engine, nobody, NOON, FREE_ATTEMPTS)
    with pytest.raises(OperatorLocked):
        log_in(engine, nobody, NOON)
    log_in(engine, thandi, NOON)


def test_a_reset_lets_in_who_was_locked(engine: Engine, thandi: Person) -> None:
    _wrong(engine, thandi, NOON, FREE_ATTEMPTS)
    given = login.new_password(SECRET, "thandi", PASSWORD, CHANCE)
    with writing(engine) as connection, connection.begin():
        service.reset(connection, "thandi", given, NOON)
        assert login.begin(connection, "thandi", NOON) is not None
