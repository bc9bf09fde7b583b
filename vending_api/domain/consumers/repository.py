"""The SQL of the consumers, their API keys and their attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, case, delete, func, or_, select, update

from vending_api.domain.consumers.tables import API_KEY, CONSUMER, LOGIN_ATTEMPT
from vending_api.domain.consumers.types import Consumer, StaffKey
from vending_api.domain.estates.tables import ESTATE
from vending_api.domain.estates.types import Estate
from vending_api.domain.meters.tables import METER, SUPPLY_GROUP, UTILITY
from vending_api.kit.db import insert_into, insert_or_ignore
from vending_api.kit.entries import require_fit
from vending_api.kit.statements import StatementForMany

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection, Row, Select

_CONSUMER: Final = (
    select(
        CONSUMER,
        METER.c.external_id,
        ESTATE.c.utility_key,
        ESTATE.c.account_code,
        ESTATE.c.transaction_charge_minor,
        ESTATE.c.created_at.label("estate_created_at"),
        ESTATE.c.updated_at.label("estate_updated_at"),
        UTILITY.c.name.label("estate_name"),
        UTILITY.c.currency,
        UTILITY.c.time_zone,
    )
    .select_from(CONSUMER)
    .join(METER, CONSUMER.c.meter_key == METER.c.key)
    .join(ESTATE, CONSUMER.c.estate_key == ESTATE.c.key)
    .join(UTILITY, ESTATE.c.utility_key == UTILITY.c.key)
)
_BY_EMAIL: Final = _CONSUMER.where(CONSUMER.c.email_key == bindparam("of_email_key"))
_BY_KEYS: Final = _CONSUMER.where(CONSUMER.c.key.in_(bindparam("of_keys", expanding=True)))
_CREDENTIALS: Final = select(CONSUMER.c.key, CONSUMER.c.password_hash).where(
    CONSUMER.c.email_key == bindparam("of_email_key")
)
_PASSWORD_HASH: Final = select(CONSUMER.c.password_hash).where(
    CONSUMER.c.key == bindparam("of_consumer")
)
_METER_TAKEN: Final = (
    select(CONSUMER.c.key)
    .join(METER, CONSUMER.c.meter_key == METER.c.key)
    .where(METER.c.external_id == bindparam("of_meter"))
)
_METER_OF_ESTATE: Final = (
    select(METER.c.key)
    .join(SUPPLY_GROUP, METER.c.supply_group_code == SUPPLY_GROUP.c.supply_group_code)
    .join(ESTATE, SUPPLY_GROUP.c.utility_key == ESTATE.c.utility_key)
    .where(ESTATE.c.key == bindparam("of_estate"), METER.c.external_id == bindparam("of_meter"))
)
_EMAILS: Final = StatementForMany(
    lambda _, rows: select(CONSUMER.c.meter_key, CONSUMER.c.email).where(
        CONSUMER.c.meter_key.in_([row["of_meter"] for row in rows])
    )
)
_API_KEY: Final = select(API_KEY).where(API_KEY.c.digest == bindparam("of_digest"))
_OTHER_KEY: Final = API_KEY.alias("other_key")
_STAFF: Final = (
    select(API_KEY.c.staff_name, API_KEY.c.created_at)
    .where(API_KEY.c.staff_name.is_not(None))
    .order_by(API_KEY.c.staff_name)
)


def find_consumer(connection: Connection, email_key: str) -> Consumer | None:
    """Return the consumer of an e-mail address in lower case, or None."""
    row = connection.execute(_BY_EMAIL, {"of_email_key": email_key}).one_or_none()
    return None if row is None else _consumer(row)


def consumers_of(connection: Connection, keys: Collection[int]) -> list[Consumer]:
    """Return the consumers of keys, in any order."""
    return [_consumer(row) for row in connection.execute(_BY_KEYS, {"of_keys": list(keys)})]


def emails_of_meters(connection: Connection, meter_keys: Collection[int]) -> dict[int, str]:
    """Return the e-mail addresses of those who have registered meters, by the meters' keys."""
    wanted = [{"of_meter": key} for key in meter_keys]
    return {row.meter_key: row.email for row in _EMAILS.rows(connection, wanted)}


def find_credentials(connection: Connection, email_key: str) -> tuple[int, str] | None:
    """Return key and password hash of an e-mail address in lower case, or None."""
    row = connection.execute(_CREDENTIALS, {"of_email_key": email_key}).one_or_none()
    return None if row is None else (row.key, row.password_hash)


def password_hash(connection: Connection, consumer_key: int) -> str:
    """Return the password hash of a consumer."""
    return _hash(connection, _PASSWORD_HASH, consumer_key)


def lock_password_hash(connection: Connection, consumer_key: int) -> str:
    """Return the password hash of a consumer, which nobody else changes meanwhile."""
    return _hash(connection, _PASSWORD_HASH.with_for_update(), consumer_key)


def is_meter_taken(connection: Connection, meter_number: str) -> bool:
    """Return whether a consumer has registered a meter."""
    return connection.execute(_METER_TAKEN, {"of_meter": meter_number}).first() is not None


def meter_of_estate(connection: Connection, estate_key: int, meter_number: str) -> int | None:
    """Return the key of a meter that the register knows in an estate, or None."""
    values = {"of_estate": estate_key, "of_meter": meter_number}
    return connection.execute(_METER_OF_ESTATE, values).scalar()


def add_consumer(connection: Connection, values: dict[str, Any]) -> int | None:
    """Store a consumer and return the key; None where e-mail address or meter is taken.

    Who is registering either at this moment is waited for.
    """
    require_fit(CONSUMER, values)
    new = insert_or_ignore(connection.dialect.name, CONSUMER).values(values)
    return connection.execute(new.returning(CONSUMER.c.key)).scalar()


def update_consumer(connection: Connection, consumer_key: int, values: dict[str, Any]) -> None:
    """Store other values of columns of a consumer."""
    require_fit(CONSUMER, values)
    changed = update(CONSUMER).where(CONSUMER.c.key == consumer_key)
    connection.execute(changed.values(values))


def add_api_key(connection: Connection, values: dict[str, Any]) -> bool:
    """Store an API key by its digest; False where its member of the staff has one."""
    require_fit(API_KEY, values)
    new = insert_or_ignore(connection.dialect.name, API_KEY).values(values)
    return connection.execute(new.returning(API_KEY.c.digest)).first() is not None


def find_api_key(connection: Connection, digest: str) -> Row[Any] | None:
    """Return the row of an API key, or None."""
    return connection.execute(_API_KEY, {"of_digest": digest}).one_or_none()


def count_api_keys(connection: Connection, consumer_key: int, at: datetime) -> int:
    """Return how many API keys a consumer has that are good at a moment."""
    good = select(func.count()).where(
        API_KEY.c.consumer_key == consumer_key, API_KEY.c.expires_at > at
    )
    return int(connection.execute(good).scalar_one())


def delete_api_keys(
    connection: Connection, consumer_key: int, *, beside: str = "", newest: int = 0
) -> int:
    """Delete API keys of a consumer and return how many; all, or all but one and some others.

    `beside` is the digest of the one that stays, and so many of the newest others stay with it.
    """
    staying = (
        select(_OTHER_KEY.c.digest)
        .where(_OTHER_KEY.c.consumer_key == consumer_key, _OTHER_KEY.c.digest != beside)
        .order_by(_OTHER_KEY.c.created_at.desc(), _OTHER_KEY.c.digest)
        .limit(newest)
    )
    gone = delete(API_KEY).where(
        API_KEY.c.consumer_key == consumer_key,
        API_KEY.c.digest != beside,
        API_KEY.c.digest.not_in(staying),
    )
    return connection.execute(gone).rowcount


def delete_staff_key(connection: Connection, staff_name: str) -> bool:
    """Delete the API key of somebody of the staff; False if there is none."""
    gone = delete(API_KEY).where(API_KEY.c.staff_name == staff_name)
    return bool(connection.execute(gone).rowcount)


def staff_keys(connection: Connection) -> list[StaffKey]:
    """Return whose of the staff have API keys, by name."""
    rows = connection.execute(_STAFF)
    return [StaffKey(name=row.staff_name, added_at=row.created_at) for row in rows]


def add_attempt(
    connection: Connection, subject: str, *, at: datetime, since: datetime, most: int
) -> datetime | None:
    """Count an attempt, or return when the window began in which there were too many already.

    Windows that began at `since` or before are over. One statement, so that attempts at the
    same moment count one after the other.
    """
    new = insert_into(connection.dialect.name, LOGIN_ATTEMPT).values(
        subject=subject, window_began_at=at, attempts=1
    )
    began, attempts = LOGIN_ATTEMPT.c.window_began_at, LOGIN_ATTEMPT.c.attempts
    # A clock that was set back must not keep anybody waiting for longer than a window.
    is_over = or_(began <= since, began > at + (at - since))
    counted = new.on_conflict_do_update(
        index_elements=[LOGIN_ATTEMPT.c.subject],
        set_={
            "window_began_at": case((is_over, new.excluded.window_began_at), else_=began),
            "attempts": case((is_over, 1), else_=attempts + 1),
        },
        where=or_(is_over, attempts < most),
    )
    if connection.execute(counted.returning(attempts)).first() is not None:
        return None
    full = select(began).where(LOGIN_ATTEMPT.c.subject == subject)
    window_began_at: datetime = connection.execute(full).scalar_one()
    return window_began_at


def delete_attempts_of(connection: Connection, subject: str) -> None:
    """Delete the attempts of a subject."""
    connection.execute(delete(LOGIN_ATTEMPT).where(LOGIN_ATTEMPT.c.subject == subject))


def delete_attempts_before(connection: Connection, before: datetime) -> int:
    """Delete the attempts of windows that began before a moment, and return how many."""
    old = delete(LOGIN_ATTEMPT).where(LOGIN_ATTEMPT.c.window_began_at < before)
    return connection.execute(old).rowcount


def _hash(connection: Connection, statement: Select[Any], consumer_key: int) -> str:
    return str(connection.execute(statement, {"of_consumer": consumer_key}).scalar_one())


def _consumer(row: Row[Any]) -> Consumer:
    return Consumer(
        key=row.key,
        name=row.name,
        email=row.email,
        flat_number=row.flat_number,
        estate=Estate(
            key=row.estate_key,
            utility_key=row.utility_key,
            name=row.estate_name,
            currency=row.currency,
            time_zone=row.time_zone,
            account_code=row.account_code,
            transaction_charge_minor=row.transaction_charge_minor,
            created_at=row.estate_created_at,
            updated_at=row.estate_updated_at,
        ),
        meter_key=row.meter_key,
        meter_number=row.external_id,
        meter_type_id=row.meter_type_id,
        meter_phase_type_id=row.meter_phase_type_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
