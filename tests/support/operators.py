"""Operators as tests need them: some that act at once, and some who really log in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from pyotp import TOTP

from tests.support.service import NOON, writing
from vending_api.domain.operators import login, service
from vending_api.domain.operators.types import NewOperator, PassKind, Role
from vending_api.kit.second_factor import CHANCE_OCTETS, SECRET_OCTETS, new_secret

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from vending_api.domain.operators.types import Acting

PASSWORD = "correct horse battery"
SECRET = new_secret(bytes(range(SECRET_OCTETS)))
"""Of everybody's app."""
CHANCE = bytes(range(CHANCE_OCTETS))


@dataclass(frozen=True)
class Person:
    """An operator with what only that one knows."""

    name: str
    password: str = PASSWORD
    secret: str = SECRET

    def code(self, at: datetime) -> str:
        """Return what the app shows."""
        return code_at(self.secret, at)


def code_at(secret: str, at: datetime) -> str:
    """Return the code that an app shows at a moment (RFC 6238)."""
    return TOTP(secret).at(at)


def joined(
    connection: Connection,
    name: str,
    *roles: Role,
    kind: PassKind = PassKind.SESSION,
    at: datetime = NOON,
) -> Acting:
    """Return a new operator who acts, by a session or by an API key; nobody can log in as it."""
    if not service.is_peopled(connection) and Role.SUPERVISOR not in roles:
        _add(connection, "boss", Role.SUPERVISOR)
    _add(connection, name, *roles)
    operator = service.find_operator(connection, name)
    secret = f"secret of {name}"
    lasts = timedelta(days=30)
    service.add_pass(connection, operator, kind, secret, label="test", at=at, lasts=lasts)
    return service.who_acts(connection, secret, at)


def hired(engine: Engine, name: str, *roles: Role) -> Person:
    """Return a new operator who has changed the first password, and can log in."""
    person = Person(name)
    given = login.new_password(SECRET, name, PASSWORD, CHANCE)
    with writing(engine) as connection, connection.begin():
        new = NewOperator(
            name=name,
            roles=frozenset(roles),
            password_hash=given.password_hash,
            totp_sealed=given.totp_sealed,
        )
        service.add_operator(connection, new, NOON)
        operator = service.find_operator(connection, name)
        service.change_password(connection, operator, given, NOON)
    return person


def log_in(
    engine: Engine,
    person: Person,
    at: datetime,
    *,
    password: str | None = None,
    code: str | None = None,
    session: str = "session",
) -> Acting:
    """Log in as the command does, in its three steps; raises what they raise."""
    with writing(engine) as connection, connection.begin():
        candidate = login.begin(connection, person.name, at)
    verified = login.verify(
        candidate,
        person.password if password is None else password,
        person.code(at) if code is None else code,
        at,
    )
    with writing(engine) as connection, connection.begin():
        login.finish(connection, verified, session, at)
        return service.who_acts(connection, session, at)


def _add(connection: Connection, name: str, *roles: Role) -> None:
    new = NewOperator(name=name, roles=frozenset(roles), password_hash="none", totp_sealed="none")
    service.add_operator(connection, new, NOON)
