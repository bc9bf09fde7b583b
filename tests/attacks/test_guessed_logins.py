"""Defence: an attempt is counted, and stored, before it is looked at (`operators/login.py`)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.support.operators import Person, hired, log_in
from tests.support.service import NOON
from vending_api.domain.operators.errors import OperatorLocked, OperatorLoginRejected
from vending_api.domain.operators.types import FREE_ATTEMPTS, Role
from vending_api.kit.db import open_database

if TYPE_CHECKING:
    from sqlalchemy import Engine

GUESSES = 40


def _guess(engine: Engine, name: str, code: str) -> str:
    try:
        log_in(engine, Person(name), NOON, password="guess", code=code)
    except (OperatorLocked, OperatorLoginRejected) as error:
        return error.code
    return "in"


@pytest.mark.parametrize("name", ["thandi", "nobody.at.all"])
@pytest.mark.parametrize("threads", [1, 8])
def test_few_guesses_are_looked_at_whoever_they_are_about(
    engine: Engine, name: str, threads: int
) -> None:
    hired(engine, "thandi", Role.SUPERVISOR)
    with ThreadPoolExecutor(threads) as pool:
        said = list(pool.map(lambda n: _guess(engine, name, f"{n:06}"), range(GUESSES)))
    assert said.count("operator_login_rejected") == FREE_ATTEMPTS
    assert said.count("operator_locked") == GUESSES - FREE_ATTEMPTS


def test_a_restart_forgets_no_guess(engine: Engine) -> None:
    person = hired(engine, "thandi", Role.SUPERVISOR)
    for number in range(FREE_ATTEMPTS):
        _guess(engine, "thandi", f"{number:06}")
    again = open_database(engine.url.render_as_string(hide_password=False), connections=1)
    with pytest.raises(OperatorLocked):
        log_in(again, person, NOON)
    again.dispose()


def test_who_has_the_password_alone_or_the_app_alone_is_not_let_in(engine: Engine) -> None:
    person = hired(engine, "thandi", Role.SUPERVISOR)
    with pytest.raises(OperatorLoginRejected):
        log_in(engine, person, NOON, code="000000")
    with pytest.raises(OperatorLoginRejected):
        log_in(engine, person, NOON, password="guess")
