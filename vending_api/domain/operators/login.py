"""Logging in, in three steps: the attempt is counted, then looked at, then what it leads to stored.

The first is stored before the second begins, so guesses at the same moment count like guesses one
after the other, and a restart forgets none. The second takes long (argon2) and holds no lock.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from vending_api.domain.operators import repository
from vending_api.domain.operators.errors import OperatorLocked, OperatorLoginRejected
from vending_api.domain.operators.service import add_pass, digest_of
from vending_api.domain.operators.types import (
    ATTEMPTS_KEPT,
    FIRST_WAIT,
    FREE_ATTEMPTS,
    LONGEST_WAIT,
    SESSION_LASTS,
    NewPassword,
    PassKind,
    Verified,
)
from vending_api.kit.credentials import hash_password, password_fits
from vending_api.kit.second_factor import SECRET_OCTETS, accepted_step, new_secret, seal, unseal

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from vending_api.domain.operators.types import Candidate

_SECOND: Final = timedelta(seconds=1)
_NOBODY: Final = "nobody"
_NO_SECRET: Final = new_secret(bytes(SECRET_OCTETS))
_HASH_OF_NOBODY: Final = f"$argon2id$v=19$m=19456,t=2,p=1${'A' * 22}${'A' * 43}"
_SEALED_OF_NOBODY: Final = "A" * 104
"""Both fit nothing and take as long as anybody's. They are not made here: a command is a process of
its own, and to make them first would take an answer about nobody twice as long."""


def begin(connection: Connection, name: str, at: datetime) -> Candidate | None:
    """Count an attempt to log in, and return what it is to be held against.

    None for a name that nobody has: `verify` takes that, too. Raises OperatorLocked, and counts
    nothing, as long as the wait for the last wrong ones lasts.
    """
    subject = digest_of(name)
    row = repository.lock_attempts(connection, subject, at)
    # A clock that was set back must not keep anybody waiting for longer than the longest wait.
    if at < row.free_at <= at + LONGEST_WAIT:
        raise OperatorLocked(max(1, -(-(row.free_at - at) // _SECOND)))
    attempts = 1 if at - row.last_at > ATTEMPTS_KEPT else row.attempts + 1
    values = {"attempts": attempts, "last_at": at, "free_at": at + wait_after(attempts)}
    repository.store_attempt(connection, subject, values)
    return repository.find_candidate(connection, name)


def wait_after(attempts: int) -> timedelta:
    """Return how long nobody may try again after so many wrong logins one after the other."""
    if attempts < FREE_ATTEMPTS:
        return timedelta()
    doublings = min(attempts - FREE_ATTEMPTS, (LONGEST_WAIT // FIRST_WAIT).bit_length())
    return min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)


def verify(candidate: Candidate | None, password: str, code: str, at: datetime) -> Verified:
    """Return a candidate whose password and code are right; raises OperatorLoginRejected.

    Takes as long whatever is wrong, a name that nobody has included.
    """
    is_known = candidate is not None and not candidate.operator.is_disabled
    password_hash = _HASH_OF_NOBODY if candidate is None else candidate.password_hash
    sealed = _SEALED_OF_NOBODY if candidate is None else candidate.totp_sealed
    name = _NOBODY if candidate is None else candidate.operator.name
    fits = password_fits(password_hash, password)
    secret = unseal(sealed, password, owner=name)
    after = 0 if candidate is None else candidate.totp_step
    step = accepted_step(secret or _NO_SECRET, code, at, after=after)
    if candidate is None or secret is None or step is None or not (is_known and fits):
        raise OperatorLoginRejected
    return Verified(candidate=candidate, totp_secret=secret, totp_step=step)


def new_password(secret: str, name: str, password: str, chance: bytes) -> NewPassword:
    """Return what is kept of a password: its hash, and the second factor sealed under it."""
    return NewPassword(
        password_hash=hash_password(password),
        totp_sealed=seal(secret, password, owner=name, chance=chance),
    )


def finish(
    connection: Connection,
    verified: Verified,
    session_secret: str,
    at: datetime,
    *,
    changed: NewPassword | None = None,
) -> int:
    """Open a session for who was verified, maybe with another password; return its number.

    Raises OperatorLoginRejected where the code was taken meanwhile, the password changed or the
    operator disabled: of two that come with one code, the database lets one in. Raises ValueError
    where a password that must be changed was not.
    """
    candidate = verified.candidate
    operator = candidate.operator
    values = {}
    if changed is not None:
        values = {
            "password_hash": changed.password_hash,
            "totp_sealed": changed.totp_sealed,
            "must_change_password": False,
        }
    elif operator.must_change_password:
        raise ValueError("the password of this login was given by somebody else; it must change")
    is_first = repository.take_step(
        connection,
        operator.key,
        verified.totp_step,
        checked_hash=candidate.password_hash,
        values=values,
    )
    if not is_first:
        raise OperatorLoginRejected
    repository.delete_attempts(connection, digest_of(operator.name))
    return add_pass(
        connection,
        operator,
        PassKind.SESSION,
        session_secret,
        label="",
        at=at,
        lasts=SESSION_LASTS,
    )
