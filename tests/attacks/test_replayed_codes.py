"""Defence: the time step of a code is taken by one UPDATE that wants a later one than the last."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.support.operators import hired, log_in
from tests.support.service import NOON, writing
from vending_api.domain.operators import login
from vending_api.domain.operators.errors import OperatorLoginRejected
from vending_api.domain.operators.types import Role

if TYPE_CHECKING:
    from sqlalchemy import Engine


def test_a_code_that_was_watched_is_of_no_use(engine: Engine) -> None:
    person = hired(engine, "thandi", Role.SUPERVISOR)
    code = person.code(NOON)
    log_in(engine, person, NOON, code=code)
    for late in (0, 10, 30):
        with pytest.raises(OperatorLoginRejected):
            log_in(engine, person, NOON + timedelta(seconds=late), code=code, session="thief")


def test_of_many_with_one_code_at_once_one_is_let_in(engine: Engine) -> None:
    person = hired(engine, "thandi", Role.SUPERVISOR)
    with writing(engine) as connection, connection.begin():
        candidate = login.begin(connection, "thandi", NOON)
    # All were looked at before any of them was stored.
    verified = [login.verify(candidate, person.password, person.code(NOON), NOON) for _ in range(4)]

    def finish(place: int) -> bool:
        try:
            with writing(engine) as connection, connection.begin():
                login.finish(connection, verified[place], f"session {place}", NOON)
        except OperatorLoginRejected:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(finish, range(4))) == 1
