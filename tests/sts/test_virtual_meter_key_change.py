"""Key changes, as a meter takes them: sections in any order, rollover, refusals."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from sts.key_data import (
    KeyExpiryNumber,
    KeyRevisionNumber,
    KeyType,
    SupplyGroupCode,
    TariffIndex,
)
from sts.tokens.credit import Resource
from sts.tokens.key_change import (
    Set1stSectionDecoderKey,
    Set4thSectionDecoderKey,
    key_change_tokens,
)
from sts.virtual_meter import Accepted, RefusalReason, VirtualMeter
from tests.support.sts_tokens import EA07_KEY, EA11_KEY, key_change

if TYPE_CHECKING:
    from sts.keys.decoder_key import DecoderKey

from tests.support.sts_meter import (
    CODEC,
    NEW_EA07_KEY,
    NEW_EA11_KEY,
    credit,
    enter,
    meter_with,
    reason,
)


@pytest.mark.parametrize("new", [NEW_EA07_KEY, NEW_EA11_KEY], ids=["EA07", "EA11"])
def test_a_key_change_takes_effect_when_all_sections_are_in_whatever_their_order(
    new: DecoderKey,
) -> None:
    old = EA07_KEY if new is NEW_EA07_KEY else EA11_KEY
    for order in permutations(key_change_tokens(key_change(new, rollover=False))):
        meter = meter_with(old)
        for section in order:
            assert meter.decoder_key == old
            assert isinstance(enter(meter, section), Accepted)
        assert meter.decoder_key == new
        assert meter.key_revision_number == KeyRevisionNumber(3)
        assert meter.key_expiry_number == KeyExpiryNumber(0xA5)
        assert meter.tariff_index == TariffIndex("27")
        told = SupplyGroupCode("123456" if new is NEW_EA07_KEY else "123457")
        assert meter.supply_group_code == told


def test_the_meter_counts_the_sections_of_a_key_change() -> None:
    meter = meter_with()
    first, second = key_change_tokens(key_change(NEW_EA07_KEY))
    assert enter(meter, first).words == "key change: 1 of 2 sections entered"
    assert enter(meter, second).words == (
        "key changed: revision 3, tariff index 27, key expiry number 165; "
        "rollover: the meter forgets the tokens it has seen"
    )


def test_after_a_key_change_tokens_of_the_old_key_are_not_for_this_meter() -> None:
    meter = meter_with()
    late = CODEC.encode(credit(20), EA07_KEY)
    change_key(meter)
    assert reason(meter.enter(late)) is RefusalReason.NOT_FOR_THIS_METER
    assert isinstance(enter(meter, credit(20)), Accepted)


def change_key(meter: VirtualMeter, **changed: Any) -> None:
    """Move an EA07 meter to its other key, without rollover unless told otherwise."""
    tokens = key_change_tokens(key_change(NEW_EA07_KEY, **{"rollover": False} | changed))
    for digits in [CODEC.encode(token, meter.decoder_key) for token in tokens]:
        assert isinstance(meter.enter(digits), Accepted)


@pytest.mark.parametrize("rollover", [True, False])
def test_only_a_rollover_empties_the_memory_and_credit_stays(
    rollover: bool,  # noqa: FBT001 (a parameter of the test)
) -> None:
    meter = meter_with()
    enter(meter, credit(10))
    change_key(meter, rollover=rollover)
    outcome = enter(meter, credit(10))
    assert isinstance(outcome, Accepted) is rollover
    assert meter.credit_tenths[Resource.ELECTRICITY] == 256 * (1 + rollover)


def test_a_key_change_can_lift_the_default_key() -> None:
    meter = meter_with(key_type=KeyType.DEFAULT)
    change_key(meter)
    assert isinstance(enter(meter, credit(10)), Accepted)


def test_the_latest_of_each_section_counts_and_a_change_starts_afresh() -> None:
    meter = meter_with()
    first, second = key_change_tokens(key_change(NEW_EA07_KEY))
    assert isinstance(enter(meter, replace(first, key_word=1)), Accepted)
    assert isinstance(enter(meter, first), Accepted)
    enter(meter, second)
    assert meter.decoder_key == NEW_EA07_KEY
    assert enter(meter, second).words == "key change: 1 of 2 sections entered"


def test_a_64_bit_meter_knows_no_third_and_fourth_section() -> None:
    for section in key_change_tokens(key_change(NEW_EA11_KEY))[1:3]:
        assert reason(enter(meter_with(), section)) is RefusalReason.NO_SUCH_SECTION


@pytest.mark.parametrize("key", [EA07_KEY, EA11_KEY], ids=["EA07", "EA11"])
def test_an_announced_third_key_change_token_is_refused(key: DecoderKey) -> None:
    first = key_change_tokens(key_change(key))[0]
    assert isinstance(first, Set1stSectionDecoderKey)
    announcing = replace(first, third_key_change_token=True)
    assert reason(enter(meter_with(key), announcing)) is RefusalReason.THIRD_KEY_CHANGE_TOKEN


def test_sections_that_name_no_supply_group_together_leave_the_meter_as_it_was() -> None:
    meter = meter_with(EA11_KEY)
    first, third, fourth, second = key_change_tokens(key_change(NEW_EA11_KEY))
    assert isinstance(fourth, Set4thSectionDecoderKey)
    for section in (first, second, replace(fourth, supply_group_high=0xFFF)):
        enter(meter, section)
    assert reason(enter(meter, third)) is RefusalReason.SECTIONS_DISAGREE
    assert meter.decoder_key == EA11_KEY
    enter(meter, fourth)
    assert isinstance(enter(meter, third), Accepted)
    assert meter.decoder_key == NEW_EA11_KEY
