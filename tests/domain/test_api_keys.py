"""API keys stand for a consumer until they expire, are revoked, or the password changes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from sqlmodel import SQLModel

from tests.support.residents import OTHER_METER, PASSWORD_HASH, add_resident, done
from tests.support.selling import count
from tests.support.service import NOON, writing
from vending_api.domain.consumers import service
from vending_api.domain.consumers.errors import (
    ApiKeyRejected,
    LoginRejected,
    PasswordIncorrect,
)
from vending_api.domain.consumers.tables import API_KEY
from vending_api.domain.consumers.types import API_KEY_CHARACTERS, KEYS_OF_A_CONSUMER, Staff
from vending_api.kit.entries import EntryInvalid

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from vending_api.domain.consumers.types import Consumer

DAYS = 365
MICROSECOND = timedelta(microseconds=1)
NEW_HASH = "$argon2id$another"


def _key(letter: str) -> str:
    return letter * API_KEY_CHARACTERS


def _add(
    engine: Engine,
    consumer: Consumer,
    api_key: str,
    *,
    at: datetime = NOON,
    checked_hash: str = PASSWORD_HASH,
) -> None:
    done(
        engine,
        lambda connection: service.add_api_key(
            connection, consumer.key, api_key, checked_hash=checked_hash, at=at, days=DAYS
        ),
    )


def _holder(engine: Engine, api_key: str, at: datetime = NOON) -> Consumer | Staff:
    with engine.connect() as connection:
        return service.who_holds(connection, api_key, at)


def _is_good(engine: Engine, api_key: str, at: datetime = NOON) -> bool:
    try:
        _holder(engine, api_key, at)
    except ApiKeyRejected:
        return False
    return True


def _change_password(
    engine: Engine, consumer: Consumer, *, checked_hash: str | None = PASSWORD_HASH
) -> None:
    done(
        engine,
        lambda connection: service.change_password(
            connection, consumer.key, NEW_HASH, NOON, checked_hash=checked_hash
        ),
    )


def test_a_key_stands_for_its_consumer_until_it_expires(engine: Engine) -> None:
    consumer = add_resident(engine)
    _add(engine, consumer, _key("a"))
    assert _holder(engine, _key("a")) == consumer
    end = NOON + timedelta(days=DAYS)
    assert _holder(engine, _key("a"), end - MICROSECOND) == consumer
    assert not _is_good(engine, _key("a"), end)


@pytest.mark.parametrize("wrong", ["", "a", _key("b"), _key("A"), _key("a")[1:], "\udc80", "\x00"])
def test_any_other_key_is_rejected(engine: Engine, wrong: str) -> None:
    _add(engine, add_resident(engine), _key("a"))
    with pytest.raises(ApiKeyRejected):
        _holder(engine, wrong)


def test_no_key_stands_in_the_database(engine: Engine) -> None:
    _add(engine, add_resident(engine), _key("a"))
    done(engine, lambda connection: service.add_staff_key(connection, "thandi", _key("s"), NOON))
    for part in ("aaaaaaaa", "ssssssss"):
        with engine.connect() as connection:
            for table in SQLModel.metadata.sorted_tables:
                assert part not in repr(connection.execute(select(table)).all())
        if engine.dialect.name == "sqlite":
            database = Path(str(engine.url.database))
            files = [one.read_bytes() for one in database.parent.glob(f"{database.name}*")]
            assert any(b"thandi" in content for content in files)
            assert not any(part.encode() in content for content in files)


def test_a_login_beyond_ten_ends_the_oldest_of_this_consumer_alone(engine: Engine) -> None:
    consumer = add_resident(engine)
    other = add_resident(engine, email="tunde@example.org", meter_number=OTHER_METER)
    _add(engine, other, _key("z"), at=NOON - timedelta(days=1))
    letters = "abcdefghijk"
    assert len(letters) == KEYS_OF_A_CONSUMER + 1
    for minute, letter in enumerate(letters):
        _add(engine, consumer, _key(letter), at=NOON + timedelta(minutes=minute))
    assert [letter for letter in letters if _is_good(engine, _key(letter))] == list(letters[1:])
    assert _is_good(engine, _key("z"))


def test_a_new_key_stays_though_the_clock_was_set_back(engine: Engine) -> None:
    consumer = add_resident(engine)
    for letter in "abcdefghij":
        _add(engine, consumer, _key(letter))
    _add(engine, consumer, _key("k"), at=NOON - timedelta(days=1))
    assert _is_good(engine, _key("k"))
    assert count(engine, API_KEY) == KEYS_OF_A_CONSUMER


def test_devices_are_counted_without_expired_keys(engine: Engine) -> None:
    consumer = add_resident(engine)
    _add(engine, consumer, _key("a"))
    _add(engine, consumer, _key("b"), at=NOON + timedelta(days=1))
    end = NOON + timedelta(days=DAYS)
    with engine.connect() as connection:
        counted = [
            service.count_api_keys(connection, consumer.key, at)
            for at in (NOON, end - MICROSECOND, end, end + timedelta(days=1))
        ]
    assert counted == [2, 2, 1, 0]


def test_with_the_password_all_keys_of_the_consumer_go_and_no_others(engine: Engine) -> None:
    consumer = add_resident(engine)
    other = add_resident(engine, email="tunde@example.org", meter_number=OTHER_METER)
    for letter in "ab":
        _add(engine, consumer, _key(letter))
    _add(engine, other, _key("z"))
    done(engine, lambda connection: service.add_staff_key(connection, "thandi", _key("s"), NOON))
    _change_password(engine, consumer)
    assert [_is_good(engine, _key(letter)) for letter in "abzs"] == [False, False, True, True]
    with engine.connect() as connection:
        assert service.password_hash_of(connection, consumer.key) == NEW_HASH
        assert service.password_hash_of(connection, other.key) == PASSWORD_HASH


def test_a_login_with_a_password_that_was_changed_meanwhile_brings_no_key(engine: Engine) -> None:
    consumer = add_resident(engine)
    _change_password(engine, consumer)
    with pytest.raises(LoginRejected):
        _add(engine, consumer, _key("a"))
    assert count(engine, API_KEY) == 0
    _add(engine, consumer, _key("a"), checked_hash=NEW_HASH)
    assert _is_good(engine, _key("a"))


def test_who_knew_the_password_before_it_changed_cannot_change_it_back(engine: Engine) -> None:
    consumer = add_resident(engine)
    _change_password(engine, consumer)
    _add(engine, consumer, _key("a"), checked_hash=NEW_HASH)
    with pytest.raises(PasswordIncorrect):
        _change_password(engine, consumer)
    assert _is_good(engine, _key("a"))
    _change_password(engine, consumer, checked_hash=None)
    assert not _is_good(engine, _key("a"))


def test_a_login_waits_for_a_change_of_password_that_is_under_way(engine: Engine) -> None:
    consumer = add_resident(engine)
    with ThreadPoolExecutor(1) as threads:
        with writing(engine) as connection, connection.begin():
            service.change_password(
                connection, consumer.key, NEW_HASH, NOON, checked_hash=PASSWORD_HASH
            )
            login = threads.submit(_add, engine, consumer, _key("a"))
            wait([login], timeout=0.3)
        with pytest.raises(LoginRejected):
            login.result(30)
    assert count(engine, API_KEY) == 0


def test_a_change_of_password_waits_for_a_login_that_is_under_way(engine: Engine) -> None:
    consumer = add_resident(engine)
    with ThreadPoolExecutor(1) as threads:
        with writing(engine) as connection, connection.begin():
            service.add_api_key(
                connection, consumer.key, _key("a"), checked_hash=PASSWORD_HASH, at=NOON, days=1
            )
            change = threads.submit(_change_password, engine, consumer)
            wait([change], timeout=0.3)
        change.result(30)
    assert count(engine, API_KEY) == 0


def test_to_log_out_revokes_every_key_and_keeps_the_password(engine: Engine) -> None:
    consumer = add_resident(engine)
    for letter in "ab":
        _add(engine, consumer, _key(letter))
    with writing(engine) as connection, connection.begin():
        assert service.delete_api_keys(connection, consumer.key) == 2
        assert service.delete_api_keys(connection, consumer.key) == 0
        assert service.password_hash_of(connection, consumer.key) == PASSWORD_HASH
    assert not _is_good(engine, _key("a"))


def test_a_key_of_the_staff_is_good_until_it_is_revoked(engine: Engine) -> None:
    done(engine, lambda connection: service.add_staff_key(connection, "thandi", _key("s"), NOON))
    assert _holder(engine, _key("s"), NOON + timedelta(days=9_999)) == Staff(name="thandi")
    with writing(engine) as connection, connection.begin():
        (held,) = service.staff(connection)
        assert (held.name, held.added_at) == ("thandi", NOON)
        assert not service.revoke_staff_key(connection, "Thandi")
        assert service.revoke_staff_key(connection, "thandi")
        assert service.staff(connection) == []
    assert not _is_good(engine, _key("s"))


@pytest.mark.parametrize("name", ["thandi", "", " ", 41 * "x"])
def test_a_name_of_the_staff_that_cannot_be_is_refused(engine: Engine, name: str) -> None:
    done(engine, lambda connection: service.add_staff_key(connection, "thandi", _key("s"), NOON))
    with pytest.raises(EntryInvalid) as refused:
        done(engine, lambda connection: service.add_staff_key(connection, name, _key("t"), NOON))
    assert _key("t") not in str(refused.value)
    assert not _is_good(engine, _key("t"))
    done(engine, lambda connection: service.add_staff_key(connection, 40 * "x", _key("u"), NOON))
    assert _is_good(engine, _key("u"))
