"""Defence: the same work whatever is wrong, and secrets compared whole or looked up by digest."""

from __future__ import annotations

import hmac
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from argon2.low_level import hash_secret_raw

from tests.support.hashes import IN_EARNEST
from tests.support.operators import CHANCE, PASSWORD, SECRET, Person, hired
from tests.support.service import NOON, writing
from vending_api.domain.operators import login, service
from vending_api.domain.operators.errors import OperatorLoginRejected
from vending_api.domain.operators.types import Role
from vending_api.kit import credentials, second_factor
from vending_api.kit.credentials import hash_password, password_fits

if TYPE_CHECKING:
    from sqlalchemy import Engine

WORK = Counter({"password": 1, "key": 1, "codes": 3})


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count what takes time: both argon2 and each comparison of a code."""
    done: Counter[str] = Counter()

    def counted(name: str, act: Any) -> Any:
        def run(*args: Any, **kwargs: Any) -> Any:
            done[name] += 1
            return act(*args, **kwargs)

        return run

    monkeypatch.setattr(login, "hash_password", counted("hash", hash_password))
    monkeypatch.setattr(login, "password_fits", counted("password", password_fits))
    key = counted("key", hash_secret_raw)
    monkeypatch.setattr(second_factor, "hash_secret_raw", key)
    monkeypatch.setattr(hmac, "compare_digest", counted("codes", hmac.compare_digest))
    return done


@pytest.mark.parametrize("wrong", ["nothing", "name", "password", "code", "used", "disabled"])
def test_a_login_takes_the_same_work_whatever_is_wrong(
    engine: Engine, work: Counter[str], wrong: str
) -> None:
    hired(engine, "lindiwe", Role.SUPERVISOR)
    person = hired(engine, "thandi", Role.SUPERVISOR)
    with writing(engine) as connection, connection.begin():
        if wrong == "disabled":
            service.disable(connection, "thandi", NOON)
        name = "nobody" if wrong == "name" else "thandi"
        candidate = login.begin(connection, name, NOON)
        if wrong == "used":
            assert candidate is not None
            verified = login.verify(candidate, PASSWORD, person.code(NOON), NOON)
            login.finish(connection, verified, "s", NOON)
            candidate = login.begin(connection, name, NOON)
    work.clear()
    password = "wrong" if wrong == "password" else PASSWORD
    code = "000000" if wrong == "code" else Person(name).code(NOON)
    if wrong == "nothing":
        login.verify(candidate, password, code, NOON)
    else:
        with pytest.raises(OperatorLoginRejected):
            login.verify(candidate, password, code, NOON)
    assert work == WORK


def test_nobody_is_checked_by_the_parameters_of_everybody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(credentials, "_hasher", IN_EARNEST)
    given = login.new_password(SECRET, "thandi", PASSWORD, CHANCE)
    nobody = login._HASH_OF_NOBODY
    assert nobody.split("$")[:4] == given.password_hash.split("$")[:4]
    assert len(nobody) == len(given.password_hash)
    assert len(login._SEALED_OF_NOBODY) == len(given.totp_sealed)
    assert not password_fits(nobody, "")
