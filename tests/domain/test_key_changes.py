"""A meter that must get another key gets its tokens first; all else comes under the new key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from sts.base_date import BaseDate
from sts.key_data import EncryptionAlgorithm, KeyRevisionNumber, SupplyGroupCode, TariffIndex
from sts.tokens.credit import Resource
from sts.virtual_meter import Accepted, Refused
from tests.domain.keying import (
    FIRST,
    GROUP,
    SECOND,
    TO_SECOND,
    held,
    keys_with_expiry,
    keys_without,
    maker_with,
    meter_of,
    order,
    register,
    registered,
    reverse,
    virtual,
)
from tests.support.selling import (
    BROKEN_MAKER,
    count,
    identifier_of,
    refusal,
    retry,
    sell,
)
from tests.support.service import NOON, purchase, writing
from vending_api.domain.issuing.errors import TokenNotProven
from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.issuing.types import TokenKind
from vending_api.domain.key_changes.errors import MeterKeyUnusable
from vending_api.domain.meters.service import (
    order_group_revision,
)
from vending_api.kit.entries import EntryInvalid
from vending_api.sandbox.example_keys import example_keys
from vending_api.sandbox.virtual_meters import demo_virtual_meter

if TYPE_CHECKING:
    from sqlalchemy import Engine


def test_an_ordered_key_change_comes_first_and_all_else_is_under_the_new_key(
    engine: Engine,
) -> None:
    order(engine, "TST001", TO_SECOND._replace(tariff_index=TariffIndex("07")))
    sale = sell(engine, purchase())
    assert [token.kind for token in sale.tokens] == [
        TokenKind.KEY_CHANGE,
        TokenKind.KEY_CHANGE,
        TokenKind.STANDARD,
    ]
    assert sale.meter.configuration.key_revision_number == FIRST
    assert sale.new_key_data == TO_SECOND._replace(tariff_index=TariffIndex("07"))
    meter = demo_virtual_meter(serial=1)
    assert isinstance(meter.enter(sale.tokens[2].digits), Refused)
    assert all(isinstance(meter.enter(token.digits), Accepted) for token in sale.tokens)
    assert (meter.key_revision_number, meter.tariff_index.digits) == (SECOND, "07")
    assert meter.credit_tenths[Resource.ELECTRICITY] == 403
    assert held(engine, "TST001") == sale.new_key_data
    (next_token,) = sell(engine, purchase()).tokens
    assert isinstance(meter.enter(next_token.digits), Accepted)


def test_a_retry_of_it_is_the_same_set_for_ever(engine: Engine) -> None:
    order(engine, "TST001", TO_SECOND)
    command = purchase()
    sale = sell(engine, command)
    sell(engine, purchase())
    again = retry(engine, command)
    assert (again.tokens, again.bill) == (sale.tokens, sale.bill)
    assert again.new_key_data == sale.new_key_data
    assert again.meter.configuration == sale.meter.configuration


def test_the_revision_of_a_supply_group_is_what_all_its_meters_should_hold(engine: Engine) -> None:
    with writing(engine) as connection, connection.begin():
        order_group_revision(connection, GROUP, SECOND)
    for external_id, serial in (("TST001", 1), ("TST010", 10)):
        sale = sell(engine, purchase(external_meter_id=external_id))
        meter = demo_virtual_meter(serial)
        assert [token.kind for token in sale.tokens[:2]] == [TokenKind.KEY_CHANGE] * 2
        assert all(isinstance(meter.enter(token.digits), Accepted) for token in sale.tokens)
    assert len(sell(engine, purchase()).tokens) == 1
    with writing(engine) as connection, connection.begin():
        order_group_revision(connection, GROUP, None)
    assert len(sell(engine, purchase(external_meter_id="TST011")).tokens) == 1


def test_an_order_for_what_a_meter_holds_is_no_order(engine: Engine) -> None:
    order(engine, "TST001", TO_SECOND)
    order(engine, "TST001", TO_SECOND._replace(key_revision_number=FIRST))
    assert len(sell(engine, purchase()).tokens) == 1


def test_nothing_is_ordered_for_a_supply_group_that_is_not_registered(engine: Engine) -> None:
    unknown = SupplyGroupCode("999999")
    with pytest.raises(EntryInvalid, match="999999"):
        order(engine, "TST001", TO_SECOND._replace(supply_group_code=unknown))
    with (
        writing(engine) as connection,
        connection.begin(),
        pytest.raises(EntryInvalid, match="999999"),
    ):
        order_group_revision(connection, unknown, SECOND)


def test_a_key_change_that_cannot_be_made_changes_nothing(engine: Engine) -> None:
    order(engine, "TST001", TO_SECOND._replace(key_revision_number=KeyRevisionNumber(9)))
    reason = refusal(engine, purchase())
    assert isinstance(reason, MeterKeyUnusable)
    assert "revision 9" in str(reason)
    order(engine, "TST001", TO_SECOND)
    with pytest.raises(TokenNotProven):
        sell(engine, purchase(), BROKEN_MAKER)
    assert held(engine, "TST001").key_revision_number == FIRST
    assert count(engine, TOKEN) == 0


# Base dates


def test_a_meter_on_base_1993_rolls_over_with_its_next_purchase(engine: Engine) -> None:
    old = meter_of("123457", EncryptionAlgorithm.EA11)
    register(engine, "OLD1", old)
    sale = sell(engine, purchase(external_meter_id="OLD1"))
    assert [token.kind for token in sale.tokens] == [TokenKind.KEY_CHANGE] * 4 + [
        TokenKind.STANDARD
    ]
    meter = virtual(old, example_keys())
    assert all(isinstance(meter.enter(token.digits), Accepted) for token in sale.tokens)
    answer = meter.enter(sale.tokens[4].digits)
    assert isinstance(answer, Refused)  # used: its memory starts again, and works
    now = registered(engine, "OLD1")
    assert now.base_date is BaseDate.YEAR_2014
    minutes = (NOON - datetime(2014, 1, 1, tzinfo=UTC)) // timedelta(minutes=1)
    assert now.last_token_identifier is not None
    assert now.last_token_identifier.minutes == minutes


def test_without_a_newer_key_a_meter_on_base_1993_gets_nothing(engine: Engine) -> None:
    register(engine, "OLD2", meter_of("123456", EncryptionAlgorithm.EA07))
    for now in (NOON, datetime(2020, 1, 1, tzinfo=UTC)):  # a wrong clock helps nobody
        reason = refusal(engine, purchase(external_meter_id="OLD2", received_at=now))
        assert isinstance(reason, MeterKeyUnusable)
        assert "1993" in str(reason)


def test_without_its_old_key_a_meter_on_base_1993_gets_nothing(engine: Engine) -> None:
    register(engine, "OLD1", meter_of("123457", EncryptionAlgorithm.EA11))
    keys = keys_without("key_revision_number = 1\nkey_type = 2\nbase_date = 1993")
    reason = refusal(engine, purchase(external_meter_id="OLD1"), maker_with(keys))
    assert isinstance(reason, MeterKeyUnusable)
    assert "revision 1" in str(reason)


def test_the_memory_of_identifiers_goes_on_under_the_same_base_date(engine: Engine) -> None:
    first = identifier_of(sell(engine, purchase()).tokens[0])
    order(engine, "TST001", TO_SECOND)
    second = identifier_of(sell(engine, purchase()).tokens[2])
    assert second > first


# Expired keys: STS 531 CTSA16


def test_an_expired_key_makes_no_credit_and_moves_to_the_newest(engine: Engine) -> None:
    # 2026-11-21 has high byte 103 under base 2014.
    sale = sell(engine, purchase(), maker_with(keys_with_expiry(first=102, second=255)))
    assert [token.kind for token in sale.tokens[:2]] == [TokenKind.KEY_CHANGE] * 2
    assert sale.new_key_data == TO_SECOND


def test_a_key_that_expires_today_still_makes_credit(engine: Engine) -> None:
    sale = sell(engine, purchase(), maker_with(keys_with_expiry(first=103, second=255)))
    assert len(sale.tokens) == 1


def test_when_both_keys_are_expired_nothing_is_made(engine: Engine) -> None:
    maker = maker_with(keys_with_expiry(first=102, second=102))
    assert isinstance(refusal(engine, purchase(), maker), MeterKeyUnusable)
    order(engine, "TST001", TO_SECOND)
    reason = refusal(engine, purchase(), maker)
    assert isinstance(reason, MeterKeyUnusable)
    assert "expired" in str(reason)


def test_no_meter_is_moved_to_an_expired_key(engine: Engine) -> None:
    order(engine, "TST001", TO_SECOND)
    maker = maker_with(keys_with_expiry(first=255, second=102))
    assert isinstance(refusal(engine, purchase(), maker), MeterKeyUnusable)


# Reversals


def test_a_reversed_key_change_comes_again_with_the_next_purchase(engine: Engine) -> None:
    register(engine, "OLD1", meter_of("123457", EncryptionAlgorithm.EA11))
    command = purchase(external_meter_id="OLD1")
    lost = sell(engine, command)
    reverse(engine, command)
    now = registered(engine, "OLD1")
    assert (now.base_date, now.key_data_to_hold) == (BaseDate.YEAR_1993, lost.new_key_data)
    sale = sell(engine, purchase(external_meter_id="OLD1"))
    assert [token.kind for token in sale.tokens] == [token.kind for token in lost.tokens]
    # Under the same base date and in the same minute, and yet not the same identifier.
    assert identifier_of(sale.tokens[4]) > identifier_of(lost.tokens[4])
    meter = virtual(meter_of("123457", EncryptionAlgorithm.EA11), example_keys())
    assert all(isinstance(meter.enter(token.digits), Accepted) for token in sale.tokens)


def test_the_reversal_of_an_old_key_change_leaves_a_newer_one_alone(engine: Engine) -> None:
    order(engine, "TST001", TO_SECOND)
    command = purchase()
    sell(engine, command)
    order(engine, "TST001", TO_SECOND._replace(tariff_index=TariffIndex("09")))
    sell(engine, purchase())
    reverse(engine, command)
    assert held(engine, "TST001").tariff_index.digits == "09"
    assert len(sell(engine, purchase()).tokens) == 1
