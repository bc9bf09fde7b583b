"""Who the operators are, who acts, and what they may do."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from vending_api.domain.operators import repository
from vending_api.domain.operators.errors import (
    LastSupervisor,
    NotAllowed,
    OperatorUnknown,
    PassRejected,
    PassUnknown,
)
from vending_api.domain.operators.types import LONGEST_NAME, PassKind, Right, Role
from vending_api.kit.entries import EntryInvalid

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime, timedelta

    from sqlalchemy import Connection

    from vending_api.domain.operators.types import Acting, NewOperator, NewPassword, Operator, Pass

_NAME: Final = re.compile(rf"[a-z][a-z0-9.-]{{0,{LONGEST_NAME - 1}}}")


def is_peopled(connection: Connection) -> bool:
    """Return whether there are operators: then every command asks who gives it."""
    return repository.has_operators(connection)


def all_operators(connection: Connection) -> list[Operator]:
    """Return every operator by name."""
    return repository.all_operators(connection)


def can_act(operators: Collection[Operator], role: Role) -> int:
    """Return how many of some operators have a role and are not disabled."""
    return sum(role in one.roles and not one.is_disabled for one in operators)


def find_operator(connection: Connection, name: str) -> Operator:
    """Return the operator of a name; raises OperatorUnknown."""
    found = repository.find_candidate(connection, name)
    if found is None:
        raise OperatorUnknown(name)
    return found.operator


def who_acts(connection: Connection, secret: str, at: datetime) -> Acting:
    """Return who a session or API key stands for at a moment; raises PassRejected.

    It is looked up by the digest of its secret, so no time that it takes tells a part of it.
    """
    acting = repository.find_acting(connection, digest_of(secret), at)
    if acting is None:
        raise PassRejected
    return acting


def require(acting: Acting, right: Right) -> None:
    """Raise NotAllowed unless who acts has a right."""
    if not acting.may(right):
        by_key = right in acting.operator.rights
        raise NotAllowed(acting.operator.name, right, by_key=by_key)


def add_operator(connection: Connection, new: NewOperator, at: datetime) -> int:
    """Add an operator, who must change the password at the first login; return the key.

    Raises EntryInvalid for a name that is none or is taken, for no role, and for a first operator
    who is no supervisor.
    """
    if not _NAME.fullmatch(new.name):
        raise EntryInvalid(
            "operator.name",
            f"{new.name[:40]!r}; write at most {LONGEST_NAME} of a-z, 0-9, . and -, a letter first",
        )
    _require_roles(new.roles)
    if Role.SUPERVISOR not in new.roles and not is_peopled(connection):
        raise EntryInvalid("operator.roles", "the first operator must be a supervisor")
    values = {
        "name": new.name,
        "roles": _words(new.roles),
        "password_hash": new.password_hash,
        "totp_sealed": new.totp_sealed,
        "totp_step": 0,
        "must_change_password": True,
        "added_at": at,
    }
    key = repository.add_operator(connection, values)
    if key is None:
        raise EntryInvalid("operator.name", f"{new.name} is an operator already")
    return key


def set_roles(connection: Connection, name: str, roles: frozenset[Role]) -> Operator:
    """Give an operator other roles, and return who it was.

    Raises OperatorUnknown, LastSupervisor, EntryInvalid for no role.
    """
    _require_roles(roles)
    return _change(connection, name, {"roles": _words(roles)}, stays=Role.SUPERVISOR in roles)


def disable(connection: Connection, name: str, at: datetime) -> None:
    """Let an operator do nothing any more; all sessions and API keys are revoked.

    Raises OperatorUnknown, LastSupervisor.
    """
    operator = _change(connection, name, {"disabled_at": at}, stays=False)
    repository.revoke_all_passes(connection, operator.key, at)


def reset(connection: Connection, name: str, given: NewPassword, at: datetime) -> None:
    """Give an operator who lost password or app new ones, to be changed at the next login.

    Who was disabled can act again. All sessions and API keys are revoked, and wrong logins
    forgotten. Raises OperatorUnknown.
    """
    values = _kept(given) | {"must_change_password": True, "disabled_at": None}
    operator = _change(connection, name, values, stays=True)
    repository.revoke_all_passes(connection, operator.key, at)
    repository.delete_attempts(connection, digest_of(name))


def change_password(
    connection: Connection, operator: Operator, given: NewPassword, at: datetime
) -> None:
    """Keep an operator's other password; all sessions and API keys are revoked."""
    values = _kept(given) | {"must_change_password": False}
    repository.update_operator(connection, operator.key, values)
    repository.revoke_all_passes(connection, operator.key, at)


def add_pass(
    connection: Connection,
    operator: Operator,
    kind: PassKind,
    secret: str,
    *,
    label: str,
    at: datetime,
    lasts: timedelta,
) -> int:
    """Let a secret stand for an operator for some time, and return its number."""
    values = {
        "digest": digest_of(secret),
        "kind": kind.value,
        "operator_key": operator.key,
        "label": label,
        "created_at": at,
        "expires_at": at + lasts,
    }
    return repository.add_pass(connection, values)


def passes(connection: Connection, acting: Acting, at: datetime) -> list[Pass]:
    """Return the good sessions and API keys that who acts may revoke: all, or the own ones."""
    return repository.all_passes(connection, at, _whose(acting))


def revoke_pass(connection: Connection, acting: Acting, number: int, at: datetime) -> None:
    """Revoke a session or API key, one's own or, as a supervisor, any; raises PassUnknown."""
    if not repository.revoke_pass(connection, number, at, operator_key=_whose(acting)):
        raise PassUnknown(number)


def digest_of(text: str) -> str:
    """Return what is kept of a secret or a name: SHA-256, in hex digits."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _whose(acting: Acting) -> int | None:
    return None if acting.may(Right.ADMINISTER) else acting.operator.key


def _change(connection: Connection, name: str, values: dict[str, Any], *, stays: bool) -> Operator:
    """Change an operator; raises LastSupervisor where no supervisor would stay."""
    everybody = repository.lock_operators(connection)
    operator = next((one for one in everybody if one.name == name), None)
    if operator is None:
        raise OperatorUnknown(name)
    others = [one for one in everybody if one is not operator]
    if not stays and not can_act(others, Role.SUPERVISOR):
        raise LastSupervisor(name)
    repository.update_operator(connection, operator.key, values)
    return operator


def _require_roles(roles: frozenset[Role]) -> None:
    if not roles:
        raise EntryInvalid("operator.roles", f"none; write one at least of {', '.join(Role)}")


def _words(roles: frozenset[Role]) -> str:
    return " ".join(sorted(roles))


def _kept(given: NewPassword) -> dict[str, Any]:
    return {"password_hash": given.password_hash, "totp_sealed": given.totp_sealed}
