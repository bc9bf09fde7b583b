"""Tokens in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from sts.base_date import BaseDate
from sts.describe import describe, describe_digits
from sts.errors import CrcMismatch, TokenMalformed
from sts.meter_number import ManufacturerCode
from sts.token_identifier import TokenIdentifier
from sts.tokens.credit import Resource, TransferCredit
from sts.tokens.currency_credit import CurrencyCredit
from sts.tokens.digits import to_digits
from sts.tokens.key_change import key_change_tokens
from sts.tokens.management import (
    ALL_REGISTERS,
    ClearCredit,
    ClearTamperCondition,
    SetMaximumPhasePowerUnbalanceLimit,
    SetMaximumPowerLimit,
    SetTariffRate,
    SetWaterMeterFactor,
)
from sts.tokens.meter_test import InitiateMeterTest
from sts.tokens.reserved import ReservedToken
from sts.units import CurrencyAmount, PowerLimit, TransferAmount
from tests.support.sts_tokens import EA11_KEY, key_change, tokens

if TYPE_CHECKING:
    from sts.tokens.kinds import Token

TID = TokenIdentifier(0x19EB23)
CREDIT = TransferCredit(
    resource=Resource.ELECTRICITY, amount=TransferAmount(256), token_identifier=TID, random=11
)


def test_credit_is_told_in_full_with_its_base_date() -> None:
    assert describe(CREDIT, BaseDate.YEAR_1993) == [
        ("kind", "electricity credit"),
        ("class", "0, subclass 0"),
        ("amount", "25.6 kWh"),
        ("token identifier", "1698595 (0x19eb23), high byte 25"),
        ("issued", "1996-03-25 13:55 UTC, base date 1993"),
        ("random", "11"),
    ]


def test_without_a_base_date_no_time_is_made_up() -> None:
    assert "issued" not in dict(describe(CREDIT))


def test_the_base_date_of_the_key_decides_the_time() -> None:
    assert dict(describe(CREDIT, BaseDate.YEAR_2014))["issued"].startswith("2017-03-25 13:55")


def test_currency_is_told_with_its_sign_and_has_no_random_bits() -> None:
    token = CurrencyCredit(
        resource=Resource.WATER, amount=CurrencyAmount.parse("-0.5"), token_identifier=TID
    )
    rows = dict(describe(token))
    assert rows["kind"] == "water credit in currency"
    assert rows["class"] == "0, subclass 5"
    assert rows["amount"] == "-0.49994"
    assert "random" not in rows


@pytest.mark.parametrize(
    ("token", "kind", "label", "value"),
    [
        (
            SetMaximumPowerLimit(power=PowerLimit(5000), token_identifier=TID, random=1),
            "set maximum power limit",
            "limit",
            "5000 W",
        ),
        (
            SetMaximumPhasePowerUnbalanceLimit(
                power=PowerLimit(20004), token_identifier=TID, random=1
            ),
            "set maximum phase power unbalance",
            "limit",
            "20004 W",
        ),
        (
            ClearCredit(register=3, token_identifier=TID, random=1),
            "clear credit",
            "register",
            "3",
        ),
        (
            ClearCredit(register=ALL_REGISTERS, token_identifier=TID, random=1),
            "clear credit",
            "register",
            "all",
        ),
        (
            SetTariffRate(rate=7, token_identifier=TID, random=1),
            "set tariff rate",
            "rate",
            "7",
        ),
        (
            ClearTamperCondition(pad=9, token_identifier=TID, random=1),
            "clear tamper condition",
            "pad",
            "9",
        ),
        (
            SetWaterMeterFactor(factor=8, token_identifier=TID, random=1),
            "set water meter factor",
            "factor",
            "8",
        ),
    ],
    ids=range(7),
)
def test_settings_are_told_with_what_they_set(
    token: Token, kind: str, label: str, value: str
) -> None:
    rows = dict(describe(token))
    assert rows["kind"] == kind
    assert rows[label] == value
    assert rows["random"] == "1"


def test_key_sections_tell_everything_but_the_key() -> None:
    rows = [dict(describe(section)) for section in key_change_tokens(key_change(EA11_KEY))]
    assert [row.pop("key word") for row in rows] == ["not shown"] * 4
    assert rows == [
        {
            "kind": "key change, 1st section",
            "class": "2, subclass 3",
            "new key revision number": "3",
            "new key type": "2 (unique)",
            "new key expiry number, high half": "10",
            "rollover": "yes",
            "third key change token": "no",
        },
        {
            "kind": "key change, 3rd section",
            "class": "2, subclass 8",
            "new supply group code, low half": "577",
        },
        {
            "kind": "key change, 4th section",
            "class": "2, subclass 9",
            "new supply group code, high half": "30",
        },
        {
            "kind": "key change, 2nd section",
            "class": "2, subclass 4",
            "new tariff index": "27",
            "new key expiry number, low half": "5",
        },
    ]


def test_a_test_token_is_told_whole_from_its_digits() -> None:
    assert describe_digits("5649 3153 7254 5031 3471") == [
        ("digits", "5649 3153 7254 5031 3471"),
        ("kind", "meter test or display"),
        ("class", "1, subclass 0"),
        ("control", "0xfffffffff"),
        ("manufacturer code", "00"),
    ]
    token = InitiateMeterTest(control=4, manufacturer_code=ManufacturerCode("0000"))
    assert dict(describe(token))["class"] == "1, subclass 1"


@pytest.mark.parametrize(
    ("token_class", "kind"),
    [(0, "credit, encrypted"), (2, "management, encrypted")],
)
def test_of_other_digits_only_the_class_is_told_without_a_key(token_class: int, kind: str) -> None:
    rows = dict(describe_digits(to_digits(token_class, 0)))
    assert rows["kind"] == kind
    assert rows["class"] == str(token_class)
    assert "decoder key" in rows["note"]


def test_class_3_is_told_raw_from_its_digits() -> None:
    assert describe_digits(to_digits(3, 0x1000000000070000))[1:] == [
        ("kind", "reserved, no known meaning"),
        ("class", "3, subclass 1"),
        ("payload", "0x00000000007"),
    ]


def test_digits_that_cannot_be_read_raise() -> None:
    with pytest.raises(TokenMalformed):
        describe_digits("12")
    with pytest.raises(CrcMismatch):
        describe_digits(to_digits(1, 0))


@pytest.mark.parametrize(
    ("subclass", "payload"), [(10, "0x00000abc123"), (3, "not shown, part of a key")]
)
def test_a_reserved_payload_is_told_raw_unless_it_is_part_of_a_key(
    subclass: int, payload: str
) -> None:
    token = ReservedToken(token_class=2, subclass=subclass, payload=0xABC123)
    assert describe(token) == [
        ("kind", "reserved, no known meaning"),
        ("class", f"2, subclass {subclass}"),
        ("payload", payload),
    ]


@given(tokens)
def test_every_token_can_be_told(token: Token) -> None:
    labels = [label for label, _ in describe(token, BaseDate.YEAR_2035)]
    assert labels[:2] == ["kind", "class"]
    assert len(set(labels)) == len(labels)
