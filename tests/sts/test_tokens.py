"""The token classes: what they refuse, and how a key change is split into sections."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given

from sts.errors import InvalidField
from sts.key_data import (
    KeyExpiryNumber,
    KeyRevisionNumber,
    KeyType,
    TariffIndex,
)
from sts.meter_number import ManufacturerCode
from sts.token_identifier import TokenIdentifier
from sts.tokens.credit import Resource, TransferCredit
from sts.tokens.key_change import (
    Set1stSectionDecoderKey,
    Set2ndSectionDecoderKey,
    Set3rdSectionDecoderKey,
    Set4thSectionDecoderKey,
    key_change_tokens,
)
from sts.tokens.kinds import READERS, Token
from sts.tokens.management import (
    ClearCredit,
    ClearTamperCondition,
    SetMaximumPhasePowerUnbalanceLimit,
    SetMaximumPowerLimit,
    SetTariffRate,
    SetWaterMeterFactor,
)
from sts.tokens.meter_test import InitiateMeterTest
from sts.tokens.reserved import ReservedToken
from sts.units import PowerLimit, TransferAmount
from tests.support.sts_tokens import EA07_KEY, EA11_KEY, KINDS, bits, key_change, tokens

if TYPE_CHECKING:
    from collections.abc import Callable

DATED: dict[str, Any] = {"token_identifier": TokenIdentifier(0), "random": 0}
FIRST: dict[str, Any] = {
    "key_word": 0,
    "key_expiry_number_high": 0,
    "key_revision_number": KeyRevisionNumber(1),
    "rollover": False,
    "key_type": KeyType.UNIQUE,
}
SECOND: dict[str, Any] = {
    "key_word": 0,
    "key_expiry_number_low": 0,
    "tariff_index": TariffIndex("01"),
}
THIRD: dict[str, Any] = {"key_word": 0, "supply_group_low": 0}
FOURTH: dict[str, Any] = {"key_word": 0, "supply_group_high": 0}


@given(tokens)
def test_the_reader_of_its_class_and_subclass_reads_every_payload(token: Token) -> None:
    assert READERS[token.token_class, token.subclass](token.payload) == token


def test_every_kind_of_token_has_a_strategy_and_a_reader() -> None:
    known = {(0, n) for n in range(8)} | {(1, 0), (1, 1)} | {(2, n) for n in range(10)}
    assert set(READERS) == known
    assert len(KINDS) == len(known) - 6  # one strategy for the four resources, twice


@pytest.mark.parametrize(
    "make",
    [
        lambda random: TransferCredit(
            resource=Resource.GAS,
            amount=TransferAmount(1),
            token_identifier=TokenIdentifier(0),
            random=random,
        ),
        lambda random: SetMaximumPowerLimit(**DATED | {"random": random}, power=PowerLimit(1)),
        lambda random: SetMaximumPhasePowerUnbalanceLimit(
            **DATED | {"random": random}, power=PowerLimit(1)
        ),
        lambda random: ClearCredit(**DATED | {"random": random}, register=0),
        lambda random: SetTariffRate(**DATED | {"random": random}, rate=0),
        lambda random: ClearTamperCondition(**DATED | {"random": random}),
        lambda random: SetWaterMeterFactor(**DATED | {"random": random}, factor=0),
    ],
    ids=range(7),
)
def test_random_has_four_bits(make: Callable[[int], Token]) -> None:
    for fits in (0, 15):
        make(fits)
    for wide in (-1, 16):
        with pytest.raises(InvalidField, match="random"):
            make(wide)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda value: ClearCredit(**DATED, register=value), "register"),
        (lambda value: SetTariffRate(**DATED, rate=value), "tariff rate"),
        (lambda value: ClearTamperCondition(**DATED, pad=value), "pad"),
        (lambda value: SetWaterMeterFactor(**DATED, factor=value), "water meter factor"),
    ],
    ids=range(4),
)
def test_raw_settings_have_16_bits(make: Callable[[int], Token], name: str) -> None:
    for fits in (0, 0xFFFF):
        make(fits)
    for wide in (-1, 0x10000):
        with pytest.raises(InvalidField, match=name):
            make(wide)


def test_a_tamper_token_is_issued_with_an_empty_pad() -> None:
    assert ClearTamperCondition(**DATED).pad == 0


@pytest.mark.parametrize(("code", "width"), [("00", 36), ("0000", 28)])
def test_the_manufacturer_code_leaves_so_many_control_bits(code: str, width: int) -> None:
    manufacturer = ManufacturerCode(code)
    for fits in (0, (1 << width) - 1):
        InitiateMeterTest(control=fits, manufacturer_code=manufacturer)
    for wide in (-1, 1 << width):
        with pytest.raises(InvalidField, match=f"{width} bits"):
            InitiateMeterTest(control=wide, manufacturer_code=manufacturer)


def test_the_manufacturer_code_is_written_in_binary() -> None:
    short = InitiateMeterTest(control=1, manufacturer_code=ManufacturerCode("21"))
    long = InitiateMeterTest(control=1, manufacturer_code=ManufacturerCode("1234"))
    assert (short.subclass, short.payload) == (0, 0x115)
    assert (long.subclass, long.payload) == (1, 0x104D2)


@pytest.mark.parametrize(
    ("make", "field", "maximum"),
    [
        (lambda n: Set1stSectionDecoderKey(**FIRST | {"key_expiry_number_high": n}), "high", 15),
        (lambda n: Set2ndSectionDecoderKey(**SECOND | {"key_expiry_number_low": n}), "low", 15),
        (lambda n: Set3rdSectionDecoderKey(**THIRD | {"supply_group_low": n}), "low", 4095),
        (lambda n: Set4thSectionDecoderKey(**FOURTH | {"supply_group_high": n}), "high", 4095),
    ],
    ids=range(4),
)
def test_halves_of_expiry_and_supply_group_must_fit(
    make: Callable[[int], Token], field: str, maximum: int
) -> None:
    for fits in (0, maximum):
        make(fits)
    for wide in (-1, maximum + 1):
        with pytest.raises(InvalidField, match=f"{field} half"):
            make(wide)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (Set1stSectionDecoderKey, FIRST),
        (Set2ndSectionDecoderKey, SECOND),
        (Set3rdSectionDecoderKey, THIRD),
        (Set4thSectionDecoderKey, FOURTH),
    ],
)
def test_a_key_word_has_32_bits_and_never_shows(
    kind: Callable[..., Token], fields: dict[str, Any]
) -> None:
    section = kind(**fields | {"key_word": 0xDEADBEEF})
    assert str(0xDEADBEEF) not in repr(section)
    assert "deadbeef" not in repr(section).lower()
    for wide in (-0xDEADBEEF, 0xDEADBEEF << 1):
        with pytest.raises(InvalidField, match="key word") as refused:
            kind(**fields | {"key_word": wide})
        assert str(wide) not in str(refused.value)
    for carry_out in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not pickled"):
            carry_out(section)


@given(bits(44))
def test_a_reserved_token_shows_no_payload(payload: int) -> None:
    token = ReservedToken(token_class=2, subclass=3, payload=payload)
    assert repr(token) == "ReservedToken(token_class=2, subclass=3)"


@pytest.mark.parametrize(
    ("token_class", "subclass", "holds"),
    [(2, 3, True), (2, 4, True), (2, 8, True), (2, 9, True), (2, 10, False), (1, 3, False)],
)
def test_a_reserved_token_knows_whether_it_is_part_of_a_key(
    token_class: int,
    subclass: int,
    holds: bool,  # noqa: FBT001 (a parameter of the test)
) -> None:
    token = ReservedToken(token_class=token_class, subclass=subclass, payload=0)
    assert token.holds_key_bits is holds


def test_a_64_bit_key_goes_out_in_two_sections() -> None:
    first, second = key_change_tokens(key_change(EA07_KEY))
    assert first.payload == 0xA3A_0ABC12DE  # KENHO, KRN of the new key, RO 1 3KCT 0 KT 2, NKHO
    assert second.payload == 0x51B_F3456789  # KENLO, TI 27 in binary, NKLO
    assert (first.subclass, second.subclass) == (3, 4)


def test_a_128_bit_key_goes_out_in_the_order_of_its_bytes() -> None:
    sections = key_change_tokens(key_change(EA11_KEY, rollover=False))
    assert [section.subclass for section in sections] == [3, 8, 9, 4]
    assert [section.payload for section in sections] == [
        0xA32_F94B6ED3,
        0x241_53C3BFDB,  # SGCLO of 123457 = 0x01E241, and the second word of the key
        0x01E_113E2D3A,  # SGCHO, and the third word
        0x51B_7EA3C41D,
    ]


@pytest.mark.parametrize(("number", "high", "low"), [(0, 0, 0), (255, 15, 15), (0x1F, 1, 15)])
def test_the_key_expiry_number_is_split_high_half_first(number: int, high: int, low: int) -> None:
    change = key_change(EA07_KEY, key_expiry_number=KeyExpiryNumber(number))
    first, second = key_change_tokens(change)
    assert isinstance(first, Set1stSectionDecoderKey)
    assert isinstance(second, Set2ndSectionDecoderKey)
    assert (first.key_expiry_number_high, second.key_expiry_number_low) == (high, low)


@pytest.mark.parametrize("resource", Resource)
def test_every_resource_has_its_unit(resource: Resource) -> None:
    units = {"ELECTRICITY": "kWh", "WATER": "m3", "GAS": "m3", "TIME": "min"}
    assert resource.unit == units[resource.name]
