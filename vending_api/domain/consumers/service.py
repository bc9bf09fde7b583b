"""What may be asked about consumers, their API keys and their attempts.

Passwords are checked and hashed elsewhere, in threads: both take long. What was checked comes
back here as the hash that it was checked against, because a password may change meanwhile.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from vending_api.domain.consumers import repository
from vending_api.domain.consumers.errors import (
    ApiKeyRejected,
    LoginRejected,
    MeterNotOfEstate,
    PasswordIncorrect,
    RegistrationRefused,
    TooManyAttempts,
)
from vending_api.domain.consumers.types import (
    ATTEMPTS_WINDOW,
    KEYS_OF_A_CONSUMER,
    FieldProblem,
    RegistrationFacts,
    Staff,
)
from vending_api.domain.estates.errors import EstateUnknown
from vending_api.domain.estates.service import find_estate
from vending_api.kit.entries import EntryInvalid

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection

    from vending_api.domain.consumers.types import Consumer, Register, StaffKey

_SECOND: Final = timedelta(seconds=1)


def registration_problems(
    connection: Connection, facts: RegistrationFacts
) -> dict[str, FieldProblem]:
    """Return what is wrong with a registration by field, in the order of the form.

    Facts that are None are skipped.
    """
    problems: dict[str, FieldProblem] = {}
    if facts.email is not None and find_by_email(connection, facts.email) is not None:
        problems["email"] = FieldProblem.TAKEN
    if facts.estate_key is not None and not _is_estate(connection, facts.estate_key):
        problems["estate"] = FieldProblem.UNKNOWN
    number = facts.meter_number
    if number is not None and repository.is_meter_taken(connection, number):
        problems["meter_number"] = FieldProblem.TAKEN
    return problems


def require_meter_of_estate(connection: Connection, estate_key: int, meter_number: str) -> int:
    """Return our key of a meter that the register knows in an estate; raises MeterNotOfEstate."""
    meter_key = repository.meter_of_estate(connection, estate_key, meter_number)
    if meter_key is None:
        raise MeterNotOfEstate(meter_number)
    return meter_key


def register(connection: Connection, command: Register) -> int:
    """Register a resident with a meter, and return the consumer's key.

    Of several at the same moment the database decides who is first. Raises EstateUnknown,
    MeterNotOfEstate, and RegistrationRefused where e-mail address or meter is taken.
    """
    estate = find_estate(connection, command.estate_key)
    meter_key = require_meter_of_estate(connection, estate.key, command.meter_number)
    values = {
        "name": command.name,
        "email": command.email,
        "email_key": _email_key(command.email),
        "password_hash": command.password_hash,
        "estate_key": estate.key,
        "meter_key": meter_key,
        "meter_type_id": command.meter_type_id,
        "meter_phase_type_id": command.meter_phase_type_id,
        "flat_number": command.flat_number,
        "created_at": command.received_at,
        "updated_at": command.received_at,
    }
    key = repository.add_consumer(connection, values)
    if key is None:
        facts = RegistrationFacts(
            email=command.email, estate_key=None, meter_number=command.meter_number
        )
        raise RegistrationRefused(registration_problems(connection, facts))
    return key


def credentials_of(connection: Connection, email: str) -> tuple[int, str] | None:
    """Return key and password hash of who registered with an e-mail address, or None."""
    return repository.find_credentials(connection, _email_key(email))


def password_hash_of(connection: Connection, consumer_key: int) -> str:
    """Return the password hash of a consumer."""
    return repository.password_hash(connection, consumer_key)


def find_consumer(connection: Connection, key: int) -> Consumer:
    """Return the consumer of a key that was given out."""
    return consumers_of(connection, [key])[key]


def find_by_email(connection: Connection, email: str) -> Consumer | None:
    """Return who registered with an e-mail address, in whatever case it is written, or None."""
    return repository.find_consumer(connection, _email_key(email))


def consumers_of(connection: Connection, keys: Collection[int]) -> dict[int, Consumer]:
    """Return consumers by their keys."""
    return {one.key: one for one in repository.consumers_of(connection, keys)}


def add_api_key(
    connection: Connection,
    consumer_key: int,
    api_key: str,
    *,
    checked_hash: str,
    at: datetime,
    days: int,
) -> None:
    """Let an API key stand for a consumer for some days; the oldest beyond ten go.

    `checked_hash` is what the password was checked against. Raises LoginRejected if it was
    changed meanwhile: then all keys have gone, and this one must not come after them.
    """
    if repository.lock_password_hash(connection, consumer_key) != checked_hash:
        raise LoginRejected
    digest = _digest(api_key)
    values = {
        "digest": digest,
        "consumer_key": consumer_key,
        "created_at": at,
        "expires_at": at + timedelta(days=days),
    }
    repository.add_api_key(connection, values)
    repository.delete_api_keys(
        connection, consumer_key, beside=digest, newest=KEYS_OF_A_CONSUMER - 1
    )


def who_holds(connection: Connection, api_key: str, at: datetime) -> Consumer | Staff:
    """Return who an API key stands for at a moment; raises ApiKeyRejected."""
    found = repository.find_api_key(connection, _digest(api_key))
    if found is None or (found.expires_at is not None and found.expires_at <= at):
        raise ApiKeyRejected
    if found.consumer_key is None:
        return Staff(name=found.staff_name)
    return find_consumer(connection, found.consumer_key)


def count_api_keys(connection: Connection, consumer_key: int, at: datetime) -> int:
    """Return on how many devices a consumer is logged in."""
    return repository.count_api_keys(connection, consumer_key, at)


def delete_api_keys(connection: Connection, consumer_key: int) -> int:
    """Log a consumer out everywhere, and return how many API keys have gone."""
    return repository.delete_api_keys(connection, consumer_key)


def rename(connection: Connection, consumer_key: int, name: str, at: datetime) -> None:
    """Give a consumer another name; raises EntryInvalid for one that is too long."""
    repository.update_consumer(connection, consumer_key, {"name": name, "updated_at": at})


def change_password(
    connection: Connection,
    consumer_key: int,
    password_hash: str,
    at: datetime,
    *,
    checked_hash: str | None,
) -> None:
    """Keep the hash of another password and revoke all API keys, also the one that asks.

    `checked_hash` is what the current password was checked against, None for an operator, who
    needs none. Raises PasswordIncorrect if it was changed meanwhile.
    """
    current = repository.lock_password_hash(connection, consumer_key)
    if checked_hash is not None and checked_hash != current:
        raise PasswordIncorrect
    values = {"password_hash": password_hash, "updated_at": at}
    repository.update_consumer(connection, consumer_key, values)
    repository.delete_api_keys(connection, consumer_key)


def count_attempt(connection: Connection, subject: str, *, most: int, at: datetime) -> None:
    """Count an attempt of a subject, before what is attempted is done.

    A subject is who attempts what, in any words; only its digest is kept. Raises
    TooManyAttempts, and counts nothing, where `most` were made within a minute.
    """
    began = repository.add_attempt(
        connection, _digest(subject), at=at, since=at - ATTEMPTS_WINDOW, most=most
    )
    if began is not None:
        left = began + ATTEMPTS_WINDOW - at
        raise TooManyAttempts(max(1, -(-left // _SECOND)))


def forget_attempts(connection: Connection, subject: str) -> None:
    """Forget the attempts of a subject, which has succeeded."""
    repository.delete_attempts_of(connection, _digest(subject))


def delete_old_attempts(connection: Connection, before: datetime) -> int:
    """Delete the attempts of windows that began before, and return how many."""
    return repository.delete_attempts_before(connection, before)


def add_staff_key(connection: Connection, name: str, api_key: str, at: datetime) -> None:
    """Let an API key stand for somebody of the staff until it is revoked.

    Raises EntryInvalid for a name that is empty, too long, or has a key.
    """
    if not name.strip():
        raise EntryInvalid("name", "is empty; write who is to hold the key")
    values = {"digest": _digest(api_key), "staff_name": name, "created_at": at}
    if not repository.add_api_key(connection, values):
        raise EntryInvalid("name", f"{name} has a key already; revoke that one first")


def revoke_staff_key(connection: Connection, name: str) -> bool:
    """Revoke the API key of somebody of the staff; False if there is none."""
    return repository.delete_staff_key(connection, name)


def staff(connection: Connection) -> list[StaffKey]:
    """Return who of the staff holds an API key, by name."""
    return repository.staff_keys(connection)


def emails_of_meters(connection: Connection, meter_keys: Collection[int]) -> dict[int, str]:
    """Return the e-mail addresses of those who have registered meters, by the meters' keys."""
    return repository.emails_of_meters(connection, meter_keys)


def _is_estate(connection: Connection, key: int) -> bool:
    try:
        find_estate(connection, key)
    except EstateUnknown:
        return False
    return True


def _email_key(email: str) -> str:
    return email.lower()


def _digest(text: str) -> str:
    # A header may hold what no UTF-8 can; it has a digest all the same, and fits nothing.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
