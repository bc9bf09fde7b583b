"""Defence: secrets are kept as digests, hashes, or under the password; the trail is a chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text, update

from tests.support.operators import PASSWORD, SECRET, hired, log_in
from tests.support.service import NOON, writing
from vending_api.domain.operators.errors import OperatorLoginRejected, PassRejected
from vending_api.domain.operators.service import digest_of, who_acts
from vending_api.domain.operators.tables import OPERATOR, OPERATOR_ATTEMPT, OPERATOR_PASS
from vending_api.domain.operators.types import Role
from vending_api.kit.second_factor import unseal

if TYPE_CHECKING:
    from sqlalchemy import Engine

SESSION = "the secret of a session"


def _everything(engine: Engine) -> str:
    with engine.connect() as connection:
        return repr(
            [
                connection.execute(select(table)).all()
                for table in (OPERATOR, OPERATOR_PASS, OPERATOR_ATTEMPT)
            ]
        )


def test_a_copy_holds_neither_password_nor_session_nor_second_factor(engine: Engine) -> None:
    person = hired(engine, "thandi", Role.SUPERVISOR)
    log_in(engine, person, NOON, session=SESSION)
    with pytest.raises(OperatorLoginRejected):
        log_in(engine, person, NOON, password="almost right")
    copy = _everything(engine)
    assert "thandi" in copy
    for secret in (PASSWORD, SESSION, SECRET, "almost right"):
        assert secret not in copy


def test_what_a_copy_holds_opens_nothing(engine: Engine) -> None:
    person = hired(engine, "thandi", Role.SUPERVISOR)
    log_in(engine, person, NOON, session=SESSION)
    with engine.connect() as connection:
        row = connection.execute(select(OPERATOR)).one()
        with pytest.raises(PassRejected):
            who_acts(connection, digest_of(SESSION), NOON)
    for guess in (row.password_hash, digest_of(PASSWORD), ""):
        assert unseal(row.totp_sealed, guess, owner="thandi") is None
        with pytest.raises(OperatorLoginRejected):
            log_in(engine, person, NOON, password=guess)


def test_one_operators_secrets_do_not_serve_another(engine: Engine) -> None:
    hired(engine, "thandi", Role.SUPERVISOR)
    thief = hired(engine, "pieter", Role.CLERK)
    with writing(engine) as connection, connection.begin():
        own = connection.execute(select(OPERATOR).where(OPERATOR.c.name == "pieter")).one()
        connection.execute(
            update(OPERATOR)
            .where(OPERATOR.c.name == "thandi")
            .values(password_hash=own.password_hash, totp_sealed=own.totp_sealed)
        )
    with pytest.raises(OperatorLoginRejected):
        log_in(engine, type(thief)("thandi"), NOON)
    log_in(engine, thief, NOON)


def test_names_are_not_told_by_attempts(engine: Engine) -> None:
    hired(engine, "thandi", Role.SUPERVISOR)
    with pytest.raises(OperatorLoginRejected):
        log_in(engine, hired(engine, "pieter", Role.CLERK), NOON, code="0")
    with engine.connect() as connection:
        kept = connection.execute(text("SELECT * FROM operator_attempt")).all()
    assert len(kept) == 1
    assert "pieter" not in repr(kept)
