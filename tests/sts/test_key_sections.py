"""Collecting the sections of a key change."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from sts.errors import InvalidField
from sts.key_data import KeyExpiryNumber, KeyRevisionNumber, KeyType, SupplyGroupCode, TariffIndex
from sts.key_sections import KeySections, ReceivedKey
from sts.tokens.key_change import (
    Set3rdSectionDecoderKey,
    Set4thSectionDecoderKey,
    key_change_tokens,
)
from tests.support.sts_tokens import EA07_KEY, EA09_KEY, EA11_KEY, KEYS, key_change

if TYPE_CHECKING:
    from sts.keys.decoder_key import DecoderKey


@pytest.mark.parametrize("key", KEYS, ids=lambda key: f"EA{key.algorithm}")
def test_sections_make_the_key_in_any_order_once_all_are_there(key: DecoderKey) -> None:
    for order in permutations(key_change_tokens(key_change(key))):
        sections = KeySections(key.algorithm)
        for count, section in enumerate(order):
            assert sections.received_key() is None
            assert sections.held == count
            sections = sections.with_section(section)
        assert sections.held == sections.needed
        assert sections.received_key() == ReceivedKey(
            decoder_key=key,
            key_revision_number=KeyRevisionNumber(3),
            key_type=KeyType.UNIQUE,
            key_expiry_number=KeyExpiryNumber(0xA5),
            tariff_index=TariffIndex("27"),
            supply_group_code=SupplyGroupCode("123457") if key is EA11_KEY else None,
            rollover=True,
        )


def test_a_section_entered_again_replaces_the_earlier_one() -> None:
    first, second = key_change_tokens(key_change(EA07_KEY))
    sections = KeySections(EA07_KEY.algorithm).with_section(replace(first, key_word=1))
    received = sections.with_section(first).with_section(second).received_key()
    assert received is not None
    assert received.decoder_key == EA07_KEY


def test_64_bit_keys_have_no_third_and_fourth_section() -> None:
    tokens = key_change_tokens(key_change(EA11_KEY))
    places = [KeySections(EA07_KEY.algorithm).has_place_for(token) for token in tokens]
    assert places == [True, False, False, True]
    assert all(KeySections(EA11_KEY.algorithm).has_place_for(token) for token in tokens)
    assert KeySections(EA09_KEY.algorithm).needed == 2


def test_halves_of_two_supply_groups_can_make_a_code_that_does_not_exist() -> None:
    first, _, _, second = key_change_tokens(key_change(EA11_KEY))
    sections = KeySections(EA11_KEY.algorithm).with_section(first).with_section(second)
    highest = 999999
    for number in (highest, highest + 1):
        low = Set3rdSectionDecoderKey(key_word=0, supply_group_low=number & 0xFFF)
        high = Set4thSectionDecoderKey(key_word=0, supply_group_high=number >> 12)
        full = sections.with_section(low).with_section(high)
        if number == highest:
            assert full.received_key() is not None
        else:
            with pytest.raises(InvalidField, match="supply group code"):
                full.received_key()


def test_no_repr_of_collected_sections_shows_a_key() -> None:
    first, second = key_change_tokens(key_change(EA07_KEY))
    shown = repr(KeySections(EA07_KEY.algorithm).with_section(first).with_section(second))
    assert str(first.key_word) not in shown
    assert str(second.key_word) not in shown
