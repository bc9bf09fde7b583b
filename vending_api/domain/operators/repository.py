"""The SQL of the operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, insert, select, update

from vending_api.domain.operators.tables import OPERATOR, OPERATOR_ATTEMPT, OPERATOR_PASS
from vending_api.domain.operators.types import Acting, Candidate, Operator, Pass, PassKind, Role
from vending_api.kit.db import insert_or_ignore
from vending_api.kit.entries import require_fit

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row

_PASSES: Final = (
    select(OPERATOR_PASS, OPERATOR.c.name)
    .join(OPERATOR, OPERATOR.c.key == OPERATOR_PASS.c.operator_key)
    .order_by(OPERATOR_PASS.c.key)
)


def has_operators(connection: Connection) -> bool:
    """Return whether there is an operator."""
    return connection.execute(select(OPERATOR.c.key).limit(1)).first() is not None


def all_operators(connection: Connection) -> list[Operator]:
    """Return every operator by name."""
    return [
        _operator(row) for row in connection.execute(select(OPERATOR).order_by(OPERATOR.c.name))
    ]


def lock_operators(connection: Connection) -> list[Operator]:
    """Return every operator, whom nobody else changes meanwhile, always in one order."""
    rows = connection.execute(select(OPERATOR).order_by(OPERATOR.c.key).with_for_update())
    return [_operator(row) for row in rows]


def find_candidate(connection: Connection, name: str) -> Candidate | None:
    """Return the operator of a name with what a login is held against, or None."""
    row = connection.execute(select(OPERATOR).where(OPERATOR.c.name == name)).one_or_none()
    if row is None:
        return None
    return Candidate(
        operator=_operator(row),
        password_hash=row.password_hash,
        totp_sealed=row.totp_sealed,
        totp_step=row.totp_step,
    )


def add_operator(connection: Connection, values: dict[str, Any]) -> int | None:
    """Store an operator and return the key; None where the name is taken."""
    require_fit(OPERATOR, values)
    new = insert_or_ignore(connection.dialect.name, OPERATOR).values(values)
    return connection.execute(new.returning(OPERATOR.c.key)).scalar()


def update_operator(connection: Connection, key: int, values: dict[str, Any]) -> None:
    """Store other values of columns of an operator."""
    require_fit(OPERATOR, values)
    connection.execute(update(OPERATOR).where(OPERATOR.c.key == key).values(values))


def take_step(
    connection: Connection, key: int, step: int, *, checked_hash: str, values: dict[str, Any]
) -> bool:
    """Store that a code of a time step was taken; False where it, or a later one, was before.

    Also False where the password that was checked is not the operator's any more, or the
    operator was disabled meanwhile.
    """
    taken = (
        update(OPERATOR)
        .where(
            OPERATOR.c.key == key,
            OPERATOR.c.totp_step < step,
            OPERATOR.c.password_hash == checked_hash,
            OPERATOR.c.disabled_at.is_(None),
        )
        .values(totp_step=step, **values)
    )
    return bool(connection.execute(taken).rowcount)


def lock_attempts(connection: Connection, subject: str, at: datetime) -> Row[Any]:
    """Return the row of a subject's attempts, which nobody else changes meanwhile."""
    new = insert_or_ignore(connection.dialect.name, OPERATOR_ATTEMPT)
    connection.execute(new, {"subject": subject, "attempts": 0, "last_at": at, "free_at": at})
    locked = select(OPERATOR_ATTEMPT).where(OPERATOR_ATTEMPT.c.subject == subject)
    return connection.execute(locked.with_for_update()).one()


def store_attempt(connection: Connection, subject: str, values: dict[str, Any]) -> None:
    """Store the attempts of a subject whose row is locked."""
    changed = update(OPERATOR_ATTEMPT).where(OPERATOR_ATTEMPT.c.subject == subject)
    connection.execute(changed.values(values))


def delete_attempts(connection: Connection, subject: str) -> None:
    """Delete the attempts of a subject."""
    connection.execute(delete(OPERATOR_ATTEMPT).where(OPERATOR_ATTEMPT.c.subject == subject))


def add_pass(connection: Connection, values: dict[str, Any]) -> int:
    """Store a session or API key by the digest of its secret, and return its number."""
    require_fit(OPERATOR_PASS, values)
    new = insert(OPERATOR_PASS).values(values).returning(OPERATOR_PASS.c.key)
    return int(connection.execute(new).scalar_one())


def find_acting(connection: Connection, digest: str, at: datetime) -> Acting | None:
    """Return who has a pass that is good at a moment, by the digest of its secret, or None."""
    joined = (
        select(OPERATOR, OPERATOR_PASS.c.kind, OPERATOR_PASS.c.key.label("number"))
        .join(OPERATOR_PASS, OPERATOR.c.key == OPERATOR_PASS.c.operator_key)
        .where(
            OPERATOR_PASS.c.digest == digest,
            OPERATOR_PASS.c.expires_at > at,
            OPERATOR_PASS.c.revoked_at.is_(None),
            OPERATOR.c.disabled_at.is_(None),
        )
    )
    row = connection.execute(joined).one_or_none()
    if row is None:
        return None
    return Acting(operator=_operator(row), kind=PassKind(row.kind), number=row.number)


def all_passes(connection: Connection, at: datetime, operator_key: int | None) -> list[Pass]:
    """Return the passes that are good at a moment, of one operator or of all."""
    good = _PASSES.where(OPERATOR_PASS.c.expires_at > at, OPERATOR_PASS.c.revoked_at.is_(None))
    if operator_key is not None:
        good = good.where(OPERATOR_PASS.c.operator_key == operator_key)
    return [
        Pass(
            number=row.key,
            kind=PassKind(row.kind),
            operator_name=row.name,
            label=row.label,
            created_at=row.created_at,
            expires_at=row.expires_at,
            revoked_at=row.revoked_at,
        )
        for row in connection.execute(good)
    ]


def revoke_pass(
    connection: Connection, number: int, at: datetime, *, operator_key: int | None
) -> bool:
    """Revoke a pass, of one operator or of any; False where none of the number is good."""
    gone = update(OPERATOR_PASS).where(
        OPERATOR_PASS.c.key == number,
        OPERATOR_PASS.c.revoked_at.is_(None),
        OPERATOR_PASS.c.expires_at > at,
    )
    if operator_key is not None:
        gone = gone.where(OPERATOR_PASS.c.operator_key == operator_key)
    return bool(connection.execute(gone.values(revoked_at=at)).rowcount)


def revoke_all_passes(connection: Connection, operator_key: int, at: datetime) -> None:
    """Revoke all sessions and API keys of an operator."""
    gone = update(OPERATOR_PASS).where(
        OPERATOR_PASS.c.operator_key == operator_key, OPERATOR_PASS.c.revoked_at.is_(None)
    )
    connection.execute(gone.values(revoked_at=at))


def _operator(row: Row[Any]) -> Operator:
    return Operator(
        key=row[0],
        name=row.name,
        roles=frozenset(map(Role, row.roles.split())),
        is_disabled=row.disabled_at is not None,
        must_change_password=row.must_change_password,
        added_at=row.added_at,
    )
